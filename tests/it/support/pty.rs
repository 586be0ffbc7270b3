//! The real program in a real terminal: started in a pseudo-terminal, typed at, and read from its screen.

use std::io::{Read, Write};
use std::num::NonZeroU16;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

/// How long a test waits for something that must appear before it fails.
const PATIENCE: Duration = Duration::from_secs(40);

/// A program in a terminal of its own.
pub struct Terminal {
    /// Held, for the program loses its terminal with it.
    _master: Box<dyn MasterPty + Send>,
    input: Line,
    child: Box<dyn Child + Send + Sync>,
    seen: Arc<Seen>,
}

struct Seen {
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    screen: vt100::Parser,
    /// Every byte the program wrote.
    bytes: Vec<u8>,
    is_over: bool,
}

/// One way between the program and its terminal: what is sent arrives so much later, in order.
struct Line {
    sender: Sender<(Instant, Vec<u8>)>,
}

impl Line {
    fn new(delay: Duration, mut arrives: impl FnMut(&[u8]) + Send + 'static) -> Self {
        let (sender, sent) = channel::<(Instant, Vec<u8>)>();
        std::thread::spawn(move || {
            for (at, bytes) in sent {
                std::thread::sleep((at + delay).saturating_duration_since(Instant::now()));
                arrives(&bytes);
            }
        });
        Self { sender }
    }

    fn send(&self, bytes: &[u8]) {
        // What is sent when nothing is received any more is lost.
        let _ = self.sender.send((Instant::now(), bytes.to_vec()));
    }
}

impl Terminal {
    pub fn start(command: CommandBuilder, rows: u16, cols: u16) -> Self {
        Self::start_far(command, rows, cols, Duration::ZERO)
    }

    /// The same on a line on which each way takes so long.
    pub fn start_far(command: CommandBuilder, rows: u16, cols: u16, one_way: Duration) -> Self {
        let size = PtySize { rows, cols, pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size).unwrap();
        let child = pair.slave.spawn_command(command).unwrap();
        drop(pair.slave);
        let mut output = pair.master.try_clone_reader().unwrap();
        let state = State { screen: parser(rows, cols), bytes: Vec::new(), is_over: false };
        let seen = Arc::new(Seen { state: Mutex::new(state), changed: Condvar::new() });
        let shown = seen.clone();
        let way_back = Line::new(one_way, move |bytes| {
            let Ok(mut state) = shown.state.lock() else { return };
            state.screen.process(bytes);
            state.bytes.extend_from_slice(bytes);
            state.is_over = bytes.is_empty();
            shown.changed.notify_all();
        });
        std::thread::spawn(move || {
            let mut buffer = [0; 8192];
            loop {
                let read = output.read(&mut buffer).unwrap_or(0);
                way_back.send(&buffer[..read]);
                if read == 0 {
                    return;
                }
            }
        });
        let mut input = pair.master.take_writer().unwrap();
        let input = Line::new(one_way, move |keys| {
            // A program that has ended takes no keys.
            let _ = input.write_all(keys).and_then(|()| input.flush());
        });
        Self { _master: pair.master, input, child, seen }
    }

    /// Types keys; escape sequences are the caller's.
    pub fn keys(&mut self, keys: &str) {
        self.input.send(keys.as_bytes());
    }

    /// The screen once `wanted` holds of it.
    pub fn until(&self, what: &str, wanted: impl Fn(&str) -> bool) -> String {
        let deadline = Instant::now() + PATIENCE;
        let mut state = self.seen.state.lock().unwrap();
        loop {
            let screen = state.screen.screen().contents();
            if wanted(&screen) {
                return screen;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(!left.is_zero() && !state.is_over, "never on the screen: {what}\n{screen}");
            state = self.seen.changed.wait_timeout(state, left).unwrap().0;
        }
    }

    pub fn until_shown(&self, text: &str) -> String {
        self.until(text, |screen| screen.contains(text))
    }

    pub fn screen(&self) -> String {
        self.seen.state.lock().unwrap().screen.screen().contents()
    }

    /// Everything written so far.
    pub fn bytes(&self) -> Vec<u8> {
        self.seen.state.lock().unwrap().bytes.clone()
    }

    pub fn process_id(&self) -> u32 {
        self.child.process_id().unwrap()
    }

    /// Waits for the end; the exit code.
    pub fn exit_code(&mut self) -> u32 {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.exit_code();
            }
            assert!(Instant::now() < deadline, "the program does not end\n{}", self.screen());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Whether the program left the terminal as it found it: main screen, visible cursor, no modes. Its last words may
    /// still be on their way here when it has ended.
    pub fn assert_restored(&self) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let left = self.left_behind();
            if left.is_empty() {
                return;
            }
            assert!(Instant::now() < deadline, "still on: {}", left.join(", "));
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    fn left_behind(&self) -> Vec<&'static str> {
        let state = self.seen.state.lock().unwrap();
        let screen = state.screen.screen();
        let has_mouse = screen.mouse_protocol_mode() != vt100::MouseProtocolMode::None;
        let modes = [
            ("the alternate screen", screen.alternate_screen()),
            ("the hidden cursor", screen.hide_cursor()),
            ("bracketed paste", screen.bracketed_paste()),
            ("the mouse", has_mouse),
        ];
        modes.into_iter().filter(|(_, is_on)| *is_on).map(|(name, _)| name).collect()
    }
}

fn parser(rows: u16, cols: u16) -> vt100::Parser {
    let [rows, cols] = [rows, cols].map(|side| NonZeroU16::new(side).unwrap());
    vt100::Parser::new(rows, cols, 0)
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
    }
}
