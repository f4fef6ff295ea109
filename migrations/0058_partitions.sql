-- Yearly partitions, also where nobody migrates: the worker makes them too, and rows that fell into a default partition
-- before their year had one are moved there. Until then `access_log_default` kept what retention drops by whole years, and
-- the partition of a year could not be made any more, because the default held rows of it.

-- The year inside a UUIDv7.
CREATE FUNCTION app.uuid_v7_year(id uuid) RETURNS int LANGUAGE sql IMMUTABLE AS $$
    SELECT extract(year FROM to_timestamp(
        ('x' || left(replace(id::text, '-', ''), 12))::bit(48)::bigint / 1000.0) AT TIME ZONE 'UTC')::int
$$;

-- Makes the partition of one year of one table, unless it is there. Rows of that year in the default partition move
-- into it in the same transaction. Made beside the table and attached then: that stops neither its readers nor
-- its writers but those of the default partition, for a moment.
CREATE FUNCTION app.ensure_partition(p_parent text, p_year int) RETURNS boolean LANGUAGE plpgsql
SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    part CONSTANT text := format('%s_%s', p_parent, p_year);
    rest CONSTANT text := p_parent || '_default';
    low CONSTANT uuid := app.uuid_v7_bound(make_timestamptz(p_year, 1, 1, 0, 0, 0, 'UTC'));
    high CONSTANT uuid := app.uuid_v7_bound(make_timestamptz(p_year + 1, 1, 1, 0, 0, 0, 'UTC'));
    parent regclass;
    strays boolean;
    reference record;
    again text[] := '{}';
    -- But those that the database computes.
    columns text;
    step text;
BEGIN
    SELECT c.oid INTO parent FROM pg_class c
    WHERE c.relnamespace = 'public'::regnamespace AND c.relname = p_parent AND c.relkind = 'p';
    IF parent IS NULL OR p_year NOT BETWEEN 2000 AND 9998 THEN
        RAISE EXCEPTION '% has no partition for a year %', p_parent, p_year;
    END IF;
    IF to_regclass('public.' || quote_ident(part)) IS NOT NULL THEN
        RETURN false;
    END IF;
    -- Nobody adds a row of that year behind our back.
    EXECUTE format('LOCK TABLE public.%I IN ACCESS EXCLUSIVE MODE', rest);
    -- Somebody else may have made it while we waited.
    IF to_regclass('public.' || quote_ident(part)) IS NOT NULL THEN
        RETURN false;
    END IF;
    EXECUTE format('CREATE TABLE public.%I (LIKE public.%I INCLUDING ALL)', part, p_parent);
    EXECUTE format('SELECT EXISTS (SELECT FROM public.%I WHERE id >= $1 AND id < $2)', rest) INTO strays USING low, high;
    IF strays THEN
        -- A row that others refer to may not go, not even to come back in the same transaction: the references step
        -- aside meanwhile, and are checked when they return.
        FOR reference IN
            SELECT k.conrelid::regclass AS child, k.conname, pg_get_constraintdef(k.oid) AS definition
            FROM pg_constraint k WHERE k.contype = 'f' AND k.confrelid = parent AND k.conparentid = 0
        LOOP
            EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', reference.child, reference.conname);
            again := again || format('ALTER TABLE %s ADD CONSTRAINT %I %s', reference.child, reference.conname,
                reference.definition);
        END LOOP;
        -- Nor may one of a table that is only added to: here it moves and stays the same, byte for byte.
        EXECUTE format('ALTER TABLE public.%I DISABLE TRIGGER USER', rest);
        SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum) INTO columns FROM pg_attribute a
        WHERE a.attrelid = parent AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '';
        EXECUTE format('WITH moved AS (DELETE FROM public.%1$I WHERE id >= $1 AND id < $2 RETURNING %3$s)
            INSERT INTO public.%2$I (%3$s) SELECT %3$s FROM moved', rest, part, columns) USING low, high;
        EXECUTE format('ALTER TABLE public.%I ENABLE TRIGGER USER', rest);
    END IF;
    EXECUTE format('ALTER TABLE public.%I ATTACH PARTITION public.%I FOR VALUES FROM (%L) TO (%L)', p_parent, part, low, high);
    FOREACH step IN ARRAY again LOOP
        EXECUTE step;
    END LOOP;
    RETURN true;
END $$;
REVOKE ALL ON FUNCTION app.ensure_partition FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.ensure_partition TO funnelchat_system;

-- Which partitions are missing: those of this year and the next, and those of years of which a default partition holds rows.
CREATE FUNCTION app.partitions_due(p_now timestamptz) RETURNS TABLE (parent text, year int) LANGUAGE plpgsql STABLE
SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    this_year CONSTANT int := extract(year FROM p_now AT TIME ZONE 'UTC')::int;
    candidate text;
BEGIN
    FOR candidate IN
        SELECT c.relname FROM pg_class c
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'p' ORDER BY c.relname
    LOOP
        RETURN QUERY EXECUTE format(
            'SELECT %1$L::text, y.year FROM (
                 SELECT $1 AS year UNION SELECT $1 + 1
                 UNION SELECT app.uuid_v7_year(d.id) FROM public.%2$I d WHERE d.id >= $2 AND d.id < $3) y
             WHERE to_regclass(format(''public.%%I'', %1$L || ''_'' || y.year)) IS NULL ORDER BY y.year',
            candidate, candidate || '_default')
            USING this_year, app.uuid_v7_bound('2000-01-01Z'),
                app.uuid_v7_bound(make_timestamptz(this_year + 2, 1, 1, 0, 0, 0, 'UTC'));
    END LOOP;
END $$;
REVOKE ALL ON FUNCTION app.partitions_due FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.partitions_due TO funnelchat_system;

CREATE OR REPLACE PROCEDURE app.ensure_partitions(p_year int) LANGUAGE plpgsql AS $$
DECLARE parent text;
BEGIN
    FOR parent IN
        SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relkind = 'p' AND n.nspname = 'public'
    LOOP
        PERFORM app.ensure_partition(parent, p_year);
    END LOOP;
END $$;
