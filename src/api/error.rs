//! Errors as callers see them: a closed list of codes, what to do in words, and nothing of the inside. What is masked is
//! logged once, under the id that the caller got.

use super::instant::Instant;
use crate::query::QueryError;
use crate::store::StoreError;
use async_graphql::{ErrorExtensionValues, ServerError};

/// What kind of error it is: `extensions.code`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Code {
    /// The request cannot be understood.
    BadUserInput,
    /// It names something that is not there.
    NotFound,
    /// The host name or origin is not allowed.
    Forbidden,
    /// It would take too much work.
    CostExceeded,
    /// It is nested too deep.
    DepthExceeded,
    /// It took too long.
    Timeout,
    /// The store does not answer.
    StoreUnavailable,
    /// It asks for a time from before the kept history.
    HistoryExpired,
    /// A cursor of another question.
    CursorMismatch,
    /// There are too many subscriptions already.
    TooManySubscriptions,
    /// A reader did not take what was sent to it in time.
    SlowReader,
    /// Our fault.
    Internal,
}

impl Code {
    /// As in `extensions.code`.
    pub fn name(self) -> &'static str {
        match self {
            Code::BadUserInput => "BAD_USER_INPUT",
            Code::NotFound => "NOT_FOUND",
            Code::Forbidden => "FORBIDDEN",
            Code::CostExceeded => "COST_EXCEEDED",
            Code::DepthExceeded => "DEPTH_EXCEEDED",
            Code::Timeout => "TIMEOUT",
            Code::StoreUnavailable => "STORE_UNAVAILABLE",
            Code::HistoryExpired => "HISTORY_EXPIRED",
            Code::CursorMismatch => "CURSOR_MISMATCH",
            Code::TooManySubscriptions => "TOO_MANY_SUBSCRIPTIONS",
            Code::SlowReader => "SLOW_READER",
            Code::Internal => "INTERNAL",
        }
    }
}

/// A request that was refused as a whole.
#[derive(Debug)]
pub struct Refusal {
    /// The code.
    pub code: Code,
    /// What is wrong and what to do.
    pub message: String,
    /// The limit that was exceeded: name, value, what was asked for.
    pub limit: Option<(&'static str, usize, usize)>,
}

impl Refusal {
    /// A refusal that no limit is the reason of.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            limit: None,
        }
    }

    /// A refusal because of a limit.
    pub fn over(
        code: Code,
        name: &'static str,
        what: &str,
        limit: usize,
        value: usize,
        advice: &str,
    ) -> Self {
        let message = format!(
            "{what}: {value}, which is {} over the limit of {limit}; {advice}",
            value.saturating_sub(limit)
        );
        Self {
            code,
            message,
            limit: Some((name, limit, value)),
        }
    }

    /// As an error of a response.
    pub fn into_error(self) -> ServerError {
        let mut error = ServerError::new(self.message, None);
        let mut extensions = ErrorExtensionValues::default();
        extensions.set("code", self.code.name());
        if let Some((name, limit, value)) = self.limit {
            extensions.set("limit", name);
            extensions.set("maximum", limit);
            extensions.set("value", value);
        }
        error.extensions = Some(extensions);
        error
    }
}

fn code_of(error: &QueryError) -> Code {
    match error {
        QueryError::Input(_) => Code::BadUserInput,
        QueryError::NotFound(_) => Code::NotFound,
        QueryError::CursorMismatch { .. } => Code::CursorMismatch,
        QueryError::Store(StoreError::Unavailable(_)) => Code::StoreUnavailable,
        QueryError::Store(StoreError::HistoryExpired { .. }) => Code::HistoryExpired,
        QueryError::Store(StoreError::Future { .. }) => Code::BadUserInput,
        QueryError::Store(_) | QueryError::Broken(_) => Code::Internal,
    }
}

/// Gives every error of a response its code, masks what is inside, and logs what was masked.
pub fn finish(errors: &mut [ServerError], request_id: &str) {
    for error in errors {
        if error.extensions.as_ref().is_some_and(|e| e.get("code").is_some()) {
            continue;
        }
        // What does not come from our own questions comes from reading the request.
        let code = error.source::<QueryError>().map_or(Code::BadUserInput, code_of);
        let oldest = match error.source::<QueryError>() {
            Some(QueryError::Store(StoreError::HistoryExpired { oldest_ms, .. })) => *oldest_ms,
            _ => None,
        };
        let extensions = error.extensions.get_or_insert_default();
        extensions.set("code", code.name());
        if let Some(oldest_ms) = oldest {
            extensions.set("oldest", Instant(oldest_ms).to_string());
        }
        if matches!(code, Code::Internal | Code::StoreUnavailable) {
            tracing::error!(request_id, code = code.name(), error = %error.message, "a GraphQL field failed");
            error.message = masked(code, request_id);
            extensions.set("requestId", request_id);
        }
    }
}

/// What a caller is told instead of an inner error.
pub fn masked(code: Code, request_id: &str) -> String {
    match code {
        Code::StoreUnavailable => {
            format!("the store does not answer now; try again (request {request_id})")
        }
        _ => format!("something went wrong inside; the log tells more under request {request_id}"),
    }
}
