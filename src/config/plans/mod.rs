//! Reads a file of plans, and says where in it something is wrong.

#[cfg(test)]
mod golden;

use std::ops::Range;

use serde::Deserialize;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::billing::{AddOn, Band, Beyond, Overage, OverageMode, Plan, Plans, Problem, ProblemPlace};
use crate::config::limits::dollars;
use crate::config::read::{key_fault, syntax_fault};
use crate::domain::{Fault, Faults, SourceText, Usd};

/// The plans of a text of the same form as `assets/plans.toml`.
pub fn read_plans(source: &SourceText) -> Result<Plans, Faults> {
    let (tree, broken) = DeTable::parse_recoverable(&source.text);
    Faults::none_in(broken.iter().map(|error| syntax_fault(source, error)).collect())?;
    let tree = tree.get_ref();
    let file: PlanFile = toml::from_str(&source.text).map_err(|error| key_fault(source, tree, &error))?;
    let plans = file.plans();
    let mut faults: Vec<_> = plans.problems().into_iter().map(|problem| fault(source, tree, problem)).collect();
    faults.sort_by_key(Fault::position);
    Faults::none_in(faults)?;
    Ok(plans)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PlanFile {
    #[serde(default)]
    plan: Vec<PlanEntry>,
    #[serde(default)]
    add_on: Vec<AddOnEntry>,
    overage: Option<OverageEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PlanEntry {
    name: String,
    title: String,
    #[serde(default, deserialize_with = "dollars")]
    price_usd: Option<Usd>,
    #[serde(default, deserialize_with = "dollars")]
    annual_usd: Option<Usd>,
    runs: Option<u64>,
    users: Option<u64>,
    #[serde(default)]
    beyond: Beyond,
    #[serde(default)]
    includes: Vec<String>,
    #[serde(default)]
    support: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AddOnEntry {
    name: String,
    title: String,
    #[serde(deserialize_with = "dollars")]
    price_usd: Option<Usd>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OverageEntry {
    mode: OverageMode,
    cap_times_price: u32,
    #[serde(default)]
    band: Vec<BandEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BandEntry {
    up_to: Option<u64>,
    #[serde(deserialize_with = "dollars")]
    price_usd: Option<Usd>,
}

impl PlanFile {
    fn plans(self) -> Plans {
        let plan = |entry: PlanEntry| Plan {
            name: entry.name,
            title: entry.title,
            price: entry.price_usd,
            annual: entry.annual_usd,
            runs: entry.runs,
            users: entry.users,
            beyond: entry.beyond,
            includes: entry.includes,
            support: entry.support,
        };
        let add_on = |entry: AddOnEntry| AddOn {
            name: entry.name,
            title: entry.title,
            price: entry.price_usd.unwrap_or_default(),
        };
        let band = |entry: BandEntry| Band { up_to: entry.up_to, price: entry.price_usd.unwrap_or_default() };
        let overage = |entry: OverageEntry| Overage {
            mode: entry.mode,
            cap_times_price: entry.cap_times_price,
            bands: entry.band.into_iter().map(band).collect(),
        };
        Plans {
            plans: self.plan.into_iter().map(plan).collect(),
            add_ons: self.add_on.into_iter().map(add_on).collect(),
            overage: self.overage.map(overage),
        }
    }
}

fn fault(source: &SourceText, tree: &DeTable<'_>, problem: Problem) -> Fault {
    let (list, index) = match problem.place {
        ProblemPlace::Whole => return Fault::new(source, 0..0, problem.message).help(problem.help),
        ProblemPlace::Plan(index) => (tree.get("plan"), Some(index)),
        ProblemPlace::AddOn(index) => (tree.get("add_on"), Some(index)),
        ProblemPlace::Overage => (tree.get("overage"), None),
        ProblemPlace::Band(index) => (overage(tree).and_then(|overage| overage.get("band")), Some(index)),
    };
    let span = list.and_then(|list| place(list, index, problem.key)).unwrap_or_default();
    Fault::new(source, span, problem.message).help(problem.help)
}

fn overage<'t>(tree: &'t DeTable<'t>) -> Option<&'t DeTable<'t>> {
    tree.get("overage")?.get_ref().as_table()
}

/// Where a key stands, or the section that lacks it.
fn place(value: &Spanned<DeValue<'_>>, index: Option<usize>, key: &str) -> Option<Range<usize>> {
    let section = match (value.get_ref(), index) {
        (DeValue::Array(items), Some(index)) => items.get(index)?,
        (_, _) => value,
    };
    let found = section.get_ref().as_table().and_then(|table| table.get(key));
    Some(found.unwrap_or(section).span())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Plans, Faults> {
        read_plans(&SourceText::new("plans.toml", text))
    }

    const BUNDLED: &str = include_str!("../../../assets/plans.toml");

    #[test]
    fn the_bundled_plans_are_those_of_the_price_list() {
        let plans = read(BUNDLED).unwrap();
        let told: Vec<_> =
            plans.plans.iter().map(|plan| (plan.name.as_str(), plan.price, plan.runs, plan.users)).collect();
        let dollars = |whole: i64| Some(Usd(whole * 1_000_000_000));
        assert_eq!(
            told,
            [
                ("free", dollars(0), Some(10), Some(1)),
                ("starter", dollars(49), Some(100), Some(5)),
                ("professional", dollars(199), Some(1000), Some(20)),
                ("enterprise", None, None, None),
            ]
        );
        let prices: Vec<_> = plans.add_ons.iter().map(|add_on| Some(add_on.price)).collect();
        assert_eq!(prices, [99, 199, 499, 299].map(dollars));
        assert_eq!(plans.plan("starter").unwrap().annual, dollars(490));
    }

    /// Each contradiction, made by one change of the bundled file, with the line that is named.
    #[test]
    fn what_contradicts_itself_is_refused_with_its_place() {
        let line_of = |part: &str| BUNDLED[..BUNDLED.find(part).unwrap()].matches('\n').count() + 1;
        let cases = [
            ("annual_usd = \"490.00\"", "annual_usd = \"588.01\"", "costs more than twelve months"),
            ("runs = 1000", "runs = 99", "fewer runs than `starter`"),
            ("users = 20", "users = 4", "fewer users than `starter`"),
            ("users = 1\n", "users = 0\n", "nobody could use it"),
            ("price_usd = \"199.00\"\nruns", "price_usd = \"48.00\"\nruns", "costs less than `starter`"),
            ("price_usd = \"49.00\"", "price_usd = \"49.001\"", "fraction of a cent"),
            ("name = \"starter\"", "name = \"free\"", "used twice"),
            ("name = \"starter\"", "name = \"Starter!\"", "lower-case letters"),
            ("title = \"Starter\"", "title = \"\"", "a title has from 1"),
            ("includes = [\"custom_agents\"]", "includes = [\"custom_agent\"]", "neither a feature nor an add-on"),
            ("up_to = 1000", "up_to = 500", "ends at 500 and begins at 501"),
            ("cap_times_price = 2", "cap_times_price = 0", "a cap of 0"),
            ("beyond = \"refuse\"", "beyond = \"charge\"", "no price to multiply"),
            ("mode = \"volume\"", "mode = \"volumes\"", "unknown value `volumes`"),
            ("price_usd = \"0.40\"", "price_usd = 0.4", "expected a string"),
            ("price_usd = \"0.40\"", "price_usd = \"1e400\"", "written as text"),
            ("price_usd = \"0.40\"", "price_usd = \"99999999999999\"", "written as text"),
            ("price_usd = \"0.40\"", "price_usd = \"-0.40\"", "written as text"),
            ("runs = 10\n", "runs = -10\n", "expected a whole number"),
        ];
        for (part, instead, said) in cases {
            assert!(BUNDLED.contains(part), "{part}");
            let faults = read(&BUNDLED.replacen(part, instead, 1)).expect_err(instead);
            let first = faults.iter().find(|fault| fault.message().contains(said));
            let first = first.unwrap_or_else(|| panic!("{instead}: {faults}"));
            assert_eq!(first.position().line, line_of(part), "{instead}: {faults}");
        }
    }

    #[test]
    fn what_is_missing_is_refused_too() {
        let without = |part: &str| BUNDLED.replacen(part, "", 1);
        let cases = [
            (String::new(), "there is no plan"),
            (without("price_usd = \"49.00\"\n"), "a price for a year and none for a month"),
            (without("runs = 100\n"), "none beyond it to charge"),
            (without("up_to = 500\n"), "only the last band has no up_to"),
            (format!("{BUNDLED}\n[[plan]]\nname = \"x\"\ntitle = \"X\"\nextra = 1\n"), "unknown key `extra`"),
            (BUNDLED.replace("[overage]\nmode = \"volume\"\ncap_times_price = 2\n", ""), "missing key `mode`"),
        ];
        for (text, said) in cases {
            let faults = read(&text).expect_err(said).to_string();
            assert!(faults.contains(said), "{said}: {faults}");
        }
    }

    #[test]
    fn an_add_on_that_every_plan_includes_is_refused() {
        let text = BUNDLED.replace("support = \"community support\"", "includes = [\"custom_agents\"]");
        assert!(read(&text).expect_err("sold to nobody").to_string().contains("sold to nobody"));
    }
}
