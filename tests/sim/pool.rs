//! The flows that are simulated, compiled once: a few written by hand, many by chance.

use super::deeds::HELPERS;
use super::flows::{self, CATALOG};
use super::generate::{self, CHILD_ENDS, PEOPLE};
use super::world::World;
use gatefold::engine::{Input, RunMachine};
use gatefold::people::{Directory, Person};
use gatefold::plan::run::START_ACTION;
use gatefold::plan::{Plan, PlanVerb};
use gatefold::spec::ActionInfo;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::{Arc, LazyLock};

/// How many flows are made by chance.
const GENERATED: u64 = 300;

/// One flow.
pub struct Flow {
    pub text: String,
    pub plan: Arc<Plan>,
}

impl Flow {
    /// The action of a step. For a step that calls none, its id.
    pub fn action_of(&self, step: &str) -> Option<String> {
        Some(match &self.plan.step(step)?.verb {
            PlanVerb::Uses { action, .. } => action.clone(),
            PlanVerb::Run(_) => START_ACTION.to_owned(),
            _ => "t.call".to_owned(),
        })
    }

    /// The key of the call of the step that has the first incident.
    pub fn key_of_incident(machine: &RunMachine) -> String {
        let step = machine.incidents().swap_remove(0).name;
        let round = machine.step(&step);
        format!("run_1:{step}:{}", round.map_or(1, |step| step.round))
    }

    /// How a person answers the first incident: looks whether an effect happened, then decides.
    pub fn answer(&self, machine: &RunMachine, world: &World, wanted: Wanted) -> Input {
        let step = machine.incidents().swap_remove(0).name;
        let key = Self::key_of_incident(machine);
        let retry = match self.action_of(&step) {
            // Releases and what was abandoned: nobody gives these up.
            None => true,
            Some(action) if action == "t.once" => !world.has(&key) && wanted == Wanted::Retry,
            Some(action) if info(&action).acquires.is_some() => world.has(&key) || wanted == Wanted::Retry,
            Some(_) => wanted == Wanted::Retry,
        };
        let (by, reason) = ("user:a".to_owned(), "so".to_owned());
        match wanted {
            _ if retry => Input::Retry { step, by, reason },
            Wanted::Set if self.can_be_set(&step) => Input::Set {
                output: self.output_by_hand(&step),
                outcome: None,
                step,
                by,
                reason,
            },
            _ => Input::Skip { step, by, reason },
        }
    }

    /// Whether people can say what the step came to. What was acquired by then is another thing's business.
    fn can_be_set(&self, step: &str) -> bool {
        let verb = self.plan.step(step).map(|step| &step.verb);
        match verb {
            Some(PlanVerb::Uses { action, .. }) => info(action).acquires.is_none(),
            Some(PlanVerb::Choose(_) | PlanVerb::Check(_)) => true,
            _ => false,
        }
    }

    fn output_by_hand(&self, step: &str) -> Value {
        match self.plan.step(step).map(|step| &step.verb) {
            Some(PlanVerb::Uses { action, .. }) if action == EMIT => json!({ "event": "evt_by_hand" }),
            Some(PlanVerb::Uses { .. }) => json!({ "n": 7 }),
            _ => json!({}),
        }
    }
}

/// What tells of an event.
pub const EMIT: &str = "workflow.emit";

/// What a person would do about an incident.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    Retry,
    Skip,
    Set,
}

/// What is known of an action.
pub fn info(action: &str) -> &'static ActionInfo {
    CATALOG.action(action).expect("flows are compiled with the catalogue")
}

/// Who there is: those who are asked have the role `legal`, the last of them is `lead` too.
pub fn directory() -> Directory {
    let person = |principal: &str| {
        let name = principal.trim_start_matches("user:").to_owned();
        let roles: &[&str] = match principal {
            _ if principal == PEOPLE[3] => &["legal", "lead"],
            _ if HELPERS.contains(&principal) => &[],
            _ if principal == PEOPLE[0] => &["legal"],
            _ => &["legal", "records"],
        };
        let person = Person {
            email: format!("{name}@example.com"),
            roles: roles.iter().map(|role| (*role).to_owned()).collect(),
            groups: BTreeSet::new(),
            skills: BTreeSet::new(),
            manager: None,
            absent: Vec::new(),
            name: name.clone(),
        };
        (name, person)
    };
    Directory {
        users: PEOPLE.into_iter().chain(HELPERS).map(person).collect(),
    }
}

/// A review that goes back, owns a share and a grant, and reminds.
const REVIEW: &str = "
flow: review
version: 1.0.0
calendar: office
inputs: { n: { type: integer }, document: { type: file } }
steps:
  - { id: room, uses: t.share, with: { n: '${{ inputs.n }}' }, retry: { attempts: 4, backoff: 10 seconds } }
  - { id: key, uses: t.grant, with: { share: '${{ steps.room.share }}' }, retry: { attempts: 4, backoff: 10 seconds } }
  - id: reply
    wait:
      any:
        version: { event: file360.file_uploaded, on: thing }
        comment: { event: t.ping, on: thing }
    deadline: { due: 50 hours, remind: [20 hours before, 1 hour after] }
    outcomes: { expired: { end: expired } }
  - id: sign
    approve: { document: '${{ inputs.document }}', by: [role:legal], rule: 2, veto: [role:lead], exclude: [initiator, uploader] }
    deadline: { due: 30 hours, escalate: { after: 20 hours, to: [role:lead] } }
    outcomes:
      changes_requested: { back_to: room, max_rounds: 3, then: { end: rejected } }
      rejected: { end: rejected }
      expired: { end: expired }
  - { id: publish, uses: t.once, with: { n: '${{ steps.reply.n }}' } }
always:
  - { id: tell, uses: t.once, with: { n: 1 }, outcomes: { failed: continue } }
";

/// Three calls at once, and a join of two.
const PARALLEL: &str = "
flow: parallel
version: 1.0.0
inputs: { n: { type: integer }, document: { type: file } }
steps:
  - { id: a, uses: t.call, after: start, retry: { attempts: 3, backoff: 5 seconds }, outcomes: { failed: continue } }
  - { id: b, uses: t.local, after: start }
  - { id: c, uses: t.share, after: start, retry: { attempts: 2, backoff: 5 seconds }, outcomes: { failed: continue } }
  - { id: j, uses: t.pure, after: [a, b, c], join: 2 }
  - { id: k, uses: t.call, after: [a, b, c, j], join: settled }
  - { id: free, uses: t.unshare, with: { share: \"${{ steps.c.share or 'none' }}\" } }
";

/// People one after the other, and a wait for everything.
const ORDERED: &str = "
flow: ordered
version: 1.0.0
inputs: { n: { type: integer }, document: { type: file } }
steps:
  - { id: both, wait: { all: { left: { event: t.ping }, right: { event: t.pong, key: k1 } } }, deadline: { due: 40 hours }, outcomes: { expired: continue } }
  - id: first
    after: both
    approve: { document: '${{ inputs.document }}', by: [role:legal], rule: in_order }
    deadline: { due: 200 hours }
    outcomes: { changes_requested: { back_to: both, max_rounds: 2, then: continue }, rejected: continue, expired: continue }
  - id: second
    approve: { document: '${{ inputs.document }}', by: [role:legal], rule: majority, exclude: [first], on_new_version: keep }
    deadline: { due: 30 hours, remind: [1 hour after] }
    outcomes: { changes_requested: { end: changes }, rejected: { end: rejected }, expired: { end: expired } }
";

/// Calls that must not be repeated.
const DELICATE: &str = "
flow: delicate
version: 1.0.0
inputs: { n: { type: integer }, document: { type: file } }
steps:
  - { id: a, uses: t.once, with: { n: 1 }, retry: { attempts: 3, backoff: 20 seconds } }
  - { id: b, uses: t.once, with: { n: '${{ steps.a.n }}' } }
  - { id: c, uses: t.once, with: { n: 3 }, after: a, outcomes: { failed: continue } }
  - { id: d, uses: t.local, after: [b, c], join: settled }
  - { id: e, check: [{ that: inputs.n > 1, else: Once more. }], outcomes: { failed: { back_to: b, max_rounds: 2, then: { end: no } } } }
";

/// Work for people, with a form, about a document and about none.
const WORK: &str = "
flow: work
version: 1.0.0
inputs: { n: { type: integer }, document: { type: file } }
steps:
  - { id: begin, uses: t.once, with: { n: 1 } }
  - id: read
    task: { kind: review, to: [role:legal], document: '${{ inputs.document }}', exclude: [uploader] }
    deadline: { due: 90 hours, remind: [1 hour after] }
    outcomes: { declined: continue, expired: continue }
  - id: shelve
    task: { kind: form, to: [role:records], title: 'Shelve ${{ inputs.n }}', form: { shelf: { type: text, max: 5, required: true } } }
    deadline: { due: 60 hours, escalate: { after: 20 hours, to: [role:lead] } }
    outcomes: { declined: { back_to: read, max_rounds: 3, then: { end: declined } }, expired: { end: expired } }
  - { id: note, uses: t.once, with: { n: '${{ steps.shelve.shelf }}' } }
  - { id: tell, uses: t.once, with: { n: 2 }, outcomes: { failed: continue } }
";

/// Another flow, alone, beside others and for each of several.
const NESTED: &str = "
flow: nested
version: 1.0.0
inputs: { n: { type: integer }, document: { type: file } }
steps:
  - { id: first, run: { flow: child, with: { n: '${{ inputs.n }}' } }, outcomes: { failed: continue, hit: { back_to: first, max_rounds: 2, then: continue } } }
  - id: all
    each:
      in: [1, 2, 3]
      join: 2
      steps:
        - { id: own, run: { flow: child, version: ^1, with: { n: '${{ item }}' } }, outcomes: { hit: { end: hit } } }
    outcomes: { failed: continue }
  - { id: beside, after: start, run: { flow: child }, outcomes: { hit: continue, cancelled: continue, failed: { end: failed } } }
  - { id: last, after: [all, beside], uses: t.once, with: { n: 1 } }
always:
  - { id: tidy, run: { flow: child }, outcomes: { failed: continue } }
";

/// Every verb, one after the other or beside each other.
const WHOLE: &str = "
flow: whole
version: 1.0.0
inputs: { n: { type: integer }, document: { type: file } }
values: { v: { type: integer, default: 0 } }
steps:
  - { id: room, uses: t.share, with: { n: 1 }, retry: { attempts: 4, backoff: 10 seconds } }
  - id: papers
    collect: { from: role:legal, items: { one: { title: One, review: [role:records] }, two: { title: Two, optional: true } } }
    deadline: { due: 60 hours, remind: [1 hour before] }
    outcomes: { incomplete: continue, withdrawn: continue }
  - id: all
    after: papers
    each:
      in: [1, 2, 3]
      parallel: 2
      until: results | length > 2
      rest: continue
      steps:
        - { id: desk, uses: t.once, with: { n: '${{ item }}' }, lock: { name: desk, until: own } }
        - { id: own, run: { flow: child, version: ^1 }, outcomes: { hit: { end: hit }, cancelled: { end: none } } }
        - id: sign
          approve: { document: '${{ inputs.document }}', by: [role:legal], rule: any, allow: [delegate, reassign, release, suspend, skip, redo] }
          deadline: { due: 90 hours }
          outcomes: { changes_requested: { end: refused }, rejected: { end: refused }, expired: { end: late } }
    outcomes: { failed: continue }
  - { id: more, after: papers, add: { to: all, item: 4 }, outcomes: { closed: continue } }
  - { id: side, after: start, wait: { event: t.ping, on: thing, kept: false }, deadline: { due: 300 hours }, outcomes: { expired: continue } }
  - { id: known, after: room, set: { v: '${{ values.v + 1 }}' } }
  - { id: held, wait: { when: values.v > 2 }, deadline: { due: 70 hours }, outcomes: { expired: continue } }
  - { id: say, after: held, uses: workflow.emit, with: { type: t.said, key: k, data: { n: 1 } } }
  - { id: way, choose: [{ when: inputs.n > 1, outcome: more }, { otherwise: less }], outcomes: { more: continue, less: continue } }
  - { id: sound, check: [{ that: inputs.n > 0, else: Nothing. }], outcomes: { failed: { back_to: held, max_rounds: 2, then: continue } } }
  - { id: others, after: room, each: { in: [1, 2], steps: [{ id: other, wait: { event: t.pong, on: thing }, deadline: { due: 200 hours }, outcomes: { expired: continue } }] }, outcomes: { failed: continue } }
  - { id: enough, after: sound, complete: [others] }
  - { id: withdrawn, after: enough, cancel: [side] }
  - { id: shelve, after: [all, withdrawn], task: { to: [role:records], title: Shelve, distribution: assign, pick: round_robin, allow: [release, suspend, skip, redo] }, deadline: { due: 90 hours }, outcomes: { declined: continue, expired: continue } }
  - { id: done, end: { status: filed, message: All of it } }
always:
  - { id: tidy, uses: t.local, with: { n: 1 } }
";

/// What the runs of another flow are, where the host does them itself: they wait, and end as
/// [`child_end`] says.
pub const CHILD: &str = "
flow: child
version: 1.0.0
inputs: { n: { type: integer, default: 1 } }
outputs: { n: '${{ 1 }}' }
steps:
  - { id: fate, uses: t.fate, with: { run: '${{ run.id }}' } }
  - { id: pause, wait: { until: '${{ steps.fate.pause }}' } }
  - id: way
    choose:
      - { when: steps.fate.end == 'hit', outcome: hit }
      - { when: steps.fate.end == 'failed', outcome: failed }
      - { otherwise: completed }
  - { id: hit, after: way.hit, end: { status: hit } }
  - { id: failed, after: way.failed, end: { status: failed } }
  - { id: completed, after: way.completed, uses: t.pure, with: { n: '${{ inputs.n }}' } }
";

/// That flow, compiled.
#[cfg(feature = "runtime")]
pub static CHILD_PLAN: LazyLock<Arc<Plan>> = LazyLock::new(|| flows::plan(CHILD));

/// When and how the run `run` of another flow ends, counted in milliseconds from its start.
pub fn child_end(run: &str) -> (i64, &'static str) {
    let chance: u64 = run
        .bytes()
        .fold(7, |sum, byte| (sum * 31 + u64::from(byte)) % 1_000_003);
    // Only people cancel: no flow ends so by itself.
    let of_itself = CHILD_ENDS.len() - 1;
    let outcome = CHILD_ENDS[usize::try_from(chance % 6)
        .expect("it is small")
        .saturating_sub(3)
        .min(of_itself - 1)];
    let seconds =
        i64::try_from(chance % 50).expect("it is small") * 1_800 + i64::try_from(chance % 1_777).expect("so is it") + 1;
    (seconds * 1_000, outcome)
}

/// What is told of a run's fate where it asks for it.
pub fn fate(input: &Value) -> Value {
    let (pause_ms, outcome) = child_end(input["run"].as_str().unwrap_or_default());
    json!({ "pause": format!("{} seconds", pause_ms / 1_000), "end": outcome })
}

/// The version of the other flow that there is none of.
pub const NO_VERSION: &str = "^9";

/// How many were written by hand.
pub const WRITTEN: u64 = 7;

/// All of them.
pub static POOL: LazyLock<Vec<Flow>> = LazyLock::new(|| {
    let mut pool: Vec<Flow> = [REVIEW, PARALLEL, ORDERED, DELICATE, WORK, NESTED, WHOLE]
        .into_iter()
        .map(|text| Flow {
            text: text.to_owned(),
            plan: flows::plan(text),
        })
        .collect();
    pool.extend((0..GENERATED).filter_map(|seed| {
        let text = generate::flow(seed);
        let (plan, _) = flows::try_plan(&text);
        plan.map(|plan| Flow {
            text,
            plan: Arc::new(plan),
        })
    }));
    assert!(pool.len() > 270, "only {} flows compile", pool.len());
    pool
});

/// The flow of a seed: every third seed one that was written by hand.
pub fn flow_of(seed: u64) -> &'static Flow {
    let count = POOL.len() as u64;
    let at = if seed.is_multiple_of(3) {
        seed / 3 % WRITTEN
    } else {
        WRITTEN + seed % (count - WRITTEN)
    };
    &POOL[usize::try_from(at).expect("it is small")]
}
