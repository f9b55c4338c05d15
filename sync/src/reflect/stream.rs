//! Watch streams: from a resume point, or as a streaming list that goes on as a watch after its end mark.

use super::Course;
use super::failure::{Asked, Failure};
use super::read::{Budget, Chunk, Reading, escaped};
use crate::frame::{ChangeType, Encoding, WatchDecoder, WatchFrame};
use crate::observe::Observation;
use crate::status::Phase;
use bytes::Bytes;
use planisphere_schema::How;
use std::time::Duration;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;

/// Chunks that are here already are told together, up to so many: a stream that never pauses must still make progress.
const CHUNKS_TOLD_TOGETHER: usize = 64;

impl Course {
    /// Watches from a version until the stream ends.
    pub(super) async fn watch_from(&mut self, version: String) -> Result<(), Failure> {
        self.take_turn().await;
        if self.refusals.silent >= 2 {
            self.compare_versions(&version).await?;
        }
        let seconds = self.draw_seconds();
        let query = format!(
            "watch=1&allowWatchBookmarks=true&timeoutSeconds={seconds}&resourceVersion={}",
            escaped(&version)
        );
        let reading = self.ask(&query, Asked::Watch).await?;
        self.watching();
        self.follow_stream(reading, seconds, &mut None).await
    }

    /// Lists by a stream, and watches on in it. The permit to list goes back at the end mark.
    pub(super) async fn watch_whole(
        &mut self,
        turn: &mut Option<OwnedSemaphorePermit>,
    ) -> Result<(), Failure> {
        self.take_turn().await;
        let glance = self.glance().await?;
        self.status(|status| status.expected = glance.count);
        let seconds = self.draw_seconds();
        // Without a resourceVersion the list is as new as the moment of asking; "0" could be any cached state.
        let query = format!(
            "watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true\
             &timeoutSeconds={seconds}"
        );
        let at_ms = self.now();
        let reading = self.ask(&query, Asked::StreamingList).await?;
        self.list_at_ms = at_ms;
        self.begin_list().await?;
        self.follow_stream(reading, seconds, turn).await
    }

    fn draw_seconds(&self) -> u64 {
        let (least, most) = self.limits().watch_seconds;
        least + ((most - least + 1) as f64 * (self.reflector.random)()) as u64
    }

    fn watching(&mut self) {
        self.watching_since = Some(Instant::now());
        self.status(|status| {
            status.phase = Phase::Watching;
            status.watches += 1;
            status.last_error = None;
        });
    }

    async fn follow_stream(
        &mut self,
        mut reading: Reading,
        seconds: u64,
        turn: &mut Option<OwnedSemaphorePermit>,
    ) -> Result<(), Failure> {
        self.caught_up = false;
        let mut decoder = WatchDecoder::new(reading.encoding);
        let mut budget = Budget::new(self.limits().list_total);
        let until = Instant::now() + Duration::from_secs(seconds) + self.limits().watch_grace;
        // How long the watch was waited for since its last byte: a probe in between makes no dead connection live.
        let mut silence = Duration::ZERO;
        loop {
            let mut chunk = if self.listing {
                let idle = self.limits().stream_idle;
                self.list_chunk(&mut reading, idle, &mut budget).await?
            } else {
                drop(turn.take());
                let left = until.saturating_duration_since(Instant::now());
                let idle = self.limits().watch_idle.saturating_sub(silence).min(left);
                if Instant::now() >= self.compare_at {
                    return self.compare_all();
                }
                let (newest, began) = (self.out.newest(), Instant::now());
                // Its answer first: what is newer than that must not be taken before.
                let chunk = tokio::select! {
                    biased;
                    told = self.probe.told(&self.reflector, newest) => Err(told),
                    chunk = reading.chunk(idle) => Ok(chunk),
                };
                match chunk {
                    Ok(chunk) => chunk?,
                    Err(told) => {
                        silence += began.elapsed();
                        self.probed(told).await?;
                        continue;
                    }
                }
            };
            silence = Duration::ZERO;
            let mut taken = 0;
            loop {
                match chunk {
                    Chunk::Bytes(bytes) => {
                        if !bytes.is_empty() {
                            self.refusals.silent = 0;
                        }
                        decoder.push(&bytes);
                        if !self.listing {
                            self.sent_ms = reading.sent_ms();
                            self.caught_up |= reading.was_quiet();
                        }
                    }
                    Chunk::End => return self.stream_ended(&decoder),
                    Chunk::Nothing => return self.stream_stalled(),
                }
                while let Some(frame) = decoder.next_frame()? {
                    self.take(reading.encoding, frame).await?;
                }
                taken += 1;
                if taken == CHUNKS_TOLD_TOGETHER {
                    break;
                }
                match reading.ready() {
                    Some(more) => chunk = more?,
                    None => break,
                }
            }
            let now = self.now();
            self.status(|status| status.last_contact_ms = Some(now));
            if !self.listing {
                self.tell().await?;
            }
        }
    }

    /// Takes one event.
    async fn take(&mut self, encoding: Encoding, frame: WatchFrame) -> Result<(), Failure> {
        let (now, listing) = (self.now(), self.listing);
        match frame {
            WatchFrame::Object { change, object } => {
                let object = self.read_object(encoding, &object)?;
                if listing {
                    self.count();
                } else {
                    self.status(|status| {
                        status.events += 1;
                        status.last_event_ms = Some(now);
                    });
                }
                if !listing && object.asset.resource_version > 0 {
                    self.reached(object.asset.resource_version - 1).await?;
                }
                let how = if listing { How::List } else { How::Event };
                self.out.add(change == ChangeType::Deleted, how, object).await
            }
            WatchFrame::Bookmark {
                resource_version,
                list_end: true,
            } if listing => {
                self.end_list(resource_version, self.list_at_ms).await?;
                self.caught_up = true;
                self.watching();
                Ok(())
            }
            WatchFrame::Bookmark { .. } if listing => Err(Failure::StreamingRefused(
                "a bookmark came before the end of the list".into(),
            )),
            WatchFrame::Bookmark { resource_version, .. } => {
                // A server sends it behind all that happened before.
                self.caught_up = true;
                self.out.bookmark(&resource_version);
                self.reached(self.out.newest()).await
            }
            WatchFrame::Error(status) => {
                let generation = self.reflector.cluster.access().generation;
                Err(Failure::of_status(&status, Asked::InStream, None, generation))
            }
        }
    }

    /// Tells what was taken, and how far it reaches.
    pub(super) async fn tell(&mut self) -> Result<(), Failure> {
        self.tell_of(self.caught_up.then_some(self.sent_ms)).await
    }

    /// The same, where it is proven up to when that is.
    pub(super) async fn tell_of(&mut self, at_ms: Option<i64>) -> Result<(), Failure> {
        if let Some(version) = self.out.progress(at_ms).await? {
            self.resume = Some(version);
        }
        Ok(())
    }

    /// All is read anew, so that whatever differs is mended: content is compared as each object is taken.
    fn compare_all(&mut self) -> Result<(), Failure> {
        self.resume = None;
        self.reason = "comparison";
        Ok(())
    }

    fn stream_ended(&self, decoder: &WatchDecoder) -> Result<(), Failure> {
        decoder.end()?;
        if self.listing {
            return Err(Failure::StreamingRefused(
                "it closed before the end of the list".into(),
            ));
        }
        Ok(())
    }

    /// Nothing came for too long: the connection may be dead, which only a new one can tell.
    fn stream_stalled(&mut self) -> Result<(), Failure> {
        if self.listing {
            return Err(Failure::StreamingRefused("its end mark did not come".into()));
        }
        self.refusals.silent += 1;
        tracing::debug!(kind = %self.reflector.resource.kind, "nothing came for a while: watching anew");
        Ok(())
    }

    /// A watch from a version that the server never had says nothing, for ever: asks which version it has.
    async fn compare_versions(&mut self, ours: &str) -> Result<(), Failure> {
        self.refusals.silent = 0;
        let theirs = self.glance().await?.version;
        match (ours.parse::<u64>(), theirs.parse::<u64>()) {
            (Ok(ours), Ok(theirs)) if theirs < ours => Err(Failure::Dirty {
                reason: "rewound",
                words: format!("the server went back to version {theirs}, we hold {ours}"),
            }),
            _ => Ok(()),
        }
    }

    pub(super) fn read_object(&self, encoding: Encoding, object: &Bytes) -> Result<Observation, Failure> {
        (self.reflector.extract)(encoding, object).map_err(|why| {
            self.status(|status| *status.ignored.entry("undecodable").or_default() += 1);
            Failure::Dirty {
                reason: "undecodable",
                words: format!("an object cannot be read: {why}"),
            }
        })
    }
}
