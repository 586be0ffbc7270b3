//! Roles to styles, from TOML or a base16 scheme. The only place in the program that names a colour.

mod base16;
mod depth;

use std::collections::BTreeMap;

use ratatui::style::{Color, Modifier, Style};
use serde::Deserialize;
use toml::Spanned;

pub use depth::Depth;

use crate::console::role::Role;
use crate::domain::{Fault, SourceText};

/// How each role looks.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Theme {
    pub name: String,
    styles: BTreeMap<Role, Style>,
}

/// The themes that come with the program: name and file.
pub const BUILTIN: &[(&str, &str)] = &[
    ("dark", include_str!("../../../themes/dark.toml")),
    ("light", include_str!("../../../themes/light.toml")),
    ("monochrome", include_str!("../../../themes/monochrome.toml")),
];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    name: String,
    /// Names for colours, so that a role can say `blue` and mean this theme's blue.
    #[serde(default)]
    palette: BTreeMap<String, String>,
    roles: BTreeMap<Spanned<String>, Spanned<Look>>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Look {
    fg: Option<String>,
    bg: Option<String>,
    #[serde(default)]
    bold: bool,
    #[serde(default)]
    dim: bool,
    #[serde(default)]
    italic: bool,
    #[serde(default)]
    underline: bool,
    #[serde(default)]
    reverse: bool,
}

impl Theme {
    /// Every theme that comes with the program.
    pub fn all_builtin() -> Vec<Self> {
        BUILTIN.iter().filter_map(|(name, _)| Self::builtin(name)?.ok()).collect()
    }

    /// Which theme comes first when nobody asked for one.
    pub fn usual(depth: Depth) -> &'static str {
        match depth {
            Depth::None => "monochrome",
            Depth::True | Depth::Indexed | Depth::Sixteen => "dark",
        }
    }

    /// A theme that comes with the program.
    pub fn builtin(name: &str) -> Option<Result<Self, Fault>> {
        let (_, text) = BUILTIN.iter().find(|(known, _)| *known == name)?;
        Some(Self::from_toml(&SourceText::new(format!("built-in theme {name}"), *text)))
    }

    /// Reads a role file, or a base16 or base24 scheme when the source's name ends in `.yaml` or `.yml`.
    pub fn read(source: &SourceText) -> Result<Self, Fault> {
        match source.name.rsplit_once('.') {
            Some((_, "yaml" | "yml")) => base16::read(source).map(|(name, styles)| Self { name, styles }),
            _ => Self::from_toml(source),
        }
    }

    fn from_toml(source: &SourceText) -> Result<Self, Fault> {
        let file: File = toml::from_str(&source.text).map_err(|error| {
            Fault::new(source, error.span().unwrap_or_default(), error.message())
                .help("themes/dark.toml shows the form")
        })?;
        let mut styles = BTreeMap::new();
        for (name, look) in &file.roles {
            let Some(role) = Role::ALL.iter().find(|role| role.name() == name.get_ref()) else {
                let known: Vec<_> = Role::ALL.iter().map(|role| role.name()).collect();
                return Err(Fault::new(source, name.span(), format!("no role is called {:?}", name.get_ref()))
                    .help(format!("roles are {}", known.join(", "))));
            };
            let style = look.get_ref().style(&file.palette).map_err(|colour| {
                Fault::new(source, look.span(), format!("{colour:?} is no colour"))
                    .help("a colour is \"#rrggbb\" or a name from [palette]")
            })?;
            styles.insert(*role, style);
        }
        Ok(Self { name: file.name, styles })
    }

    /// The same theme for a terminal that shows fewer colours.
    pub fn for_depth(mut self, depth: Depth) -> Self {
        for style in self.styles.values_mut() {
            style.fg = style.fg.and_then(|colour| depth.nearest(colour));
            style.bg = style.bg.and_then(|colour| depth.nearest(colour));
        }
        self
    }

    pub fn style(&self, role: Role) -> Style {
        self.styles.get(&role).copied().unwrap_or_default()
    }
}

impl Look {
    fn style(&self, palette: &BTreeMap<String, String>) -> Result<Style, String> {
        let named = |colour_name: &Option<String>| colour_name.as_deref().map(|name| colour(name, palette)).transpose();
        let mut style = Style { fg: named(&self.fg)?, bg: named(&self.bg)?, ..Style::default() };
        let marks = [
            (self.bold, Modifier::BOLD),
            (self.dim, Modifier::DIM),
            (self.italic, Modifier::ITALIC),
            (self.underline, Modifier::UNDERLINED),
            (self.reverse, Modifier::REVERSED),
        ];
        for (_, modifier) in marks.iter().filter(|(wanted, _)| *wanted) {
            style = style.add_modifier(*modifier);
        }
        Ok(style)
    }
}

fn colour(name: &str, palette: &BTreeMap<String, String>) -> Result<Color, String> {
    let written = palette.get(name).map_or(name, String::as_str);
    base16::hex(written).ok_or_else(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_theme_that_comes_along_gives_every_role_a_look() {
        for (name, _) in BUILTIN {
            let theme = Theme::builtin(name).unwrap().unwrap();
            assert_eq!(theme.name, *name);
            let missing: Vec<_> = Role::ALL.iter().filter(|role| !theme.styles.contains_key(role)).collect();
            assert!(missing.is_empty(), "{name} lacks {missing:?}");
        }
    }

    #[test]
    fn monochrome_names_no_colour() {
        let theme = Theme::builtin("monochrome").unwrap().unwrap();
        assert!(Role::ALL.iter().all(|role| theme.style(*role).fg.is_none() && theme.style(*role).bg.is_none()));
    }

    #[test]
    fn without_colours_only_the_marks_remain() {
        let theme = Theme::builtin("dark").unwrap().unwrap().for_depth(Depth::None);
        assert!(Role::ALL.iter().all(|role| theme.style(*role).fg.is_none()));
        assert!(theme.style(Role::Banner).add_modifier.contains(Modifier::BOLD));
    }

    #[test]
    fn mistakes_say_where_and_what() {
        let wrong = |text: &str| Theme::read(&SourceText::new("/t/x.toml", text)).unwrap_err().to_string();
        let role = wrong("name = \"x\"\n[roles]\ntxet = { bold = true }\n");
        assert_eq!(role, "/t/x.toml:3:1: no role is called \"txet\"");
        let colour = wrong("name = \"x\"\n[roles]\ntext = { fg = \"#12345\" }\n");
        assert_eq!(colour, "/t/x.toml:3:8: \"#12345\" is no colour");
    }
}
