//! What may be forgotten, as the middle of statements.
//!
//! Invariant: nothing is forgotten because of a bit that a disk flipped. Rows are found by an index, which has no
//! checksum; so each is looked up once more by its key, where its date is compared again and its checksum verified.

/// Keys of the oldest that were outdated at `?1`, at most `?2` of them. The `+` keeps SQLite from taking the second
/// comparison from the index too.
macro_rules! outdated_sql {
    (events) => {
        "SELECT key FROM inbound WHERE key IN \
         (SELECT key FROM inbound WHERE done_at <= ?1 AND intact ORDER BY done_at, key LIMIT ?2) \
         AND +done_at <= ?1 AND intact"
    };
    (kept) => {
        "SELECT key FROM inbound WHERE key IN \
         (SELECT key FROM inbound WHERE kept_until <= ?1 AND intact ORDER BY kept_until, key LIMIT ?2) \
         AND +kept_until <= ?1 AND intact"
    };
    (mails) => {
        "SELECT key FROM mail WHERE key IN \
         (SELECT key FROM mail WHERE state = 'sent' AND at <= ?1 AND intact ORDER BY at, key LIMIT ?2) \
         AND +state = 'sent' AND +at <= ?1 AND intact"
    };
    (used_keys) => {
        "SELECT scope, key FROM used_key WHERE (scope, key) IN \
         (SELECT scope, key FROM used_key WHERE until <= ?1 AND intact ORDER BY until, scope, key LIMIT ?2) \
         AND +until <= ?1 AND intact"
    };
}
pub(super) use outdated_sql;

#[cfg(test)]
mod tests {
    use crate::store::sqlite::lock::Locks;
    use crate::store::sqlite::read::kept_events;
    use crate::store::sqlite::{Opening, layout};

    #[test]
    fn one_event_counts_for_no_more_than_it_can_have() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("gatefold.db");
        drop(Locks::take(&path).unwrap());
        let db = layout::open_writer(&path, Opening::default()).unwrap();
        let insert =
            "INSERT INTO inbound (id, kind, bytes, attempts, kept_until, body) VALUES (?1, 'k', ?2, 0, '2026', '{}')";
        for (id, bytes) in [("a", 7), ("b", 1_i64 << 60), ("c", -(1_i64 << 60))] {
            db.execute(insert, rusqlite::params![id, bytes]).unwrap();
        }
        let kept = kept_events(&db).unwrap();
        assert_eq!((kept.count, kept.bytes), (3, 7 + (4 << 20)));
    }
}
