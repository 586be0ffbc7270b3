//! The words of the schema that this program itself uses: actions for verbs, and the facts tools may state.
//!
//! A test holds these tables and `assets/policy/schema.cedarschema` together.

/// Verbs that are actions of their own.
pub const VERBS: &[&str] = &[
    "read", "search", "list", "status", "diff", "log", "check", "query", "edit", "write", "create", "move", "delete",
    "stop", "restart", "reload", "switch", "run", "test", "build", "commit", "branch", "push", "fetch", "send",
    "merge", "deploy", "release", "report", "ask", "finish", "silence", "lift",
];

/// The action of every other verb.
pub const OTHER_VERB: &str = "act";

/// Type of a fact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FactKind {
    Flag,
    Text,
    Number,
}

impl FactKind {
    /// As an error says it.
    pub fn expected(self) -> &'static str {
        match self {
            Self::Flag => "true or false",
            Self::Text => "a text",
            Self::Number => "a whole number",
        }
    }
}

/// Facts a tool may state on a card. Others are not passed on, so no policy can come to depend on them unnoticed.
pub const FACTS: &[(&str, FactKind)] = &[
    ("inside_workspace", FactKind::Flag),
    ("credential", FactKind::Flag),
    ("uninspectable", FactKind::Flag),
    ("force", FactKind::Flag),
    ("is_default_branch", FactKind::Flag),
    ("new_branch", FactKind::Flag),
    ("branch", FactKind::Text),
    ("remote", FactKind::Text),
    ("program", FactKind::Text),
    ("host", FactKind::Text),
    ("from_alert", FactKind::Flag),
    ("path", FactKind::Text),
    ("files", FactKind::Number),
    ("commits", FactKind::Number),
    ("lines_added", FactKind::Number),
    ("lines_removed", FactKind::Number),
    ("count", FactKind::Number),
    ("bytes", FactKind::Number),
];

/// Rungs of the sandbox that confine. A rung that is not listed counts as none.
pub const CONFINING_RUNGS: &[&str] = &["bubblewrap", "namespaces", "landlock+seccomp"];

/// The action that a verb is.
pub fn action_of(verb: &str) -> &str {
    VERBS.iter().copied().find(|known| *known == verb).unwrap_or(OTHER_VERB)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use cedar_policy::SchemaFragment;
    use serde_json::Value;

    use super::*;

    fn schema() -> Value {
        let (fragment, _) = SchemaFragment::from_cedarschema_str(super::super::SCHEMA).unwrap();
        fragment.to_json_value().unwrap()[""].clone()
    }

    #[test]
    fn every_verb_is_an_action_of_the_schema_and_the_other_way_round() {
        let schema = schema();
        let actions = schema["actions"].as_object().unwrap().iter();
        let judged: BTreeSet<_> = actions
            .filter(|(_, action)| action["appliesTo"]["principalTypes"] == serde_json::json!(["Agent"]))
            .map(|(name, _)| name.as_str())
            .collect();
        let ours: BTreeSet<_> = VERBS.iter().copied().chain([OTHER_VERB]).collect();
        assert_eq!(judged, ours);
    }

    #[test]
    fn the_facts_are_exactly_the_optional_attributes() {
        let schema = schema();
        let attributes = schema["commonTypes"]["Effect"]["attributes"].as_object().unwrap().iter();
        let optional: BTreeSet<_> = attributes
            .filter(|(_, attribute)| attribute["required"] == false)
            .map(|(name, attribute)| (name.as_str(), attribute["name"].as_str().unwrap().to_owned()))
            .collect();
        let ours: BTreeSet<_> = FACTS
            .iter()
            .map(|(name, kind)| match kind {
                FactKind::Flag => (*name, "Bool".to_owned()),
                FactKind::Text => (*name, "String".to_owned()),
                FactKind::Number => (*name, "Long".to_owned()),
            })
            .collect();
        assert_eq!(optional, ours);
    }
}
