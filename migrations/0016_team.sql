-- Who works when, on what and how much; what members of staff want to hear of; what they have done; a business's logo; and
-- the end of a business, which can be taken back for a while.

-- When a member works: hours of the week on the clock of this zone, and dates that differ.
CREATE TABLE work_schedules (
    business_id uuid NOT NULL,
    user_id uuid NOT NULL,
    time_zone text NOT NULL CHECK (length(time_zone) BETWEEN 1 AND 64),
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (business_id, user_id),
    FOREIGN KEY (business_id, user_id) REFERENCES users (business_id, id)
);
CALL app.protect('work_schedules', 'staff', 'SELECT, INSERT, UPDATE, DELETE');

CREATE TABLE work_hours (
    business_id uuid NOT NULL,
    user_id uuid NOT NULL,
    nth smallint NOT NULL CHECK (nth BETWEEN 1 AND 1000),
    -- Of every such day (ISO 8601: Monday is 1), or of one date, whose hours take the place of its weekday's.
    weekday smallint CHECK (weekday BETWEEN 1 AND 7),
    on_date date,
    from_minute smallint NOT NULL,
    to_minute smallint NOT NULL,
    PRIMARY KEY (business_id, user_id, nth),
    FOREIGN KEY (business_id, user_id) REFERENCES work_schedules (business_id, user_id),
    CHECK (num_nonnulls(weekday, on_date) = 1),
    -- A date without a minute is a day off.
    CHECK ((0 <= from_minute AND from_minute < to_minute AND to_minute <= 1440)
           OR (on_date IS NOT NULL AND from_minute = 0 AND to_minute = 0))
);
CALL app.protect('work_hours', 'staff', 'SELECT, INSERT, DELETE');

-- Words of the business's own: a language, a kind of debt, a state.
CREATE TABLE user_skills (
    business_id uuid NOT NULL,
    user_id uuid NOT NULL,
    skill text NOT NULL CHECK (length(skill) BETWEEN 1 AND 50),
    PRIMARY KEY (business_id, user_id, skill),
    FOREIGN KEY (business_id, user_id) REFERENCES users (business_id, id)
);
CREATE INDEX user_skills_skill ON user_skills (business_id, skill, user_id);
CALL app.protect('user_skills', 'staff', 'SELECT, INSERT, DELETE');

-- How many open threads a member works on at once; as many as come where null.
ALTER TABLE users ADD COLUMN capacity smallint CHECK (capacity BETWEEN 0 AND 500);

-- What a member chose otherwise than it is by default.
CREATE TABLE notification_preferences (
    business_id uuid NOT NULL,
    user_id uuid NOT NULL,
    kind text NOT NULL CHECK (kind IN ('API_KEY_ENDING', 'CONVERSATION_ASSIGNED', 'IMPORT_FINISHED', 'MESSAGE_RECEIVED')),
    channel text NOT NULL CHECK (channel IN ('EMAIL', 'IN_APP')),
    enabled boolean NOT NULL,
    PRIMARY KEY (business_id, user_id, kind, channel),
    FOREIGN KEY (business_id, user_id) REFERENCES users (business_id, id)
);
CALL app.protect('notification_preferences', 'staff', 'SELECT, INSERT, UPDATE');
-- The mails are sent outside any one business.
CALL app.open_to_system('notification_preferences', 'SELECT');

-- What each member works on, and wrote.
CREATE INDEX conversations_assignee ON conversations (business_id, assigned_agent_id)
    WHERE status IN ('ACTIVE', 'ESCALATED') AND assigned_agent_id IS NOT NULL;
CREATE INDEX messages_author ON messages (business_id, sender_id, created_at) WHERE sender_type = 'AGENT';

ALTER TABLE files DROP CONSTRAINT files_purpose_check,
    ADD CONSTRAINT files_purpose_check CHECK (purpose IN
        ('ACCOUNT_IMPORT', 'DOCUMENT', 'PROFILE_PHOTO', 'BUSINESS_LOGO', 'EXPORT', 'IMPORT_REPORT'));

CREATE TABLE business_logos (
    business_id uuid PRIMARY KEY REFERENCES businesses (id),
    file_id uuid NOT NULL,
    set_at timestamptz NOT NULL,
    FOREIGN KEY (business_id, file_id) REFERENCES files (business_id, id)
);
CALL app.protect('business_logos', 'staff', 'SELECT, INSERT, UPDATE, DELETE');

ALTER TABLE businesses
    -- Whether agents say themselves when they work.
    ADD COLUMN agents_set_own_availability boolean NOT NULL DEFAULT false,
    -- TEN-007, on business time. A deleted business is a suspended one that is not to come back; nothing of it is removed.
    ADD COLUMN deleted_at timestamptz,
    ADD COLUMN deletion_reason text CHECK (length(deletion_reason) BETWEEN 1 AND 1000),
    ADD CONSTRAINT deleted_is_suspended CHECK (deleted_at IS NULL OR status = 'SUSPENDED'),
    ADD CHECK ((deleted_at IS NULL) = (deletion_reason IS NULL));
