//! One table of rights holds for every route and for every message of an attached console.

use morningai::access::{OwnRequests, action_of_command, action_of_query, allows};
use morningai::domain::*;
use morningai::kinds::*;
use morningai::ports::*;
use morningai::protocol::{Launch, LaunchKind, Wish};
use morningai::server::{Exposure, Operation};
use serde_json::{Value, json};

use super::post::{Post, TURNS, attach_to, generous, open_approval};
use crate::runtime::desk::ana;

/// How a route is called by `name`, and what is sent to it. What is asked for makes sense, though it need not be
/// possible: it is only looked at whether it is refused. A new route does not pass without a row here.
fn row(operation: &Operation, world: &World<'_>) -> (String, Option<Value>) {
    let World { name, run, approval, token } = world;
    let empty = || Some(json!({}));
    let own = |route: &str| format!("/v1/accounts/{name}/{route}");
    match &*operation.name {
        "listRuns" | "listApprovals" | "listAgents" | "examine" | "readLog" | "exportLog" | "attach" | "health"
        | "readiness" | "describe" | "showSession" | "listRoles" | "listAccounts" | "listTokens" | "audit"
        | "showStore" | "checkStore" | "showUsage" | "showBilling" => (operation.path.to_string(), None),
        "signOut" => (operation.path.to_string(), None),
        "signIn" => (operation.path.to_string(), Some(json!({ "name": "", "password": "" }))),
        "startRun" => (operation.path.to_string(), Some(json!({ "goal": "do it" }))),
        "showRun" | "recordRun" => (operation.path.replace("{id}", run), None),
        "cancelRun" | "pauseRun" | "resumeRun" => (operation.path.replace("{id}", run), empty()),
        "showApproval" => (operation.path.replace("{id}", approval), None),
        "approve" => (operation.path.replace("{id}", approval), Some(json!({ "digest": "00000000" }))),
        "edit" => {
            let body = json!({ "digest": "00000000", "arguments": {} });
            (operation.path.replace("{id}", approval), Some(body))
        }
        "deny" => (operation.path.replace("{id}", approval), empty()),
        "answer" => (operation.path.replace("{id}", approval), Some(json!({ "text": "so" }))),
        "settle" => (operation.path.replace("{id}", approval), Some(json!({ "outcome": "retry" }))),
        "showAgent" => (operation.path.replace("{name}", "dev"), None),
        "verifyLog" | "backUpStore" | "rebuildStore" => (operation.path.to_string(), empty()),
        "pruneStore" => (operation.path.to_string(), Some(json!({ "before": "0s", "trial": true }))),
        "exportSubject" => (operation.path.replace("{name}", "target"), None),
        "eraseSubject" => (operation.path.replace("{name}", "target"), Some(json!({ "confirm": "target" }))),
        "addAccount" => (operation.path.to_string(), Some(json!({ "name": format!("by-{name}"), "role": "viewer" }))),
        "showAccount" => (operation.path.replace("{name}", "target"), None),
        "setRole" => (operation.path.replace("{name}", "target"), Some(json!({ "role": "analyst" }))),
        "disableAccount" | "enableAccount" => (operation.path.replace("{name}", "target"), empty()),
        "setPassword" => (own("password"), Some(json!({ "password": "rain on a tin roof" }))),
        "beginTotp" => (own("totp"), empty()),
        "confirmTotp" => (own("totp/confirm"), Some(json!({ "code": "123456" }))),
        "removeTotp" => (own("totp/remove"), empty()),
        "issueToken" => {
            (operation.path.to_string(), Some(json!({ "account": name, "label": "x", "scopes": ["runs.read"] })))
        }
        "showIncident"
        | "writePostmortemOfIncident"
        | "acknowledgeIncident"
        | "resolveIncident"
        | "reopenIncident"
        | "runbookIncident" => {
            let body = (operation.method == "POST").then(|| json!({}));
            (operation.path.replace("{id}", run), body)
        }
        "listIncidents"
        | "listProbes"
        | "listHandovers"
        | "listPages"
        | "listOnCall"
        | "listMaintenance"
        | "listBudgets"
        | "countNoiseOfIncidents"
        | "listSubscriptions" => (operation.path.to_string(), None),
        "listInvoices" => (operation.path.to_string(), None),
        "subscribe" => (operation.path.to_string(), Some(json!({ "plan": "starter" }))),
        "manageSubscription" => (operation.path.to_string(), empty()),
        "showSubscription" => (operation.path.replace("{id}", run), None),
        "showMaintenance" | "endMaintenance" => {
            let body = (operation.method == "POST").then(|| json!({}));
            (operation.path.replace("{id}", run), body)
        }
        "showBudget" | "removeBudget" => {
            let body = (operation.method == "POST").then(|| json!({}));
            (operation.path.replace("{id}", run), body)
        }
        "setBudget" => (operation.path.to_string(), Some(json!({ "amount": "1000", "person": name }))),
        "startMaintenance" => (operation.path.to_string(), Some(json!({ "labels": "a=b", "length": "1h" }))),
        "showPage" | "retryPage" | "dismissPage" => {
            let body = (operation.method == "POST").then(|| json!({}));
            (operation.path.replace("{id}", run), body)
        }
        "showHandover" | "signHandover" => {
            let body = (operation.method == "POST").then(|| json!({}));
            (operation.path.replace("{id}", run), body)
        }
        "writeHandover" => (operation.path.to_string(), Some(json!({ "note": "x" }))),
        "mergeIncident" => (operation.path.replace("{id}", run), Some(json!({ "into": run }))),
        "splitIncident" => (operation.path.replace("{id}", run), Some(json!({ "label": "a=b" }))),
        "snoozeIncident" | "silenceIncident" => (operation.path.replace("{id}", run), Some(json!({ "length": "1h" }))),
        "amendIncident" => (operation.path.replace("{id}", run), Some(json!({ "text": "x" }))),
        "assignIncident" => (operation.path.replace("{id}", run), Some(json!({ "to": "bo" }))),
        "noteIncident" => (operation.path.replace("{id}", run), Some(json!({ "text": "x" }))),
        "severityIncident" => (operation.path.replace("{id}", run), Some(json!({ "severity": "info" }))),
        "linkIncident" => (operation.path.replace("{id}", run), Some(json!({ "run": run }))),
        "decideInSlack" | "noticeStripe" => (operation.path.to_string(), empty()),
        hook if hook.starts_with("take") => (operation.path.to_string(), empty()),
        "revokeToken" => (operation.path.replace("{id}", token), empty()),
        other => panic!("{} {} ({other}) has no row in the table of this test", operation.method, operation.path),
    }
}

struct World<'a> {
    name: &'a str,
    run: &'a str,
    approval: &'a str,
    token: &'a str,
}

async fn post_with_turns(dir: &std::path::Path) -> Post {
    let turns: Vec<&[&str]> = TURNS.iter().copied().cycle().take(TURNS.len() * 8).collect();
    Post::open_at(dir, "127.0.0.1:0".parse().unwrap(), &turns).await
}

#[tokio::test(flavor = "multi_thread")]
async fn every_route_lets_every_role_do_what_the_table_says_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let post = post_with_turns(dir.path()).await;
    let run = post.desk.begin().await.to_string();
    let approval = post.desk.open_approval().await;
    post.add_program("root", Role::Owner).await;
    post.add_program("target", Role::Viewer).await;
    let (mut allowed, mut refused) = (0, 0);
    for role in Role::ALL {
        let name = format!("a-{role}");
        let http = post.http_with(&post.program(&name, role).await);
        let token = post.token(&name, [Action::ReadRuns]).await.0.to_string();
        let world = World { name: &name, run: &run, approval: &approval.id.to_string(), token: &token };
        for operation in morningai::server::operations() {
            let (path, body) = row(&operation, &world);
            let request = http.client.request(operation.method.parse().unwrap(), format!("{}{path}", http.base));
            let request = body.into_iter().fold(request, |request, body| request.json(&body));
            let (status, answer) = http.send(request).await;
            let wanted = match &*operation.name {
                "approve" => Some(action_of_command(&approve(&approval), Some(&approval.ask))),
                _ => operation.action,
            };
            let may = wanted.is_none_or(|action| allows(role, action));
            assert_eq!(status == 403, !may, "{role}, {} {path}: {status} {answer}", operation.method);
            // Tokens of people do not open a receiver, nor does a receiver's open anything else.
            let has_own_token = operation.path.starts_with("/v1/hooks/");
            assert_eq!(operation.name != "signIn" && status == 401, has_own_token, "{role}, {path}: {answer}");
            *(if may { &mut allowed } else { &mut refused }) += 1;
        }
    }
    assert!(allowed > 110 && refused > 45, "{allowed} allowed, {refused} refused");
    let told = post.told().await;
    let refusals = told.iter().filter(|told| told["event"]["type"] == "access.permission_refused").count();
    assert!(refusals > 10, "the log tells of {refusals}");
    post.end().await;
}

fn approve(approval: &morningai::kinds::Approval) -> Command {
    ApprovalVerb::Approve { digest: "00000000".to_owned() }.on(approval.id)
}

/// Every command there is. A new one makes the `match` below incomplete, and belongs into the list.
fn commands(run: RunId, approval: &morningai::kinds::Approval) -> Vec<Command> {
    let call = CallNo(1);
    let result = ToolResult { failure: None, summary: "".into(), output: Output::default(), diff: None, data: None };
    let question = CallPreparation::Question { text: "so?".into(), choices: Vec::new() };
    let prepared = PreparedCall { call, approval: approval.id, preparation: question };
    let outcome = Box::new(Ok(crate::runtime::desk::reply(&[])));
    let group = GroupKey::of(["x"]);
    let incident = group.incident(Timestamp::default());
    let key = PageKey {
        about: Stream::Incident(incident),
        run: None,
        since: Timestamp::default(),
        step: 0,
        target: "x".to_owned(),
        notifier: "x".to_owned(),
    };
    let page = key.page();
    let order = PageOrder { key, person: None, title: "x".into(), follows: Follows::Not };
    let matching = Matching::read("a=b").unwrap();
    let (from, until) = (Timestamp::default(), Timestamp::default());
    let maintenance = MaintenanceOrder { name: "x".into(), matching, from, until };
    let window = maintenance.id();
    let set_budget =
        BudgetVerb::Set { amount: "1".to_owned(), period: BudgetPeriod::Day, agent: None, person: None, soft: false };
    let budget = BudgetId::of(&BudgetScope::All, BudgetPeriod::Day);
    let handover = HandoverId(uuid::Uuid::now_v7());
    let report = IncidentReport {
        group,
        title: "x".into(),
        labels: Labels::default(),
        runbook: None,
        agent: None,
        classifier: None,
        alerts: Vec::new(),
        left_out: 0,
        sight: Sight::Told,
    };
    let commands = vec![
        RunVerb::Start { spec: Box::new(crate::runtime::desk::spec()) }.on(RunId(uuid::Uuid::now_v7())),
        approve(approval),
        ApprovalVerb::Edit { digest: "00000000".to_owned(), args: json!({}) }.on(approval.id),
        ApprovalVerb::Settle { settlement: Settlement::Retry, note: "".into() }.on(approval.id),
        ApprovalVerb::Answer { text: "so".into() }.on(approval.id),
        ApprovalVerb::Deny { reason: "no".into() }.on(approval.id),
        RunVerb::Pause.on(run),
        RunVerb::Resume.on(run),
        RunVerb::Cancel { reason: String::new() }.on(run),
        RunVerb::AgentFailed { agent_run: run, reason: "x".into() }.on(run),
        RunVerb::StartWanted { of: Stream::Run(run), spec: Box::new(crate::runtime::desk::spec()) }.on(run),
        IncidentVerb::Acknowledge.on(incident),
        IncidentVerb::Assign { to: "bo".to_owned() }.on(incident),
        IncidentVerb::Note { text: "x".into() }.on(incident),
        IncidentVerb::Severity { severity: Severity::Critical }.on(incident),
        IncidentVerb::Runbook { name: None }.on(incident),
        IncidentVerb::Link { run }.on(incident),
        IncidentVerb::Merge { into: incident }.on(incident),
        IncidentVerb::Split { label: "a=b".to_owned() }.on(incident),
        IncidentVerb::Snooze { length: "1h".to_owned() }.on(incident),
        IncidentVerb::Silence { length: "1h".to_owned() }.on(incident),
        IncidentVerb::Amend { text: "x".into() }.on(incident),
        IncidentVerb::Wake.on(incident),
        HandoverVerb::Write { note: "x".into() }.on(handover),
        HandoverVerb::Sign.on(handover),
        HandoverVerb::Lapse.on(handover),
        MaintenanceVerb::Start { labels: "a=b".to_owned(), length: "1h".to_owned(), name: None, from: None }.on(window),
        MaintenanceVerb::End.on(window),
        set_budget.on(budget),
        BudgetVerb::Remove.on(budget),
        MaintenanceVerb::Plan { order: Box::new(maintenance) }.on(window),
        MaintenanceVerb::Pass.on(window),
        SubscriptionVerb::Begin { account: uuid::Uuid::nil() }.on(SubscriptionId::OF_TENANT),
        SubscriptionVerb::Know { customer: "cus_1".to_owned() }.on(SubscriptionId::OF_TENANT),
        SubscriptionVerb::Read { to: Box::default() }.on(SubscriptionId::OF_TENANT),
        SubscriptionVerb::Refund { charge: "ch_1".to_owned(), cents: Cents(1) }.on(SubscriptionId::OF_TENANT),
        SubscriptionVerb::Measure { month: Default::default(), cents: Cents(1), at: Default::default() }
            .on(SubscriptionId::OF_TENANT),
        SubscriptionVerb::Attempt { attempt: 1 }.on(SubscriptionId::OF_TENANT),
        SubscriptionVerb::Take { attempt: 1 }.on(SubscriptionId::OF_TENANT),
        SubscriptionVerb::Fail { attempt: 1, reason: "x".into(), retry_at: None }.on(SubscriptionId::OF_TENANT),
        SubscriptionVerb::Compare { differences: Vec::new() }.on(SubscriptionId::OF_TENANT),
        IncidentVerb::Resolve.on(incident),
        IncidentVerb::Reopen.on(incident),
        IncidentVerb::GiveUp { run, reason: "x".into() }.on(incident),
        IncidentVerb::Report { report: Box::new(report) }.on(incident),
        PageVerb::Retry.on(page),
        PageVerb::Dismiss.on(page),
        PageVerb::Queue { order: Box::new(order) }.on(page),
        PageVerb::Attempt { attempt: 1 }.on(page),
        PageVerb::Deliver { attempt: 1, receipt: String::new() }.on(page),
        PageVerb::Fail { attempt: 1, reason: "x".into(), retry_at: None }.on(page),
        PageVerb::Turn { tidings: Tidings::Resolve }.on(page),
        Command::Report(Report::Proceed { run, prepared: Vec::new() }),
        Command::Report(Report::TurnFinished { run, turn: 1, attempt: 1, outcome }),
        Command::Report(Report::SetAside { run }),
        Command::Report(Report::Recover { run, left: Default::default() }),
        ApprovalVerb::Expire.on(approval.id),
        Command::Report(Report::Doubt { run, call, attempt: 1, approval: approval.id, why: Untrusted::default() }),
        Command::Report(Report::EffectFinished { run, call, attempt: 1, result }),
        Command::Report(Report::Drifted { run, call, attempt: 1, prepared: Box::new(prepared) }),
    ];
    for command in &commands {
        match command {
            Command::Run { verb: RunVerb::Start { .. }, .. }
            | Command::Approval { verb: ApprovalVerb::Approve { .. }, .. }
            | Command::Approval { verb: ApprovalVerb::Deny { .. }, .. }
            | Command::Approval { verb: ApprovalVerb::Answer { .. }, .. } => {}
            Command::Approval { verb: ApprovalVerb::Settle { .. }, .. }
            | Command::Run { verb: RunVerb::Pause, .. }
            | Command::Run { verb: RunVerb::Resume, .. }
            | Command::Run { verb: RunVerb::Cancel { .. } | RunVerb::AgentFailed { .. }, .. }
            | Command::Run { verb: RunVerb::StartWanted { .. }, .. } => {}
            Command::Approval { verb: ApprovalVerb::Edit { .. }, .. } => {}
            Command::Incident { verb: IncidentVerb::Acknowledge, .. }
            | Command::Incident { verb: IncidentVerb::Assign { .. }, .. }
            | Command::Incident { verb: IncidentVerb::Note { .. }, .. }
            | Command::Incident { verb: IncidentVerb::Severity { .. }, .. }
            | Command::Incident { verb: IncidentVerb::Runbook { .. }, .. }
            | Command::Incident { verb: IncidentVerb::Link { .. }, .. }
            | Command::Incident { verb: IncidentVerb::Merge { .. }, .. }
            | Command::Incident { verb: IncidentVerb::Split { .. }, .. }
            | Command::Incident { verb: IncidentVerb::Snooze { .. }, .. }
            | Command::Incident { verb: IncidentVerb::Silence { .. }, .. }
            | Command::Incident { verb: IncidentVerb::Amend { .. }, .. }
            | Command::Incident { verb: IncidentVerb::Wake, .. }
            | Command::Incident { verb: IncidentVerb::Resolve, .. }
            | Command::Incident { verb: IncidentVerb::Reopen, .. }
            | Command::Incident { verb: IncidentVerb::GiveUp { .. }, .. }
            | Command::Incident { verb: IncidentVerb::Report { .. }, .. } => {}
            Command::Page { verb: PageVerb::Retry | PageVerb::Dismiss, .. }
            | Command::Page { verb: PageVerb::Queue { .. } | PageVerb::Attempt { .. }, .. }
            | Command::Page { verb: PageVerb::Deliver { .. } | PageVerb::Fail { .. }, .. }
            | Command::Page { verb: PageVerb::Turn { .. }, .. } => {}
            Command::Handover { verb: HandoverVerb::Write { .. }, .. }
            | Command::Handover { verb: HandoverVerb::Sign, .. }
            | Command::Handover { verb: HandoverVerb::Lapse, .. } => {}
            Command::Maintenance { verb: MaintenanceVerb::Start { .. } | MaintenanceVerb::End, .. }
            | Command::Maintenance { verb: MaintenanceVerb::Plan { .. } | MaintenanceVerb::Pass, .. } => {}
            Command::Budget { verb: BudgetVerb::Set { .. } | BudgetVerb::Remove, .. } => {}
            Command::Subscription { verb: SubscriptionVerb::Begin { .. } | SubscriptionVerb::Know { .. }, .. }
            | Command::Subscription { verb: SubscriptionVerb::Read { .. } | SubscriptionVerb::Refund { .. }, .. }
            | Command::Subscription {
                verb: SubscriptionVerb::Measure { .. } | SubscriptionVerb::Attempt { .. }, ..
            }
            | Command::Subscription { verb: SubscriptionVerb::Take { .. } | SubscriptionVerb::Fail { .. }, .. }
            | Command::Subscription { verb: SubscriptionVerb::Compare { .. }, .. } => {}
            Command::Report(Report::Proceed { .. })
            | Command::Report(Report::SetAside { .. })
            | Command::Report(Report::Recover { .. }) => {}
            Command::Approval { verb: ApprovalVerb::Expire, .. } | Command::Report(Report::Doubt { .. }) => {}
            Command::Report(Report::EffectFinished { .. })
            | Command::Report(Report::Drifted { .. })
            | Command::Report(Report::TurnFinished { .. }) => {}
        }
    }
    commands
}

/// Every other wish there is, and what it takes; likewise.
fn wishes(run: RunId) -> Vec<(Wish, Action)> {
    let launch = Launch { kind: LaunchKind::Agent("dev".into()), goal: "x".into(), workspace: String::new() };
    let queries = [
        Query::Stream { stream: Stream::Run(run), after: 0, limit: 1 },
        Query::LogBefore { before: u64::MAX, limit: 1 },
        Query::Search { text: "x".to_owned(), before: u64::MAX, limit: 1 },
        Query::Rows(RowQuery::ended(RowKind::Run, None, 1)),
        Query::Rows(RowQuery::ended(RowKind::Approval, None, 1)),
        Query::Rows(RowQuery::ended(RowKind::Incident, None, 1)),
        Query::Rows(RowQuery::ended(RowKind::Page, None, 1)),
        Query::Rows(RowQuery::ended(RowKind::Handover, None, 1)),
        Query::Blob { blob: BlobId::of(b"x") },
    ];
    let mut wishes: Vec<_> =
        queries.map(|query| (Wish::Query { query: query.clone() }, action_of_query(&query))).into_iter().collect();
    wishes.extend([
        (Wish::Offers {}, Action::ReadRuns),
        (Wish::Prepare { launch }, Action::StartRuns),
        (Wish::Complete { sought: Sought::Directories { path: "/".to_owned() } }, Action::StartRuns),
        (Wish::Remember { goal: "x".to_owned() }, Action::StartRuns),
    ]);
    for (wish, _) in &wishes {
        match wish {
            Wish::Query { .. } | Wish::Submit { .. } | Wish::Offers {} | Wish::Prepare { .. } => {}
            Wish::Complete { .. } | Wish::Remember { .. } => {}
        }
    }
    wishes
}

#[tokio::test(flavor = "multi_thread")]
async fn every_message_of_a_console_is_taken_from_whom_the_table_says_and_nobody_else() {
    let dir = tempfile::tempdir().unwrap();
    let post = post_with_turns(dir.path()).await;
    let run = post.desk.begin().await;
    let approval = post.desk.open_approval().await;
    post.add_program("root", Role::Owner).await;
    for role in Role::ALL {
        let name = format!("a-{role}");
        let token = post.program(&name, role).await;
        let client = attach_to(post.server.address(), &token).await.unwrap();
        client.open().await.unwrap();
        assert_eq!(client.person(), Actor::Person(name));
        assert_eq!(client.status().observe.is_on(), role < Role::Operator, "{role}");
        for command in commands(run, &approval) {
            let may = allows(role, action_of_command(&command, Some(&approval.ask)));
            let refused = client.submit(command.clone(), ana()).await.err();
            let not_allowed = refused.as_ref().is_some_and(|refused| refused.kind == RejectionKind::NotAllowed);
            assert_eq!(not_allowed, !may, "{role}: {command:?}: {refused:?}");
        }
        let mut socket = super::bad_input::greeted_with(post.server.address(), &token).await;
        for (wish, action) in wishes(run) {
            let outcome = super::bad_input::wished(&mut socket, &wish).await;
            let refused = outcome["message"].as_str().is_some_and(|message| message.contains(" may not "));
            assert_eq!(refused, !allows(role, action), "{role}: {wish:?}: {outcome}");
        }
    }
    let may_start = Role::ALL.into_iter().filter(|role| allows(*role, Action::StartRuns)).count();
    assert_eq!(post.host.goals.lock().unwrap().len(), may_start, "goals that were kept");
    post.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_opens_what_it_is_for_and_no_more_of_its_owners_role() {
    let dir = tempfile::tempdir().unwrap();
    let post = Post::open(dir.path()).await;
    post.add("ana", Role::Owner).await;
    let reader = post.token("ana", [Action::ReadRuns]).await.1;
    let http = post.http_with(&reader);
    assert_eq!(http.get("/v1/runs").await.0, 200);
    let (status, problem) = http.get("/v1/approvals").await;
    assert_eq!((status, &problem["detail"]), (403, &json!("this token is not for approvals.read")));
    let refused = attach_to(post.server.address(), &reader).await.err().unwrap();
    assert!(refused.message.contains("this token is not for log.read"), "{refused}");
    let watcher = post.token("ana", [Action::ReadLog]).await.1;
    let client = attach_to(post.server.address(), &watcher).await.unwrap();
    client.open().await.unwrap();
    assert!(client.status().observe.hint().unwrap().contains("your token is for looking"));
    post.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_approves_what_a_run_of_theirs_asks_for() {
    for (own_requests, status) in [(OwnRequests::Refuse, 403), (OwnRequests::Allow, 200)] {
        let dir = tempfile::tempdir().unwrap();
        let listen = "127.0.0.1:0".parse().unwrap();
        let exposure = Exposure { listen, identity: None, is_terminated_elsewhere: false, names: Vec::new() };
        let settings = morningai::access::DoorSettings { own_requests, ..generous() };
        let post = Post::open_with(dir.path(), exposure, TURNS, settings).await;
        // It is ana's.
        post.desk.begin().await;
        let approval = post.desk.open_approval().await;
        let ana = post.program("ana", Role::Owner).await;
        let ben = post.program("ben", Role::Admin).await;
        let decision = json!({ "digest": approval.digest.shown() });
        let path = format!("/v1/approvals/{}/approve", approval.id);
        let (got, answer) = post.http_with(&ana).post(&path, decision.clone()).await;
        assert_eq!(got, status, "{answer}");
        if own_requests == OwnRequests::Refuse {
            assert_eq!(answer["detail"], "nobody decides on what they asked for themselves");
            let client = attach_to(post.server.address(), &ana).await.unwrap();
            let approval = open_approval(&client).await;
            let command = ApprovalVerb::Approve { digest: approval.digest.0.clone() }.on(approval.id);
            let refused = client.submit(command, Actor::Person("ben".to_owned())).await.unwrap_err();
            assert_eq!(refused.kind, RejectionKind::NotAllowed, "{refused:?}");
            let (got, answer) = post.http_with(&ben).post(&path, decision).await;
            assert_eq!((got, &answer["decided_by"]), (200, &json!("ben")), "{answer}");
        }
        post.end().await;
    }
}
