//! The verb `run`: another flow, as a child of this run.

use super::limits::{FLOW_PATTERN, MAX_INPUTS, MAX_NAME, NAME_PATTERN, RANGE_PATTERN};
use super::{FlowSpec, StepSpec};
use crate::base::Value;
use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Another flow, which runs as a child of this run: it has a run of its own, and is cancelled where
/// the step is no longer wanted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Run")]
pub struct RunSpec {
    /// The other flow.
    #[schemars(regex(pattern = FLOW_PATTERN), length(max = MAX_NAME), extend("examples" = ["sanctions-screening"]))]
    pub flow: String,
    /// Which versions of it may run: `1.2.0` that one, `^1` any of 1 as `^1.2` any of 1 from 1.2 on. Without
    /// it, the one that new runs take.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = RANGE_PATTERN), extend("examples" = ["^1"]))]
    pub version: Option<String>,
    /// Its inputs; values may hold `${{ }}`.
    #[serde(rename = "with", default, skip_serializing_if = "IndexMap::is_empty")]
    #[schemars(extend("maxProperties" = MAX_INPUTS, "propertyNames" = { "pattern": NAME_PATTERN, "maxLength": MAX_NAME }))]
    pub with: IndexMap<String, Value>,
}

impl RunSpec {
    /// The end of a run with nothing left to do. It goes on.
    pub const COMPLETED: &'static str = "completed";
    /// The run could not be started, or ended so.
    pub const FAILED: &'static str = "failed";
    /// A person cancelled it.
    pub const CANCELLED: &'static str = "cancelled";
    /// What can come of any flow.
    pub const ENDS: [&'static str; 3] = [Self::COMPLETED, Self::FAILED, Self::CANCELLED];
    /// What the step gives beside the outputs of the other flow: its run.
    pub const RUN: &'static str = "run";
}

/// The flows that a flow runs, by name.
pub fn flows_run(spec: &FlowSpec) -> BTreeSet<&str> {
    fn of<'a>(steps: &'a [StepSpec], found: &mut BTreeSet<&'a str>) {
        for step in steps {
            found.extend(step.run.as_ref().map(|run| run.flow.as_str()));
            if let Some(each) = &step.each {
                of(&each.steps, found);
            }
        }
    }
    let mut found = BTreeSet::new();
    of(&spec.steps, &mut found);
    of(&spec.always, &mut found);
    found
}

/// A version as it is ordered, by the precedence of <https://semver.org>: what stands behind `+` counts for nothing.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct VersionOrder {
    /// The numbers.
    release: Vec<u64>,
    /// What comes before a release is less than it.
    stage: Stage,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    /// What stands behind `-`, part by part; of two that begin alike the longer is more.
    Before(Vec<Part>),
    Released,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    Number(u64),
    Text(String),
}

/// How `version` is ordered among others; what is no number where one belongs is taken for 0.
pub fn order_of_version(version: &str) -> VersionOrder {
    let version = without_build(version);
    let (release, before) = match version.split_once('-') {
        Some((release, before)) => (release, Some(before)),
        None => (version, None),
    };
    let part = |part: &str| part.parse().map_or_else(|_| Part::Text(part.to_owned()), Part::Number);
    VersionOrder {
        release: numbers(release),
        stage: before.map_or(Stage::Released, |before| {
            Stage::Before(before.split('.').map(part).collect())
        }),
    }
}

fn numbers(release: &str) -> Vec<u64> {
    release.split('.').map(|part| part.parse().unwrap_or(0)).collect()
}

fn without_build(version: &str) -> &str {
    version.split('+').next().unwrap_or_default()
}

/// Whether `range`, as written under `version`, admits `version`.
pub fn admits(range: &str, version: &str) -> bool {
    let Some(least) = range.strip_prefix('^') else {
        return range == version;
    };
    // What comes before a release is taken where it is named, and not otherwise.
    let version = without_build(version);
    if version.contains('-') {
        return false;
    }
    let (least, given) = (numbers(least), numbers(version));
    let fixed = least.iter().position(|part| *part > 0).unwrap_or(least.len() - 1) + 1;
    given.iter().take(fixed).eq(least.iter().take(fixed)) && given >= least
}

#[cfg(test)]
mod tests {
    use super::{admits, order_of_version};

    #[test]
    fn versions_are_ordered_as_semver_orders_them() {
        let rising = [
            "0.9.9",
            "1.0.0-alpha",
            "1.0.0-alpha.1",
            "1.0.0-alpha.beta",
            "1.0.0-beta",
            "1.0.0-beta.2",
            "1.0.0-beta.11",
            "1.0.0-rc.1",
            "1.0.0",
            "1.5.0-rc.1",
            "1.5.0",
            "1.9.9",
            "1.10.0",
            "2.0.0",
            "2.1.0",
            "2.1.1",
        ];
        for (at, one) in rising.iter().enumerate() {
            for (other_at, other) in rising.iter().enumerate() {
                let order = order_of_version(one).cmp(&order_of_version(other));
                assert_eq!(order, at.cmp(&other_at), "{one} {other}");
            }
        }
        assert_eq!(order_of_version("1.5.0+build.7"), order_of_version("1.5.0+b-1"));
        assert_eq!(order_of_version("1.5.0-rc.1+build.7"), order_of_version("1.5.0-rc.1"));
    }

    #[test]
    fn a_range_admits_what_is_compatible() {
        let cases = [
            ("1.2.0", "1.2.0", true),
            ("1.2.0", "1.2.1", false),
            ("^1", "1.0.0", true),
            ("^1", "1.99.3", true),
            ("^1", "2.0.0", false),
            ("^1", "0.9.0", false),
            ("^1.2", "1.2.0", true),
            ("^1.2", "1.1.9", false),
            ("^1.2.3", "1.10.0", true),
            ("^1.2.3", "1.2.2", false),
            ("^0.2", "0.2.9", true),
            ("^0.2", "0.3.0", false),
            ("^0.0.3", "0.0.4", false),
            ("^0", "0.4.0", true),
            ("^0", "1.0.0", false),
            ("^1", "1.5.0-rc.1", false),
            ("1.5.0-rc.1", "1.5.0-rc.1", true),
            ("^1", "1.5.0+build.7", true),
            ("^1", "1.5.0+build-7", true),
        ];
        for (range, version, expected) in cases {
            assert_eq!(admits(range, version), expected, "{range} {version}");
        }
    }
}
