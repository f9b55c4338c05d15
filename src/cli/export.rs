//! `planisphere export`: has the server write an export, fetches it, checks its sums, and only then gives it its name. It
//! asks the public API alone.

use super::as_of::AsOf;
use super::client::{Client, ClientError};
use super::exit::{Exit, Failure};
use super::get::target::{selectors, targets};
use super::screen::Screen;
use super::{GetArgs, Output};
use crate::export::hex;
use crate::export::manifest::Manifest;
use clap::{Args, ValueEnum};
use ring::digest::{Context, SHA256};
use serde_json::{Value, json};
use std::fs::File;
use std::io::{Stderr, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How often it is asked how far the export is.
const EVERY: Duration = Duration::from_millis(200);
/// How often a download is taken up again before it is given up.
const RETRIES: usize = 5;

/// The form of an export.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Form {
    /// A table for spreadsheets
    #[default]
    Csv,
    /// JSON Lines
    Ndjson,
    /// A bill of materials: images, and where they run
    Cyclonedx,
    /// A graph for Gephi, yEd and networkx
    Graphml,
    /// A graph for Graphviz
    Dot,
    /// A graph for Mermaid
    Mermaid,
}

/// Arguments of `export` that are no settings.
#[derive(Clone, Debug, Default, Args)]
pub struct ExportArgs {
    /// Kinds separated by commas (pods,svc), `all`, or references; without any: everything
    #[arg(value_name = "KIND|REF")]
    pub what: Option<String>,
    /// Names, or more references
    #[arg(value_name = "NAME")]
    pub names: Vec<String>,
    /// Only this namespace
    #[arg(short, long, value_name = "NAME")]
    pub namespace: Option<String>,
    /// Only this cluster
    #[arg(long, value_name = "NAME")]
    pub cluster: Option<String>,
    /// Only what has this label: key=value, key!=value, key or !key; several are separated by commas
    #[arg(short = 'l', long, value_name = "LABEL")]
    pub selector: Vec<String>,
    /// Only what has all these words in its name, namespace or a label's value
    #[arg(long, value_name = "WORDS")]
    pub search: Option<String>,
    /// In which form: csv, ndjson, cyclonedx, graphml, dot or mermaid
    #[arg(long, value_name = "FORM", default_value = "csv", hide_possible_values = true)]
    pub format: Form,
    /// The file to write; without it the export goes to standard output and its manifest nowhere
    #[arg(long, value_name = "FILE")]
    pub to: Option<PathBuf>,
    /// The instant of which it is.
    #[command(flatten)]
    pub when: AsOf,
    /// Fail where the export would not be the whole and the present
    #[arg(long)]
    pub require_fresh: bool,
}

impl ExportArgs {
    fn filter(&self) -> Result<Value, Failure> {
        if let Some(what) = &self.what {
            let args = GetArgs {
                what: what.clone(),
                names: self.names.clone(),
                namespace: self.namespace.clone(),
                cluster: self.cluster.clone(),
                selector: self.selector.clone(),
                output: Output::Name,
                ..GetArgs::default()
            };
            let filters: Vec<Value> = targets(&args)?.into_iter().map(|t| t.filter).collect();
            return Ok(json!({ "or": filters }));
        }
        let mut filter = json!({});
        for (field, value) in [("namespace", &self.namespace), ("cluster", &self.cluster)] {
            if let Some(value) = value {
                filter[field] = json!({ "eq": value });
            }
        }
        let labels = selectors(&self.selector)?;
        if !labels.is_empty() {
            filter["and"] = labels.into();
        }
        Ok(filter)
    }
}

const FIELDS: &str = "id status rows url manifestUrl signatureUrl error";

/// Exports.
///
/// # Errors
/// When there is no answer, the server cannot write it, what came is not what the manifest says, or it cannot be kept.
pub async fn run(
    client: &Client,
    args: &ExportArgs,
    screen: Option<Screen<Stderr>>,
    out: &mut (dyn Write + Send),
    err: &mut (dyn Write + Send),
) -> Result<Exit, Failure> {
    let format = args
        .format
        .to_possible_value()
        .map(|v| v.get_name().to_uppercase());
    let variables = json!({"filter": args.filter()?, "search": args.search, "format": format,
        "fresh": args.require_fresh, "asOf": args.when.as_of});
    let query = format!(
        "mutation($filter: AssetFilter, $search: String, $format: ExportFormat!, $fresh: Boolean!, $asOf: Instant) {{
            job: exportAssets(filter: $filter, search: $search, format: $format, requireFresh: $fresh, asOf: $asOf) {{ {FIELDS} }} }}"
    );
    let mut job = client.data(&query, variables, None).await?["job"].take();
    while job["status"] == "RUNNING" {
        if let Some(screen) = &screen {
            screen.draw(&[format!("reading the graph: {} assets", job["rows"])]);
        }
        tokio::time::sleep(EVERY).await;
        let query = format!("query($id: ID!) {{ job: export(id: $id) {{ {FIELDS} }} }}");
        job = client.data(&query, json!({"id": job["id"]}), None).await?["job"].take();
    }
    if let Some(error) = job["error"].as_str() {
        return Err(Failure::Run(error.to_owned()));
    }
    let path = |field: &str| job[field].as_str().unwrap_or_default().to_owned();
    let manifest_bytes = small(client, &path("manifestUrl")).await?;
    let manifest: Manifest = serde_json::from_slice(&manifest_bytes)
        .map_err(|e| Failure::Run(format!("the server's manifest cannot be read: {e}")))?;
    match &args.to {
        None => {
            fetch(client, &path("url"), &manifest, &mut Plain(out), screen.as_ref()).await?;
        }
        Some(to) => {
            let folder = to
                .parent()
                .filter(|p| !p.as_os_str().is_empty())
                .unwrap_or(Path::new("."));
            let written = |e: std::io::Error| Failure::Run(format!("cannot write {}: {e}", to.display()));
            let mut file = tempfile::Builder::new()
                .prefix(".planisphere-export-")
                .tempfile_in(folder)
                .map_err(written)?;
            fetch(
                client,
                &path("url"),
                &manifest,
                file.as_file_mut(),
                screen.as_ref(),
            )
            .await?;
            file.as_file().sync_all().map_err(written)?;
            // The manifest last: a file without one is not yet known to be whole.
            file.persist(to).map_err(|e| written(e.error))?;
            if let Some(signature) = job["signatureUrl"].as_str() {
                let bytes = small(client, signature).await?;
                std::fs::write(beside(to, ".manifest.json.sig"), bytes).map_err(written)?;
            }
            std::fs::write(beside(to, ".manifest.json"), &manifest_bytes).map_err(written)?;
        }
    }
    if let Some(screen) = &screen {
        screen.draw(&[]);
    }
    say(&manifest, args, err).map_err(Failure::Output)
}

fn say(manifest: &Manifest, args: &ExportArgs, err: &mut (dyn Write + Send)) -> std::io::Result<Exit> {
    for cluster in &manifest.clusters {
        if let Some(reason) = &cluster.stale {
            writeln!(
                err,
                "warning: cluster {} is {}",
                cluster.name,
                reason.to_lowercase()
            )?;
        }
    }
    for missing in &manifest.incomplete {
        let (kind, cluster) = (&missing.kind, &missing.cluster);
        writeln!(
            err,
            "warning: {kind} of cluster {cluster}: {}",
            missing.reason.to_lowercase()
        )?;
    }
    if let Some(to) = &args.to {
        writeln!(
            err,
            "{}: {} rows, {} bytes, as of {}, sha256 {}",
            to.display(),
            manifest.rows,
            manifest.bytes,
            manifest.as_of,
            manifest.sha256
        )?;
    }
    Ok(if manifest.complete {
        Exit::Done
    } else {
        Exit::Incomplete
    })
}

/// `q4.csv` and `.manifest.json` make `q4.csv.manifest.json`.
pub(super) fn beside(file: &Path, ending: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

async fn small(client: &Client, path: &str) -> Result<Vec<u8>, Failure> {
    let mut response = client.fetch(path, 0).await?;
    let mut bytes = Vec::new();
    while let Some(chunk) = client.chunk(&mut response).await? {
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

/// Where a download goes: a file can begin again, a pipe cannot.
trait Sink: Send {
    fn take(&mut self, bytes: &[u8]) -> std::io::Result<()>;
}

impl Sink for File {
    fn take(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.write_all(bytes)
    }
}

struct Plain<'a>(&'a mut (dyn Write + Send));

impl Sink for Plain<'_> {
    fn take(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.0.write_all(bytes)
    }
}

/// Fetches a file, taking it up again where the connection broke, and checks it against its manifest.
async fn fetch(
    client: &Client,
    path: &str,
    manifest: &Manifest,
    sink: &mut dyn Sink,
    screen: Option<&Screen<Stderr>>,
) -> Result<(), Failure> {
    let (mut digest, mut got, mut failures) = (Context::new(&SHA256), 0_u64, 0);
    while got < manifest.bytes {
        let ended = piece(client, path, &mut got, &mut digest, sink, manifest, screen).await;
        match ended {
            Ok(()) if got < manifest.bytes => failures += 1,
            Ok(()) => break,
            Err(Failure::Client(ClientError::Unreachable { .. } | ClientError::Timeout { .. }))
                if failures < RETRIES =>
            {
                failures += 1;
            }
            Err(failure) => return Err(failure),
        }
        if failures > RETRIES {
            break;
        }
    }
    let sum = hex(digest.finish().as_ref());
    if got != manifest.bytes || sum != manifest.sha256 {
        return Err(Failure::Run(format!(
            "what came is not what the manifest says ({got} of {} bytes, sha256 {sum} instead of {}): export again",
            manifest.bytes, manifest.sha256
        )));
    }
    Ok(())
}

async fn piece(
    client: &Client,
    path: &str,
    got: &mut u64,
    digest: &mut Context,
    sink: &mut dyn Sink,
    manifest: &Manifest,
    screen: Option<&Screen<Stderr>>,
) -> Result<(), Failure> {
    let mut response = client.fetch(path, *got).await?;
    while let Some(chunk) = client.chunk(&mut response).await? {
        sink.take(&chunk).map_err(Failure::Output)?;
        digest.update(&chunk);
        *got += chunk.len() as u64;
        if let Some(screen) = screen {
            screen.draw(&[format!("fetching: {got} of {} bytes", manifest.bytes)]);
        }
    }
    Ok(())
}
