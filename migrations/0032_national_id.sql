-- The number by which a state knows a person: sealed under their profile key, found by an HMAC under the business's key.
ALTER TABLE debtors ADD COLUMN national_id_cipher bytea, ADD COLUMN national_id_blind bytea;
CREATE INDEX debtors_national_id ON debtors (business_id, national_id_blind) WHERE national_id_blind IS NOT NULL;

-- Destroying a person's profile key is their erasure: nobody is found by the number any more. Beside
-- `app.forget_person`, and with the owner's rights as it has.
CREATE FUNCTION app.forget_national_id() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    UPDATE debtors SET national_id_cipher = NULL, national_id_blind = NULL
    WHERE business_id = NEW.business_id AND id = NEW.debtor_id
      AND (national_id_cipher IS NOT NULL OR national_id_blind IS NOT NULL);
    RETURN NULL;
END $$;
CREATE TRIGGER forget_national_id AFTER UPDATE OF destroyed_at ON data_keys FOR EACH ROW
    WHEN (OLD.destroyed_at IS NULL AND NEW.destroyed_at IS NOT NULL AND NEW.purpose = 'PROFILE'
          AND NEW.debtor_id IS NOT NULL)
    EXECUTE FUNCTION app.forget_national_id();
