//! Looks in the script of a procedure for uses of an alert's text that could run it, or split it into several words.
//! Labels come as variables of the environment; in double quotes they are one word, whatever they hold.

use std::ops::Range;

/// Variables that hold what an outsider wrote.
const OUTSIDERS: [&str; 3] = ["LABEL_", "ANSWER", "SHARED_LABELS"];

/// A use of an outsider's text that is not safe.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct UnsafeUse {
    pub at: Range<usize>,
    pub message: String,
    pub help: &'static str,
}

/// The first in a script, its place in bytes.
pub(super) fn unsafe_use(script: &str) -> Option<UnsafeUse> {
    if let Some(at) = script.find("{{") {
        return Some(UnsafeUse {
            at: at..at + 2,
            message: "labels are not put into the text of a script".to_owned(),
            help: "use the variable, in double quotes: \"$LABEL_instance\"",
        });
    }
    let mut scanner = Scanner { text: script.as_bytes(), at: 0, contexts: vec![Context::Plain], is_code: false };
    scanner.find(script)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Context {
    Plain,
    /// In double quotes.
    Quoted,
    /// In `$(…)`: plain until the parenthesis is closed.
    Substituted,
}

struct Scanner<'a> {
    text: &'a [u8],
    at: usize,
    contexts: Vec<Context>,
    /// What stands on this line is read as commands again: `eval`, `sh -c`.
    is_code: bool,
}

impl Scanner<'_> {
    fn find(&mut self, script: &str) -> Option<UnsafeUse> {
        while let Some(&byte) = self.text.get(self.at) {
            let context = *self.contexts.last().unwrap_or(&Context::Plain);
            let quoted = context == Context::Quoted;
            match byte {
                b'\\' => self.at += 1,
                b'\'' if !quoted => self.skip_to(b'\''),
                b'#' if !quoted && self.begins_a_word() => self.skip_to(b'\n'),
                b'"' if quoted => drop(self.contexts.pop()),
                b'"' => self.contexts.push(Context::Quoted),
                b'\n' | b';' if !quoted => self.is_code = false,
                b')' if context == Context::Substituted => drop(self.contexts.pop()),
                b'$' if self.text.get(self.at + 1) == Some(&b'(') => {
                    self.contexts.push(Context::Substituted);
                    self.at += 1;
                }
                b'$' => {
                    if let Some(found) = self.variable(script, context) {
                        return Some(found);
                    }
                }
                _ if !quoted && self.begins_a_word() => {
                    let word = script[self.at..].split(char::is_whitespace).next().unwrap_or_default();
                    self.is_code |= word == "eval" || word == "-c";
                }
                _ => {}
            }
            self.at += 1;
        }
        None
    }

    fn variable(&self, script: &str, context: Context) -> Option<UnsafeUse> {
        let rest = script.get(self.at + 1..)?;
        let name = rest.strip_prefix('{').unwrap_or(rest);
        let name = &name[..name.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(name.len())];
        if !OUTSIDERS
            .iter()
            .any(|outsider| name == *outsider || (outsider.ends_with('_') && name.starts_with(outsider)))
        {
            return None;
        }
        let at = self.at..self.at + 1 + name.len();
        if self.is_code {
            let message = format!("${name} would be run as a command");
            let help = "an alert's text never becomes part of a command: pass it as an argument, in double quotes";
            return Some(UnsafeUse { at, message, help });
        }
        (context != Context::Quoted).then(|| UnsafeUse {
            at,
            message: format!("${name} stands outside double quotes, so an alert's text could become several words"),
            help: "put it in double quotes",
        })
    }

    fn begins_a_word(&self) -> bool {
        self.at
            .checked_sub(1)
            .and_then(|before| self.text.get(before))
            .is_none_or(|byte| byte.is_ascii_whitespace() || matches!(byte, b';' | b'(' | b'|' | b'&'))
    }

    /// Leaves the place at the next such byte.
    fn skip_to(&mut self, end: u8) {
        let rest = self.text.get(self.at + 1..).unwrap_or_default();
        let length = rest.iter().position(|byte| *byte == end).unwrap_or(rest.len());
        // A line's end is still looked at: it ends what is read as commands.
        self.at += if end == b'\n' { length } else { length + 1 };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alerts_text_in_double_quotes_is_an_argument() {
        for script in [
            "test -d \"$LABEL_directory\"",
            "df -- \"${LABEL_mountpoint:-/}\"",
            "echo '$LABEL_x is not a variable here'",
            "# $LABEL_x in a comment\ntrue",
            "used=\"$(du -s -- \"$LABEL_directory\" | cut -f1)\"; echo \"$used\"",
            "echo $INCIDENT $HOME",
            "sh -c 'rm -- \"$1\"' sh \"$HOME\"\necho \"$ANSWER\"",
        ] {
            assert_eq!(unsafe_use(script), None, "{script}");
        }
    }

    #[test]
    fn an_alerts_text_that_the_shell_would_split_or_run_is_refused() {
        for (script, place) in [
            ("rm -r $LABEL_directory", "$LABEL_directory"),
            ("x=\"$(cat $LABEL_file)\"", "$LABEL_file"),
            ("echo \"a\" ${LABEL_b}", "${LABEL_"),
            ("eval \"$LABEL_command\"", "$LABEL_command"),
            ("ssh host sh -c \"systemctl restart $LABEL_service\"", "$LABEL_service"),
            ("echo $ANSWER", "$ANSWER"),
            ("echo {{ labels.instance }}", "{{"),
        ] {
            let found = unsafe_use(script).unwrap_or_else(|| panic!("accepted: {script}"));
            assert_eq!(found.at.start, script.find(place).unwrap(), "{script}: {found:?}");
        }
    }
}
