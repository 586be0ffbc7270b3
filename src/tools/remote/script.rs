//! The text that a shell on another host is sent: one command with its variables, quoted so that nothing in them is
//! read as shell. Pure.

/// A command for another host.
#[derive(Clone, Copy, Debug)]
pub struct Order<'a> {
    pub argv: &'a [String],
    /// Variables of its environment, by names that a shell can have.
    pub env: &'a [(String, String)],
    pub limit_seconds: u64,
}

/// How the two lines begin by which the shell over there says how far it is. Random, so that no output is taken for one.
#[derive(Clone, Debug)]
pub struct Mark(String);

/// What the shell over there says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Said {
    /// It runs, and waits for the order.
    Ready,
    /// The command exited like this.
    Ended(i32),
}

impl Mark {
    pub fn new() -> Self {
        Self(format!("morningai-{}", uuid::Uuid::new_v4().simple()))
    }

    /// Sent first. Nothing else is sent before its answer has come.
    pub fn greeting(&self) -> String {
        format!("echo {} ready >&2\n", self.0)
    }

    pub fn read(&self, line: &str) -> Option<Said> {
        match line.trim_end().split_once(&self.0)?.1.strip_prefix(' ')? {
            "ready" => Some(Said::Ready),
            other => Some(Said::Ended(other.strip_prefix("ended ")?.parse().ok()?)),
        }
    }

    /// The order itself. In braces, so that a shell that is sent only a part of it runs nothing.
    ///
    /// Standard output and errors of the command become one, in their order; the other channel is for the mark. The
    /// command ends when the connection does, for then `cat` has read to its end. `timeout` ends all that it started.
    pub fn order(&self, order: &Order<'_>) -> String {
        let Order { argv, env, limit_seconds } = order;
        let mark = &self.0;
        // A label may be called anything, and a shell would read what a name cannot be quoted in.
        let named = env.iter().filter(|(name, _)| is_variable(name));
        let exports: String = named.map(|(name, value)| format!("export {name}={}\n", quoted(value))).collect();
        let command = argv.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ");
        format!(
            "{{\n\
             exec 3<&0\n\
             limit='timeout -k 5 {limit_seconds}'\n\
             timeout -k 5 5 true >/dev/null 2>&1 || limit=\n\
             {exports}\
             $limit {command} </dev/null 2>&1 3<&- &\n\
             command=$!\n\
             {{ cat >/dev/null; kill \"$command\"; }} <&3 >/dev/null 2>&1 &\n\
             watch=$!\n\
             wait \"$command\"\n\
             code=$?\n\
             kill \"$watch\" 2>/dev/null\n\
             echo {mark} ended \"$code\" >&2\n\
             exit \"$code\"\n\
             }}\n"
        )
    }
}

/// Whether a shell can have a variable of this name.
fn is_variable(name: &str) -> bool {
    let is_letter = |byte: u8| byte.is_ascii_alphabetic() || byte == b'_';
    let is_plain = name.bytes().all(|byte| is_letter(byte) || byte.is_ascii_digit());
    is_plain && name.bytes().next().is_some_and(is_letter)
}

/// A text as one word of a shell, which reads nothing in it.
pub fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::process::{Command, Stdio};

    use proptest::prelude::*;

    use super::*;

    /// What `sh` does with an order, and what it says on the other channel.
    fn run(script: &str) -> (String, String, Option<i32>) {
        let mut shell = Command::new("sh");
        shell.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut shell = shell.spawn().unwrap();
        // Its standard input stays open, as that of a connection does.
        let mut stdin = shell.stdin.take().unwrap();
        let _ = stdin.write_all(script.as_bytes());
        if !script.ends_with("}\n") {
            drop(stdin);
            let output = shell.wait_with_output().unwrap();
            return told(&output);
        }
        let output = shell.wait_with_output().unwrap();
        drop(stdin);
        told(&output)
    }

    fn told(output: &std::process::Output) -> (String, String, Option<i32>) {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        (text(&output.stdout), text(&output.stderr), output.status.code())
    }

    fn ordered(mark: &Mark, argv: &[&str], env: &[(&str, &str)]) -> String {
        let argv: Vec<_> = argv.iter().map(|word| (*word).to_owned()).collect();
        let env: Vec<_> = env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        mark.order(&Order { argv: &argv, env: &env, limit_seconds: 20 })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        #[test]
        fn any_text_arrives_as_it_is(text in "[^\\x00]{0,40}|(['\"$`\\\\;&|\n!*~(){} -]|\\$\\(touch x\\)){0,30}") {
            let mark = Mark::new();
            let script = ordered(&mark, &["sh", "-c", "printf '%s|%s|' \"$1\" \"$LABEL_x\"", "sh", &text], &[("LABEL_x", &text)]);
            let (out, err, code) = run(&script);
            prop_assert_eq!(out, format!("{text}|{text}|"));
            prop_assert_eq!((mark.read(&err), code), (Some(Said::Ended(0)), Some(0)));
        }
    }

    #[test]
    fn nothing_of_an_order_that_was_cut_off_runs() {
        let mark = Mark::new();
        let script = ordered(&mark, &["sh", "-c", "echo ran"], &[("LABEL_x", "a 'b' c")]);
        assert_eq!(run(&script).0, "ran\n");
        for end in (0..script.trim_end().len()).step_by(7) {
            assert_eq!(run(&script[..end]).0, "", "{}", &script[..end]);
        }
    }

    #[test]
    fn a_name_that_no_variable_can_have_is_left_out() {
        let names = ["LABEL_x;echo pwned;y", "LABEL_$(echo pwned)", "LABEL_a b", "1x", "", "LABEL_\necho pwned"];
        for name in names {
            let script = ordered(&Mark::new(), &["sh", "-c", "echo ran"], &[(name, "value")]);
            assert!(!script.contains("pwned") && !script.contains("export"), "{script}");
            assert_eq!(run(&script).0, "ran\n");
        }
    }

    #[test]
    fn exits_are_told_and_input_is_not_read() {
        let mark = Mark::new();
        for code in [1, 7, 255] {
            let (out, err, _) = run(&ordered(&mark, &["sh", "-c", &format!("cat; echo err >&2; exit {code}")], &[]));
            assert_eq!((out.as_str(), mark.read(&err)), ("err\n", Some(Said::Ended(code))));
        }
        assert_eq!(mark.read("morningai-0 ended 0"), None);
        assert_eq!(mark.read(&format!("{} ready\n", mark.0)), Some(Said::Ready));
    }
}
