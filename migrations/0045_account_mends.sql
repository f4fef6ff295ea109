-- What an account's followers read of its person: events of the person that are of no one debt and in no thread.
CREATE INDEX live_events_person ON live_events (business_id, debtor_id, position)
    WHERE account_id IS NULL AND conversation_id IS NULL AND debtor_id IS NOT NULL;

-- A person's accounts are renamed in the order of their ids, in which all others take them who take several.
CREATE OR REPLACE FUNCTION app.rename_accounts() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM FROM accounts WHERE business_id = NEW.business_id AND debtor_id = NEW.id ORDER BY id FOR NO KEY UPDATE;
    UPDATE accounts SET debtor_name_key = NEW.name_key WHERE business_id = NEW.business_id AND debtor_id = NEW.id;
    RETURN NULL;
END $$;

-- In which language somebody is written to may name a script and a region (BCP 47: es-MX). Lists find by the language alone.
ALTER TABLE debtors
    DROP CONSTRAINT debtors_preferred_language_check,
    ADD CONSTRAINT debtors_preferred_language_check
        CHECK (preferred_language ~ '^[a-z]{2,3}(-[A-Z][a-z]{3})?(-([A-Z]{2}|[0-9]{3}))?$'),
    ADD COLUMN primary_language text NOT NULL GENERATED ALWAYS AS (split_part(preferred_language, '-', 1)) STORED;
DROP INDEX debtors_language;
CREATE INDEX debtors_language ON debtors (business_id, primary_language, id);

-- People are listed by when they were recorded, too.
CREATE INDEX debtors_created ON debtors (business_id, created_at, id) WHERE merged_into IS NULL;

-- Whether creditors and placements that a file names and nobody has recorded may be made of it: whoever previews and
-- commits it may.
ALTER TABLE account_imports ADD COLUMN makes_origins boolean NOT NULL DEFAULT false;

-- What was deleted last comes first.
CREATE INDEX accounts_deleted ON accounts (business_id, deleted_at, id) WHERE deleted_at IS NOT NULL;

-- Creditors and placements get other names.
GRANT UPDATE (name, name_key) ON creditors TO funnelchat_app;
GRANT UPDATE (name, name_key, placed_on) ON placements TO funnelchat_app;

-- What was decided of contacts about one account, the last first.
CREATE INDEX decisions_account ON decisions (business_id, account_id, id) WHERE account_id IS NOT NULL;

-- A debtor that is a company: its name, beside that of the contact there. Found by it like a person by theirs. The level of
-- risk is what staff think.
ALTER TABLE debtors
    ADD COLUMN company_name text CHECK (length(company_name) BETWEEN 1 AND 200),
    ADD COLUMN company_key text GENERATED ALWAYS AS (lower(company_name)) STORED,
    ADD COLUMN risk_level text CHECK (risk_level IN ('LOW', 'MEDIUM', 'HIGH', 'CRITICAL'));
CREATE INDEX debtors_company_trgm ON debtors USING gin (business_id, company_key gin_trgm_ops)
    WHERE company_key IS NOT NULL;
GRANT SELECT (company_key) ON debtors TO funnelchat_search;

-- As in 0014, and by company.
CREATE OR REPLACE FUNCTION app.search_debtors(term text, at_most int) RETURNS SETOF uuid LANGUAGE sql STABLE
SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT id FROM (
        (SELECT id FROM debtors
         WHERE business_id = nullif(current_setting('app.business_id', true), '')::uuid
           AND current_setting('app.audience', true) = 'staff'
           AND name_key COLLATE "C" >= lower(term) AND name_key COLLATE "C" < lower(term) || U&'\+10FFFF'
         ORDER BY name_key COLLATE "C", id LIMIT least(at_most, 1000))
        UNION ALL
        (SELECT id FROM debtors
         WHERE business_id = nullif(current_setting('app.business_id', true), '')::uuid
           AND current_setting('app.audience', true) = 'staff'
           AND name_key LIKE '%' || replace(replace(replace(lower(term), '\', '\\'), '%', '\%'), '_', '\_') || '%'
           AND NOT starts_with(name_key, lower(term))
         LIMIT least(at_most, 1000))
        UNION ALL
        (SELECT id FROM debtors
         WHERE business_id = nullif(current_setting('app.business_id', true), '')::uuid
           AND current_setting('app.audience', true) = 'staff'
           AND company_key LIKE '%' || replace(replace(replace(lower(term), '\', '\\'), '%', '\%'), '_', '\_') || '%'
         LIMIT least(at_most, 1000))
    ) AS found LIMIT least(at_most, 1000)
$$;

-- What erasure leaves of a person tells no company and no judgement either.
CREATE FUNCTION app.forget_company() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    NEW.company_name := NULL;
    NEW.risk_level := NULL;
    RETURN NEW;
END $$;
CREATE TRIGGER forget_company BEFORE UPDATE ON debtors FOR EACH ROW
    WHEN (NEW.erased_at IS NOT NULL) EXECUTE FUNCTION app.forget_company();
