//! The served program with accounts that the command line made: both print the same objects, and signed tokens of
//! others are believed as the configuration says.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use morningai::access::jwt;
use morningai::ports::{Clock, SystemClock};
use serde_json::{Value, json};

use super::post::{Http, reqwest_client};
use crate::story_attach::Served;
use crate::support::machine::Machine;

fn http(served: &Served, token: &str) -> Http {
    Http { base: served.url.clone(), client: reqwest_client(), token: Some(token.to_owned()) }
}

/// A token that the command line issues.
fn issued(machine: &Machine, account: &str, scopes: &[&str]) -> String {
    let mut arguments = vec!["tokens", "issue", account, "--label", "test", "--json"];
    scopes.iter().for_each(|scope| arguments.extend(["--scope", *scope]));
    machine.run(&arguments).ended(0).json()[0]["secret"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn both_print_the_same_objects() {
    let machine = Machine::new();
    machine.run(&["accounts", "add", "ana", "--role", "owner", "--no-password"]).ended(0);
    machine.run(&["accounts", "add", "ci", "--role", "viewer", "--no-password"]).ended(0);
    let token = issued(&machine, "ana", &["access.read", "runs.read", "self.manage"]);
    let served = Served::start(machine.home(), "127.0.0.1:0");
    let http = http(&served, &token);
    let (_, listed) = http.get("/v1/accounts").await;
    assert_eq!(listed["accounts"], Value::from(machine.run(&["accounts", "--json"]).json()));
    // What it shows now, it was used for first.
    let (_, tokens) = http.get("/v1/tokens").await;
    assert_eq!(tokens["tokens"], Value::from(machine.run(&["tokens", "--json"]).json()));
    let (_, shown) = http.get("/v1/accounts/ci").await;
    assert_eq!(shown, machine.run(&["accounts", "show", "ci", "--json"]).json()[0]);
    let (_, roles) = http.get("/v1/roles").await;
    assert_eq!(roles["roles"], Value::from(machine.run(&["accounts", "roles", "--json"]).json()));
    let (_, billing) = http.get("/v1/billing").await;
    assert_eq!(billing, json!({"plan": null, "invoice": null}));
    let (_, audit) = http.get("/v1/audit").await;
    assert_eq!(audit["events"], Value::from(machine.run(&["audit", "--json"]).json()));
}

/// A plan with access by API: the server says what the command line says. One without it lets no token in.
#[tokio::test(flavor = "multi_thread")]
async fn both_tell_of_the_same_plan_and_a_token_is_let_in_where_the_plan_has_it() {
    let machine = Machine::new();
    let config = machine.path(".config/morningai/config.toml");
    std::fs::create_dir_all(config.parent().unwrap()).unwrap();
    std::fs::write(&config, "[billing]\nplan = \"professional\"\nadd_ons = [\"soc2_pack\"]\n").unwrap();
    machine.run(&["accounts", "add", "ana", "--role", "owner", "--no-password"]).ended(0);
    let token = issued(&machine, "ana", &["runs.read"]);
    let served = Served::start(machine.home(), "127.0.0.1:0");
    let (_, billing) = http(&served, &token).get("/v1/billing").await;
    let mut plan = billing["plan"].clone();
    plan["kind"] = json!("plan");
    assert_eq!(plan, machine.run(&["billing", "plan", "--json"]).json()[0]);
    assert_eq!(billing["invoice"]["total_usd"], "498.00");
    let lines = machine.run(&["billing", "invoice", "--json"]).json();
    assert_eq!(billing["invoice"]["total_usd"], lines[0]["total_usd"]);
    assert_eq!(billing["invoice"]["lines"][1]["amount_usd"], lines[2]["amount_usd"]);
    drop(served);
    std::fs::write(&config, "[billing]\nplan = \"starter\"\n").unwrap();
    let served = Served::start(machine.home(), "127.0.0.1:0");
    let (status, refused) = http(&served, &token).get("/v1/billing").await;
    assert_eq!((status, &refused["type"]), (403, &json!("urn:morningai:problem:not-in-plan")));
    assert!(refused["hint"].as_str().is_some_and(|hint| hint.starts_with("Professional does")), "{refused}");
}

const SEED: [u8; 32] = [7; 32];

#[tokio::test(flavor = "multi_thread")]
async fn signed_tokens_are_believed_as_configured_and_a_clock_that_is_off_is_said() {
    let machine = Machine::new();
    machine.run(&["accounts", "add", "root", "--role", "owner", "--no-password"]).ended(0);
    let signer = jwt::Signer::from_seed("key-1", &SEED).unwrap();
    std::fs::write(machine.path("jwks.json"), signer.jwks()).unwrap();
    let config = machine.path(".config/morningai/config.toml");
    std::fs::create_dir_all(config.parent().unwrap()).unwrap();
    let section = format!(
        "[access]\nrequests_per_minute = 30\n[access.jwt]\nissuer = \"https://id.example\"\naudience = \"morningai\"\n\
         jwks = {:?}\n[access.jwt.roles]\noncall = \"operator\"\n",
        machine.path("jwks.json")
    );
    std::fs::write(&config, section).unwrap();
    let served = Served::start(machine.home(), "127.0.0.1:0");
    let now = SystemClock.now().timestamp();
    let claims = |nbf: i64, exp: i64, group: &str| {
        json!({ "iss": "https://id.example", "aud": "morningai", "sub": "bo", "groups": [group],
                "iat": nbf, "nbf": nbf, "exp": exp })
    };
    let good = signed("key-1", &claims(now - 5, now + 600, "oncall"));
    let bo = http(&served, &good);
    let (status, oneself) = bo.get("/v1/session").await;
    assert_eq!((status, &oneself["name"], &oneself["role"]), (200, &json!("bo"), &json!("operator")), "{oneself}");
    assert_eq!(bo.post("/v1/accounts", json!({ "name": "cy", "role": "viewer" })).await.0, 403);
    for (token, said) in [
        (signed("key-1", &claims(now - 9_000, now - 600, "oncall")), "this signed token has expired; here it is 20"),
        (signed("key-1", &claims(now + 600, now + 900, "oncall")), "this signed token is not valid yet; here it is 20"),
        (signed("key-1", &claims(now, now + 600, "staff")), "no role here is mapped to what this signed token claims"),
        (signed("key-2", &claims(now, now + 600, "oncall")), "this token is not known here"),
        (format!("{}x", &good[..good.len() - 2]), "this token is not known here"),
    ] {
        let (status, problem) = http(&served, &token).get("/v1/session").await;
        let detail = problem["detail"].as_str().unwrap();
        assert!(status == 401 && detail.starts_with(said), "{said}: {problem}");
        assert!(!problem["hint"].as_str().unwrap().is_empty());
    }
    let mut last = 200;
    for _ in 0..30 {
        last = bo.get("/v1/session").await.0;
    }
    assert_eq!(last, 429, "thirty a minute are configured");
}

/// A compact JWS of these claims by the key of `SEED`.
fn signed(kid: &str, claims: &Value) -> String {
    let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let text = format!("{}.{}", encode(&json!({ "alg": "EdDSA", "kid": kid, "typ": "JWT" })), encode(claims));
    let pair = ring::signature::Ed25519KeyPair::from_seed_unchecked(&SEED).unwrap();
    format!("{text}.{}", URL_SAFE_NO_PAD.encode(pair.sign(text.as_bytes())))
}
