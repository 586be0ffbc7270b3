//! The one table of what a person can ask of the console: name, context, one line of doc.
//!
//! Keys, the palette, the help page, the footer and the README table are generated from it. It holds no keys
//! (those are `assets/keys.toml`) and performs nothing.

use std::fmt;

macro_rules! intents {
    ($($context:ident { $($intent:ident = $name:literal $([$($alias:literal),+])?, $doc:literal;)* })*) => {
        /// Something a person can ask for.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Intent {
            $($(#[doc = $doc] $intent,)*)*
        }

        impl Intent {
            pub const ALL: &'static [Self] = &[$($(Self::$intent,)*)*];

            /// The name a key file and the palette use.
            pub fn name(self) -> &'static str {
                match self {
                    $($(Self::$intent => $name,)*)*
                }
            }

            /// Where its keys work.
            pub fn context(self) -> Context {
                match self {
                    $($(Self::$intent => Context::$context,)*)*
                }
            }

            /// Other words that people type for it in the palette.
            pub fn aliases(self) -> &'static [&'static str] {
                match self {
                    $($(Self::$intent => &[$($($alias),+)?],)*)*
                }
            }

            /// One line for help, palette and README.
            pub fn doc(self) -> &'static str {
                match self {
                    $($(Self::$intent => $doc,)*)*
                }
            }
        }
    };
}

/// Where keys work. Several are active at once; see `Context::shadows`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Context {
    /// Always, unless text is being typed.
    Everywhere,
    /// On lists and pages that scroll.
    Move,
    /// On lists of one kind of thing.
    List,
    /// Everywhere but on a card.
    Home,
    /// Where a run is open or selected.
    Run,
    /// On the page of one run.
    RunPage,
    /// Where an incident is open or selected.
    Incident,
    /// Where a handover is open or selected.
    Handover,
    /// Where a document is open that can be edited.
    Document,
    /// On the log.
    Log,
    /// On the usage screen.
    Usage,
    /// On the billing screen.
    Billing,
    /// On any card.
    Card,
    /// On the card of an effect that waits for approval.
    Effect,
    /// On the card of an effect whose outcome is unknown.
    Doubt,
    /// On the card of an agent's question.
    Question,
    /// While a recording plays.
    Replay,
}

impl Context {
    pub const ALL: &'static [Self] = &[
        Self::Everywhere,
        Self::Move,
        Self::List,
        Self::Home,
        Self::Run,
        Self::RunPage,
        Self::Incident,
        Self::Handover,
        Self::Document,
        Self::Log,
        Self::Usage,
        Self::Billing,
        Self::Card,
        Self::Effect,
        Self::Doubt,
        Self::Question,
        Self::Replay,
    ];

    /// The name of its section in a key file.
    pub fn name(self) -> &'static str {
        match self {
            Self::Everywhere => "everywhere",
            Self::Move => "move",
            Self::List => "list",
            Self::Home => "home",
            Self::Run => "run",
            Self::RunPage => "run_page",
            Self::Incident => "incident",
            Self::Handover => "handover",
            Self::Document => "document",
            Self::Log => "log",
            Self::Usage => "usage",
            Self::Billing => "billing",
            Self::Card => "card",
            Self::Effect => "effect",
            Self::Doubt => "doubt",
            Self::Question => "question",
            Self::Replay => "replay",
        }
    }

    /// Title of its part of the help page.
    pub fn title(self) -> &'static str {
        match self {
            Self::Everywhere => "Everywhere",
            Self::Move => "Moving",
            Self::List => "Lists",
            Self::Home => "Starting work",
            Self::Run => "Runs",
            Self::RunPage => "One run",
            Self::Incident => "Incidents",
            Self::Handover => "Handovers",
            Self::Document => "Documents",
            Self::Log => "Log",
            Self::Usage => "Usage",
            Self::Billing => "Billing",
            Self::Card => "Cards",
            Self::Effect => "Deciding on an effect",
            Self::Doubt => "Settling an unknown outcome",
            Self::Question => "Answering a question",
            Self::Replay => "Replays",
        }
    }

    /// Whether keys of both may be wanted at the same time, so that one chord cannot serve the two.
    ///
    /// A replay's keys are asked first and may hide others: nothing can be marked, paused or started there.
    pub fn meets(self, other: Self) -> bool {
        use Context::*;
        let on_card = |context| matches!(context, Card | Effect | Doubt | Question);
        match (self, other) {
            (Replay, Replay) => true,
            (Replay, _) | (_, Replay) => false,
            (Everywhere | Move, _) | (_, Everywhere | Move) => true,
            (a, b) if a == b => true,
            (Card, b) => on_card(b),
            (a, Card) => on_card(a),
            (Log, Run | RunPage | List | Incident) | (Run | RunPage | List | Incident, Log) => false,
            (Incident, Run | RunPage) | (Run | RunPage, Incident) => false,
            (Handover | Document | Usage | Billing, b) => b == Home,
            (a, Handover | Document | Usage | Billing) => a == Home,
            (a, b) => !on_card(a) && !on_card(b),
        }
    }
}

intents! {
    Everywhere {
        Help = "help" ["h"], "show what each key does here";
        Palette = "palette", "find a command, run, agent or procedure by name";
        Back = "back" ["close"], "close what is open; decides nothing";
        ShowOverview = "overview" ["now", "home"], "show what needs you, what is running, and what it costs";
        ShowRuns = "runs" ["r", "ps"], "show all runs";
        ShowApprovals = "approvals" ["a", "cards", "queue"], "show requests that wait for a decision";
        ShowLog = "log" ["l", "events"], "show every event";
        ShowIncidents = "incidents" ["i", "alerts"], "show incidents, the worst first";
        ShowUsage = "usage" ["u", "costs", "spending"], "show what model calls cost, by agent, model, person and run";
        ShowBilling = "billing" ["plan", "invoice"], "show the plan, what is used of it, and the next invoice";
        NextScreen = "next-screen", "go to the next screen";
        PreviousScreen = "previous-screen", "go to the previous screen";
        NextWaiting = "next-waiting" ["w", "next"], "open the oldest card that waits for you";
        Copy = "copy" ["yank"], "copy what is open or selected";
        NextTheme = "theme" ["colours"], "change to the next theme";
        ToggleMouse = "mouse", "let the mouse select and scroll, or leave it to the terminal";
        Redraw = "redraw" ["refresh"], "draw the whole screen again";
        Suspend = "suspend" ["sh", "bg"], "go back to the shell; `fg` returns";
        Quit = "quit" ["q", "q!", "wq", "exit"], "quit; runs are not lost";
        Interrupt = "interrupt", "quit; asks first if something is running";
    }
    Move {
        Down = "down", "go down";
        Up = "up", "go up";
        HalfPageDown = "half-page-down", "go half a page down";
        HalfPageUp = "half-page-up", "go half a page up";
        PageDown = "page-down", "go a page down";
        PageUp = "page-up", "go a page up";
        Top = "top", "go to the beginning";
        Bottom = "bottom", "go to the end, and stay there as it grows";
        Open = "open", "open what is selected; approves nothing";
        Filter = "filter" ["find", "search"], "show only what contains a text";
    }
    List {
        Sort = "sort" ["order"], "sort by the next column";
        ReverseOrder = "reverse-order", "reverse the order";
        NextState = "next-state" ["state"], "show only one state, then the next, then all";
    }
    Home {
        NewGoal = "new-goal" ["new", "start"], "give an agent a goal";
        Handover = "handover" ["shift"], "write a handover for the next person on call";
        CheckMachine = "check-machine" ["check"], "check the health of this machine; needs no model";
    }
    Run {
        PauseOrResume = "pause" ["p", "resume"], "pause or resume the run";
        CancelRun = "cancel" ["stop", "kill"], "cancel the run, after asking";
    }
    RunPage {
        Fold = "fold", "unfold or fold what is selected";
        FoldAll = "fold-all", "unfold or fold everything";
    }
    Incident {
        Acknowledge = "acknowledge", "acknowledge the incident";
        StartRunbook = "runbook", "start the runbook that matches it";
        Assign = "assign", "assign it to a person";
        Note = "note", "add a note to its timeline";
        Resolve = "resolve", "mark it resolved";
        Merge = "merge", "merge it into another incident";
        Split = "split", "split off the alerts that have a label";
        Silence = "silence", "silence its alerts in Alertmanager until it is resolved";
        Snooze = "snooze", "let it call nobody for a time";
        Reopen = "reopen", "reopen it";
        Link = "link", "link a run to it";
        Postmortem = "postmortem", "show its postmortem";
        Noise = "noise", "show which alerts rang, which nobody acted on, and what was kept from ringing";
    }
    Handover {
        Sign = "sign", "sign the handover: you have read it and take over";
    }
    Document {
        EditDocument = "edit-document", "edit it in your own editor";
    }
    Log {
        ShowEvent = "show-event", "show the event in full, or fold the run's events";
        FoldRuns = "fold-runs", "fold or unfold every run";
        GroupOrNot = "group" ["by-run", "by-time"], "show events by run, or by time";
        NextKind = "next-kind" ["kind"], "show only one kind of event, then the next, then all";
        NextActor = "next-actor" ["who"], "show only what people did, then agents, then the system, then all";
        NextLevel = "next-level" ["level"], "show only what is notable, then only errors, then all";
        NextError = "next-error" ["error"], "go to the next error";
        PreviousError = "previous-error" ["errors"], "go to the error before, however far back";
    }
    Usage {
        TurnTable = "turn-table" ["by"], "show what was spent by agent, then by model, by person, by run, by day";
        SetBudget = "set-budget" ["budget"], "set what agents may spend in a day or a month: all, or those of the row";
    }
    Billing {
        PaymentLink = "payment-link" ["pay", "upgrade"], "show a link to Stripe to subscribe, pay or change the plan";
    }
    Card {
        Everything = "everything", "show everything about it, or only the card";
        OpenRun = "open-run", "open the run that asks";
        NextCard = "next-card", "go to the next card that waits";
        PreviousCard = "previous-card", "go to the card before";
    }
    Effect {
        Approve = "approve" ["ok", "yes"], "approve exactly what the card shows";
        Deny = "deny" ["no", "reject"], "deny it";
        DenyWithReason = "deny-with-reason", "deny it and tell the agent why";
        Edit = "edit" ["change"], "change what it would do; the changed card needs its own approval";
    }
    Doubt {
        SettleHappened = "it-happened", "it happened; continue from there";
        SettleRetry = "it-did-not", "it did not happen; try again";
        SettleGiveUp = "give-up", "unknown or no longer wanted; continue without it";
    }
    Question {
        Answer = "answer" ["reply"], "answer it";
        Dismiss = "dismiss", "decline to answer";
    }
    Replay {
        ReplayToggle = "replay-pause" ["play"], "pause or play the replay";
        ReplayBack = "replay-back", "jump 10 s back";
        ReplayForward = "replay-forward", "jump 10 s forward";
        ReplayFaster = "replay-faster", "play faster";
        ReplaySlower = "replay-slower", "play slower";
        ReplayStep = "replay-step", "play one event";
    }
}

impl Intent {
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|intent| intent.name() == name)
    }

    /// Whether it decides on a card. Nothing but a key pressed on the card itself may ask for these.
    pub fn decides(self) -> bool {
        matches!(self.context(), Context::Effect | Context::Doubt | Context::Question)
    }
}

impl fmt::Display for Intent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_name_is_unique_and_finds_its_intent() {
        let names: BTreeSet<_> = Intent::ALL.iter().map(|intent| intent.name()).collect();
        assert_eq!(names.len(), Intent::ALL.len());
        assert!(Intent::ALL.iter().all(|intent| Intent::of_name(intent.name()) == Some(*intent)));
    }

    #[test]
    fn an_alias_means_one_intent_and_is_the_name_of_none() {
        let aliases: Vec<_> = Intent::ALL.iter().flat_map(|intent| intent.aliases()).collect();
        let different: BTreeSet<_> = aliases.iter().collect();
        assert_eq!(different.len(), aliases.len());
        assert!(aliases.iter().all(|alias| Intent::of_name(alias).is_none()));
    }

    #[test]
    fn meeting_is_mutual() {
        for a in Context::ALL {
            for b in Context::ALL {
                assert_eq!(a.meets(*b), b.meets(*a), "{a:?} {b:?}");
            }
        }
    }

    #[test]
    fn only_decisions_stand_in_the_contexts_of_decisions() {
        let deciding: Vec<_> = Intent::ALL.iter().filter(|intent| intent.decides()).map(|i| i.name()).collect();
        assert_eq!(
            deciding,
            [
                "approve",
                "deny",
                "deny-with-reason",
                "edit",
                "it-happened",
                "it-did-not",
                "give-up",
                "answer",
                "dismiss"
            ]
        );
    }
}
