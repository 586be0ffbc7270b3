//! Sources that are asked over HTTP what fires: one table, for those whom they cannot call.

use std::time::Duration;

use async_trait::async_trait;
use reqwest::{Client as Http, Url};

use super::group::LARGEST_BODY;
use super::groups::Groups;
use super::look::{Failed, Look};
use super::unreadable::Unreadable;
use super::{alertmanager, http, prometheus};
use crate::domain::Timestamp;
use crate::ports::Client;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// What can be asked.
#[derive(Debug)]
pub struct Asked {
    /// What it is, in the words of an error.
    pub name: &'static str,
    path: [&'static str; 3],
    silent: &'static str,
    usual: &'static str,
    read: fn(&[u8], &[String]) -> Result<Groups, Unreadable>,
}

pub static ALERTMANAGER: Asked = Asked {
    name: "an Alertmanager",
    path: ["api", "v2", "alerts/groups"],
    silent: "AlertmanagerSilent",
    usual: "http://localhost:9093",
    read: alertmanager::read_groups,
};

pub static PROMETHEUS: Asked = Asked {
    name: "a Prometheus",
    path: ["api", "v1", "alerts"],
    silent: "PrometheusSilent",
    usual: "http://localhost:9090",
    read: prometheus::read_groups,
};

/// An address that nothing can be asked at.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{address:?} is not the address of {name}")]
pub struct BadAddress {
    address: String,
    name: &'static str,
    pub hint: String,
}

impl BadAddress {
    pub(super) fn of(asked: &Asked, address: &str) -> Self {
        let hint = format!("write it as its own web page has it: {}", asked.usual);
        Self { address: address.to_owned(), name: asked.name, hint }
    }
}

/// One that is asked.
pub struct Source {
    asked: &'static Asked,
    http: Http,
    question: Url,
    name: String,
    by: Vec<String>,
}

impl Source {
    pub(super) fn new(asked: &'static Asked, address: &str, by: &[String]) -> Result<Self, BadAddress> {
        let bad = || BadAddress::of(asked, address);
        let (mut question, name) = http::address(address).ok_or_else(bad)?;
        let path = asked.path.iter().flat_map(|part| part.split('/'));
        question.path_segments_mut().map_err(|()| bad())?.pop_if_empty().extend(path);
        let http = http::client(&question, PATIENCE).map_err(|_| bad())?;
        Ok(Self { asked, http, question, name, by: by.to_vec() })
    }
}

#[async_trait]
impl Look for Source {
    fn name(&self) -> &str {
        &self.name
    }

    fn silent(&self) -> &'static str {
        self.asked.silent
    }

    async fn look(&self, _: &dyn Client, _: Timestamp) -> Result<Groups, Failed> {
        let fetched = http::fetch(&self.http, &self.question, LARGEST_BODY, PATIENCE).await;
        let (status, body) = fetched.map_err(Failed::Source)?;
        if !(200..300).contains(&status) {
            return Err(Failed::Source(format!("it answers with status {status}")));
        }
        (self.asked.read)(&body, &self.by).map_err(|error| Failed::Source(error.message))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_checked_and_their_passwords_are_not_shown() {
        let source = Source::new(&ALERTMANAGER, "http://ana:secret@localhost:9093/am/", &[]).ok().unwrap();
        assert_eq!(source.question.path(), "/am/api/v2/alerts/groups");
        assert_eq!(source.name, "http://localhost:9093/am");
        let source = Source::new(&PROMETHEUS, "http://localhost:9090", &[]).ok().unwrap();
        assert_eq!(source.question.path(), "/api/v1/alerts");
        for bad in ["", "localhost:9093", "file:///etc/passwd", "ftp://x"] {
            let error = Source::new(&PROMETHEUS, bad, &[]).err().unwrap();
            assert!(error.to_string().ends_with("is not the address of a Prometheus"), "{error}");
        }
    }
}
