//! Compares a version of a flow with the accepted one, for the person who accepts it.
//!
//! Invariant: a version that removes or weakens an approval never compares as harmless. If it is
//! not clear whether a change weakens an approval, the change counts as weakening it.

use super::{
    AskKind, Body, BodyId, Certainty, Disposition, Exclusion, Knowledge, Plan, PlanAsk, PlanStep, PlanVerb, StepId,
};
use crate::base::rights::FlowChange;
use crate::expr::Template;
use crate::spec::Detour;
use crate::spec::step::RuleSpec;
use std::collections::{BTreeMap, BTreeSet};

use super::rights::rights_of;
use crate::base::FlowRights;

/// Actions without effects that an approval could guard.
const HARMLESS: [&str; 1] = ["file360.list_files"];

/// The changes from `before` to `after`, risky ones first. A new flow has no `before`. `accepted`
/// are the rights that the flow has so far.
pub fn changes(before: Option<&Plan>, accepted: &FlowRights, after: &Plan) -> Vec<FlowChange> {
    let rights = rights_of(after);
    let added = rights.beyond(accepted).into_iter();
    let mut changes: Vec<FlowChange> = added.map(|right| FlowChange::RightAdded { right }).collect();
    if let Some(before) = before {
        approval_changes(before, after, &mut changes);
        let kept = |guarantee: &&String| !after.guarantees.contains(guarantee);
        changes.extend(
            before
                .guarantees
                .iter()
                .filter(kept)
                .map(|guarantee| FlowChange::GuaranteeRemoved {
                    guarantee: guarantee.clone(),
                }),
        );
    }
    let removed = accepted.beyond(&rights).into_iter();
    changes.extend(removed.map(|right| FlowChange::RightRemoved { right }));
    changes
}

fn approval_changes(before: &Plan, after: &Plan, changes: &mut Vec<FlowChange>) {
    let (old, new) = (approvals_of(before), approvals_of(after));
    for (step, approval) in &old {
        match new.get(step) {
            None => changes.push(FlowChange::ApprovalRemoved { step: step.clone() }),
            Some(now) => changes.extend(approval.weakened_by(now, step)),
        }
    }
    let (old_effects, new_effects) = (effects_of(before), effects_of(after));
    for step in old.keys().filter(|step| new.contains_key(*step)) {
        for (action, guarded) in &old_effects {
            let Some(now) = new_effects.get(action) else { continue };
            let (step, action) = (step.clone(), action.clone());
            if !now.waits_for(&step, guarded) {
                changes.push(FlowChange::ApprovalBypassed { step, action });
            } else if guarded.uses.contains(&step) && !now.uses.contains(&step) {
                changes.push(FlowChange::OtherDocument { step, action });
            }
        }
    }
}

/// The properties of an approval that are compared.
#[derive(Debug)]
struct Approval {
    /// Keys whose value must not change.
    same: BTreeMap<&'static str, String>,
    /// Keys whose set may only grow.
    grows: BTreeMap<&'static str, BTreeSet<String>>,
    /// Keys whose set may only shrink.
    shrinks: BTreeMap<&'static str, BTreeSet<String>>,
    rule: Option<RuleSpec>,
}

impl Approval {
    fn weakened_by(&self, now: &Self, step: &str) -> Vec<FlowChange> {
        let mut found = Vec::new();
        let mut tell = |key: &str, before: String, after: String| {
            found.push(FlowChange::ApprovalChanged {
                step: step.to_owned(),
                key: key.to_owned(),
                before,
                after,
            });
        };
        for (key, before) in &self.same {
            let after = now.same.get(key).cloned().unwrap_or_default();
            if *before != after {
                tell(key, before.clone(), after);
            }
        }
        if !is_as_strict(self.rule, now.rule) {
            tell("rule", rule_in_words(self.rule), rule_in_words(now.rule));
        }
        for (key, before) in &self.grows {
            let after = &now.grows[key];
            if !before.is_subset(after) {
                tell(key, joined(before), joined(after));
            }
        }
        for (key, before) in &self.shrinks {
            let after = &now.shrinks[key];
            if !after.is_subset(before) {
                tell(key, joined(before), joined(after));
            }
        }
        found
    }
}

fn joined(words: &BTreeSet<String>) -> String {
    words.iter().map(String::as_str).collect::<Vec<_>>().join(", ")
}

fn is_as_strict(before: Option<RuleSpec>, now: Option<RuleSpec>) -> bool {
    let at_least = |rule: Option<RuleSpec>| match rule {
        Some(RuleSpec::Any) | None => Some(1),
        Some(RuleSpec::Count(count)) => Some(count),
        _ => None,
    };
    before == now
        || match (before, now) {
            // one answer settles it, and any other rule asks for that much
            (Some(RuleSpec::Any | RuleSpec::Count(1)), Some(_)) => true,
            _ => at_least(before)
                .zip(at_least(now))
                .is_some_and(|(before, now)| now >= before),
        }
}

fn rule_in_words(rule: Option<RuleSpec>) -> String {
    rule.map_or_else(String::new, |rule| {
        let value = crate::base::Value::from(rule);
        value.as_str().map_or_else(|| value.to_string(), str::to_owned)
    })
}

/// The approvals of a plan by step id; reviews of checklist items as `STEP/ITEM`.
fn approvals_of(plan: &Plan) -> BTreeMap<String, Approval> {
    let mut found = BTreeMap::new();
    for body in plan.bodies() {
        for step in body.steps {
            match &step.verb {
                PlanVerb::Ask(ask) if matches!(ask.kind, AskKind::Approve | AskKind::Review) => {
                    found.insert(step.id.clone(), approval(body, step, ask, true));
                }
                PlanVerb::Collect(collect) => {
                    for (name, item) in &collect.items {
                        if let Some(ask) = &item.review {
                            found.insert(format!("{}/{name}", step.id), approval(body, step, ask, false));
                        }
                    }
                }
                _ => {}
            }
        }
    }
    found
}

fn approval(body: Body<'_>, step: &PlanStep, ask: &PlanAsk, has_outcomes: bool) -> Approval {
    let texts = |templates: &[Template]| -> BTreeSet<String> {
        templates.iter().map(|template| template.source.clone()).collect()
    };
    let escalations = step.deadline.iter().flat_map(|deadline| &deadline.escalate);
    let escalated = escalations.flat_map(|escalation| texts(&escalation.to)).collect();
    let weights = ask.weights.iter().map(|(who, weight)| format!("{who}: {weight}"));
    let document = ask.document.as_ref().map(|document| document.source.clone());
    let goes_on = step.outcomes.iter().filter(|_| has_outcomes);
    let goes_on = goes_on.filter(|(_, disposition)| disposition.can_go_on() || disposition.can_be_named());
    let goes_on = goes_on.map(|(name, disposition)| format!("{name}{}", onwards(disposition)));
    let decisions: Vec<&str> = ask.decisions.iter().map(String::as_str).collect();
    Approval {
        same: BTreeMap::from([
            ("by", joined(&texts(&ask.by))),
            ("document", document.unwrap_or_default()),
            ("weights", weights.collect::<Vec<_>>().join(", ")),
            ("decisions", decisions.first().copied().unwrap_or_default().to_owned()),
            ("on_new_version", format!("{:?}", ask.on_new_version).to_lowercase()),
            ("only", joined(&texts(&ask.reach.only))),
            (
                "if",
                step.condition
                    .as_ref()
                    .map(|condition| condition.source.clone())
                    .unwrap_or_default(),
            ),
        ]),
        grows: BTreeMap::from([
            ("veto", texts(&ask.veto)),
            ("exclude", ask.exclude.iter().map(|one| exclusion(body, one)).collect()),
            ("reason", ask.reason.iter().cloned().collect()),
        ]),
        shrinks: BTreeMap::from([
            (
                "allow",
                ask.allow.iter().map(|one: &Detour| one.as_str().to_owned()).collect(),
            ),
            ("outcomes that go on", goes_on.collect()),
            ("escalate", escalated),
        ]),
        rule: ask.rule,
    }
}

/// A suffix that distinguishes outcomes that go on after the last round from those that always go
/// on.
const fn onwards(disposition: &Disposition) -> &'static str {
    match disposition {
        Disposition::BackTo { .. } => " after the last round",
        _ => "",
    }
}

fn exclusion(body: Body<'_>, exclusion: &Exclusion) -> String {
    match exclusion {
        Exclusion::Initiator => "initiator".to_owned(),
        Exclusion::Uploader => "uploader".to_owned(),
        Exclusion::Step(step) => format!("{}.by", body.step(*step).id),
        Exclusion::Person(written) => written.source.clone(),
    }
}

/// What is certain to have happened before every call of one action.
#[derive(Debug)]
struct Effects {
    /// For each step, the outcomes of which one is certain to have happened before.
    after: BTreeMap<String, BTreeSet<String>>,
    /// Steps that every call refers to in its input.
    uses: BTreeSet<String>,
}

impl Effects {
    /// Whether the action still waits for `step` with the same or fewer outcomes, if `before` did.
    fn waits_for(&self, step: &str, before: &Self) -> bool {
        let Some(then) = before.after.get(step) else {
            return true;
        };
        self.after.get(step).is_some_and(|now| now.is_subset(then))
    }
}

/// For each action, what is certain to have happened before every call.
fn effects_of(plan: &Plan) -> BTreeMap<String, Effects> {
    let mut found: BTreeMap<String, Effects> = BTreeMap::new();
    let known: BTreeMap<BodyId, Knowledge> = plan
        .bodies()
        .map(|body| (body.id, Knowledge::of(body.steps, body.index)))
        .collect();
    for body in plan.bodies() {
        for step in body.steps {
            let Some((action, uses)) = effect(step) else { continue };
            let after = before(plan, &known, body, step.index);
            match found.get_mut(&action) {
                None => drop(found.insert(action, Effects { after, uses })),
                Some(all) => {
                    all.uses.retain(|step| uses.contains(step));
                    all.after.retain(|step, _| after.contains_key(step));
                    for (step, outcomes) in &mut all.after {
                        outcomes.extend(after[step].iter().cloned());
                    }
                }
            }
        }
    }
    found
}

/// The action of a step that has outside effects, and the steps to which its input refers.
fn effect(step: &PlanStep) -> Option<(String, BTreeSet<String>)> {
    let (action, with) = match &step.verb {
        PlanVerb::Uses {
            action,
            with,
            pure: false,
            ..
        } if !HARMLESS.contains(&action.as_str()) => (action.clone(), with),
        PlanVerb::Run(run) => (format!("run {}", run.flow), &run.input),
        _ => return None,
    };
    let mut uses = BTreeSet::new();
    for (_, template) in with.templates() {
        for (expression, _) in template.expressions() {
            for reference in &expression.references {
                if let [root, step, ..] = reference.path.as_slice()
                    && root == "steps"
                {
                    uses.insert(step.clone());
                }
            }
        }
    }
    Some((action, uses))
}

/// The outcomes that other steps are certain to have had when `step` starts, by step id. Includes
/// steps of enclosing lists.
fn before(
    plan: &Plan,
    known: &BTreeMap<BodyId, Knowledge>,
    body: Body<'_>,
    step: StepId,
) -> BTreeMap<String, BTreeSet<String>> {
    let mut found = BTreeMap::new();
    let mut place = Some((body, step));
    while let Some((body, step)) = place {
        for other in body.steps {
            if let Certainty::Sure(outcomes) = known[&body.id].before(body.steps, step, other.index) {
                found.insert(other.id.clone(), outcomes.into_iter().map(str::to_owned).collect());
            }
        }
        place = body.outer.map(|(outer, each)| (plan.body(outer), each));
    }
    found
}

#[cfg(test)]
mod tests;
