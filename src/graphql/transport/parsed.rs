//! Parsed documents of the last operations: front ends send the same few texts again and again, and parsing one takes
//! longer than everything else that happens before its execution.

use std::{
    num::NonZeroUsize,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_graphql::parser::{Error, parse_query, types::ExecutableDocument};
use lru::LruCache;

/// Longer texts are parsed each time: few are, and what is kept must stay small.
const MOST_BYTES: usize = 8 * 1024;
/// How many documents are kept.
const MOST: NonZeroUsize = NonZeroUsize::new(512).unwrap();

/// The documents of one process. Parsing does not depend on who asks, so all callers share them.
#[derive(Debug)]
pub(super) struct ParsedDocuments(Mutex<LruCache<String, Arc<ExecutableDocument>>>);

impl Default for ParsedDocuments {
    fn default() -> Self {
        Self(Mutex::new(LruCache::new(MOST)))
    }
}

impl ParsedDocuments {
    /// The document of a text, from memory or parsed now.
    ///
    /// # Errors
    /// Where the text is not GraphQL; that is not kept.
    pub fn parse(&self, text: &str) -> Result<ExecutableDocument, Error> {
        if text.len() > MOST_BYTES {
            return parse_query(text);
        }
        if let Some(known) = self.lock().get(text).cloned() {
            return Ok(known.as_ref().clone());
        }
        // Outside the lock: two requests may parse the same text at once, which is harmless.
        let document = parse_query(text)?;
        self.lock().put(text.to_owned(), Arc::new(document.clone()));
        Ok(document)
    }

    fn lock(&self) -> MutexGuard<'_, LruCache<String, Arc<ExecutableDocument>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(documents: &ParsedDocuments) -> usize {
        documents.lock().len()
    }

    #[test]
    fn a_text_that_comes_again_has_the_same_document() {
        let documents = ParsedDocuments::default();
        let first = documents.parse("query($n: Int) { a(n: $n) { b } }").unwrap();
        let again = documents.parse("query($n: Int) { a(n: $n) { b } }").unwrap();
        assert_eq!(format!("{first:?}"), format!("{again:?}"));
        assert_eq!(kept(&documents), 1);
    }

    #[test]
    fn what_does_not_parse_or_is_long_is_not_kept() {
        let documents = ParsedDocuments::default();
        assert!(documents.parse("{ a(").is_err());
        let long = format!("{{ a {} }}", " ".repeat(MOST_BYTES));
        assert!(documents.parse(&long).is_ok());
        assert_eq!(kept(&documents), 0);
    }

    #[test]
    fn many_texts_push_out_only_those_that_nobody_asks_for() {
        let documents = ParsedDocuments::default();
        for n in 0..3 * MOST.get() {
            documents.parse(&format!("{{ a{n} }}")).unwrap();
            documents.parse("{ popular }").unwrap();
        }
        assert_eq!(kept(&documents), MOST.get());
        assert!(documents.lock().contains("{ popular }"));
    }
}
