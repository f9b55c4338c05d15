//! One request with its time-outs: kube's client has none of its own for answers.

use super::error::ConnectError;
use super::{Access, USER_AGENT};
use crate::frame::{Encoding, Status};
use bytes::{Bytes, BytesMut};
use http::header;
use http_body_util::BodyExt;
use kube::client::Body;
use serde::de::DeserializeOwned;
use std::time::Duration;
use tokio::time::timeout;

/// Bytes of an answer that is read whole: discovery of a cluster with hundreds of CRDs has a few MiB.
const MAX_ANSWER: usize = 64 << 20;

/// The head of an answer, its body still to be read.
pub(crate) struct Answer {
    /// The HTTP status.
    pub code: u16,
    /// How the body is written; none for neither JSON nor protobuf.
    pub encoding: Option<Encoding>,
    /// The Content-Type as it came.
    pub content_type: String,
    /// Retry-After in seconds.
    pub retry_after: Option<u64>,
    /// The server's clock, as its Date header writes it.
    pub date: Option<String>,
    /// The body.
    pub body: Body,
}

/// Sends a GET, or a POST where there is a body, and waits for the head of the answer.
pub(crate) async fn send(
    access: &Access,
    path: &str,
    accept: &str,
    streamed: bool,
    body: Option<String>,
    patience: Duration,
) -> Result<Answer, ConnectError> {
    let mut request = http::Request::builder()
        .method(if body.is_some() { "POST" } else { "GET" })
        .uri(path)
        .header(header::ACCEPT, accept)
        .header(header::USER_AGENT, USER_AGENT);
    if body.is_some() {
        request = request.header(header::CONTENT_TYPE, "application/json");
    }
    if streamed {
        // Servers from 1.37 on compress each event of a watch by itself; the client reads only the first such member.
        request = request.header(header::ACCEPT_ENCODING, "identity");
    }
    let request = request
        .body(body.map_or_else(Body::empty, |text| Body::from(text.into_bytes())))
        .map_err(|e| ConnectError::Broken {
            server: access.endpoint.server.clone(),
            why: e.to_string(),
        })?;
    let response = timeout(patience, access.client.send(request))
        .await
        .map_err(|_| ConnectError::TimedOut {
            server: access.endpoint.server.clone(),
            seconds: patience.as_secs(),
        })?
        .map_err(|e| ConnectError::of(&access.endpoint, e))?;
    let text = |name| {
        response
            .headers()
            .get(name)
            .and_then(|value| value.to_str().ok())
            .map(str::to_owned)
    };
    let content_type = text(header::CONTENT_TYPE).unwrap_or_default();
    Ok(Answer {
        code: response.status().as_u16(),
        encoding: Encoding::of(&content_type),
        content_type,
        // The other form of Retry-After, a date, is not used by API servers.
        retry_after: text(header::RETRY_AFTER).and_then(|value| value.parse().ok()),
        date: text(header::DATE),
        body: response.into_body(),
    })
}

/// Reads a body whole, `patience` long at most.
pub(crate) async fn body_of(
    access: &Access,
    mut body: Body,
    patience: Duration,
) -> Result<Bytes, ConnectError> {
    let server = || access.endpoint.server.clone();
    let mut bytes = BytesMut::new();
    let read = async {
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|e| ConnectError::of(&access.endpoint, e))?;
            if let Some(data) = frame.data_ref() {
                if bytes.len() + data.len() > MAX_ANSWER {
                    return Err(ConnectError::NotKubernetes {
                        server: server(),
                        why: format!("its answer has more than {MAX_ANSWER} bytes"),
                    });
                }
                bytes.extend_from_slice(data);
            }
        }
        Ok(())
    };
    timeout(patience, read)
        .await
        .map_err(|_| ConnectError::TimedOut {
            server: server(),
            seconds: patience.as_secs(),
        })??;
    Ok(bytes.freeze())
}

/// Gets a JSON object.
pub(crate) async fn json<T: DeserializeOwned>(
    access: &Access,
    path: &str,
    patience: Duration,
) -> Result<T, ConnectError> {
    let answer = send(access, path, "application/json", false, None, patience).await?;
    read_json(access, path, answer, patience).await
}

/// Reads the JSON of an answer, or its refusal.
pub(crate) async fn read_json<T: DeserializeOwned>(
    access: &Access,
    path: &str,
    answer: Answer,
    patience: Duration,
) -> Result<T, ConnectError> {
    let (code, encoding) = (answer.code, answer.encoding);
    let body = body_of(access, answer.body, patience).await?;
    if !(200..300).contains(&code) {
        let status = Status::of_response(code, encoding, body);
        return Err(ConnectError::refused(&access.endpoint, path, &status));
    }
    serde_json::from_slice(&body).map_err(|e| ConnectError::NotKubernetes {
        server: access.endpoint.server.clone(),
        why: format!("{path} is not what Kubernetes answers ({e})"),
    })
}
