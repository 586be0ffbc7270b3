//! What is wrong with rules beside one another.

use std::collections::BTreeMap;

use crate::lint::finding::Remark;
use crate::lint::parsed::Parsed;
use crate::lint::rule_file::Alerts;

/// The later of two rules with the same name and labels.
pub fn duplicates(all: &[Parsed<'_>]) -> Vec<(usize, Remark)> {
    let mut known = BTreeMap::new();
    let mut remarks = Vec::new();
    for (number, read) in all.iter().enumerate().filter(|(_, read)| read.rule.alerts == Alerts::Yes) {
        let mut labels: Vec<_> =
            read.rule.labels.iter().map(|(name, value)| (name.text.as_str(), value.text.as_str())).collect();
        labels.sort_unstable();
        let first = *known.entry((read.rule.name.text.as_str(), labels)).or_insert(number);
        if first != number {
            let place = format!("{}:{}", all[first].file, all[first].rule.name.at.line);
            let message = format!("a rule with this name and these labels is at {place} already");
            remarks
                .push((number, Remark::new(read.rule.name.at, message, "rename one, or give them different labels")));
        }
    }
    remarks
}
