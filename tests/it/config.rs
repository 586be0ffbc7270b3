//! The configuration: what a good one says, and the exact words for each way in which one can be bad.

use std::path::Path;

use morningai::config::{Absence, CallStyle, Config, Keys, SecretSource, TimeChoice};
use morningai::domain::{Limits, Role, RungChoice, SourceText, TaskClass, Usd};

fn read(text: &str) -> Config {
    Config::read(&SourceText::new("config.toml", text)).unwrap_or_else(|faults| panic!("{}", faults.rendered()))
}

#[test]
fn nothing_written_means_every_default() {
    let config = read("");
    assert_eq!(config, Config::default());
    assert_eq!(config.limits.over(&Limits::default()), Limits::default());
    assert!(config.console.bell && !config.console.mouse);
    let missing = Path::new("/nonexistent/config.toml");
    assert_eq!(Config::load(missing, Absence::IsDefault).unwrap(), config);
    let fault = Config::load(missing, Absence::IsFault).unwrap_err();
    assert!(fault.to_string().starts_with("/nonexistent/config.toml:1:1: it cannot be read"), "{fault}");
}

#[test]
fn everything_that_can_be_written_is_read() {
    let config = read(
        r#"
        prices = "prices.toml"

        [providers.openai]
        base_url = "https://api.openai.com/v1"
        api_key_env = "OPENAI_API_KEY"

        [providers.local]
        base_url = "http://127.0.0.1:8080/v1"
        timeouts = { connect = "5s", first_token = "5m" }

        [models.big]
        provider = "openai"
        id = "gpt-4.1"
        temperature = 0.2

        [models.small]
        provider = "local"
        calls = "schema"
        context_tokens = 8192

        [routes]
        code = ["big", "small"]
        simple = ["small"]

        [retry]
        attempts = 2
        longest_wait = "2m"

        [policy]
        files = ["~/team.cedar"]

        [console]
        theme = "light"
        keys = "vi.toml"
        mouse = true
        time = "utc"
        bell = false
        lock_after = "0s"

        [limits]
        turns = 20
        cost_usd = "1.50"
        time = "45m"

        [sandbox]
        rung = "landlock"

        [access]
        requests_per_minute = 20
        session_idle = "5m"

        [access.jwt]
        issuer = "https://id.example.org"
        audience = "morningai"
        jwks = "jwks.json"
        roles = { oncall = "operator", sre-leads = "admin" }

        [secrets]
        deploy = { file = "deploy.key" }
        pager = { command = ["pass", "show", "pager"] }
        "#,
    );
    assert_eq!(config.providers["openai"].api_key(), Some(SecretSource::Env("OPENAI_API_KEY".to_owned())));
    assert_eq!(config.providers["local"].api_key(), None);
    assert_eq!(config.providers["local"].timeouts.first_token, Some(300));
    assert_eq!(config.models["small"].calls, CallStyle::Schema);
    assert_eq!(config.routes[&TaskClass::Code], ["big", "small"]);
    assert_eq!((config.retry.attempts, config.retry.longest_wait), (Some(2), Some(120)));
    assert_eq!(config.policy.files, [Path::new("~/team.cedar")]);
    assert_eq!(config.console.keys, Some(Keys::File("vi.toml".into())));
    assert_eq!(config.console.time, TimeChoice::Utc);
    assert_eq!(config.sandbox.rung, RungChoice::Landlock);
    assert_eq!(config.secrets["deploy"], SecretSource::File("deploy.key".into()));
    assert_eq!((config.console.lock_after, config.access.session_idle), (Some(0), Some(300)));
    let jwt = config.access.jwt.as_ref().unwrap();
    assert_eq!((jwt.role_claim.as_str(), jwt.roles["sre-leads"]), ("groups", Role::Admin));
    let limits = config.limits.over(&Limits::default());
    assert_eq!((limits.turns, limits.cost, limits.seconds), (20, Usd(1_500_000_000), 2_700));
    assert_eq!(limits.tokens, Limits::default().tokens);
}

/// Name of the case, and the text that is wrong.
const BAD: &[(&str, &str)] = &[
    ("unknown_section", "[consol]\ntheme = \"dark\"\n"),
    ("unknown_key", "[limits]\nturns = 3\n\n[console]\nthme = \"dark\"\n"),
    ("unknown_key_far_from_all", "[console]\nwallpaper = \"cat.png\"\n"),
    (
        "unknown_key_in_an_inline_table",
        "[providers.local]\nbase_url = \"http://h/v1\"\ntimeouts = { conect = \"1s\" }\n",
    ),
    ("wrong_type", "[console]\nmouse = \"yes\"\n"),
    ("wrong_type_of_a_list", "[policy]\nfiles = \"team.cedar\"\n"),
    ("unknown_value", "[sandbox]\nrung = \"landlok\"\n"),
    ("unknown_time_zone", "[console]\ntime = \"utcc\"\n"),
    ("bad_duration", "[limits]\ntime = \"90 minutes\"\n"),
    ("bad_money", "[limits]\ncost_usd = 2.5\n"),
    ("negative_number", "[limits]\nturns = -1\n"),
    ("missing_key", "[providers.local]\napi_key_env = \"KEY\"\n"),
    ("unclosed_text", "[console]\ntheme = \"dark\nmouse = true\n"),
    ("several_syntax_errors", "[console\ntheme = dark\nbell = true\n"),
    ("the_same_key_twice", "[console]\nmouse = true\nmouse = false\n"),
    (
        "literal_key",
        "[providers.openai]\nbase_url = \"https://api.openai.com/v1\"\napi_key = \"sk-abcdefghijklmnop\"\n",
    ),
    (
        "literal_key_as_variable_name",
        "[providers.openai]\nbase_url = \"https://h/v1\"\napi_key_env = \"sk-abcdefghijklmnop\"\n",
    ),
    ("literal_secret", "[secrets]\npager = \"hunter2-hunter2\"\n"),
    ("secret_near_a_syntax_error", "[providers.openai]\napi_key = \"sk-abcdefghijklmnop\"\nbase_url = https://h\n"),
    ("key_with_two_places", "[providers.a]\nbase_url = \"http://h/v1\"\napi_key_env = \"A\"\napi_key_file = \"a\"\n"),
    ("variable_name_with_a_blank", "[providers.a]\nbase_url = \"http://h/v1\"\napi_key_env = \"MY KEY\"\n"),
    ("unknown_provider", "[providers.local]\nbase_url = \"http://h/v1\"\n[models.small]\nprovider = \"locl\"\n"),
    ("unknown_model_in_a_route", "[routes]\ncode = [\"big\"]\n"),
    ("unknown_kind_of_task", "[routes]\ncoding = [\"big\"]\n"),
    ("address_without_a_scheme", "[providers.local]\nbase_url = \"127.0.0.1:8080\"\n"),
    ("attempts_out_of_range", "[retry]\nattempts = 0\n"),
    ("on_call_gap", ON_CALL_GAP),
    ("on_call_names", ON_CALL_NAMES),
    ("on_call_zone", "[oncall.schedules.a]\nzone = \"Europe/Berln\"\nlayers = []\n"),
    (
        "on_call_shift",
        "[oncall.schedules.a]\nzone = \"UTC\"\nlayers = [{ people = [\"a\"], shift = \"monthly\", from = \"2026-01-01T09:00\" }]\n",
    ),
    (
        "on_call_circle",
        "[oncall.people]\na = { notify = [\"n\"] }\n[oncall.notifiers.webhook.n]\nurl = \"https://h/x\"\n[oncall.policies]\nx = { steps = [{ notify = [\"a\"] }], then = \"y\", then_after = \"1m\" }\ny = { steps = [{ notify = [\"a\"] }], then = \"x\", then_after = \"1m\" }\n",
    ),
    ("on_call_literal_secret", "[oncall.notifiers.pagerduty.pd]\nrouting_key = \"hunter2-hunter2\"\n"),
    (
        "on_call_unencrypted_mail",
        "[oncall.notifiers.email.m]\nfrom = \"a@b\"\nto = [\"c@d\"]\nserver = \"smtp.example.org:25\"\nsecurity = \"none\"\n",
    ),
    ("keys_of_the_wrong_kind", "[console]\nkeys = 3\n"),
    (
        "empty_command",
        "[secrets]\na = { command = [] }\n[providers.a]\nbase_url = \"http://h/v1\"\napi_key_command = []\n",
    ),
];

const ON_CALL_GAP: &str = r#"[oncall]
people.a = { notify = ["n"] }
notifiers.webhook.n = { url = "https://h/x" }
[oncall.schedules.office]
zone = "Europe/Berlin"
layers = [{ people = ["a"], shift = "daily", from = 2026-01-05T09:00:00, hours = "09:00-17:00" }]
"#;

const ON_CALL_NAMES: &str = r#"[oncall]
incidents = "usuall"
[oncall.people.ana]
notify = ["pagr"]
[oncall.notifiers.webhook.pager]
url = "hooks.example.org"
[oncall.schedules.primary]
zone = "UTC"
layers = [{ people = ["anna"], shift = "weekly", from = "2026-01-05T09:00" }]
[oncall.policies.usual]
steps = [{ notify = ["primry"] }]
"#;

#[test]
fn bad_configurations_are_told_with_place_reason_and_remedy() {
    for (name, text) in BAD {
        let said = match Config::read(&SourceText::new("config.toml", *text)) {
            Ok(_) => "it was accepted".to_owned(),
            Err(faults) => faults.rendered(),
        };
        for secret in ["abcdefghijklmnop", "hunter2"] {
            assert!(!said.contains(secret), "{name} shows a secret:\n{said}");
        }
        insta::assert_snapshot!(*name, said);
    }
}
