-- How much a business uses, exactly: what is a day old was counted once and is kept as a number, the last day is counted
-- when somebody asks. A day is longer than any transaction, so that none brings a row among those that were counted.
CREATE TABLE business_counts (
    -- A registration that was never confirmed goes without a trace.
    business_id uuid PRIMARY KEY REFERENCES businesses (id) ON DELETE CASCADE,
    -- Rows with ids from before this instant are in the numbers.
    counted_to timestamptz NOT NULL,
    accounts bigint NOT NULL,
    -- The calendar month (UTC) of the messages.
    month timestamptz NOT NULL,
    messages bigint NOT NULL,
    -- What lies in the object store: files come and go, so that it is of this instant.
    stored_bytes bigint NOT NULL,
    stored_at timestamptz NOT NULL
);
CALL app.protect('business_counts', 'staff', 'SELECT');
CREATE INDEX files_stored ON files (business_id) INCLUDE (size) WHERE state IN ('STORED', 'CLAIMED');

-- Counts what became a day old since the last time, and all that is stored. One business after the other.
CREATE FUNCTION app.count_usage(p_business uuid, p_now timestamptz) RETURNS void LANGUAGE plpgsql
SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    this_month CONSTANT timestamptz := date_trunc('month', p_now, 'UTC');
    horizon CONSTANT timestamptz := p_now - interval '1 day';
    known business_counts%ROWTYPE;
    bytes bigint;
BEGIN
    SELECT * INTO known FROM business_counts c WHERE c.business_id = p_business FOR UPDATE;
    IF NOT FOUND THEN
        known.counted_to := '2000-01-01Z';
        known.accounts := 0;
    END IF;
    IF known.month IS DISTINCT FROM this_month THEN
        known.month := this_month;
        known.messages := 0;
        SELECT count(*) INTO known.messages FROM messages m
        WHERE m.business_id = p_business AND m.id >= app.uuid_v7_bound(this_month)
          AND m.id < app.uuid_v7_bound(greatest(known.counted_to, this_month));
    END IF;
    IF horizon > known.counted_to THEN
        known.accounts := known.accounts + (SELECT count(*) FROM accounts a
            WHERE a.business_id = p_business AND a.id >= app.uuid_v7_bound(known.counted_to)
              AND a.id < app.uuid_v7_bound(horizon));
        known.messages := known.messages + (SELECT count(*) FROM messages m
            WHERE m.business_id = p_business AND m.id >= app.uuid_v7_bound(greatest(known.counted_to, this_month))
              AND m.id < app.uuid_v7_bound(greatest(horizon, this_month)));
        known.counted_to := horizon;
    END IF;
    SELECT coalesce(sum(f.size), 0) INTO bytes FROM files f
    WHERE f.business_id = p_business AND f.state IN ('STORED', 'CLAIMED');
    INSERT INTO business_counts (business_id, counted_to, accounts, month, messages, stored_bytes, stored_at)
    VALUES (p_business, known.counted_to, known.accounts, known.month, known.messages, bytes, p_now)
    ON CONFLICT (business_id) DO UPDATE SET counted_to = excluded.counted_to, accounts = excluded.accounts,
        month = excluded.month, messages = excluded.messages, stored_bytes = excluded.stored_bytes,
        stored_at = excluded.stored_at
    -- Of two that count a new business at the same moment the first stands.
    WHERE business_counts.counted_to <= excluded.counted_to;
END $$;
REVOKE ALL ON FUNCTION app.count_usage FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.count_usage TO funnelchat_system;

-- What the platform's staff see of businesses: counts, and nothing of a debtor.
DROP FUNCTION app.business_usage(uuid[], timestamptz);
CREATE FUNCTION app.business_usage(p_businesses uuid[], p_month timestamptz)
RETURNS TABLE (business_id uuid, users bigint, accounts bigint, messages bigint, imports bigint, imported_rows bigint,
    stored_bytes bigint, stored_at timestamptz) LANGUAGE sql STABLE
SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT b.id,
        (SELECT count(*) FROM users u WHERE u.business_id = b.id AND u.status = 'ACTIVE'),
        coalesce(c.accounts, 0) + (SELECT count(*) FROM accounts a
            WHERE a.business_id = b.id AND a.id >= app.uuid_v7_bound(coalesce(c.counted_to, '2000-01-01Z'))),
        CASE WHEN c.month = p_month THEN c.messages ELSE 0 END + (SELECT count(*) FROM messages m
            WHERE m.business_id = b.id AND m.id >= app.uuid_v7_bound(
                CASE WHEN c.month = p_month THEN greatest(c.counted_to, p_month) ELSE p_month END)),
        i.imports, i.imported_rows, c.stored_bytes, c.stored_at
    FROM unnest(p_businesses) AS b(id)
    LEFT JOIN business_counts c ON c.business_id = b.id
    CROSS JOIN LATERAL (
        SELECT count(*) AS imports, coalesce(sum(x.rows_imported), 0)::bigint AS imported_rows
        FROM account_imports x
        WHERE x.business_id = b.id AND x.id >= app.uuid_v7_bound(p_month) AND x.status = 'COMPLETED') i
$$;
REVOKE ALL ON FUNCTION app.business_usage FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.business_usage TO funnelchat_system;
