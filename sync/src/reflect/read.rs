//! Requests of a reflector, and bodies read with time-outs: what is not answered in time is a failure like any other.

use super::Course;
use super::failure::{Asked, Failure};
use crate::cluster::{Answer, ConnectError, body_of, send};
use crate::frame::{Encoding, Status};
use bytes::Bytes;
use futures::FutureExt;
use http_body_util::BodyExt;
use kube::client::Body;
use std::fmt::Write;
use std::time::Duration;
use tokio::time::{Instant, timeout};

/// What is left of the time for waiting.
pub(super) struct Budget {
    left: Duration,
    whole: Duration,
}

impl Budget {
    pub(super) fn new(whole: Duration) -> Self {
        Self { left: whole, whole }
    }

    pub(super) fn spend(&mut self, waited: Duration) -> Result<(), Failure> {
        self.left = self.left.saturating_sub(waited);
        if self.left.is_zero() {
            let whole = self.whole.as_secs();
            return Err(Failure::Broken(format!("the list was not whole after {whole} s")));
        }
        Ok(())
    }

    pub(super) fn left(&self) -> Duration {
        self.left
    }
}

/// The body of an answer that began well.
pub(super) struct Reading {
    body: Body,
    /// How it is written.
    pub(super) encoding: Encoding,
}

/// What waiting for bytes brought.
pub(super) enum Chunk {
    /// Bytes.
    Bytes(Bytes),
    /// The end of the body.
    End,
    /// Nothing in the time that there was.
    Nothing,
}

impl Reading {
    /// The next bytes.
    pub(super) async fn chunk(&mut self, within: Duration) -> Result<Chunk, Failure> {
        loop {
            let Ok(frame) = timeout(within, self.body.frame()).await else {
                return Ok(Chunk::Nothing);
            };
            match frame.map(|frame| frame.map(http_body::Frame::into_data)) {
                None => return Ok(Chunk::End),
                Some(Ok(Ok(bytes))) => return Ok(Chunk::Bytes(bytes)),
                Some(Ok(Err(_trailers))) => {}
                Some(Err(e)) => return Err(Failure::Broken(format!("the connection broke off ({e})"))),
            }
        }
    }

    /// The next bytes where they are here already.
    pub(super) fn ready(&mut self) -> Option<Result<Chunk, Failure>> {
        self.chunk(Duration::MAX).now_or_never()
    }
}

impl Course {
    /// Asks for the resource; gives the body of a good answer, or what a refusal means.
    pub(super) async fn ask(&mut self, query: &str, asked: Asked) -> Result<Reading, Failure> {
        let kind = self.reflector.resource.kind;
        match self.ask_once(query, asked).await {
            Err(Failure::NotAcceptable(why)) if self.reflector.cluster.speaks_protobuf(kind) => {
                self.reflector.cluster.stop_protobuf(kind, &why);
                self.ask_once(query, asked).await
            }
            other => other,
        }
    }

    async fn ask_once(&mut self, query: &str, asked: Asked) -> Result<Reading, Failure> {
        let reflector = &self.reflector;
        let access = reflector.cluster.access();
        let path = format!("{}?{query}", reflector.resource.path());
        let accept = self.accept(asked);
        let head = self.limits().head;
        let watching = asked != Asked::Page;
        let answer = send(&access, &path, &accept, watching, None, head)
            .await
            .map_err(|e| match &e {
                ConnectError::TimedOut { .. } if asked == Asked::Watch => Failure::Silent(e.sentence()),
                _ => Failure::of_connection(&e),
            })?;
        if answer.code != 200 {
            let Answer {
                code,
                encoding,
                retry_after,
                ..
            } = answer;
            let body = body_of(&access, answer.body, head)
                .await
                .map_err(|e| Failure::of_connection(&e))?;
            let status = Status::of_response(code, encoding, body);
            return Err(Failure::of_status(&status, asked, retry_after, access.generation));
        }
        let Some(encoding) = answer.encoding else {
            return Err(Failure::NotAcceptable(format!(
                "it sends {:?}",
                answer.content_type
            )));
        };
        self.accepted().await?;
        Ok(Reading {
            body: answer.body,
            encoding,
        })
    }

    fn accept(&self, asked: Asked) -> String {
        let resource = &self.reflector.resource;
        let shape = match (resource.metadata_only, asked) {
            (false, _) => "",
            (true, Asked::Page) => ";as=PartialObjectMetadataList;g=meta.k8s.io;v=v1",
            (true, _) => ";as=PartialObjectMetadata;g=meta.k8s.io;v=v1",
        };
        let stream = if asked == Asked::Page { "" } else { ";stream=watch" };
        // No plain JSON behind the metadata forms: a server that knows them not must not send the values instead.
        let json = format!("application/json{shape}");
        if self.reflector.cluster.speaks_protobuf(resource.kind) {
            format!("application/vnd.kubernetes.protobuf{shape}{stream},{json}")
        } else {
            json
        }
    }

    /// Waits for the next bytes of a list.
    pub(super) async fn list_chunk(
        &mut self,
        reading: &mut Reading,
        idle: Duration,
        budget: &mut Budget,
    ) -> Result<Chunk, Failure> {
        let began = Instant::now();
        let chunk = reading.chunk(idle.min(budget.left())).await?;
        budget.spend(began.elapsed())?;
        if matches!(chunk, Chunk::Bytes(_)) {
            self.show_count();
            let now = self.now();
            self.status(|status| status.last_contact_ms = Some(now));
        }
        Ok(chunk)
    }
}

/// Writes a value into a query so that nothing in it is taken for something else.
pub(super) fn escaped(value: &str) -> String {
    value.bytes().fold(String::new(), |mut out, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
        out
    })
}
