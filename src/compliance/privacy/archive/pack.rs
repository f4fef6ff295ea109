//! A zip archive that is packed piece by piece on its way into the object store: neither memory nor any file of the machine
//! ever holds more than the piece that is being packed. Its last file is an index with the SHA-256 of every other.

use std::{
    io::{self, Write as _},
    sync::{Arc, Mutex, PoisonError},
};

use serde::Serialize;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use zip::{
    CompressionMethod, ZipWriter,
    write::{SimpleFileOptions, StreamWriter},
};

use crate::{files::FileWriter, platform::error::OpError};

/// The name of the index.
pub(super) const INDEX: &str = "index.json";

/// What is packed and not taken yet.
#[derive(Clone, Default)]
struct Packed(Arc<Mutex<Vec<u8>>>);

impl io::Write for Packed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Packed {
    fn take(&self) -> Vec<u8> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// A file of the archive, as the index names it.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Entry {
    pub(super) name: String,
    /// Before compression.
    pub(super) bytes: u64,
    pub(super) sha256: String,
    /// How many records a list holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) records: Option<u64>,
}

/// An archive that is being packed into a file.
pub(super) struct Pack<'a> {
    zip: ZipWriter<StreamWriter<Packed>>,
    packed: Packed,
    out: &'a mut FileWriter,
    entries: Vec<Entry>,
    open: Option<Open>,
}

struct Open {
    name: String,
    bytes: u64,
    hash: Sha256,
}

impl<'a> Pack<'a> {
    pub(super) fn into_file(out: &'a mut FileWriter) -> Self {
        let packed = Packed::default();
        Self {
            zip: ZipWriter::new_stream(packed.clone()),
            packed,
            out,
            entries: Vec::new(),
            open: None,
        }
    }

    /// What was packed so far.
    pub(super) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Begins a file; what was begun before has to be ended.
    pub(super) fn begin(&mut self, name: &str) -> Result<(), OpError> {
        let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
        self.zip.start_file(name, options).map_err(anyhow::Error::from)?;
        self.open = Some(Open {
            name: name.to_owned(),
            bytes: 0,
            hash: Sha256::new(),
        });
        Ok(())
    }

    /// Adds to the file that was begun.
    pub(super) async fn add(&mut self, bytes: &[u8]) -> Result<(), OpError> {
        self.zip.write_all(bytes).map_err(anyhow::Error::from)?;
        if let Some(open) = &mut self.open {
            open.bytes += u64::try_from(bytes.len()).unwrap_or(u64::MAX);
            open.hash.update(bytes);
        }
        self.out.write(&self.packed.take()).await
    }

    /// Ends the file that was begun.
    pub(super) fn end(&mut self, records: Option<u64>) {
        if let Some(open) = self.open.take() {
            self.entries.push(Entry {
                name: open.name,
                bytes: open.bytes,
                sha256: hex(&open.hash.finalize()),
                records,
            });
        }
    }

    /// Packs a whole file.
    pub(super) async fn file(&mut self, name: &str, content: &[u8]) -> Result<(), OpError> {
        self.begin(name)?;
        self.add(content).await?;
        self.end(None);
        Ok(())
    }

    /// Packs the index, and ends the archive. `about` says what it is.
    pub(super) async fn finish(mut self, about: &Value) -> Result<(), OpError> {
        let index = json!({ "about": about, "files": self.entries });
        let text = serde_json::to_vec_pretty(&index).map_err(anyhow::Error::from)?;
        self.begin(INDEX)?;
        self.add(&text).await?;
        self.zip.finish().map_err(anyhow::Error::from)?;
        self.out.write(&self.packed.take()).await
    }
}

/// Lower-case hexadecimal.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
