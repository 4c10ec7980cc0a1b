//! Generated runs that are moved to another version of their flow half-way: what they have done stays done, replay
//! leads to the same state after every input from then on, and they come to their end.

use super::{INPUTS, SEEDS, Subject};
use crate::engine::{flows, generate};
use gatefold::engine::{Migration, RunPhase};
use gatefold::plan::Plan;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Begins every id of a step with another letter.
fn renamed(text: &str) -> String {
    let mut last = ' ';
    let mut renamed = String::with_capacity(text.len());
    for (at, letter) in text.char_indices() {
        let begins = letter == 's' && !last.is_alphanumeric() && last != '_';
        let is_id = begins && text[at + 1..].starts_with(|next: char| next.is_ascii_digit());
        renamed.push(if is_id { 'r' } else { letter });
        last = letter;
    }
    renamed
}

/// The same flow with one step more, beside all the others.
fn with_one_more(text: &str) -> String {
    let mut flow: Value = serde_json::from_str(text).expect("generated flows are JSON");
    let more = json!({ "id": "more", "after": "start", "uses": "t.call" });
    flow["steps"].as_array_mut().expect("it has steps").push(more);
    flow.to_string()
}

fn version(text: &str, number: u32) -> Arc<Plan> {
    let (plan, _) = flows::try_plan(&text.replacen("\"1.0.0\"", &format!("\"{number}.0.0\""), 1));
    Arc::new(plan.expect("it compiles as the first version did"))
}

impl Subject {
    /// Moves the run; or every reason why it cannot be.
    fn migrate(&mut self, to: &Arc<Plan>, steps: BTreeMap<String, String>) -> Result<Vec<String>, Vec<String>> {
        let migration = Migration {
            to: Arc::clone(to),
            steps,
            settings: Map::new(),
            by: "user:a".to_owned(),
            reason: "so".to_owned(),
        };
        let moved = self.machine.migrate(self.now, &self.journal, &migration);
        let moved = moved.map_err(|found| found.into_iter().map(|one| one.why).collect::<Vec<_>>())?;
        self.machine = moved.machine;
        self.machine.trace();
        self.plan = Arc::clone(to);
        self.journal.extend(self.machine.take_events());
        self.check();
        Ok(moved.begins)
    }

    /// The run after some inputs, where it goes on then.
    fn half_way(seed: u64) -> Option<Self> {
        let mut subject = Self::new(seed)?;
        for _ in 0..subject.rng.below(INPUTS) {
            let input = subject.input();
            subject.handle(input);
        }
        matches!(subject.machine.status(), RunPhase::Running).then_some(subject)
    }
}

#[test]
fn a_run_moved_to_the_same_flow_goes_on_as_it_would_have() {
    for seed in 0..SEEDS {
        let Some(mut subject) = Subject::half_way(seed) else {
            continue;
        };
        let (steps, owned) = (subject.machine.steps(), subject.machine.owned());
        let work = subject.machine.outstanding();
        let to = version(&generate::flow(seed), 2);
        let begins = subject.migrate(&to, BTreeMap::new());
        assert_eq!(begins, Ok(Vec::new()), "seed {seed}");
        assert_eq!(subject.machine.steps(), steps, "seed {seed}");
        assert_eq!(subject.machine.owned(), owned, "seed {seed}");
        assert_eq!(subject.machine.outstanding(), work, "seed {seed}");
        for _ in 0..INPUTS {
            let input = subject.input();
            subject.handle(input);
        }
        subject.finish();
    }
}

#[test]
fn a_run_moved_to_a_flow_with_one_step_more_does_that_too() {
    for seed in 0..SEEDS {
        let Some(mut subject) = Subject::half_way(seed) else {
            continue;
        };
        let to = version(&with_one_more(&generate::flow(seed)), 2);
        let begins = subject.migrate(&to, BTreeMap::new());
        assert_eq!(begins, Ok(vec!["more".to_owned()]), "seed {seed}");
        subject.finish();
    }
}

#[test]
fn a_run_whose_steps_have_other_names_goes_on_unless_they_tell_work_apart() {
    let (mut moved, mut refused) = (0, 0);
    for seed in 0..SEEDS {
        let Some(mut subject) = Subject::half_way(seed) else {
            continue;
        };
        let text = renamed(&generate::flow(seed));
        let to = version(&text, 2);
        let names = subject
            .plan
            .all_steps()
            .map(|step| (step.id.clone(), renamed(&step.id)));
        let names: BTreeMap<String, String> = names.filter(|(old, new)| old != new).collect();
        match subject.migrate(&to, names) {
            Ok(begins) => {
                assert_eq!(begins, Vec::<String>::new(), "seed {seed}");
                moved += 1;
                for _ in 0..INPUTS {
                    let input = subject.input();
                    subject.handle(input);
                }
            }
            Err(reasons) => {
                refused += 1;
                for why in reasons {
                    assert!(why.contains("is told apart by the name"), "seed {seed}: {why}");
                }
            }
        }
        subject.finish();
    }
    assert!(moved > SEEDS / 10 && refused > 0, "{moved} moved, {refused} refused");
}
