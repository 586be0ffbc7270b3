//! The part after the question mark, held against the parameters that the document lists, before any route sees it.

use axum::extract::Query;
use axum::http::Uri;
use serde_json::Value;

use super::problem::Problem;

/// Refuses what the document does not have, and numbers beyond what it allows. What is no number at all the route itself
/// refuses.
pub(super) fn check(uri: &Uri, documented: &[Value]) -> Result<(), Problem> {
    let Query(given): Query<Vec<(String, String)>> = Query::try_from_uri(uri)
        .map_err(|error| Problem::malformed(error.body_text(), "/openapi.json has the parameters"))?;
    for (name, value) in given {
        let Some(parameter) = documented.iter().find(|parameter| parameter["name"] == name.as_str()) else {
            return Err(Problem::malformed(format!("there is no parameter {name:?} here"), allowed(documented)));
        };
        check_range(&name, &value, &parameter["schema"])?;
    }
    Ok(())
}

fn allowed(documented: &[Value]) -> String {
    let names: Vec<_> = documented.iter().filter_map(|parameter| parameter["name"].as_str()).collect();
    match names.is_empty() {
        true => "leave the parameters out".to_owned(),
        false => format!("the parameters here are {}", names.join(", ")),
    }
}

fn check_range(name: &str, value: &str, schema: &Value) -> Result<(), Problem> {
    let Ok(number) = value.parse::<u64>() else { return Ok(()) };
    let least = schema["minimum"].as_u64().unwrap_or(0);
    let most = schema["maximum"].as_u64().unwrap_or(u64::MAX);
    if (least..=most).contains(&number) {
        return Ok(());
    }
    Err(Problem::invalid(format!("`{name}` is {number}"), format!("it is at least {least} and at most {most}")))
}

#[cfg(test)]
mod tests {
    use crate::server::openapi;
    use crate::server::routes::routes;

    /// A keyword that nothing here looks at would be a promise that nobody keeps.
    #[test]
    fn every_limit_in_the_document_is_one_that_is_held() {
        for parameter in routes().iter().flat_map(openapi::query_parameters) {
            let schema = parameter["schema"].as_object().unwrap();
            let known = ["type", "format", "minimum", "maximum", "anyOf", "$ref", "default"];
            assert!(schema.keys().all(|key| known.contains(&key.as_str())), "{parameter}");
        }
    }
}
