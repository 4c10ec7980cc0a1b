-- Layout 4.
--
-- What an event is about, as long as it is not over, so that a run finds what was recorded for it without reading
-- what was recorded for others.

CREATE TABLE inbound_subject (
    subject     TEXT NOT NULL,
    event       INTEGER NOT NULL,
    PRIMARY KEY (subject, event)
) STRICT, WITHOUT ROWID;
CREATE INDEX inbound_subject_of_event ON inbound_subject (event);
INSERT INTO inbound_subject (subject, event)
    SELECT DISTINCT subject.value, inbound.key FROM inbound, json_each(inbound.body, '$.subjects') AS subject
    WHERE inbound.done_at IS NULL;
CREATE INDEX inbound_due_for ON inbound (kind, event_key) WHERE due_at IS NOT NULL;
