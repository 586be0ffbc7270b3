//! GitHub's webhooks: workflows and checks that failed, and secrets found in a repository.
//!
//! The kind of an event follows from the body, which is signed; the header that names it is not. A delivery that is sent
//! again, or late, changes nothing: alerts go by the times of the runs themselves.

use serde_json::Value;

use super::fields::{Fields, parse};
use super::group::{Group, Grouping, Told, pairs};
use super::heard::Heard;
use super::unreadable::Unreadable;
use crate::kinds::Sight;

const NAME: &str = "github";

pub(super) fn read(body: &[u8], grouping: &Grouping) -> Result<Heard, Unreadable> {
    let body = parse("the body of a GitHub webhook", body)?;
    let fields = Fields::of(&body);
    let action = fields.text_or_empty("/action");
    let read = match action {
        "completed" if fields.part("/workflow_run").is_some() => workflow_run(fields)?,
        "completed" if fields.part("/check_run").is_some() => check_run(fields)?,
        "created" | "reopened" | "resolved" | "revoked" if is_secret(fields) => Some(secret(fields, action)?),
        _ => None,
    };
    Ok(match read.and_then(|group| group.command(NAME, Sight::Told, &grouping.rules)) {
        Some(command) => Heard::Alerts(vec![command]),
        None => Heard::Ignored(ignored(&body)),
    })
}

/// The event has no conclusion that says anything, or is another one.
fn ignored(body: &Value) -> String {
    let parts = body.as_object().map(|body| body.keys().take(8).map(String::as_str).collect::<Vec<_>>());
    let parts = parts.unwrap_or_default().join(", ");
    format!("nothing failed, succeeded or leaked; the body has {}", super::group::beginning(&parts).visible())
}

/// What a conclusion means for an incident.
enum Conclusion {
    Failed,
    Succeeded,
}

impl Conclusion {
    /// Cancelled, skipped, neutral or stale runs, and those that wait for somebody, say neither.
    fn of(word: &str) -> Option<Self> {
        match word {
            "failure" | "timed_out" | "startup_failure" => Some(Self::Failed),
            "success" => Some(Self::Succeeded),
            _ => None,
        }
    }
}

fn workflow_run(body: Fields<'_>) -> Result<Option<Group>, Unreadable> {
    let Some(run) = body.part("/workflow_run") else { return Ok(None) };
    // A fork's branch may be called as one here is.
    let head = run.text("/head_repository/full_name");
    let is_here = head.is_none() || head == body.text("/repository/full_name");
    let branch = run.text("/head_branch").filter(|_| is_here);
    let name = run.text("/name").or_else(|| run.text("/path")).or_else(|| body.text("/workflow/name"));
    let known_by = run.id("/workflow_id")?;
    finished(
        body,
        run,
        Named { alert: "WorkflowFailed", name: name.unwrap_or("a workflow"), known_by, branch },
        "/updated_at",
    )
}

fn check_run(body: Fields<'_>) -> Result<Option<Group>, Unreadable> {
    let Some(run) = body.part("/check_run") else { return Ok(None) };
    let name = run.needed("/name")?;
    let branch = run.text("/check_suite/head_branch");
    finished(body, run, Named { alert: "CheckFailed", name, known_by: name.to_owned(), branch }, "/completed_at")
}

/// What came to its end.
struct Named<'a> {
    alert: &'static str,
    name: &'a str,
    known_by: String,
    /// `None` where it is another repository's: then the commit tells it from others.
    branch: Option<&'a str>,
}

fn finished(body: Fields<'_>, run: Fields<'_>, named: Named<'_>, ended: &str) -> Result<Option<Group>, Unreadable> {
    let Some(conclusion) = Conclusion::of(run.text_or_empty("/conclusion")) else { return Ok(None) };
    let Named { alert, name, known_by, branch } = named;
    let (repository, sha) = (body.needed("/repository/full_name")?, run.needed("/head_sha")?);
    let at = run.time(ended)?;
    // On the default branch it concerns everybody.
    let is_default = branch.is_some() && branch == body.text("/repository/default_branch");
    let severity = if is_default { "warning" } else { "info" };
    let place = branch.unwrap_or_else(|| sha.get(..12).unwrap_or(sha));
    let labels = pairs([
        ("alertname", alert),
        ("severity", severity),
        ("repository", repository),
        ("branch", branch.unwrap_or_default()),
        ("commit", if branch.is_none() { sha } else { "" }),
        ("workflow", name),
    ]);
    let summary = format!("{name} failed on {place} in {repository}");
    let told = Told {
        labels,
        annotations: pairs([("summary", summary.as_str()), ("commit", sha)]),
        starts_at: at,
        ended_at: if let Conclusion::Succeeded = conclusion { Some(at) } else { None },
        fingerprint: "run".to_owned(),
        url: run.text_or_empty("/html_url").to_owned(),
    };
    let lead = if branch.is_some() { "branch" } else { "commit" };
    Ok(Some(Group::named(NAME, &[alert, repository, lead, branch.unwrap_or(sha), &known_by], vec![told])))
}

/// Alerts of other kinds have the same place in their bodies.
fn is_secret(body: Fields<'_>) -> bool {
    body.text("/alert/secret_type").is_some()
}

fn secret(body: Fields<'_>, action: &str) -> Result<Group, Unreadable> {
    let alert = body.part("/alert").unwrap_or(body);
    let (repository, number) = (body.needed("/repository/full_name")?, alert.id("/number")?);
    let kind = alert.text("/secret_type_display_name").or_else(|| alert.text("/secret_type")).unwrap_or_default();
    let (starts_at, ended_at) = match action {
        "created" => (alert.time("/created_at")?, None),
        "reopened" => (alert.time("/updated_at")?, None),
        _ => (alert.time("/resolved_at")?, Some(alert.time("/resolved_at")?)),
    };
    let summary = format!("a secret is in {repository}: {kind}");
    let told = Told {
        labels: pairs([
            ("alertname", "SecretLeaked"),
            ("severity", "critical"),
            ("repository", repository),
            ("secret_type", kind),
            ("number", &number),
        ]),
        annotations: pairs([("summary", summary.as_str())]),
        starts_at,
        ended_at,
        fingerprint: "secret".to_owned(),
        url: alert.text_or_empty("/html_url").to_owned(),
    };
    Ok(Group::named(NAME, &["SecretLeaked", repository, &number], vec![told]))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::kinds::{IncidentReport, Severity};

    fn run(conclusion: &str, branch: Value, head: &str, at: &str) -> Value {
        json!({
            "action": "completed",
            "repository": { "full_name": "octo/repo", "default_branch": "main" },
            "workflow_run": {
                "workflow_id": 7, "name": "CI", "head_branch": branch, "head_sha": "5779607b49aab1200488439f02372c57",
                "head_repository": { "full_name": head }, "conclusion": conclusion, "updated_at": at,
                "html_url": "https://github.com/octo/repo/actions/runs/1", "pull_requests": [],
            },
        })
    }

    fn heard(body: &Value) -> Heard {
        read(body.to_string().as_bytes(), &Grouping::default()).unwrap()
    }

    fn report(body: &Value) -> IncidentReport {
        heard(body).reports().remove(0)
    }

    #[test]
    fn a_failure_and_the_success_after_it_are_of_one_incident() {
        let failed = report(&run("failure", json!("main"), "octo/repo", "2026-11-30T07:00:00Z"));
        let passed = report(&run("success", json!("main"), "octo/repo", "2026-11-30T07:30:00Z"));
        assert_eq!(
            (failed.title.raw(), &failed.group),
            ("WorkflowFailed: CI failed on main in octo/repo", &passed.group)
        );
        assert_eq!((Severity::of(&failed.labels), failed.alerts[0].ended_at), (Severity::Warning, None));
        assert_eq!(passed.alerts[0].fingerprint, failed.alerts[0].fingerprint);
        assert_eq!(passed.alerts[0].ended_at, Some("2026-11-30T07:30:00Z".parse().unwrap()));
        for conclusion in ["cancelled", "skipped", "neutral", "action_required", "stale", ""] {
            let body = run(conclusion, json!("main"), "octo/repo", "2026-11-30T07:00:00Z");
            assert!(heard(&body).is_ignored(), "{conclusion}");
        }
    }

    #[test]
    fn a_forks_branch_is_not_taken_for_one_of_the_repository() {
        let at = "2026-11-30T07:00:00Z";
        let ours = report(&run("failure", json!("main"), "octo/repo", at));
        let theirs = report(&run("success", json!("main"), "mallory/repo", at));
        let unnamed = report(&run("failure", Value::Null, "mallory/repo", at));
        assert_ne!(ours.group, theirs.group);
        assert_eq!(theirs.group, unnamed.group, "both go by the commit");
        assert_eq!(unnamed.title.raw(), "WorkflowFailed: CI failed on 5779607b49aa in octo/repo");
        assert_eq!(Severity::of(&unnamed.labels), Severity::Info);
    }

    #[test]
    fn a_leaked_secret_is_critical_until_it_is_dealt_with() {
        let body = |action: &str| {
            json!({
                "action": action, "repository": { "full_name": "octo/repo" },
                "alert": {
                    "number": 42, "secret_type": "mailchimp_api_key", "created_at": "2026-11-30T07:00:00Z",
                    "updated_at": "2026-11-30T09:00:00Z", "secret": "the-secret-itself",
                    "resolved_at": if action == "resolved" { json!("2026-11-30T08:00:00Z") } else { Value::Null },
                },
            })
        };
        let (created, resolved) = (report(&body("created")), report(&body("resolved")));
        assert_eq!((Severity::of(&created.labels), &created.group), (Severity::Critical, &resolved.group));
        assert!(resolved.alerts[0].ended_at > Some(created.alerts[0].starts_at));
        assert!(report(&body("reopened")).alerts[0].starts_at > created.alerts[0].starts_at);
        assert!(!serde_json::to_string(&created).unwrap().contains("the-secret-itself"));
        let mut other = body("created");
        other["alert"].as_object_mut().unwrap().remove("secret_type");
        assert!(heard(&other).is_ignored(), "an alert of another kind");
    }

    #[test]
    fn githubs_own_examples_are_read_or_ignored() {
        let Ok(folder) = std::fs::read_dir("../shared/contracts/github/webhooks") else {
            eprintln!("not tested: the vendors' contracts are not here");
            return;
        };
        let mut reported = Vec::new();
        for file in folder {
            let path = file.unwrap().path();
            let examples: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
            for example in examples.as_array().unwrap() {
                if let Heard::Alerts(_) = heard(example) {
                    reported.push(path.file_stem().unwrap().to_string_lossy().into_owned());
                }
            }
        }
        reported.sort();
        assert_eq!(
            reported,
            ["check_run", "check_run", "workflow_run"],
            "one check failed, one check and one run passed"
        );
    }

    #[test]
    fn what_is_missing_is_named() {
        let whole = run("failure", json!("main"), "octo/repo", "2026-11-30T07:00:00Z");
        for (pointer, value, said) in [
            ("/workflow_run/head_sha", json!(1), "/head_sha is missing, or is not a text"),
            ("/workflow_run/updated_at", json!("now"), "/updated_at: \"now\" is not a time"),
            ("/repository/full_name", Value::Null, "/repository/full_name is missing"),
        ] {
            let mut body = whole.clone();
            *body.pointer_mut(pointer).unwrap() = value;
            let error = read(body.to_string().as_bytes(), &Grouping::default()).unwrap_err();
            assert!(error.message.contains(said), "{}", error.message);
        }
        for (body, said) in
            [(&b"{\"a\":"[..], "EOF while parsing"), (b"7", "neither an object nor a list"), (b"\xff", "UTF-8")]
        {
            assert!(read(body, &Grouping::default()).unwrap_err().message.contains(said));
        }
    }
}
