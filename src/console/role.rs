//! What a piece of text means, so that a theme can choose how it looks. Names no colour.

use std::fmt;

macro_rules! roles {
    ($($(#[$doc:meta])* $role:ident = $name:literal,)*) => {
        /// The meaning of a span. A meaning is never carried by colour alone: a shape or a word says it too.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Role {
            $($(#[$doc])* $role,)*
        }

        impl Role {
            pub const ALL: &'static [Self] = &[$(Self::$role,)*];

            /// The name a theme file uses.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$role => $name,)*
                }
            }
        }
    };
}

roles! {
    /// Ordinary text.
    #[default]
    Text = "text",
    /// What stands back: times, ids, units, what is over.
    Dim = "dim",
    /// What stands out within a line.
    Strong = "strong",
    /// Title of a section.
    Heading = "heading",
    /// The product's own mark, and what is open or active.
    Accent = "accent",
    /// A thin line between sections.
    Rule = "rule",
    /// A key in a hint.
    Key = "key",
    /// The row under the cursor.
    Selected = "selected",
    /// What a filter or a search matched.
    Match = "match",
    /// Where text is typed.
    Input = "input",
    /// The label of an active tab.
    Tab = "tab",
    /// It worked, it is allowed, it passed.
    Good = "good",
    /// It moves: running, streaming.
    Running = "running",
    /// It waits for a person.
    Waiting = "waiting",
    /// Take care.
    Warning = "warning",
    /// It failed, it was refused.
    Bad = "bad",
    /// Across the card: this is production, this is not saved.
    Banner = "banner",
    /// A person's name or words.
    Person = "person",
    /// An agent's name or words.
    Agent = "agent",
    /// A tool's name.
    Tool = "tool",
    /// Amounts of money and tokens.
    Money = "money",
    /// Program text without a known language, and what will be executed.
    Code = "code",
    CodeKeyword = "code_keyword",
    CodeString = "code_string",
    CodeNumber = "code_number",
    CodeComment = "code_comment",
    CodeFunction = "code_function",
    CodeType = "code_type",
    /// Names a hidden character that was made visible.
    Hidden = "hidden",
    DiffAdded = "diff_added",
    DiffRemoved = "diff_removed",
    /// The part of an added line that differs.
    DiffAddedPart = "diff_added_part",
    /// The part of a removed line that differs.
    DiffRemovedPart = "diff_removed_part",
    /// A hunk or file header of a diff.
    DiffHeader = "diff_header",
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
