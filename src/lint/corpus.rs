//! Rules that deserve a finding, each with the name of its check, and rules that deserve none.

use super::{CHECKS, Files, Finding};
use crate::domain::SourceText;

const FOUNDING: &str = include_str!("corpus/founding.yml");
const GOOD: &str = include_str!("corpus/good.yml");

fn found(text: &str) -> Vec<Finding> {
    Files::read(&[SourceText::new("alerts.yml", text)]).findings()
}

fn checks(text: &str) -> Vec<&'static str> {
    found(text).iter().map(|finding| finding.check).collect()
}

/// A file with one rule; `more` are further fields of it.
fn one(expr: &str, more: &str) -> String {
    let quoted = expr.replace('\'', "''");
    format!("groups:\n- name: g\n  rules:\n  - alert: A\n    expr: '{quoted}'\n    labels: {{severity: page}}\n{more}")
}

#[test]
fn each_rule_of_the_founding_plan_says_why_it_is_wrong() {
    let said: Vec<_> = found(FOUNDING)
        .into_iter()
        .map(|finding| {
            format!("{}:{} {} {}: {}", finding.line, finding.column, finding.alert, finding.check, finding.message)
        })
        .collect();
    insta::assert_snapshot!(said.join("\n"));
}

#[test]
fn good_rules_are_left_alone() {
    let files = Files::read(&[SourceText::new("good.yml", GOOD)]);
    assert_eq!(files.findings(), []);
    assert!(files.alerts() > 35, "{}", files.alerts());
}

#[test]
fn expressions_that_cannot_mean_what_they_say_are_found() {
    let cases: &[(&str, &[&str])] = &[
        ("rate(x[5m]", &["does-not-parse"]),
        ("rate(x_total)", &["does-not-parse"]),
        ("count(up == 1) == 0", &["never-fires"]),
        ("count by (job) (up) < 1", &["never-fires"]),
        ("sum(x_jobs > 0) == 0", &["never-fires"]),
        ("absent(up{job=\"a\"}) == 0", &["never-fires"]),
        ("up > 1", &["never-fires"]),
        ("2 <= up", &["never-fires"]),
        ("sum(rate(x_total{code=~\"5..\"}[5m])) / sum(rate(x_total[5m])) > 5", &["never-fires"]),
        ("sum(rate(x_total{code=~\"5..\"}[5m])) / sum(rate(x_total[5m])) * 100 > 100", &["never-fires"]),
        ("rate(x_total[5m]) < 0", &["never-fires"]),
        ("hour() > 23", &["never-fires"]),
        ("node_filesystem_avail_bytes < 0", &["never-fires"]),
        ("rate(x_total{code=~\"5..\"}[5m]) / rate(x_total[5m]) > 0.05", &["always-fires"]),
        ("up >= 0", &["always-fires"]),
        ("up == bool 0", &["always-fires"]),
        ("node_md_disks", &["always-fires"]),
        ("sum by (job) (rate(x_total[5m]))", &["always-fires"]),
        ("histogram_quantile(95, sum by (le) (rate(x_bucket[5m]))) > 1", &["bad-quantile"]),
        ("histogram_quantile(0.9, sum by (job) (rate(x_bucket[5m]))) > 1", &["bad-quantile"]),
        ("histogram_quantile(0.9, sum by (le) (x_bucket)) > 1", &["bad-quantile"]),
        ("quantile_over_time(99, x[5m]) > 1", &["bad-quantile"]),
        ("x_errors_total > 10", &["counter-without-rate"]),
        ("sum by (job) (x_errors_total) > 10", &["counter-without-rate"]),
        ("x_errors_total / x_requests_total > 0.1", &["counter-without-rate"]),
        ("rate(node_memory_MemFree_bytes[5m]) > 10", &["rate-of-gauge"]),
        ("delta(x_total[5m]) > 10", &["delta-of-counter"]),
        ("rate(sum(x_total)[5m:1m]) > 10", &["rate-of-sum"]),
        ("rate(x_total[15s]) > 10", &["range-too-short"]),
        ("sum by (job, instance) (a) / sum by (job) (b) > 1", &["never-joins"]),
        ("up == 0 and sum(x) > 3", &["never-joins"]),
        ("a{job=\"x\"} / b{job=\"y\"} > 1", &["never-joins"]),
        ("sum by (job) (a) / on (instance) b > 1", &["never-joins"]),
        ("up == 0 unless sum by (job) (maintenance) > 0", &["never-joins"]),
        ("sum by (job, code) (a) / on (job) sum by (job) (b) > 1", &["needs-group-left"]),
        ("sum by (job) (a) / ignoring (code) sum by (job, code) (b) > 1", &["needs-group-left"]),
        ("absent(up{job=~\"a|b\"})", &["absent-of-several"]),
        ("a{x!~\".*\"} > 1", &["matches-nothing"]),
        ("a{x=\"1\", x!=\"1\"} > 1", &["matches-nothing"]),
        ("a{x=\"1\", x=~\"2|3\"} > 1", &["matches-nothing"]),
        ("a{code=\"5..\"} > 1", &["pattern-without-regex"]),
        ("a{path!=\"/api/.*\"} > 1", &["pattern-without-regex"]),
        ("a{job=\"x|y\"} > 1", &["pattern-without-regex"]),
        ("a{job=~\"api\"} > 1", &["plain-regex"]),
    ];
    for (expr, expected) in cases {
        assert_eq!(&checks(&one(expr, "")), expected, "{expr}");
    }
}

#[test]
fn texts_and_times_that_do_not_fit_the_expression_are_found() {
    let annotation = |text: &str| format!("    annotations: {{summary: '{text}'}}");
    let share = "sum(rate(x_total{code=~\"5..\"}[5m])) / sum(rate(x_total[5m]))";
    let cases = [
        (one("rate(x_total[5m]) > 0.05", &annotation("more than 5 %")), "not-a-ratio"),
        (one(&format!("{share} * 100 > 5"), &annotation("{{ $value | humanizePercentage }}")), "wrong-percentage"),
        (one(&format!("{share} > 0.05"), &annotation("{{ $value }}%")), "wrong-percentage"),
        (one("sum by (job) (x) > 1", &annotation("on {{ $labels.instance }}")), "label-not-in-result"),
        (one("sum(x) > 1", &annotation("on {{ $labels.instance }}")), "label-not-in-result"),
        (one("absent(up{job=\"a\"})", &annotation("on {{ $labels.instance }}")), "label-not-in-result"),
        (one("absent(up{job=\"a\"} == 1)", &annotation("in {{ $labels.job }}")), "label-not-in-result"),
        (one("sum without (pod) (x) > 1", &annotation("on {{ $labels.pod }}")), "label-not-in-result"),
        (one("sum(x) > 1", &annotation("as {{ $labels.severity }}")), "label-not-in-result"),
        (one("x > 1", &annotation("is {{ $value }")), "broken-template"),
        (one("changes(x[5m]) > 0", "    for: 10m"), "for-too-long"),
        (one("time() - process_start_time_seconds < 300", "    for: 5m"), "for-too-long"),
        (one("x > 1", "").replace("severity: page", "severity: page, now: '{{ $value }}'"), "value-in-label"),
        (one("x > 1", "").replace("{severity: page}", "{}"), "missing-severity"),
        (one("x > 1", "    sumary: x"), "does-not-parse"),
        (one("x > 1", "    for: 5 minutes"), "does-not-parse"),
        (one("x > 1", "") + "  - alert: A\n    expr: x > 2\n    labels: {severity: page}", "duplicate-alert"),
        ("groups: [".to_owned(), "does-not-parse"),
        ("rules: []".to_owned(), "does-not-parse"),
        (String::new(), "does-not-parse"),
        (one(&"(".repeat(5_000), ""), "does-not-parse"),
    ];
    for (text, expected) in cases {
        assert_eq!(checks(&text), [expected], "{text}");
    }
}

#[test]
fn long_expressions_are_walked_to_their_end() {
    let long = format!("{}x > 1", "rate(x_total[5m]) * ".repeat(290));
    assert_eq!(checks(&one(&long, "")), Vec::<&str>::new());
    assert_eq!(checks(&one(&format!("{}up{} > 1", "(".repeat(45), ")".repeat(45)), "")), ["never-fires"]);
}

#[test]
fn a_manifest_of_kubernetes_is_read_and_lines_are_those_of_the_file() {
    let text = "kind: PrometheusRule\nspec:\n  groups:\n  - name: g\n    rules:\n    - alert: A\n      expr: |\n        up\n        > 1\n      labels:\n        severity: page\n";
    let found = found(text);
    let [finding] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!((finding.line, finding.column, finding.group.as_str(), finding.check), (7, 7, "g", "never-fires"));
}

#[test]
fn every_check_that_reads_has_a_case_here() {
    let source = include_str!("corpus.rs");
    for check in CHECKS.iter().filter(|check| check.reads_only()) {
        assert!(source.contains(&format!("\"{}\"", check.name)), "no rule here is wrong by {}", check.name);
    }
}
