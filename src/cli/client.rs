//! Talks GraphQL to a running server. It knows HTTP and the shape of every GraphQL answer, not what was asked.

use crate::config::ClientSettings;
use reqwest::header::{ACCEPT, CONTENT_TYPE, RANGE};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::error::Error;
use std::time::Duration;

/// A download as a whole is not hurried: only its next bytes are waited for with patience.
const LONGEST: Duration = Duration::from_secs(24 * 3600);

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Nobody listens there, or the way is barred.
    #[error(
        "no answer from {server}: {reason}; is `planisphere serve` running? name another server with --server or PLANISPHERE_SERVER"
    )]
    Unreachable {
        /// The server.
        server: String,
        /// What went wrong.
        reason: String,
    },
    /// It took too long.
    #[error(
        "no answer from {server} within {seconds} s; ask for less, or wait longer with --request-timeout"
    )]
    Timeout {
        /// The server.
        server: String,
        /// How long we waited.
        seconds: u64,
    },
    /// What came back is no GraphQL.
    #[error(
        "{server} does not speak GraphQL at /graphql (status {status}): {body}; is this the address that `planisphere serve` printed as `graphql`?"
    )]
    NotGraphql {
        /// The server.
        server: String,
        /// The HTTP status.
        status: u16,
        /// How the answer begins.
        body: String,
    },
    /// What was to be fetched is not there.
    #[error("{server} does not give the file (status {status}): {body}")]
    NotFile {
        /// The server.
        server: String,
        /// The HTTP status.
        status: u16,
        /// How the answer begins.
        body: String,
    },
    /// The server refused the question, or could not answer all of it.
    #[error("{}", lines(.0))]
    Refused(Vec<Problem>),
}

/// One entry of `errors` in a GraphQL answer.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Problem {
    /// What went wrong, in words.
    pub message: String,
    /// Which field.
    #[serde(default)]
    pub path: Vec<Value>,
    /// `code` and others.
    #[serde(default)]
    pub extensions: Map<String, Value>,
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(code) = self.extensions.get("code").and_then(Value::as_str) {
            write!(f, "{code}: ")?;
        }
        f.write_str(&self.message)?;
        if !self.path.is_empty() {
            let text = |part: &Value| part.as_str().map_or_else(|| part.to_string(), str::to_owned);
            write!(
                f,
                " (at {})",
                self.path.iter().map(text).collect::<Vec<_>>().join(".")
            )?;
        }
        Ok(())
    }
}

/// A GraphQL answer.
#[derive(Clone, Debug, Deserialize)]
pub struct Answer {
    /// The data; none where the request failed as a whole.
    pub data: Option<Value>,
    /// What went wrong.
    #[serde(default)]
    pub errors: Vec<Problem>,
}

/// A server to ask.
#[derive(Debug)]
pub struct Client {
    http: reqwest::Client,
    settings: ClientSettings,
}

impl Client {
    /// Asks the server of the settings. Nothing is sent yet.
    ///
    /// # Errors
    /// When the system's certificates cannot be read.
    pub fn new(settings: ClientSettings) -> Result<Self, ClientError> {
        let mut builder = reqwest::Client::builder().timeout(settings.timeout);
        // A proxy cannot reach this machine's own loopback address, whatever the environment says about proxies.
        if is_local(&settings.server) {
            builder = builder.no_proxy();
        }
        let http = builder.build().map_err(|e| ClientError::Unreachable {
            server: settings.server.clone(),
            reason: causes(&e),
        })?;
        Ok(Self { http, settings })
    }

    /// Asks, and gives the answer as it came, its errors included.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn ask(
        &self,
        query: &str,
        variables: Value,
        operation: Option<&str>,
    ) -> Result<Answer, ClientError> {
        let server = &self.settings.server;
        let mut body = json!({"query": query, "variables": variables});
        if let Some(name) = operation {
            body["operationName"] = name.into();
        }
        let request = self
            .http
            .post(format!("{server}/graphql"))
            .header(CONTENT_TYPE, "application/json")
            .header(
                ACCEPT,
                "application/graphql-response+json, application/json;q=0.9",
            )
            .body(body.to_string());
        let response = request.send().await.map_err(|e| self.failed(&e))?;
        let status = response.status().as_u16();
        let text = response.text().await.map_err(|e| self.failed(&e))?;
        // GraphQL over HTTP answers errors with 4xx too, so the body decides what this is.
        let answer: Option<Answer> = serde_json::from_str(&text).ok();
        let is_graphql = |a: &Answer| a.data.is_some() || !a.errors.is_empty();
        answer.filter(is_graphql).ok_or_else(|| ClientError::NotGraphql {
            server: server.clone(),
            status,
            body: text.chars().take(120).filter(|c| !c.is_control()).collect(),
        })
    }

    /// Asks, and gives the data; any error is an error.
    ///
    /// # Errors
    /// When there is no answer, or it has errors.
    pub async fn data(
        &self,
        query: &str,
        variables: Value,
        operation: Option<&str>,
    ) -> Result<Value, ClientError> {
        let answer = self.ask(query, variables, operation).await?;
        match answer.data {
            Some(data) if answer.errors.is_empty() => Ok(data),
            _ => Err(ClientError::Refused(answer.errors)),
        }
    }

    /// Begins to fetch a file of the server from this byte on.
    ///
    /// # Errors
    /// When there is no answer, or it is no file from there on.
    pub async fn fetch(&self, path: &str, from: u64) -> Result<reqwest::Response, ClientError> {
        let server = &self.settings.server;
        let mut request = self.http.get(format!("{server}{path}")).timeout(LONGEST);
        if from > 0 {
            request = request.header(RANGE, format!("bytes={from}-"));
        }
        let sent = tokio::time::timeout(self.settings.timeout, request.send());
        let response = sent.await.map_err(|_| self.timed_out())?;
        let response = response.map_err(|e| self.failed(&e))?;
        let wanted = if from > 0 { 206 } else { 200 };
        let status = response.status().as_u16();
        if status != wanted {
            let body = response.text().await.unwrap_or_default();
            return Err(ClientError::NotFile {
                server: server.clone(),
                status,
                body: body.chars().take(300).filter(|c| !c.is_control()).collect(),
            });
        }
        Ok(response)
    }

    /// The next bytes of a file; none at its end.
    ///
    /// # Errors
    /// When the connection breaks, or nothing comes for as long as one answer may take.
    pub async fn chunk(&self, response: &mut reqwest::Response) -> Result<Option<bytes::Bytes>, ClientError> {
        let next = tokio::time::timeout(self.settings.timeout, response.chunk()).await;
        next.map_err(|_| self.timed_out())?.map_err(|e| self.failed(&e))
    }

    fn timed_out(&self) -> ClientError {
        ClientError::Timeout {
            server: self.settings.server.clone(),
            seconds: self.settings.timeout.as_secs(),
        }
    }

    fn failed(&self, error: &reqwest::Error) -> ClientError {
        let server = self.settings.server.clone();
        if error.is_timeout() {
            return self.timed_out();
        }
        ClientError::Unreachable {
            server,
            reason: causes(error),
        }
    }
}

fn is_local(server: &str) -> bool {
    let url = reqwest::Url::parse(server).ok();
    let host = url
        .and_then(|u| u.host_str().map(str::to_owned))
        .unwrap_or_default();
    let host = host.trim_matches(['[', ']']);
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// The innermost cause says what happened; reqwest's own words only say that something did.
fn causes(error: &reqwest::Error) -> String {
    let mut cause: &dyn Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}

fn lines(problems: &[Problem]) -> String {
    let texts: Vec<_> = problems.iter().map(Problem::to_string).collect();
    if texts.is_empty() {
        "the answer has no data".to_owned()
    } else {
        texts.join("\n")
    }
}
