-- Layout 5.
--
-- A share holds exact versions of files. An older build kept the files alone. What such a share shows from now on is
-- what its author meant and what came through it: of a request, the versions that are given for its items; of another
-- share, the newest version that each file had when the share was made, and every version that the access log tells
-- was uploaded through it.

UPDATE share SET body = json_set(body, '$.files', json((
    SELECT json_group_array(json_object('file', file, 'version', version) ORDER BY place) FROM (
        SELECT file, version, min(place) AS place FROM (
            SELECT given.value ->> '$.file.id' AS file, given.value ->> '$.file.version' AS version,
                   item.key * 1000 + given.key AS place
                FROM json_each(share.body, '$.request.items') AS item, json_each(item.value, '$.files') AS given
            UNION ALL
            SELECT shared.value, max(version.value ->> '$.number'), shared.key
                FROM json_each(share.body, '$.files') AS shared
                JOIN file ON file.id = shared.value, json_each(file.body, '$.versions') AS version
                WHERE share.body ->> '$.request' IS NULL
                AND rtrim(version.value ->> '$.at', 'Z') <= rtrim(share.body ->> '$.created_at', 'Z')
                GROUP BY shared.key
            UNION ALL
            SELECT entry.body ->> '$.file', entry.body ->> '$.version', 1000000 + entry.position
                FROM access_log AS entry
                WHERE entry.share = share.id AND share.body ->> '$.request' IS NULL
                AND entry.body ->> '$.kind' = 'upload' AND entry.body ->> '$.refused' IS NULL
                AND entry.body ->> '$.version' IS NOT NULL
        ) GROUP BY file, version
    )
))) WHERE json_array_length(body, '$.files') > 0;

-- Whom tasks about a file asked: they read the version that they were asked about or decided on.
CREATE INDEX task_about ON task (json_extract(body, '$.document.id'))
    WHERE json_extract(body, '$.document.id') IS NOT NULL;
