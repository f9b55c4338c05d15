//! Requests of a reflector, and bodies read with time-outs: what is not answered in time is a failure like any other.

use super::failure::{Asked, Failure};
use super::{Clock, Course, Reflector};
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
    clock: Clock,
    /// When the last bytes were handed on.
    left: Instant,
    /// How long nobody read since nothing waited to be read.
    busy: Duration,
    /// Once nothing came for long, and then something: by then all had been told that there was to tell.
    quiet: bool,
}

/// Bytes that were waited for as long as this were not there before.
const NEWS: Duration = Duration::from_millis(50);

/// After as long as this without a byte, a server has told all that it had to tell.
const QUIET: Duration = Duration::from_secs(1);

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
    /// Unix ms: what was read last was sent then or later. Where we were slow, what is read now may have waited for as
    /// long as we did not read; only bytes that we waited for are known to be new.
    pub(super) fn sent_ms(&self) -> i64 {
        let age = self.busy + self.left.elapsed();
        (self.clock)() - i64::try_from(age.as_millis()).unwrap_or(i64::MAX)
    }

    /// The next bytes.
    pub(super) async fn chunk(&mut self, within: Duration) -> Result<Chunk, Failure> {
        let wait = Wait::new(self);
        loop {
            let Ok(frame) = timeout(within, wait.reading.body.frame()).await else {
                return Ok(Chunk::Nothing);
            };
            wait.reading.quiet |= wait.began.elapsed() >= QUIET;
            match frame.map(|frame| frame.map(http_body::Frame::into_data)) {
                None => return Ok(Chunk::End),
                Some(Ok(Ok(bytes))) => return Ok(Chunk::Bytes(bytes)),
                Some(Ok(Err(_trailers))) => {}
                Some(Err(e)) => return Err(Failure::Broken(format!("the connection broke off ({e})"))),
            }
        }
    }

    /// Whether the server had told all that it had, at some time since it began to answer.
    pub(super) fn was_quiet(&self) -> bool {
        self.quiet
    }

    /// The next bytes where they are here already.
    pub(super) fn ready(&mut self) -> Option<Result<Chunk, Failure>> {
        self.chunk(Duration::MAX).now_or_never()
    }
}

/// Waiting for bytes, until they are here or something else is more urgent.
struct Wait<'a> {
    reading: &'a mut Reading,
    began: Instant,
    busy: Duration,
}

impl<'a> Wait<'a> {
    fn new(reading: &'a mut Reading) -> Self {
        let began = Instant::now();
        Self {
            busy: reading.busy + (began - reading.left),
            began,
            reading,
        }
    }
}

impl Drop for Wait<'_> {
    fn drop(&mut self) {
        let left = Instant::now();
        // In as long as we were away, a server sends what it had to send meanwhile.
        let waited = left - self.began;
        self.reading.left = left;
        self.reading.busy = match waited >= NEWS {
            true => Duration::ZERO,
            false => self.busy.saturating_sub(waited),
        };
    }
}

impl Course {
    /// Asks for the resource; gives the body of a good answer, or what a refusal means.
    pub(super) async fn ask(&mut self, query: &str, asked: Asked) -> Result<Reading, Failure> {
        let reading = self.reflector.ask(query, asked).await?;
        self.accepted().await?;
        Ok(reading)
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

impl Reflector {
    /// Asks for the resource, where protobuf is refused a second time for JSON.
    pub(super) async fn ask(&self, query: &str, asked: Asked) -> Result<Reading, Failure> {
        match self.ask_once(query, asked).await {
            Err(Failure::NotAcceptable(why)) if self.cluster.speaks_protobuf(self.resource.kind) => {
                self.cluster.stop_protobuf(self.resource.kind, &why);
                self.ask_once(query, asked).await
            }
            other => other,
        }
    }

    async fn ask_once(&self, query: &str, asked: Asked) -> Result<Reading, Failure> {
        let access = self.cluster.access();
        let path = format!("{}?{query}", self.resource.path());
        let accept = self.accept(asked);
        let head = self.limits.head;
        let watching = asked != Asked::Page;
        let began = Instant::now();
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
        Ok(Reading {
            body: answer.body,
            encoding,
            clock: self.clock.clone(),
            // It may be as old as the question.
            left: began,
            busy: Duration::ZERO,
            quiet: false,
        })
    }

    fn accept(&self, asked: Asked) -> String {
        let shape = match (self.resource.metadata_only, asked) {
            (false, _) => "",
            (true, Asked::Page) => ";as=PartialObjectMetadataList;g=meta.k8s.io;v=v1",
            (true, _) => ";as=PartialObjectMetadata;g=meta.k8s.io;v=v1",
        };
        let stream = if asked == Asked::Page { "" } else { ";stream=watch" };
        // No plain JSON behind the metadata forms: a server that knows them not must not send the values instead.
        let json = format!("application/json{shape}");
        if self.cluster.speaks_protobuf(self.resource.kind) {
            format!("application/vnd.kubernetes.protobuf{shape}{stream},{json}")
        } else {
            json
        }
    }
}

/// Writes a value into a query so that nothing in it is taken for something else.
pub(crate) fn escaped(value: &str) -> String {
    value.bytes().fold(String::new(), |mut out, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
        out
    })
}
