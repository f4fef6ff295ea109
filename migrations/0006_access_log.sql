-- Whose reads concerned a person is looked up by business and time: under row-level security `@>` on an array is a
-- filter and never reaches an index (it is not leakproof), so this one was only written, with an entry for every
-- debtor of every page that anybody reads.
DROP INDEX access_log_debtors;
