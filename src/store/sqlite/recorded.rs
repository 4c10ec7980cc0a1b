//! What was recorded for a run and has not reached it yet.
//!
//! Invariant: the cost is proportional to the number of the run's subscriptions or of undelivered
//! events, whichever is less. Events for other runs are never read. Rows that lead to an event are
//! not verified here, but the event itself is.

use super::layout::store_error;
use super::read::{Read, bounded, column, first, record, rows, text, unverified, unverified_first};
use crate::base::id::RunId;
use crate::engine::InboundEvent;
use crate::store::model::Subscription;
use rusqlite::{Connection, Row};
use std::collections::BTreeSet;

/// How many are to be delivered, as far as it matters.
const DUE: &str = "SELECT count(*) FROM (SELECT 1 FROM inbound WHERE due_at IS NOT NULL LIMIT ?1)";
/// Those about a thing.
const ABOUT: &str = "SELECT event, intact FROM inbound_subject WHERE subject = ?1";
/// Those of a type with a key.
const WITH_KEY: &str = "SELECT key FROM inbound WHERE kind = ?1 AND event_key = ?2 AND due_at IS NOT NULL";
/// Those of a type about a thing.
const OF_TYPE_ABOUT: &str = "SELECT inbound.key FROM inbound_subject CROSS JOIN inbound ON inbound.key = event \
                             WHERE subject = ?2 AND kind = ?1";
/// All that are to be delivered, once for each thing that they are about.
const ALL_DUE: &str = "SELECT inbound.key, kind, event_key, subject FROM inbound \
                       LEFT JOIN inbound_subject ON event = inbound.key WHERE due_at IS NOT NULL";
/// One of them, unless it is over or has reached the run.
const ONE: &str = "SELECT body, intact FROM inbound WHERE key = ?1 AND due_at IS NOT NULL \
                   AND NOT EXISTS (SELECT 1 FROM delivery WHERE event = inbound.id AND target = ?2)";

/// Events that are to be delivered to the run, oldest first, see `Store::undelivered`.
pub(super) fn undelivered(
    db: &Connection,
    run: &RunId,
    things: &BTreeSet<String>,
    keys: &BTreeSet<Subscription>,
) -> Read<Vec<InboundEvent>> {
    let names = things.len() + keys.len();
    if names == 0 {
        return Ok(Vec::new());
    }
    // all statements see the same, so that nothing is found without what came before it
    let _snapshot = db.unchecked_transaction().map_err(store_error)?;
    let due: i64 = unverified_first(db, DUE, [bounded(names + 1)], |row| column(row, 0))?.unwrap_or(0);
    let found = if due > bounded(names) {
        by_name(db, things, keys)?
    } else {
        among_all(db, things, keys)?
    };
    let mut events = Vec::with_capacity(found.len());
    for key in found {
        events.extend(first(db, ONE, (key, run.as_str()), record)?);
    }
    Ok(events)
}

fn key(row: &Row<'_>) -> Read<i64> {
    column(row, 0)
}

/// Looks for each of the run's names.
fn by_name(db: &Connection, things: &BTreeSet<String>, keys: &BTreeSet<Subscription>) -> Read<BTreeSet<i64>> {
    let mut found = BTreeSet::new();
    for thing in things {
        found.extend(rows(db, ABOUT, [thing], key)?);
    }
    for one in keys {
        found.extend(unverified(db, WITH_KEY, [&one.kind, &one.key], key)?);
        found.extend(unverified(db, OF_TYPE_ABOUT, [&one.kind, &one.key], key)?);
    }
    Ok(found)
}

/// Looks at the names of all that are to be delivered.
fn among_all(db: &Connection, things: &BTreeSet<String>, keys: &BTreeSet<Subscription>) -> Read<BTreeSet<i64>> {
    let is_wanted = |kind: &str, key: &str| {
        keys.contains(&Subscription {
            kind: kind.to_owned(),
            key: key.to_owned(),
        })
    };
    let meant = |row: &Row<'_>| -> Read<Option<i64>> {
        let kind = text(row, 1)?;
        let named: Option<String> = column(row, 2)?;
        let subject: Option<String> = column(row, 3)?;
        let is_meant = named.is_some_and(|named| is_wanted(kind, &named))
            || subject.is_some_and(|subject| things.contains(&subject) || is_wanted(kind, &subject));
        Ok(if is_meant { Some(key(row)?) } else { None })
    };
    Ok(unverified(db, ALL_DUE, [], meant)?.into_iter().flatten().collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sqlite::lock::Locks;
    use crate::store::sqlite::{Opening, layout};

    /// How SQLite goes about a statement.
    fn plan_of(db: &Connection, sql: &str) -> Vec<String> {
        let mut statement = db.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
        let parameters = statement.parameter_count();
        let nothing = vec![rusqlite::types::Null; parameters];
        let rows = statement.query_map(rusqlite::params_from_iter(nothing), |row| row.get(3));
        rows.unwrap().map(Result::unwrap).collect()
    }

    #[test]
    fn nothing_that_is_over_or_for_others_is_looked_at() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("gatefold.db");
        drop(Locks::take(&path).unwrap());
        let db = layout::open_writer(&path, Opening::default()).unwrap();
        for sql in [ABOUT, WITH_KEY, OF_TYPE_ABOUT, ONE] {
            let plan = plan_of(&db, sql);
            assert!(!plan.is_empty(), "{sql}");
            assert!(plan.iter().all(|line| !line.starts_with("SCAN")), "{sql}: {plan:?}");
        }
        // these two are for what is to be delivered, and end where that does
        for sql in [DUE, ALL_DUE] {
            let plan = plan_of(&db, sql);
            let scans: Vec<_> = plan.iter().filter(|line| line.starts_with("SCAN inbound")).collect();
            assert!(scans.iter().all(|line| line.contains("inbound_due")), "{sql}: {plan:?}");
        }
    }
}
