//! Computes the rights that a flow needs from its text.
//!
//! Invariant: everything that a run can use is listed here, or is refused when the run uses it. A
//! value that is not a literal in the text counts as any value.

use super::collect::REQUEST_ACTION;
use super::{Plan, PlanAlternative, PlanAsk, PlanStep, PlanVerb};
use crate::base::address::mail_address;
use crate::base::rights::{MAIN, folder_name};
use crate::base::{FlowRight, FlowRights, Reach, Value};
use crate::expr::{Part, Reference, Template, Tree};
use crate::spec::{InputKind, InputSpec};
use std::borrow::Cow;
use std::collections::BTreeSet;
use unicode_normalization::UnicodeNormalization;

/// Prefixes of principals in the directory, who are not outsiders.
const STAFF: [&str; 5] = ["user:", "role:", "group:", "skill:", "manager_of:"];
/// Prefix of the actions and events of the file space.
const SPACE: &str = "file360.";
/// The action that calls other services.
const CALL: &str = "http.request";
/// The value of `follow` that shows the newest version of each file.
const NEWEST: &str = "newest";
/// Ports that a host is named without, by the scheme of its address.
const USUAL_PORTS: [(&str, &str); 2] = [("http", "80"), ("https", "443")];

/// The rights that the flow needs.
pub fn rights_of(plan: &Plan) -> FlowRights {
    let mut needed = Needed {
        plan,
        rights: BTreeSet::new(),
    };
    needed.triggers();
    for step in plan.all_steps() {
        needed.step(step);
    }
    FlowRights(needed.rights)
}

/// The rights to secrets that a step of this kind needs.
pub fn secret_rights(verb: &PlanVerb) -> Vec<FlowRight> {
    match verb {
        PlanVerb::Uses { action, with, .. } => secret_rights_of(action, with),
        PlanVerb::Collect(collect) => secret_rights_of(REQUEST_ACTION, &collect.with),
        _ => Vec::new(),
    }
}

fn secret_rights_of(action: &str, with: &Tree) -> Vec<FlowRight> {
    let right = |name: String| match action {
        CALL => FlowRight::Secret {
            name,
            host: host_called(with),
        },
        _ => FlowRight::SecretInside { name },
    };
    secrets_in(with).into_iter().map(right).collect()
}

/// The host that a call goes to.
fn host_called(with: &Tree) -> Reach {
    let url = field(with, "url").map(|url| known(&parts_of(&url)));
    url.and_then(|url| host_of(&url)).map_or(Reach::Any, Reach::Only)
}

/// A text as far as it is known before the run.
enum Known {
    /// The whole text.
    Whole(String),
    /// Only its beginning.
    Begins(String),
}

struct Needed<'p> {
    plan: &'p Plan,
    rights: BTreeSet<FlowRight>,
}

impl Needed<'_> {
    fn add(&mut self, right: FlowRight) {
        self.rights.insert(right);
    }

    /// Adds rights for triggers: secrets that verify calls, and files that no person gives.
    fn triggers(&mut self) {
        let on = &self.plan.triggers;
        if let Some(webhook) = &on.webhook {
            self.add(FlowRight::SecretInside {
                name: webhook.secret.clone(),
            });
        }
        if let Some(flow) = &on.flow {
            self.add(FlowRight::Follow {
                flow: flow.name.clone(),
            });
        }
        let takes_files = self.plan.inputs.values().any(is_of_files);
        if !takes_files {
            return;
        }
        let written = self
            .plan
            .inputs
            .values()
            .any(|input| is_of_files(input) && input.default.is_some());
        if on.webhook.is_some() || on.schedule.is_some() || written {
            self.add(FlowRight::Read { folder: Reach::Any });
        }
        if let Some(event) = &on.event {
            let folder = event.filter.as_deref().and_then(folder_in_filter);
            self.add(FlowRight::Read {
                folder: folder.map_or(Reach::Any, |folder| Reach::Only(one_form(&folder))),
            });
        }
        if let Some(document) = &on.document {
            let folder = document.folder.as_ref();
            self.add(FlowRight::Read {
                folder: folder.map_or(Reach::Any, |folder| Reach::Only(one_form(folder))),
            });
        }
    }

    fn step(&mut self, step: &PlanStep) {
        match &step.verb {
            PlanVerb::Uses { action, with, .. } => self.action(action, with),
            PlanVerb::Collect(collect) => {
                self.action(REQUEST_ACTION, &collect.with);
                for item in collect.items.values() {
                    item.review.iter().for_each(|ask| self.ask(ask));
                }
            }
            PlanVerb::Ask(ask) => self.ask(ask),
            PlanVerb::Run(run) => self.add(FlowRight::Start { flow: run.flow.clone() }),
            PlanVerb::Wait(wait) => wait.alternatives.values().for_each(|one| self.heard(one)),
            _ => {}
        }
        for escalation in step.deadline.iter().flat_map(|deadline| &deadline.escalate) {
            self.people(&escalation.to);
        }
    }

    /// Adds the right to read for an event of the file space, which may bring any file unless it is
    /// about something that the run made.
    fn heard(&mut self, one: &PlanAlternative) {
        let is_own = one.on.as_ref().is_some_and(|on| is_of_a_step(&on.parts, self.plan));
        if !one.event.starts_with(SPACE) || is_own {
            return;
        }
        let folder = one.filter.as_ref().and_then(|filter| folder_in_filter(&filter.source));
        self.add(FlowRight::Read {
            folder: folder.map_or(Reach::Any, |folder| Reach::Only(one_form(&folder))),
        });
    }

    fn ask(&mut self, ask: &PlanAsk) {
        let reach = &ask.reach;
        for people in [&ask.by, &ask.veto, &reach.untaken, &reach.taken] {
            self.people(people);
        }
    }

    fn people(&mut self, people: &[Template]) {
        for one in people {
            self.recipient(&one.parts);
        }
    }

    fn action(&mut self, action: &str, with: &Tree) {
        match action {
            CALL => self.add(FlowRight::Call {
                host: host_called(with),
            }),
            "mail.send" => self.recipients(with, "to"),
            "file360.create_share" => {
                self.recipients(with, "to");
                self.folder(with, "folder", |folder| FlowRight::Write { folder });
                self.follow(with);
            }
            "file360.set_permissions" => {
                self.recipients(with, "to");
                self.own(with, "share");
            }
            REQUEST_ACTION => {
                self.recipients(with, "to");
                self.into(with);
            }
            "file360.publish" => self.folder(with, "to", |folder| FlowRight::Write { folder }),
            "file360.put_file" => self.folder(with, "folder", |folder| FlowRight::Write { folder }),
            "file360.list_files" => {
                self.folder(with, "folder", |folder| FlowRight::Read { folder });
                self.own(with, "share");
            }
            "file360.update_share" => {
                self.own(with, "share");
                self.follow(with);
            }
            "file360.revoke_share" | "file360.add_comment" => self.own(with, "share"),
            "file360.close_workspace" => self.own(with, "workspace"),
            "workflow.emit" => {
                let event = match field(with, "type").map(|kind| known(&parts_of(&kind))) {
                    Some(Known::Whole(kind)) => Reach::Only(kind),
                    _ => Reach::Any,
                };
                self.add(FlowRight::Emit { event });
            }
            _ => {}
        }
        self.rights.extend(secret_rights_of(action, with));
    }

    /// Adds rights for the recipients at `key`, which holds one party or a list.
    fn recipients(&mut self, with: &Tree, key: &str) {
        match field(with, key).as_deref() {
            None => {}
            Some(Tree::List(all)) => all.iter().for_each(|one| self.recipient(&parts_of(one))),
            Some(Tree::Plain(Value::Array(all))) => {
                for one in all {
                    self.recipient(&parts_of(&Tree::Plain(one.clone())));
                }
            }
            Some(one) => self.recipient(&parts_of(one)),
        }
    }

    fn recipient(&mut self, parts: &[Part]) {
        let who = match known(parts) {
            Known::Whole(text) => match outsider(text.trim()) {
                Some(who) => Reach::Only(who),
                None => return,
            },
            Known::Begins(text) if STAFF.iter().any(|kind| text.trim_start().starts_with(kind)) => return,
            Known::Begins(_) if self.names_staff(parts) => return,
            Known::Begins(_) => Reach::Any,
        };
        self.add(FlowRight::Recipient { who });
    }

    /// Whether the text is a single expression that gives a person in the directory or somebody who
    /// has acted in the run.
    fn names_staff(&self, parts: &[Part]) -> bool {
        let [Part::Expression(expression, _)] = parts else {
            return false;
        };
        let is_staff = |reference: &Reference| {
            let path: Vec<&str> = reference.path.iter().map(String::as_str).collect();
            match path.as_slice() {
                ["inputs", name] => self.plan.inputs.get(*name).is_some_and(|input| {
                    input.kind == InputKind::Person
                        || (input.kind == InputKind::List && input.of == Some(InputKind::Person))
                }),
                ["run", "initiator"] | ["steps", _, "by"] => true,
                _ => false,
            }
        };
        let whole = expression.references.iter().map(|reference| reference.path.join("."));
        expression.references.iter().all(is_staff) && whole.eq([expression.source.clone()])
    }

    /// Adds the right to the target of a request's files: a folder of the main workspace, or a
    /// workspace.
    fn into(&mut self, with: &Tree) {
        let Some(into) = field(with, "into") else { return };
        let parts = parts_of(&into);
        let folder = match known(&parts) {
            Known::Whole(text) if text.starts_with('/') => Reach::Only(one_form(&text)),
            Known::Whole(workspace) => Reach::Only(folder_name(&workspace, "/")),
            Known::Begins(text) if text.starts_with('/') => below(&text),
            Known::Begins(_) if is_of_a_step(&parts, self.plan) => return,
            Known::Begins(_) => Reach::Any,
        };
        self.add(FlowRight::Write { folder });
    }

    /// Adds the right to the folder at `key`, in the workspace given beside it. A folder in a
    /// workspace of the run itself needs no right.
    fn folder(&mut self, with: &Tree, key: &str, right: fn(Reach) -> FlowRight) {
        let workspace = field(with, "workspace").map(|workspace| parts_of(&workspace));
        let folder = match field(with, key).map(|folder| known(&parts_of(&folder))) {
            Some(Known::Whole(text)) => Reach::Only(one_form(&text)),
            Some(Known::Begins(text)) => below(&text),
            // a folder of its own, in that workspace
            None if workspace.is_some() => Reach::only("/"),
            None => return,
        };
        let folder = match workspace.as_deref().map(known) {
            None => folder,
            Some(Known::Whole(workspace)) => match folder {
                Reach::Only(folder) => Reach::Only(folder_name(&workspace, &folder)),
                Reach::Any => Reach::Only(folder_name(&workspace, "/")).main_is_any(),
            },
            Some(Known::Begins(_)) if is_of_a_step(&workspace.unwrap_or_default(), self.plan) => return,
            Some(Known::Begins(_)) => Reach::Any,
        };
        self.add(right(folder));
    }

    /// A share that may follow its files to versions that nobody gave to the run.
    fn follow(&mut self, with: &Tree) {
        let Some(follow) = field(with, "follow") else { return };
        match known(&parts_of(&follow)) {
            Known::Whole(text) if text != NEWEST => {}
            Known::Whole(_) | Known::Begins(_) => self.add(FlowRight::NewerVersions),
        }
    }

    /// A share or a workspace of this run, or else the right to change those of others.
    fn own(&mut self, with: &Tree, key: &str) {
        let Some(thing) = field(with, key) else { return };
        if !is_of_a_step(&parts_of(&thing), self.plan) {
            self.add(FlowRight::OthersShares);
        }
    }
}

fn is_of_files(input: &InputSpec) -> bool {
    input.kind == InputKind::File || (input.kind == InputKind::List && input.of == Some(InputKind::File))
}

impl Reach {
    /// Turns the root of the main workspace into any folder, because that is what it means to
    /// people.
    fn main_is_any(self) -> Self {
        match self {
            Self::Only(folder) if folder == folder_name(MAIN, "/") => Self::Any,
            other => other,
        }
    }
}

/// Whether the text is a single expression whose value comes from this run: something that a step
/// made, or an event about it.
fn is_of_a_step(parts: &[Part], plan: &Plan) -> bool {
    let [Part::Expression(expression, _)] = parts else {
        return false;
    };
    let is_own = |reference: &Reference| match reference.path.as_slice() {
        [root, step, ..] if root == "steps" => plan.step(step).is_some_and(|step| match &step.verb {
            PlanVerb::Uses { action, .. } => action.starts_with(SPACE),
            PlanVerb::Collect(_) => true,
            PlanVerb::Wait(wait) => wait
                .alternatives
                .values()
                .all(|alternative| alternative.event.starts_with(SPACE)),
            _ => false,
        }),
        _ => false,
    };
    !expression.references.is_empty() && expression.references.iter().all(is_own)
}

/// The value at `key` of an action's input.
fn field<'t>(with: &'t Tree, key: &str) -> Option<Cow<'t, Tree>> {
    match with {
        Tree::Object(fields) => {
            let found = fields.iter().find(|(name, _)| name == key);
            found.map(|(_, value)| Cow::Borrowed(value))
        }
        Tree::Plain(value) => value.get(key).map(|value| Cow::Owned(Tree::Plain(value.clone()))),
        Tree::Template(_) | Tree::List(_) => None,
    }
}

fn parts_of(tree: &Tree) -> Vec<Part> {
    match tree {
        Tree::Plain(Value::String(text)) => vec![Part::Text(text.clone())],
        Tree::Template(template) => template.parts.clone(),
        // anything else is no text, and is refused when it is used
        Tree::Plain(_) | Tree::List(_) | Tree::Object(_) => Vec::new(),
    }
}

fn known(parts: &[Part]) -> Known {
    let text = |parts: &[Part]| -> String {
        let texts = parts.iter().map_while(|part| match part {
            Part::Text(text) => Some(text.as_str()),
            Part::Expression(..) | Part::Secret(..) => None,
        });
        texts.collect()
    };
    let is_whole = parts.iter().all(|part| matches!(part, Part::Text(_)));
    if is_whole && !parts.is_empty() {
        Known::Whole(text(parts))
    } else {
        Known::Begins(text(parts))
    }
}

/// Names of the secrets in `with`.
fn secrets_in(with: &Tree) -> BTreeSet<String> {
    let templates = with.templates();
    let names = templates.iter().flat_map(|(_, template)| template.secrets());
    names.map(|(name, _)| name.to_owned()).collect()
}

/// The normalized name of a folder, so that the same folder is the same right.
fn one_form(folder: &str) -> String {
    let parts = folder.split('/').filter(|part| !part.is_empty());
    let parts: Vec<String> = parts.map(|part| part.nfc().collect()).collect();
    format!("/{}", parts.join("/"))
}

/// The folder that contains every path with this beginning.
fn below(beginning: &str) -> Reach {
    match beginning.rsplit_once('/') {
        Some((folder, _)) if one_form(folder) != "/" => Reach::Only(one_form(folder)),
        _ => Reach::Any,
    }
}

/// The outsider whom a principal names, if it is not somebody in the directory.
fn outsider(principal: &str) -> Option<String> {
    if principal == "anyone" {
        return Some(principal.to_owned());
    }
    mail_address(principal.strip_prefix("email:").unwrap_or(principal))
}

/// The host of a URL if it is certain, with its port unless it is the default one.
fn host_of(url: &Known) -> Option<String> {
    let (text, is_whole) = match url {
        Known::Whole(text) => (text.trim(), true),
        Known::Begins(text) => (text.trim_start(), false),
    };
    let (scheme, rest) = text.split_once("://")?;
    let scheme = scheme.to_ascii_lowercase();
    let (_, usual) = USUAL_PORTS.iter().find(|(name, _)| *name == scheme)?;
    let end = rest.find(['/', '?', '#']);
    let authority = match end {
        Some(end) => &rest[..end],
        None if is_whole => rest,
        None => return None,
    };
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':' | '[' | ']');
    if authority.is_empty() || !authority.chars().all(fits) {
        return None;
    }
    let authority = authority.to_ascii_lowercase();
    let without = authority.strip_suffix(&format!(":{usual}"));
    Some(without.map_or(authority.clone(), str::to_owned))
}

/// The folder to which a condition limits files: finds `event.folder == '/contracts'` among the
/// terms of an `and`.
fn folder_in_filter(filter: &str) -> Option<String> {
    if filter.split_whitespace().any(|word| word == "or" || word == "not") {
        return None;
    }
    filter.split(" and ").find_map(|part| {
        let value = part
            .trim()
            .strip_prefix("event.folder")?
            .trim_start()
            .strip_prefix("==")?
            .trim();
        let quote = value.chars().next().filter(|quote| matches!(quote, '\'' | '"'))?;
        let inner = value.strip_prefix(quote)?.strip_suffix(quote)?;
        let is_plain = !inner.contains(['\'', '"', '\\']);
        (is_plain && inner.starts_with('/')).then(|| inner.to_owned())
    })
}

#[cfg(test)]
mod tests;
