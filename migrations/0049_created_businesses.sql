-- The platform's staff creates businesses, and invites the first administrator of each: that invitation is nobody's in the
-- business.
ALTER TABLE invitations ALTER COLUMN invited_by DROP NOT NULL;
GRANT INSERT ON invitations TO funnelchat_system;
