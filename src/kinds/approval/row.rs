//! One request to a person, from asking to its end.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::domain::{
    Actor, ApprovalId, ApprovalState, Ask, CallEdit, CallNo, CardDigest, RunId, Settlement, Timestamp, ToolName,
    Untrusted,
};
use crate::kinds::ApprovalEvent;

/// A request and its outcome.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Approval {
    pub id: ApprovalId,
    pub version: u64,
    pub run: RunId,
    pub call: CallNo,
    pub tool: ToolName,
    pub ask: Ask,
    pub digest: CardDigest,
    pub rule: String,
    pub reason: String,
    pub rationale: Untrusted,
    /// Files that leave with it and that nothing the run was asked or the agent said names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub not_mentioned: Vec<Untrusted>,
    pub requested_by: Actor,
    pub requested_at: Timestamp,
    pub expires_at: Option<Timestamp>,
    pub state: ApprovalState,
    pub decided_by: Option<Actor>,
    pub decided_at: Option<Timestamp>,
    /// Reason of a denial, answer to a question, note of a settlement.
    pub words: Untrusted,
    pub settlement: Option<Settlement>,
    pub superseded_by: Option<ApprovalId>,
    /// The arguments it ended with as edited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub edited_to: Option<Value>,
    /// What a person had changed before it was asked like this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub edit: Option<Box<CallEdit>>,
}

impl Approval {
    /// The row of a request that was just made; `None` for any other event.
    pub fn requested(id: ApprovalId, event: &ApprovalEvent, by: &Actor, at: Timestamp) -> Option<Self> {
        let ApprovalEvent::Requested {
            run,
            call,
            tool,
            ask,
            digest,
            rule,
            reason,
            rationale,
            not_mentioned,
            expires_at,
            edit,
        } = event
        else {
            return None;
        };
        Some(Self {
            id,
            version: 1,
            run: *run,
            call: *call,
            tool: tool.clone(),
            ask: (**ask).clone(),
            digest: digest.clone(),
            rule: rule.clone(),
            reason: reason.clone(),
            rationale: rationale.clone(),
            not_mentioned: not_mentioned.clone(),
            requested_by: by.clone(),
            requested_at: at,
            expires_at: *expires_at,
            state: match **ask {
                Ask::InDoubt { .. } => ApprovalState::InDoubt,
                Ask::Effect { .. } | Ask::Question { .. } => ApprovalState::Pending,
            },
            decided_by: None,
            decided_at: None,
            words: Untrusted::default(),
            settlement: None,
            superseded_by: None,
            edited_to: None,
            edit: edit.clone(),
        })
    }

    pub(super) fn take_in(&mut self, event: &ApprovalEvent, version: u64, by: &Actor, at: Timestamp) {
        self.version = version;
        let state = match event {
            ApprovalEvent::Requested { .. } => return,
            ApprovalEvent::Approved { .. } => ApprovalState::Approved,
            ApprovalEvent::Denied { reason } => {
                self.words = reason.clone();
                ApprovalState::Denied
            }
            ApprovalEvent::Edited { args, .. } => {
                self.edited_to = Some(args.clone());
                ApprovalState::Edited
            }
            ApprovalEvent::Answered { text } => {
                self.words = text.clone();
                ApprovalState::Approved
            }
            ApprovalEvent::Settled { settlement, note } => {
                self.words = note.clone();
                self.settlement = Some(*settlement);
                match settlement {
                    Settlement::Happened | Settlement::Retry => ApprovalState::Approved,
                    Settlement::GiveUp => ApprovalState::Denied,
                }
            }
            ApprovalEvent::Expired {} => ApprovalState::Expired,
            ApprovalEvent::Withdrawn { reason } => {
                self.words = reason.as_str().into();
                ApprovalState::Withdrawn
            }
            ApprovalEvent::Superseded { by } => {
                self.superseded_by = Some(*by);
                ApprovalState::Superseded
            }
        };
        self.state = state;
        self.decided_by = Some(by.clone());
        self.decided_at = Some(at);
    }
}
