//! Which of a run's tools a model means. Models write a name with the word for tools before it, in another case or with
//! what their prompt template leaves behind it; what is meant is obvious as long as only one tool fits.

use crate::domain::ToolName;

/// What stands before a name in the notations models were trained on.
const WRAPPERS: [&str; 8] = ["function", "functions", "tool", "tools", "defaultapi", "api", "call", "assistant"];

/// The tool of `tools` that `asked` names; the name as it is where none does, or more than one.
pub(super) fn meant(asked: &str, tools: &[ToolName]) -> ToolName {
    let as_it_is = ToolName(asked.to_owned());
    if tools.contains(&as_it_is) {
        return as_it_is;
    }
    let bare = asked.split("<|").next().unwrap_or_default();
    let parts: Vec<String> = bare.split(['.', ':', '/']).map(letters).collect();
    let is_wrapper =
        |part: &&String| WRAPPERS.contains(&part.as_str()) || part.bytes().all(|byte| byte.is_ascii_digit());
    let mut telling = parts.iter().filter(|part| !is_wrapper(part));
    let (Some(name), None) = (telling.next(), telling.next()) else { return as_it_is };
    let mut fitting = tools.iter().filter(|tool| letters(&tool.0) == *name);
    match (fitting.next(), fitting.next()) {
        (Some(only), None) => only.clone(),
        _ => as_it_is,
    }
}

/// A name without case and without what separates its words.
fn letters(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tools(names: &[&str]) -> Vec<ToolName> {
        names.iter().map(|name| ToolName((*name).to_owned())).collect()
    }

    #[test]
    fn a_name_in_another_notation_is_understood() {
        let tools = tools(&["read_file", "search", "finish"]);
        let names = [
            "read_file",
            "functions.read_file",
            "tools.read_file",
            "read-file",
            "ReadFile",
            "readFile",
            "READ_FILE",
            "default_api:read_file",
            "default_api.read_file",
            " read_file \n",
            "functions.read_file:0",
            "read file",
            "functions::read_file",
            "tool/read_file",
            "read_file()",
            "`read_file`",
            "read_file<|channel|>commentary",
        ];
        for name in names {
            assert_eq!(meant(name, &tools).0, "read_file", "{name:?}");
        }
    }

    #[test]
    fn a_name_that_is_not_obvious_stays_as_it_is() {
        let tools = tools(&["read_file", "readfile", "call", "search"]);
        for name in ["ReadFile", "functions.", "", "read", "delete.search", "read_files", "search.read_file", "ж"] {
            assert_eq!(meant(name, &tools).0, name, "{name:?}");
        }
        assert_eq!(meant("call", &tools).0, "call");
    }
}
