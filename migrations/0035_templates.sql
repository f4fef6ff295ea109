-- Words that are kept for reuse, with every version that ever stood, so that of each message it can be shown which it was
-- made from.

CREATE TABLE templates (
    business_id uuid NOT NULL REFERENCES businesses (id),
    id uuid NOT NULL,
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
    -- In small letters: unique among those that are not archived, and the order of lists.
    name_key text NOT NULL,
    description text CHECK (length(description) BETWEEN 1 AND 500),
    -- What it is for never changes: another language or channel is another template.
    type text NOT NULL CHECK (type IN ('SMS', 'EMAIL', 'WHATSAPP', 'AGREEMENT', 'LETTER')),
    purpose text NOT NULL CHECK (purpose IN ('FIRST_CONTACT', 'FOLLOW_UP')),
    language text NOT NULL CHECK (language IN ('en', 'es')),
    -- Counts saves, from 1.
    version int NOT NULL CHECK (version > 0),
    subject text CHECK (length(subject) BETWEEN 1 AND 150),
    body text NOT NULL CHECK (length(body) BETWEEN 1 AND 20000),
    is_active boolean NOT NULL,
    is_default boolean NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    -- Null for an API key and the service.
    updated_by uuid,
    archived_at timestamptz,
    PRIMARY KEY (business_id, id),
    FOREIGN KEY (business_id, updated_by) REFERENCES users (business_id, id),
    CONSTRAINT templates_subject CHECK (subject IS NULL OR type IN ('EMAIL', 'AGREEMENT', 'LETTER')),
    CONSTRAINT templates_archived CHECK (archived_at IS NULL OR NOT is_active),
    CONSTRAINT templates_default CHECK (is_active OR NOT is_default)
);
CREATE UNIQUE INDEX templates_name ON templates (business_id, name_key) WHERE archived_at IS NULL;
CREATE UNIQUE INDEX templates_one_default ON templates (business_id, type, purpose, language) WHERE is_default;
CREATE INDEX templates_list ON templates (business_id, name_key COLLATE "C", id);
CREATE INDEX templates_type ON templates (business_id, type, name_key COLLATE "C", id);
CALL app.protect('templates', 'staff', 'SELECT, INSERT, UPDATE');

CREATE TABLE template_versions (
    business_id uuid NOT NULL,
    template_id uuid NOT NULL,
    version int NOT NULL CHECK (version > 0),
    name text NOT NULL,
    subject text,
    body text NOT NULL,
    saved_at timestamptz NOT NULL,
    saved_by uuid,
    PRIMARY KEY (business_id, template_id, version),
    FOREIGN KEY (business_id, template_id) REFERENCES templates (business_id, id),
    FOREIGN KEY (business_id, saved_by) REFERENCES users (business_id, id)
);
CALL app.protect('template_versions', 'staff', 'SELECT, INSERT');
CALL app.append_only('template_versions');

-- Which words a message was made of.
ALTER TABLE messages
    ADD COLUMN template_id uuid,
    ADD COLUMN template_version int,
    ADD CONSTRAINT messages_template CHECK ((template_id IS NULL) = (template_version IS NULL)),
    ADD FOREIGN KEY (business_id, template_id, template_version)
        REFERENCES template_versions (business_id, template_id, version);
