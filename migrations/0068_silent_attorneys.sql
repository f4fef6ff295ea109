-- 12 CFR 1006.6(b)(2): an attorney who stays silent for a while no longer bars contact with whom they represent, if a person decides
-- so. That a hold may be reviewed is told once, and the hold stands until somebody releases it.
ALTER TABLE holds ADD COLUMN review_told_at timestamptz;
CREATE INDEX holds_to_review ON holds (placed_at)
    WHERE kind = 'ATTORNEY' AND lifted_at IS NULL AND review_told_at IS NULL;
CALL app.open_to_system('holds', 'SELECT');
