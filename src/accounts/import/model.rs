//! Types of an import, and which step may follow which. No I/O.

use async_graphql::Enum;
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{columns::Column, row::ParsedRow, template::AccountImportTemplate};

/// How long an import waits to be committed.
pub(super) const WAITS_FOR: TimeDelta = TimeDelta::hours(24);
/// How long an import that has ended is remembered, with its findings and its report.
pub(super) const REMEMBERED_FOR: TimeDelta = TimeDelta::days(90);
/// How long the file of the rows that were not imported is kept: as long as an export.
pub(super) const REPORT_KEPT_FOR: TimeDelta = TimeDelta::hours(72);
/// Rows that are looked at, staged, and placed together: one transaction each.
pub(super) const CHUNK: usize = 500;

/// Where an import stands.
#[derive(Clone, Copy, Debug, Enum, Eq, PartialEq)]
pub enum AccountImportStatus {
    /// Required fields have no column: say with remapAccountImport what the columns become.
    NeedsMapping,
    /// Its rows are being looked at.
    Analyzing,
    /// All rows were looked at: commit it, or change its mapping.
    Ready,
    /// Its rows are becoming accounts.
    Committing,
    /// It is done.
    Completed,
    /// It ended without success; `failure` says why.
    Failed,
    /// Somebody cancelled it.
    Cancelled,
    /// Nobody committed it within a day.
    Expired,
}

impl AccountImportStatus {
    const ALL: [Self; 8] = [
        Self::NeedsMapping,
        Self::Analyzing,
        Self::Ready,
        Self::Committing,
        Self::Completed,
        Self::Failed,
        Self::Cancelled,
        Self::Expired,
    ];

    /// As the database spells it.
    pub(in crate::accounts) fn as_str(self) -> &'static str {
        match self {
            Self::NeedsMapping => "NEEDS_MAPPING",
            Self::Analyzing => "ANALYZING",
            Self::Ready => "READY",
            Self::Committing => "COMMITTING",
            Self::Completed => "COMPLETED",
            Self::Failed => "FAILED",
            Self::Cancelled => "CANCELLED",
            Self::Expired => "EXPIRED",
        }
    }

    /// The reverse of [`Self::as_str`]; the column's CHECK allows nothing else.
    pub(in crate::accounts) fn parse(text: &str) -> Self {
        let found = Self::ALL.into_iter().find(|status| status.as_str() == text);
        found.unwrap_or(Self::Failed)
    }

    /// Whether it can still be previewed with another mapping.
    pub(super) fn may_be_previewed(self) -> bool {
        matches!(self, Self::NeedsMapping | Self::Analyzing | Self::Ready)
    }

    /// Whether nothing happens to it any more.
    pub(in crate::accounts) fn has_ended(self) -> bool {
        matches!(
            self,
            Self::Completed | Self::Failed | Self::Cancelled | Self::Expired
        )
    }

    /// Whether it came to an end by itself, which whoever began it may be told of.
    pub(in crate::accounts) fn is_over(self) -> bool {
        matches!(self, Self::Completed | Self::Failed)
    }

    /// Why it cannot be committed or previewed again.
    pub(super) fn refusal(self) -> &'static str {
        match self {
            Self::NeedsMapping => {
                "Required fields have no column: say with remapAccountImport what the columns become."
            }
            Self::Analyzing => "Its rows are still being looked at: wait until its status is READY.",
            Self::Ready => "It is ready to be committed.",
            Self::Committing => "It is being committed already.",
            Self::Completed => "It was committed already: upload another file.",
            Self::Failed => "It has failed: upload the corrected file.",
            Self::Cancelled => "It was cancelled: upload the file again.",
            Self::Expired => "It has expired: upload the file again.",
        }
    }
}

/// Which rows become accounts.
#[derive(Clone, Copy, Debug, Enum, Eq, PartialEq)]
pub enum AccountImportMode {
    /// All rows or none, also for whoever reads meanwhile and after a crash: one transaction at the end. Refused while a
    /// row is invalid or a duplicate.
    AllOrNothing,
    /// Every row that is neither invalid nor a duplicate, some hundred at a time. What was imported stays when the import
    /// is cancelled.
    ValidRowsOnly,
}

impl AccountImportMode {
    /// As the database spells it.
    pub(in crate::accounts) fn as_str(self) -> &'static str {
        match self {
            Self::AllOrNothing => "ALL_OR_NOTHING",
            Self::ValidRowsOnly => "VALID_ROWS_ONLY",
        }
    }

    /// The reverse of [`Self::as_str`]; the column's CHECK allows nothing else.
    pub(in crate::accounts) fn parse(text: &str) -> Self {
        if text == "ALL_OR_NOTHING" {
            Self::AllOrNothing
        } else {
            Self::ValidRowsOnly
        }
    }
}

/// An import as the database holds it.
#[derive(Clone, Debug)]
pub(in crate::accounts) struct ImportRow {
    pub(in crate::accounts) id: Uuid,
    pub(in crate::accounts) file_id: Uuid,
    pub(in crate::accounts) created_by: Option<Uuid>,
    pub(in crate::accounts) status: String,
    pub(in crate::accounts) template: String,
    pub(in crate::accounts) mode: Option<String>,
    pub(in crate::accounts) columns_cipher: Vec<u8>,
    pub(in crate::accounts) key_version: i32,
    /// Whether creditors and placements that are new may be made.
    pub(in crate::accounts) makes_origins: bool,
    /// Whether a row that was looked at says when a limitation period ends.
    pub(in crate::accounts) has_limitations: bool,
    /// Who vouches for that, once it is committed.
    pub(in crate::accounts) limitations_by: Option<Uuid>,
    pub(in crate::accounts) step: i32,
    pub(in crate::accounts) chunks_analyzed: i32,
    pub(in crate::accounts) rows_analyzed: i32,
    pub(in crate::accounts) rows_total: Option<i32>,
    pub(in crate::accounts) rows_valid: i32,
    pub(in crate::accounts) rows_invalid: i32,
    pub(in crate::accounts) rows_duplicate_in_file: i32,
    pub(in crate::accounts) rows_duplicate_in_business: i32,
    pub(in crate::accounts) rows_suppressed: i32,
    pub(in crate::accounts) chunks_committed: i32,
    pub(in crate::accounts) rows_processed: i32,
    pub(in crate::accounts) rows_imported: i32,
    pub(in crate::accounts) rows_skipped: i32,
    pub(in crate::accounts) failure_code: Option<String>,
    pub(in crate::accounts) failure_message: Option<String>,
    pub(in crate::accounts) report_file_id: Option<Uuid>,
    pub(in crate::accounts) created_at: DateTime<Utc>,
    pub(in crate::accounts) expires_at: DateTime<Utc>,
}

impl ImportRow {
    pub(in crate::accounts) fn status(&self) -> AccountImportStatus {
        AccountImportStatus::parse(&self.status)
    }

    pub(in crate::accounts) fn template(&self) -> AccountImportTemplate {
        AccountImportTemplate::parse(&self.template)
    }
}

/// Columns in clear.
#[derive(Deserialize, Serialize)]
pub(in crate::accounts) struct Columns(pub(in crate::accounts) Vec<Column>);

/// How many rows are what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) valid: i32,
    pub(super) invalid: i32,
    pub(super) duplicate_in_file: i32,
    pub(super) duplicate_in_business: i32,
    pub(super) suppressed: i32,
}

/// A row of the file on its way.
#[derive(Deserialize, Serialize)]
pub(super) struct StagedRow {
    pub(super) row: u32,
    /// As they stand in the file, for the report.
    pub(super) cells: Vec<String>,
    /// What it says; none where it cannot be imported.
    pub(super) parsed: Option<ParsedRow>,
    /// Records of people whom the business has and the row repeats.
    pub(super) repeats: Vec<Uuid>,
}

impl StagedRow {
    /// Whether it can be imported and says when a limitation period ends.
    pub(super) fn has_limitation(&self) -> bool {
        self.parsed.as_ref().is_some_and(|row| row.limitation.is_some())
    }
}
