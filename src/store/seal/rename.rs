//! A name in somebody else's projection row, replaced by the pseudonym. Pure.

use crate::domain::{Actor, SubjectId};

/// How the fields end in which rows name who did something.
const FIELD: &str = "_by";

/// The row's JSON as the log would now give it; `None` where it does not name them.
pub(in crate::store) fn renamed(json: &str, name: &str, subject: SubjectId) -> Option<String> {
    let quoted = |name: String| serde_json::Value::from(Actor::Person(name).to_string()).to_string();
    let (old, new) = (quoted(name.to_owned()), quoted(subject.pseudonym()));
    // Within a text of JSON every quote has a backslash before it, so a field cannot be imitated there.
    let changed = json.replace(&format!("{FIELD}\":{old}"), &format!("{FIELD}\":{new}"));
    (changed != json).then_some(changed)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn only_those_fields_change_that_name_them() {
        let subject = SubjectId(Uuid::from_u128(0xabc));
        let json = r#"{"goal":"say \"decided_by\":\"person:bo\"","started_by":"person:ana","decided_by":"person:bo"}"#;
        let expected = r#"{"goal":"say \"decided_by\":\"person:bo\"","started_by":"person:ana","decided_by":"person:erased-00000abc"}"#;
        assert_eq!(renamed(json, "bo", subject).as_deref(), Some(expected));
        for name in ["b", "bob", "an", "person:bo"] {
            assert_eq!(renamed(json, name, subject), None, "{name}");
        }
    }
}
