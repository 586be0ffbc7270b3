//! What clients, scripts and people's fingers rely on, word for word: the API's document, the help, the keys. A change
//! here is a change of what is promised, and is looked at as one.

use clap::CommandFactory;
use morningai::cli::CommandLine;
use morningai::console::keymap::Keymap;

/// The help of a command and of all below it.
fn help(command: &mut clap::Command, path: &str, text: &mut String) {
    let path = format!("{path}{}", command.get_name());
    text.push_str(&format!("$ {path} --help\n{}\n", command.render_long_help()));
    for below in command.get_subcommands_mut() {
        help(below, &format!("{path} "), text);
    }
}

#[test]
fn the_help_of_every_command() {
    let mut text = String::new();
    let mut command = CommandLine::command();
    command.build();
    help(&mut command, "", &mut text);
    insta::assert_snapshot!(text);
}

#[test]
fn the_document_of_the_api() {
    let mut document = morningai::server::openapi_document();
    document["info"]["version"] = "any".into();
    insta::assert_json_snapshot!(document);
}

#[test]
fn the_keys() {
    insta::assert_snapshot!(Keymap::builtin().unwrap().markdown_table());
}
