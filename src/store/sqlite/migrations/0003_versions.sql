-- Layout 3.
--
-- A version of a flow is deployed once. Where an older build deployed one twice, the first keeps its
-- name, and runs of the others find them by their hash.

ALTER TABLE deployment ADD COLUMN version TEXT;
UPDATE deployment SET version = json_extract(body, '$.version')
    WHERE key IN (SELECT min(key) FROM deployment GROUP BY flow, json_extract(body, '$.version'));
CREATE UNIQUE INDEX deployment_version ON deployment (flow, version);
