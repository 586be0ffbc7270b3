//! Chords to intents, from TOML. An unknown name, an unreadable chord or a conflict is an error with file and line.

mod chord;

use std::collections::BTreeMap;
use std::fmt::Write;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

pub use chord::Chord;

use crate::console::intent::{Context, Intent};
use crate::domain::{Fault, SourceText, nearest};

const BUILTIN: &str = include_str!("../../../assets/keys.toml");
const BUILTIN_NAME: &str = "built-in keys.toml";

/// Which chord asks for what.
#[derive(Clone, Debug)]
pub struct Keymap {
    bindings: BTreeMap<Intent, Vec<Binding>>,
}

/// A chord and where it was bound, so that a conflict can point at it.
#[derive(Clone, Debug)]
struct Binding {
    chord: Chord,
    span: Range<usize>,
    origin: Origin,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Origin {
    Builtin,
    User,
}

impl Keymap {
    /// The keys that come with the program.
    pub fn builtin() -> Result<Self, Fault> {
        let source = SourceText::new(BUILTIN_NAME, BUILTIN);
        let mut keymap = Self { bindings: BTreeMap::new() };
        keymap.read(&source, Origin::Builtin)?;
        keymap.check(&source, Origin::Builtin)?;
        Ok(keymap)
    }

    /// The built-in keys with a user's changes.
    pub fn with(source: &SourceText) -> Result<Self, Fault> {
        let mut keymap = Self::builtin()?;
        keymap.read(source, Origin::User)?;
        keymap.check(source, Origin::User)?;
        Ok(keymap)
    }

    /// What `chord` asks for where `active` contexts apply; the first that knows it wins.
    pub fn intent(&self, chord: Chord, active: &[Context]) -> Option<Intent> {
        active.iter().find_map(|context| {
            let here = self.bindings.iter().filter(|(intent, _)| intent.context() == *context);
            let mut bound = here.filter(|(_, bindings)| bindings.iter().any(|binding| binding.chord == chord));
            bound.next().map(|(intent, _)| *intent)
        })
    }

    /// Its first chord, as a hint shows it; empty when no key asks for it.
    pub fn hint(&self, intent: Intent) -> String {
        self.chords(intent).next().map(|chord| chord.to_string()).unwrap_or_default()
    }

    pub fn chords(&self, intent: Intent) -> impl Iterator<Item = Chord> + '_ {
        self.bindings.get(&intent).into_iter().flatten().map(|binding| binding.chord)
    }

    /// The table of keys for the README: context, keys, name, aliases and doc of every intent.
    pub fn markdown_table(&self) -> String {
        let mut table = String::from("| where | keys | command | does |\n|---|---|---|---|\n");
        for intent in Intent::ALL {
            let keys: Vec<_> = self.chords(*intent).map(|chord| format!("`{chord}`")).collect();
            let names =
                std::iter::once(intent.name()).chain(intent.aliases().iter().copied()).map(|name| format!("`{name}`"));
            let (place, names, doc) = (intent.context().title(), names.collect::<Vec<_>>().join(" "), intent.doc());
            // Writing to a String cannot fail.
            let _ = writeln!(table, "| {place} | {} | {names} | {doc} |", keys.join(" "));
        }
        table
    }

    fn read(&mut self, source: &SourceText, origin: Origin) -> Result<(), Fault> {
        let document = DeTable::parse(&source.text)
            .map_err(|error| Fault::new(source, error.span().unwrap_or_default(), error.message()))?;
        for (section, body) in document.get_ref() {
            let name = section.get_ref().as_ref();
            let known = Context::ALL.iter().find(|context| context.name() == name);
            let (Some(context), Some(rows)) = (known, body.get_ref().as_table()) else {
                let names: Vec<_> = Context::ALL.iter().map(|context| context.name()).collect();
                return Err(Fault::new(source, section.span(), format!("no section {name:?} of keys"))
                    .help(format!("sections are {}", names.join(", "))));
            };
            for (name, chords) in rows {
                let intent = intent_in(*context, name.get_ref()).map_err(|help| {
                    let message = format!("nothing is called {:?} in [{}]", name.get_ref(), context.name());
                    Fault::new(source, name.span(), message).help(help)
                })?;
                let bindings = read_chords(chords, origin).map_err(|(span, message)| {
                    Fault::new(source, span, message).help("expected a list of chords: [\"y\", \"ctrl-d\", \"enter\"]")
                })?;
                self.bindings.insert(intent, bindings);
            }
        }
        Ok(())
    }

    /// Refuses a chord that would mean two things at once, and points at the one in the file just read.
    fn check(&self, source: &SourceText, origin: Origin) -> Result<(), Fault> {
        let all: Vec<_> =
            self.bindings.iter().flat_map(|(intent, list)| list.iter().map(move |b| (*intent, b))).collect();
        for (intent, binding) in all.iter().filter(|(_, binding)| binding.origin == origin) {
            let clash = all.iter().find(|(other, rival)| {
                other != intent && rival.chord == binding.chord && other.context().meets(intent.context())
            });
            if let Some((other, _)) = clash {
                let message = format!("{} is bound to both {intent} and {other}", binding.chord);
                let help = format!("give {other} another key in [{}], or none: {other} = []", other.context().name());
                return Err(Fault::new(source, binding.span.clone(), message).help(help));
            }
        }
        Ok(())
    }
}

fn intent_in(context: Context, name: &str) -> Result<Intent, String> {
    match Intent::of_name(name) {
        Some(intent) if intent.context() == context => Ok(intent),
        Some(intent) => Err(format!("it belongs in [{}]", intent.context().name())),
        None => {
            let known: Vec<_> = Intent::ALL.iter().filter(|intent| intent.context() == context).collect();
            match nearest(name, known.iter().map(|intent| intent.name())) {
                Some(meant) => Err(format!("did you mean {meant}?")),
                None => Err(format!("there are {}", known.iter().map(|i| i.name()).collect::<Vec<_>>().join(", "))),
            }
        }
    }
}

type Misread = (Range<usize>, String);

fn read_chords(value: &Spanned<DeValue<'_>>, origin: Origin) -> Result<Vec<Binding>, Misread> {
    let Some(list) = value.get_ref().as_array() else {
        return Err((value.span(), format!("a {} is not a list of chords", value.get_ref().type_str())));
    };
    let mut bindings = Vec::new();
    for item in list.iter() {
        let Some(written) = item.get_ref().as_str() else {
            return Err((item.span(), format!("a {} is not a chord", item.get_ref().type_str())));
        };
        let chord = written.parse().map_err(|message| (item.span(), message))?;
        bindings.push(Binding { chord, span: item.span(), origin });
    }
    Ok(bindings)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chord(text: &str) -> Chord {
        text.parse().unwrap()
    }

    #[test]
    fn every_intent_has_a_key_out_of_the_box() {
        let keymap = Keymap::builtin().unwrap();
        let keyless: Vec<_> = Intent::ALL.iter().filter(|intent| keymap.hint(**intent).is_empty()).collect();
        assert!(keyless.is_empty(), "{keyless:?}");
    }

    #[test]
    fn one_chord_means_different_things_in_different_places() {
        let keymap = Keymap::builtin().unwrap();
        let n = chord("n");
        assert_eq!(keymap.intent(n, &[Context::Effect, Context::Card, Context::Everywhere]), Some(Intent::Deny));
        assert_eq!(keymap.intent(n, &[Context::Home, Context::Everywhere]), Some(Intent::NewGoal));
        assert_eq!(keymap.intent(n, &[Context::Everywhere]), None);
    }

    #[test]
    fn enter_decides_nothing_out_of_the_box() {
        let keymap = Keymap::builtin().unwrap();
        let intent = keymap.intent(chord("enter"), Context::ALL).unwrap();
        assert!(!intent.decides(), "{intent}");
    }

    fn with(text: &str) -> Result<Keymap, Fault> {
        Keymap::with(&SourceText::new("/c/keys.toml", text))
    }

    #[test]
    fn a_user_changes_one_line_and_keeps_the_rest() {
        let keymap = with("[effect]\napprove = [\"Y\"]\n").unwrap();
        assert_eq!(keymap.intent(chord("Y"), &[Context::Effect]), Some(Intent::Approve));
        assert_eq!(keymap.intent(chord("y"), &[Context::Effect]), None);
        assert_eq!(keymap.intent(chord("n"), &[Context::Effect]), Some(Intent::Deny));
    }

    #[test]
    fn mistakes_name_file_and_line() {
        let wrong = |text: &str| with(text).unwrap_err().to_string();
        assert_eq!(
            wrong("[effect]\n\napprov = [\"y\"]\n"),
            "/c/keys.toml:3:1: nothing is called \"approv\" in [effect]"
        );
        assert_eq!(
            wrong("[effect]\napprove = [\"y\",\n  \"hyper-y\"]\n"),
            "/c/keys.toml:3:3: \"hyper-y\" is not a key"
        );
        assert_eq!(wrong("[effect]\napprove = [\"j\"]\n"), "/c/keys.toml:2:12: j is bound to both approve and down");
        assert!(wrong("[effects]\n").starts_with("/c/keys.toml:1:2: no section"));
        assert!(wrong("[effect]\ndown = []\n").starts_with("/c/keys.toml:2:1: nothing is called"));
        assert!(wrong("[effect\n").starts_with("/c/keys.toml:1:"));
    }

    #[test]
    fn the_table_for_the_readme_has_a_row_for_each() {
        let table = Keymap::builtin().unwrap().markdown_table();
        assert_eq!(table.lines().count(), Intent::ALL.len() + 2);
        assert!(
            table.contains(
                "| Deciding on an effect | `y` | `approve` `ok` `yes` | approve exactly what the card shows |"
            )
        );
    }
}
