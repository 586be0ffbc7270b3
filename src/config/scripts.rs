//! Looks in the script of a procedure for uses of an alert's text that could run it, or split it into several words.
//!
//! Labels come as variables of the environment. One is taken as a whole word in double quotes that is an argument of a
//! command, `"$LABEL_instance"`, and nowhere else; and in a script that uses one, nothing reads text as commands.

use std::ops::Range;

use crate::domain::RUN_THEIR_ARGUMENTS;

/// Variables that hold what an outsider wrote: by their name, or how it begins.
const OUTSIDERS: [&str; 3] = ["LABEL_", "ANSWER", "SHARED_LABELS"];
/// What else could run an alert's text: languages, and words of the shell itself.
const OTHERS: [&str; 10] = [".", "builtin", "lua", "node", "perl", "php", "python", "ruby", "source", "trap"];
/// Words after which a command begins.
const BEFORE_COMMANDS: [&str; 8] = ["!", "do", "elif", "else", "if", "then", "until", "while"];

/// A use of an outsider's text that is not safe.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct UnsafeUse {
    pub at: Range<usize>,
    pub message: String,
    pub help: &'static str,
}

/// The first in a script, its place in bytes.
pub(super) fn unsafe_use(script: &str) -> Option<UnsafeUse> {
    let found = |at: Range<usize>, message: String, help| Some(UnsafeUse { at, message, help });
    if let Some(at) = script.find("{{") {
        let help = "use the variable, in double quotes: \"$LABEL_instance\"";
        return found(at..at + 2, "labels are not put into the text of a script".to_owned(), help);
    }
    let mut scanner =
        Scanner { text: script, at: 0, contexts: vec![Context::Plain], uses: false, reads: None, bad: None };
    scanner.scan();
    if let Some((at, name)) = scanner.bad {
        let message = format!("{name} is not a whole word in double quotes, as an argument of a command");
        return found(at, message, "write it as \"$NAME\", with blanks around it; printf '%s' puts it into a text");
    }
    let (at, word) = scanner.reads.filter(|_| scanner.uses)?;
    let message = format!("`{word}` could run an alert's text that this script uses");
    found(at, message, "do this in a script of its own, without labels")
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Context {
    Plain,
    /// In double quotes.
    Quoted,
    /// In `$(…)` or `(…)`, until the parenthesis is closed.
    Nested,
}

struct Scanner<'a> {
    text: &'a str,
    at: usize,
    contexts: Vec<Context>,
    /// Whether any label is used.
    uses: bool,
    /// What reads text as commands.
    reads: Option<(Range<usize>, String)>,
    /// A label that is not an argument of its own.
    bad: Option<(Range<usize>, String)>,
}

impl Scanner<'_> {
    fn scan(&mut self) {
        let mut expects_command = true;
        while self.bad.is_none()
            && let Some(next) = self.text[self.at..].chars().next()
        {
            let quoted = self.contexts.last() == Some(&Context::Quoted);
            let (from, begins) = (self.at, self.begins_a_word());
            match next {
                '\\' => self.step(2),
                '\'' if !quoted => self.skip_to('\''),
                '#' if !quoted && begins => self.skip_to('\n'),
                '`' => self.reads(from..from + 1, "`…`"),
                '<' if !quoted && self.text[from..].starts_with("<<") => self.reads(from..from + 2, "<<"),
                '"' if quoted => self.close(),
                '"' if begins && let Some(end) = self.whole_word(from) => {
                    self.uses = true;
                    if expects_command {
                        self.bad = Some((from + 1..end - 1, self.text[from + 1..end - 1].to_owned()));
                    }
                    self.at = end;
                    expects_command = false;
                }
                '"' => self.open(Context::Quoted, 1),
                '$' if self.text[from..].starts_with("$(") => {
                    self.open(Context::Nested, 2);
                    expects_command = true;
                }
                '$' => self.variable(from),
                '(' if !quoted => {
                    self.open(Context::Nested, 1);
                    expects_command = true;
                }
                ')' if !quoted => {
                    self.close();
                    expects_command = true;
                }
                '\n' | ';' | '|' | '&' | '{' if !quoted => {
                    self.step(1);
                    expects_command = true;
                }
                _ if !quoted && begins && !next.is_whitespace() => expects_command = self.word(from, expects_command),
                _ => self.at += next.len_utf8(),
            }
        }
    }

    /// A word of plain characters; whether a command begins after it.
    fn word(&mut self, from: usize, expects_command: bool) -> bool {
        let rest = &self.text[from..];
        let ends = |c: char| c.is_whitespace() || "\"'`$;|&()<>\\".contains(c);
        let word = &rest[..rest.find(ends).unwrap_or(rest.len())];
        let name = word.rsplit('/').next().filter(|name| !name.is_empty()).unwrap_or(word);
        let family = name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
        let runs = |name: &str| RUN_THEIR_ARGUMENTS.contains(&name) || OTHERS.contains(&name);
        // `.` is a command, and what is left of `1.2` is nothing.
        if runs(name) || (!family.is_empty() && runs(family)) {
            self.reads(from..from + word.len(), word);
        }
        self.at = from + word.len().max(rest.chars().next().map_or(1, char::len_utf8));
        expects_command && (BEFORE_COMMANDS.contains(&word) || word.contains('='))
    }

    /// Where a word ends that is nothing but an outsider's variable in double quotes and begins here.
    fn whole_word(&self, from: usize) -> Option<usize> {
        let inner = self.text.get(from + 1..)?.strip_prefix('$')?;
        let is_braced = inner.starts_with('{');
        let name = outsider(inner)?;
        let after = &inner[name.len() + usize::from(is_braced)..];
        // `${LABEL_x:-/}`: what stands in for a label that is not there.
        let rest =
            if is_braced { after.find('}').map(|end| (&after[..end], &after[end + 1..])) } else { Some(("", after)) };
        let (default, rest) = rest?;
        let rest_of_file = rest.strip_prefix('"')?;
        let is_plain = default.is_empty() || (default.starts_with([':', '-']) && !default.contains(['$', '`', '"']));
        let ends = rest_of_file.chars().next().is_none_or(|c| c.is_whitespace() || ";|&)".contains(c));
        (is_plain && ends).then(|| self.text.len() - rest_of_file.len())
    }

    fn variable(&mut self, from: usize) {
        let rest = &self.text[from + 1..];
        if let Some(name) = outsider(rest) {
            let end = from + 1 + name.len() + usize::from(rest.starts_with('{'));
            self.bad = Some((from..end, format!("${name}")));
        }
        self.step(1);
    }

    fn reads(&mut self, at: Range<usize>, word: &str) {
        self.step(at.len());
        self.reads.get_or_insert((at, word.to_owned()));
    }

    fn begins_a_word(&self) -> bool {
        self.text[..self.at].chars().next_back().is_none_or(|c| c.is_whitespace() || ";|&({".contains(c))
    }

    fn open(&mut self, context: Context, length: usize) {
        self.contexts.push(context);
        self.step(length);
    }

    fn close(&mut self) {
        if self.contexts.len() > 1 {
            self.contexts.pop();
        }
        self.step(1);
    }

    /// Goes on by so many characters.
    fn step(&mut self, characters: usize) {
        let length: usize = self.text[self.at..].chars().take(characters).map(char::len_utf8).sum();
        self.at += length;
    }

    /// Leaves the place behind the next such character; a line's end is still looked at.
    fn skip_to(&mut self, end: char) {
        self.step(1);
        let rest = &self.text[self.at..];
        let found = rest.find(end).map_or(rest.len(), |at| if end == '\n' { at } else { at + end.len_utf8() });
        self.at += found;
    }
}

/// The name of an outsider's variable that stands at the beginning, after `$` and perhaps a brace.
fn outsider(text: &str) -> Option<&str> {
    let text = text.strip_prefix('{').unwrap_or(text);
    let name = &text[..text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(text.len())];
    let is_one = |known: &str| name == known || (known.ends_with('_') && name.starts_with(known));
    OUTSIDERS.into_iter().any(is_one).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alerts_text_is_taken_as_a_whole_argument() {
        for script in [
            "test -d \"$LABEL_directory\"",
            "df -- \"${LABEL_mountpoint:-/}\"",
            "echo '$LABEL_x is not a variable here'",
            "# $LABEL_x in a comment\ntrue",
            "used=\"$(du -s -- \"$LABEL_directory\" | cut -f1)\"; echo \"$used\"",
            "echo $INCIDENT $HOME",
            "set -eu\nexport LC_ALL=C\ncommand -v jq >/dev/null\ndf \"$LABEL_mountpoint\" | sed 1d",
            "grep -c \"$LABEL_x\" file || exit 1",
            "case \"$LABEL_x\" in a) true ;; esac",
            "if [ \"$LABEL_x\" = y ]; then printf '%s is down\\n' \"$LABEL_instance\"; fi",
            "sh -c 'echo \"$1\"' sh \"$HOME\"",
            "(cd /tmp && ls \"$LABEL_directory\")",
        ] {
            assert_eq!(unsafe_use(script), None, "{script}");
        }
    }

    #[test]
    fn an_alerts_text_that_the_shell_would_split_or_run_is_refused() {
        for script in [
            "rm -r $LABEL_directory",
            "x=\"$(cat $LABEL_file)\"",
            "echo \"a\" ${LABEL_b}",
            "echo \"a \"$LABEL_b\" c\"",
            "eval \"$LABEL_command\"",
            "\"$LABEL_command\" --x",
            "true; \"$LABEL_command\"",
            "if \"$LABEL_command\"; then true; fi",
            "sh -c \"systemctl restart $LABEL_service\"",
            "ssh web \"systemctl restart $LABEL_service\"",
            "bash -ec \"ls $LABEL_x\"",
            "echo \"`ls $LABEL_x`\"",
            "x=\"$LABEL_x\"; eval \"$x\"",
            "echo \"$LABEL_x\" | sh",
            "echo \"$LABEL_x\" | /usr/bin/python3.12",
            "cat <<EOF\n$LABEL_x\nEOF",
            "sh <<EOF\n\"$LABEL_x\"\nEOF",
            "y=\"$( (true); echo $LABEL_x)\"",
            "echo $ANSWER",
            "timeout 5 \"$LABEL_command\"",
            "trap \"$LABEL_x\" EXIT",
            "echo {{ labels.instance }}",
            "echo \"${LABEL_x:-$(id)}\"",
            "\"$LABEL_x",
        ] {
            assert!(unsafe_use(script).is_some(), "accepted: {script}");
        }
    }

    #[test]
    fn the_place_is_that_of_the_use() {
        let script = "true\nrm -r $LABEL_directory";
        assert_eq!(&script[unsafe_use(script).unwrap().at], "$LABEL_directory");
        let script = "printf 'Größe' \"$LABEL_x\" | bash";
        assert_eq!(&script[unsafe_use(script).unwrap().at], "bash");
    }
}
