//! Opening the console, on the whole screen or as plain text: on the embedded orchestrator, or on a recording.

use std::io::{ErrorKind, IsTerminal};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Wire;
use super::desk::{DemoDesk, Desk};
use super::places::read;
use super::session::LocalSession;
use super::signals::asked_to_end;
use crate::access::people::role_at_the_store;
use crate::cli::{Exit, Failure};
use crate::client::{Recording, ReplayClient};
use crate::config::{Keys, TimeChoice};
use crate::console;
use crate::console::keymap::Keymap;
use crate::console::plain::PlainOptions;
use crate::console::state::Mouse;
use crate::console::theme::{Depth, Ground, Theme};
use crate::console::view::zone::{Zone, show_times_in};
use crate::console::{Bell, ConsoleError, ConsoleOptions, IdleLock, Launcher, plain};
use crate::domain::{Actor, Faults, SourceText};
use crate::ports::{Client, Clock, SystemClock};
use crate::runtime::Role;

impl Wire {
    /// The console, until the person leaves it.
    pub async fn console(self: Arc<Self>) -> Result<Exit, Failure> {
        self.check_console()?;
        if self.options.plain {
            return self.plain_console().await;
        }
        let mut options = self.console_options(Arc::new(Desk::new(self.clone())))?;
        let session = self.start(Role::Worker).await?;
        let client = session.shared();
        match self.sit_down(&session).await {
            Ok(lock) => options.lock = lock,
            Err(failure) => {
                session.end_in_order().await;
                return Err(failure);
            }
        }
        tokio::spawn({
            let (wire, client) = (self.clone(), client.clone());
            async move { wire.learn_sandbox(&client).await }
        });
        let shown = console::run(client, options).await;
        session.end_in_order().await;
        ended(shown)
    }

    /// Says in the header what the person's account may do, and locks the console where one opens it again.
    async fn sit_down(&self, session: &LocalSession) -> Result<Option<IdleLock>, Failure> {
        let accounts = session.accounts();
        // A store whose accounts cannot be read opens no console either: it might be one that must lock.
        let own = self.own_account(accounts.as_ref()).await?;
        let role = role_at_the_store(own.as_ref()).to_string();
        session.shared().learn(|status| status.role = role);
        self.idle_lock(accounts, own)
    }

    /// The console as text that only grows, until `quit`, the end of the input, or a signal.
    async fn plain_console(self: Arc<Self>) -> Result<Exit, Failure> {
        let launcher = Arc::new(Desk::new(self.clone()));
        let session = self.start(Role::Worker).await?;
        let client = session.shared();
        self.learn_sandbox(&client).await;
        let shown = self.talk(self.person.clone(), client, launcher).await;
        session.end_in_order().await;
        shown
    }

    /// A recording in the console. Touches no state.
    pub(super) async fn show(&self, recording: Recording, speed: f64) -> Result<Exit, Failure> {
        self.check_console()?;
        let play = || Arc::new(ReplayClient::play(recording, speed, SystemClock.now()));
        if self.options.plain {
            return self.talk(self.person.clone(), play(), Arc::new(DemoDesk)).await;
        }
        let options = self.console_options(Arc::new(DemoDesk))?;
        ended(console::run(play(), options).await)
    }

    /// Whether a console can be shown: it prints no JSON, and on the whole screen it needs a terminal. From then on times
    /// are shown in the zone of the configuration.
    pub(super) fn check_console(&self) -> Result<(), Failure> {
        show_times_in(match self.config.console.time {
            TimeChoice::Local => Zone::Local,
            TimeChoice::Utc => Zone::Utc,
        });
        if self.options.json {
            return Err(Failure::usage("the console prints no JSON")
                .next("use a command, such as `morningai runs --json` (`morningai --help` lists them)"));
        }
        if self.options.plain { Ok(()) } else { check_terminal() }
    }

    /// The console as text, until `quit`, the end of the input, or a signal.
    pub(super) async fn talk(
        &self,
        person: Actor,
        client: Arc<dyn Client>,
        launcher: Arc<dyn Launcher>,
    ) -> Result<Exit, Failure> {
        let options = PlainOptions { person, launcher, clock: Arc::new(SystemClock), keymap: self.keymap()? };
        let input = tokio::io::BufReader::new(tokio::io::stdin());
        let mut output = std::io::stdout();
        tokio::select! {
            told = plain::run(client, options, input, &mut output) => match told {
                Err(error) if error.kind() != ErrorKind::BrokenPipe => {
                    Err(Failure::failed(format!("the text console cannot go on: {error}"))
                        .next("check where its input comes from and its output leads"))
                }
                Ok(()) | Err(_) => Ok(Exit::Done),
            },
            signalled = asked_to_end() => signalled.map(|()| Exit::Done),
        }
    }

    pub(super) fn console_options(&self, launcher: Arc<dyn Launcher>) -> Result<ConsoleOptions, Failure> {
        let variable = |name: &str| std::env::var(name).ok();
        let depth =
            Depth::of(variable("NO_COLOR").as_deref(), variable("COLORTERM").as_deref(), variable("TERM").as_deref());
        Ok(ConsoleOptions {
            person: self.person.clone(),
            launcher,
            clock: Arc::new(SystemClock),
            lock: None,
            keymap: self.keymap()?,
            themes: self.themes(depth)?,
            depth,
            bell: if self.config.console.bell { Bell::Rings } else { Bell::Silent },
            mouse: if self.config.console.mouse { Mouse::Console } else { Mouse::Terminal },
            editor: persons_editor(),
            copy_file: self.places.paths.data_dir().join("copied.txt"),
            term: variable("TERM").unwrap_or_default(),
        })
    }

    /// The keys of the configuration; those of `keys.toml` beside it when it names none.
    fn keymap(&self) -> Result<Keymap, Failure> {
        let source = match &self.config.console.keys {
            Some(Keys::Inline(source)) => source.clone(),
            Some(Keys::File(path)) => read(&self.places.resolve(path), "keys")?,
            None => match self.places.paths.keys_file() {
                path if path.exists() => read(&path, "keys")?,
                _ => return Ok(Keymap::builtin().map_err(Faults::from)?),
            },
        };
        Ok(Keymap::with(&source).map_err(Faults::from)?)
    }

    /// All bundled themes, the wanted one first.
    fn themes(&self, depth: Depth) -> Result<Vec<Theme>, Failure> {
        let ground = Ground::of(std::env::var("COLORFGBG").ok().as_deref());
        let wanted = self.options.theme.clone().or_else(|| self.config.console.theme.clone());
        let wanted = wanted.filter(|name| !name.is_empty()).unwrap_or_else(|| Theme::usual(depth, ground).to_owned());
        let first = self.theme(&wanted)?;
        let others = Theme::all_builtin().into_iter().filter(|theme| theme.name != first.name);
        Ok(std::iter::once(first.clone()).chain(others).collect())
    }

    /// A theme by its name, or from a file.
    pub(super) fn theme(&self, wanted: &str) -> Result<Theme, Failure> {
        match Theme::builtin(wanted) {
            Some(theme) => Ok(theme.map_err(Faults::from)?),
            None => Ok(Theme::read(&self.theme_file(wanted)?).map_err(Faults::from)?),
        }
    }

    /// A theme's file: the path itself, or a name in the configuration's `themes`.
    fn theme_file(&self, wanted: &str) -> Result<SourceText, Failure> {
        let named = self.places.paths.config_dir().join("themes");
        let bundled: Vec<_> = Theme::builtin_names().collect();
        let given = self.places.resolve(Path::new(wanted));
        let places: Vec<PathBuf> = std::iter::once(given)
            .chain(["toml", "yaml", "yml"].map(|ending| named.join(format!("{wanted}.{ending}"))))
            .collect();
        match places.iter().find(|path| path.is_file()) {
            Some(path) => read(path, "theme"),
            None => Err(Failure::usage(format!("there is no theme {wanted:?}")).next(format!(
                "use {}, a file, or a name in {}",
                bundled.join(", "),
                named.display()
            ))),
        }
    }
}

/// The person's editor and its arguments; empty when none is set.
pub(super) fn persons_editor() -> Vec<String> {
    let named = ["VISUAL", "EDITOR"].into_iter().find_map(|name| std::env::var(name).ok());
    named.unwrap_or_default().split_whitespace().map(str::to_owned).collect()
}

fn check_terminal() -> Result<(), Failure> {
    if std::io::stdin().is_terminal() && std::io::stdout().is_terminal() {
        return Ok(());
    }
    Err(Failure::usage("the console needs a terminal, and this is none")
        .next("use --plain for text only, or a command (`morningai --help` lists them)"))
}

pub(super) fn ended(shown: Result<(), ConsoleError>) -> Result<Exit, Failure> {
    match shown {
        Ok(()) => Ok(Exit::Done),
        Err(error) => Err(Failure::failed(error.to_string()).next(error.hint())),
    }
}
