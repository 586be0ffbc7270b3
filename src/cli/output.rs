//! Standard output and standard error of a command. A reader that has gone away is not an error; whatever else keeps a
//! result from being written is, and then nothing more is written, for there would be gaps.

use std::io;
use std::io::Write;

use serde::Serialize;

use super::failure::Failure;
use crate::shape;

/// Whether anybody still reads standard output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reader {
    There,
    Gone,
}

/// Where a command writes. Standard output carries results, standard error everything else.
pub struct Output {
    out: Box<dyn Write + Send>,
    diagnostics: Box<dyn Write + Send>,
    reader: Reader,
}

impl Output {
    pub fn standard() -> Self {
        Self { out: Box::new(io::stdout()), diagnostics: Box::new(io::stderr()), reader: Reader::There }
    }

    /// Whether it is still worth producing more.
    pub fn reader(&self) -> Reader {
        self.reader
    }

    /// Text as it is, on standard output. Whatever is an outsider's has been made visible before.
    pub fn write(&mut self, text: &str) -> Result<(), Failure> {
        if self.reader == Reader::Gone {
            return Ok(());
        }
        let written = self.out.write_all(text.as_bytes()).and_then(|()| self.out.flush());
        match written {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                self.reader = Reader::Gone;
                Ok(())
            }
            Err(error) => {
                self.reader = Reader::Gone;
                Err(unwritable(&error))
            }
            Ok(()) => Ok(()),
        }
    }

    pub fn line(&mut self, text: &str) -> Result<(), Failure> {
        self.write(&format!("{text}\n"))
    }

    /// One JSON object on a line of its own.
    pub fn json<T: Serialize>(&mut self, value: &T) -> Result<(), Failure> {
        let text = serde_json::to_string(value)
            .map_err(|error| Failure::failed(format!("cannot be written as JSON: {error}")))?;
        self.line(&shape::escaped(text))
    }

    /// A line on standard error. There is nobody to tell if that fails.
    pub fn diagnose(&mut self, text: &str) {
        let _ = self.diagnostics.write_all(format!("{text}\n").as_bytes());
    }

    /// The same without a line break.
    pub fn diagnose_part(&mut self, text: &str) {
        let _ = self.diagnostics.write_all(text.as_bytes()).and_then(|()| self.diagnostics.flush());
    }
}

/// That a result could not be told. What led to it stands.
pub fn unwritable(error: &io::Error) -> Failure {
    Failure::failed(format!("standard output cannot be written: {error}"))
        .next("check where it leads and that the disk has room; earlier changes are kept")
}

#[cfg(test)]
pub mod capture {
    //! An output that tests can read.

    use std::io;
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    use super::{Output, Reader};

    #[derive(Clone, Default)]
    pub struct Captured(Arc<Mutex<Vec<u8>>>);

    impl Captured {
        pub fn text(&self) -> String {
            String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
        }
    }

    impl Write for Captured {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    struct Full;

    impl Write for Full {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::StorageFull.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// One whose standard output leads to a full disk, and what goes to standard error.
    pub fn full() -> (Output, Captured) {
        let diagnostics = Captured::default();
        let output = Output { out: Box::new(Full), diagnostics: Box::new(diagnostics.clone()), reader: Reader::There };
        (output, diagnostics)
    }

    /// The output, what goes to standard output, and what goes to standard error.
    pub fn output() -> (Output, Captured, Captured) {
        let (out, diagnostics) = (Captured::default(), Captured::default());
        let output =
            Output { out: Box::new(out.clone()), diagnostics: Box::new(diagnostics.clone()), reader: Reader::There };
        (output, out, diagnostics)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Closed;

    impl Write for Closed {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_reader_that_has_gone_is_noticed_and_no_error() {
        let mut output = Output { out: Box::new(Closed), diagnostics: Box::new(io::sink()), reader: Reader::There };
        output.line("one").unwrap();
        assert_eq!(output.reader(), Reader::Gone);
        output.json(&1).unwrap();
    }

    #[test]
    fn a_full_disk_is_told_once_and_nothing_is_written_behind_a_gap() {
        let (mut output, _) = capture::full();
        let failure = output.line("one").unwrap_err();
        assert!(failure.rendered().contains("standard output cannot be written"), "{}", failure.rendered());
        assert_eq!(output.line("two"), Ok(()));
    }

    #[test]
    fn json_carries_hidden_characters_as_escapes() {
        let (mut output, out, _) = capture::output();
        let text = "é\u{202e}\u{9b}\u{e0041}\u{1b}";
        output.json(&text).unwrap();
        let line = out.text();
        assert_eq!(line, "\"é\\u202e\\u009b\\udb40\\udc41\\u001b\"\n");
        assert_eq!(serde_json::from_str::<String>(&line).unwrap(), text);
    }
}
