//! A trail (a business's, or the platform's own) read and checked from its first row, and as a bundle: JSON lines, each a
//! row or a signed checkpoint in the order of the chain, and last a signed end, so that whoever has the file and the public
//! key alone can tell whether a row was changed, left out, moved, or cut off.

use std::io::{BufRead, Write};

use anyhow::Context as _;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{
    chain_store::Reader,
    checkpoint::{BadCheckpoint, Checkpoint, CheckpointKeys, CheckpointSigner, Purpose, Trail},
    verify::{AuditLink, ChainVerifier},
};
use crate::platform::{
    context::{SystemCtx, TenantCtx},
    db::Db,
};

/// Whose chain is meant, and who reads it.
#[derive(Clone, Copy, Debug)]
pub enum Chain<'a> {
    /// That of the context's business.
    Business(&'a TenantCtx),
    /// The platform's: acts that belong to no business, such as log-ins.
    Platform(&'a SystemCtx),
}

impl Chain<'_> {
    /// Whose it is.
    pub fn trail(self) -> Trail {
        match self {
            Self::Business(ctx) => Trail::Business(ctx.business_id()),
            Self::Platform(_) => Trail::Platform,
        }
    }
}

/// One line of a bundle.
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
enum Line {
    /// The first: whose trail it is, and the public keys, which are believed only where the reader knows no better.
    Trail {
        trail: Trail,
        keys: Vec<String>,
    },
    Row(Box<AuditLink>),
    Checkpoint(Checkpoint),
    /// The last: where the chain stood when it was read.
    End(Checkpoint),
}

/// What a walk along a chain comes by.
#[derive(Debug)]
pub enum Entry {
    Row(Box<AuditLink>),
    /// Stands behind the row that it names.
    Checkpoint(Checkpoint),
}

/// Where a chain ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Walked {
    pub rows: i64,
    /// How many checkpoints were met, all good.
    pub checkpoints: usize,
    /// The last row's hash; empty without rows.
    pub hash: Vec<u8>,
    /// Business time of the walk.
    pub at: DateTime<Utc>,
}

/// A chain that is read page by page up to where it stood at the beginning, and checked on the way. Rows are only ever
/// added, so that each page may be read in a transaction of its own.
pub(super) struct Reading {
    walk: Walk,
    position: i64,
    hash: Vec<u8>,
    at: DateTime<Utc>,
}

impl Reading {
    /// Settles how far to read. What is committed from now on belongs to the next reading: rows up to the head are there,
    /// since both commit together.
    pub(super) async fn begin(reader: &mut Reader, trail: Trail, at: DateTime<Utc>) -> anyhow::Result<Self> {
        // First the checkpoint: one that is signed meanwhile stands behind the head that is read after it.
        let signed = reader.last_checkpoint().await?;
        let (position, hash) = reader.head().await?;
        let beyond = signed.map_or(0, |checkpoint| checkpoint.position);
        anyhow::ensure!(
            beyond <= position,
            "rows are missing at the end: a checkpoint was signed at row {beyond}, found are {position}"
        );
        Ok(Self {
            walk: Walk::new(trail),
            position,
            hash,
            at,
        })
    }

    /// The next rows with the checkpoints behind them; `None` at the end.
    pub(super) async fn next(
        &mut self,
        reader: &mut Reader,
        keys: &CheckpointKeys,
    ) -> anyhow::Result<Option<Vec<Entry>>> {
        let from = self.walk.verifier.rows();
        let rows = reader.links(from, self.position).await?;
        let Some(last) = rows.last() else { return Ok(None) };
        let checkpoints = reader.checkpoints(from, last.position).await?;
        let mut checkpoints = checkpoints.into_iter().peekable();
        let mut entries = Vec::with_capacity(rows.len());
        for link in rows {
            let here = link.position;
            self.walk.row(&link)?;
            entries.push(Entry::Row(Box::new(link)));
            if let Some(checkpoint) = checkpoints.next_if(|checkpoint| checkpoint.position == here) {
                self.walk.checkpoint(keys, &checkpoint)?;
                entries.push(Entry::Checkpoint(checkpoint));
            }
        }
        Ok(Some(entries))
    }

    /// Where the chain ended: where its head said.
    pub(super) fn end(self) -> anyhow::Result<Walked> {
        let (position, rows) = (self.position, self.walk.verifier.rows());
        anyhow::ensure!(
            rows == position && self.walk.verifier.hash() == self.hash,
            "rows are missing at the end: the head says {position}, found are {rows}"
        );
        Ok(Walked {
            rows: position,
            checkpoints: self.walk.checkpoints,
            hash: self.hash,
            at: self.at,
        })
    }
}

/// Reads the whole chain, checks rows and checkpoints, and hands each to `take`.
///
/// # Errors
/// When the chain is broken, rows are missing at its end, or a checkpoint was signed over other rows.
pub async fn read_chain(
    db: &Db,
    chain: Chain<'_>,
    keys: &CheckpointKeys,
    mut take: impl FnMut(Entry) -> anyhow::Result<()>,
) -> anyhow::Result<Walked> {
    let mut reader = Reader::open(db, chain).await?;
    let mut reading = Reading::begin(&mut reader, chain.trail(), db.clock().now()).await?;
    while let Some(entries) = reading.next(&mut reader, keys).await? {
        entries.into_iter().try_for_each(&mut take)?;
    }
    reader.close().await?;
    reading.end()
}

/// The first line of a bundle.
pub(super) fn first_line(trail: Trail, signer: &CheckpointSigner) -> anyhow::Result<Vec<u8>> {
    let keys = signer.public().texts();
    written(&Line::Trail { trail, keys })
}

/// The line of a row or checkpoint.
pub(super) fn entry_line(entry: Entry) -> anyhow::Result<Vec<u8>> {
    written(&match entry {
        Entry::Row(link) => Line::Row(link),
        Entry::Checkpoint(checkpoint) => Line::Checkpoint(checkpoint),
    })
}

/// The signed last line.
pub(super) fn last_line(trail: Trail, signer: &CheckpointSigner, walked: &Walked) -> anyhow::Result<Vec<u8>> {
    let Walked { rows, hash, at, .. } = walked;
    written(&Line::End(signer.sign(
        Purpose::BundleEnd,
        trail,
        *rows,
        hash,
        *at,
    )))
}

fn written(line: &Line) -> anyhow::Result<Vec<u8>> {
    let mut text = serde_json::to_vec(line)?;
    text.push(b'\n');
    Ok(text)
}

/// Writes the chain as a bundle.
///
/// # Errors
/// As [`read_chain`], and when the file cannot be written.
pub async fn write_bundle(
    db: &Db,
    chain: Chain<'_>,
    signer: &CheckpointSigner,
    out: &mut impl Write,
    mut progress: impl FnMut(i64),
) -> anyhow::Result<i64> {
    out.write_all(&first_line(chain.trail(), signer)?)?;
    let walked = read_chain(db, chain, signer.public(), |entry| {
        if let Entry::Row(link) = &entry {
            progress(link.position);
        }
        Ok(out.write_all(&entry_line(entry)?)?)
    })
    .await?;
    out.write_all(&last_line(chain.trail(), signer, &walked)?)?;
    out.flush()?;
    Ok(walked.rows)
}

/// What a bundle was found to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedBundle {
    pub trail: Trail,
    pub rows: i64,
    pub checkpoints: usize,
    /// When it was made (business time).
    pub made_at: DateTime<Utc>,
    /// The keys that it names itself, as `name:base64`; a bundle that somebody forged as a whole names the forger's.
    pub own_keys: Vec<String>,
}

/// Checks a bundle from the file alone. The signatures must be by `trusted` keys; without any, by those that the file names.
///
/// # Errors
/// Says which row is changed, missing or moved, which signature is wrong, or that the end is cut off.
pub fn verify_bundle(
    file: impl BufRead,
    trusted: Option<&CheckpointKeys>,
    mut progress: impl FnMut(i64),
) -> anyhow::Result<VerifiedBundle> {
    let mut lines = (1_u64..).zip(file.lines()).map(|(number, line)| {
        let line: Line =
            serde_json::from_str(&line?).with_context(|| format!("line {number} is not of a bundle"))?;
        anyhow::Ok((number, line))
    });
    let Some((
        _,
        Line::Trail {
            trail,
            keys: own_keys,
        },
    )) = lines.next().transpose()?
    else {
        anyhow::bail!("line 1 does not say whose trail this is");
    };
    let keys = match trusted {
        Some(trusted) => trusted.clone(),
        None => named_keys(&own_keys)?,
    };
    let mut walk = Walk::new(trail);
    let mut end = None;
    for line in lines {
        let (number, line) = line?;
        anyhow::ensure!(end.is_none(), "line {number}: something follows the end");
        match line {
            Line::Row(link) => {
                walk.row(&link)?;
                progress(link.position);
            }
            Line::Checkpoint(checkpoint) => walk.checkpoint(&keys, &checkpoint)?,
            Line::End(checkpoint) => {
                walk.end(&keys, &checkpoint)?;
                end = Some(checkpoint);
            }
            Line::Trail { .. } => anyhow::bail!("line {number}: a second trail begins"),
        }
    }
    let end = end.context("the end is cut off: the signed last line is missing")?;
    Ok(VerifiedBundle {
        trail,
        rows: end.position,
        checkpoints: walk.checkpoints,
        made_at: end.at,
        own_keys,
    })
}

fn named_keys(texts: &[String]) -> anyhow::Result<CheckpointKeys> {
    let mut keys = CheckpointKeys::default();
    for text in texts {
        keys.add(text)
            .map_err(|problem| anyhow::anyhow!("a key of line 1 cannot be read: {problem}"))?;
    }
    Ok(keys)
}

/// Along a chain, from its first row.
struct Walk {
    trail: Trail,
    verifier: ChainVerifier,
    /// The row of the last checkpoint.
    signed: i64,
    checkpoints: usize,
}

impl Walk {
    fn new(trail: Trail) -> Self {
        Self {
            trail,
            verifier: ChainVerifier::default(),
            signed: 0,
            checkpoints: 0,
        }
    }

    fn row(&mut self, link: &AuditLink) -> anyhow::Result<()> {
        Ok(self.verifier.check(link)?)
    }

    fn checkpoint(&mut self, keys: &CheckpointKeys, checkpoint: &Checkpoint) -> anyhow::Result<()> {
        keys.check(Purpose::Checkpoint, self.trail, checkpoint)?;
        anyhow::ensure!(
            checkpoint.position > self.signed,
            "the checkpoint at row {} stands twice",
            checkpoint.position
        );
        (self.signed, self.checkpoints) = (checkpoint.position, self.checkpoints + 1);
        Ok(self.stands_at(checkpoint)?)
    }

    fn end(&self, keys: &CheckpointKeys, end: &Checkpoint) -> anyhow::Result<()> {
        anyhow::ensure!(
            end.position == self.verifier.rows(),
            "rows are missing: the end says {}, found are {}",
            end.position,
            self.verifier.rows()
        );
        keys.check(Purpose::BundleEnd, self.trail, end)?;
        Ok(self.stands_at(end)?)
    }

    fn stands_at(&self, checkpoint: &Checkpoint) -> Result<(), BadCheckpoint> {
        let is_here = checkpoint.position == self.verifier.rows() && checkpoint.hash == self.verifier.hash();
        is_here
            .then_some(())
            .ok_or(BadCheckpoint::OtherRows(checkpoint.position))
    }
}
