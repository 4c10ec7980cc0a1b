//! People for flows that are played where nobody has written down who there is.

use crate::people::{Directory, Person, roles};
use std::collections::BTreeSet;

/// Persons for each role, group and skill, where no rule wants more.
const EACH: usize = 3;
/// Most persons for one of them.
const MOST: usize = 100;
/// Names that are made up, one after the other; after these they are numbered.
const NAMES: [&str; 20] = [
    "anna", "ben", "carla", "emil", "fay", "gil", "hana", "ivo", "jana", "karl", "lea", "mats", "nora", "otto", "pia",
    "quim", "rita", "sven", "tove", "uwe",
];
/// Whoever starts runs where nobody is named.
const STARTER: &str = "dora";
/// Whoever answers incidents.
const ADMINISTRATOR: &str = "ada";

/// People for every role, group, skill and user that `texts` name; whoever starts runs; and an administrator,
/// who is everybody's manager.
pub fn made_up(texts: &[&str]) -> Directory {
    let mut directory = Directory::default();
    add(&mut directory, ADMINISTRATOR, |person| &mut person.roles, roles::ADMIN);
    add(&mut directory, STARTER, |person| &mut person.roles, roles::OPERATOR);
    for text in texts {
        for user in named(text, "user:").chain(named(text, "manager_of:")) {
            directory.users.entry(user.to_owned()).or_insert_with(|| person(user));
        }
    }
    let each = most_asked(texts);
    let mut names = (0..).map(|at| match NAMES.get(at) {
        Some(name) => (*name).to_owned(),
        None => format!("person-{}", at + 1),
    });
    let mut served = BTreeSet::new();
    for (kind, field) in KINDS {
        for name in texts.iter().flat_map(|text| named(text, kind)) {
            if !served.insert((kind, name)) || name == roles::ADMIN {
                continue;
            }
            for _ in 0..each {
                let mut free = names.by_ref().filter(|one| !directory.users.contains_key(one));
                let user = free.next().expect("there is always another number");
                add(&mut directory, &user, field, name);
            }
        }
    }
    for (user, person) in &mut directory.users {
        person.manager = (user != ADMINISTRATOR).then(|| ADMINISTRATOR.to_owned());
    }
    directory
}

type Field = fn(&mut Person) -> &mut BTreeSet<String>;

const KINDS: [(&str, Field); 3] = [
    ("role:", |person| &mut person.roles),
    ("group:", |person| &mut person.groups),
    ("skill:", |person| &mut person.skills),
];

fn person(user: &str) -> Person {
    Person {
        name: user.to_owned(),
        email: format!("{user}@example.com"),
        ..Person::default()
    }
}

fn add(directory: &mut Directory, user: &str, field: Field, value: &str) {
    let person = directory.users.entry(user.to_owned()).or_insert_with(|| person(user));
    field(person).insert(value.to_owned());
}

/// The names that stand right behind `kind` in a text.
fn named<'t>(text: &'t str, kind: &'t str) -> impl Iterator<Item = &'t str> {
    let is_name = |c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '-');
    let found = text.split(kind).skip(1).map(move |rest| {
        let end = rest.find(|c| !is_name(c)).unwrap_or(rest.len());
        rest[..end].trim_end_matches('.')
    });
    found.filter(|name| !name.is_empty())
}

/// How many persons of a kind the rules of flows need, as far as anybody may ask for.
fn most_asked(texts: &[&str]) -> usize {
    let rules = texts.iter().flat_map(|text| named(text, "rule: "));
    let counts = rules.filter_map(|rule| rule.parse::<usize>().ok());
    counts.fold(EACH, usize::max).min(MOST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_is_there_whom_the_flow_names() {
        let text = "flow: t
version: 1.0.0
inputs: { document: { type: file } }
steps:
  - id: sign
    approve: { document: '${{ inputs.document }}', by: [role:legal, group:board, user:kim], rule: 4 }
    deadline: { due: 5 days }
    outcomes: { changes_requested: { end: no }, rejected: { end: no }, expired: { end: late } }
";
        let people = made_up(&[text]);
        let of = |party: &str| people.resolve(&[party.to_owned()], &[]).map(|found| found.len());
        assert_eq!((of("role:legal"), of("group:board")), (Ok(4), Ok(4)));
        assert_eq!(
            (of("user:kim"), of("manager_of:kim"), of("role:admin")),
            (Ok(1), Ok(1), Ok(1))
        );
        assert!(of("role:finance").is_err());
    }
}
