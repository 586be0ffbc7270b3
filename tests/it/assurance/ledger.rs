//! What a log says, read on and on while processes and servers die: compared with what people were told of it, and in
//! the end with the effects that an independent program counted.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use morningai::domain::*;
use morningai::kinds::*;

use super::place::{Place, events_after};
use super::props::{TOOLS, effects};
use crate::support::audit::Audit;

/// What the log says so far.
#[derive(Default)]
pub struct Ledger {
    pub audit: Audit,
    /// All events by `seq`, as compact text, to compare with what people were told.
    lines: Vec<String>,
    /// Bytes already compared of what people were told.
    told: u64,
    repeats: BTreeMap<(RunId, u32), Repeat>,
    asked: BTreeMap<ApprovalId, (RunId, u32)>,
    pub ended: Vec<RunId>,
    pub started: Vec<RunId>,
    pub recovered: usize,
    pub doubts: usize,
    /// Decisions that people were told are made.
    pub acknowledged: usize,
}

impl Ledger {
    /// Others may be writing meanwhile.
    pub async fn read_on(&mut self, place: &Place, dir: &Path) {
        // Before the log, which must then hold all that they were told of.
        let told = self.told_since(dir);
        let log = place.open().await;
        for event in events_after(log.as_ref(), self.audit.seq).await {
            self.audit.take(&event).unwrap();
            self.note(&event);
            self.lines.push(serde_json::to_string(&event).unwrap());
        }
        for line in told.lines() {
            // One cut off by a kill was told to nobody.
            let Ok(event) = serde_json::from_str::<Envelope>(line) else { continue };
            assert_eq!(self.lines.get(event.seq as usize - 1).map(String::as_str), Some(line), "acknowledged and lost");
            self.acknowledged += 1;
        }
    }

    fn told_since(&mut self, dir: &Path) -> String {
        let mut told = String::new();
        let Ok(mut file) = fs::File::open(dir.join("acknowledged")) else { return told };
        file.seek(SeekFrom::Start(self.told)).unwrap();
        file.read_to_string(&mut told).unwrap();
        // A line that is being written is for the next time.
        told.truncate(told.rfind('\n').map_or(0, |end| end + 1));
        self.told += told.len() as u64;
        told
    }

    /// Once nobody writes: what was compared need not be kept.
    pub fn forget_what_was_told(&mut self, dir: &Path) {
        let _ = fs::remove_file(dir.join("acknowledged"));
        self.told = 0;
    }

    fn note(&mut self, event: &Envelope) {
        match (&event.event, event.stream) {
            (Event::Run(RunEvent::Started { .. }), Stream::Run(run)) => self.started.push(run),
            (Event::Run(RunEvent::Recovered { .. }), _) => self.recovered += 1,
            (Event::Run(RunEvent::EffectInDoubt { .. }), _) => self.doubts += 1,
            (Event::Run(RunEvent::Succeeded { .. } | RunEvent::Failed { .. }), Stream::Run(run)) => {
                self.ended.push(run);
            }
            (Event::Run(RunEvent::EffectStarted { card, repeat, .. }), Stream::Run(run)) => {
                self.repeats.insert((run, number(card)), *repeat);
            }
            (Event::Approval(ApprovalEvent::Requested { run, ask, .. }), Stream::Approval(id)) => {
                self.asked.extend(ask.card().map(|card| (id, (*run, number(card)))));
            }
            (Event::Approval(ApprovalEvent::Settled { .. }), Stream::Approval(id)) => {
                assert!(self.asked.contains_key(&id), "{id} was settled and never asked");
            }
            _ => {}
        }
    }

    /// Once everything has come to its end: nothing lost, nothing twice, the chain intact.
    pub async fn check_the_end(&self, place: &Place, dir: &Path) {
        let report = place.open().await.verify(&[]).await.unwrap();
        assert!(report.problems.is_empty(), "{:?}", report.problems);
        assert_eq!(self.ended.len(), self.started.len(), "some runs never ended");
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        effects(dir).into_iter().for_each(|line| *counts.entry(line).or_default() += 1);
        for ((run, number), repeat) in &self.repeats {
            let count = counts.remove(&format!("{run} {number}")).unwrap_or(0);
            // The person looks before saying "again", so that even then it happens once.
            let fine = if *repeat == Repeat::Repeatable { count >= 1 } else { count == 1 };
            assert!(fine, "{repeat:?} effect {number} of {run} happened {count} times");
        }
        assert!(counts.is_empty(), "effects without an intent: {counts:?}");
        assert!(self.repeats.len() >= TOOLS.len(), "hardly any effects: {}", self.repeats.len());
    }

    /// Each was counted by the independent program too.
    pub fn effects(&self) -> usize {
        self.repeats.len()
    }
}

/// The number that tells an effect from the others of its run.
fn number(card: &EffectCard) -> u32 {
    let Payload::Arguments { args } = &card.payload else { return 0 };
    args["n"].as_u64().unwrap_or(0) as u32
}
