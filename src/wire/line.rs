//! What lies between this program and the screen it is read on, for `doctor`: the terminal, tmux or screen, SSH.
//!
//! tmux, screen and SSH are told of only where they take something away: colours, copies, or a quick escape key.

use std::io::IsTerminal;
use std::time::Duration;

use crate::cli::Finding;

/// Longest tmux may take to say how it is set.
const PATIENCE: Duration = Duration::from_secs(2);
/// Milliseconds from which a held back escape key is felt.
const FELT: u32 = 50;

/// Reads a variable of the environment; empty where it is not set.
type Env<'a> = &'a dyn Fn(&str) -> String;

pub(super) async fn findings() -> Vec<Finding> {
    if !std::io::stdout().is_terminal() {
        let detail = "standard output is not a terminal; commands work, the console needs one";
        return vec![Finding::ok("terminal", detail)];
    }
    let env = |name: &str| std::env::var(name).unwrap_or_default();
    let size = rustix::termios::tcgetwinsize(std::io::stdout()).map_or((0, 0), |size| (size.ws_col, size.ws_row));
    let mut findings = vec![terminal(&env, size)];
    if !env("TMUX").is_empty() {
        findings.extend(tmux(&Tmux::ask().await, &env));
    } else if !env("STY").is_empty() {
        findings.push(screen());
    }
    findings.extend(ssh(&env));
    findings
}

fn colours(env: Env<'_>) -> &'static str {
    match (env("NO_COLOR").is_empty(), env("COLORTERM").as_str()) {
        (false, _) => "no colours (NO_COLOR)",
        (true, "truecolor" | "24bit") => "16 million colours",
        (true, _) if env("TERM").contains("256color") => "256 colours",
        (true, _) => "16 colours",
    }
}

/// Whether the terminal is taken to show all colours, or nobody wants any.
fn has_colours(env: Env<'_>) -> bool {
    !env("NO_COLOR").is_empty() || matches!(env("COLORTERM").as_str(), "truecolor" | "24bit")
}

fn terminal(env: Env<'_>, size: (u16, u16)) -> Finding {
    let term = env("TERM");
    let locale = [env("LC_ALL"), env("LC_CTYPE"), env("LANG")].into_iter().find(|value| !value.is_empty());
    let unicode = locale.is_some_and(|locale| locale.to_lowercase().replace('-', "").contains("utf8"));
    let copying = "copying by OSC 52 where the terminal allows it, else to a file";
    let letters = if unicode { "UTF-8" } else { "not UTF-8" };
    let detail = format!("{term}, {}×{}, {}, {letters}; {copying}", size.0, size.1, colours(env));
    match () {
        () if term.is_empty() || term == "dumb" => {
            Finding::warn("terminal", detail, "use --plain, or set TERM to what your terminal is")
        }
        () if size.0 < 60 || size.1 < 15 => {
            Finding::warn("terminal", detail, "below 60×15 only denying is offered; make it larger, or use --plain")
        }
        () if !unicode => Finding::warn("terminal", detail, "set LANG to a UTF-8 locale, e.g. C.UTF-8"),
        () => Finding::ok("terminal", detail),
    }
}

/// How a tmux is set; `None` for what it did not say.
#[derive(Debug, Default)]
struct Tmux {
    set_clipboard: Option<String>,
    escape_time: Option<u32>,
}

impl Tmux {
    async fn ask() -> Self {
        let (clipboard, escape) = tokio::join!(option("set-clipboard"), option("escape-time"));
        Self { set_clipboard: clipboard, escape_time: escape.and_then(|time| time.parse().ok()) }
    }
}

/// The value of one of tmux's server options.
async fn option(name: &str) -> Option<String> {
    let mut command = tokio::process::Command::new("tmux");
    command.args(["show-options", "-sv", name]).kill_on_drop(true).stdin(std::process::Stdio::null());
    let output = tokio::time::timeout(PATIENCE, command.output()).await.ok()?.ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

fn tmux(tmux: &Tmux, env: Env<'_>) -> Option<Finding> {
    let mut details = Vec::new();
    let mut advice = Vec::new();
    if let Some(clipboard) = tmux.set_clipboard.as_deref().filter(|value| *value != "on") {
        details.push(format!("copies do not reach your clipboard (set-clipboard is {clipboard})"));
        advice.push("set -s set-clipboard on");
    }
    if let Some(time) = tmux.escape_time.filter(|time| *time >= FELT) {
        details.push(format!("the escape key is held back for {time} ms"));
        advice.push("set -s escape-time 10");
    }
    if !has_colours(env) {
        details.push(format!("{} of the theme's 16 million", colours(env)));
        advice.push("set -as terminal-features ',*:RGB' and set-environment -g COLORTERM truecolor");
    }
    if details.is_empty() {
        return None;
    }
    let advice: Vec<_> = advice.into_iter().map(|line| format!("in tmux.conf: {line}")).collect();
    Some(Finding::warn("tmux", details.join("; "), advice.join("\n")))
}

fn screen() -> Finding {
    let detail = "GNU screen passes no copies (OSC 52) on and few colours";
    Finding::warn("screen", detail, "use tmux, or attach without it: runs go on when a console ends")
}

fn ssh(env: Env<'_>) -> Option<Finding> {
    let is_remote = !env("SSH_CONNECTION").is_empty() || !env("SSH_TTY").is_empty();
    // A multiplexer here has its own colours, and is told of by itself.
    if !is_remote || has_colours(env) || !env("TMUX").is_empty() {
        return None;
    }
    let detail = format!("over SSH, which does not pass COLORTERM on: {}", colours(env));
    let advice = "SendEnv COLORTERM on your side and AcceptEnv COLORTERM here, or export COLORTERM=truecolor here";
    Some(Finding::warn("ssh", detail, advice))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env(set: &'static [(&'static str, &'static str)]) -> impl Fn(&str) -> String {
        move |name| set.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned()).unwrap_or_default()
    }

    const GOOD: &[(&str, &str)] = &[("COLORTERM", "truecolor"), ("TERM", "tmux-256color"), ("SSH_TTY", "/dev/pts/1")];
    const POOR: &[(&str, &str)] = &[("TERM", "xterm-256color"), ("SSH_TTY", "/dev/pts/1")];

    fn set(clipboard: &str, escape_time: u32) -> Tmux {
        Tmux { set_clipboard: Some(clipboard.to_owned()), escape_time: Some(escape_time) }
    }

    #[test]
    fn what_takes_nothing_away_is_not_told_of() {
        assert!(tmux(&set("on", 10), &env(GOOD)).is_none());
        assert!(tmux(&Tmux::default(), &env(GOOD)).is_none(), "a tmux that says nothing");
        assert!(ssh(&env(GOOD)).is_none() && ssh(&env(&[("TERM", "xterm")])).is_none());
        assert!(ssh(&env(&[("NO_COLOR", "1"), ("SSH_TTY", "/dev/pts/1")])).is_none());
    }

    #[test]
    fn what_a_multiplexer_takes_away_is_said_with_the_setting_that_gives_it_back() {
        let finding = tmux(&set("external", 500), &env(POOR)).unwrap();
        assert!(finding.detail.contains("set-clipboard is external") && finding.detail.contains("500 ms"));
        assert!(finding.detail.contains("256 colours"), "{}", finding.detail);
        assert_eq!(finding.advice.lines().count(), 3, "{}", finding.advice);
        let finding = tmux(&set("on", 500), &env(GOOD)).unwrap();
        assert_eq!(finding.advice, "in tmux.conf: set -s escape-time 10");
    }

    #[test]
    fn ssh_is_told_of_where_it_costs_colours() {
        assert!(ssh(&env(POOR)).unwrap().detail.contains("256 colours"));
    }
}
