//! Cursors: opaque, bound to the question that they were made for, so that one is never used to page through another.

use crate::query::QueryError;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::hash::{DefaultHasher, Hash, Hasher};

#[derive(Serialize, Deserialize)]
struct Cursor<P> {
    #[serde(rename = "q")]
    question: u64,
    #[serde(rename = "p")]
    position: P,
}

/// A question as far as its cursors tell it from others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Question(u64);

impl Question {
    /// The question that is told by these words: everything that decides which things come in which order.
    pub fn of(words: &impl std::fmt::Debug) -> Self {
        let mut hash = DefaultHasher::new();
        format!("{words:?}").hash(&mut hash);
        Self(hash.finish())
    }

    /// The cursor of a position in this question's answer.
    pub fn cursor(self, position: &impl Serialize) -> String {
        let cursor = Cursor {
            question: self.0,
            position,
        };
        // A position is plain data, which always serialises.
        URL_SAFE_NO_PAD.encode(serde_json::to_vec(&cursor).unwrap_or_default())
    }

    /// The position in a cursor.
    ///
    /// # Errors
    /// When it is no cursor, or one of another question.
    pub fn position<P: DeserializeOwned>(
        self,
        argument: &'static str,
        cursor: Option<&str>,
    ) -> Result<Option<P>, QueryError> {
        let Some(text) = cursor else {
            return Ok(None);
        };
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| malformed(argument))?;
        let whose: Cursor<serde_json::Value> =
            serde_json::from_slice(&bytes).map_err(|_| malformed(argument))?;
        if whose.question != self.0 {
            return Err(QueryError::CursorMismatch { argument });
        }
        let position = serde_json::from_value(whose.position).map_err(|_| malformed(argument))?;
        Ok(Some(position))
    }
}

fn malformed(argument: &str) -> QueryError {
    QueryError::Input(format!(
        "`{argument}` is no cursor; take one from `pageInfo.endCursor` or an edge's `cursor`"
    ))
}
