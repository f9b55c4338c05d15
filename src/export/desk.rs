//! Where exports are written and kept until they are fetched. A folder appears under its id once its export is whole, with
//! its manifest and signature; until then it has another name, and whatever a crash left of it is removed at the next start.

use super::manifest::{FILE, Manifest, SIGNATURE};
use super::signature::SigningKey;
use super::{ExportError, Progress, Source, Wanted, write};
use crate::query::breathe;
use parking_lot::Mutex;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use uuid::Uuid;

/// The folder below the data directory.
const FOLDER: &str = "exports";
/// What the folder of an unfinished export begins with.
const UNFINISHED: &str = "unfinished-";
/// Exports that are written at a time.
const MOST_RUNNING: usize = 2;
/// Finished exports that are kept; older ones make room.
const MOST_KEPT: usize = 20;
/// What is gathered before it is written.
const BUFFER: usize = 1 << 20;

/// How an export is.
#[derive(Clone, Debug)]
pub enum State {
    /// It is being written.
    Running,
    /// It can be fetched; and whether it is signed.
    Done(Arc<Manifest>, bool),
    /// There is none, and why.
    Failed(String),
}

/// One export.
#[derive(Debug)]
pub struct Job {
    /// By which it is fetched; cannot be guessed.
    pub id: Uuid,
    /// How far it is.
    pub progress: Progress,
    state: Mutex<State>,
}

impl Job {
    /// How it is.
    pub fn state(&self) -> State {
        self.state.lock().clone()
    }
}

/// All exports.
#[derive(Debug)]
pub struct Desk {
    folder: PathBuf,
    /// Goes with the process, where exports need not outlive it.
    _temporary: Option<tempfile::TempDir>,
    key: Option<SigningKey>,
    /// Oldest first.
    jobs: Mutex<Vec<Arc<Job>>>,
}

impl Desk {
    /// Keeps exports below `data_dir`, those that are there already included; signs with `key`.
    ///
    /// # Errors
    /// When the folder cannot be made or read.
    pub fn open(data_dir: &Path, key: Option<SigningKey>) -> io::Result<Self> {
        let folder = data_dir.join(FOLDER);
        fs::create_dir_all(&folder)?;
        let mut kept = Vec::new();
        for entry in fs::read_dir(&folder)? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if name.starts_with(UNFINISHED) {
                fs::remove_dir_all(entry.path())?;
            } else if let Some(job) = Uuid::parse_str(&name)
                .ok()
                .and_then(|id| kept_job(id, &entry.path()))
            {
                kept.push((entry.metadata()?.modified()?, job));
            }
        }
        kept.sort_by_key(|(modified, _)| *modified);
        Ok(Self {
            folder,
            _temporary: None,
            key,
            jobs: Mutex::new(kept.into_iter().map(|(_, job)| Arc::new(job)).collect()),
        })
    }

    /// Keeps exports as long as the process runs.
    ///
    /// # Errors
    /// When there is no room for temporary files.
    pub fn temporary() -> io::Result<Self> {
        let folder = tempfile::tempdir()?;
        let mut desk = Self::open(folder.path(), None)?;
        desk._temporary = Some(folder);
        Ok(desk)
    }

    /// Begins an export; it goes on by itself.
    ///
    /// # Errors
    /// When enough of them are being written.
    pub fn start(self: &Arc<Self>, source: Source, wanted: Wanted) -> Result<Arc<Job>, ExportError> {
        let job = Arc::new(Job {
            id: Uuid::new_v4(),
            progress: Progress::default(),
            state: Mutex::new(State::Running),
        });
        {
            let mut jobs = self.jobs.lock();
            let running = jobs
                .iter()
                .filter(|j| matches!(j.state(), State::Running))
                .count();
            if running >= MOST_RUNNING {
                return Err(ExportError::Busy(running));
            }
            jobs.push(Arc::clone(&job));
            self.make_room(&mut jobs);
        }
        let (desk, begun) = (Arc::clone(self), Arc::clone(&job));
        tokio::spawn(async move {
            let unfinished = desk.folder.join(format!("{UNFINISHED}{}", begun.id));
            let ended = desk.run(&unfinished, &begun, &source, &wanted).await;
            *begun.state.lock() = match ended {
                Ok(manifest) => State::Done(Arc::new(manifest), desk.key.is_some()),
                Err(error) => {
                    let _ = fs::remove_dir_all(&unfinished);
                    tracing::warn!(export = %begun.id, %error, "an export failed");
                    State::Failed(error.to_string())
                }
            };
        });
        Ok(job)
    }

    async fn run(
        &self,
        unfinished: &Path,
        job: &Job,
        source: &Source,
        wanted: &Wanted,
    ) -> Result<Manifest, ExportError> {
        breathe().await;
        fs::create_dir(unfinished)?;
        let file = File::create_new(unfinished.join(wanted.format.file_name()))?;
        let mut out = BufWriter::with_capacity(BUFFER, file);
        let manifest = write(source, wanted, &mut out, &job.progress).await?;
        out.into_inner().map_err(|e| e.into_error())?.sync_all()?;
        let bytes = manifest.to_bytes();
        keep(&unfinished.join(FILE), &bytes)?;
        if let Some(key) = &self.key {
            keep(&unfinished.join(SIGNATURE), &key.sign(&bytes))?;
        }
        fs::rename(unfinished, self.folder.join(job.id.to_string()))?;
        Ok(manifest)
    }

    /// The export of this id.
    pub fn find(&self, id: Uuid) -> Option<Arc<Job>> {
        self.jobs.lock().iter().find(|j| j.id == id).cloned()
    }

    /// A file of a finished export; none for any other name.
    pub fn file(&self, id: Uuid, name: &str) -> Option<PathBuf> {
        let State::Done(manifest, signed) = self.find(id)?.state() else {
            return None;
        };
        let known = name == manifest.file || name == FILE || (signed && name == SIGNATURE);
        known.then(|| self.folder.join(id.to_string()).join(name))
    }

    fn make_room(&self, jobs: &mut Vec<Arc<Job>>) {
        while jobs.len() > MOST_KEPT {
            let Some(oldest) = jobs.iter().position(|j| !matches!(j.state(), State::Running)) else {
                return;
            };
            let gone = jobs.remove(oldest);
            let _ = fs::remove_dir_all(self.folder.join(gone.id.to_string()));
        }
    }
}

/// An export of an earlier process; none where its manifest cannot be read.
fn kept_job(id: Uuid, folder: &Path) -> Option<Job> {
    let manifest: Manifest = serde_json::from_slice(&fs::read(folder.join(FILE)).ok()?).ok()?;
    let signed = folder.join(SIGNATURE).exists();
    Some(Job {
        id,
        progress: Progress::default(),
        state: Mutex::new(State::Done(Arc::new(manifest), signed)),
    })
}

fn keep(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::create_new(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}
