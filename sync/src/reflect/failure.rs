//! What can go wrong in a list or a watch, sorted by what has to be done about it.

use crate::cluster::ConnectError;
use crate::frame::{FrameError, Status};
use std::time::Duration;

/// Why a list or a watch ended before it should.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    /// The version or the token that we came with is too old: list.
    #[error(
        "the server's history no longer reaches back to what we hold ({0}); reading the whole list again"
    )]
    Expired(String),
    /// Something in the stream cannot be trusted: list.
    #[error("{words}; reading the whole list again")]
    Dirty { reason: &'static str, words: String },
    /// We may not see it.
    #[error("{0}; grant list and watch by RBAC, it is tried again every minute")]
    Denied(String),
    /// The cluster does not serve it.
    #[error("the cluster does not serve it ({0}); it is tried again every minute")]
    Absent(String),
    /// The credentials of this generation are not accepted.
    #[error("the cluster does not accept the credentials ({words}); log in again or renew the token")]
    Unauthorized { generation: u64, words: String },
    /// The server is busy and says when to come back.
    #[error("the server is busy ({words}); coming back later")]
    Throttled { after: Option<Duration>, words: String },
    /// The server does not speak protobuf here.
    #[error("the server does not answer in an encoding that we read ({0})")]
    NotAcceptable(String),
    /// The server does not know streaming lists.
    #[error("no streaming list ({0}); reading pages instead")]
    StreamingRefused(String),
    /// The server has not seen the version that we hold yet.
    #[error("the server is behind what we hold ({0}); coming back later")]
    TooNew(String),
    /// The server accepted a watch and says nothing.
    #[error("{0}")]
    Silent(String),
    /// No answer at all.
    #[error("{0}")]
    Unreachable(String),
    /// An answer broke off or stands still.
    #[error("{0}; is the server overloaded, or the network bad?")]
    Broken(String),
    /// The server says that it failed.
    #[error("the server failed ({0}); look at its log and health")]
    Server(String),
    /// The list brought far less than is held.
    #[error(
        "suspicious: the list has {listed} objects where {held} are held; asking again before any of them is taken for gone"
    )]
    Suspicious { listed: u64, held: u64 },
    /// Another cluster answers at this address.
    #[error("another cluster answers at this address")]
    Replaced,
    /// The receiver of events is gone: there is nothing left to do.
    #[error("nobody listens")]
    NobodyListens,
}

/// What was asked when the answer came.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Asked {
    /// A page of a list.
    Page,
    /// A streaming list.
    StreamingList,
    /// A watch from a version.
    Watch,
    /// Nothing: it came within a stream.
    InStream,
}

impl Failure {
    /// What a refusal means.
    pub(super) fn of_status(
        status: &Status,
        asked: Asked,
        retry_after: Option<u64>,
        generation: u64,
    ) -> Self {
        let said = [status.message.as_str(), status.reason.as_str()];
        let said = said.into_iter().find(|s| !s.is_empty()).unwrap_or("no words");
        let words = format!("{} {said}", status.code);
        let after = retry_after.or(status.retry_after).map(Duration::from_secs);
        let too_new = status.causes.iter().any(|c| c == "ResourceVersionTooLarge")
            || status.message.contains("Too large resource version");
        match status.code {
            _ if status.reason == "Expired" || status.reason == "Gone" => Self::Expired(words),
            _ if too_new => Self::TooNew(words),
            410 => Self::Expired(words),
            401 => Self::Unauthorized { generation, words },
            403 => Self::Denied(words),
            404 | 405 => Self::Absent(words),
            406 | 415 => Self::NotAcceptable(words),
            400 | 422 if asked == Asked::StreamingList => Self::StreamingRefused(words),
            // A version that this server does not understand is no version to go on from.
            400 | 422 if asked == Asked::Watch => Self::Dirty {
                reason: "refused",
                words,
            },
            429 => Self::Throttled { after, words },
            503 if after.is_some() => Self::Throttled { after, words },
            _ if status.message.contains("required revision has been compacted") => Self::Expired(words),
            // The server itself cannot go on with this stream, and may never again from this version.
            _ if asked == Asked::InStream => Self::Dirty {
                reason: "error",
                words,
            },
            _ => Self::Server(words),
        }
    }

    /// The network failed, in its words.
    pub(super) fn of_connection(error: &ConnectError) -> Self {
        Self::Unreachable(error.sentence())
    }
}

impl From<FrameError> for Failure {
    fn from(error: FrameError) -> Self {
        let reason = match error {
            FrameError::Truncated { .. } => "truncated",
            _ => "malformed",
        };
        Self::Dirty {
            reason,
            words: error.to_string(),
        }
    }
}
