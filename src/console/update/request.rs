//! What `update` wants done outside, and what comes back of it. Performed by `app`, never here.

use std::time::Duration;

use serde_json::{Map, Value};

use crate::console::intent::Intent;
use crate::console::state::{Hidden, Mouse, Offers, ShownLink};
use crate::domain::{ApprovalId, CallNo, IncidentId, Rejection, RunId, RunSpec};
use crate::fold::Thread;
use crate::kinds::{Approval, Command, Document, Envelope, RowKind, Run, Stream, Survey, SurveyLine, VerbDoc};
use crate::ports::{Chart, ClientError, Page, RowPlace, Sought, Unlocking};

/// Something to do outside.
#[derive(Clone, Debug, PartialEq)]
pub enum Request {
    /// Submit a command; `done` is said when it was carried out, or where that is empty what happened.
    Submit {
        command: Box<Command>,
        done: String,
    },
    /// Begin a new thing of a kind that is told by its surface; its id is drawn where this is carried out.
    Begin {
        kind: RowKind,
        verb: &'static VerbDoc,
        given: Map<String, Value>,
    },
    /// Read a run's whole stream and keep its thread in the snapshot.
    ReadRun(RunId),
    /// Nobody looks at this run any more: drop its thread.
    DropRun(RunId),
    /// Older events of the log, or of what a search finds in it.
    ReadLog {
        search: String,
        before: u64,
        limit: u32,
    },
    /// Runs and requests that ended, from a place on.
    ReadRuns {
        after: Option<RowPlace>,
    },
    ReadApprovals {
        after: Option<RowPlace>,
    },
    /// Read what a call would be called with.
    ReadArguments {
        approval: ApprovalId,
        run: RunId,
        call: CallNo,
    },
    /// Write a document about a thing.
    WriteDocument {
        of: Stream,
        document: &'static Document,
    },
    /// Count what happened to all of a kind.
    ReadSurvey {
        survey: &'static Survey,
    },
    /// Read the chart of what made an incident's alerts fire.
    ReadChart(IncidentId),
    /// Fetch a link to pay at.
    ReadPaymentLink,
    /// Make a workspace and whatever else a run needs, then start it.
    Launch(Launch),
    /// Find paths to offer in the form for a goal.
    Complete(Sought),
    /// Let the person's own editor change a text.
    Edit(Edit),
    Copy(String),
    UseTheme(String),
    UseMouse(Mouse),
    Bell,
    ToggleReplay,
    StepReplay,
    Seek(Duration),
    SetSpeed(f64),
    /// Find out whether this opens the console.
    Unlock {
        password: Hidden,
        code: Hidden,
    },
    /// Do what is asked for once the page that was gone to is laid out. Never a decision.
    Intend(Intent),
    Redraw,
    Suspend,
    Quit,
}

/// A run to be started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Launch {
    pub kind: LaunchKind,
    pub goal: String,
    /// Directory to work in; empty for none.
    pub workspace: String,
}

/// By whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LaunchKind {
    Agent(String),
    Procedure(String),
}

/// A text given to the person's own editor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    pub text: String,
    pub written: Written,
}

/// How a text is written, for an editor that helps with that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    Markdown,
    Json,
}

/// What came of a request.
#[derive(Clone, Debug)]
pub enum Reply {
    Submitted {
        command: Box<Command>,
        done: String,
        result: Result<Vec<Envelope>, Rejection>,
    },
    RunRead {
        run: RunId,
        result: Result<Box<(Run, Thread)>, ClientError>,
    },
    ArgumentsRead {
        approval: ApprovalId,
        result: Result<Value, ClientError>,
    },
    LogRead {
        search: String,
        before: u64,
        result: Result<Page<Envelope>, ClientError>,
    },
    DocumentWritten {
        of: Stream,
        document: &'static Document,
        result: Result<String, ClientError>,
    },
    SurveyRead {
        survey: &'static Survey,
        result: Result<Vec<SurveyLine>, ClientError>,
    },
    ChartRead {
        incident: IncidentId,
        result: Result<Option<Chart>, ClientError>,
    },
    PaymentLinkRead(Result<ShownLink, ClientError>),
    RunsRead(Result<Page<Run>, ClientError>),
    ApprovalsRead(Result<Page<Approval>, ClientError>),
    Offered(Offers),
    Prepared {
        launch: Launch,
        result: Result<(RunId, Box<RunSpec>), ClientError>,
    },
    Completed {
        sought: Sought,
        found: Vec<String>,
    },
    Edited {
        edit: Edit,
        result: Result<String, String>,
    },
    /// Where the copy went, or why it went nowhere.
    Copied(Result<String, String>),
    ThemeUsed(String),
    Unlocked(Unlocking),
}

impl Request {
    /// The card it decides on, if it does.
    pub fn decides_on(&self) -> Option<ApprovalId> {
        match self {
            Self::Submit { command, .. } => command.approval(),
            _ => None,
        }
    }
}
