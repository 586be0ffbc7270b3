//! Reads base16 and base24 schemes: sixteen colours with agreed meanings, turned into looks of our roles.

use std::collections::BTreeMap;

use ratatui::style::{Color, Modifier, Style};
use serde::Deserialize;

use super::contrast::{BOLD_TEXT, TEXT, contrast, readable};
use crate::console::role::Role;
use crate::domain::{Fault, SourceText};

/// Both forms in use: colours at the top level (older), or below `palette`.
#[derive(Deserialize)]
struct Scheme {
    #[serde(alias = "scheme")]
    name: Option<String>,
    #[serde(default)]
    palette: BTreeMap<String, String>,
    #[serde(flatten)]
    rest: BTreeMap<String, yaml_serde::Value>,
}

/// Turns a scheme file into its name and the look of each role.
pub fn read(source: &SourceText) -> Result<(String, BTreeMap<Role, Style>), Fault> {
    let fail = |at: usize, message: String| {
        Fault::new(source, at..at, message).help("a base16 scheme gives base00 to base0F, each as rrggbb")
    };
    let scheme: Scheme = yaml_serde::from_str(&source.text)
        .map_err(|error| fail(error.location().map_or(0, |location| location.index()), error.to_string()))?;
    let mut base = [Color::Reset; 16];
    for (index, slot) in base.iter_mut().enumerate() {
        let key = format!("base{index:02X}");
        let written = scheme.palette.get(&key).map(String::as_str);
        let written = written.or_else(|| scheme.rest.get(&key).and_then(|value| value.as_str()));
        *slot = match written {
            Some(text) => {
                let place = source.text.find(&key).unwrap_or_default();
                hex(text).ok_or_else(|| fail(place, format!("{key}: {text:?} is not a colour")))?
            }
            None => return Err(fail(0, format!("{key} is missing"))),
        };
    }
    let name = scheme.name.unwrap_or_else(|| source.name.to_string());
    Ok((name, Role::ALL.iter().map(|role| (*role, look(*role, &base))).collect()))
}

/// What each role takes from a scheme. The numbers are the meanings that base16's styling guide gives them; a colour
/// that is too faint on the scheme's own background is made stronger until it reads.
fn look(role: Role, base: &[Color; 16]) -> Style {
    let ground = base[0];
    let selected = selection(base);
    let fg = |index: usize| Style::default().fg(readable(base[index], &[(ground, TEXT), (selected, BOLD_TEXT)]));
    let bold = |index: usize| fg(index).add_modifier(Modifier::BOLD);
    let on = |index: usize| Style::default().fg(readable(ground, &[(base[index], TEXT)])).bg(base[index]);
    match role {
        Role::Text | Role::Code => fg(5),
        Role::Dim | Role::CodeComment => fg(4),
        Role::Strong => bold(6),
        Role::Heading | Role::Accent => bold(13),
        Role::Rule => Style::default().fg(base[3]),
        Role::Key => bold(12),
        Role::Selected => Style::default().bg(selected).add_modifier(Modifier::BOLD),
        Role::Match => on(10),
        Role::Input => Style::default().fg(readable(base[6], &[(base[1], TEXT)])).bg(base[1]),
        Role::Tab => bold(13).add_modifier(Modifier::UNDERLINED),
        Role::Good | Role::DiffAdded => fg(11),
        Role::Running => fg(12),
        Role::Waiting => bold(10),
        Role::Warning => bold(9),
        Role::Hidden => on(9),
        Role::Bad => bold(8),
        Role::Banner => on(8).add_modifier(Modifier::BOLD),
        Role::Person => fg(13),
        Role::Agent => fg(14),
        Role::Tool | Role::CodeType => fg(10),
        Role::Money | Role::CodeNumber => fg(9),
        Role::CodeKeyword => fg(14),
        Role::CodeString => fg(11),
        Role::CodeFunction => fg(13),
        Role::DiffRemoved => fg(8),
        Role::DiffAddedPart => bold(11).add_modifier(Modifier::UNDERLINED),
        Role::DiffRemovedPart => bold(8).add_modifier(Modifier::UNDERLINED),
        Role::DiffHeader => fg(12),
    }
}

/// The background of the selected row: the scheme's, unless its own text cannot be read on it.
fn selection(base: &[Color; 16]) -> Color {
    if contrast(base[5], base[2]) >= TEXT { base[2] } else { base[1] }
}

/// `#rrggbb`, or `rrggbb` as base16 schemes write it.
pub fn hex(text: &str) -> Option<Color> {
    let digits = text.strip_prefix('#').unwrap_or(text);
    if digits.len() != 6 || !digits.is_ascii() {
        return None;
    }
    let part = |at: usize| u8::from_str_radix(&digits[at..at + 2], 16).ok();
    Some(Color::Rgb(part(0)?, part(2)?, part(4)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::theme::Theme;

    fn scheme(indent: &str, from: usize) -> String {
        (from..16).map(|index| format!("{indent}base{index:02X}: \"{index:02x}{index:02x}{index:02x}\"\n")).collect()
    }

    #[test]
    fn both_forms_of_a_scheme_are_read() {
        let flat = format!("scheme: \"Flat\"\nauthor: \"x\"\n{}", scheme("", 0));
        let nested = format!("system: base16\nname: Nested\npalette:\n{}", scheme("  ", 0));
        for (text, name) in [(flat, "Flat"), (nested, "Nested")] {
            let theme = Theme::read(&SourceText::new("/t/x.yaml", text)).unwrap();
            assert_eq!(theme.name, name);
            assert_eq!(theme.style(Role::Rule).fg, Some(Color::Rgb(3, 3, 3)));
        }
    }

    #[test]
    fn a_colour_that_is_missing_is_named() {
        let error = Theme::read(&SourceText::new("/t/x.yml", scheme("", 1))).unwrap_err();
        assert_eq!(error.to_string(), "/t/x.yml:1:1: base00 is missing");
    }
}
