//! What a verb takes, read from its schema, and how a word that somebody typed becomes a value of it.

use schemars::generate::SchemaSettings;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::row_key::RowKind;
use super::verb::Declared;
use super::world::World;
use crate::domain::ShortId;

/// Something that a verb takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    pub name: String,
    /// What is to be given; empty where the name says it.
    pub about: String,
    pub is_required: bool,
    pub form: Form,
}

/// How it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Form {
    Text,
    Number,
    Flag,
    OneOf(Vec<String>),
    /// The id of another thing, or a part of it that names only that one.
    Id(RowKind),
    Json,
}

impl Field {
    /// The value that a word stands for, or what is wrong with it.
    pub fn read(&self, word: &str) -> Result<Value, String> {
        let name = &self.name;
        match &self.form {
            Form::Text => Ok(word.into()),
            Form::Number => word.parse().map(Value::Number).map_err(|_| format!("{name} is not a number: {word:?}")),
            Form::Flag => word.parse().map(Value::Bool).map_err(|_| format!("{name} is true or false, not {word:?}")),
            Form::OneOf(known) if known.iter().any(|known| known == word) => Ok(word.into()),
            Form::Id(kind) => match ShortId::parse(word) {
                Some(_) => Ok(word.trim().into()),
                None => Err(format!("{name} names {} by its id, which {word:?} is not", kind.article())),
            },
            Form::OneOf(known) => Err(format!("{name} is one of {}, not {word:?}", known.join(", "))),
            Form::Json => serde_json::from_str(word).map_err(|error| format!("{name} is not JSON: {error}")),
        }
    }
}

/// The fields that the verb called `name` takes, in the order they were declared.
pub(super) fn fields_of<V: Declared>(name: &str) -> Vec<Field> {
    let schema = SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<V>().to_value();
    let Some(verb) = variant(&schema, name) else { return Vec::new() };
    let required: Vec<_> = verb["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let field = |(name, written): (&String, &Value)| {
        let whole = whole(written, &schema);
        let about = [written, whole].iter().find_map(|schema| schema["description"].as_str()).unwrap_or_default();
        Field {
            name: name.clone(),
            about: about.to_owned(),
            is_required: required.contains(&name.as_str()),
            form: id(written).map_or_else(|| form(whole), Form::Id),
        }
    };
    verb["properties"].as_object().into_iter().flatten().filter(|(name, _)| *name != "command").map(field).collect()
}

/// The part of a schema of verbs that is about one of them.
pub(super) fn variant<'a>(schema: &'a Value, name: &str) -> Option<&'a Value> {
    schema["oneOf"].as_array()?.iter().find(|verb| verb["properties"]["command"]["const"] == name)
}

/// What a schema says, where it only names another one that, or one that may be left out.
fn whole<'a>(written: &'a Value, root: &'a Value) -> &'a Value {
    let either = written["anyOf"].as_array().into_iter().flatten().find(|schema| schema["type"] != "null");
    let written = either.unwrap_or(written);
    let path = written["$ref"].as_str().and_then(|path| path.strip_prefix('#'));
    path.and_then(|path| root.pointer(path)).unwrap_or(written)
}

fn form(schema: &Value) -> Form {
    let listed = schema["enum"].as_array().into_iter().flatten();
    let named = schema["oneOf"].as_array().into_iter().flatten().map(|one| &one["const"]);
    let known: Vec<_> = listed.chain(named).filter_map(|word| word.as_str().map(str::to_owned)).collect();
    let is_a = |wanted: &str| {
        let kinds = &schema["type"];
        kinds == wanted || kinds.as_array().is_some_and(|kinds| kinds.iter().any(|kind| kind == wanted))
    };
    match known.is_empty() {
        false => Form::OneOf(known),
        true if is_a("string") => Form::Text,
        true if is_a("integer") || is_a("number") => Form::Number,
        true if is_a("boolean") => Form::Flag,
        true => Form::Json,
    }
}

/// The kind whose id it is.
fn id(written: &Value) -> Option<RowKind> {
    let named = written["$ref"].as_str()?.rsplit('/').next()?.strip_suffix("Id")?;
    RowKind::OF_STREAMS.iter().copied().find(|kind| kind.name().eq_ignore_ascii_case(named))
}

/// Puts whole ids in the place of what names a thing in memory by a part of its id.
pub fn complete_ids(fields: &[Field], given: &mut Map<String, Value>, world: &dyn World) -> Result<(), String> {
    for field in fields {
        let Some(value) = given.get_mut(&field.name) else { continue };
        let (Form::Id(kind), Some(word)) = (&field.form, value.as_str()) else { continue };
        let Some(short) = ShortId::parse(word) else { continue };
        let mut fitting = kind.ids(world).into_iter().filter(|id| short.fits(*id));
        *value = match (fitting.next(), fitting.next()) {
            (Some(id), None) => id.to_string().into(),
            (Some(_), Some(_)) => {
                return Err(format!("several {}s are called {word}: give more of the id", kind.name()));
            }
            (None, _) if word.parse::<Uuid>().is_ok() => continue,
            (None, _) => return Err(format!("no {} that is open or recent is called {word}", kind.name())),
        };
    }
    Ok(())
}

/// The words of a typed line as the fields they stand for: those that are required in their order, the last of these to
/// the end of the line, and the others before it as `--name value`.
pub fn read_words(fields: &[Field], line: &str) -> Result<Map<String, Value>, String> {
    let mut given = Map::new();
    let mut rest = line.trim();
    while let Some(option) = rest.strip_prefix("--") {
        let (name, after) = split(option);
        let field = fields.iter().find(|field| !field.is_required && field.name == name);
        let Some(field) = field else { return Err(format!("there is no --{name} here")) };
        let (value, after) = split(after);
        given.insert(field.name.clone(), field.read(value)?);
        rest = after;
    }
    let required: Vec<_> = fields.iter().filter(|field| field.is_required).collect();
    for (place, field) in required.iter().enumerate() {
        let (word, after) = if place + 1 == required.len() { (rest, "") } else { split(rest) };
        if word.is_empty() {
            return Err(format!("{} is missing", field.name));
        }
        given.insert(field.name.clone(), field.read(word)?);
        rest = after;
    }
    if rest.is_empty() { Ok(given) } else { Err(format!("nothing more is taken, and there is also {rest:?}")) }
}

fn split(text: &str) -> (&str, &str) {
    let (word, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    (word, rest.trim_start())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinds::{ApprovalVerb, RunVerb};

    #[test]
    fn what_a_verb_takes_is_read_from_its_declaration() {
        let settle = fields_of::<ApprovalVerb>("settle");
        let known = ["happened", "retry", "give_up"].map(str::to_owned).into();
        let forms: Vec<_> = settle.iter().map(|field| (field.name.as_str(), &field.form)).collect();
        assert_eq!(forms, [("settlement", &Form::OneOf(known)), ("note", &Form::Text)]);
        assert_eq!(fields_of::<ApprovalVerb>("deny")[0].about, "What the agent is told.");
        assert_eq!(fields_of::<RunVerb>("pause"), []);
    }

    #[test]
    fn words_become_fields_in_their_order() {
        let field =
            |name: &str, is_required, form| Field { name: name.into(), about: String::new(), is_required, form };
        let fields =
            [field("height", true, Form::Number), field("soft", false, Form::Flag), field("note", true, Form::Text)];
        let given = read_words(&fields, "--soft true 3 over the wall").unwrap();
        assert_eq!(Value::from(given), serde_json::json!({ "height": 3, "soft": true, "note": "over the wall" }));
        for wrong in ["", "3", "high over", "--hard 1 3 x", "--soft maybe 3 x"] {
            assert!(read_words(&fields, wrong).is_err(), "{wrong}");
        }
        assert!(read_words(&[], "more").is_err());
    }
}
