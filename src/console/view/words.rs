//! The sign, word and role of every state, risk and place: one table, so that all pages agree.
//!
//! A state is told by its sign and its word as well as by its role, so nothing is lost without colour. Every sign
//! is one column wide in every terminal; none of them has an emoji form.

use super::format;
use super::text::Row;
use crate::console::role::Role;
use crate::domain::{
    Actor, ApprovalState, Ask, Environment, FailureKind, PurposeOfTurn, Risk, RunState, Settlement, StepState,
    Timestamp, Untrusted,
};
use crate::fold::CallStatus;
use crate::kinds::{Approval, BudgetGauge, CallStage, Look, Run};

/// How a state is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sign {
    pub glyph: &'static str,
    pub word: &'static str,
    pub role: Role,
}

const fn sign(glyph: &'static str, word: &'static str, role: Role) -> Sign {
    Sign { glyph, word, role }
}

pub fn run(state: RunState) -> Sign {
    match state {
        RunState::Planning => sign("○", "planning", Role::Running),
        RunState::Running => sign("●", "running", Role::Running),
        RunState::Waiting => sign("◆", "waiting", Role::Waiting),
        RunState::Paused => sign("‖", "paused", Role::Warning),
        RunState::Succeeded => sign("✓", "succeeded", Role::Good),
        RunState::Failed => sign("✗", "failed", Role::Bad),
        RunState::Cancelled => sign("–", "cancelled", Role::Dim),
        RunState::InDoubt => sign("?", "in doubt", Role::Waiting),
    }
}

/// How a state or an event of any kind is painted.
pub fn look(look: Look) -> Role {
    match look {
        Look::Plain => Role::Text,
        Look::Dim => Role::Dim,
        Look::Notable => Role::Accent,
        Look::Good => Role::Good,
        Look::Running => Role::Running,
        Look::Waiting => Role::Waiting,
        Look::Warning => Role::Warning,
        Look::Bad => Role::Bad,
    }
}

pub fn step(state: StepState) -> Sign {
    match state {
        StepState::Pending => sign("○", "to do", Role::Dim),
        StepState::Running => sign("●", "doing", Role::Running),
        StepState::Done => sign("✓", "done", Role::Good),
        StepState::Failed => sign("✗", "failed", Role::Bad),
        StepState::Skipped => sign("–", "skipped", Role::Dim),
    }
}

pub fn approval(state: ApprovalState) -> Sign {
    match state {
        ApprovalState::Pending => sign("◆", "waiting", Role::Waiting),
        ApprovalState::InDoubt => sign("?", "in doubt", Role::Waiting),
        ApprovalState::Approved => sign("✓", "approved", Role::Good),
        ApprovalState::Denied => sign("✗", "denied", Role::Bad),
        ApprovalState::Edited => sign("~", "edited", Role::Warning),
        ApprovalState::Expired => sign("!", "expired", Role::Warning),
        ApprovalState::Withdrawn => sign("–", "withdrawn", Role::Dim),
        ApprovalState::Superseded => sign("→", "superseded", Role::Dim),
    }
}

/// What came of a request, in the word that fits what was asked.
pub fn outcome(approval: &Approval) -> Sign {
    let shown = self::approval(approval.state);
    match (approval.settlement, &approval.ask) {
        (Some(Settlement::Happened), _) => sign("✓", "it happened", Role::Good),
        (Some(Settlement::Retry), _) => sign("✓", "do it again", Role::Good),
        (Some(Settlement::GiveUp), _) => sign("✗", "given up", Role::Bad),
        (None, Ask::Question { .. }) if approval.state == ApprovalState::Approved => sign("✓", "answered", Role::Good),
        (None, Ask::Question { .. } | Ask::Effect { .. } | Ask::InDoubt { .. }) => shown,
    }
}

/// A call that did what it was to do.
pub const DONE: Sign = sign("✓", "done", Role::Good);

pub fn call(status: &CallStatus) -> Sign {
    match status {
        CallStatus::Requested => sign("○", "to come", Role::Dim),
        CallStatus::Parked => sign("◆", "waits for you", Role::Waiting),
        CallStatus::Running => sign("●", "running", Role::Running),
        CallStatus::InDoubt => sign("?", "in doubt", Role::Waiting),
        CallStatus::Settled(result) => result.failure.map_or(DONE, failure),
    }
}

pub fn failure(kind: FailureKind) -> Sign {
    match kind {
        FailureKind::BadCall => sign("✗", "bad call", Role::Bad),
        FailureKind::Refused => sign("✗", "refused", Role::Bad),
        FailureKind::Denied => sign("✗", "denied", Role::Bad),
        FailureKind::Expired => sign("!", "expired", Role::Warning),
        FailureKind::Withdrawn => sign("–", "withdrawn", Role::Dim),
        FailureKind::Failed => sign("✗", "failed", Role::Bad),
        FailureKind::Drift => sign("!", "changed since", Role::Warning),
        FailureKind::Limit => sign("!", "over its limit", Role::Warning),
        FailureKind::Unconfined => sign("✗", "not confined", Role::Bad),
        FailureKind::Unreachable => sign("!", "not reached", Role::Warning),
        FailureKind::Cancelled => sign("–", "cancelled", Role::Dim),
        FailureKind::GaveUp => sign("✗", "given up", Role::Bad),
        FailureKind::InDoubt => sign("?", "in doubt", Role::Warning),
    }
}

pub fn risk(risk: Risk) -> Sign {
    match risk {
        Risk::Low => sign(" ", "low", Role::Dim),
        Risk::Medium => sign(" ", "medium", Role::Text),
        Risk::High => sign("!", "high", Role::Warning),
        Risk::Critical => sign("!", "critical", Role::Bad),
    }
}

pub fn environment(environment: Environment) -> Role {
    match environment {
        Environment::Workspace => Role::Dim,
        Environment::Host | Environment::Remote => Role::Text,
        Environment::Staging => Role::Warning,
        Environment::Production => Role::Banner,
    }
}

/// Agents and people look different everywhere.
pub fn actor(actor: &Actor) -> Role {
    match actor {
        Actor::Person(_) => Role::Person,
        Actor::Agent(_) => Role::Agent,
        Actor::System => Role::Dim,
    }
}

/// A sign that turns while something is under way, five times a second at most: each turn is bytes on the line.
pub fn spinner(now: Timestamp) -> &'static str {
    const SIGNS: [&str; 10] = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];
    let turn = now.timestamp_millis().div_euclid(200).rem_euclid(SIGNS.len() as i64);
    SIGNS[usize::try_from(turn).unwrap_or(0)]
}

/// Minutes below which the time left to decide is drawn with other signs.
const SHORT: i64 = 5;

/// `▰▰▰▱▱`: how much is done, or left; at least one sign of anything.
pub fn bar(part: i64, whole: i64, cells: usize) -> String {
    bar_of(["▰", "▱"], part, whole, cells)
}

fn bar_of([full, empty]: [&str; 2], part: i64, whole: i64, cells: usize) -> String {
    let room = i64::try_from(cells).unwrap_or(i64::MAX);
    let filled = part.clamp(0, whole.max(0)).saturating_mul(room) / whole.max(1);
    let filled = usize::try_from(filled.max(i64::from(part > 0))).unwrap_or(cells).min(cells);
    format!("{}{}", full.repeat(filled), empty.repeat(cells - filled))
}

/// How far a budget is used.
pub fn gauge(gauge: &BudgetGauge) -> Role {
    match (gauge.is_used_up(), gauge.is_near()) {
        (true, _) => Role::Bad,
        (false, true) => Role::Warning,
        (false, false) => Role::Money,
    }
}

/// `▁▁▃█`: amounts beside each other, the largest as high as a line is; only nothing has no height.
pub fn spark(amounts: &[i64]) -> String {
    const HEIGHTS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let most = amounts.iter().copied().max().unwrap_or(0).max(1);
    let height = |amount: i64| match amount {
        ..=0 => ' ',
        some => HEIGHTS[usize::try_from(i128::from(some) * 7 / i128::from(most)).unwrap_or(0).min(7)],
    };
    amounts.iter().map(|amount| height(*amount)).collect()
}

/// The time left to decide, as a bar and in figures: `▰▰▰▱▱ 17m`.
pub fn time_left(approval: &Approval, now: Timestamp, cells: usize) -> Row {
    let Some(at) = approval.expires_at else { return Row::of(Role::Dim, "no limit") };
    if at <= now {
        return Row::of(Role::Bad, "expiring");
    }
    let (left, whole) = (at - now, at - approval.requested_at);
    let (role, signs) = match left.num_minutes() {
        ..2 => (Role::Bad, ["▮", "▯"]),
        2..SHORT => (Role::Warning, ["▮", "▯"]),
        _ => (Role::Dim, ["▰", "▱"]),
    };
    let bar = bar_of(signs, left.num_seconds(), whole.num_seconds(), cells);
    Row::of(role, format!("{bar} {:>3}", format::ago(now, at)))
}

/// What the run is at this moment, in a few words; empty when it has ended.
pub fn activity(run: &Run) -> String {
    if run.state.is_final() {
        return String::new();
    }
    if let Some(reason) = &run.cancelling {
        return format!("stopping: {reason}");
    }
    if let Some(turn) = &run.open_turn {
        let doing = match turn.purpose {
            PurposeOfTurn::Plan => "writes its plan",
            PurposeOfTurn::Act => "thinks",
        };
        let again = if turn.attempt > 1 { format!(", attempt {}", turn.attempt) } else { String::new() };
        return format!("{doing} (turn {}{again})", turn.turn);
    }
    open_calls(run)
}

fn open_calls(run: &Run) -> String {
    let Some(open) = run.open_calls.iter().max_by_key(|open| urgency(&open.stage)) else {
        return run.note.visible().into_owned();
    };
    if let CallStage::Delegated { agent, .. } = &open.stage {
        return format!("waits for the agent {}", Untrusted::from(agent.as_str()).visible());
    }
    let doing = match &open.stage {
        CallStage::Requested => "prepares",
        CallStage::Parked { .. } => "asks before",
        CallStage::Started { .. } | CallStage::Delegated { .. } => "runs",
        CallStage::InDoubt { .. } => "cannot tell the outcome of",
    };
    let mut others = run.open_calls.iter().filter(|other| other.call != open.call);
    let others = match (others.next(), others.count()) {
        (None, _) => String::new(),
        (Some(other), 0) => format!(" and {} {}", other.tool, other.call),
        (Some(_), more) => format!(" and {} more", more + 1),
    };
    format!("{doing} {} {}{others}", open.tool, open.call)
}

fn urgency(stage: &CallStage) -> u8 {
    match stage {
        CallStage::Requested => 0,
        CallStage::Started { .. } | CallStage::Delegated { .. } => 1,
        CallStage::Parked { .. } => 2,
        CallStage::InDoubt { .. } => 3,
    }
}
