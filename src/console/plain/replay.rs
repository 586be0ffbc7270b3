//! A replay in the text console: says where it stands, and plays on when told. A live source says nothing here.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;

use crate::console::view::format;
use crate::ports::{Client, Moment, Transport};

/// Time between looks at the recording's clock, which tells nobody when it stops.
const LOOK: Duration = Duration::from_millis(200);

/// Where a replay stands, as far as it was said.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Standing {
    Playing,
    Held,
    Paused,
    Ended(String),
}

/// Watches the clock of a recording.
pub struct Watch {
    transport: Option<Arc<dyn Transport>>,
    said: Standing,
    /// The long wait that was told last.
    passing: Option<Duration>,
}

impl Watch {
    pub fn of(client: &dyn Client) -> Self {
        Self { transport: client.transport(), said: Standing::Playing, passing: None }
    }

    /// Returns when there may be news; never for a live source.
    pub async fn due(&self) {
        match self.transport {
            Some(_) => tokio::time::sleep(LOOK).await,
            None => std::future::pending().await,
        }
    }

    /// A sentence when it stands elsewhere than last said.
    pub fn news(&mut self) -> Option<String> {
        let moment = self.transport.as_ref()?.moment();
        let now = standing(&moment);
        if now == self.said {
            let before = std::mem::replace(&mut self.passing, moment.passing);
            let passing = moment.passing.filter(|passing| before != Some(*passing));
            return passing
                .and_then(|lasted| TimeDelta::from_std(lasted).ok())
                .map(|lasted| format!("… {} later", format::whole_span(lasted)));
        }
        self.said = now;
        match &self.said {
            Standing::Playing => None,
            Standing::Held => Some("The replay waits here. Decide, or `play` to continue as recorded.".to_owned()),
            Standing::Paused => Some("The replay is paused; `play` continues it.".to_owned()),
            Standing::Ended(reason) => Some(format!("The replay is over: {reason}.")),
        }
    }

    /// Plays or pauses, or says why that cannot be.
    pub fn toggle(&self) -> Result<(), &'static str> {
        match &self.transport {
            Some(transport) => {
                transport.toggle();
                Ok(())
            }
            None => Err("this is not a recording: what is shown here is live"),
        }
    }
}

fn standing(moment: &Moment) -> Standing {
    match &moment.ended {
        Some(reason) => Standing::Ended(reason.clone()),
        None if moment.held => Standing::Held,
        None if moment.playing => Standing::Playing,
        None => Standing::Paused,
    }
}
