-- The validation notice (12 CFR 1006.34): what it said, the files that were made of it, how it was provided and whether it
-- came back.

ALTER TABLE files DROP CONSTRAINT files_purpose_check,
    ADD CONSTRAINT files_purpose_check CHECK (purpose IN
        ('ACCOUNT_IMPORT', 'DOCUMENT', 'PROFILE_PHOTO', 'BUSINESS_LOGO', 'EXPORT', 'IMPORT_REPORT', 'REASSIGNED_NUMBERS',
         'LEGAL_NOTICE'));

-- One row for each notice. A notice is provided once: who sends it again makes a new one, for the end of its period is printed
-- on it.
CREATE TABLE validation_notices (
    business_id uuid NOT NULL REFERENCES businesses (id),
    id uuid NOT NULL,
    debtor_id uuid NOT NULL,
    account_id uuid NOT NULL,
    -- QUEUED: its files are being written. RETURNED: it came back, and counts as never provided.
    status text NOT NULL CHECK (status IN ('QUEUED', 'READY', 'PROVIDED', 'RETURNED')),
    language text NOT NULL CHECK (language IN ('EN', 'ES')),
    -- Everything that it says, under the person's record key; null once their records are destroyed.
    content_cipher bytea,
    currency text NOT NULL,
    itemization_date date NOT NULL,
    itemization_event text NOT NULL CHECK (itemization_event IN ('LAST_STATEMENT', 'CHARGE_OFF', 'LAST_PAYMENT',
        'TRANSACTION', 'JUDGMENT')),
    itemized_minor bigint NOT NULL,
    -- Since the itemization date; payments and credits are what they took off.
    interest_minor bigint NOT NULL,
    fees_minor bigint NOT NULL,
    payments_minor bigint NOT NULL,
    credits_minor bigint NOT NULL,
    current_minor bigint NOT NULL,
    -- The last day on which it may be provided as printed, and the end of the period that is printed on it.
    provide_by date NOT NULL,
    period_ends_on date NOT NULL,
    -- Whether it tells how to dispute electronically (12 CFR 1006.34(c)(3)(v)).
    names_electronic_means boolean NOT NULL,
    rule_set_version text NOT NULL,
    -- Null for an API key.
    generated_by uuid,
    generated_at timestamptz NOT NULL,
    pdf_file_id uuid,
    page_file_id uuid,
    pdf_sha256 bytea CHECK (length(pdf_sha256) = 32),
    page_sha256 bytea CHECK (length(page_sha256) = 32),
    method text CHECK (method IN ('MAIL', 'EMAIL', 'IN_PERSON')),
    -- The address to which an e-mail went.
    contact_point_id uuid,
    provided_at timestamptz,
    -- The date of that instant on the business's own clock, and what follows from it.
    provided_on date,
    assumed_received_on date,
    provision_recorded_by uuid,
    provision_recorded_at timestamptz,
    -- What the account said before, for when this one comes back.
    initial_communication_before date,
    notice_before date,
    period_end_before date,
    returned_at timestamptz,
    return_recorded_by uuid,
    return_recorded_at timestamptz,
    PRIMARY KEY (business_id, id),
    FOREIGN KEY (business_id, debtor_id) REFERENCES debtors (business_id, id),
    FOREIGN KEY (business_id, debtor_id, account_id) REFERENCES accounts (business_id, debtor_id, id),
    FOREIGN KEY (business_id, pdf_file_id) REFERENCES files (business_id, id),
    FOREIGN KEY (business_id, page_file_id) REFERENCES files (business_id, id),
    FOREIGN KEY (business_id, contact_point_id) REFERENCES contact_points (business_id, id),
    FOREIGN KEY (business_id, generated_by) REFERENCES users (business_id, id),
    FOREIGN KEY (business_id, provision_recorded_by) REFERENCES users (business_id, id),
    FOREIGN KEY (business_id, return_recorded_by) REFERENCES users (business_id, id),
    CONSTRAINT validation_notices_itemization CHECK (
        itemized_minor + interest_minor + fees_minor - payments_minor - credits_minor = current_minor),
    CONSTRAINT validation_notices_written CHECK ((status = 'QUEUED') = (pdf_sha256 IS NULL)
        AND num_nulls(pdf_file_id, page_file_id, pdf_sha256, page_sha256) IN (0, 4)),
    CONSTRAINT validation_notices_provided CHECK ((status IN ('PROVIDED', 'RETURNED')) = (provided_at IS NOT NULL)
        AND num_nulls(method, provided_at, provided_on, assumed_received_on, provision_recorded_at) IN (0, 5)
        AND (contact_point_id IS NOT NULL) = (method IS NOT DISTINCT FROM 'EMAIL')),
    CONSTRAINT validation_notices_returned CHECK ((status = 'RETURNED') = (returned_at IS NOT NULL)
        AND num_nulls(returned_at, return_recorded_at) IN (0, 2))
);
CREATE INDEX validation_notices_account ON validation_notices (business_id, account_id, id);
CREATE INDEX validation_notices_debtor ON validation_notices (business_id, debtor_id, id);
CALL app.protect('validation_notices', 'debtor', 'SELECT, INSERT, UPDATE');
CALL app.show_to_debtor('validation_notices', 'account_id');

-- Debts of which somebody was told without a notice, those first that wait longest.
CREATE INDEX accounts_without_notice ON accounts (business_id, initial_communication_on, id)
    WHERE initial_communication_on IS NOT NULL AND validation_notice_on IS NULL AND deleted_at IS NULL
      AND status NOT IN ('PAID_IN_FULL', 'CLOSED');

-- Destroying a person's record key ends what the law made the business keep: what the key guarded outside its own columns goes
-- with it, whoever destroys it, as `app.forget_person` does for the profile key.
CREATE FUNCTION app.forget_records() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    UPDATE validation_notices SET content_cipher = NULL
    WHERE business_id = NEW.business_id AND debtor_id = NEW.debtor_id AND content_cipher IS NOT NULL;
    -- The objects are removed later, which expires_at says.
    UPDATE files SET state = 'GONE', wrapped_key = NULL, name_cipher = NULL, person_name_cipher = NULL,
        expires_at = NEW.destroyed_at
    WHERE business_id = NEW.business_id AND data_key_id = NEW.id AND state <> 'GONE';
    RETURN NULL;
END $$;
CREATE TRIGGER forget_records AFTER UPDATE OF destroyed_at ON data_keys FOR EACH ROW
    WHEN (OLD.destroyed_at IS NULL AND NEW.destroyed_at IS NOT NULL AND NEW.purpose = 'RECORD' AND NEW.debtor_id IS NOT NULL)
    EXECUTE FUNCTION app.forget_records();
