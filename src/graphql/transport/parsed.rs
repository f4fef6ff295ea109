//! Parsed documents of the last operations: front ends send the same few texts again and again, and parsing one takes
//! longer than everything else that happens before its execution.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_graphql::parser::types::ExecutableDocument;
use lru::LruCache;

/// Longer texts are parsed each time: few are.
const MOST_BYTES_OF_ONE: usize = 8 * 1024;
/// Bytes of text of all documents that are kept. A document takes up to a hundred times its text (a field of two
/// characters is one of 200 bytes), so that this is about 25 MB at the very most.
const MOST_BYTES: usize = 256 * 1024;

/// The documents of one process. Parsing does not depend on who asks, so all callers share them.
#[derive(Debug)]
pub(super) struct ParsedDocuments(Mutex<Kept>);

#[derive(Debug)]
struct Kept {
    documents: LruCache<String, Arc<ExecutableDocument>>,
    bytes: usize,
}

impl Default for ParsedDocuments {
    fn default() -> Self {
        Self(Mutex::new(Kept {
            documents: LruCache::unbounded(),
            bytes: 0,
        }))
    }
}

impl ParsedDocuments {
    /// The document of a text that was kept.
    pub fn get(&self, text: &str) -> Option<Arc<ExecutableDocument>> {
        self.lock().documents.get(text).cloned()
    }

    /// Keeps the document of a text, in place of what was asked for longest ago. For documents within the limits only:
    /// whatever is sent would otherwise push the useful ones out.
    pub fn keep(&self, text: &str, document: &Arc<ExecutableDocument>) {
        if text.len() > MOST_BYTES_OF_ONE {
            return;
        }
        let mut kept = self.lock();
        if kept
            .documents
            .put(text.to_owned(), Arc::clone(document))
            .is_none()
        {
            kept.bytes += text.len();
        }
        while kept.bytes > MOST_BYTES
            && let Some((oldest, _)) = kept.documents.pop_lru()
        {
            kept.bytes -= oldest.len();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::parser::parse_query;

    use super::*;

    fn keep(documents: &ParsedDocuments, text: &str) {
        documents.keep(text, &Arc::new(parse_query(text).unwrap()));
    }

    #[test]
    fn a_text_that_comes_again_has_the_same_document() {
        let documents = ParsedDocuments::default();
        let text = "query($n: Int) { a(n: $n) { b } }";
        assert!(documents.get(text).is_none());
        keep(&documents, text);
        keep(&documents, text);
        let (known, parsed) = (documents.get(text).unwrap(), parse_query(text).unwrap());
        assert_eq!(format!("{:?}", *known), format!("{parsed:?}"));
        assert_eq!(documents.lock().bytes, text.len());
    }

    #[test]
    fn a_long_text_is_not_kept() {
        let documents = ParsedDocuments::default();
        let long = format!("{{ a {} }}", " ".repeat(MOST_BYTES_OF_ONE));
        keep(&documents, &long);
        assert!(documents.get(&long).is_none());
    }

    #[test]
    fn many_texts_push_out_only_those_that_nobody_asks_for() {
        let documents = ParsedDocuments::default();
        keep(&documents, "{ popular }");
        for n in 0..200 {
            keep(&documents, &format!("{{ a{n} {} }}", " ".repeat(4_000)));
            assert!(documents.get("{ popular }").is_some());
        }
        let kept = documents.lock();
        assert!(kept.bytes <= MOST_BYTES);
        assert_eq!(
            kept.bytes,
            kept.documents.iter().map(|(text, _)| text.len()).sum::<usize>()
        );
        assert!(kept.documents.len() > 50);
    }
}
