//! Lists in parts.

use crate::server::Problem;
use schemars::JsonSchema;
use serde::Serialize;

/// A part of a list.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(rename = "{T}Page")]
pub struct Page<T> {
    /// The part.
    pub items: Vec<T>,
    /// What to ask for next: the value of `before` or `after`. Nothing at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// Most entries of a list in one answer.
pub const ITEMS_MAX: usize = 200;

impl<T> Page<T> {
    /// The part of `items` that begins at position `from`, at most `limit` long and [`ITEMS_MAX`] at most;
    /// `id` names an entry to ask for what comes after it.
    pub fn part(items: Vec<T>, from: usize, limit: Option<usize>, id: impl Fn(&T) -> String) -> Self {
        let limit = limit.unwrap_or(ITEMS_MAX).clamp(1, ITEMS_MAX);
        let has_more = items.len() > from.saturating_add(limit);
        let items: Vec<T> = items.into_iter().skip(from).take(limit).collect();
        let next = items.last().filter(|_| has_more).map(id);
        Self { items, next }
    }

    /// The part that comes after the entry called `after`, or the first.
    ///
    /// # Errors
    /// No entry is called so.
    pub fn after(
        items: Vec<T>,
        after: Option<&str>,
        limit: Option<usize>,
        id: impl Fn(&T) -> String,
    ) -> Result<Self, Problem> {
        let from = match after {
            None => 0,
            Some(after) => {
                let found = items.iter().position(|item| id(item) == after);
                let gone =
                    || Problem::bad_request("after", "what the list is to go on after is not in it: begin again");
                found.ok_or_else(gone)? + 1
            }
        };
        Ok(Self::part(items, from, limit, id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_has_as_many_entries_as_it_may_and_no_more() {
        let part = |count: usize, from, limit| Page::part((1..=count).collect(), from, limit, usize::to_string);
        let at = part(ITEMS_MAX, 0, None);
        assert_eq!((at.items.len(), at.next), (ITEMS_MAX, None));
        let past = part(ITEMS_MAX + 1, 0, Some(ITEMS_MAX + 1));
        assert_eq!((past.items.len(), past.next), (ITEMS_MAX, Some(ITEMS_MAX.to_string())));
        let rest = part(ITEMS_MAX + 1, ITEMS_MAX, None);
        assert_eq!((rest.items, rest.next), (vec![ITEMS_MAX + 1], None));
    }
}
