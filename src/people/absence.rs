//! Who is away, and who stands in for them.

use super::{Directory, UnknownPrincipal, user};
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Most deputies that may be away one after the other.
pub const MAX_DEPUTIES: usize = 5;

/// Days on which somebody is away.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Absence {
    /// The first day.
    pub from: Date,
    /// The last day.
    pub until: Date,
    /// User name of who stands in.
    pub deputy: String,
}

/// Somebody who stands in for somebody else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StandIn {
    /// Who acts, as `user:ben`.
    pub by: String,
    /// For whom, as `user:anna`.
    pub on_behalf_of: String,
}

impl Directory {
    /// Who stands in on `day` for those of `people` who are away. Nobody stands in who is one of
    /// `people`, in `exclude`, or stands in for another already: nobody counts twice.
    ///
    /// # Errors
    /// Deputies who are away for each other, or more than [`MAX_DEPUTIES`] away in a row.
    pub fn stand_ins(
        &self,
        people: &[String],
        exclude: &[String],
        day: Date,
    ) -> Result<Vec<StandIn>, UnknownPrincipal> {
        let mut taken: BTreeSet<String> = exclude.iter().map(|party| self.canonical(party)).collect();
        taken.extend(people.iter().cloned());
        let mut stand_ins = Vec::new();
        for person in people {
            let Some(deputy) = self.present_deputy(person, day)? else {
                continue;
            };
            let by = user(deputy);
            if taken.insert(by.clone()) {
                stand_ins.push(StandIn {
                    by,
                    on_behalf_of: person.clone(),
                });
            }
        }
        Ok(stand_ins)
    }

    /// `parties` in the one form that is compared.
    pub fn canonical_all(&self, parties: &[String]) -> Vec<String> {
        parties.iter().map(|party| self.canonical(party)).collect()
    }

    /// The first deputy who is there, where `person` is away.
    fn present_deputy(&self, person: &str, day: Date) -> Result<Option<&str>, UnknownPrincipal> {
        let mut seen: Vec<&str> = Vec::new();
        let Some(mut name) = person.strip_prefix("user:") else {
            return Ok(None);
        };
        loop {
            let away = self.users.get(name).and_then(|person| person.away(day));
            let Some(absence) = away else {
                return Ok((!seen.is_empty()).then_some(name).and_then(|name| {
                    let known = self.users.get_key_value(name);
                    known.map(|(name, _)| name.as_str())
                }));
            };
            seen.push(name);
            name = absence.deputy.as_str();
            if seen.contains(&name) {
                let names = seen.join(", ");
                return Err(UnknownPrincipal(format!(
                    "{names} stand in for each other and are all away on {day}: name another deputy in people.yaml"
                )));
            }
            if seen.len() > MAX_DEPUTIES {
                return Err(UnknownPrincipal(format!(
                    "more than {MAX_DEPUTIES} deputies of {} are away on {day}: name one in people.yaml who is there",
                    seen[0]
                )));
            }
        }
    }
}

impl super::Person {
    /// Their absence on `day`.
    fn away(&self, day: Date) -> Option<&Absence> {
        self.absent
            .iter()
            .find(|absence| absence.from <= day && day <= absence.until)
    }
}

#[cfg(test)]
mod tests {
    use super::super::Person;
    use super::*;

    /// A directory of these people, each away in December for the next.
    fn chain(names: &[(&str, Option<&str>)]) -> Directory {
        let person = |name: &str, deputy: Option<&str>| Person {
            name: name.to_owned(),
            email: format!("{name}@corp.example"),
            absent: deputy
                .map(|deputy| Absence {
                    from: "2026-12-01".parse().unwrap(),
                    until: "2026-12-31".parse().unwrap(),
                    deputy: deputy.to_owned(),
                })
                .into_iter()
                .collect(),
            ..Person::default()
        };
        Directory {
            users: names
                .iter()
                .map(|(name, deputy)| ((*name).to_owned(), person(name, *deputy)))
                .collect(),
        }
    }

    fn stand_ins(directory: &Directory, people: &[&str], exclude: &[&str], day: &str) -> Result<Vec<String>, String> {
        let text = |list: &[&str]| list.iter().map(ToString::to_string).collect::<Vec<_>>();
        let found = directory.stand_ins(&text(people), &text(exclude), day.parse().unwrap());
        let told = |one: StandIn| format!("{} for {}", one.by, one.on_behalf_of);
        found
            .map(|all| all.into_iter().map(told).collect())
            .map_err(|error| error.to_string())
    }

    const LEGAL: [&str; 2] = ["user:anna", "user:eve"];

    #[test]
    fn a_deputy_stands_in_from_the_first_to_the_last_day() {
        let directory = chain(&[("anna", Some("ben")), ("ben", None), ("eve", None)]);
        for (day, expected) in [
            ("2026-11-30", None),
            ("2026-12-01", Some("user:ben for user:anna")),
            ("2026-12-31", Some("user:ben for user:anna")),
            ("2027-01-01", None),
        ] {
            let found = stand_ins(&directory, &LEGAL, &[], day).unwrap();
            assert_eq!(found.first().map(String::as_str), expected, "{day}");
        }
    }

    #[test]
    fn nobody_stands_in_who_is_asked_excluded_or_stands_in_already() {
        let directory = chain(&[("anna", Some("ben")), ("ben", None), ("eve", Some("ben"))]);
        let of = |people: &[&str], exclude: &[&str]| stand_ins(&directory, people, exclude, "2026-12-24").unwrap();
        assert_eq!(of(&["user:anna", "user:ben"], &[]), [""; 0]);
        assert_eq!(of(&["user:anna"], &["email:BEN@corp.example"]), [""; 0]);
        assert_eq!(of(&LEGAL, &[]), ["user:ben for user:anna"]);
    }

    #[test]
    fn a_deputy_who_is_away_has_a_deputy_and_a_ring_of_them_is_told() {
        let directory = chain(&[("anna", Some("ben")), ("ben", Some("eve")), ("eve", None)]);
        let found = stand_ins(&directory, &["user:anna"], &[], "2026-12-24");
        assert_eq!(found.unwrap(), ["user:eve for user:anna"]);
        let ring = chain(&[("anna", Some("ben")), ("ben", Some("anna"))]);
        let told = stand_ins(&ring, &["user:anna"], &[], "2026-12-24").unwrap_err();
        assert!(told.starts_with("anna, ben stand in for each other"), "{told}");
    }

    #[test]
    fn so_many_deputies_in_a_row_and_no_more() {
        let names: Vec<String> = (0..=MAX_DEPUTIES + 1).map(|number| format!("u{number}")).collect();
        let of = |away: usize| {
            let people: Vec<(&str, Option<&str>)> = names
                .iter()
                .enumerate()
                .map(|(at, name)| (name.as_str(), (at < away).then(|| names[at + 1].as_str())))
                .collect();
            stand_ins(&chain(&people), &["user:u0"], &[], "2026-12-24")
        };
        assert_eq!(of(MAX_DEPUTIES).unwrap(), [format!("user:u{MAX_DEPUTIES} for user:u0")]);
        assert!(
            of(MAX_DEPUTIES + 1)
                .unwrap_err()
                .starts_with("more than 5 deputies of u0")
        );
    }
}
