//! A stand-in for Stripe: it keeps customers, prices, subscriptions and meters in memory, does what has an idempotency key
//! once, and checks each request against the parameters that Stripe publishes, where those are at hand.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::{Json, Router};
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

pub const KEY: &str = "rk_test_the-restricted-key";
const VERSION: &str = "2026-10-28.endive";

type Fields = Vec<(String, String)>;

/// What goes wrong with the next request to a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// This status, and nothing is done.
    Status(u16),
    /// It is done, and the answer is lost.
    LostAnswer,
    /// It is done, and the answer does not come; of writes alone.
    NoAnswer,
}

#[derive(Default)]
pub struct Books {
    pub customers: Vec<Value>,
    pub products: Vec<Value>,
    pub prices: Vec<Value>,
    pub meters: Vec<Value>,
    pub sessions: Vec<Value>,
    pub subscriptions: Vec<Value>,
    pub invoices: Vec<Value>,
    pub charges: Vec<Value>,
    /// By identifiers.
    pub meter_events: BTreeMap<String, Fields>,
    /// What Stripe's next invoice comes to.
    pub preview: Option<i64>,
    pub portals: usize,
    pub faults: Vec<(&'static str, Fault)>,
    /// `POST /v1/customers`, in their order.
    pub asked: Vec<String>,
    done_once: BTreeMap<String, (String, u16, Value)>,
    /// What is not as Stripe has it.
    wrong: Vec<String>,
    numbers: usize,
}

pub struct StripeStandIn {
    pub url: String,
    books: Arc<Mutex<Books>>,
}

impl StripeStandIn {
    pub fn start() -> Self {
        let books = Arc::new(Mutex::new(Books::default()));
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().fallback(answer).with_state((books.clone(), Arc::new(contract())));
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                axum::serve(tokio::net::TcpListener::from_std(listener).unwrap(), router).await.unwrap();
            });
        });
        Self { url, books }
    }

    /// Looks into the books, or changes them as a person does in the dashboard.
    pub fn with<T>(&self, look: impl FnOnce(&mut Books) -> T) -> T {
        look(&mut self.books.lock().unwrap())
    }

    pub fn fail(&self, path: &'static str, fault: Fault) {
        self.with(|books| books.faults.push((path, fault)));
    }

    /// How often something was asked for.
    pub fn count(&self, asked: &str) -> usize {
        self.with(|books| books.asked.iter().filter(|line| *line == asked).count())
    }

    /// The customer pays at the page that is open.
    pub fn pay(&self) {
        self.with(|books| {
            let session = books.sessions.iter_mut().find(|session| session["status"] == "open").unwrap();
            session["status"] = json!("complete");
            let session = session.clone();
            let item = |price: &Value| {
                let price = books.prices.iter().find(|known| known["id"] == *price).unwrap();
                shaped("subscription_item", json!({ "price": price, "current_period_end": 1_798_761_600 }))
            };
            let items: Vec<_> = session["prices"].as_array().unwrap().iter().map(item).collect();
            let number = books.subscriptions.len();
            let subscription = json!({
                "id": format!("sub_{number}"), "status": "active", "created": number, "customer": session["customer"],
                "cancel_at": null, "trial_end": null, "items": { "object": "list", "data": items, "has_more": false },
                "latest_invoice": null,
            });
            books.subscriptions.push(shaped("subscription", subscription));
        });
    }

    pub fn set_status(&self, status: &str) {
        self.with(|books| books.subscriptions.last_mut().unwrap()["status"] = json!(status));
    }
}

impl Drop for StripeStandIn {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.with(|books| assert_eq!(books.wrong, Vec::<String>::new(), "not as Stripe publishes it"));
        }
    }
}

const CONTRACTS: &str = "../shared/contracts/stripe";

/// What Stripe publishes of its requests; nothing where that is not at hand.
fn contract() -> Vec<Value> {
    let Ok(text) = std::fs::read(format!("{CONTRACTS}/request-params-2026-08.json")) else {
        eprintln!("requests to Stripe are not checked: the vendors' contracts are not here");
        return Vec::new();
    };
    let mut contract: Value = serde_json::from_slice(&text).unwrap();
    contract["operations"].take().as_array().unwrap().clone()
}

/// An object as Stripe answers with it, with these fields in place of the published example's.
fn shaped(kind: &str, fields: Value) -> Value {
    let example = std::fs::read(format!("{CONTRACTS}/fixtures3.subset.json"));
    let examples: Value = example.ok().map(|text| serde_json::from_slice(&text).unwrap()).unwrap_or_default();
    let mut object = match &examples["resources"][kind] {
        Value::Null => json!({}),
        example => example.clone(),
    };
    for (name, value) in fields.as_object().unwrap() {
        object[name] = value.clone();
    }
    object
}

type Shared = (Arc<Mutex<Books>>, Arc<Vec<Value>>);

async fn answer(
    State((books, contract)): State<Shared>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let path = uri.path().to_owned();
    let text = match method {
        Method::GET => uri.query().unwrap_or_default().to_owned(),
        _ => String::from_utf8(body.to_vec()).unwrap(),
    };
    let fields = fields(&text);
    let header = |name: &str| headers.get(name).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default();
    let (fault, status, value) = {
        let mut books = books.lock().unwrap();
        books.asked.push(format!("{method} {path}"));
        if header("authorization") != format!("Bearer {KEY}") {
            return failure(401, "", "Invalid API Key provided").into_response();
        }
        if header("stripe-version") != VERSION {
            books.wrong.push(format!("{path}: version {}", header("stripe-version")));
        }
        let wrong = check(&contract, &method, &path, &fields);
        books.wrong.extend(wrong);
        let place = books
            .faults
            .iter()
            .position(|(at, fault)| path.starts_with(at) && (method == Method::POST || *fault != Fault::NoAnswer));
        let fault = place.map(|place| books.faults.remove(place).1);
        if let Some(Fault::Status(status)) = fault {
            return failure(status, "", "as the test wants it").into_response();
        }
        let once = header("idempotency-key");
        let (status, value) = match (method == Method::POST, books.done_once.get(&once).cloned()) {
            (true, Some((asked, status, value))) if asked == format!("{path}?{text}") => (status, value),
            (true, Some(_)) => (400, error("idempotency_key_in_use", "the same key with other parameters")),
            (true, None) if once.is_empty() => {
                books.wrong.push(format!("{path}: no idempotency key"));
                (400, error("", "no idempotency key"))
            }
            (is_write, None) => {
                let (status, value) = perform(&mut books, &method, &path, &fields);
                if is_write {
                    books.done_once.insert(once, (format!("{path}?{text}"), status, value.clone()));
                }
                (status, value)
            }
            (false, Some(_)) => unreachable!("a read has no key"),
        };
        (fault, status, value)
    };
    match fault {
        Some(Fault::NoAnswer) => tokio::time::sleep(Duration::from_secs(600)).await,
        // As a gateway on the way says it.
        Some(Fault::LostAnswer) => return StatusCode::BAD_GATEWAY.into_response(),
        Some(Fault::Status(_)) | None => {}
    }
    (StatusCode::from_u16(status).unwrap(), Json(value)).into_response()
}

fn fields(text: &str) -> Fields {
    let decode = |part: &str| percent_decode_str(part).decode_utf8().unwrap().into_owned();
    let pairs = text.split('&').filter_map(|pair| pair.split_once('='));
    pairs.map(|(name, value)| (decode(name), decode(value))).collect()
}

fn error(code: &str, message: &str) -> Value {
    json!({ "error": { "type": "invalid_request_error", "code": code, "message": message } })
}

fn failure(status: u16, code: &str, message: &str) -> (StatusCode, [(&'static str, &'static str); 1], Json<Value>) {
    (StatusCode::from_u16(status).unwrap(), [("retry-after", "0")], Json(error(code, message)))
}

/// What is not as Stripe publishes it.
fn check(contract: &[Value], method: &Method, path: &str, fields: &Fields) -> Vec<String> {
    if contract.is_empty() || path.starts_with("/v1/charges/") {
        return Vec::new();
    }
    let fits = |template: &str| {
        let (parts, given) = (template.split('/'), path.split('/'));
        template.split('/').count() == path.split('/').count()
            && parts.zip(given).all(|(part, given)| part.starts_with('{') || part == given)
    };
    let mut operations = contract.iter().filter(|known| known["method"] == method.as_str());
    // A literal path goes before one with a placeholder.
    let found = operations.clone().find(|known| known["path"] == path);
    let Some(operation) = found.or_else(|| operations.find(|known| fits(known["path"].as_str().unwrap()))) else {
        return vec![format!("{method} {path}: there is no such call")];
    };
    let (params, mut wrong) = (operation["params"].as_object().unwrap(), Vec::new());
    let plain =
        |name: &str| name.replace(']', "").split('[').filter(|part| !part.is_empty()).collect::<Vec<_>>().join(".");
    let given: BTreeSet<_> = fields.iter().map(|(name, _)| plain(name)).collect();
    for (name, value) in fields {
        let name = plain(name);
        // Lists of objects and maps are not described.
        if ["line_items.", "metadata.", "payload.", "expand", "subscription_data.metadata."]
            .iter()
            .any(|part| name.starts_with(part))
        {
            continue;
        }
        let Some(param) = params.get(&name) else {
            wrong.push(format!("{method} {path}: there is no {name}"));
            continue;
        };
        let is_fit = match param["type"].as_str().unwrap() {
            "integer" => value.parse::<i64>().is_ok(),
            "boolean" => value == "true" || value == "false",
            _ => param["enum"].as_array().is_none_or(|words| words.iter().any(|word| word == value)),
        };
        if !is_fit {
            wrong.push(format!("{method} {path}: {name} is {value}"));
        }
    }
    for (name, param) in params {
        if param["required"] == true && !given.contains(name) {
            wrong.push(format!("{method} {path}: {name} is missing"));
        }
    }
    wrong
}

fn get<'a>(fields: &'a Fields, name: &str) -> Option<&'a str> {
    fields.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
}

fn all<'a>(fields: &'a Fields, name: &'a str) -> Vec<&'a str> {
    fields.iter().filter(|(known, _)| known == name).map(|(_, value)| value.as_str()).collect()
}

fn list(data: Vec<Value>) -> (u16, Value) {
    (200, json!({ "object": "list", "has_more": false, "url": "/v1", "data": data }))
}

/// Metadata as Stripe gives it back.
fn metadata(fields: &Fields) -> Value {
    let name = |name: &str| name.strip_prefix("metadata[").and_then(|name| name.strip_suffix(']')).map(str::to_owned);
    fields.iter().filter_map(|(key, value)| Some((name(key)?, json!(value)))).collect::<serde_json::Map<_, _>>().into()
}

impl Books {
    fn id(&mut self, prefix: &str) -> String {
        self.numbers += 1;
        format!("{prefix}_{}", self.numbers)
    }
}

fn of_customer(objects: &[Value], fields: &Fields) -> Vec<Value> {
    let customer = get(fields, "customer");
    objects.iter().filter(|object| object["customer"].as_str() == customer).rev().cloned().collect()
}

fn perform(books: &mut Books, method: &Method, path: &str, fields: &Fields) -> (u16, Value) {
    let parts: Vec<_> = path.trim_start_matches("/v1/").split('/').collect();
    let missing = || (404, error("resource_missing", &format!("No such object: {path}")));
    let find = |objects: &[Value], id: &str| objects.iter().find(|object| object["id"] == id).cloned();
    match (method.as_str(), parts.as_slice()) {
        ("GET", ["billing", "meters"]) => list(books.meters.clone()),
        ("POST", ["billing", "meters"]) => {
            let meter = json!({
                "id": books.id("mtr"), "event_name": get(fields, "event_name"), "status": "active",
                "default_aggregation": { "formula": get(fields, "default_aggregation[formula]") },
            });
            books.meters.push(shaped("billing.meter", meter.clone()));
            (200, books.meters.last().unwrap().clone())
        }
        ("GET", ["billing", "meters", meter, "event_summaries"]) => {
            let customer = get(fields, "customer").unwrap();
            let ours =
                books.meter_events.values().filter(|event| get(event, "payload[stripe_customer_id]") == Some(customer));
            let last = ours.max_by_key(|event| get(event, "timestamp").unwrap().parse::<i64>().unwrap());
            // JSON has no integers: Stripe writes 98.0 as well as 98.
            let value: Option<f64> = last.map(|event| get(event, "payload[value]").unwrap().parse().unwrap());
            list(
                value
                    .map(|value| json!({ "id": "mtrusg_1", "meter": meter, "aggregated_value": value }))
                    .into_iter()
                    .collect(),
            )
        }
        ("POST", ["billing", "meter_events"]) => {
            let identifier = get(fields, "identifier").unwrap().to_owned();
            if books.meter_events.contains_key(&identifier) {
                return (400, error("", &format!("An event already exists with identifier {identifier}.")));
            }
            books.meter_events.insert(identifier, fields.clone());
            (200, json!({ "object": "billing.meter_event" }))
        }
        ("GET", ["products"]) => {
            let wanted = all(fields, "ids[]");
            list(
                books
                    .products
                    .iter()
                    .filter(|product| wanted.contains(&product["id"].as_str().unwrap()))
                    .cloned()
                    .collect(),
            )
        }
        ("POST", ["products"]) => {
            let product = json!({ "id": get(fields, "id"), "name": get(fields, "name"), "active": true });
            books.products.push(shaped("product", product));
            (200, books.products.last().unwrap().clone())
        }
        ("GET", ["prices"]) => {
            let wanted = all(fields, "lookup_keys[]");
            assert!(wanted.len() <= 10, "Stripe takes ten at once");
            list(
                books
                    .prices
                    .iter()
                    .filter(|price| wanted.contains(&price["lookup_key"].as_str().unwrap()))
                    .cloned()
                    .collect(),
            )
        }
        ("POST", ["prices"]) => {
            let price = json!({
                "id": books.id("price"), "active": true, "lookup_key": get(fields, "lookup_key"), "product": get(fields, "product"),
                "currency": get(fields, "currency"), "unit_amount": get(fields, "unit_amount").unwrap().parse::<i64>().unwrap(),
                "recurring": {
                    "interval": get(fields, "recurring[interval]"), "interval_count": 1, "trial_period_days": null,
                    "usage_type": get(fields, "recurring[usage_type]").unwrap_or("licensed"),
                    "meter": get(fields, "recurring[meter]"),
                },
            });
            books.prices.push(shaped("price", price));
            (200, books.prices.last().unwrap().clone())
        }
        ("POST", ["customers"]) => {
            let customer = json!({ "id": books.id("cus"), "metadata": metadata(fields) });
            books.customers.push(shaped("customer", customer));
            (200, books.customers.last().unwrap().clone())
        }
        ("GET", ["customers", id]) => find(&books.customers, id).map_or_else(missing, |found| (200, found)),
        ("GET", ["checkout", "sessions"]) => list(of_customer(&books.sessions, fields)),
        ("POST", ["checkout", "sessions", id, "expire"]) => {
            let Some(session) = books.sessions.iter_mut().find(|session| session["id"] == *id) else {
                return missing();
            };
            session["status"] = json!("expired");
            (200, session.clone())
        }
        ("POST", ["checkout", "sessions"]) => {
            let prices = fields.iter().filter(|(name, _)| name.starts_with("line_items[") && name.ends_with("[price]"));
            let id = books.id("cs_test");
            let session = json!({
                "id": id, "status": "open", "customer": get(fields, "customer"), "metadata": metadata(fields),
                "url": format!("https://checkout.stripe.com/c/pay/{id}#secret"),
                "prices": prices.map(|(_, price)| price).collect::<Vec<_>>(),
            });
            books.sessions.push(shaped("checkout.session", session));
            (200, books.sessions.last().unwrap().clone())
        }
        ("POST", ["billing_portal", "sessions"]) => {
            books.portals += 1;
            let url = format!("https://billing.stripe.com/p/session/test_{}", books.portals);
            (200, shaped("billing_portal.session", json!({ "id": "bps_1", "url": url })))
        }
        ("GET", ["subscriptions"]) => list(of_customer(&books.subscriptions, fields)),
        ("GET", ["invoices"]) => list(of_customer(&books.invoices, fields)),
        ("POST", ["invoices", "create_preview"]) => match books.preview {
            Some(total) => (200, shaped("invoice", json!({ "id": "upcoming_in_1", "total": total }))),
            None => (404, error("invoice_upcoming_none", "No upcoming invoices")),
        },
        ("GET", ["charges", id]) => find(&books.charges, id).map_or_else(missing, |found| (200, found)),
        _ => missing(),
    }
}

/// An object of Stripe for the books.
pub fn object(kind: &str, fields: Value) -> Value {
    shaped(kind, fields)
}
