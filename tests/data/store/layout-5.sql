-- layout 5
CREATE TABLE access_grant (
    key         INTEGER PRIMARY KEY,
    id          TEXT NOT NULL UNIQUE,
    rev         INTEGER NOT NULL,
    share       TEXT NOT NULL,
    token_hash  TEXT NOT NULL,
    body        TEXT NOT NULL
) STRICT;
CREATE TABLE access_log (
    position    INTEGER PRIMARY KEY,
    share       TEXT,
    body        TEXT NOT NULL
) STRICT;
CREATE TABLE comment (
    key         INTEGER PRIMARY KEY,
    id          TEXT NOT NULL UNIQUE,
    share       TEXT NOT NULL,
    body        TEXT NOT NULL
) STRICT;
CREATE TABLE delivery (
    event       TEXT NOT NULL,
    target      TEXT NOT NULL,
    PRIMARY KEY (event, target)
) STRICT, WITHOUT ROWID;
CREATE TABLE deployment (
    key         INTEGER PRIMARY KEY,
    flow        TEXT NOT NULL,
    hash        TEXT NOT NULL,
    body        TEXT NOT NULL
, version TEXT) STRICT;
CREATE TABLE event (
    position    INTEGER PRIMARY KEY,
    run         INTEGER NOT NULL,
    seq         INTEGER NOT NULL,
    at          TEXT NOT NULL,
    v           INTEGER NOT NULL,
    body        TEXT NOT NULL
) STRICT;
CREATE TABLE expiry (
    file        TEXT PRIMARY KEY,
    version     INTEGER NOT NULL,
    day         TEXT NOT NULL,
    renew_at    TEXT,
    told        INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE file (
    key         INTEGER PRIMARY KEY,
    id          TEXT NOT NULL UNIQUE,
    rev         INTEGER NOT NULL,
    workspace   TEXT NOT NULL,
    folder      TEXT NOT NULL,
    name        TEXT NOT NULL,
    body        TEXT NOT NULL,
    UNIQUE (workspace, folder, name)
) STRICT;
CREATE TABLE file_lock (
    file        TEXT NOT NULL,
    run         TEXT NOT NULL,
    PRIMARY KEY (file, run)
) STRICT, WITHOUT ROWID;
CREATE TABLE inbound (
    key         INTEGER PRIMARY KEY,
    id          TEXT NOT NULL UNIQUE,
    kind        TEXT NOT NULL,
    event_key   TEXT,
    bytes       INTEGER NOT NULL,
    attempts    INTEGER NOT NULL,
    due_at      TEXT,
    kept_until  TEXT,
    done_at     TEXT,
    body        TEXT NOT NULL
) STRICT;
CREATE TABLE inbound_subject (
    subject     TEXT NOT NULL,
    event       INTEGER NOT NULL,
    PRIMARY KEY (subject, event)
) STRICT, WITHOUT ROWID;
CREATE TABLE mail (
    key         INTEGER PRIMARY KEY,
    id          TEXT NOT NULL UNIQUE,
    rev         INTEGER NOT NULL,
    state       TEXT NOT NULL,
    at          TEXT NOT NULL,
    body        TEXT NOT NULL
) STRICT;
CREATE TABLE owner (
    thing       TEXT NOT NULL,
    run         TEXT NOT NULL,
    PRIMARY KEY (thing, run)
) STRICT, WITHOUT ROWID;
CREATE TABLE run (
    key         INTEGER PRIMARY KEY,
    id          TEXT NOT NULL UNIQUE,
    flow        TEXT NOT NULL,
    version     TEXT NOT NULL,
    plan        TEXT NOT NULL,
    status      TEXT NOT NULL,
    outcome     TEXT,
    initiator   TEXT NOT NULL,
    started_at  TEXT NOT NULL,
    ended_at    TEXT,
    wakeup_at   TEXT,
    busy        INTEGER NOT NULL,
    incident    INTEGER NOT NULL,
    seq         INTEGER NOT NULL
) STRICT;
CREATE TABLE share (
    key         INTEGER PRIMARY KEY,
    id          TEXT NOT NULL UNIQUE,
    rev         INTEGER NOT NULL,
    live        INTEGER NOT NULL,
    expires_at  TEXT NOT NULL,
    body        TEXT NOT NULL
) STRICT;
CREATE TABLE stretch (
    run         INTEGER NOT NULL REFERENCES run (key),
    last        INTEGER NOT NULL,
    first       INTEGER NOT NULL,
    position    INTEGER NOT NULL,
    PRIMARY KEY (run, last)
) STRICT, WITHOUT ROWID;
CREATE TABLE subscription (
    kind        TEXT NOT NULL,
    event_key   TEXT NOT NULL,
    run         TEXT NOT NULL,
    PRIMARY KEY (kind, event_key, run)
) STRICT, WITHOUT ROWID;
CREATE TABLE task (
    key         INTEGER PRIMARY KEY,
    id          TEXT NOT NULL UNIQUE,
    rev         INTEGER NOT NULL,
    open        INTEGER NOT NULL,
    opened_at   TEXT NOT NULL,
    body        TEXT NOT NULL
) STRICT;
CREATE TABLE task_person (
    person      TEXT NOT NULL,
    task        TEXT NOT NULL,
    PRIMARY KEY (person, task)
) STRICT, WITHOUT ROWID;
CREATE TABLE used_key (
    scope       TEXT NOT NULL,
    key         TEXT NOT NULL,
    value       TEXT NOT NULL,
    digest      TEXT,
    until       TEXT,
    PRIMARY KEY (scope, key)
) STRICT, WITHOUT ROWID;
CREATE TABLE workspace (
    key         INTEGER PRIMARY KEY,
    id          TEXT NOT NULL UNIQUE,
    rev         INTEGER NOT NULL,
    body        TEXT NOT NULL
) STRICT;
CREATE INDEX access_of_share ON access_log (share) WHERE share IS NOT NULL;
CREATE INDEX comment_in_share ON comment (share);
CREATE INDEX deployment_of_flow ON deployment (flow);
CREATE INDEX deployment_of_hash ON deployment (hash);
CREATE UNIQUE INDEX deployment_version ON deployment (flow, version);
CREATE INDEX expiry_day ON expiry (day, file);
CREATE INDEX expiry_renewal ON expiry (renew_at, file, day, version) WHERE renew_at IS NOT NULL;
CREATE INDEX expiry_untold ON expiry (renew_at, file) WHERE renew_at IS NOT NULL AND told = 0;
CREATE INDEX grant_of_share ON access_grant (share);
CREATE UNIQUE INDEX grant_of_token ON access_grant (token_hash) WHERE token_hash <> '';
CREATE INDEX inbound_done ON inbound (done_at) WHERE done_at IS NOT NULL;
CREATE INDEX inbound_due ON inbound (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX inbound_due_for ON inbound (kind, event_key) WHERE due_at IS NOT NULL;
CREATE INDEX inbound_kept ON inbound (kept_until, bytes) WHERE kept_until IS NOT NULL;
CREATE INDEX inbound_kept_for ON inbound (kind, event_key) WHERE kept_until IS NOT NULL;
CREATE INDEX inbound_subject_of_event ON inbound_subject (event);
CREATE INDEX mail_in_state ON mail (state);
CREATE INDEX mail_sent ON mail (at) WHERE state = 'sent';
CREATE INDEX run_alive ON run (status) WHERE status <> 'ended';
CREATE INDEX run_busy ON run (busy) WHERE busy = 1;
CREATE INDEX run_incident ON run (incident) WHERE incident = 1;
CREATE INDEX run_of_flow ON run (flow);
CREATE INDEX run_wakeup ON run (wakeup_at) WHERE wakeup_at IS NOT NULL;
CREATE INDEX share_expiry ON share (expires_at) WHERE live = 1;
CREATE INDEX subscription_of_run ON subscription (run);
CREATE INDEX task_about ON task (json_extract(body, '$.document.id'))
    WHERE json_extract(body, '$.document.id') IS NOT NULL;
CREATE INDEX task_open ON task (opened_at) WHERE open = 1;
CREATE INDEX task_person_of_task ON task_person (task);
CREATE INDEX used_key_until ON used_key (until) WHERE until IS NOT NULL;
