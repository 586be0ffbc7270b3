//! Roles to styles, from TOML or a base16 scheme. The only place in the program that names a colour.

mod base16;
mod contrast;
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

/// The themes that come with the program, by file in `themes/`. The name of each is its file's name.
const BUILTIN: &[(&str, &str)] = &[
    ("dark.toml", include_str!("../../../themes/dark.toml")),
    ("light.toml", include_str!("../../../themes/light.toml")),
    ("monochrome.toml", include_str!("../../../themes/monochrome.toml")),
    ("catppuccin.yaml", include_str!("../../../themes/catppuccin.yaml")),
    ("gruvbox.yaml", include_str!("../../../themes/gruvbox.yaml")),
    ("solarized-light.yaml", include_str!("../../../themes/solarized-light.yaml")),
];

/// What a terminal says of its background. It is never painted over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ground {
    Dark,
    Light,
}

impl Ground {
    /// What `COLORFGBG` tells, which rxvt, Konsole and iTerm2 set: the last number is the background's among the
    /// sixteen colours. Without it the background is taken to be dark.
    pub fn of(colorfgbg: Option<&str>) -> Self {
        match colorfgbg.and_then(|text| text.rsplit(';').next()) {
            Some("7" | "15") => Self::Light,
            _ => Self::Dark,
        }
    }
}

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
        Self::builtin_names().filter_map(|name| Self::builtin(name)?.ok()).collect()
    }

    pub fn builtin_names() -> impl Iterator<Item = &'static str> {
        BUILTIN.iter().filter_map(|(file, _)| Some(file.rsplit_once('.')?.0))
    }

    /// The theme of a person who chose none.
    pub fn usual(depth: Depth, ground: Ground) -> &'static str {
        match (depth, ground) {
            (Depth::None, _) => "monochrome",
            (_, Ground::Light) => "light",
            (_, Ground::Dark) => "dark",
        }
    }

    /// A theme that comes with the program.
    pub fn builtin(name: &str) -> Option<Result<Self, Fault>> {
        let (file, text) =
            BUILTIN.iter().find(|(file, _)| file.rsplit_once('.').is_some_and(|(known, _)| known == name))?;
        Some(Self::read(&SourceText::new(format!("built-in themes/{file}"), *text)))
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
                Fault::new(source, look.span(), format!("{colour:?} is not a colour"))
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
    use super::contrast::{BOLD_TEXT, TEXT, contrast};
    use super::*;

    #[test]
    fn each_theme_that_comes_along_gives_every_role_a_look() {
        for name in Theme::builtin_names() {
            let theme = Theme::builtin(name).unwrap().unwrap();
            assert_eq!(theme.name, name);
            let missing: Vec<_> = Role::ALL.iter().filter(|role| !theme.styles.contains_key(role)).collect();
            assert!(missing.is_empty(), "{name} lacks {missing:?}");
        }
    }

    /// The backgrounds a theme is made for. Those of a scheme are its own.
    fn grounds(name: &str) -> [&'static str; 2] {
        match name {
            "dark" => ["000000", "1e1e1e"],
            "light" => ["ffffff", "fdf6e3"],
            "catppuccin" => ["1e1e2e"; 2],
            "gruvbox" => ["1d2021"; 2],
            "solarized-light" => ["fdf6e3"; 2],
            _ => unreachable!("{name} needs a background here"),
        }
    }

    #[test]
    fn all_text_of_every_theme_reads_on_the_backgrounds_it_is_made_for() {
        for theme in Theme::all_builtin().iter().filter(|theme| theme.name != "monochrome") {
            let selected = theme.style(Role::Selected).bg.unwrap();
            for role in Role::ALL.iter().filter(|role| !matches!(role, Role::Rule | Role::Selected)) {
                let style = theme.style(*role);
                let reads = |ground: Color, least: f64| {
                    let found = contrast(style.fg.unwrap(), ground);
                    assert!(found >= least, "{}: {role} has {found:.2}:1 on {ground:?}, not {least}", theme.name);
                };
                match style.bg {
                    Some(own) => reads(own, TEXT),
                    None => {
                        grounds(&theme.name).iter().for_each(|ground| reads(base16::hex(ground).unwrap(), TEXT));
                        reads(selected, BOLD_TEXT);
                    }
                }
            }
        }
    }

    #[test]
    fn no_theme_paints_over_the_background_of_the_terminal() {
        assert!(Theme::all_builtin().iter().all(|theme| theme.style(Role::Text).bg.is_none()));
    }

    #[test]
    fn a_terminal_that_says_it_is_light_gets_the_light_theme() {
        let usual = |colorfgbg: Option<&str>, depth| Theme::usual(depth, Ground::of(colorfgbg));
        assert_eq!(usual(Some("0;15"), Depth::True), "light");
        assert_eq!(usual(Some("0;default;15"), Depth::Sixteen), "light");
        assert_eq!(usual(Some("15;0"), Depth::True), "dark");
        assert_eq!(usual(Some("0;15"), Depth::None), "monochrome");
        assert_eq!(usual(None, Depth::True), "dark");
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
        assert_eq!(colour, "/t/x.toml:3:8: \"#12345\" is not a colour");
    }
}
