//! `query_metrics` against a real Prometheus: the value now, a range, no series, and what is not PromQL.

use std::sync::Arc;

use morningai::domain::FailureKind;
use morningai::ports::SystemClock;
use morningai::tools::monitoring::{Endpoint, QueryMetrics};
use serde_json::json;

use super::Bench;
use crate::support::machine::Machine;
use crate::support::prometheus::Prometheus;

#[tokio::test(flavor = "multi_thread")]
async fn a_real_prometheus_answers() {
    let machine = Machine::new();
    let started = tokio::task::block_in_place(|| Prometheus::of_itself(&machine));
    let Some(prometheus) = started else {
        eprintln!("not tested: there is no prometheus here");
        return;
    };
    let endpoint = Endpoint::new(&prometheus.url).unwrap();
    let bench = Bench::plain().with(Arc::new(QueryMetrics::new(Some(endpoint), Arc::new(SystemClock))));
    let now = bench.done("query_metrics", json!({ "query": "up" })).await;
    assert!(now.summary.raw().starts_with("up{") && now.summary.raw().ends_with("} is 1"), "{now:?}");
    assert_eq!(now.data.unwrap(), json!({ "series": 1 }));

    let range = bench.done("query_metrics", json!({ "query": "sum by (job) (up)", "range": "15m" })).await;
    let text = range.output.head.raw();
    assert!(text.starts_with("{job=\"prometheus\"}  now 1, least 1, most 1\n") && text.contains('┤'), "{text}");

    let none = bench.done("query_metrics", json!({ "query": "absent_metric" })).await;
    assert_eq!(none.summary.raw(), "no series");
    assert!(none.output.head.raw().contains("may be absent"), "{none:?}");

    for (query, reason) in
        [("rate(up)", "expected type range vector"), ("up * on (job) go_gc_duration_seconds", "many")]
    {
        let refused = bench.call("query_metrics", json!({ "query": query })).await;
        assert_eq!(refused.failure, Some(FailureKind::Failed), "{refused:?}");
        assert!(refused.summary.raw().contains(reason), "{refused:?}");
    }
}
