//! `morningai alerts lint`: what is wrong with rules that alert.

use std::io::Read;
use std::path::Path;

use serde_json::json;

use super::alerts_args::{AlertsAction, AlertsOptions, LintOptions};
use super::context::{Context, Form};
use super::exit::Exit;
use super::failure::Failure;
use super::table::table;
use crate::domain::{SourceText, Untrusted, printable, written_text};
use crate::feeds::Prometheus;
use crate::lint::{self, CHECKS, Files, Finding};

pub async fn alerts(context: Context<'_>, options: AlertsOptions) -> Result<Exit, Failure> {
    let AlertsAction::Lint(options) = options.action;
    match options.checks {
        true => list_checks(context),
        false => lint(context, options).await,
    }
}

fn list_checks(context: Context<'_>) -> Result<Exit, Failure> {
    match context.form {
        Form::Json => CHECKS.iter().try_for_each(|check| {
            context.output.json(&json!({ "check": check.name, "about": check.about, "asks": !check.reads_only() }))
        })?,
        Form::Text => {
            let row = |check: &lint::Check| vec![check.name.to_owned(), check.about.to_owned()];
            context.output.line(&table(&["CHECK", "FINDS"], &CHECKS.iter().map(row).collect::<Vec<_>>()))?;
        }
    }
    Ok(Exit::Done)
}

/// Ends with a failure where something was found, or could not be asked.
async fn lint(context: Context<'_>, options: LintOptions) -> Result<Exit, Failure> {
    let sources = options.files.iter().map(|file| read(file)).collect::<Result<Vec<_>, _>>()?;
    let address = options.prometheus.or_else(|| context.host.prometheus()).filter(|_| !options.offline);
    let prometheus = address.as_deref().map(Prometheus::at).transpose();
    let prometheus = prometheus.map_err(|error| Failure::usage(error.to_string()).next(error.hint))?;
    let files = Files::read(&sources);
    let mut findings = files.findings();
    let mut trouble = None;
    if let Some(prometheus) = &prometheus {
        let (more, reason) = lint::ask(&files, prometheus, findings).await;
        findings = more;
        trouble = reason.map(|reason| {
            Failure::failed(format!("Prometheus was not asked about everything: {reason}"))
                .at(prometheus.name())
                .next("check its address, or use --offline; what was read and asked before is above")
        });
    }
    match context.form {
        Form::Json => findings.iter().try_for_each(|finding| context.output.json(finding))?,
        Form::Text => context.output.line(&page(&findings, files.alerts(), sources.len()))?,
    }
    match trouble {
        Some(failure) => Err(failure),
        None => Ok(if findings.is_empty() { Exit::Done } else { Exit::Failed }),
    }
}

fn read(file: &Path) -> Result<SourceText, Failure> {
    let is_input = file == Path::new("-");
    let name = if is_input { "standard input".to_owned() } else { file.display().to_string() };
    let failed = |what: String, next: &str| Failure::usage(what).at(name.as_str()).next(next);
    let (mut bytes, most) = (Vec::new(), lint::LARGEST_FILE as u64 + 1);
    let read = match is_input {
        true => std::io::stdin().take(most).read_to_end(&mut bytes),
        false => std::fs::File::open(file).and_then(|file| file.take(most).read_to_end(&mut bytes)),
    };
    read.map_err(|error| failed(format!("it cannot be read: {error}"), "check the path"))?;
    if bytes.len() > lint::LARGEST_FILE {
        let most = lint::LARGEST_FILE / 1024 / 1024;
        return Err(failed(format!("it is larger than {most} MB"), "is it a file of rules?"));
    }
    let text = written_text(bytes).map_err(|error| failed(error.message, error.hint))?;
    Ok(SourceText::new(name.clone(), text))
}

fn page(findings: &[Finding], alerts: usize, files: usize) -> String {
    let visible = |text: &str| Untrusted::from(text).visible().into_owned();
    let mut page = String::new();
    for finding in findings {
        let Finding { file, line, column, alert, check, message, advice, .. } = finding;
        let name = if alert.is_empty() { String::new() } else { format!(" {}", visible(alert)) };
        page.push_str(&format!("{}:{line}:{column}:{name}: {check}\n", visible(file)));
        page.push_str(&format!("    {}\n    -> {}\n", printable(message), printable(advice)));
    }
    let count = |count: usize, one: &str, many: &str| format!("{count} {}", if count == 1 { one } else { many });
    let looked_at = format!("{} of {}", count(alerts, "alert", "alerts"), count(files, "file", "files"));
    match findings.len() {
        0 => format!("{page}nothing found in {looked_at}"),
        found => format!("{page}{} in {looked_at}", count(found, "finding", "findings")),
    }
}
