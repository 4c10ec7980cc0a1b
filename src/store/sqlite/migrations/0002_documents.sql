-- Layout 2.
--
-- The document that counts in each file, and when it expires; the version itself is in the file.

CREATE TABLE expiry (
    file        TEXT PRIMARY KEY,
    version     INTEGER NOT NULL,
    day         TEXT NOT NULL,
    renew_at    TEXT,
    told        INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX expiry_day ON expiry (day, file);
CREATE INDEX expiry_renewal ON expiry (renew_at, file, day, version) WHERE renew_at IS NOT NULL;
CREATE INDEX expiry_untold ON expiry (renew_at, file) WHERE renew_at IS NOT NULL AND told = 0;
