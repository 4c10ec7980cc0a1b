//! Every expression of a flow with what its names mean: the ground that the rules of area 2
//! stand on. The work is done once; each rule picks what is its own.

use super::paths::Paths;
use super::places::{Form, Owner, Place, Purpose};
use super::rule::StepView;
use super::shapes::{self, Lookup, Shapes, StepShape, field_of, of_every_step};
use crate::base::Span;
use crate::expr::check::ExprFindingKind;
use crate::expr::{ExprFinding, Expression, Field, Part, Proofs, Reference, Texts, Type, TypeScope};
use crate::plan::{Certainty, Disposition, Locator, Plan, PlanStep};
use indexmap::IndexMap;
use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// One expression.
#[derive(Debug)]
pub struct Use {
    /// The place, by its position in `Context::places`.
    pub place: usize,
    /// Where it stands in the text of its place.
    pub part: Span,
    /// Whether it is all there is at its place, so that it keeps its type.
    pub whole: bool,
    /// Its type.
    pub ty: Type,
    /// The types of the values between which it chooses, where it does.
    pub members: Vec<Type>,
    /// What its names mean.
    pub names: Vec<Name>,
    /// What else is wrong with it: functions, types, names at the root.
    pub wrong: Vec<Wrong>,
    /// The lists that it takes one element of, with nothing to fall back on.
    pub elements: Vec<Element>,
}

/// One element that is taken of a list.
#[derive(Debug)]
pub struct Element {
    /// The list, as `inputs.documents`.
    pub list: Vec<String>,
    /// How many elements the list has at least, where this one is there.
    pub wanted: usize,
    /// Where it is taken, as `inputs.documents[0]`.
    pub span: Span,
}

/// One dotted path of an expression.
#[derive(Debug)]
pub struct Name {
    /// The names from the root on.
    pub path: Vec<String>,
    /// Where the word stands that the meaning is about; nowhere if the value is there.
    pub span: Span,
    /// Whether the expression has something to fall back on where the value is missing.
    pub guarded: bool,
    /// What it means.
    pub meaning: Meaning,
}

/// What a dotted path means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// A value that is there.
    Fine,
    /// There is no such input.
    NoInput,
    /// There is no such step.
    NoStep,
    /// The word at this position is no field of what stands before it; these are.
    NoField(usize, Vec<String>),
    /// The step does not come before.
    NotUpstream,
    /// The value is not there on every path.
    MayBeMissing(Missing),
    /// The step runs inside this `each`, once for each element.
    Inside(String),
    /// A secret.
    Secret,
}

/// Why a value may be missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    /// The step runs on some paths only.
    OtherPath,
    /// The step may be skipped.
    Skipped,
    /// The step may have an outcome that does not give the value.
    OtherOutcome,
    /// No outcome that leads here gives the value.
    Never,
    /// The field itself is not always there.
    Optional,
}

/// Something wrong that the expression's own checker found.
#[derive(Clone, Debug)]
pub struct Wrong {
    /// What kind of thing.
    pub kind: ExprFindingKind,
    /// In the analyst's words.
    pub message: String,
    /// Where in the file.
    pub span: Span,
    /// The nearest valid word.
    pub nearest: Option<String>,
}

/// What is known of a flow whatever its names hold.
#[derive(Debug)]
pub struct Ground<'a> {
    /// Where parts of texts stand.
    pub locator: &'a Locator<'a>,
    /// Steps that were not understood, by id.
    pub broken: &'a [String],
    /// The steps.
    pub steps: &'a [StepView<'a>],
    /// The plan, where there is one.
    pub plan: Option<&'a Plan>,
    /// What is certain where, for every list of steps, in the order of `Plan::bodies`.
    pub paths: &'a [Paths<'a>],
}

impl Ground<'_> {
    /// Resolves uses by what names hold.
    pub fn resolver<'s>(&'s self, shapes: &'s Shapes) -> Resolver<'s> {
        Resolver {
            locator: self.locator,
            broken: self.broken.iter().map(String::as_str).collect(),
            steps: self.steps,
            shapes,
            plan: self.plan,
            paths: self.paths,
            items: HashMap::new(),
            opened: RefCell::default(),
            guard: Guard::none(),
        }
    }
}

/// What uses are resolved against.
#[derive(Debug)]
pub struct Resolver<'a> {
    /// Where parts of texts stand.
    pub locator: &'a Locator<'a>,
    /// Steps that were not understood, by id.
    pub broken: HashSet<&'a str>,
    /// The steps.
    pub steps: &'a [StepView<'a>],
    /// What names hold.
    pub shapes: &'a Shapes,
    /// The plan, where there is one.
    pub plan: Option<&'a Plan>,
    /// What is certain where, for every list of steps, in the order of `Plan::bodies`.
    pub paths: &'a [Paths<'a>],
    /// The type of `item` in each `each` seen so far, by the step's position in `Context::steps`.
    pub items: HashMap<usize, Type>,
    /// What each step can give as one open object, as far as that was asked.
    pub opened: RefCell<HashMap<String, Option<Type>>>,
    /// What the `if` of the step at hand makes certain.
    pub guard: Guard,
}

/// What is certain in a step because its `if` holds.
#[derive(Debug)]
pub struct Guard {
    /// The step.
    pub owner: Owner,
    /// What its `if` proves.
    pub proofs: Proofs,
}

impl Guard {
    /// Nothing is certain.
    pub fn none() -> Self {
        Self {
            owner: Owner::Trigger,
            proofs: Proofs::default(),
        }
    }

    /// Whether the value at the end of the path is there.
    fn has(&self, path: &[String]) -> bool {
        self.proofs.present.iter().any(|present| present.starts_with(path))
    }

    /// Whether the step has finished.
    fn has_step(&self, id: &str) -> bool {
        self.proofs
            .present
            .iter()
            .any(|path| matches!(path.as_slice(), [root, step, ..] if root == "steps" && step == id))
    }

    /// Whether the step has given the field.
    fn has_field(&self, id: &str, field: &str) -> bool {
        self.has(&["steps".to_owned(), id.to_owned(), field.to_owned()])
    }

    /// The outcome that the step must have had.
    fn outcome(&self, id: &str) -> Option<&str> {
        let of_step = |path: &[String]| matches!(path, [root, step, field] if root == "steps" && step == id && field == "outcome");
        self.proofs
            .equal
            .iter()
            .find(|(path, _)| of_step(path))
            .map(|(_, outcome)| outcome.as_str())
    }
}

/// Every expression at `places`. Texts that do not parse have a finding of their own.
pub fn uses(places: &[Place<'_>], resolver: &mut Resolver<'_>, texts: &mut Texts) -> Vec<Use> {
    let mut uses = Vec::new();
    for (index, place) in places.iter().enumerate() {
        if resolver.guard.owner != place.owner {
            resolver.guard = Guard {
                owner: place.owner,
                proofs: Proofs::default(),
            };
        }
        match place.form {
            Form::Condition(_) if place.text.contains("${{") => {}
            Form::Condition(key) => {
                if let Ok(expression) = texts.expression(place.text) {
                    uses.push(resolver.resolve(index, place, &expression, 0, true));
                    if key == "if" {
                        resolver.guard.proofs = expression.proofs();
                    }
                }
            }
            Form::Template => {
                let parsed = texts.template(place.text);
                let Ok(template) = parsed.as_ref() else {
                    continue;
                };
                let whole = template.parts.len() == 1;
                for part in &template.parts {
                    uses.extend(resolver.part(index, place, part, whole));
                }
                if let (Purpose::List, Owner::Step(step), Some(one)) = (place.purpose, place.owner, uses.last()) {
                    let item = match &one.ty {
                        Type::List(item) if whole => Type::clone(item),
                        _ => Type::Any,
                    };
                    resolver.items.insert(step, item);
                }
            }
        }
    }
    uses
}

impl Resolver<'_> {
    fn part(&self, index: usize, place: &Place<'_>, part: &Part, whole: bool) -> Option<Use> {
        match part {
            Part::Text(_) => None,
            Part::Expression(expression, span) => Some(self.resolve(index, place, expression, span.start, whole)),
            Part::Secret(name, span) => {
                let path = vec!["secrets".to_owned(), name.clone()];
                let name = Name {
                    path,
                    span: self.locator.place(&place.pointer, *span),
                    guarded: false,
                    meaning: Meaning::Secret,
                };
                Some(Use {
                    place: index,
                    part: *span,
                    whole,
                    ty: Type::Any,
                    members: Vec::new(),
                    names: vec![name],
                    wrong: Vec::new(),
                    elements: Vec::new(),
                })
            }
        }
    }

    fn resolve(&self, index: usize, place: &Place<'_>, expression: &Expression, offset: usize, whole: bool) -> Use {
        let here = |span: Span| {
            let part = Span::new(offset + span.start, offset + span.end);
            self.locator.place(&place.pointer, part)
        };
        let names: Vec<Name> = expression
            .references
            .iter()
            .map(|reference| self.name(place, expression, reference, &here))
            .collect();
        let (ty, found) = match self.alone(place, expression, &names) {
            Some(ty) => (ty, Vec::new()),
            None => expression.check(&Names { resolver: self, place }),
        };
        let members = if whole && names.len() + found.len() > 0 {
            expression.members(&Names { resolver: self, place })
        } else {
            Vec::new()
        };
        let wrong = found
            .into_iter()
            .map(|finding| wrong(finding, &here))
            .filter(|wrong| wrong.kind != ExprFindingKind::UnknownField || !is_reported(&names, wrong.span))
            .collect();
        let part = Span::new(offset, offset + expression.source.len());
        Use {
            place: index,
            part,
            whole,
            ty,
            members,
            names,
            wrong,
            elements: self.elements(expression, &here),
        }
    }

    /// The elements that the expression takes of lists that it asks nothing else about.
    fn elements(&self, expression: &Expression, here: &dyn Fn(Span) -> Span) -> Vec<Element> {
        let by_name = expression.ends.iter().map(|end| (end, &end.path[..], 1));
        let by_position = expression
            .references
            .iter()
            .filter(|one| !one.guarded)
            .filter_map(|one| {
                let at = one.path.iter().position(|name| name.parse::<i64>().is_ok())?;
                let position = one.path[at].parse::<i64>().ok()?;
                let wanted = usize::try_from(position.unsigned_abs()).ok()?;
                Some((one, &one.path[..at], if position < 0 { wanted } else { wanted + 1 }))
            });
        let is_asked = |list: &[String], least: usize| {
            let mentions = expression.references.iter().filter(|one| one.path == list).count();
            mentions > least || self.guard.has(list)
        };
        let by_name = by_name.filter(|(_, list, _)| !is_asked(list, 1));
        let by_position = by_position.filter(|(_, list, _)| !is_asked(list, 0));
        let element = |(one, list, wanted): (&Reference, &[String], usize)| Element {
            list: list.to_vec(),
            wanted,
            span: here(one.span),
        };
        by_name.chain(by_position).map(element).collect()
    }

    /// The type of an expression that is one path into an input or an output of a step, and that is
    /// there: most of them are, and need no further checking.
    fn alone(&self, place: &Place<'_>, expression: &Expression, names: &[Name]) -> Option<Type> {
        let [
            Name {
                path,
                meaning: Meaning::Fine,
                ..
            },
        ] = names
        else {
            return None;
        };
        let span = expression.references[0].span;
        if span.start != 0 || span.end != expression.source.len() || !place.roots().contains(&path[0].as_str()) {
            return None;
        }
        let (mut ty, rest) = match path.as_slice() {
            [root, name, rest @ ..] if root == "inputs" => (self.shapes.inputs.get(name)?.clone(), rest),
            [root, id, field, rest @ ..] if root == "steps" => {
                (merged(self.shapes.steps.get(id)?.types(), field).ty, rest)
            }
            _ => return None,
        };
        for name in rest {
            ty = match field_of(&ty, name) {
                Lookup::Known(field) => field.ty,
                Lookup::Missing | Lookup::NoFields => return None,
            };
        }
        Some(ty)
    }

    fn name(
        &self,
        place: &Place<'_>,
        expression: &Expression,
        reference: &Reference,
        here: &dyn Fn(Span) -> Span,
    ) -> Name {
        let path: Vec<&str> = reference.path.iter().map(String::as_str).collect();
        let (at, meaning) = match path.as_slice() {
            [root, ..] if !place.roots().contains(root) => (0, Meaning::Fine),
            ["inputs", name, rest @ ..] => match self.shapes.inputs.get(*name) {
                Some(ty) => below(
                    &Field {
                        ty: ty.clone(),
                        optional: false,
                    },
                    rest,
                    2,
                ),
                None => (1, Meaning::NoInput),
            },
            ["steps", id, rest @ ..] => match self.shapes.steps.get(*id) {
                Some(shape) => self.step(place, id, shape, rest),
                // A step that was not understood has findings of its own.
                None if self.broken.contains(id) => (1, Meaning::Fine),
                None => (1, Meaning::NoStep),
            },
            ["run", rest @ ..] => below(&Field::sure(self.shapes.run.clone()), rest, 1),
            ["settings", rest @ ..] => below(&Field::sure(self.shapes.settings.clone()), rest, 1),
            ["values", rest @ ..] => below(&Field::sure(self.shapes.values.clone()), rest, 1),
            ["item", rest @ ..] => below(&Field::sure(self.item(place)), rest, 1),
            ["file", rest @ ..] => match shapes::file_in(place.event) {
                Some(ty) => below(&Field::sure(ty), rest, 1),
                None => (0, Meaning::Fine),
            },
            ["results", rest @ ..] => below(&Field::sure(self.results(place)), rest, 1),
            ["event", rest @ ..] => match self.shapes.event_in(place.event) {
                Some(ty) => below(&Field::sure(ty), rest, 1),
                None => (0, Meaning::Fine),
            },
            _ => (0, Meaning::Fine),
        };
        let span = match meaning {
            Meaning::Fine => Span::default(),
            Meaning::NoInput | Meaning::NoStep | Meaning::NoField(..) => here(word(&expression.source, reference, at)),
            _ => here(reference.span),
        };
        Name {
            path: reference.path.clone(),
            span,
            guarded: reference.guarded || self.guard.has(&reference.path),
            meaning,
        }
    }

    /// The type of `results` there: those of the elements of the step that the place is in.
    fn results(&self, place: &Place<'_>) -> Type {
        let Owner::Step(index) = place.owner else {
            return Type::Any;
        };
        let each = self.steps[index].spec.each.as_ref();
        each.map_or(Type::Any, |each| {
            Type::list(shapes::result_type(each, Type::Any, &HashMap::new()))
        })
    }

    /// The type of `item` there.
    fn item(&self, place: &Place<'_>) -> Type {
        let known = |each: usize| {
            let spec = self.steps[each].spec.each.as_ref()?;
            let of_expression = self.items.get(&each).filter(|_| spec.list.is_string());
            Some(of_expression.map_or_else(|| shapes::literal_item(&spec.list), Type::clone))
        };
        place.each.and_then(known).unwrap_or(Type::Any)
    }

    /// The `each` around the step called `id`, if the place is not inside it as well.
    fn inside(&self, place: &Place<'_>, id: &str) -> Option<String> {
        let plan = self.plan?;
        let (outer, each) = plan.body(plan.find(id)?.0).outer?;
        let mut around = place.each;
        while let Some(index) = around {
            if self.steps[index].spec.id == plan.body(outer).step(each).id {
                return None;
            }
            around = self.steps[index].each;
        }
        Some(plan.body(outer).step(each).id.clone())
    }

    fn step(&self, place: &Place<'_>, id: &str, shape: &StepShape, rest: &[&str]) -> (usize, Meaning) {
        if let Some(each) = self.inside(place, id) {
            return (1, Meaning::Inside(each));
        }
        // A step as a whole is there when it has an outcome.
        let (field, deeper) = rest.split_first().unwrap_or((&"outcome", &[]));
        let known = shape
            .types()
            .into_iter()
            .any(|ty| !matches!(field_of(ty, field), Lookup::Missing));
        if !known && of_every_step(field).is_none() {
            return (
                2,
                Meaning::NoField(2, shape.names().into_iter().map(str::to_owned).collect()),
            );
        }
        let Some((field_shape, missing)) = self.field_at(place, id, shape, field) else {
            return (1, Meaning::NotUpstream);
        };
        let (at, meaning) = below(&field_shape, deeper, 3);
        match (missing, meaning) {
            (Some(_), Meaning::NoField(at, words)) => (at, Meaning::NoField(at, words)),
            (Some(missing), _) => (at, Meaning::MayBeMissing(missing)),
            (None, meaning) => (at, meaning),
        }
    }

    /// The field as it is known there, and why it may be missing. `None` if the step does not come
    /// before.
    fn field_at(
        &self,
        place: &Place<'_>,
        id: &str,
        shape: &StepShape,
        field: &str,
    ) -> Option<(Field, Option<Missing>)> {
        let anything = merged(shape.types(), field);
        let Some(plan) = self.plan else {
            return Some((anything, None));
        };
        let Some(step) = plan.step(id) else {
            return Some((anything, None));
        };
        let mut outcomes: Vec<&str> = match self.knowledge(plan, place, step) {
            Known::NotUpstream => return None,
            Known::Missing(_) if self.guard.has_step(id) => going_on(step),
            Known::Missing(missing) => return Some((anything, Some(missing))),
            Known::Unclear => return Some((anything, None)),
            Known::Finished(outcomes) => outcomes,
        };
        if let Some(certain) = self.guard.outcome(id) {
            outcomes.retain(|outcome| *outcome == certain);
        }
        if of_every_step(field).is_some() {
            return Some((anything, None));
        }
        let gives = |outcome: &&str| {
            let ty = shape.with_outcome(outcome)?;
            (!matches!(field_of(ty, field), Lookup::Missing)).then_some(ty)
        };
        let giving: Vec<&Type> = outcomes.iter().filter_map(gives).collect();
        let missing = match giving.len() {
            _ if self.guard.has_field(id, field) => return Some((Field::sure(merged(giving, field).ty), None)),
            0 => Some(Missing::Never),
            some => (some < outcomes.len()).then_some(Missing::OtherOutcome),
        };
        let field = if giving.is_empty() {
            anything
        } else {
            merged(giving, field)
        };
        Some((field, missing))
    }

    fn knowledge<'p>(&'p self, plan: &'p Plan, place: &Place<'_>, other: &PlanStep) -> Known<'p> {
        // A way to here may lead through a step that was not understood.
        if !self.broken.is_empty() {
            return Known::Unclear;
        }
        let (own, at_end) = match place.owner {
            // A trigger names no step.
            Owner::Trigger => return Known::Unclear,
            Owner::Outputs => return self.at_end(other),
            Owner::Step(index) => (index, false),
            Owner::Element(index) => (index, true),
        };
        let own = &self.steps[own];
        let (Some((mut body, mut step)), Some((there, other_step))) = (plan.find(&own.spec.id), plan.find(&other.id))
        else {
            return Known::Unclear;
        };
        if at_end && plan.body(there).outer == Some((body, step)) {
            return self.at_end(other);
        }
        // What stands around an `each` is known in it as it is known where the `each` starts.
        while body != there {
            let Some((outer, each)) = plan.body(body).outer else {
                return if own.always {
                    Known::Missing(Missing::OtherPath)
                } else {
                    Known::NotUpstream
                };
            };
            (body, step) = (outer, each);
        }
        let Some(paths) = self.paths.get(body.index()) else {
            return Known::Unclear;
        };
        if !paths.knowledge.can_start(step) {
            return Known::Unclear;
        }
        if !paths.index.is_upstream(other_step, step) {
            return Known::NotUpstream;
        }
        finished(paths.knowledge.before(paths.steps, step, other_step), other)
    }

    /// What is known of a step when the run, or its element, is completed.
    fn at_end<'p>(&'p self, other: &PlanStep) -> Known<'p> {
        let is_of_list = |paths: &&Paths<'_>| {
            let same = paths.steps.get(other.index.index());
            same.is_some_and(|one| one.pointer == other.pointer)
        };
        let Some(paths) = self.paths.iter().find(is_of_list) else {
            return Known::Unclear;
        };
        if !paths.knowledge.can_start(other.index) {
            return Known::Unclear;
        }
        finished(paths.completion.has(paths.steps, other.index), other)
    }

    /// Everything that the step can give, as one open object for the expression checker: names
    /// that are not there have been reported by then.
    fn open_shape(&self, id: &str) -> Option<Type> {
        if let Some(known) = self.opened.borrow().get(id) {
            return known.clone();
        }
        let made = self.make_open_shape(id);
        self.opened.borrow_mut().insert(id.to_owned(), made.clone());
        made
    }

    fn make_open_shape(&self, id: &str) -> Option<Type> {
        let shape = self.shapes.steps.get(id)?;
        let mut fields: IndexMap<String, Field> = IndexMap::new();
        for name in shape.names() {
            let field = of_every_step(name).map_or_else(|| merged(shape.types(), name), Field::sure);
            fields.insert(name.to_owned(), field);
        }
        Some(Type::Object {
            fields: Arc::new(fields),
            open: true,
        })
    }
}

/// The outcomes after which the flow goes on: with any other, nothing asks what the step gave.
fn going_on(step: &PlanStep) -> Vec<&str> {
    let leads_on = |disposition: &Disposition| disposition.can_go_on() || disposition.can_be_named();
    let outcomes = step.outcomes.iter().filter(|(_, disposition)| leads_on(disposition));
    outcomes.map(|(name, _)| name.as_str()).collect()
}

/// What is known of a step at a place.
enum Known<'a> {
    NotUpstream,
    Missing(Missing),
    Unclear,
    Finished(Vec<&'a str>),
}

fn finished<'a>(certainty: Certainty<'a>, step: &PlanStep) -> Known<'a> {
    match certainty {
        Certainty::Sure(outcomes) => Known::Finished(outcomes),
        Certainty::Maybe if step.may_be_skipped() => Known::Missing(Missing::Skipped),
        Certainty::Maybe => Known::Missing(Missing::OtherPath),
    }
}

/// The names that one expression uses, as its checker sees them.
struct Names<'a> {
    resolver: &'a Resolver<'a>,
    place: &'a Place<'a>,
}

impl TypeScope for Names<'_> {
    fn root(&self, name: &str) -> Option<Type> {
        if !self.place.roots().contains(&name) {
            return None;
        }
        let shapes = self.resolver.shapes;
        match name {
            "inputs" => {
                let fields = shapes
                    .inputs
                    .iter()
                    .map(|(name, ty)| (name.clone(), Field::sure(ty.clone())));
                Some(Type::Object {
                    fields: Arc::new(fields.collect()),
                    open: true,
                })
            }
            "steps" => Some(Type::any_object()),
            "run" => Some(shapes.run.clone()),
            "settings" => Some(shapes.settings.clone()),
            "values" => Some(shapes.values.clone()),
            "item" => Some(self.resolver.item(self.place)),
            "results" => Some(self.resolver.results(self.place)),
            "index" => Some(Type::Integer),
            "file" => shapes::file_in(self.place.event),
            "event" => shapes.event_in(self.place.event),
            _ => None,
        }
    }

    fn roots(&self) -> Vec<&str> {
        self.place.roots()
    }

    /// The outcomes of a step, and the options of a choice.
    fn words(&self, path: &[String]) -> Option<Vec<&str>> {
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        match path.as_slice() {
            ["steps", id, "outcome"] => {
                let step = self.resolver.plan?.step(id)?;
                Some(step.outcomes.keys().map(String::as_str).collect())
            }
            ["inputs", name] => {
                let options = self.resolver.shapes.options.get(*name)?;
                Some(options.iter().map(String::as_str).collect())
            }
            _ => None,
        }
    }

    fn is_day(&self, path: &[String]) -> bool {
        self.resolver.shapes.days.contains(path)
    }

    /// Names below `inputs` and `steps` are looked up one by one: a flow may have hundreds of
    /// steps, an expression names two. What is not there has been found by then.
    fn field(&self, root: &str, name: &str) -> Option<Type> {
        match root {
            _ if !self.place.roots().contains(&root) => None,
            "inputs" => Some(self.resolver.shapes.inputs.get(name).cloned().unwrap_or(Type::Any)),
            "steps" => Some(self.resolver.open_shape(name).unwrap_or(Type::Any)),
            _ => None,
        }
    }
}

fn wrong(finding: ExprFinding, here: &dyn Fn(Span) -> Span) -> Wrong {
    Wrong {
        kind: finding.kind,
        message: finding.message,
        span: here(finding.span),
        nearest: finding.nearest,
    }
}

/// Whether a name has been found wrong there already.
fn is_reported(names: &[Name], span: Span) -> bool {
    names
        .iter()
        .filter(|name| matches!(name.meaning, Meaning::NoInput | Meaning::NoStep | Meaning::NoField(..)))
        .any(|name| name.span.start < span.end && span.start < name.span.end)
}

/// What the names below a field mean; `at` is the position of the first of them.
fn below(field: &Field, rest: &[&str], at: usize) -> (usize, Meaning) {
    let mut ty = field.ty.clone();
    let mut optional = field.optional;
    for (offset, name) in rest.iter().enumerate() {
        match field_of(&ty, name) {
            Lookup::Known(next) => {
                ty = next.ty;
                optional |= next.optional;
            }
            Lookup::Missing => {
                let words = shapes::field_names(&ty).into_iter().map(str::to_owned).collect();
                return (at + offset, Meaning::NoField(at + offset, words));
            }
            Lookup::NoFields => break,
        }
    }
    (
        at,
        if optional {
            Meaning::MayBeMissing(Missing::Optional)
        } else {
            Meaning::Fine
        },
    )
}

/// The field as one of several types has it.
fn merged(types: Vec<&Type>, name: &str) -> Field {
    types
        .into_iter()
        .filter_map(|ty| match field_of(ty, name) {
            Lookup::Known(field) => Some(field),
            Lookup::Missing | Lookup::NoFields => None,
        })
        .reduce(|one, other| Field {
            ty: one.ty.or(other.ty),
            optional: one.optional || other.optional,
        })
        .unwrap_or_else(|| of_every_step(name).map_or(Field::sure(Type::Any), Field::sure))
}

/// Where the word at `position` of the path stands in the expression.
fn word(source: &str, reference: &Reference, position: usize) -> Span {
    let mut from = reference.span.start;
    let mut span = reference.span;
    for name in reference.path.iter().take(position + 1) {
        let Some(offset) = source
            .get(from..reference.span.end)
            .and_then(|text| text.find(name.as_str()))
        else {
            return reference.span;
        };
        span = Span::new(from + offset, from + offset + name.len());
        from = span.end;
    }
    span
}
