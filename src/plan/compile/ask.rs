//! What people are asked: decisions and work.

use super::{Compiler, Names, outcomes};
use crate::base::Span;
use crate::expr::Template;
use crate::plan::{AskKind, Exclusion, PlanAsk, PlanField, PlanReach, StepId};
use crate::spec::step::OnNewVersion;
use crate::spec::{
    ApproveSpec, Detour, Distribution, FieldSpec, Pick, ReachSpec, RuleSpec, TaskKind, TaskSpec, VisibleSpec,
};
use indexmap::IndexMap;

impl<'a> Compiler<'a> {
    pub(super) fn approve(&mut self, pointer: &str, approve: &ApproveSpec, names: &Names<'a>) -> PlanAsk {
        let decisions = outcomes::decisions(approve);
        PlanAsk {
            kind: AskKind::Approve,
            document: Some(self.template(&format!("{pointer}/document"), &approve.document)),
            title: None,
            ask: self.maybe(pointer, "ask", approve.ask.as_ref()),
            by: self.templates(&format!("{pointer}/by"), &approve.by),
            rule: Some(approve.rule.unwrap_or(RuleSpec::Any)),
            weights: approve
                .weights
                .iter()
                .map(|(who, weight)| (who.clone(), *weight))
                .collect(),
            veto: self.templates(&format!("{pointer}/veto"), &approve.veto),
            exclude: self.exclusions(pointer, &approve.exclude, names),
            form: fields(&approve.form, &decisions),
            decisions,
            reason: approve.reason.clone(),
            on_new_version: approve.on_new_version.unwrap_or_default(),
            pick: pick(approve.distribution, approve.pick),
            prefer: self.preferred(pointer, approve.prefer.as_deref(), names),
            allow: approve.allow.clone().unwrap_or_else(|| Detour::USUAL.to_vec()),
            reach: self.reach(pointer, &approve.reach()),
        }
    }

    pub(super) fn task(&mut self, pointer: &str, task: &TaskSpec, names: &Names<'a>) -> PlanAsk {
        let [done, declined] = TaskSpec::ANSWERS.map(str::to_owned);
        let decisions = vec![done, declined.clone()];
        PlanAsk {
            kind: match task.kind.unwrap_or_default() {
                TaskKind::Review => AskKind::Review,
                TaskKind::Todo => AskKind::Todo,
                TaskKind::Form => AskKind::Form,
            },
            document: self.maybe(pointer, "document", task.document.as_ref()),
            title: self.maybe(pointer, "title", task.title.as_ref()),
            ask: self.maybe(pointer, "ask", task.ask.as_ref()),
            by: self.templates(&format!("{pointer}/to"), &task.to),
            rule: None,
            weights: Vec::new(),
            veto: Vec::new(),
            exclude: self.exclusions(pointer, &task.exclude, names),
            form: fields(&task.form, &decisions),
            decisions,
            reason: vec![declined],
            on_new_version: OnNewVersion::Reset,
            pick: pick(task.distribution, task.pick),
            prefer: self.preferred(pointer, task.prefer.as_deref(), names),
            allow: task.allow.clone().unwrap_or_else(|| Detour::USUAL.to_vec()),
            reach: self.reach(pointer, &task.reach()),
        }
    }

    fn reach(&mut self, pointer: &str, reach: &ReachSpec<'_>) -> Box<PlanReach> {
        let visible = |pick: fn(&VisibleSpec) -> &Vec<String>| reach.visible.map_or(&[][..], |one| pick(one));
        Box::new(PlanReach {
            only: self.templates(&format!("{pointer}/only"), reach.only),
            untaken: self.templates(&format!("{pointer}/visible/untaken"), visible(|one| &one.untaken)),
            taken: self.templates(&format!("{pointer}/visible/taken"), visible(|one| &one.taken)),
            priority: reach
                .priority
                .map(|text| self.template(&format!("{pointer}/priority"), text)),
            hold_back: reach
                .hold_back
                .and_then(|text| self.period(&format!("{pointer}/hold_back"), text)),
            starts: reach.starts,
        })
    }

    fn maybe(&mut self, pointer: &str, key: &str, text: Option<&String>) -> Option<Template> {
        text.map(|text| self.template(&format!("{pointer}/{key}"), text))
    }

    fn preferred(&mut self, pointer: &str, prefer: Option<&str>, names: &Names<'a>) -> Option<StepId> {
        let id = prefer?;
        let step = self.resolve(names, id, &format!("{pointer}/prefer"), Span::new(0, id.len()));
        step.ok().map(|step| step.index)
    }

    fn exclusions(&mut self, pointer: &str, written: &[String], names: &Names<'a>) -> Vec<Exclusion> {
        let mut exclude = Vec::with_capacity(written.len());
        for (at, who) in written.iter().enumerate() {
            match who.as_str() {
                "initiator" => exclude.push(Exclusion::Initiator),
                "uploader" => exclude.push(Exclusion::Uploader),
                text if text.contains("${{") => {
                    let written = self.template(&format!("{pointer}/exclude/{at}"), who);
                    exclude.push(Exclusion::Person(written));
                }
                id => {
                    let pointer = format!("{pointer}/exclude/{at}");
                    let step = self.resolve(names, id, &pointer, Span::new(0, id.len()));
                    exclude.extend(step.map(|step| Exclusion::Step(step.index)));
                }
            }
        }
        exclude
    }
}

/// Whom it is assigned to; without a word for it, whoever has the fewest open tasks.
fn pick(distribution: Option<Distribution>, pick: Option<Pick>) -> Option<Pick> {
    match distribution.unwrap_or_default() {
        Distribution::Offer => None,
        Distribution::Assign => Some(pick.unwrap_or(Pick::ShortestQueue)),
    }
}

/// The fields of a form. The first of `answers` goes on.
fn fields(form: &IndexMap<String, FieldSpec>, answers: &[String]) -> Vec<PlanField> {
    let goes_on = answers.first().map_or("", String::as_str);
    let field = |(name, field): (&String, &FieldSpec)| PlanField {
        name: name.clone(),
        input: field.input(),
        required_for: field.needed_for(goes_on),
    };
    form.iter().map(field).collect()
}
