//! `morningai doctor`: what works here, and what to do about the rest.

use super::context::{Context, Form};
use super::exit::Exit;
use super::failure::Failure;
use super::host::{AskModels, Finding, Health};
use crate::domain::printable;

pub async fn doctor(context: Context<'_>, offline: bool) -> Result<Exit, Failure> {
    let findings = context.host.examine(if offline { AskModels::No } else { AskModels::Yes }).await;
    for finding in &findings {
        match context.form {
            Form::Json => context.output.json(finding)?,
            Form::Text => context.output.line(&line(finding))?,
        }
    }
    let is_broken = findings.iter().any(|finding| finding.verdict == Health::Fail);
    Ok(if is_broken { Exit::Failed } else { Exit::Done })
}

fn line(finding: &Finding) -> String {
    let verdict = match finding.verdict {
        Health::Ok => "ok  ",
        Health::Warn => "warn",
        Health::Fail => "FAIL",
    };
    let mut line = format!("{verdict}  {:<10} {}", finding.subject, indented(&finding.detail));
    if !finding.advice.is_empty() {
        line.push_str(&format!("\n{:>16} {}", "->", indented(&finding.advice)));
    }
    line
}

/// Further lines stand below the first one.
fn indented(text: &str) -> String {
    text.split('\n').map(printable).collect::<Vec<_>>().join("\n                 ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn advice_stands_below_what_it_is_about() {
        let finding = Finding::warn("model", "none is configured\nnothing is asked", "set OPENAI_BASE_URL");
        let expected = "warn  model      none is configured\n                 nothing is asked\n              -> set \
                        OPENAI_BASE_URL";
        assert_eq!(line(&finding), expected);
        assert_eq!(line(&Finding::ok("git", "2.39.5")), "ok    git        2.39.5");
    }
}
