//! What the database's own catalogue says of tenancy.
