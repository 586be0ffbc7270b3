//! What is subscribed to: the configuration's plan, of the bundled plans or the user's own.

use std::sync::Arc;

use super::places::{self, Places};
use crate::billing::{Account, Plans};
use crate::cli::Failure;
use crate::config::{Config, read_plans};
use crate::domain::{Faults, SourceText};

/// `None` where no plan is named: nothing is limited then, and nothing charged.
pub(super) fn account(config: &Config, places: &Places) -> Result<Option<Arc<Account>>, Failure> {
    let section = &config.billing;
    if *section == Default::default() {
        return Ok(None);
    }
    let plans = match &section.plans {
        Some(path) => read_plans(&places::read(&places.resolve(path), "plans")?)?,
        None => bundled()?,
    };
    match section.account(plans) {
        Ok(account) => Ok(account.map(Arc::new)),
        // With the line, which the settings no longer know.
        Err(misfit) => {
            Err(Faults::from(misfit.fault(&places::read(places.paths.config_file(), "configuration")?)).into())
        }
    }
}

fn bundled() -> Result<Plans, Faults> {
    read_plans(&SourceText::new("the bundled plans", include_str!("../../assets/plans.toml")))
}
