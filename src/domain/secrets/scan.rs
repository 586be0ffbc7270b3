//! One walk over a text with all patterns at once, as far as the text is known.
//!
//! A thread is a pattern that fits so far. All threads advance side by side, so the time a text takes grows with its
//! length and not with what is in it. What could still become a secret is held back, and nothing else.

use super::pattern::{Gap, Patterns, Unit};
use super::reading::{Reading, Readings};

/// Most bytes between two units of a pattern.
const WIDEST_GAP: usize = 96;
/// Most bytes a unit and the gap before it take.
const WIDEST_UNIT: usize = 160;
/// Fewest units of a secret that are taken for it where a text was cut.
const CUT: usize = 5;
/// So many threads are looked through for ones that say the same.
const MANY: usize = 24;

/// Which part of a longer text is searched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    Whole,
    /// More followed: a secret may be cut at its end.
    Head,
    /// More went before: a secret may be cut at its beginning.
    Tail,
}

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
    pub fn whole(patterns: &Patterns, text: &[u8], part: Part) -> Vec<Region> {
        let mut scan = Self::default();
        if part == Part::Tail {
            scan.begin_within(patterns);
        }
        scan.walk(patterns, text, Ending::Open);
        if part == Part::Head {
            scan.end_within(text.len());
        }
        scan.walk(patterns, text, Ending::Final);
        merged(patterns, &mut scan.found)
    }

    /// As if the first units of each secret had stood before the text.
    fn begin_within(&mut self, patterns: &Patterns) {
        for (pattern, form) in patterns.all.iter().enumerate() {
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

    /// Reads on as far as no more of the text is needed to understand it.
    pub fn go_on(&mut self, patterns: &Patterns, text: &[u8]) {
        self.walk(patterns, text, Ending::Open);
    }

    /// Reads all that is left, and gives up what was only begun.
    pub fn finish(&mut self, patterns: &Patterns, text: &[u8]) {
        self.walk(patterns, text, Ending::Final);
        self.threads.clear();
    }

    fn walk(&mut self, patterns: &Patterns, text: &[u8], ending: Ending) {
        while let Some(byte) = text.get(self.at).copied() {
            if self.threads.is_empty() && !Readings::is_lead(byte) && patterns.beginning_with(byte).is_empty() {
                self.at += 1;
                continue;
            }
            self.readings.read(&text[self.at..]);
            if self.readings.may_grow && ending == Ending::Open {
                return;
            }
            self.step(patterns);
        }
    }

    /// Takes every thread over what stands at this place, in each of its meanings, and begins new ones.
    fn step(&mut self, patterns: &Patterns) {
        let (threads, readings) = (std::mem::take(&mut self.threads), std::mem::take(&mut self.readings));
        let mut next = std::mem::take(&mut self.spare);
        for thread in &threads {
            if thread.at > self.at {
                next.push(*thread);
                continue;
            }
            for reading in &readings.all {
                self.fit(patterns, *thread, reading, &mut next);
                next.extend(pass(patterns, *thread, reading));
            }
        }
        for reading in &readings.all {
            let first = reading.bytes().first().map(|byte| patterns.beginning_with(*byte));
            for pattern in first.unwrap_or_default() {
                let (start, at) = (self.at, self.at);
                let begun = Thread { pattern: *pattern, unit: 0, start, at, since: at, on_new_line: false };
                self.fit(patterns, begun, reading, &mut next);
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
    fn fit(&mut self, patterns: &Patterns, thread: Thread, reading: &Reading, next: &mut Vec<Thread>) {
        let units = &patterns.all[thread.pattern].units;
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
    pub fn certain(&self) -> usize {
        self.threads.iter().map(|thread| thread.start).fold(self.at, usize::min)
    }

    /// How much of what was read before `certain` may go, without a part of a secret that reaches behind it; and the
    /// secrets in that.
    pub fn settled(&mut self, patterns: &Patterns, certain: usize) -> (usize, Vec<Region>) {
        let mut regions = merged(patterns, &mut self.found);
        let over = regions.partition_point(|region| region.end <= certain);
        let to = regions.get(over).map_or(certain, |open| open.start.min(certain));
        regions.truncate(over);
        (to, regions)
    }

    /// The first `count` bytes are held no more.
    pub fn forget(&mut self, count: usize) {
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
fn pass(patterns: &Patterns, thread: Thread, reading: &Reading) -> Option<Thread> {
    let units = &patterns.all[thread.pattern].units;
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
fn merged(patterns: &Patterns, found: &mut [Region]) -> Vec<Region> {
    found.sort_unstable_by_key(|region| region.start);
    let weight = |region: &Region| patterns.all[region.pattern].weight;
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
