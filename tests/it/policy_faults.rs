//! Policy files that are wrong, and the exact words in which that is said.

use morningai::policy::{Policy, PolicyFile};

fn faults(files: &[(&str, &str)]) -> String {
    let files = files.iter().map(|(name, text)| PolicyFile::new(*name, *text)).collect();
    match Policy::with_user_files(files) {
        Ok(_) => "no fault".to_owned(),
        Err(faults) => faults.rendered(),
    }
}

fn one(text: &str) -> String {
    faults(&[("own.cedar", text)])
}

const PLAIN: &str = "permit (principal, action == Action::\"push\", resource);";

#[test]
fn a_syntax_error() {
    insta::assert_snapshot!(one(
        "@id(\"a\")\n@reason(\"r\")\npermit (principal, action, resource)\nwhen context.confined };\n"
    ));
}

#[test]
fn a_file_that_is_not_cedar() {
    insta::assert_snapshot!(one("allow: everything\n"));
}

#[test]
fn an_unknown_attribute() {
    insta::assert_snapshot!(one(
        "@id(\"a\")\n@reason(\"r\")\nforbid (principal, action, resource)\nwhen { context.enviroment == Environment::\"host\" };\n"
    ));
}

#[test]
fn an_optional_fact_without_has() {
    insta::assert_snapshot!(one(
        "@id(\"a\")\n@reason(\"r\")\nforbid (principal, action, resource) when { context.force };\n"
    ));
}

#[test]
fn an_unknown_action_and_an_unknown_environment() {
    insta::assert_snapshot!(one(
        "@id(\"a\") @reason(\"r\") forbid (principal, action == Action::\"pusch\", resource);\n\
         @id(\"b\") @reason(\"r\") forbid (principal, action, resource)\nwhen { context.environment == Environment::\"prod\" };\n"
    ));
}

#[test]
fn a_type_error() {
    insta::assert_snapshot!(one(
        "@id(\"a\") @reason(\"r\")\nforbid (principal, action, resource) when { context.targets > \"3\" };\n"
    ));
}

#[test]
fn a_rule_that_can_never_apply() {
    insta::assert_snapshot!(one("@id(\"a\") @reason(\"r\")\nforbid (principal, action, resource) when { false };\n"));
}

#[test]
fn deceptive_text() {
    insta::assert_snapshot!(one(
        "@id(\"a\") @reason(\"r\")\nforbid (principal, action, resource) when { context.tool == \"us\u{202e}er\" };\n"
    ));
}

#[test]
fn a_template() {
    insta::assert_snapshot!(one("@id(\"a\") @reason(\"r\")\npermit (principal == ?principal, action, resource);\n"));
}

#[test]
fn annotations_missing_unknown_and_wrong() {
    let text = [
        PLAIN.to_owned(),
        format!("@id(\"b\")\n@reson(\"r\")\n@verdict(\"maybe\")\n{PLAIN}"),
        format!("@id(\"c\") @reason(\"r\") @expires(\"15m\")\n{PLAIN}"),
        format!("@id(\"d\") @reason(\"r\") @verdict(\"ask\") @expires(\"soon\")\n{PLAIN}"),
        format!("@id(\"e\") @reason(\"r\") @verdict(\"ask\") @approvals(\"2\")\n{PLAIN}"),
        format!("@id(\"default\") @reason(\" \")\n{PLAIN}"),
        "@id(\"g\") @reason(\"r\") @verdict(\"ask\")\nforbid (principal, action, resource);".to_owned(),
    ];
    insta::assert_snapshot!(one(&text.join("\n")));
}

#[test]
fn ids_taken_twice_in_different_files() {
    let policy = format!("@id(\"mine\") @reason(\"r\")\n{PLAIN}\n");
    insta::assert_snapshot!(faults(&[("one.cedar", &policy), ("two.cedar", &format!("// second\n{policy}"))]));
}

#[test]
fn a_good_file_has_no_fault() {
    assert_eq!(
        one(&format!("@id(\"mine\") @reason(\"r\") @verdict(\"ask\") @approvals(\"1\")\n{PLAIN}\n")),
        "no fault"
    );
    assert_eq!(one(""), "no fault");
}
