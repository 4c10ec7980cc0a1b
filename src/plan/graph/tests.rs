use super::*;
use crate::plan::Plan;
use crate::plan::testing::{compiled, plan};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::fmt::Write;

fn id(plan: &Plan, step: &str) -> StepId {
    plan.step(step).unwrap_or_else(|| panic!("{step}")).index
}

/// What is sure of `other` when `step` starts, in words.
fn sure(plan: &Plan, step: &str, other: &str) -> String {
    match plan.knowledge().before(&plan.steps, id(plan, step), id(plan, other)) {
        Certainty::Sure(outcomes) => outcomes.join(" "),
        Certainty::Maybe => "maybe".to_owned(),
    }
}

/// `pick` branches to `left` and `right`.
const BRANCH: &str = "
  - { id: first, uses: data.make }
  - { id: pick, choose: [{ when: inputs.n > 1, outcome: l }, { otherwise: r }] }
  - { id: left, after: pick.l, uses: data.make }
  - { id: right, after: pick.r, uses: data.make }
";

fn branch(more: &str) -> Plan {
    plan(&format!("{BRANCH}{more}"))
}

#[test]
fn order_up_and_down() {
    let plan = plan(
        "
  - { id: c, uses: data.make, after: a }
  - { id: a, uses: data.make, after: start }
  - { id: b, uses: data.make, after: start }
  - { id: d, uses: data.make, after: [c, b] }
",
    );
    let names = |ids: &mut dyn Iterator<Item = StepId>| {
        ids.map(|id| plan.steps[id.index()].id.as_str())
            .collect::<Vec<_>>()
            .join("")
    };
    assert_eq!(names(&mut plan.index.order.iter().copied()), "acbd");
    assert_eq!(names(&mut plan.index.upstream[id(&plan, "d").index()].iter()), "cab");
    assert_eq!(names(&mut plan.index.downstream[id(&plan, "a").index()].iter()), "cd");
    assert!(plan.index.is_upstream(id(&plan, "a"), id(&plan, "d")));
    assert!(!plan.index.is_upstream(id(&plan, "d"), id(&plan, "a")));
    assert!(plan.index.downstream[id(&plan, "d").index()].is_empty());
    let edges: Vec<_> = plan.index.edges_out(id(&plan, "b")).collect();
    assert_eq!(edges, [(id(&plan, "d"), 1)]);
}

#[test]
fn what_came_before_is_sure_with_its_outcomes() {
    let plan = branch("");
    assert_eq!(sure(&plan, "left", "pick"), "l");
    assert_eq!(sure(&plan, "right", "pick"), "r");
    assert_eq!(sure(&plan, "right", "first"), "done");
    assert_eq!(sure(&plan, "right", "left"), "maybe");
}

#[test]
fn joins_keep_what_every_way_has_in_common() {
    for join in ["any", "settled", "1"] {
        let plan = branch(&format!(
            "  - {{ id: end, after: [left, right], join: {join}, uses: data.make }}"
        ));
        assert_eq!(sure(&plan, "end", "pick"), "l r", "{join}");
        assert_eq!(sure(&plan, "end", "left"), "maybe", "{join}");
        assert_eq!(sure(&plan, "end", "first"), "done", "{join}");
    }
}

#[test]
fn a_number_makes_sure_what_all_but_fewer_have() {
    let yaml = |count: u32| {
        plan(&format!(
            "
  - {{ id: x, uses: data.make, after: start }}
  - {{ id: a, uses: data.make, after: x }}
  - {{ id: b, uses: data.make, after: x }}
  - {{ id: c, uses: data.make, after: start }}
  - {{ id: end, after: [a, b, c], join: {count}, uses: data.make }}
"
        ))
    };
    assert_eq!(sure(&yaml(1), "end", "x"), "maybe");
    assert_eq!(sure(&yaml(2), "end", "x"), "done");
    assert_eq!(sure(&yaml(2), "end", "a"), "maybe");
    assert_eq!(sure(&yaml(3), "end", "a"), "done");
}

#[test]
fn a_skipped_step_is_not_sure_but_what_was_before_it_is() {
    let plan = plan(
        "
  - { id: a, uses: data.make }
  - { id: b, uses: data.make, if: inputs.n > 1 }
  - { id: c, uses: data.make }
  - { id: d, uses: data.make, after: b.done }
",
    );
    assert_eq!(sure(&plan, "c", "b"), "maybe");
    assert_eq!(sure(&plan, "c", "a"), "done");
    assert_eq!(sure(&plan, "d", "b"), "done");
}

#[test]
fn what_can_never_start_is_known_with_the_reason() {
    let yaml = format!(
        "{BRANCH}
  - {{ id: both, after: [left, right], uses: data.make }}
  - {{ id: below, uses: data.make }}
  - {{ id: over, after: left, end: {{ status: over }} }}
  - {{ id: beyond, uses: data.make }}
  - {{ id: ended, after: first.failed, uses: data.make }}
"
    )
    .replace(
        "first, uses: data.make",
        "first, uses: data.make, outcomes: { failed: { end: x } }",
    );
    let (_, plan, _) = compiled(&yaml);
    let knowledge = plan.knowledge();
    let dead = |step: &str| {
        let step = plan.step(step).unwrap();
        assert!(!knowledge.can_start(step.index));
        step.after
            .iter()
            .map(|edge| knowledge.dead(&plan.steps, edge))
            .collect::<Vec<_>>()
    };
    assert_eq!(dead("both"), [None, None]);
    assert_eq!(dead("below"), [Some(DeadEdge::NeverStarts)]);
    assert_eq!(dead("beyond"), [Some(DeadEdge::NothingGoesOn)]);
    assert_eq!(dead("ended"), [Some(DeadEdge::LeadsAway)]);
    assert!(knowledge.can_start(id(&plan, "over")));
}

#[test]
fn the_last_round_may_go_on() {
    let plan = plan(
        "
  - { id: a, uses: data.make }
  - { id: b, check: [{ that: inputs.n > 1, else: x }], outcomes: { failed: { back_to: a, max_rounds: 2, then: continue } } }
  - { id: c, uses: data.make }
  - { id: d, uses: data.make, after: b.failed }
",
    );
    assert_eq!(sure(&plan, "c", "b"), "passed failed");
    assert_eq!(sure(&plan, "d", "b"), "failed");
}

#[test]
fn a_thousand_steps_are_no_trouble() {
    let mut yaml = String::new();
    for step in 0..1_000 {
        let after = if step == 0 {
            "start".to_owned()
        } else {
            format!("[s{}, s{}]", step - 1, step / 2)
        };
        writeln!(yaml, "  - {{ id: s{step}, uses: data.make, after: {after} }}").unwrap();
    }
    let plan = plan(&yaml);
    assert_eq!(sure(&plan, "s999", "s0"), "done");
    assert_eq!(plan.index.upstream[999].iter().count(), 999);
}

/// A graph of steps, each with some predecessors among the ones above it.
fn flows() -> impl Strategy<Value = String> {
    let step = (
        prop::collection::vec((any::<prop::sample::Index>(), 0..3_u8), 0..4),
        0..4_u8,
        any::<bool>(),
    );
    prop::collection::vec(step, 1..9).prop_map(|steps| {
        let mut yaml = String::new();
        for (at, (above, join, skippable)) in steps.iter().enumerate() {
            let mut after: Vec<String> = Vec::new();
            for (index, outcome) in above.iter().filter(|_| at > 0) {
                let word = ["", ".l", ".r"][usize::from(*outcome)];
                after.push(format!("s{}{word}", index.index(at)));
            }
            let after = if after.is_empty() {
                "start".to_owned()
            } else {
                format!("[{}]", after.join(", "))
            };
            let join = ["all", "any", "settled", "2"][usize::from(*join)];
            let condition = if *skippable { ", if: inputs.n > 1" } else { "" };
            let choose = "[{ when: inputs.n > 1, outcome: l }, { otherwise: r }]";
            writeln!(
                yaml,
                "  - {{ id: s{at}, choose: {choose}, after: {after}, join: {join}{condition} }}"
            )
            .unwrap();
        }
        yaml
    })
}

/// Runs the plan by the rules of the language; `chance` decides outcomes, skips and the order.
/// Calls `started` with each step that starts and what has finished by then.
fn play(
    plan: &Plan,
    chance: &mut impl FnMut(usize) -> usize,
    mut started: impl FnMut(StepId, &BTreeMap<StepId, String>),
) {
    #[derive(Clone, PartialEq)]
    enum State {
        Pending,
        Finished(String),
        Skipped,
        NotReached,
    }
    let mut states = vec![State::Pending; plan.steps.len()];
    loop {
        let arrived = |edge: &Edge, states: &[State]| match &states[edge.from.index()] {
            State::Pending => None,
            State::Finished(outcome) => Some(edge.outcome.as_ref().is_none_or(|wanted| wanted == outcome)),
            State::Skipped => Some(edge.outcome.is_none()),
            State::NotReached => Some(false),
        };
        let verdict = |step: &PlanStep, states: &[State]| {
            let edges: Vec<_> = step.after.iter().map(|edge| arrived(edge, states)).collect();
            let yes = edges.iter().filter(|edge| **edge == Some(true)).count();
            let open = edges.iter().filter(|edge| edge.is_none()).count();
            let needed = match step.join {
                JoinSpec::All => edges.len(),
                JoinSpec::Any => 1,
                JoinSpec::Count(count) => count as usize,
                JoinSpec::Settled => {
                    return if edges.is_empty() || open == 0 && yes > 0 {
                        Some(true)
                    } else if open == 0 {
                        Some(false)
                    } else {
                        None
                    };
                }
            };
            if edges.is_empty() || yes >= needed {
                Some(true)
            } else if yes + open < needed {
                Some(false)
            } else {
                None
            }
        };
        let ready: Vec<(StepId, bool)> = plan
            .steps
            .iter()
            .filter(|step| states[step.index.index()] == State::Pending)
            .filter_map(|step| Some((step.index, verdict(step, &states)?)))
            .collect();
        if ready.is_empty() {
            return;
        }
        let (step, starts) = ready[chance(ready.len())];
        let finished = states.iter().enumerate().filter_map(|(at, state)| match state {
            State::Finished(outcome) => Some((StepId(u32::try_from(at).unwrap()), outcome.clone())),
            _ => None,
        });
        if starts {
            started(step, &finished.collect());
        }
        states[step.index()] = if !starts {
            State::NotReached
        } else if plan.steps[step.index()].condition.is_some() && chance(2) == 0 {
            State::Skipped
        } else {
            State::Finished(["l", "r"][chance(2)].to_owned())
        };
    }
}

proptest! {
    #[test]
    fn what_is_sure_holds_on_every_path(yaml in flows(), choices in prop::collection::vec(0..64_usize, 64)) {
        let (_, plan, _) = compiled(&yaml);
        let knowledge = plan.knowledge();
        let mut at = 0;
        let mut chance = |among: usize| {
            at += 1;
            choices[at % choices.len()] % among
        };
        play(&plan, &mut chance, |step, finished| {
            assert!(knowledge.can_start(step), "{yaml}\n{step:?} started");
            for other in plan.index.upstream[step.index()].iter() {
                if let Certainty::Sure(outcomes) = knowledge.before(&plan.steps, step, other) {
                    let outcome = finished.get(&other).map(String::as_str);
                    assert!(outcome.is_some_and(|outcome| outcomes.contains(&outcome)), "{yaml}\n{step:?} {other:?}: {outcomes:?}, {outcome:?}");
                }
            }
        });
    }
}

/// `a` and `b` are one branch, `c` is where the other one joins; its failure leads back to `to`.
fn two_entries(to: &str, more: &str) -> Plan {
    plan(&format!(
        "
  - {{ id: first, uses: data.make }}
  - {{ id: pick, choose: [{{ when: inputs.n > 1, outcome: l }}, {{ otherwise: r }}] }}
  - {{ id: a, uses: data.make, after: pick.l }}
  - {{ id: b, uses: data.make }}
  - {{ id: c, uses: data.make, after: [b, pick.r], join: any, outcomes: {{ failed: {{ back_to: {to}, max_rounds: 3, then: {{ end: over }} }} }} }}
  - {{ id: d, uses: data.make, after: b }}
{more}"
    ))
}

#[test]
fn a_step_that_a_way_back_may_begin_knows_what_comes_before_both() {
    let plan = two_entries("b", "");
    assert_eq!(sure(&plan, "b", "a"), "maybe");
    assert_eq!(sure(&plan, "b", "first"), "done");
    assert_eq!(sure(&plan, "b", "pick"), "l r");
    // and so on downstream, while the step itself has finished there
    assert_eq!(sure(&plan, "d", "a"), "maybe");
    assert_eq!(sure(&plan, "d", "b"), "done");
    assert_eq!(sure(&plan, "a", "pick"), "l");
    let back = plan.knowledge().led_past(&plan.index, id(&plan, "d"), id(&plan, "a"));
    let back = back.expect("a way back leads past it");
    assert_eq!((back.from, back.to), (id(&plan, "c"), id(&plan, "b")));
    assert_eq!(back.outcome(&plan.steps), "failed");
    assert_eq!(
        plan.knowledge().led_past(&plan.index, id(&plan, "d"), id(&plan, "b")),
        None
    );
}

#[test]
fn a_way_back_to_what_was_reached_or_to_before_the_branch_changes_nothing() {
    for to in ["first", "pick"] {
        let plan = two_entries(to, "");
        assert_eq!(sure(&plan, "b", "a"), "done", "{to}");
        assert_eq!(sure(&plan, "b", "pick"), "l", "{to}");
    }
    let plan = plan(
        "
  - { id: a, uses: data.make }
  - { id: b, uses: data.make }
  - { id: c, uses: data.make, outcomes: { failed: { back_to: b, max_rounds: 3, then: continue } } }
",
    );
    assert_eq!(sure(&plan, "b", "a"), "done");
    assert_eq!(
        plan.knowledge().led_past(&plan.index, id(&plan, "b"), id(&plan, "a")),
        None
    );
}

#[test]
fn a_way_back_after_the_last_round_of_another_one_counts_as_well() {
    let (_, plan, _) = compiled(
        "
  - { id: pick, choose: [{ when: inputs.n > 1, outcome: l }, { otherwise: r }] }
  - { id: a, uses: data.make, after: pick.l }
  - { id: b, uses: data.make }
  - id: c
    uses: data.make
    after: [b, pick.r]
    join: any
    outcomes: { failed: { back_to: pick, max_rounds: 2, then: { back_to: b, max_rounds: 2, then: { end: over } } } }
",
    );
    assert_eq!(sure(&plan, "b", "a"), "maybe");
    assert_eq!(sure(&plan, "b", "pick"), "l r");
}

#[test]
fn what_one_way_back_makes_uncertain_another_one_carries_on() {
    // `e` is led to from `d`, of which only the first way back makes `a` uncertain
    let plan = two_entries(
        "b",
        "  - { id: x, uses: data.make, after: a }
  - { id: e, uses: data.make, after: x }
  - { id: f, uses: data.make, after: [e, d], join: any, outcomes: { failed: { back_to: e, max_rounds: 2, then: { end: over } } } }
",
    );
    assert_eq!(sure(&plan, "e", "x"), "maybe");
    assert_eq!(sure(&plan, "e", "a"), "maybe");
    assert_eq!(sure(&plan, "e", "first"), "done");
}

#[test]
fn what_only_a_way_back_begins_can_start() {
    let (_, plan, _) = compiled(
        "
  - { id: a, uses: data.make, outcomes: { failed: { end: over } } }
  - { id: b, uses: data.make, after: a.failed }
  - { id: c, uses: data.make, after: [a, b], join: any, outcomes: { failed: { back_to: b, max_rounds: 2, then: { end: over } } } }
",
    );
    assert!(plan.knowledge().can_start(id(&plan, "b")));
    assert_eq!(sure(&plan, "b", "a"), "done");
}

#[test]
fn a_thousand_steps_with_ways_back_are_no_trouble() {
    let mut yaml = String::new();
    for step in 0..1_000 {
        match step % 4 {
            0 => writeln!(yaml, "  - {{ id: s{step}, choose: [{{ when: inputs.n > 1, outcome: l }}, {{ otherwise: r }}] }}"),
            1 => writeln!(yaml, "  - {{ id: s{step}, uses: data.make, after: s{}.l }}", step - 1),
            2 => writeln!(
                yaml,
                "  - {{ id: s{step}, uses: data.make, after: [s{}, s{}.r], join: any, outcomes: {{ failed: {{ back_to: s{}, max_rounds: 2, then: {{ end: over }} }} }} }}",
                step - 1,
                step - 2,
                step / 4 / 2 * 4 + 1,
            ),
            _ => writeln!(yaml, "  - {{ id: s{step}, uses: data.make }}"),
        }
        .unwrap();
    }
    let plan = plan(&yaml);
    assert_eq!(sure(&plan, "s999", "s0"), "l r");
    assert_eq!(sure(&plan, "s999", "s1"), "maybe");
}
