-- layout 6
CREATE TRIGGER accepted_loss_is_intact BEFORE UPDATE ON accepted_loss WHEN NOT old.intact BEGIN SELECT RAISE(ABORT, 'damaged row'); END;
CREATE TRIGGER access_grant_is_intact BEFORE UPDATE ON access_grant WHEN NOT old.intact BEGIN SELECT RAISE(ABORT, 'damaged row'); END;
CREATE TRIGGER access_log_is_intact BEFORE UPDATE ON access_log WHEN NOT old.intact BEGIN SELECT RAISE(ABORT, 'damaged row'); END;
CREATE TRIGGER comment_is_intact BEFORE UPDATE ON comment WHEN NOT old.intact BEGIN SELECT RAISE(ABORT, 'damaged row'); END;
CREATE TRIGGER delivery_is_intact BEFORE UPDATE ON delivery WHEN NOT old.intact BEGIN SELECT RAISE(ABORT, 'damaged row'); END;
CREATE TRIGGER deployment_is_intact BEFORE UPDATE ON deployment WHEN NOT old.intact BEGIN SELECT RAISE(ABORT, 'damaged row'); END;
CREATE TRIGGER event_is_intact BEFORE UPDATE ON event WHEN NOT old.intact BEGIN SELECT RAISE(ABORT, 'damaged row'); END;
CREATE TRIGGER expiry_is_intact BEFORE UPDATE ON expiry WHEN NOT old.intact BEGIN SELECT RAISE(ABORT, 'damaged row'); END;
CREATE TRIGGER file_is_intact BEFORE UPDATE ON file WHEN NOT old.intact BEGIN SELECT RAISE(ABORT, 'damaged row'); END;
CREATE TRIGGER file_lock_is_intact BEFORE UPDATE ON file_lock WHEN NOT old.intact BEGIN SELECT RAISE(ABORT, 'damaged row'); END;
CREATE TRIGGER inbound_is_intact BEFORE UPDATE ON inbound WHEN NOT old.intact BEGIN SELECT RAISE(ABORT, 'damaged row'); END;
CREATE TRIGGER inbound_subject_is_intact BEFORE UPDATE ON inbound_subject WHEN NOT old.intact BEGIN SELECT RAISE(ABORT, 'damaged row'); END;
CREATE TRIGGER last_commit_is_intact BEFORE UPDATE ON last_commit WHEN NOT old.intact BEGIN SELECT RAISE(ABORT, 'damaged row'); END;
CREATE TRIGGER mail_is_intact BEFORE UPDATE ON mail WHEN NOT old.intact BEGIN SELECT RAISE(ABORT, 'damaged row'); END;
CREATE TRIGGER owner_is_intact BEFORE UPDATE ON owner WHEN NOT old.intact BEGIN SELECT RAISE(ABORT, 'damaged row'); END;
CREATE TRIGGER run_is_intact BEFORE UPDATE ON run WHEN NOT old.intact BEGIN SELECT RAISE(ABORT, 'damaged row'); END;
CREATE TRIGGER share_is_intact BEFORE UPDATE ON share WHEN NOT old.intact BEGIN SELECT RAISE(ABORT, 'damaged row'); END;
CREATE TRIGGER stretch_is_intact BEFORE UPDATE ON stretch WHEN NOT old.intact BEGIN SELECT RAISE(ABORT, 'damaged row'); END;
CREATE TRIGGER subscription_is_intact BEFORE UPDATE ON subscription WHEN NOT old.intact BEGIN SELECT RAISE(ABORT, 'damaged row'); END;
CREATE TRIGGER task_is_intact BEFORE UPDATE ON task WHEN NOT old.intact BEGIN SELECT RAISE(ABORT, 'damaged row'); END;
CREATE TRIGGER task_person_is_intact BEFORE UPDATE ON task_person WHEN NOT old.intact BEGIN SELECT RAISE(ABORT, 'damaged row'); END;
CREATE TRIGGER used_key_is_intact BEFORE UPDATE ON used_key WHEN NOT old.intact BEGIN SELECT RAISE(ABORT, 'damaged row'); END;
CREATE TRIGGER workspace_is_intact BEFORE UPDATE ON workspace WHEN NOT old.intact BEGIN SELECT RAISE(ABORT, 'damaged row'); END;
CREATE TABLE "accepted_loss" (
    sum INTEGER GENERATED ALWAYS AS (gatefold_sum('accepted_loss', 1, key, at, acknowledged, found)) STORED,
    intact INTEGER GENERATED ALWAYS AS (sum = gatefold_sum('accepted_loss', 1, key, at, acknowledged, found)) VIRTUAL,
    key         INTEGER PRIMARY KEY,
    at          TEXT NOT NULL,
    acknowledged INTEGER NOT NULL,
    found       INTEGER NOT NULL
) STRICT;
CREATE TABLE "access_grant" (
    sum INTEGER GENERATED ALWAYS AS (gatefold_sum('access_grant', 1, key, id, rev, share, token_hash, body)) STORED,
    intact INTEGER GENERATED ALWAYS AS (sum = gatefold_sum('access_grant', 1, key, id, rev, share, token_hash, body)) VIRTUAL,
    key         INTEGER PRIMARY KEY,
    id          TEXT NOT NULL UNIQUE,
    rev         INTEGER NOT NULL,
    share       TEXT NOT NULL,
    token_hash  TEXT NOT NULL,
    body        TEXT NOT NULL
) STRICT;
CREATE TABLE "access_log" (
    sum INTEGER GENERATED ALWAYS AS (gatefold_sum('access_log', 1, position, share, body)) STORED,
    intact INTEGER GENERATED ALWAYS AS (sum = gatefold_sum('access_log', 1, position, share, body)) VIRTUAL,
    position    INTEGER PRIMARY KEY,
    share       TEXT,
    body        TEXT NOT NULL
) STRICT;
CREATE TABLE "comment" (
    sum INTEGER GENERATED ALWAYS AS (gatefold_sum('comment', 1, key, id, share, body)) STORED,
    intact INTEGER GENERATED ALWAYS AS (sum = gatefold_sum('comment', 1, key, id, share, body)) VIRTUAL,
    key         INTEGER PRIMARY KEY,
    id          TEXT NOT NULL UNIQUE,
    share       TEXT NOT NULL,
    body        TEXT NOT NULL
) STRICT;
CREATE TABLE "delivery" (
    sum INTEGER GENERATED ALWAYS AS (gatefold_sum('delivery', 0, event, target)) STORED,
    intact INTEGER GENERATED ALWAYS AS (sum = gatefold_sum('delivery', 0, event, target)) VIRTUAL,
    event       TEXT NOT NULL,
    target      TEXT NOT NULL,
    PRIMARY KEY (event, target)
) STRICT, WITHOUT ROWID;
CREATE TABLE "deployment" (
    sum INTEGER GENERATED ALWAYS AS (gatefold_sum('deployment', 1, key, flow, hash, body, version)) STORED,
    intact INTEGER GENERATED ALWAYS AS (sum = gatefold_sum('deployment', 1, key, flow, hash, body, version)) VIRTUAL,
    key         INTEGER PRIMARY KEY,
    flow        TEXT NOT NULL,
    hash        TEXT NOT NULL,
    body        TEXT NOT NULL
, version TEXT) STRICT;
CREATE TABLE "event" (
    sum INTEGER GENERATED ALWAYS AS (gatefold_sum('event', 2, position, run, seq, at, v, body)) STORED,
    intact INTEGER GENERATED ALWAYS AS (sum = gatefold_sum('event', 2, position, run, seq, at, v, body)) VIRTUAL,
    position    INTEGER PRIMARY KEY,
    run         INTEGER NOT NULL,
    seq         INTEGER NOT NULL,
    at          TEXT NOT NULL,
    v           INTEGER NOT NULL,
    body        TEXT NOT NULL
) STRICT;
CREATE TABLE "expiry" (
    sum INTEGER GENERATED ALWAYS AS (gatefold_sum('expiry', 0, file, version, day, renew_at, told)) STORED,
    intact INTEGER GENERATED ALWAYS AS (sum = gatefold_sum('expiry', 0, file, version, day, renew_at, told)) VIRTUAL,
    file        TEXT PRIMARY KEY,
    version     INTEGER NOT NULL,
    day         TEXT NOT NULL,
    renew_at    TEXT,
    told        INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE "file" (
    sum INTEGER GENERATED ALWAYS AS (gatefold_sum('file', 1, key, id, rev, workspace, folder, name, body)) STORED,
    intact INTEGER GENERATED ALWAYS AS (sum = gatefold_sum('file', 1, key, id, rev, workspace, folder, name, body)) VIRTUAL,
    key         INTEGER PRIMARY KEY,
    id          TEXT NOT NULL UNIQUE,
    rev         INTEGER NOT NULL,
    workspace   TEXT NOT NULL,
    folder      TEXT NOT NULL,
    name        TEXT NOT NULL,
    body        TEXT NOT NULL,
    UNIQUE (workspace, folder, name)
) STRICT;
CREATE TABLE "file_lock" (
    sum INTEGER GENERATED ALWAYS AS (gatefold_sum('file_lock', 0, file, run)) STORED,
    intact INTEGER GENERATED ALWAYS AS (sum = gatefold_sum('file_lock', 0, file, run)) VIRTUAL,
    file        TEXT NOT NULL,
    run         TEXT NOT NULL,
    PRIMARY KEY (file, run)
) STRICT, WITHOUT ROWID;
CREATE TABLE "inbound" (
    sum INTEGER GENERATED ALWAYS AS (gatefold_sum('inbound', 1, key, id, kind, event_key, bytes, attempts, due_at, kept_until, done_at, body)) STORED,
    intact INTEGER GENERATED ALWAYS AS (sum = gatefold_sum('inbound', 1, key, id, kind, event_key, bytes, attempts, due_at, kept_until, done_at, body)) VIRTUAL,
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
CREATE TABLE "inbound_subject" (
    sum INTEGER GENERATED ALWAYS AS (gatefold_sum('inbound_subject', 1, event, subject)) STORED,
    intact INTEGER GENERATED ALWAYS AS (sum = gatefold_sum('inbound_subject', 1, event, subject)) VIRTUAL,
    subject     TEXT NOT NULL,
    event       INTEGER NOT NULL,
    PRIMARY KEY (subject, event)
) STRICT, WITHOUT ROWID;
CREATE TABLE "last_commit" (
    sum INTEGER GENERATED ALWAYS AS (gatefold_sum('last_commit', 1, key, number)) STORED,
    intact INTEGER GENERATED ALWAYS AS (sum = gatefold_sum('last_commit', 1, key, number)) VIRTUAL,
    key         INTEGER PRIMARY KEY,
    number      INTEGER NOT NULL
) STRICT;
CREATE TABLE "mail" (
    sum INTEGER GENERATED ALWAYS AS (gatefold_sum('mail', 1, key, id, rev, state, at, body)) STORED,
    intact INTEGER GENERATED ALWAYS AS (sum = gatefold_sum('mail', 1, key, id, rev, state, at, body)) VIRTUAL,
    key         INTEGER PRIMARY KEY,
    id          TEXT NOT NULL UNIQUE,
    rev         INTEGER NOT NULL,
    state       TEXT NOT NULL,
    at          TEXT NOT NULL,
    body        TEXT NOT NULL
) STRICT;
CREATE TABLE "owner" (
    sum INTEGER GENERATED ALWAYS AS (gatefold_sum('owner', 0, thing, run)) STORED,
    intact INTEGER GENERATED ALWAYS AS (sum = gatefold_sum('owner', 0, thing, run)) VIRTUAL,
    thing       TEXT NOT NULL,
    run         TEXT NOT NULL,
    PRIMARY KEY (thing, run)
) STRICT, WITHOUT ROWID;
CREATE TABLE "run" (
    sum INTEGER GENERATED ALWAYS AS (gatefold_sum('run', 1, key, id, flow, version, plan, status, outcome, initiator, started_at, ended_at, wakeup_at, busy, incident, seq)) STORED,
    intact INTEGER GENERATED ALWAYS AS (sum = gatefold_sum('run', 1, key, id, flow, version, plan, status, outcome, initiator, started_at, ended_at, wakeup_at, busy, incident, seq)) VIRTUAL,
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
CREATE TABLE "share" (
    sum INTEGER GENERATED ALWAYS AS (gatefold_sum('share', 1, key, id, rev, live, expires_at, body)) STORED,
    intact INTEGER GENERATED ALWAYS AS (sum = gatefold_sum('share', 1, key, id, rev, live, expires_at, body)) VIRTUAL,
    key         INTEGER PRIMARY KEY,
    id          TEXT NOT NULL UNIQUE,
    rev         INTEGER NOT NULL,
    live        INTEGER NOT NULL,
    expires_at  TEXT NOT NULL,
    body        TEXT NOT NULL
) STRICT;
CREATE TABLE "stretch" (
    sum INTEGER GENERATED ALWAYS AS (gatefold_sum('stretch', 2, run, position, last, first)) STORED,
    intact INTEGER GENERATED ALWAYS AS (sum = gatefold_sum('stretch', 2, run, position, last, first)) VIRTUAL,
    run         INTEGER NOT NULL REFERENCES run (key),
    last        INTEGER NOT NULL,
    first       INTEGER NOT NULL,
    position    INTEGER NOT NULL,
    PRIMARY KEY (run, last)
) STRICT, WITHOUT ROWID;
CREATE TABLE "subscription" (
    sum INTEGER GENERATED ALWAYS AS (gatefold_sum('subscription', 0, kind, event_key, run)) STORED,
    intact INTEGER GENERATED ALWAYS AS (sum = gatefold_sum('subscription', 0, kind, event_key, run)) VIRTUAL,
    kind        TEXT NOT NULL,
    event_key   TEXT NOT NULL,
    run         TEXT NOT NULL,
    PRIMARY KEY (kind, event_key, run)
) STRICT, WITHOUT ROWID;
CREATE TABLE "task" (
    sum INTEGER GENERATED ALWAYS AS (gatefold_sum('task', 1, key, id, rev, open, opened_at, body)) STORED,
    intact INTEGER GENERATED ALWAYS AS (sum = gatefold_sum('task', 1, key, id, rev, open, opened_at, body)) VIRTUAL,
    key         INTEGER PRIMARY KEY,
    id          TEXT NOT NULL UNIQUE,
    rev         INTEGER NOT NULL,
    open        INTEGER NOT NULL,
    opened_at   TEXT NOT NULL,
    body        TEXT NOT NULL
) STRICT;
CREATE TABLE "task_person" (
    sum INTEGER GENERATED ALWAYS AS (gatefold_sum('task_person', 0, person, task)) STORED,
    intact INTEGER GENERATED ALWAYS AS (sum = gatefold_sum('task_person', 0, person, task)) VIRTUAL,
    person      TEXT NOT NULL,
    task        TEXT NOT NULL,
    PRIMARY KEY (person, task)
) STRICT, WITHOUT ROWID;
CREATE TABLE "used_key" (
    sum INTEGER GENERATED ALWAYS AS (gatefold_sum('used_key', 0, scope, key, value, digest, until)) STORED,
    intact INTEGER GENERATED ALWAYS AS (sum = gatefold_sum('used_key', 0, scope, key, value, digest, until)) VIRTUAL,
    scope       TEXT NOT NULL,
    key         TEXT NOT NULL,
    value       TEXT NOT NULL,
    digest      TEXT,
    until       TEXT,
    PRIMARY KEY (scope, key)
) STRICT, WITHOUT ROWID;
CREATE TABLE "workspace" (
    sum INTEGER GENERATED ALWAYS AS (gatefold_sum('workspace', 1, key, id, rev, body)) STORED,
    intact INTEGER GENERATED ALWAYS AS (sum = gatefold_sum('workspace', 1, key, id, rev, body)) VIRTUAL,
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
