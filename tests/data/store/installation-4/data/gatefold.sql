PRAGMA application_id = 1198802532;
PRAGMA user_version = 4;
BEGIN TRANSACTION;
CREATE TABLE access_grant (
    key         INTEGER PRIMARY KEY,
    id          TEXT NOT NULL UNIQUE,
    rev         INTEGER NOT NULL,
    share       TEXT NOT NULL,
    token_hash  TEXT NOT NULL,
    body        TEXT NOT NULL
) STRICT;
INSERT INTO "access_grant" VALUES(1,'grt_e5cdd3387522646361c57e67dba4b107',1,'shr_2891e9e1d0ff84f212d0230b1a3e522d','12a43c00fb510c1e0dd8cb2c948220acb7e5f3f575c84c2e3735bb8d0d9a8532','{"id":"grt_e5cdd3387522646361c57e67dba4b107","share":"shr_2891e9e1d0ff84f212d0230b1a3e522d","to":{"email":"partner@example.net"},"role":"contribute","token_hash":"12a43c00fb510c1e0dd8cb2c948220acb7e5f3f575c84c2e3735bb8d0d9a8532","password_hash":null,"failed_passwords":0,"locked_until":null,"expires_at":null,"state":"live","created_at":"2026-11-30T22:31:43.690982757Z","opened_at":null,"rev":1}');
CREATE TABLE access_log (
    position    INTEGER PRIMARY KEY,
    share       TEXT,
    body        TEXT NOT NULL
) STRICT;
INSERT INTO "access_log" VALUES(1,NULL,'{"at":"2026-11-30T22:31:43.665817885Z","actor":"user:dora","kind":"upload","file":"fil_01a22e95df327513802a2e76e4711623","version":1,"sha256":"e1145df241a5b32eae2f292a28d2d691f739b6c0937e15c6c3dd1a467c2857df"}');
INSERT INTO "access_log" VALUES(2,'shr_2891e9e1d0ff84f212d0230b1a3e522d','{"at":"2026-11-30T22:31:43.683866132Z","actor":"run:run_01a22e95df4372b790d77cd2756cafd0","kind":"administer","share":"shr_2891e9e1d0ff84f212d0230b1a3e522d","run":"run_01a22e95df4372b790d77cd2756cafd0"}');
INSERT INTO "access_log" VALUES(3,'shr_2891e9e1d0ff84f212d0230b1a3e522d','{"at":"2026-11-30T22:31:43.690982757Z","actor":"run:run_01a22e95df4372b790d77cd2756cafd0","kind":"administer","share":"shr_2891e9e1d0ff84f212d0230b1a3e522d","run":"run_01a22e95df4372b790d77cd2756cafd0"}');
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
INSERT INTO "deployment" VALUES(1,'kept','544b9a5b426dad8dbf5af2a50731068be94165f0e1b6d6e5a2c6dab626340762','{"flow":"kept","version":"1.0.0","hash":"544b9a5b426dad8dbf5af2a50731068be94165f0e1b6d6e5a2c6dab626340762","source":"flow: kept\nversion: 1.0.0\ntitle: A run that waits for somebody outside and for a decision\nowner: dora@example.com\n\non:\n  manual: {}\n\ninputs:\n  document: { type: file, title: Document }\n\nsteps:\n  - id: room\n    uses: file360.create_share\n    with:\n      name: Papers\n      files: [\"${{ inputs.document }}\"]\n      expires_in: 3650 days\n\n  - id: access\n    uses: file360.set_permissions\n    with: { share: \"${{ steps.room.share }}\", to: \"partner@example.net\", role: contribute }\n\n  - id: sign_off\n    title: Sign-off\n    approve:\n      document: ${{ inputs.document }}\n      by: [role:legal]\n      rule: any\n      exclude: [initiator]\n      decisions: [approved, rejected]\n      reason: [rejected]\n    deadline: { due: 3650 days }\n    outcomes:\n      rejected: { end: rejected }\n      expired: { end: expired }\n\n  - id: publish\n    uses: file360.publish\n    with: { file: \"${{ steps.sign_off.document }}\", to: /published }\n","calendars":{},"by":"user:operator","at":"2026-11-30T22:31:43.500706005Z"}','1.0.0');
CREATE TABLE event (
    position    INTEGER PRIMARY KEY,
    run         INTEGER NOT NULL,
    seq         INTEGER NOT NULL,
    at          TEXT NOT NULL,
    v           INTEGER NOT NULL,
    body        TEXT NOT NULL
) STRICT;
INSERT INTO "event" VALUES(1,1,1,'2026-11-30T22:31:43.683457880Z',1,'{"type":"run_started","flow":"kept","version":"1.0.0","plan":"544b9a5b426dad8dbf5af2a50731068be94165f0e1b6d6e5a2c6dab626340762","inputs":{"document":{"id":"fil_01a22e95df327513802a2e76e4711623","name":"contract.txt","version":1,"sha256":"e1145df241a5b32eae2f292a28d2d691f739b6c0937e15c6c3dd1a467c2857df","size":29,"media_type":"text/plain","by":"user:dora"}},"initiator":"user:dora","trigger":"manual","seed":7623163471379463971}');
INSERT INTO "event" VALUES(2,1,2,'2026-11-30T22:31:43.683457880Z',1,'{"type":"action_scheduled","step":"room","round":1,"input":{"name":"Papers","files":[{"id":"fil_01a22e95df327513802a2e76e4711623","name":"contract.txt","version":1,"sha256":"e1145df241a5b32eae2f292a28d2d691f739b6c0937e15c6c3dd1a467c2857df","size":29,"media_type":"text/plain","by":"user:dora"}],"expires_in":"3650 days"}}');
INSERT INTO "event" VALUES(3,1,3,'2026-11-30T22:31:43.684275471Z',1,'{"type":"step_finished","step":"room","round":1,"outcome":"done","output":{"share":"shr_2891e9e1d0ff84f212d0230b1a3e522d","name":"Papers","expires_at":"2036-11-27T22:31:43.683866132Z","workspace":"wsp_main","folder":"/shares/shr_2891e9e1d0ff84f212d0230b1a3e522d"}}');
INSERT INTO "event" VALUES(4,1,4,'2026-11-30T22:31:43.684275471Z',1,'{"type":"action_scheduled","step":"access","round":1,"input":{"share":"shr_2891e9e1d0ff84f212d0230b1a3e522d","to":"partner@example.net","role":"contribute"}}');
INSERT INTO "event" VALUES(5,1,5,'2026-11-30T22:31:43.691507781Z',1,'{"type":"step_finished","step":"access","round":1,"outcome":"done","output":{"grant":"grt_e5cdd3387522646361c57e67dba4b107","share":"shr_2891e9e1d0ff84f212d0230b1a3e522d","to":"email:partner@example.net","role":"contribute"}}');
INSERT INTO "event" VALUES(6,1,6,'2026-11-30T22:31:43.691507781Z',1,'{"type":"task_opened","step":"sign_off","round":1,"task":"tsk_72ab361c2c54089539834c828e659500","document":{"id":"fil_01a22e95df327513802a2e76e4711623","name":"contract.txt","version":1,"sha256":"e1145df241a5b32eae2f292a28d2d691f739b6c0937e15c6c3dd1a467c2857df","size":29,"media_type":"text/plain","by":"user:dora"},"by":["role:legal"],"exclude":["user:dora"],"timers":{"due":"2036-11-27T22:31:43.691507781Z"}}');
INSERT INTO "event" VALUES(7,1,7,'2026-11-30T22:31:43.691892123Z',1,'{"type":"task_assigned","task":"tsk_72ab361c2c54089539834c828e659500","people":["user:anna","user:ben"]}');
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
INSERT INTO "file" VALUES(1,'fil_01a22e95df327513802a2e76e4711623',1,'wsp_main','/inputs/01a22e95df2870b288767edba5c542b4','contract.txt','{"id":"fil_01a22e95df327513802a2e76e4711623","workspace":"wsp_main","folder":"/inputs/01a22e95df2870b288767edba5c542b4","name":"contract.txt","versions":[{"number":1,"sha256":"e1145df241a5b32eae2f292a28d2d691f739b6c0937e15c6c3dd1a467c2857df","size":29,"media_type":"text/plain","by":"user:dora","at":"2026-11-30T22:31:43.665817885Z"}],"rev":1}');
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
INSERT INTO "inbound" VALUES(1,'evt_dace52a8457038f0a2d22f781a10e9f6','file360.file_uploaded',NULL,532,0,NULL,NULL,'2026-11-30T22:31:43.690852751Z','{"id":"evt_dace52a8457038f0a2d22f781a10e9f6","kind":"file360.file_uploaded","subjects":["fil_01a22e95df327513802a2e76e4711623","wsp_main"],"data":{"workspace":"wsp_main","folder":"/inputs/01a22e95df2870b288767edba5c542b4","file":{"id":"fil_01a22e95df327513802a2e76e4711623","name":"contract.txt","version":1,"sha256":"e1145df241a5b32eae2f292a28d2d691f739b6c0937e15c6c3dd1a467c2857df","size":29,"media_type":"text/plain","by":"user:dora"},"by":"user:dora","at":"2026-11-30T22:31:43.665817885Z"},"at":"2026-11-30T22:31:43.665817885Z"}');
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
INSERT INTO "mail" VALUES(1,'mal_5a998a00feb69d818506604e1030972f',3,'sent','2026-11-30T22:31:43.690982757Z','{"id":"mal_5a998a00feb69d818506604e1030972f","to":["partner@example.net"],"subject":"Papers","text":"“Papers” is shared with you.\n\nOpen it here: {link}\n\nThe link works until Thursday, 27 November 2036, 22:31 UTC. Please do not pass it on.\n","grant":"grt_e5cdd3387522646361c57e67dba4b107","run":"run_01a22e95df4372b790d77cd2756cafd0","at":"2026-11-30T22:31:43.690982757Z","state":"sent","attempts":1,"error":null,"rev":3}');
INSERT INTO "mail" VALUES(2,'mal_e6795ece01a02eafb64b76a152bf0483',3,'sent','2026-11-30T22:31:43.691892123Z','{"id":"mal_e6795ece01a02eafb64b76a152bf0483","to":["anna@example.com"],"subject":"You are asked to decide: Sign-off","text":"You are asked to decide: Sign-off\n\nDocument: contract.txt, version 1\nFlow:     A run that waits for somebody outside and for a decision\nAsked by: Dora Díaz\nDue:      Thursday, 27 November 2036, 22:31 UTC\n\nTo answer, with a token of yours in GATEFOLD_TOKEN:\n  gatefold tasks show tsk_72ab361c2c54089539834c828e659500 --server http://127.0.0.1:8080\n  gatefold tasks document tsk_72ab361c2c54089539834c828e659500 --output FILE --server http://127.0.0.1:8080\n  gatefold tasks decide ANSWER --task tsk_72ab361c2c54089539834c828e659500 --file FILE --server http://127.0.0.1:8080\nANSWER is approved or rejected (with --reason).\n","grant":null,"run":"run_01a22e95df4372b790d77cd2756cafd0","at":"2026-11-30T22:31:43.691892123Z","state":"sent","attempts":1,"error":null,"rev":3}');
INSERT INTO "mail" VALUES(3,'mal_26db1da8bf9e1745fe6f73afa8f86e2b',3,'sent','2026-11-30T22:31:43.691892123Z','{"id":"mal_26db1da8bf9e1745fe6f73afa8f86e2b","to":["ben@example.com"],"subject":"You are asked to decide: Sign-off","text":"You are asked to decide: Sign-off\n\nDocument: contract.txt, version 1\nFlow:     A run that waits for somebody outside and for a decision\nAsked by: Dora Díaz\nDue:      Thursday, 27 November 2036, 22:31 UTC\n\nTo answer, with a token of yours in GATEFOLD_TOKEN:\n  gatefold tasks show tsk_72ab361c2c54089539834c828e659500 --server http://127.0.0.1:8080\n  gatefold tasks document tsk_72ab361c2c54089539834c828e659500 --output FILE --server http://127.0.0.1:8080\n  gatefold tasks decide ANSWER --task tsk_72ab361c2c54089539834c828e659500 --file FILE --server http://127.0.0.1:8080\nANSWER is approved or rejected (with --reason).\n","grant":null,"run":"run_01a22e95df4372b790d77cd2756cafd0","at":"2026-11-30T22:31:43.691892123Z","state":"sent","attempts":1,"error":null,"rev":3}');
CREATE TABLE owner (
    thing       TEXT NOT NULL,
    run         TEXT NOT NULL,
    PRIMARY KEY (thing, run)
) STRICT, WITHOUT ROWID;
INSERT INTO "owner" VALUES('fil_01a22e95df327513802a2e76e4711623','run_01a22e95df4372b790d77cd2756cafd0');
INSERT INTO "owner" VALUES('shr_2891e9e1d0ff84f212d0230b1a3e522d','run_01a22e95df4372b790d77cd2756cafd0');
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
INSERT INTO "run" VALUES(1,'run_01a22e95df4372b790d77cd2756cafd0','kept','1.0.0','544b9a5b426dad8dbf5af2a50731068be94165f0e1b6d6e5a2c6dab626340762','running',NULL,'user:dora','2026-11-30T22:31:43.683457880Z',NULL,'2036-11-27T22:31:43.691507781Z',0,0,7);
CREATE TABLE share (
    key         INTEGER PRIMARY KEY,
    id          TEXT NOT NULL UNIQUE,
    rev         INTEGER NOT NULL,
    live        INTEGER NOT NULL,
    expires_at  TEXT NOT NULL,
    body        TEXT NOT NULL
) STRICT;
INSERT INTO "share" VALUES(1,'shr_2891e9e1d0ff84f212d0230b1a3e522d',1,1,'2036-11-27T22:31:43.683866132Z','{"id":"shr_2891e9e1d0ff84f212d0230b1a3e522d","name":"Papers","workspace":"wsp_main","folder":"/shares/shr_2891e9e1d0ff84f212d0230b1a3e522d","files":["fil_01a22e95df327513802a2e76e4711623"],"expires_at":"2036-11-27T22:31:43.683866132Z","state":"live","created_by":"run:run_01a22e95df4372b790d77cd2756cafd0","created_at":"2026-11-30T22:31:43.683866132Z","run":"run_01a22e95df4372b790d77cd2756cafd0","rev":1}');
CREATE TABLE stretch (
    run         INTEGER NOT NULL REFERENCES run (key),
    last        INTEGER NOT NULL,
    first       INTEGER NOT NULL,
    position    INTEGER NOT NULL,
    PRIMARY KEY (run, last)
) STRICT, WITHOUT ROWID;
INSERT INTO "stretch" VALUES(1,4,1,1);
INSERT INTO "stretch" VALUES(1,7,5,5);
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
INSERT INTO "task" VALUES(1,'tsk_72ab361c2c54089539834c828e659500',1,1,'2026-11-30T22:31:43.691507781Z','{"id":"tsk_72ab361c2c54089539834c828e659500","run":"run_01a22e95df4372b790d77cd2756cafd0","flow":"kept","step":"sign_off","title":"Sign-off","ask":null,"kind":"approve","document":{"id":"fil_01a22e95df327513802a2e76e4711623","name":"contract.txt","version":1,"sha256":"e1145df241a5b32eae2f292a28d2d691f739b6c0937e15c6c3dd1a467c2857df","size":29,"media_type":"text/plain","by":"user:dora"},"form":[],"decisions":["approved","rejected"],"reason":["rejected"],"people":["user:anna","user:ben"],"deputies":[],"escalated":[],"place":"user:anna","claimed_by":null,"given_to":null,"suspended":null,"allow":["delegate","reassign","release"],"started":[],"draft":null,"visible":{},"priority":"normal","thread":[],"decided":[],"due":"2036-11-27T22:31:43.691507781Z","because":"3650 days after it began","opened_at":"2026-11-30T22:31:43.691507781Z","state":"open","rev":1}');
CREATE TABLE task_person (
    person      TEXT NOT NULL,
    task        TEXT NOT NULL,
    PRIMARY KEY (person, task)
) STRICT, WITHOUT ROWID;
INSERT INTO "task_person" VALUES('user:anna','tsk_72ab361c2c54089539834c828e659500');
INSERT INTO "task_person" VALUES('user:ben','tsk_72ab361c2c54089539834c828e659500');
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
CREATE INDEX run_of_flow ON run (flow);
CREATE INDEX run_alive ON run (status) WHERE status <> 'ended';
CREATE INDEX run_wakeup ON run (wakeup_at) WHERE wakeup_at IS NOT NULL;
CREATE INDEX run_busy ON run (busy) WHERE busy = 1;
CREATE INDEX run_incident ON run (incident) WHERE incident = 1;
CREATE INDEX deployment_of_flow ON deployment (flow);
CREATE INDEX deployment_of_hash ON deployment (hash);
CREATE INDEX share_expiry ON share (expires_at) WHERE live = 1;
CREATE INDEX grant_of_share ON access_grant (share);
CREATE UNIQUE INDEX grant_of_token ON access_grant (token_hash) WHERE token_hash <> '';
CREATE INDEX comment_in_share ON comment (share);
CREATE INDEX access_of_share ON access_log (share) WHERE share IS NOT NULL;
CREATE INDEX task_open ON task (opened_at) WHERE open = 1;
CREATE INDEX task_person_of_task ON task_person (task);
CREATE INDEX subscription_of_run ON subscription (run);
CREATE INDEX inbound_due ON inbound (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX inbound_kept_for ON inbound (kind, event_key) WHERE kept_until IS NOT NULL;
CREATE INDEX inbound_kept ON inbound (kept_until, bytes) WHERE kept_until IS NOT NULL;
CREATE INDEX inbound_done ON inbound (done_at) WHERE done_at IS NOT NULL;
CREATE INDEX mail_in_state ON mail (state);
CREATE INDEX mail_sent ON mail (at) WHERE state = 'sent';
CREATE INDEX used_key_until ON used_key (until) WHERE until IS NOT NULL;
CREATE INDEX expiry_day ON expiry (day, file);
CREATE INDEX expiry_renewal ON expiry (renew_at, file, day, version) WHERE renew_at IS NOT NULL;
CREATE INDEX expiry_untold ON expiry (renew_at, file) WHERE renew_at IS NOT NULL AND told = 0;
CREATE UNIQUE INDEX deployment_version ON deployment (flow, version);
CREATE INDEX inbound_subject_of_event ON inbound_subject (event);
CREATE INDEX inbound_due_for ON inbound (kind, event_key) WHERE due_at IS NOT NULL;
COMMIT;
