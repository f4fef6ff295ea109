-- Our door to the queue, made after the queue's own migrations, as funnelchat_worker, which owns them. The
-- queue's tables have row security and no policy, so only its owner reaches them: enqueueing goes through
-- these functions, which stamp the business from the transaction's own context.

CREATE TABLE IF NOT EXISTS queue.failed_jobs (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL,
    business_id uuid,
    args jsonb NOT NULL,
    -- The class of the failure; never the data it met.
    error text NOT NULL,
    failed_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX IF NOT EXISTS failed_jobs_failed_at ON queue.failed_jobs (failed_at);

-- What makes two jobs the same one. The queue keeps one waiting job of a key, and puts a newer one in its place.
CREATE OR REPLACE FUNCTION queue.key_of(p_business uuid, p_name text, p_args jsonb) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT p_name || ' ' || md5(concat(p_business, p_args))
$$;

-- Jobs of the transaction's business, in their order: {"lane", "name", "args", "after_millis"}. In a lane with slots of its
-- own the queue's name lets one job of a business run at a time; the order is that of the queue as a whole, so that the
-- slices of several businesses take turns. One that is to wait takes the place of the same one that waits already.
CREATE OR REPLACE FUNCTION queue.enqueue(p_jobs jsonb) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = queue, pg_temp AS $$
DECLARE
    business uuid := nullif(current_setting('app.business_id', true), '')::uuid;
    job jsonb;
    lane text;
    after interval;
BEGIN
    IF p_jobs = '[]' THEN
        RETURN;
    END IF;
    IF business IS NULL OR coalesce(current_setting('app.audience', true), '') = '' THEN
        RAISE EXCEPTION 'a job needs the context of a business';
    END IF;
    FOR job IN SELECT * FROM jsonb_array_elements(p_jobs) LOOP
        lane := job ->> 'lane';
        IF lane NOT IN ('bulk', 'long') THEN
            RAISE EXCEPTION 'there is no lane %', lane;
        END IF;
        after := make_interval(secs => (job ->> 'after_millis')::bigint / 1000.0);
        PERFORM queue.add_job(concat_ws('_', 'funnelchat', lane),
            json_build_object('v', 1, 'business_id', business, 'name', job -> 'name', 'args', job -> 'args'),
            queue_name => lane || ':' || business, run_at => now() + after, max_attempts => 12,
            job_key => CASE WHEN after IS NOT NULL THEN queue.key_of(business, job ->> 'name', job -> 'args') END);
    END LOOP;
END $$;
REVOKE ALL ON FUNCTION queue.enqueue(jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION queue.enqueue(jsonb) TO funnelchat_app;

-- Reconcilers find the same row again and again until its job has run: one that waits already runs now instead. A job of
-- no business is somebody's request, such as a mail, and each counts.
CREATE OR REPLACE FUNCTION queue.enqueue_for(p_business uuid, p_name text, p_args jsonb) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = queue, pg_temp AS $$
    SELECT queue.add_job('funnelchat', json_build_object('v', 1, 'business_id', p_business, 'name', p_name, 'args', p_args),
        max_attempts => 12, job_key => CASE WHEN p_business IS NOT NULL THEN queue.key_of(p_business, p_name, p_args) END)
$$;
REVOKE ALL ON FUNCTION queue.enqueue_for FROM PUBLIC;
GRANT EXECUTE ON FUNCTION queue.enqueue_for TO funnelchat_system;

-- The same in a lane with slots of its own, as `enqueue` has them.
CREATE OR REPLACE FUNCTION queue.enqueue_in_for(p_lane text, p_business uuid, p_name text, p_args jsonb) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = queue, pg_temp AS $$
BEGIN
    IF p_business IS NULL OR p_lane NOT IN ('bulk', 'long') THEN
        RAISE EXCEPTION 'there is no lane % for %', p_lane, p_business;
    END IF;
    PERFORM queue.add_job('funnelchat_' || p_lane,
        json_build_object('v', 1, 'business_id', p_business, 'name', p_name, 'args', p_args),
        queue_name => p_lane || ':' || p_business, max_attempts => 12,
        job_key => queue.key_of(p_business, p_name, p_args));
END $$;
REVOKE ALL ON FUNCTION queue.enqueue_in_for FROM PUBLIC;
GRANT EXECUTE ON FUNCTION queue.enqueue_in_for TO funnelchat_system;

CREATE OR REPLACE FUNCTION queue.health()
RETURNS TABLE (waiting bigint, due bigint, oldest_due_since timestamptz, retrying bigint, failed_last_day bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = queue, pg_temp AS $$
    SELECT count(*), count(*) FILTER (WHERE j.run_at <= now()), min(j.run_at) FILTER (WHERE j.run_at <= now()),
        count(*) FILTER (WHERE j.attempts > 0),
        (SELECT count(*) FROM (SELECT FROM queue.failed_jobs WHERE failed_at > now() - interval '1 day' LIMIT 10000) AS few)
    FROM (SELECT run_at, attempts FROM queue._private_jobs LIMIT 10000) AS j
$$;
REVOKE ALL ON FUNCTION queue.health FROM PUBLIC;
GRANT EXECUTE ON FUNCTION queue.health TO funnelchat_system;

-- The queue tells workers of a job when it is added. One that is added by the job before it in a queue of its own cannot
-- be taken yet, and nobody tells of it again: it waited for the next poll, up to a second.
CREATE OR REPLACE FUNCTION queue.tell_of_next() RETURNS trigger
LANGUAGE plpgsql SET search_path = queue, pg_temp AS $$
BEGIN
    PERFORM pg_notify('jobs:insert', '{"r":' || random()::text || ',"count":1}');
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER tell_of_next AFTER UPDATE OF locked_at ON queue._private_job_queues FOR EACH ROW
    WHEN (OLD.locked_at IS NOT NULL AND NEW.locked_at IS NULL) EXECUTE FUNCTION queue.tell_of_next();
