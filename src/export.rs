//! Exports: the assets that pass a filter, read page by page from one snapshot and written in the form that another tool
//! takes, with a manifest that says what it is and how fresh it was. Knows the questions and the Store contract; not
//! GraphQL, HTTP or who asks.

pub mod bom;
pub mod desk;
pub mod graph;
pub mod manifest;
pub mod rows;
pub mod signature;

use crate::query::freshness::Freshness;
use crate::query::ownership::book::Book;
use crate::query::ownership::resolve::{Ownership, ownerships};
use crate::query::{QueryError, breathe};
use crate::store::{Filter, ListQuery, Order, Presence, Record, Snapshot};
use manifest::{Cluster, Manifest};
use ring::digest::{Context, SHA256};
use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Assets that are read at a time: what is held in memory does not depend on how many there are.
const PAGE: usize = 1_000;

/// What an export is written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// A table with a header, one asset a row; RFC 4180.
    Csv,
    /// One JSON object a line, one asset each.
    JsonLines,
    /// CycloneDX 1.6 in JSON: images, and the workloads that run them.
    CycloneDx,
    /// A graph for Gephi, yEd and networkx.
    GraphMl,
    /// A graph for Graphviz.
    Dot,
    /// A graph for Mermaid.
    Mermaid,
}

impl Format {
    /// The name of the file that is written.
    pub fn file_name(self) -> &'static str {
        match self {
            Format::Csv => "assets.csv",
            Format::JsonLines => "assets.jsonl",
            Format::CycloneDx => "images.cdx.json",
            Format::GraphMl => "graph.graphml",
            Format::Dot => "graph.dot",
            Format::Mermaid => "graph.mmd",
        }
    }

    /// Its media type.
    pub fn media_type(self) -> &'static str {
        match self {
            Format::Csv => "text/csv; charset=utf-8; header=present",
            Format::JsonLines => "application/x-ndjson",
            Format::CycloneDx => "application/vnd.cyclonedx+json; version=1.6",
            Format::GraphMl => "application/graphml+xml",
            Format::Dot => "text/vnd.graphviz",
            Format::Mermaid => "text/vnd.mermaid",
        }
    }
}

/// Why there is no export.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The graph could not be read.
    #[error(transparent)]
    Query(#[from] QueryError),
    /// What was written could not be kept.
    #[error("cannot write the export: {0}")]
    Write(#[from] io::Error),
    /// A picture of so many assets helps nobody, and its readers choke on it.
    #[error(
        "more than {most} assets pass the filter, and a graph in this form may have up to {most}: narrow the filter, or take CSV or NDJSON"
    )]
    TooLarge {
        /// The bound.
        most: usize,
    },
    /// It was to be of the present, and is not.
    #[error("the export would not be of the present, and was asked to be: {0}")]
    Stale(String),
    /// Enough is being written already.
    #[error("{0} exports are being written; ask again when one of them is done")]
    Busy(usize),
}

/// What is read: one version of the graph, and what is known beside it.
pub struct Source {
    /// The graph.
    pub snapshot: Arc<dyn Snapshot>,
    /// The rules of ownership.
    pub book: Arc<Book>,
    /// How fresh the clusters are that the filter may select from.
    pub freshness: Freshness,
    /// The freshness of each of them alone, by name.
    pub clusters: Vec<Cluster>,
}

/// What is wanted.
pub struct Wanted {
    /// Which assets.
    pub filter: Filter,
    /// Whether dangling ones.
    pub presence: Presence,
    /// In which form.
    pub format: Format,
    /// Refuse where the answer is not the whole and the present.
    pub require_fresh: bool,
    /// The filter and search as they were asked for, for the manifest.
    pub selection: serde_json::Value,
}

/// How far an export is, for whoever waits.
#[derive(Debug, Default)]
pub struct Progress {
    rows: AtomicU64,
}

impl Progress {
    /// Assets read so far.
    pub fn rows(&self) -> u64 {
        self.rows.load(Ordering::Relaxed)
    }
}

/// An asset with who answers for it.
pub struct Row {
    /// The asset.
    pub record: Arc<Record>,
    /// Who answers for it.
    pub ownership: Ownership,
}

/// Writes what is wanted, and gives its manifest. What was written is whole when this returns, and only then.
///
/// # Errors
/// When the graph cannot be read, the output does not take it, there is too much for the form, or it is not fresh
/// although it must be.
pub async fn write(
    source: &Source,
    wanted: &Wanted,
    out: &mut (dyn Write + Send),
    progress: &Progress,
) -> Result<Manifest, ExportError> {
    if wanted.require_fresh && !source.freshness.complete {
        return Err(ExportError::Stale(manifest::faults(&source.freshness)));
    }
    let mut out = Summed::new(out);
    let mut pages = Pages::new(source, wanted, progress);
    let rows = match wanted.format {
        Format::Csv => rows::csv(&mut pages, &mut out).await?,
        Format::JsonLines => rows::json_lines(&mut pages, &mut out).await?,
        Format::CycloneDx => bom::write(&mut pages, &mut out, source.freshness.as_of_ms).await?,
        Format::GraphMl | Format::Dot | Format::Mermaid => {
            graph::write(&mut pages, &mut out, wanted.format).await?
        }
    };
    out.flush()?;
    Ok(Manifest::new(source, wanted, rows, out.bytes, &out.finish()))
}

/// The assets that are wanted, a page at a time.
pub struct Pages<'a> {
    source: &'a Source,
    query: ListQuery,
    progress: &'a Progress,
    done: bool,
}

impl<'a> Pages<'a> {
    fn new(source: &'a Source, wanted: &Wanted, progress: &'a Progress) -> Self {
        Self {
            source,
            query: ListQuery {
                filter: wanted.filter.clone(),
                presence: wanted.presence,
                order: Order::Key,
                after: None,
                limit: PAGE,
            },
            progress,
            done: false,
        }
    }

    /// The graph that is read.
    pub fn graph(&self) -> &'a dyn Snapshot {
        &*self.source.snapshot
    }

    /// Narrows what is wanted.
    pub fn only(&mut self, filter: Filter) {
        let wanted = std::mem::replace(&mut self.query.filter, Filter::ALL);
        self.query.filter = Filter::And(vec![wanted, filter]);
    }

    /// The next page; none at the end.
    ///
    /// # Errors
    /// When the graph cannot be read.
    pub async fn next(&mut self) -> Result<Option<Vec<Row>>, QueryError> {
        if self.done {
            return Ok(None);
        }
        breathe().await;
        let graph = self.graph();
        let page = graph.list(&self.query).await?;
        self.query.after = page.records.last().map(|r| self.query.order.position(r));
        self.done = !page.more;
        let owned = ownerships(graph, &self.source.book, &page.records).await?;
        self.progress
            .rows
            .fetch_add(page.records.len() as u64, Ordering::Relaxed);
        let rows = page.records.into_iter().zip(owned);
        Ok(Some(
            rows.map(|(record, ownership)| Row { record, ownership })
                .collect(),
        ))
    }
}

/// Sums up what passes.
struct Summed<'a> {
    inner: &'a mut (dyn Write + Send),
    digest: Context,
    bytes: u64,
}

impl<'a> Summed<'a> {
    fn new(inner: &'a mut (dyn Write + Send)) -> Self {
        Self {
            inner,
            digest: Context::new(&SHA256),
            bytes: 0,
        }
    }

    fn finish(self) -> String {
        hex(self.digest.finish().as_ref())
    }
}

impl Write for Summed<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.digest.update(&bytes[..written]);
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// Bytes as lower-case hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}
