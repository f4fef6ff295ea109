-- Whether the product's own caps bind a business beside the law (PRODUCT), or the law's alone (FLOOR). The operator of the
-- platform says so, with a reason; what a business chooses for itself binds either way.
ALTER TABLE businesses
    ADD COLUMN contact_profile text NOT NULL DEFAULT 'PRODUCT' CHECK (contact_profile IN ('PRODUCT', 'FLOOR')),
    ADD COLUMN contact_profile_reason text CHECK (length(contact_profile_reason) BETWEEN 1 AND 1000);
