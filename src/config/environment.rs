//! The environment, read once and passed on, so that tests can give another one.

use std::collections::BTreeMap;

/// Environment variables whose name begins with `GATEFOLD_`, and the few others that matter.
#[derive(Clone, Default)]
pub struct Environment {
    variables: BTreeMap<String, String>,
}

/// Variables of this program that are no settings.
const OTHERS: [&str; 3] = ["GATEFOLD_CONFIG", "GATEFOLD_TOKEN", "GATEFOLD_URL"];
/// Beginnings of variables of this program that are no settings.
const PREFIXES: [&str; 2] = [SECRET_PREFIX, "GATEFOLD_FAULT"];
/// What the names of variables with secrets begin with.
pub const SECRET_PREFIX: &str = "GATEFOLD_SECRET_";

impl Environment {
    /// The environment of this process. Variables that are no UTF-8 are as if they were not there.
    pub fn of_process() -> Self {
        std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect()
    }

    /// The value of a variable; an empty one is as if it were not there.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.variables
            .get(name)
            .map(String::as_str)
            .filter(|value| !value.is_empty())
    }

    /// Secrets by name, without the prefix.
    pub fn secrets(&self) -> impl Iterator<Item = (&str, &str)> {
        self.variables
            .iter()
            .filter_map(|(name, value)| Some((name.strip_prefix(SECRET_PREFIX)?, value.as_str())))
    }

    /// Variables that look like settings and are none, each with the nearest one.
    pub fn strangers(&self) -> Vec<(String, Option<String>)> {
        let known: Vec<String> = super::SETTINGS.iter().map(super::Setting::variable).collect();
        self.variables
            .keys()
            .filter(|name| name.starts_with("GATEFOLD_") && !known.contains(name))
            .filter(|name| !OTHERS.contains(&name.as_str()))
            .filter(|name| !PREFIXES.iter().any(|prefix| name.starts_with(prefix)))
            .map(|name| {
                let nearest = crate::base::diagnostic::nearest(name, known.iter().map(String::as_str));
                (name.clone(), nearest.map(str::to_owned))
            })
            .collect()
    }
}

impl<N: Into<String>, V: Into<String>> FromIterator<(N, V)> for Environment {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(variables: I) -> Self {
        Self {
            variables: variables
                .into_iter()
                .map(|(name, value)| (name.into(), value.into()))
                .collect(),
        }
    }
}

impl std::fmt::Debug for Environment {
    /// Names alone: values may be secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.variables.keys()).finish()
    }
}
