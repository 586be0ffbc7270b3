//! The query whose answer made an incident's alerts fire, as Prometheus writes it into the address of the rule.
//!
//! It is an outsider's text: it is shown, and asked of nobody but the Prometheus of the configuration. The address itself is
//! never asked.

use std::cmp::Reverse;

use percent_encoding::percent_decode_str;

use super::row::Incident;
use crate::domain::Untrusted;

/// Bytes of a query.
const LONGEST: usize = 1024;

impl Incident {
    /// The query of the worst alert that fires, the oldest of several; after all have cleared, of those that did.
    pub fn metric(&self) -> Option<Untrusted> {
        let mut alerts: Vec<_> = self.alerts.values().collect();
        alerts
            .sort_by_key(|state| (state.cleared_at.is_some(), Reverse(state.alert.severity()), state.alert.starts_at));
        alerts.into_iter().find_map(|state| query(state.alert.url.raw()))
    }
}

/// `g0.expr` of `http://prometheus:9090/graph?g0.expr=up+%3D%3D+0&g0.tab=1`.
fn query(address: &str) -> Option<Untrusted> {
    let (_, parameters) = address.split_once('?')?;
    let parameters = parameters.split('#').next().unwrap_or_default();
    let written = parameters.split('&').find_map(|pair| pair.strip_prefix("g0.expr="))?;
    let spaced = written.replace('+', " ");
    let read = percent_decode_str(&spaced).decode_utf8().ok()?;
    // One that was cut short would be another query.
    let is_whole = !read.trim().is_empty() && read.len() <= LONGEST && !address.ends_with('…');
    is_whole.then(|| read.trim().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_query_of_a_rule_is_read_from_its_address() {
        let read = |address: &str| query(address).map(Untrusted::into_raw);
        let graph = "http://p:9090/graph?g0.expr=rate%28errors%7Bjob%3D%22a+b%22%7D%5B5m%5D%29+%3E+0.5&g0.tab=1#x";
        assert_eq!(read(graph).as_deref(), Some("rate(errors{job=\"a b\"}[5m]) > 0.5"));
        assert_eq!(read("http://p/graph?g0.tab=1&g0.expr=1%2B1").as_deref(), Some("1+1"));
        let long = format!("http://p/graph?g0.expr={}", "a".repeat(LONGEST + 1));
        let cut = "http://p/graph?g0.expr=up%3D…";
        for none in ["http://p/g", "http://p/graph?g0.expr=", "http://p/graph?g0.expr=%FF", &long, cut] {
            assert_eq!(read(none), None, "{none}");
        }
    }
}
