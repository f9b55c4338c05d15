//! A whole list, page by page. It ends only when the last page of the same snapshot is here.

use super::failure::{Asked, Failure};
use super::read::{Budget, Chunk, escaped};
use super::{Course, Reflector};
use crate::frame::{Encoding, ListDecoder, ListMeta};
use bytes::Bytes;
use planisphere_schema::How;
use tokio::time::sleep;

impl Course {
    /// Reads all pages.
    pub(super) async fn read_pages(&mut self) -> Result<(), Failure> {
        let mut budget = Budget::new(self.limits().list_total);
        let mut snapshot: Option<String> = None;
        // The snapshot is taken when the first page is asked for, or later.
        let at_ms = self.now();
        let mut token: Option<String> = None;
        loop {
            let page = self.patient_page(token.as_deref(), &mut budget).await;
            // The token for the next page lives too short for us: then all is read in one piece, which takes more memory.
            self.whole |= token.is_some() && matches!(page, Err(Failure::Expired(_)));
            let meta = page?;
            if meta.resource_version.is_empty() {
                return Err(unusable("the list has no resourceVersion"));
            }
            // A server may go on from an expired token with what is there now: that proves nothing about what is not.
            if *snapshot.get_or_insert_with(|| meta.resource_version.clone()) != meta.resource_version {
                return Err(unusable("the pages of the list are of different versions"));
            }
            self.show_count();
            self.status(|status| {
                status.expected = meta
                    .remaining
                    .map(|more| status.listed + more)
                    .or(status.expected);
            });
            match meta.next {
                Some(next) if token.as_ref() == Some(&next) => {
                    return Err(unusable("the list gives the same page for ever"));
                }
                Some(next) => token = Some(next),
                None => return self.end_list(meta.resource_version, at_ms).await,
            }
        }
    }

    /// Reads one page; where the server is busy, comes back for the same page when it says.
    async fn patient_page(&mut self, token: Option<&str>, budget: &mut Budget) -> Result<ListMeta, Failure> {
        loop {
            match self.page(token, budget).await {
                Err(failure @ Failure::Throttled { .. }) => {
                    self.note(&failure);
                    let Failure::Throttled {
                        after: Some(after), ..
                    } = failure
                    else {
                        sleep(self.backoff.next()).await;
                        continue;
                    };
                    budget.spend(after)?;
                    sleep(after).await;
                }
                other => return other,
            }
        }
    }

    async fn page(&mut self, token: Option<&str>, budget: &mut Budget) -> Result<ListMeta, Failure> {
        let mut query = if self.whole && token.is_none() {
            "resourceVersion=".to_owned()
        } else {
            format!("limit={}", self.limits().page)
        };
        if let Some(token) = token {
            query.push_str("&continue=");
            query.push_str(&escaped(token));
        }
        let mut reading = self.ask(&query, Asked::Page).await?;
        if !self.listing {
            self.begin_list().await?;
        }
        let mut decoder = ListDecoder::new(reading.encoding);
        let idle = self.limits().list_idle;
        loop {
            match self.list_chunk(&mut reading, idle, budget).await? {
                Chunk::Bytes(bytes) => decoder.push(&bytes)?,
                Chunk::End => break,
                Chunk::Nothing => {
                    let seconds = idle.as_secs();
                    return Err(Failure::Broken(format!("the list stood still for {seconds} s")));
                }
            }
            while let Some(item) = decoder.next_item()? {
                self.list_item(reading.encoding, &item).await?;
            }
        }
        decoder.end()?;
        while let Some(item) = decoder.next_item()? {
            self.list_item(reading.encoding, &item).await?;
        }
        Ok(decoder.meta().clone())
    }

    /// How many objects there are, and of which version, without reading them.
    pub(super) async fn glance(&mut self) -> Result<Glance, Failure> {
        let glance = self.reflector.clone().glance().await?;
        self.accepted().await?;
        Ok(glance)
    }

    async fn list_item(&mut self, encoding: Encoding, item: &Bytes) -> Result<(), Failure> {
        let object = self.read_object(encoding, item)?;
        self.count();
        self.out.add(false, How::List, object).await
    }
}

impl Reflector {
    /// What a list of one object tells of all.
    pub(super) async fn glance(self) -> Result<Glance, Failure> {
        let mut reading = self.ask("limit=1", Asked::Page).await?;
        let mut decoder = ListDecoder::new(reading.encoding);
        let idle = self.limits.list_idle;
        let mut count = 0;
        loop {
            match reading.chunk(idle).await? {
                Chunk::Bytes(bytes) => decoder.push(&bytes)?,
                Chunk::End => break,
                Chunk::Nothing => return Err(Failure::Broken("a list of one object stood still".into())),
            }
            count += drain(&mut decoder)?;
        }
        decoder.end()?;
        count += drain(&mut decoder)?;
        let meta = decoder.meta();
        // A server need not say how many more there are.
        let more = meta.remaining.or(meta.next.is_none().then_some(0));
        Ok(Glance {
            count: more.map(|more| count + more),
            version: meta.resource_version.clone(),
        })
    }
}

/// What a list of one object tells of all.
pub(super) struct Glance {
    /// Objects of the resource; none where the server does not tell.
    pub(super) count: Option<u64>,
    /// The version that the server has.
    pub(super) version: String,
}

fn drain(decoder: &mut ListDecoder) -> Result<u64, Failure> {
    let mut count = 0;
    while decoder.next_item()?.is_some() {
        count += 1;
    }
    Ok(count)
}

fn unusable(words: &str) -> Failure {
    Failure::Dirty {
        reason: "inconsistent",
        words: words.to_owned(),
    }
}
