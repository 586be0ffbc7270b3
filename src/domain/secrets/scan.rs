//! One walk over a text with all patterns at once, as far as the text is known.
//!
//! A thread is a pattern that fits so far. All threads advance side by side, so the time a text takes grows with its
//! length and not with what is in it. What could still become a secret is held back, and nothing else.

use super::pattern::{Gap, Unit};
use super::reading::{Reading, Readings};
use super::{Part, Secrets};

/// Most bytes between two units of a pattern.
const WIDEST_GAP: usize = 96;
/// Most bytes a unit and the gap before it take.
const WIDEST_UNIT: usize = 160;
/// Fewest units of a secret that are taken for it where a text was cut.
const CUT: usize = 5;
/// So many threads are looked through for ones that say the same.
const MANY: usize = 24;

/// A secret in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Region {
    pub start: usize,
    pub end: usize,
    pub pattern: usize,
}

impl Region {
    /// The same in a text that goes on behind so many bytes.
    pub fn after(self, count: usize) -> Self {
        Self { start: self.start + count, end: self.end + count, ..self }
    }
}

/// A pattern that fits from `start` to `at`.
#[derive(Clone, Copy, Debug)]
struct Thread {
    pattern: usize,
    /// The next unit wanted.
    unit: usize,
    start: usize,
    /// Where the next unit would stand.
    at: usize,
    /// Where the last unit ended.
    since: usize,
    /// Whether a line break went by since.
    on_new_line: bool,
}

/// How far a walk has come. All places are counted from the beginning of what is held.
#[derive(Default)]
pub(super) struct Scan {
    at: usize,
    /// Those at `at`, and those that an escape took further.
    threads: Vec<Thread>,
    found: Vec<Region>,
    readings: Readings,
    /// Room for the next threads.
    spare: Vec<Thread>,
}

/// Whether more of the text may come.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ending {
    Open,
    Final,
}

impl Scan {
    /// Every secret in a text that is known as a whole, or as a part of one.
    pub fn whole(secrets: &Secrets, text: &[u8], part: Part) -> Vec<Region> {
        let mut scan = Self::default();
        if part == Part::Tail {
            scan.begin_within(secrets);
        }
        scan.walk(secrets, text, Ending::Open);
        if part == Part::Head {
            scan.end_within(text.len());
        }
        scan.walk(secrets, text, Ending::Final);
        merged(secrets, &mut scan.found)
    }

    /// As if the first units of each secret had stood before the text.
    fn begin_within(&mut self, secrets: &Secrets) {
        for (pattern, form) in secrets.patterns.iter().enumerate() {
            let units = 1..(form.units.len() + 1).saturating_sub(CUT);
            let begun = |unit| Thread { pattern, unit, start: 0, at: 0, since: 0, on_new_line: false };
            self.threads.extend(units.map(begun));
        }
    }

    /// As if the last units of what was begun stood behind the text.
    fn end_within(&mut self, end: usize) {
        let begun = self.threads.iter().filter(|thread| thread.unit >= CUT);
        self.found.extend(begun.map(|thread| Region { start: thread.start, end, pattern: thread.pattern }));
    }

    fn walk(&mut self, secrets: &Secrets, text: &[u8], ending: Ending) {
        while let Some(byte) = text.get(self.at).copied() {
            if self.threads.is_empty() && !Readings::is_lead(byte) && secrets.starts[usize::from(byte)].is_empty() {
                self.at += 1;
                continue;
            }
            self.readings.read(&text[self.at..]);
            if self.readings.may_grow && ending == Ending::Open {
                return;
            }
            self.step(secrets);
        }
    }

    /// Takes every thread over what stands at this place, in each of its meanings, and begins new ones.
    fn step(&mut self, secrets: &Secrets) {
        let (threads, readings) = (std::mem::take(&mut self.threads), std::mem::take(&mut self.readings));
        let mut next = std::mem::take(&mut self.spare);
        for thread in &threads {
            if thread.at > self.at {
                next.push(*thread);
                continue;
            }
            for reading in &readings.all {
                self.fit(secrets, *thread, reading, &mut next);
                next.extend(pass(secrets, *thread, reading));
            }
        }
        for reading in &readings.all {
            let first = reading.bytes().first().map(|byte| secrets.starts[usize::from(*byte)].as_slice());
            for pattern in first.unwrap_or_default() {
                let (start, at) = (self.at, self.at);
                let begun = Thread { pattern: *pattern, unit: 0, start, at, since: at, on_new_line: false };
                self.fit(secrets, begun, reading, &mut next);
            }
        }
        if next.len() > MANY {
            join_same(&mut next);
        }
        (self.threads, self.readings, self.spare) = (next, readings, threads);
        self.spare.clear();
        self.at += 1;
    }

    /// The thread after what it wants, where that is what was read.
    fn fit(&mut self, secrets: &Secrets, thread: Thread, reading: &Reading, next: &mut Vec<Thread>) {
        let units = &secrets.patterns[thread.pattern].units;
        let at = thread.at + reading.length;
        let Some(unit) = units.get(thread.unit..).and_then(|wanted| matched(wanted, thread, reading)) else { return };
        let unit = thread.unit + unit;
        if unit == units.len() {
            self.found.push(Region { start: thread.start, end: at, pattern: thread.pattern });
        } else {
            next.push(Thread { unit, at, since: at, on_new_line: false, ..thread });
        }
    }

    /// Where the first thing begins that may, with more to come, be a secret.
    fn certain(&self) -> usize {
        self.threads.iter().map(|thread| thread.start).fold(self.at, usize::min)
    }

    /// The first `count` bytes are held no more.
    fn forget(&mut self, count: usize) {
        self.at -= count;
        for thread in &mut self.threads {
            (thread.start, thread.at, thread.since) = (thread.start - count, thread.at - count, thread.since - count);
        }
        self.found.retain(|region| region.start >= count);
        for region in &mut self.found {
            (region.start, region.end) = (region.start - count, region.end - count);
        }
    }
}

/// How many of the wanted units a reading stands for; `None` when it is something else.
fn matched(wanted: &[Unit], thread: Thread, reading: &Reading) -> Option<usize> {
    let bytes = reading.bytes();
    let fits = |(index, (byte, unit)): (usize, (&u8, &Unit))| {
        let has_gap = index == 0 && thread.at > thread.since;
        unit.is(*byte) && (unit.gap != Gap::NeededBlank || has_gap)
    };
    let is_match = !bytes.is_empty() && bytes.len() <= wanted.len() && bytes.iter().zip(wanted).enumerate().all(fits);
    is_match.then_some(bytes.len())
}

/// The thread after something that may stand between two units.
fn pass(secrets: &Secrets, thread: Thread, reading: &Reading) -> Option<Thread> {
    let units = &secrets.patterns[thread.pattern].units;
    let gap = units.get(thread.unit)?.gap;
    let at = thread.at + reading.length;
    let mut on_new_line = thread.on_new_line;
    for byte in reading.bytes() {
        if !gap.allows(*byte, on_new_line) {
            return None;
        }
        on_new_line |= matches!(byte, b'\n' | b'\r');
    }
    let fits = at - thread.since <= WIDEST_GAP && at - thread.start <= units.len() * WIDEST_UNIT;
    fits.then_some(Thread { at, on_new_line, ..thread })
}

/// Of threads that want the same at the same place, one is enough.
fn join_same(threads: &mut Vec<Thread>) {
    let place = |thread: &Thread| (thread.at, thread.pattern, thread.unit);
    threads.sort_unstable_by_key(|thread| (place(thread), thread.start));
    threads.dedup_by(|later, kept| {
        let is_same = place(later) == place(kept);
        if is_same {
            kept.since = kept.since.max(later.since);
            kept.on_new_line |= later.on_new_line;
        }
        is_same
    });
}

/// What overlaps is one region, named after the longest secret in it.
fn merged(secrets: &Secrets, found: &mut [Region]) -> Vec<Region> {
    found.sort_unstable_by_key(|region| region.start);
    let weight = |region: &Region| secrets.patterns[region.pattern].weight;
    let mut regions: Vec<Region> = Vec::with_capacity(found.len());
    for region in found {
        match regions.last_mut().filter(|last| region.start < last.end) {
            Some(last) => {
                if weight(region) > weight(last) {
                    last.pattern = region.pattern;
                }
                last.end = last.end.max(region.end);
            }
            None => regions.push(*region),
        }
    }
    regions
}

/// A stream on its way out. As much is held back as could be the beginning of a secret.
#[derive(Default)]
pub struct Held {
    pending: Vec<u8>,
    scan: Scan,
}

impl Held {
    /// Takes the next bytes in; returns what is certainly clean.
    pub fn push(&mut self, secrets: &Secrets, bytes: &[u8]) -> Vec<u8> {
        if secrets.is_empty() {
            return bytes.to_vec();
        }
        self.pending.extend_from_slice(bytes);
        self.scan.walk(secrets, &self.pending, Ending::Open);
        let certain = self.scan.certain();
        self.release(secrets, certain)
    }

    /// The end of the stream: all the rest.
    pub fn finish(&mut self, secrets: &Secrets) -> Vec<u8> {
        if !secrets.is_empty() {
            self.scan.walk(secrets, &self.pending, Ending::Final);
            self.scan.threads.clear();
        }
        let all = self.pending.len();
        let rest = self.release(secrets, all);
        *self = Self::default();
        rest
    }

    /// Everything before `certain`, but nothing of a secret that reaches behind it.
    fn release(&mut self, secrets: &Secrets, certain: usize) -> Vec<u8> {
        let regions = merged(secrets, &mut self.scan.found);
        let over = regions.partition_point(|region| region.end <= certain);
        let to = regions.get(over).map_or(certain, |open| open.start.min(certain));
        let clean = secrets.replaced(&self.pending[..to], &regions[..over]);
        self.pending.drain(..to);
        self.scan.forget(to);
        clean
    }
}
