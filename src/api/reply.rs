//! Responses, in the form that the caller takes: `application/graphql-response+json` with status codes that tell, or
//! the older `application/json`, where GraphQL's own refusals are 200.

use super::error::Refusal;
use async_graphql::{ServerError, Value};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use std::collections::BTreeMap;

/// The media type of GraphQL responses with status codes that tell.
const GRAPHQL_JSON: &str = "application/graphql-response+json";

/// In which form a caller takes the response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Status codes tell.
    Graphql,
    /// 200 for whatever GraphQL has to say.
    Json,
}

impl Form {
    /// The form that a request's headers ask for.
    pub fn of(headers: &HeaderMap) -> Self {
        let accepts = headers.get_all(header::ACCEPT).iter();
        let mut types = accepts.flat_map(|v| v.to_str().unwrap_or_default().split(','));
        if types.any(|t| t.split(';').next().is_some_and(|t| t.trim() == GRAPHQL_JSON)) {
            Form::Graphql
        } else {
            Form::Json
        }
    }

    /// The status of something that GraphQL refuses, not HTTP.
    pub fn status(self, telling: StatusCode) -> StatusCode {
        match self {
            Form::Graphql => telling,
            Form::Json => StatusCode::OK,
        }
    }
}

/// A request that was refused as a whole.
pub fn refused(status: StatusCode, refusal: Refusal, form: Form) -> Response {
    reply(status, form, None, &[refusal.into_error()], None)
}

#[derive(Serialize)]
struct Reply<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<&'a Value>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    errors: &'a [ServerError],
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    extensions: BTreeMap<&'static str, Value>,
}

/// A response. Without data it was refused before it ran.
pub fn reply(
    status: StatusCode,
    form: Form,
    data: Option<&Value>,
    errors: &[ServerError],
    freshness: Option<Value>,
) -> Response {
    let body = Reply {
        data,
        errors,
        extensions: freshness.map(|f| ("freshness", f)).into_iter().collect(),
    };
    let content = match form {
        Form::Graphql => GRAPHQL_JSON,
        Form::Json => "application/json",
    };
    match serde_json::to_vec(&body) {
        Ok(bytes) => (status, [(header::CONTENT_TYPE, content)], bytes).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}
