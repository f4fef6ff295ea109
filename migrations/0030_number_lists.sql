-- What lists of numbers say: the national do-not-call registry, and the reassigned numbers database.

-- The registry, one for all businesses (16 CFR 310.4(b)(1)(iii)(B)): of each number its print under the platform's key.
-- Nobody reads it but through app.national_do_not_call.
CREATE TABLE do_not_call_numbers (
    area_code int NOT NULL,
    number_blind bytea NOT NULL CHECK (length(number_blind) = 32),
    PRIMARY KEY (area_code, number_blind)
);
-- Of which day the copy of each area code is.
CREATE TABLE do_not_call_areas (
    area_code int PRIMARY KEY CHECK (area_code BETWEEN 200 AND 999),
    as_of date NOT NULL,
    numbers bigint NOT NULL CHECK (numbers >= 0),
    load_id uuid NOT NULL,
    loaded_at timestamptz NOT NULL
);
GRANT SELECT, INSERT, DELETE ON do_not_call_numbers TO funnelchat_system;
GRANT SELECT, INSERT, UPDATE ON do_not_call_areas TO funnelchat_system;

-- 16 CFR 310.8: a seller uses the registry under a subscription of its own, for the area codes that it has paid for.
CREATE TABLE do_not_call_access (
    business_id uuid NOT NULL REFERENCES businesses (id),
    account_number text NOT NULL CHECK (length(account_number) BETWEEN 1 AND 40),
    -- All of them where null.
    area_codes int[] CHECK (cardinality(area_codes) BETWEEN 1 AND 800),
    valid_from date NOT NULL,
    valid_until date NOT NULL,
    recorded_at timestamptz NOT NULL,
    recorded_by uuid,
    PRIMARY KEY (business_id),
    FOREIGN KEY (business_id, recorded_by) REFERENCES users (business_id, id),
    CHECK (valid_until >= valid_from)
);
CALL app.protect('do_not_call_access', 'staff', 'SELECT, INSERT, UPDATE');
CALL app.open_to_system('do_not_call_access', 'SELECT');

-- The registry's word on one number, for the business in whose context it is asked: no row where the business has no access
-- to the area code on that day, or no copy of it was loaded.
CREATE FUNCTION app.national_do_not_call(p_area int, p_blind bytea, p_on date)
RETURNS TABLE (listed boolean, as_of date) LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT EXISTS (SELECT FROM do_not_call_numbers n WHERE n.area_code = p_area AND n.number_blind = p_blind), a.as_of
    FROM do_not_call_areas a
    WHERE a.area_code = p_area AND EXISTS (
        SELECT FROM do_not_call_access c
        WHERE c.business_id = nullif(current_setting('app.business_id', true), '')::uuid
          AND current_setting('app.audience', true) = 'staff'
          AND c.valid_from <= p_on AND c.valid_until >= p_on AND (c.area_codes IS NULL OR p_area = ANY(c.area_codes)))
$$;
REVOKE ALL ON FUNCTION app.national_do_not_call FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.national_do_not_call TO funnelchat_app;

-- Which copies there are of what the business in whose context it is asked has access to.
CREATE FUNCTION app.own_do_not_call_areas(p_on date)
RETURNS TABLE (area_code int, as_of date, numbers bigint) LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = public, pg_temp AS $$
    SELECT a.area_code, a.as_of, a.numbers FROM do_not_call_areas a
    WHERE EXISTS (
        SELECT FROM do_not_call_access c
        WHERE c.business_id = nullif(current_setting('app.business_id', true), '')::uuid
          AND current_setting('app.audience', true) = 'staff'
          AND c.valid_from <= p_on AND c.valid_until >= p_on
          AND (c.area_codes IS NULL OR a.area_code = ANY(c.area_codes)))
    ORDER BY a.area_code
$$;
REVOKE ALL ON FUNCTION app.own_do_not_call_areas FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.own_do_not_call_areas TO funnelchat_app;

-- Files of answers of the reassigned numbers database, each a business's own.
CREATE TABLE reassigned_imports (
    business_id uuid NOT NULL REFERENCES businesses (id),
    id uuid NOT NULL,
    file_id uuid NOT NULL,
    -- What the file does not say of each number.
    queried_on date,
    asked_since date,
    status text NOT NULL CHECK (status IN ('WAITING', 'LOADING', 'COMPLETED', 'FAILED')),
    rows_read int NOT NULL,
    reassigned int NOT NULL,
    not_reassigned int NOT NULL,
    no_data int NOT NULL,
    -- The newest and the oldest day on which the database was asked.
    queried_last date,
    queried_first date,
    failure text,
    created_at timestamptz NOT NULL,
    created_by uuid,
    ended_at timestamptz,
    PRIMARY KEY (business_id, id),
    FOREIGN KEY (business_id, file_id) REFERENCES files (business_id, id),
    FOREIGN KEY (business_id, created_by) REFERENCES users (business_id, id),
    CHECK ((ended_at IS NULL) = (status IN ('WAITING', 'LOADING'))),
    CHECK ((failure IS NULL) = (status <> 'FAILED'))
);
CREATE INDEX reassigned_imports_newest ON reassigned_imports (business_id, id DESC);
CALL app.protect('reassigned_imports', 'staff', 'SELECT, INSERT, UPDATE');

-- The answers: evidence of the safe harbour of 47 CFR 64.1200(m), hence never changed. Of a number only its print, as on the
-- suppression list.
CREATE TABLE reassigned_checks (
    business_id uuid NOT NULL,
    id uuid NOT NULL,
    import_id uuid NOT NULL,
    number_blind bytea NOT NULL CHECK (length(number_blind) = 32),
    status text NOT NULL CHECK (status IN ('YES', 'NO', 'NO_DATA')),
    -- The date that the database was asked about; the last permanent disconnection, where it said so.
    asked_since date,
    disconnected_on date,
    queried_on date NOT NULL,
    PRIMARY KEY (business_id, id),
    FOREIGN KEY (business_id, import_id) REFERENCES reassigned_imports (business_id, id)
);
CREATE INDEX reassigned_checks_number ON reassigned_checks (business_id, number_blind, queried_on DESC, id DESC);
CREATE INDEX reassigned_checks_import ON reassigned_checks (business_id, import_id);
CALL app.protect('reassigned_checks', 'staff', 'SELECT, INSERT');
CALL app.append_only('reassigned_checks');

ALTER TABLE files DROP CONSTRAINT files_purpose_check,
    ADD CONSTRAINT files_purpose_check CHECK (purpose IN
        ('ACCOUNT_IMPORT', 'DOCUMENT', 'PROFILE_PHOTO', 'BUSINESS_LOGO', 'EXPORT', 'IMPORT_REPORT', 'REASSIGNED_NUMBERS'));

-- Holds that wait for somebody to look, the oldest of each kind first.
DROP INDEX holds_unconfirmed;
CREATE INDEX holds_awaiting ON holds (business_id, kind, placed_at, id)
    WHERE lifted_at IS NULL AND confirmed_at IS NULL AND source = 'INBOUND_TEXT';

-- Licences to collect, by state (or NYC): what the gate knows of them.
CREATE TABLE business_licenses (
    business_id uuid NOT NULL REFERENCES businesses (id),
    id uuid NOT NULL,
    state text NOT NULL CHECK (state ~ '^[A-Z]{2,3}$'),
    kind text NOT NULL CHECK (kind IN ('COLLECTION_AGENCY', 'DEBT_BUYER', 'OTHER')),
    number text NOT NULL CHECK (length(number) BETWEEN 1 AND 60),
    valid_from date NOT NULL,
    -- The last day; none for one that does not end.
    valid_until date,
    recorded_at timestamptz NOT NULL,
    recorded_by uuid,
    removed_at timestamptz,
    removed_by uuid,
    -- When its end was announced.
    warned_at timestamptz,
    PRIMARY KEY (business_id, id),
    FOREIGN KEY (business_id, recorded_by) REFERENCES users (business_id, id),
    FOREIGN KEY (business_id, removed_by) REFERENCES users (business_id, id),
    CHECK (valid_until >= valid_from)
);
CREATE UNIQUE INDEX business_licenses_current ON business_licenses (business_id, state, kind, number)
    WHERE removed_at IS NULL;
CREATE INDEX business_licenses_ending ON business_licenses (valid_until)
    WHERE removed_at IS NULL AND warned_at IS NULL;
CALL app.protect('business_licenses', 'staff', 'SELECT, INSERT, UPDATE');
CALL app.open_to_system('business_licenses', 'SELECT, UPDATE');

-- What the dashboard of those who look after compliance counts. Each index holds all that its question asks for.
ALTER TABLE decisions
    ADD COLUMN rule text GENERATED ALWAYS AS (decision ->> 'rule') STORED,
    -- The member of staff who wanted the contact; null for the service, a debtor and an API key.
    ADD COLUMN asked_by uuid,
    ADD FOREIGN KEY (business_id, asked_by) REFERENCES users (business_id, id);
CREATE INDEX decisions_report ON decisions (business_id, decided_at) INCLUDE (stage, outcome, rule, asked_by);
CREATE INDEX consents_revoked ON consents (business_id, recorded_at) INCLUDE (channel, source) WHERE status = 'REVOKED';
CREATE INDEX suppressions_opt_outs ON suppressions (business_id, created_at) INCLUDE (channel) WHERE reason = 'OPT_OUT';
CREATE INDEX suppressions_standing ON suppressions (business_id, reason) WHERE lifted_at IS NULL;
CREATE INDEX holds_open ON holds (business_id, kind) WHERE lifted_at IS NULL;
CREATE INDEX contact_slots_recent ON contact_slots (business_id, reserved_at) INCLUDE (debtor_id, channel, reply)
    WHERE released_at IS NULL;
