-- As before, but no kind of stream is guessed: one that this version does not know is shown as the byte it is stored by.
DROP VIEW event_line;
CREATE VIEW event_line (tenant, seq, kind, line) AS
SELECT tenant, seq, body ->> '$.type',
    '["' || lower(hex(prev)) || '",' || json_quote(tenant) || ',' || seq || ',"'
    || CASE substr(stream, 1, 1) WHEN x'72' THEN 'run' WHEN x'61' THEN 'approval' WHEN x'75' THEN 'account'
        ELSE lower(hex(substr(stream, 1, 1))) END || ':'
    || lower(hex(substr(stream, 2, 4)) || '-' || hex(substr(stream, 6, 2)) || '-' || hex(substr(stream, 8, 2)) || '-'
        || hex(substr(stream, 10, 2)) || '-' || hex(substr(stream, 12)))
    || '",' || version || ',' || at || ',' || json_quote(actor) || ',' || body || ']'
FROM event;
