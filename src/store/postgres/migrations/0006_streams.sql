-- As before, but no kind of stream is guessed: one that this version does not know is shown as the byte it is stored by.
CREATE OR REPLACE FUNCTION morningai.event_line(after bigint DEFAULT 0)
RETURNS TABLE (seq bigint, kind text, line text) LANGUAGE sql STABLE AS $$
    SELECT event.seq, event.body::json ->> 'type',
        '["' || encode(event.prev, 'hex') || '",' || to_json(event.tenant::text) || ',' || event.seq || ',"'
        || CASE substr(event.stream, 1, 1)
            WHEN '\x72' THEN 'run' WHEN '\x61' THEN 'approval' WHEN '\x75' THEN 'account'
            ELSE encode(substr(event.stream, 1, 1), 'hex') END || ':'
        || encode(substr(event.stream, 2), 'hex')::uuid || '",' || event.version || ',' || event.at || ','
        || to_json(event.actor::text) || ',' || event.body || ']'
    FROM morningai.event WHERE event.seq > after ORDER BY event.seq
$$;
