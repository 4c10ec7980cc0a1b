//! Checklists: what the request is opened with, and what reviewers are asked.

use super::Compiler;
use crate::base::Period;
use crate::base::source::escape;
use crate::expr::{Template, Tree};
use crate::plan::collect::{PlanCollect, PlanItem, REQUEST_ACTION};
use crate::plan::{AskKind, Exclusion, PlanAsk};
use crate::spec::step::OnNewVersion;
use crate::spec::values::bytes;
use crate::spec::{CollectSpec, Detour, ItemSpec};
use serde_json::{Value, json};

impl Compiler<'_> {
    pub(super) fn collect(&mut self, pointer: &str, title: &str, collect: &CollectSpec) -> PlanCollect {
        self.template(&format!("{pointer}/from"), &collect.from);
        if let Some(into) = &collect.into {
            self.template(&format!("{pointer}/into"), into);
        }
        let mut items = indexmap::IndexMap::with_capacity(collect.items.len());
        let mut inputs = Vec::with_capacity(collect.items.len());
        for (name, item) in &collect.items {
            let pointer = format!("{pointer}/items/{}", escape(name));
            items.insert(name.clone(), self.item(&pointer, item));
            inputs.push((name.clone(), input(item)));
        }
        let mut with = vec![
            ("name".to_owned(), Tree::Plain(json!(title))),
            ("to".to_owned(), written(&collect.from)),
            ("items".to_owned(), Tree::Object(inputs)),
        ];
        with.extend(collect.into.as_ref().map(|into| ("into".to_owned(), written(into))));
        if collect.code_by_mail {
            with.push(("code_by_mail".to_owned(), Tree::Plain(json!(true))));
        }
        PlanCollect {
            with: Tree::Object(with),
            acquires: self
                .catalog
                .action(REQUEST_ACTION)
                .and_then(|info| info.acquires.clone()),
            items,
        }
    }

    fn item(&mut self, pointer: &str, item: &ItemSpec) -> PlanItem {
        for (at, check) in item.checks.iter().enumerate() {
            self.condition(&format!("{pointer}/checks/{at}/where"), &check.condition);
        }
        for (key, text) in [("at_least", &item.at_least), ("renew_before", &item.renew_before)] {
            if let Some(text) = text {
                self.days_ahead(&format!("{pointer}/{key}"), text);
            }
        }
        let title = self.template(&format!("{pointer}/title"), &item.title);
        let instructions = item
            .instructions
            .as_ref()
            .map(|text| self.template(&format!("{pointer}/instructions"), text));
        let by = self.templates(&format!("{pointer}/review"), &item.review);
        PlanItem {
            review: (!by.is_empty()).then(|| review(by)),
            optional: item.optional,
            title,
            instructions,
        }
    }

    /// A length of time that is the same whatever the calendar: days are entered, and no hours.
    fn days_ahead(&mut self, pointer: &str, text: &str) {
        match Period::parse(text) {
            Ok(period) if period.needs_calendar() => {
                let message = format!("`{text}` counts working time, and a day is entered");
                self.bad_duration(pointer, message, Some("count in days, weeks or months, as `30 days`"));
            }
            Ok(_) => {}
            Err(error) => {
                self.bad_duration(pointer, error.to_string(), None);
            }
        }
    }
}

/// What those are asked who look at an item before it counts. Who gave it does not look at it.
fn review(by: Vec<Template>) -> PlanAsk {
    let [accepted, sent_back] = PlanItem::ANSWERS.map(str::to_owned);
    PlanAsk {
        kind: AskKind::Review,
        document: None,
        title: None,
        ask: None,
        by,
        weights: Vec::new(),
        rule: None,
        veto: Vec::new(),
        exclude: vec![Exclusion::Uploader],
        decisions: vec![accepted, sent_back.clone()],
        reason: vec![sent_back],
        on_new_version: OnNewVersion::Keep,
        form: Vec::new(),
        pick: None,
        prefer: None,
        allow: Detour::USUAL.to_vec(),
        reach: Box::default(),
    }
}

/// The item as the action takes it: without who looks at it, which is nobody's business outside.
fn input(item: &ItemSpec) -> Tree {
    let (min, max) = item.counts();
    let plain = |key: &str, value: Value| (key.to_owned(), Tree::Plain(value));
    let mut input = vec![
        ("title".to_owned(), written(&item.title)),
        plain("accept", json!(item.accept)),
        plain("min", json!(min)),
        plain("max", json!(max)),
        plain("optional", json!(item.optional)),
        plain("or_because", json!(item.or_because)),
        plain("reviewed", json!(!item.review.is_empty())),
        plain("checks", json!(item.checks)),
    ];
    input.extend(
        item.instructions
            .as_ref()
            .map(|text| ("instructions".to_owned(), written(text))),
    );
    let size = item.max_size.as_deref().and_then(bytes);
    let more = [
        ("max_bytes", size.map(|size| json!(size))),
        ("max_size", item.max_size.as_ref().map(|text| json!(text))),
        ("valid_until", item.valid_until.map(|need| json!(need))),
        ("at_least", item.at_least.as_ref().map(|text| json!(text))),
        ("renew_before", item.renew_before.as_ref().map(|text| json!(text))),
        ("label", item.label.as_ref().map(|label| json!(label.0))),
    ];
    input.extend(more.into_iter().filter_map(|(key, value)| Some(plain(key, value?))));
    Tree::Object(input)
}

/// A text with `${{ }}` in it. What is broken in it has been told at its place.
fn written(text: &str) -> Tree {
    let text = Value::String(text.to_owned());
    Tree::parse(&text).unwrap_or(Tree::Plain(text))
}
