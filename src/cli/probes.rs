//! `morningai probes`: runs each probe once, and says how it stands.

use super::context::{Context, Form};
use super::exit::Exit;
use super::failure::Failure;
use super::host::Part;
use super::table::table;
use crate::domain::Untrusted;
use crate::feeds::{ProbeBoard, ProbeReport, check_all, probe_reports};

/// Ends with a failure where one does not answer.
pub async fn probes(context: Context<'_>) -> Result<Exit, Failure> {
    let probes = context.host.probes()?;
    let (board, now) = (ProbeBoard::default(), chrono::Utc::now());
    check_all(&probes, &board, now).await;
    let session = context.host.session(Part::Reader).await?;
    let reports = probe_reports(&probes, &board, session.client(), now).await;
    session.close().await;
    let reports = reports?;
    match context.form {
        Form::Json => reports.iter().try_for_each(|report| context.output.json(report))?,
        Form::Text if reports.is_empty() => context.output.line("no probes; write [[probe]] into config.toml")?,
        Form::Text => context.output.line(&page(&reports))?,
    }
    let all_answer = reports.iter().all(|report| report.problem.is_none());
    Ok(if all_answer { Exit::Done } else { Exit::Failed })
}

fn page(reports: &[ProbeReport]) -> String {
    let visible = |text: &str| Untrusted::from(text).visible().into_owned();
    let row = |report: &ProbeReport| {
        let latency = report.latency_ms.map_or_else(|| "-".to_owned(), |latency| format!("{latency} ms"));
        let problem = report.problem.as_deref().map(|problem| format!(": {}", visible(problem))).unwrap_or_default();
        vec![
            visible(&report.name),
            report.state.name().to_owned(),
            latency,
            format!("{:.2} %", report.uptime_24h),
            format!("{:.2} %", report.uptime_30d),
            format!("{}{problem}", visible(&report.url)),
        ]
    };
    table(&["NAME", "STATE", "LATENCY", "24 H", "30 D", "ADDRESS"], &reports.iter().map(row).collect::<Vec<_>>())
}
