-- Layout 6.
--
-- After this, every table gets a checksum for each of its rows, see `sums.rs`.

-- Counts the transactions, so that one that is missing is noticed; see `last.rs`.
CREATE TABLE last_commit (
    key         INTEGER PRIMARY KEY,
    number      INTEGER NOT NULL
) STRICT;
INSERT INTO last_commit (key, number) VALUES (1, 0);

-- Starts at which somebody accepted that acknowledged changes were lost.
CREATE TABLE accepted_loss (
    key         INTEGER PRIMARY KEY,
    at          TEXT NOT NULL,
    acknowledged INTEGER NOT NULL,
    found       INTEGER NOT NULL
) STRICT;
