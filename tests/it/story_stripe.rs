//! A plan that is paid at Stripe, from the products to the invoice: with the real program, and a stand-in for Stripe.

use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use ring::hmac;
use serde_json::{Value, json};

use crate::story_incidents::{http_with, serve};
use crate::support::machine::Machine;
use crate::support::postgres::{Database, PROGRAM};
use crate::support::stripe::{Fault, KEY, StripeStandIn, object};

const SECRET: &str = "whsec_the-secret-that-stripe-signs-with";
const RUNBOOK: &str = "---\nname: look\ndescription: Looks at the memory\n---\n\n# Look\n\n## Memory\n\n\
                       ```tool host_check\nwhat = \"memory\"\n```\n";

fn machine(stripe: &StripeStandIn) -> Machine {
    paying(stripe, Machine::new())
}

fn paying(stripe: &StripeStandIn, machine: Machine) -> Machine {
    let machine = machine.with("STRIPE_KEY", KEY).with("STRIPE_WEBHOOK", SECRET);
    let config = machine.path(".config/morningai");
    std::fs::create_dir_all(&config).unwrap();
    let text = "[billing.stripe]\nkey = { env = \"STRIPE_KEY\" }\nwebhook_secrets = [{ command = [\"echo\", \"next\"] }, \
                { env = \"STRIPE_WEBHOOK\" }]\n";
    std::fs::write(config.join("config.toml"), format!("{text}api = \"{}\"\n", stripe.url)).unwrap();
    std::fs::write(machine.path("look.md"), RUNBOOK).unwrap();
    machine
}

/// One on which all that is sold is there, and somebody subscribed to a plan.
fn subscribed(stripe: &StripeStandIn) -> Machine {
    let machine = machine(stripe);
    machine.run(&["billing", "sync"]).ended(0);
    machine.run(&["billing", "checkout", "starter"]).ended(0);
    stripe.pay();
    machine
}

fn plan(machine: &Machine) -> Value {
    machine.run(&["billing", "plan", "--json"]).ended(0).json().remove(0)["plan"].clone()
}

fn is_anywhere_below(dir: &Path, text: &str) -> bool {
    let has = |path: &Path| std::fs::read(path).unwrap().windows(text.len()).any(|part| part == text.as_bytes());
    std::fs::read_dir(dir).unwrap().flatten().any(|entry| match entry.path() {
        path if path.is_dir() => is_anywhere_below(&path, text),
        path => has(&path),
    })
}

fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < Duration::from_secs(120), "{what}");
        std::thread::sleep(Duration::from_millis(30));
    }
}

#[test]
fn what_is_sold_is_made_once_and_a_price_that_was_changed_by_hand_is_said_and_left() {
    let stripe = StripeStandIn::start();
    let machine = machine(&stripe);
    let refused = machine.run(&["billing", "checkout", "starter"]).ended(2);
    assert!(refused.err.contains("`morningai billing sync` makes it"), "{}", refused.err);
    stripe.fail("/v1/prices", Fault::Status(429));
    stripe.fail("/v1/billing/meters", Fault::LostAnswer);
    stripe.fail("/v1/products", Fault::LostAnswer);
    let lines = machine.run(&["billing", "sync", "--json"]).ended(0).json();
    assert!(lines.iter().all(|line| line["outcome"] == "made"), "{lines:?}");
    let counts =
        |books: &mut crate::support::stripe::Books| (books.meters.len(), books.products.len(), books.prices.len());
    // Three plans, four add-ons, and runs beyond those included; two prices of Starter, one of Professional.
    assert_eq!(stripe.with(counts), (1, 8, 8));
    assert!(machine.run(&["billing", "sync"]).ended(0).out.contains("found"));
    assert_eq!(stripe.with(counts), (1, 8, 8));

    stripe.with(|books| {
        let price =
            books.prices.iter_mut().find(|price| price["lookup_key"] == "morningai_plan_starter_month").unwrap();
        price["unit_amount"] = json!(100);
    });
    let told = machine.run(&["billing", "sync"]).ended(1).out;
    assert!(told.contains("differs") && told.contains("it is 100 cents there, and 4900 cents in the plans"), "{told}");
    assert!(machine.run(&["billing", "checkout", "starter"]).ended(3).err.contains("differs at Stripe"));

    let elsewhere = Machine::new().with("STRIPE_KEY", "rk_test_another-key-than-that");
    std::fs::create_dir_all(elsewhere.path(".config/morningai")).unwrap();
    std::fs::copy(machine.path(".config/morningai/config.toml"), elsewhere.path(".config/morningai/config.toml"))
        .unwrap();
    let refused = elsewhere.run(&["billing", "sync"]).ended(2).err;
    assert!(refused.contains("Invalid API Key") && refused.contains("[billing.stripe]"), "{refused}");
    assert!(Machine::new().run(&["billing", "portal"]).ended(2).err.contains("Stripe is not configured"));
}

#[test]
fn a_link_leads_to_a_plan_that_holds_as_long_as_it_is_paid() {
    let stripe = StripeStandIn::start();
    let machine = machine(&stripe);
    assert_eq!(plan(&machine), "free");
    assert!(machine.run(&["billing", "portal"]).ended(2).err.contains("no customer"));
    assert!(machine.run(&["--observe", "billing", "portal"]).ended(3).err.contains("--observe"));
    machine.run(&["billing", "sync"]).ended(0);
    for (wrong, said) in
        [("gold", "starter, professional"), ("free", "costs nothing"), ("enterprise", "agreed with each")]
    {
        assert!(machine.run(&["billing", "checkout", wrong]).ended(2).err.contains(said), "{wrong}");
    }
    let asked = machine.run(&["billing", "checkout", "starter", "--qr"]).ended(0);
    let link = asked.out.lines().next().unwrap().to_owned();
    assert!(link.starts_with("https://checkout.stripe.com/c/pay/cs_test_") && asked.out.contains('▄'), "{}", asked.out);
    // Asked for again, it is the same page: two that are open could both be paid.
    assert_eq!(machine.run(&["billing", "checkout", "starter", "--json"]).ended(0).json()[0]["url"], json!(link));
    let other = machine.run(&["billing", "checkout", "starter", "--add-on", "soc2_pack"]).ended(0).out;
    assert_ne!(other.trim(), link);
    assert_eq!(stripe.with(|books| (books.customers.len(), books.sessions.len())), (1, 2));
    stripe.pay();

    let told = machine.run(&["billing", "reconcile"]).ended(1).out;
    assert!(told.contains("the log had none, and Stripe has active"), "{told}");
    assert!(machine.run(&["billing", "reconcile"]).ended(0).out.contains("the same"));
    assert_eq!(plan(&machine), "starter");
    assert!(machine.run(&["billing", "plan"]).ended(0).out.contains("with SOC 2 compliance pack"));
    let refused = machine.run(&["billing", "checkout", "professional"]).ended(3).err;
    assert!(refused.contains("there is a subscription already"), "{refused}");
    assert!(
        machine.run(&["billing", "portal"]).ended(0).out.starts_with("https://billing.stripe.com/p/session/test_1")
    );

    for (status, holds, shown) in [
        ("past_due", "starter", "a payment failed"),
        ("unpaid", "free", "an invoice was not paid"),
        ("active", "starter", ""),
        ("canceled", "free", ""),
    ] {
        stripe.set_status(status);
        machine.run(&["billing", "reconcile"]).ended(1);
        assert_eq!(plan(&machine), holds, "{status}");
        let listed = machine.run(&["subscriptions"]).ended(0).out;
        assert!(listed.contains(shown), "{status}: {listed}");
    }
    let before = machine.run(&["subscriptions", "--json"]).ended(0).out;
    machine.run(&["db", "rebuild"]).ended(0);
    machine.run(&["log", "verify"]).ended(0);
    assert_eq!(machine.run(&["subscriptions", "--json"]).ended(0).out, before);
    for secret in ["checkout.stripe.com", "billing.stripe.com", KEY, SECRET] {
        assert!(!is_anywhere_below(&machine.path("data"), secret), "{secret} is kept");
    }
}

#[test]
fn invoices_are_listed_in_each_form() {
    let stripe = StripeStandIn::start();
    let machine = subscribed(&stripe);
    assert_eq!(machine.run(&["billing", "invoices"]).ended(0).out.trim(), "no invoices yet");
    stripe.with(|books| {
        let customer = books.customers[0]["id"].clone();
        let invoice = json!({
            "id": "in_1", "number": "A-0001", "status": "open", "customer": customer, "currency": "usd", "total": 6050,
            "amount_paid": 0, "amount_remaining": 6050, "created": 1_796_000_000, "period_start": 1_793_491_200,
            "period_end": 1_796_083_200,
        });
        books.invoices.push(object("invoice", invoice));
        // Another customer's, which Stripe does not list here.
        books.invoices.push(object("invoice", json!({ "id": "in_2", "number": "B-0001", "customer": "cus_other" })));
    });
    let shown = machine.run(&["billing", "invoices"]).ended(0).out;
    assert!(
        shown.contains("A-0001") && shown.contains("$60.50") && shown.contains("open") && !shown.contains("B-"),
        "{shown}"
    );
    let listed = machine.run(&["billing", "invoices", "--json"]).ended(0).json();
    assert_eq!((listed.len(), &listed[0]["total"], &listed[0]["currency"]), (1, &json!(6050), &json!("usd")));
    assert!(machine.run(&["billing", "invoices", "--csv"]).ended(0).out.contains(",6050,0,6050\r\n"));
}

fn event(kind: &str, object: Value) -> String {
    json!({ "id": "evt_1", "object": "event", "type": kind, "data": { "object": object } }).to_string()
}

fn signed(secret: &str, at: i64, body: &str) -> String {
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes()), format!("{at}.{body}").as_bytes());
    format!("Stripe-Signature: t={at},v1={}", hex::encode(tag))
}

#[test]
fn a_webhook_only_has_the_subscription_read_again() {
    let stripe = StripeStandIn::start();
    let machine = subscribed(&stripe);
    let served = serve(&machine, &[]);
    let now = chrono::Utc::now().timestamp();
    let post = |header: &str, body: &str| {
        http_with("POST", &format!("{}/v1/hooks/stripe", served.url), Some(header), body).unwrap()
    };
    // The server reads once when it starts.
    until("the plan is read", || plan(&machine) == "starter");
    stripe.set_status("unpaid");
    // It claims a plan; what counts is what Stripe says.
    let customer = stripe.with(|books| books.customers[0]["id"].clone());
    let claims = json!({ "id": "sub_0", "customer": customer, "status": "active" });
    let body = event("customer.subscription.updated", claims);
    for header in [
        "X-Other: none".to_owned(),
        signed("whsec_another", now, &body),
        signed(SECRET, now - 301, &body),
        signed(SECRET, now, "{}"),
    ] {
        assert_eq!(post(&header, &body).0, 401, "{header}");
    }
    let reads = || stripe.count("GET /v1/subscriptions");
    let before = reads();
    let others =
        event("customer.subscription.updated", json!({ "id": "sub_0", "customer": "cus_other", "status": "active" }));
    let ignored = [others, event("payout.paid", json!({ "id": "po_1" }))];
    assert!(ignored.iter().all(|body| post(&signed(SECRET, now, body), body).0 == 202));
    assert_eq!(post(&signed(SECRET, now, "{"), "{").0, 400);
    assert_eq!((reads(), plan(&machine)), (before, json!("starter")));

    // Stripe is told that it was not followed up, so that it posts it again.
    (0..3).for_each(|_| stripe.fail("/v1/customers/", Fault::Status(500)));
    assert_eq!(post(&signed(SECRET, now, &body), &body).0, 503);
    assert_eq!(post(&signed(SECRET, now, &body), &body), (200, "{\"changed\":true}".to_owned()));
    assert_eq!(plan(&machine), "free", "the body said active");
    assert_eq!(post(&signed(SECRET, now, &body), &body), (200, "{\"changed\":false}".to_owned()), "told twice");

    let charge = json!({ "id": "ch_1", "customer": customer, "amount_refunded": 4900 });
    stripe.with(|books| books.charges.push(charge));
    let body = event("charge.refunded", json!({ "id": "ch_1", "customer": customer, "amount_refunded": 1 }));
    assert_eq!(post(&signed(SECRET, now, &body), &body).0, 200);
    assert!(machine.run(&["subscriptions", "--json"]).ended(0).out.contains("\"ch_1\":4900"));
    let audit = machine.run(&["audit"]).ended(0).out;
    assert!(audit.contains("subscription.changed") && audit.contains("subscription.refunded"), "{audit}");
}

fn start(machine: &Machine, arguments: &[&str]) -> Child {
    machine.command(arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

#[test]
fn a_process_that_is_killed_between_the_call_and_its_record_makes_nothing_twice() {
    let stripe = StripeStandIn::start();
    let machine = machine(&stripe);
    let kill_at = |path: &'static str, asked: &str, arguments: &[&str]| {
        stripe.fail(path, Fault::NoAnswer);
        let before = stripe.count(asked);
        let mut child = start(&machine, arguments);
        until(asked, || stripe.count(asked) > before);
        child.kill().unwrap();
        child.wait().unwrap();
    };
    kill_at("/v1/products", "POST /v1/products", &["billing", "sync"]);
    machine.run(&["billing", "sync"]).ended(0);
    assert_eq!(stripe.with(|books| (books.meters.len(), books.products.len(), books.prices.len())), (1, 8, 8));

    kill_at("/v1/customers", "POST /v1/customers", &["billing", "checkout", "starter"]);
    machine.run(&["billing", "checkout", "starter"]).ended(0);
    assert_eq!(stripe.with(|books| (books.customers.len(), books.sessions.len())), (1, 1));
    stripe.pay();
    machine.run(&["billing", "reconcile"]).ended(1);
    assert_eq!(plan(&machine), "starter");
}

/// A plan with one run, so that more are charged.
const PLANS: &str = r#"
[[plan]]
name = "none"
title = "None"
price_usd = "0.00"
runs = 1
users = 1
includes = ["on_premises"]

[[plan]]
name = "paid"
title = "Paid"
price_usd = "12.00"
runs = 1
users = 2
beyond = "charge"
includes = ["on_premises"]

[overage]
mode = "volume"
cap_times_price = 2

[[overage.band]]
price_usd = "0.50"
"#;

#[test]
fn runs_beyond_those_included_are_reported_once_however_often_the_server_is_killed() {
    are_reported_once(Machine::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn runs_beyond_those_included_are_reported_once_from_postgres() {
    let database = Database::migrated().await;
    let url = database.url(PROGRAM);
    tokio::task::spawn_blocking(move || are_reported_once(Machine::new().with_store(&url))).await.unwrap();
}

fn are_reported_once(machine: Machine) {
    let stripe = StripeStandIn::start();
    let machine = paying(&stripe, machine);
    let config = machine.path(".config/morningai/config.toml");
    let text = std::fs::read_to_string(&config).unwrap();
    std::fs::write(machine.path(".config/morningai/plans.toml"), PLANS).unwrap();
    std::fs::write(&config, format!("[billing]\nplans = \"plans.toml\"\n{text}")).unwrap();
    machine.run(&["billing", "sync"]).ended(0);
    machine.run(&["billing", "checkout", "paid"]).ended(0);
    stripe.pay();
    machine.run(&["billing", "reconcile"]).ended(1);
    for _ in 0..4 {
        machine.run(&["run", "--runbook", "look.md"]).ended(0);
    }
    let owed = || {
        let plan = machine.run(&["billing", "plan", "--json"]).ended(0).json().remove(0);
        plan["overage"]["amount_usd"].as_str().unwrap().replace('.', "").parse::<u64>().unwrap()
    };
    assert!(owed() >= 50, "runs are charged");
    let told = machine.run(&["billing", "reconcile"]).ended(1).out;
    assert!(told.contains("still to be reported"), "{told}");

    let served = serve(&machine, &[]);
    let subscription = || machine.run(&["subscriptions", "--json"]).ended(0).json().remove(0);
    until("usage is reported", || !subscription()["metering"]["taken"].as_object().unwrap().is_empty());
    drop(served);
    let values = || stripe.with(|books| books.meter_events.values().cloned().collect::<Vec<_>>());
    assert!(values().len() == 1 && values()[0].contains(&("payload[value]".to_owned(), owed().to_string())));
    assert!(machine.run(&["billing", "reconcile"]).ended(0).out.contains("the same"));
    stripe.with(|books| books.preview = Some(1));
    assert!(!machine.run(&["billing", "reconcile"]).out.contains("runs beyond"));

    // The server is killed after Stripe has the next amount, and before the log knows.
    machine.run(&["run", "--runbook", "look.md"]).ended(0);
    stripe.fail("/v1/billing/meter_events", Fault::NoAnswer);
    let served = serve(&machine, &[]);
    until("the next amount is reported", || values().len() == 2);
    drop(served);
    let push = subscription()["metering"]["push"].clone();
    assert_eq!(push["attempts"], 1, "{push}");
    // It is told again under an identifier that Stripe has already.
    let at = chrono::DateTime::parse_from_rfc3339(push["at"].as_str().unwrap()).unwrap().timestamp();
    let identifier = format!("{}-{}-{at}", subscription()["account"].as_str().unwrap(), push["event"]);
    assert!(stripe.with(|books| books.meter_events.contains_key(&identifier)), "{identifier}");
    let served = serve(&machine, &[]);
    until("the server works", || stripe.count("GET /v1/subscriptions") > 4);
    drop(served);
    assert_eq!(values().len(), 2, "the claim of the first one holds");
}
