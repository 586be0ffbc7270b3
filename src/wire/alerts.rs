//! Where alerts come from: how they are put together, who is asked for them, and what opens the receiver.

use std::path::PathBuf;

use secrecy::SecretString;

use super::Wire;
use crate::cli::Failure;
use crate::config::{Matching, SecretSource};
use crate::feeds::{BadAddress, Grouping, Poller, Runbooks};
use crate::kinds::Labels;
use crate::server::{Hooks, own_token};

/// The file of the receivers' token in the data directory, where the configuration names none.
const TOKEN_FILE: &str = "hooks.token";

impl Wire {
    /// As the configuration has it, and the runbooks as they are now.
    pub(super) fn alert_grouping(&self) -> Grouping {
        let procedures = self.procedures();
        let runbooks = procedures.iter().filter(|(_, procedure)| !procedure.matching.is_empty());
        let runbooks: Vec<_> =
            runbooks.map(|(name, procedure)| (name.to_owned(), procedure.matching.clone())).collect();
        let runbooks = Runbooks::new(move |labels| best(&runbooks, labels));
        Grouping { by: self.config.incidents.group_by.clone(), runbooks }
    }

    /// Who asks an Alertmanager, where one is named.
    pub(super) fn poller(&self) -> Result<Option<Poller>, Failure> {
        let named = self.options.alertmanager.as_ref().or(self.config.incidents.alertmanager.as_ref());
        let Some(address) = named.filter(|address| !address.trim().is_empty()) else { return Ok(None) };
        let poller = Poller::new(address, self.alert_grouping());
        poller.map(Some).map_err(|error| Failure::usage(error.to_string()).next(BadAddress::HINT))
    }

    /// What opens the receivers, and how a sender is told to find that.
    pub(super) fn hooks(&self) -> Result<(Hooks, TokenPlace), Failure> {
        let named = &self.config.incidents.tokens;
        let base = self.places.paths.config_dir();
        let env = |name: &str| std::env::var(name).ok();
        let mut tokens: Vec<SecretString> = Vec::new();
        for source in named {
            let token = source.resolve(env, base);
            tokens
                .push(token.map_err(|error| Failure::usage(error.message).at("[incidents] tokens").next(error.hint))?);
        }
        let place = match named.first() {
            Some(SecretSource::File(path)) => TokenPlace::File(base.join(path)),
            Some(SecretSource::Env(_) | SecretSource::Command(_)) => TokenPlace::Elsewhere,
            None => {
                let path = self.places.paths.data_dir().join(TOKEN_FILE);
                tokens.push(own_token(&path).map_err(|error| Failure::usage(error.to_string()).next(error.hint))?);
                TokenPlace::File(path)
            }
        };
        Ok((Hooks::new(&tokens, self.alert_grouping()), place))
    }
}

/// Where the receivers' token is.
pub(super) enum TokenPlace {
    File(PathBuf),
    /// As the configuration says.
    Elsewhere,
}

impl TokenPlace {
    /// What goes into `alertmanager.yml` for it to post to `url`.
    pub(super) fn for_alertmanager(&self, url: &str) -> String {
        let credentials = match self {
            Self::File(path) => format!("credentials_file: {}", serde_json::Value::from(path.display().to_string())),
            Self::Elsewhere => "credentials: \"the token of [incidents] tokens\"".to_owned(),
        };
        format!(
            "webhook_configs:\n  - url: {url}/v1/hooks/alertmanager\n    http_config:\n      authorization:\n        {credentials}"
        )
    }
}

/// Of the runbooks that fit, the one that asks for most labels; of several such, the first by name.
fn best(runbooks: &[(String, Matching)], labels: &Labels) -> Option<String> {
    let fitting =
        runbooks.iter().filter_map(|(name, matching)| Some((matching.fits(|label| labels.get(label))?, name)));
    fitting.max_by_key(|(count, name)| (*count, std::cmp::Reverse(*name))).map(|(_, name)| name.clone())
}
