-- The questions that are asked again and again, each as one call: naming the tenant in a transaction of its own makes
-- three round trips of every question, and who appends beside others asks both after every event of theirs.
--
-- Everybody may call them: what they may read is decided on the table.

-- Events after one, in order, at most so many.
CREATE FUNCTION morningai.events_after(for_tenant text, known_seq bigint, most bigint)
RETURNS SETOF morningai.event LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('morningai.tenant', for_tenant, true);
    RETURN QUERY SELECT * FROM morningai.event AS event
        WHERE event.tenant = for_tenant AND event.seq > known_seq ORDER BY event.seq LIMIT most;
END $$;

-- The number and hash of the last event, and the hash that an event seen earlier has now.
CREATE FUNCTION morningai.log_end(for_tenant text, seen_seq bigint)
RETURNS TABLE (seq bigint, hash bytea, seen_hash bytea) LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('morningai.tenant', for_tenant, true);
    RETURN QUERY SELECT event.seq, event.hash, (
            SELECT seen.hash FROM morningai.event AS seen WHERE seen.tenant = for_tenant AND seen.seq = seen_seq)
        FROM morningai.event AS event WHERE event.tenant = for_tenant ORDER BY event.seq DESC LIMIT 1;
END $$;
