//! `morningai attach`: the console on a server elsewhere, with a token or with a session that lasts as long as it.

use std::io::IsTerminal;
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use secrecy::SecretString;

use super::Wire;
use super::console::ended;
use super::sign_in::{TOKEN_VARIABLE, sign_in};
use crate::cli::{AttachOptions, Exit, Failure};
use crate::client::RemoteClient;
use crate::client::remote::{DialError, DialErrorKind, Session, Target, TokenSource, Trust};
use crate::console::Launcher;
use crate::console::state::{Offer, Offers};
use crate::console::theme::Theme;
use crate::console::update::{Launch, LaunchKind};
use crate::domain::{RunId, RunSpec};
use crate::ports::{ClientError, Sought};
use crate::server::read_token;
use crate::{console, protocol};

impl Wire {
    /// The console on a server, until the person leaves it.
    pub async fn attach(self: Arc<Self>, options: AttachOptions) -> Result<Exit, Failure> {
        self.check_console()?;
        let trust = options.tls_ca.as_ref().map_or(Trust::Machine, |path| Trust::File(self.places.resolve(path)));
        let target =
            Target::parse(&options.server, trust).map_err(|error| Failure::usage(error.message).next(error.hint))?;
        let (client, session) = self.let_in(&options, target).await?;
        let shown = self.show_attached(client).await;
        if let Some(session) = session {
            session.end().await;
        }
        shown
    }

    async fn show_attached(&self, client: RemoteClient) -> Result<Exit, Failure> {
        let client = Arc::new(client);
        let launcher = Arc::new(RemoteDesk { client: client.clone() });
        if self.options.plain {
            return self.talk(client.person(), client, launcher).await;
        }
        let mut options = self.console_options(launcher)?;
        options.person = client.person();
        ended(console::run(client, options).await)
    }

    /// Attaches with a token, if there is one, or else with a session that is begun for it. The token of this machine's
    /// own server is presented to this machine alone; where that server has accounts by now, people sign in.
    async fn let_in(
        &self,
        options: &AttachOptions,
        target: Target,
    ) -> Result<(RemoteClient, Option<Session>), Failure> {
        if let Some(source) = self.given_token(options)? {
            return Ok((RemoteClient::connect(target, source).await?, None));
        }
        let own = self.places.paths.data_dir().join(protocol::TOKEN_FILE);
        if target.is_here() && own.exists() {
            let source = usable(from_file(own))?;
            match RemoteClient::connect(target.clone(), source).await {
                Err(error) if error.kind == DialErrorKind::Refused && std::io::stdin().is_terminal() => {}
                attached => return Ok((attached?, None)),
            }
        }
        let session = sign_in(&target, self.options.user.as_deref(), self.person.name()).await?;
        let token = session.token.clone();
        let client = RemoteClient::connect(target, Arc::new(move || Ok(token.clone()))).await;
        match client {
            Ok(client) => Ok((client, Some(session))),
            Err(error) => {
                session.end().await;
                Err(error.into())
            }
        }
    }

    /// The token that was named, in a file or in the environment.
    fn given_token(&self, options: &AttachOptions) -> Result<Option<TokenSource>, Failure> {
        if let Some(path) = &options.token_file {
            return usable(from_file(self.places.resolve(path))).map(Some);
        }
        let given = std::env::var(TOKEN_VARIABLE).ok().filter(|token| !token.trim().is_empty());
        Ok(given.map(|token| {
            let token = SecretString::from(token.trim().to_owned());
            Arc::new(move || Ok(token.clone())) as TokenSource
        }))
    }
}

/// A source that has a token now.
fn usable(source: TokenSource) -> Result<TokenSource, Failure> {
    source().map_err(|error| Failure::usage(error.message).next(error.hint))?;
    Ok(source)
}

/// Read again for each connection, since it may have been renewed.
fn from_file(path: PathBuf) -> TokenSource {
    Arc::new(move || read_token(&path).map_err(|error| ClientError { message: error.to_string(), hint: error.hint }))
}

impl From<DialError> for Failure {
    fn from(error: DialError) -> Self {
        let exit = match error.kind {
            DialErrorKind::Unequipped => Exit::Usage,
            DialErrorKind::Refused => Exit::Refused,
            DialErrorKind::Unreachable | DialErrorKind::Tls | DialErrorKind::Foreign => Exit::Failed,
        };
        Self::new(exit, error.message).next(error.hint)
    }
}

/// Starts runs on the server.
struct RemoteDesk {
    client: Arc<RemoteClient>,
}

#[async_trait]
impl Launcher for RemoteDesk {
    async fn offers(&self) -> Offers {
        let offered = self.client.offers().await.unwrap_or_else(|error| {
            tracing::warn!(%error, "what can be started on the server is not known");
            protocol::Offers::default()
        });
        let shown = |offers: Vec<protocol::Offered>| {
            offers.into_iter().map(|offer| Offer { name: offer.name, description: offer.description }).collect()
        };
        Offers {
            agents: shown(offered.agents),
            procedures: shown(offered.procedures),
            themes: Theme::builtin_names().map(str::to_owned).collect(),
            past_goals: offered.past_goals,
            workspace: offered.workspace,
        }
    }

    async fn prepare(&self, launch: &Launch) -> Result<(RunId, RunSpec), ClientError> {
        let kind = match &launch.kind {
            LaunchKind::Agent(name) => protocol::LaunchKind::Agent(name.clone()),
            LaunchKind::Procedure(name) => protocol::LaunchKind::Procedure(name.clone()),
        };
        let (goal, workspace) = (launch.goal.clone(), launch.workspace.clone());
        self.client.prepare(protocol::Launch { kind, goal, workspace }).await
    }

    async fn complete(&self, sought: &Sought) -> Vec<String> {
        self.client.complete(sought).await.unwrap_or_default()
    }

    async fn remember(&self, goal: &str) {
        if let Err(error) = self.client.remember(goal).await {
            tracing::warn!(%error, "the goal was not kept for the next time");
        }
    }
}
