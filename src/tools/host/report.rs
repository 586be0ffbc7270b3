//! `write_report`: composes the saved readings into `report.md`, worst first. What it writes is on its card.

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::reading::{Finding, Level, Reading};
use super::what::{READINGS, What};
use crate::domain::{EffectCard, EffectClass, FailureKind, Repeat, ToolResult, ToolSpec, Untrusted};
use crate::ports::{Checked, Invocation, Prepared, Tool, ToolContext};
use crate::tools::cards::count;
use crate::tools::{args, files, output};

const REPORT: &str = "report.md";

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Args {
    /// Title of the report.
    title: String,
}

/// Writes the report of the saved host checks.
pub struct WriteReport {
    spec: ToolSpec,
}

impl Default for WriteReport {
    fn default() -> Self {
        let about = "Composes the host checks saved so far into report.md in the workspace, worst findings first.";
        Self { spec: args::spec::<Args>("write_report", EffectClass::Workspace, Repeat::Checkable, about) }
    }
}

impl WriteReport {
    /// The report of the readings there are now.
    async fn compose(&self, context: &ToolContext, args: &Value) -> Result<Vec<u8>, ToolResult> {
        let Args { title } = args::parse(&self.spec, args)?;
        let mut readings = Vec::new();
        for what in What::ALL {
            if let Some(content) = files::get(context, &what.file()).await? {
                let reading: Reading = serde_json::from_slice(&content).map_err(|error| {
                    let problem = format!("{} is not a saved reading: {error}", what.file());
                    ToolResult::failure(FailureKind::Failed, problem)
                })?;
                readings.push(reading);
            }
        }
        if readings.is_empty() {
            let problem = format!("no reading is saved in {READINGS}; call host_check with save first");
            return Err(ToolResult::failure(FailureKind::Failed, problem));
        }
        Ok(compose(&title, &readings).into_bytes())
    }
}

fn compose(title: &str, readings: &[Reading]) -> String {
    let mut found: Vec<(&str, &Finding)> = readings
        .iter()
        .flat_map(|reading| reading.findings.iter().map(|finding| (reading.what.as_str(), finding)))
        .filter(|(_, finding)| finding.level > Level::Ok)
        .collect();
    found.sort_by_key(|(_, finding)| std::cmp::Reverse(finding.level));
    let at = readings.iter().map(|reading| reading.at).max().unwrap_or_default();
    let mut text = format!("# {}\n\n**{}**\n\n", on_one_line(title), verdict(&found, readings.len()));
    if !found.is_empty() {
        text.push_str("| level | check | finding |\n|---|---|---|\n");
        for (what, finding) in &found {
            text.push_str(&format!("| {} | {what} | {} |\n", finding.level.name(), cell(&finding.text)));
        }
        text.push('\n');
    }
    text.push_str("| check | result | figures |\n|---|---|---|\n");
    for reading in readings {
        text.push_str(&format!("| {} | {} | {} |\n", reading.what, reading.level().name(), cell(&reading.gist)));
    }
    text.push_str(&format!("\nRead {} UTC.\n", at.format("%Y-%m-%d %H:%M:%S")));
    text
}

/// One line that says how the host is.
fn verdict(found: &[(&str, &Finding)], checks: usize) -> String {
    let checks = count(checks, "check", "checks");
    let number = |level| found.iter().filter(|(_, finding)| finding.level == level).count();
    let parts: Vec<String> = [
        (number(Level::Critical), "critical finding", "critical findings"),
        (number(Level::Warning), "warning", "warnings"),
        (number(Level::Notice), "notice", "notices"),
    ]
    .into_iter()
    .filter(|(number, ..)| *number > 0)
    .map(|(number, one, many)| count(number, one, many))
    .collect();
    match parts.split_last() {
        None => format!("All is well in {checks}."),
        Some((only, [])) => format!("{only} in {checks}."),
        Some((last, before)) => format!("{} and {last} in {checks}.", before.join(", ")),
    }
}

/// Text from outside as it is, but for its line breaks: whoever shows the report marks what is hidden in it.
fn on_one_line(text: &str) -> String {
    text.replace(['\n', '\r'], " ")
}

/// Text from outside as one cell of a Markdown table.
fn cell(text: &Untrusted) -> String {
    on_one_line(text.raw()).replace('\\', "\\\\").replace('|', "\\|").replace('<', "\\<").replace('`', "\\`")
}

#[async_trait]
impl Tool for WriteReport {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    async fn prepare(&self, context: &ToolContext, args: &Value) -> Result<Prepared, ToolResult> {
        let content = self.compose(context, args).await?;
        let card = files::plan_content(&self.spec, "write", context, REPORT, content).await?;
        Ok(Prepared::Effect(Box::new(card)))
    }

    async fn perform(&self, invocation: Invocation<'_>) -> ToolResult {
        let content = match self.compose(invocation.context, invocation.args).await {
            Ok(content) => content,
            Err(result) => return result,
        };
        let text = output::fit(&content, invocation.output).await;
        let mut result = files::make_content(invocation.context, REPORT, content, invocation.card).await;
        if result.succeeded() {
            // The report is the point; that a file was written is on the card.
            let verdict = text.head.raw().lines().find(|line| line.starts_with("**")).unwrap_or_default();
            result.summary = Untrusted::new(verdict.trim_matches('*'));
            result.output = text;
        }
        result
    }

    async fn check(&self, context: &ToolContext, card: &EffectCard) -> Checked {
        files::check_content(context, card).await
    }
}

#[cfg(test)]
mod tests {
    use super::super::reading::Measured;
    use super::*;
    use crate::domain::Timestamp;

    fn reading(what: &str, findings: &[(Level, &str)]) -> Reading {
        let findings = findings.iter().map(|(level, text)| Finding::new(*level, *text)).collect();
        let measured = Measured { gist: format!("{what} | figures"), findings, ..Measured::default() };
        measured.into_reading(what, Timestamp::default())
    }

    #[test]
    fn the_worst_comes_first_and_nothing_breaks_the_table() {
        let readings = [
            reading("load", &[(Level::Notice, "busy")]),
            reading("disks", &[(Level::Critical, "/a|b\n| ok | fake | row | is full")]),
            reading("ports", &[]),
        ];
        let report = compose("Night check\n# fake", &readings);
        let expected = "# Night check # fake\n\n**1 critical finding and 1 notice in 3 checks.**\n\n\
            | level | check | finding |\n|---|---|---|\n\
            | critical | disks | /a\\|b \\| ok \\| fake \\| row \\| is full |\n| notice | load | busy |\n\n\
            | check | result | figures |\n|---|---|---|\n\
            | load | notice | load \\| figures |\n| disks | critical | disks \\| figures |\n\
            | ports | ok | ports \\| figures |\n\nRead 1970-01-01 00:00:00 UTC.\n";
        assert_eq!(report, expected);
    }

    #[test]
    fn a_healthy_host_is_said_to_be_well() {
        assert!(compose("T", &[reading("load", &[])]).contains("**All is well in 1 check.**"));
    }
}
