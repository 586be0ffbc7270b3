//! The default policies' verdicts, as a table; what users' files change; and what holds for every policy.

use std::sync::LazyLock;
use std::time::Duration;

use morningai::domain::{
    EffectCard, EffectClass, Environment, Payload, Repeat, Reversibility, Risk, ToolName, Untrusted, Verdict,
};
use morningai::policy::{Effect, Policy, PolicyFile};
use proptest::prelude::*;
use serde_json::{Value, json};

/// A card with nothing special about it: reading one file of the workspace.
fn card(verb: &str, class: EffectClass, environment: Environment, facts: Value) -> EffectCard {
    EffectCard {
        tool: ToolName("some_tool".to_owned()),
        class,
        repeat: Repeat::Repeatable,
        verb: verb.to_owned(),
        targets: vec![Untrusted::from("src/lib.rs")],
        environment,
        risk: Risk::Low,
        reversible: Reversibility::NothingToUndo,
        payload: Payload::Arguments { args: Value::Null },
        facts: facts.as_object().cloned().unwrap_or_default(),
        confinement: String::new(),
        change: None,
    }
}

fn confined(mut card: EffectCard) -> EffectCard {
    card.confinement = "landlock+seccomp".to_owned();
    card
}

fn at(mut card: EffectCard, targets: &[&str]) -> EffectCard {
    card.targets = targets.iter().copied().map(Untrusted::from).collect();
    card
}

fn irreversible(mut card: EffectCard) -> EffectCard {
    card.reversible = Reversibility::Irreversible;
    card
}

/// The defaults, built once: building costs more than a thousand verdicts.
fn bundled() -> &'static Policy {
    static BUNDLED: LazyLock<Policy> = LazyLock::new(|| Policy::bundled().unwrap_or_else(|faults| panic!("{faults}")));
    &BUNDLED
}

/// `ask leaves-machine`.
pub fn said(verdict: &Verdict) -> String {
    let word = match verdict {
        Verdict::Run { .. } => "run",
        Verdict::Ask { .. } => "ask",
        Verdict::Refuse { .. } => "refuse",
    };
    format!("{word} {}", verdict.rule())
}

fn severity(verdict: &Verdict) -> u8 {
    match verdict {
        Verdict::Run { .. } => 0,
        Verdict::Ask { .. } => 1,
        Verdict::Refuse { .. } => 2,
    }
}

fn with(text: &str) -> Policy {
    Policy::with_user_files(vec![PolicyFile::new("own.cedar", text)]).unwrap_or_else(|faults| panic!("{faults}"))
}

#[test]
fn the_defaults_say_what_the_handbook_promises() {
    use EffectClass::*;
    use Environment as On;
    let no = json!({});
    let table = [
        ("run looks", card("read", Observe, On::Workspace, no.clone())),
        ("run looks", card("search", Observe, On::Workspace, no.clone())),
        ("run changes-workspace", card("edit", Workspace, On::Workspace, no.clone())),
        ("run changes-workspace", card("write", Workspace, On::Workspace, no.clone())),
        ("run checks-host", card("check", Observe, On::Host, no.clone())),
        ("run checks-host", card("check", Workspace, On::Host, no.clone())),
        ("run talks", card("report", Workspace, On::Workspace, no.clone())),
        ("ask reads-host-files", card("read", Observe, On::Host, no.clone())),
        ("ask reads-host-files", card("read", Observe, On::Workspace, json!({"inside_workspace": false}))),
        ("ask reads-elsewhere", card("read", External, On::Remote, no.clone())),
        ("ask touches-host", card("write", Host, On::Host, no.clone())),
        ("ask writes-elsewhere", card("write", Workspace, On::Workspace, json!({"inside_workspace": false}))),
        ("refuse no-credentials", card("read", Observe, On::Workspace, json!({"credential": true}))),
        ("refuse no-credentials", at(card("read", Observe, On::Host, no.clone()), &["/home/ana/.ssh/id_ed25519"])),
        ("refuse no-protected-changes", at(card("edit", Workspace, On::Workspace, no.clone()), &[".git/config"])),
        ("refuse no-protected-changes", at(card("delete", Workspace, On::Workspace, no.clone()), &["sub/.git"])),
        ("run runs-confined", confined(card("run", Host, On::Workspace, no.clone()))),
        ("run runs-confined", confined(card("test", Host, On::Workspace, json!({"program": "cargo"})))),
        ("run runs-script-confined", confined(card("run", Host, On::Workspace, json!({"uninspectable": true})))),
        ("ask touches-host", confined(card("run", Host, On::Host, no.clone()))),
        ("refuse no-unconfined", card("run", Host, On::Workspace, no.clone())),
        ("refuse no-unconfined", card("test", Host, On::Workspace, json!({"confined": true}))),
        ("run commits-own-branch", card("commit", Workspace, On::Workspace, json!({"is_default_branch": false}))),
        ("ask commits-default-branch", card("commit", Workspace, On::Workspace, json!({"is_default_branch": true}))),
        ("run commits-own-branch", card("commit", Workspace, On::Workspace, no.clone())),
        ("refuse no-credentials", card("commit", Workspace, On::Workspace, json!({"credential": true}))),
        ("refuse default", card("commit", Host, On::Host, no.clone())),
        ("run branches", card("branch", Workspace, On::Workspace, no.clone())),
        ("ask leaves-machine", card("push", External, On::Remote, json!({"branch": "fix", "force": false}))),
        ("ask push-default-branch", card("push", External, On::Remote, json!({"is_default_branch": true}))),
        ("refuse no-force-push", card("push", External, On::Remote, json!({"force": true}))),
        ("refuse no-force-push", card("push", External, On::Remote, json!({"force": true, "is_default_branch": true}))),
        ("run changes-workspace", card("delete", Workspace, On::Workspace, json!({"count": 2, "bytes": 10}))),
        ("ask deletes-for-good", irreversible(card("delete", Workspace, On::Workspace, no.clone()))),
        ("refuse no-delete-outside", card("delete", Workspace, On::Workspace, json!({"inside_workspace": false}))),
        ("refuse no-delete-outside", card("delete", Host, On::Host, no.clone())),
        ("ask production", card("edit", External, On::Production, no.clone())),
        ("ask production", card("read", Observe, On::Staging, no.clone())),
        ("refuse no-unconfined", card("run", External, On::Production, no.clone())),
        ("refuse default", card("reboot", Host, On::Host, no.clone())),
        ("ask touches-host", card("restart", Host, On::Host, no.clone())),
        ("ask touches-elsewhere", card("switch", External, On::Remote, no.clone())),
        ("ask touches-elsewhere", card("run", External, On::Remote, json!({"host": "web3"}))),
        ("refuse no-unconfined", card("run", External, On::Remote, no.clone())),
        ("refuse no-unconfined", card("run", Host, On::Host, json!({"host": "web3"}))),
        ("ask reads-elsewhere", card("check", Observe, On::Remote, json!({"host": "web3"}))),
        ("refuse default", card("act", Observe, On::Workspace, no)),
    ];
    let policy = bundled();
    let wrong: Vec<_> = table
        .iter()
        .map(|(expected, card)| (expected, card, said(&policy.judge("dev", card))))
        .filter(|(expected, _, got)| *expected != got)
        .map(|(expected, card, got)| {
            format!("{} {} {:?}: {got}, not {expected}", card.verb, card.environment.name(), card.facts)
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_strictest_of_several_targets_wins_and_zero_targets_are_judged_too() {
    let policy = bundled();
    let read = card("edit", EffectClass::Workspace, Environment::Workspace, json!({}));
    assert_eq!(
        said(&policy.judge("dev", &at(read.clone(), &["a", "b/.git/config", "c"]))),
        "refuse no-protected-changes"
    );
    assert_eq!(said(&policy.judge("dev", &at(read, &[]))), "run changes-workspace");
}

#[test]
fn a_fact_of_the_wrong_type_is_refused_and_named() {
    let push = card("push", EffectClass::External, Environment::Remote, json!({"force": "yes"}));
    let verdict = bundled().judge("dev", &push);
    assert_eq!(said(&verdict), "refuse cannot-be-judged");
    let reason = "This cannot be judged: the tool some_tool says force is something other than true or false.";
    assert_eq!(verdict.reason(), reason);
}

#[test]
fn what_nothing_permits_says_which_verb_and_tool() {
    let verdict = bundled().judge("dev", &card("reboot", EffectClass::Host, Environment::Host, json!({})));
    let reason = "No rule permits `reboot` (judged as `act`) by the tool `some_tool` in the environment host.";
    assert_eq!(verdict.reason(), reason);
}

#[test]
fn asking_says_how_long_and_the_shortest_wins() {
    let push = card("push", EffectClass::External, Environment::Remote, json!({}));
    let ask = |policy: &Policy| match policy.judge("dev", &push) {
        Verdict::Ask { rule, expires_after, .. } => (rule, expires_after),
        other => panic!("{other:?}"),
    };
    assert_eq!(ask(bundled()), ("leaves-machine".to_owned(), 1_800));
    let stricter = with(
        r#"@id("slow") @reason("r") @verdict("ask") @expires("2h") permit (principal, action == Action::"push", resource);
           @id("quick") @reason("r") @verdict("ask") @expires("5m") permit (principal, action == Action::"push", resource);"#,
    );
    assert_eq!(ask(&stricter), ("quick".to_owned(), 300));
}

#[test]
fn a_user_rule_of_the_same_id_replaces_the_default_and_others_add() {
    let relaxed = with(
        r#"@id("leaves-machine") @reason("we trust dev")
           permit (principal == Agent::"dev", action == Action::"push", resource) when { context.target like "origin/*" };
           @id("new-tool") @reason("harmless") permit (principal, action == Action::"act", resource)
           when { context.tool == "some_tool" };"#,
    );
    let push = at(card("push", EffectClass::External, Environment::Remote, json!({})), &["origin/fix"]);
    assert_eq!(said(&relaxed.judge("dev", &push)), "run leaves-machine");
    assert_eq!(said(&relaxed.judge("ops", &push)), "refuse default");
    let reboot = card("reboot", EffectClass::Host, Environment::Host, json!({}));
    assert_eq!(said(&relaxed.judge("ops", &reboot)), "run new-tool");
    let replaced: Vec<_> = relaxed.rules().iter().filter(|rule| rule.id == "leaves-machine").collect();
    assert_eq!(replaced.len(), 1);
    assert_eq!((replaced[0].source.as_str(), replaced[0].effect), ("own.cedar:1", Effect::Run));
}

#[test]
fn the_rules_list_themselves() {
    let policy = bundled();
    let listed: Vec<_> = policy.rules().iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(listed.join("\n"));
    let expiry = policy.rules().iter().find(|rule| rule.id == "production").map(|rule| rule.effect);
    assert_eq!(expiry, Some(Effect::Ask { expires: Duration::from_secs(900) }));
}

#[test]
fn judging_is_pure_and_shared_between_threads() {
    let policy = bundled();
    let push = card("push", EffectClass::External, Environment::Remote, json!({}));
    let expected = policy.judge("dev", &push);
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let push = push.clone();
            std::thread::spawn(move || policy.judge("dev", &push))
        })
        .collect();
    assert!(threads.into_iter().all(|thread| thread.join().unwrap() == expected));
}

const CLASSES: [EffectClass; 5] =
    [EffectClass::Observe, EffectClass::Workspace, EffectClass::Host, EffectClass::External, EffectClass::Converse];
const ENVIRONMENTS: [Environment; 5] =
    [Environment::Workspace, Environment::Host, Environment::Remote, Environment::Staging, Environment::Production];
const VERBS: [&str; 10] = ["read", "check", "edit", "delete", "run", "commit", "branch", "push", "report", "explode"];
const FLAGS: [&str; 5] = ["inside_workspace", "credential", "uninspectable", "force", "is_default_branch"];
/// Facts of the schema that are no flags used here; random names rarely hit one.
const KNOWN_OTHERS: [&str; 12] = [
    "branch",
    "host",
    "remote",
    "program",
    "path",
    "new_branch",
    "files",
    "commits",
    "lines_added",
    "lines_removed",
    "count",
    "bytes",
];
const TARGETS: [&str; 5] = ["src/lib.rs", ".git/config", "/home/ana/.ssh/id", "origin/main", ""];

prop_compose! {
    fn any_card()(
        verb in prop::sample::select(VERBS.as_slice()),
        class in prop::sample::select(CLASSES.as_slice()),
        environment in prop::sample::select(ENVIRONMENTS.as_slice()),
        flags in prop::collection::btree_map(prop::sample::select(FLAGS.as_slice()), any::<bool>(), 0..6),
        targets in prop::collection::vec(prop::sample::select(TARGETS.as_slice()), 0..4),
        confinement in prop::sample::select(["", "none", "bubblewrap", "namespaces", "landlock+seccomp", "hope"].as_slice()),
        can_undo in any::<bool>(),
    ) -> EffectCard {
        let plain = at(card(verb, class, environment, json!(flags)), &targets);
        let reversible = if can_undo { Reversibility::NothingToUndo } else { Reversibility::Irreversible };
        EffectCard { confinement: confinement.to_owned(), reversible, ..plain }
    }
}

proptest! {
    // Each case builds a policy, so few cases with many cards.
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn adding_a_forbid_never_loosens(
        cards in prop::collection::vec(any_card(), 40),
        verb in prop::sample::select(&VERBS[..9]),
        target in prop::sample::select(TARGETS.as_slice()),
    ) {
        let forbid = format!(
            "@id(\"extra\") @reason(\"r\") forbid (principal, action == Action::\"{verb}\", resource)
             when {{ context.target == \"{target}\" }};"
        );
        let stricter = with(&forbid);
        for card in cards {
            let (before, after) = (bundled().judge("dev", &card), stricter.judge("dev", &card));
            prop_assert!(severity(&after) >= severity(&before), "{before:?} became {after:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn order_and_repetition_of_targets_play_no_part(card in any_card(), turn in 0usize..4) {
        let policy = bundled();
        let mut turned = card.clone();
        let by = turn.min(turned.targets.len());
        turned.targets.rotate_left(by);
        turned.targets.extend(card.targets.first().cloned());
        prop_assert_eq!(policy.judge("dev", &card), policy.judge("dev", &turned));
    }

    #[test]
    fn a_further_target_never_loosens(card in any_card(), further in prop::sample::select(TARGETS.as_slice())) {
        let policy = bundled();
        prop_assume!(!card.targets.is_empty());
        let mut more = card.clone();
        more.targets.push(Untrusted::from(further));
        prop_assert!(severity(&policy.judge("dev", &more)) >= severity(&policy.judge("dev", &card)));
    }

    #[test]
    fn facts_the_schema_does_not_know_change_nothing(
        card in any_card(),
        name in "[a-z_]{1,12}",
        value in prop_oneof![Just(json!(true)), Just(json!("x")), Just(json!([1])), Just(Value::Null)],
    ) {
        prop_assume!(!card.facts.contains_key(&name) && !FLAGS.contains(&name.as_str()));
        prop_assume!(!KNOWN_OTHERS.contains(&name.as_str()));
        let policy = bundled();
        let mut stated = card.clone();
        stated.facts.insert(name, value);
        prop_assert_eq!(policy.judge("dev", &card), policy.judge("dev", &stated));
    }

    #[test]
    fn nothing_runs_or_asks_unconfined_and_no_force_is_pushed(card in any_card()) {
        let verdict = bundled().judge("dev", &card);
        let executes = card.verb == "run" && !["bubblewrap", "namespaces", "landlock+seccomp"].contains(&card.confinement.as_str());
        let forces = card.verb == "push" && card.facts.get("force") == Some(&json!(true));
        if executes || forces || card.verb == "explode" {
            prop_assert_eq!(severity(&verdict), 2);
        }
    }
}
