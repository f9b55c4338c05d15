//! The file: one directory belongs to one process, one SQLite file in it holds the graph and its history. Opens, locks,
//! refuses what it cannot read, and puts SQLite's errors into our words. Nothing is written before all of it is read and proven.
//!
//! The write-ahead log is synced at checkpoints, not at every commit (`synchronous = NORMAL`). A killed process loses
//! nothing. A power cut may take the last commits, always whole ones and always the newest: data, history and resume points
//! share each transaction, so what comes back is a state that was acknowledged once, and the watch goes on from its
//! resume points and observes the rest again. Only fences must not come back lower, so a claim is synced.
//! The log is folded into the file at 32 MB: pages that change often are then written back once for many batches.

use super::state::{RELATIONS, State, kind_name};
use crate::store::StoreError;
use planisphere_schema::{Kind, RelationKind};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension, params};
use std::collections::HashMap;
use std::fs::{self, File, TryLockError};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// "Plan" in ASCII: tells our files from other SQLite files.
const APPLICATION: i64 = 0x506c_616e;
/// The format of the file. Raise it with every change that an older program must not write to.
pub(super) const FORMAT: i64 = 2;
const SCHEMA: &str = include_str!("schema.sql");
/// What makes the tables of one format those of the next, by the format that it begins with. Runs in one transaction, so
/// that a file is of one format or of the other.
const UPGRADES: &[(i64, &str)] = &[(1, include_str!("upgrade_2.sql"))];

/// The open file with the names that it gives numbers to.
pub(super) struct Database {
    pub(super) connection: Connection,
    pub(super) path: PathBuf,
    pub(super) kinds: HashMap<Kind, i64>,
    /// The file's numbers of relations, by ours.
    pub(super) relations: [i64; RELATIONS],
    /// Held while the process lives; none in memory.
    _lock: Option<File>,
}

impl Database {
    /// Opens the file in a data directory, makes both where they are not there, and reads the graph.
    pub(super) fn open(directory: &Path) -> Result<(Self, State), StoreError> {
        fs::create_dir_all(directory).map_err(|e| refused("create", directory, e))?;
        let lock = lock(directory)?;
        let path = directory.join("graph.sqlite");
        check_header(&path)?;
        let log = fs::metadata(directory.join("graph.sqlite-wal"));
        let connection = Connection::open(&path).map_err(|e| sql_error(&path, e))?;
        // Closing would fold the log that a killed process left into a file that turns out to be damaged.
        let folded = connection.set_db_config(
            DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE,
            log.is_ok_and(|log| log.len() > 0),
        );
        folded.map_err(|e| sql_error(&path, e))?;
        Self::prepare(connection, path, Some(lock))
    }

    /// A file that is none: gone with the store.
    pub(super) fn in_memory() -> Result<(Self, State), StoreError> {
        let path = PathBuf::from(":memory:");
        let connection = Connection::open_in_memory().map_err(|e| sql_error(&path, e))?;
        Self::prepare(connection, path, None)
    }

    fn prepare(
        connection: Connection,
        path: PathBuf,
        lock: Option<File>,
    ) -> Result<(Self, State), StoreError> {
        let busy = |error| match error {
            StoreError::Unavailable(reason) if reason.contains("locked") => StoreError::InUse {
                path: path.display().to_string(),
            },
            other => other,
        };
        let sql = |e| busy(sql_error(&path, e));
        connection.busy_timeout(Duration::ZERO).map_err(sql)?;
        connection.set_prepared_statement_cache_capacity(64);
        connection
            .execute_batch("PRAGMA cache_size = -8192; PRAGMA temp_store = MEMORY;")
            .map_err(sql)?;
        let format = check_format(&connection, &path).map_err(busy)?;
        let mut database = Self {
            connection,
            kinds: HashMap::new(),
            relations: [0; RELATIONS],
            _lock: lock,
            path: path.clone(),
        };
        let proven = format.map(|format| database.load(format));
        // What an upgrade adds is read after it.
        let proven = proven.transpose()?.filter(|_| format == Some(FORMAT));
        database.found(format).map_err(sql)?;
        let state = match proven {
            Some(state) => state,
            None => database.load(FORMAT)?,
        };
        Ok((database, state))
    }

    /// Makes the tables where there are none, or those of our format of an older one's, and learns the numbers of relations.
    fn found(&mut self, format: Option<i64>) -> rusqlite::Result<()> {
        if format.is_none() {
            // Takes effect only in a file that has no tables yet: space that history leaves can then be given back.
            self.connection
                .pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
        }
        self.connection.execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 8000;
             PRAGMA journal_size_limit = 67108864;",
        )?;
        let transaction = self.connection.transaction()?;
        match format {
            None => {
                transaction.execute_batch(SCHEMA)?;
                transaction.pragma_update(None, "application_id", APPLICATION)?;
            }
            Some(found) => {
                for (_, upgrade) in UPGRADES.iter().filter(|(from, _)| *from >= found) {
                    transaction.execute_batch(upgrade)?;
                }
            }
        }
        if format != Some(FORMAT) {
            transaction.pragma_update(None, "user_version", FORMAT)?;
        }
        for (number, relation) in RelationKind::ALL.iter().enumerate() {
            self.relations[number] = number_of(&transaction, "relation", relation.name())?;
        }
        transaction.commit()?;
        self.connection
            .set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false)?;
        Ok(())
    }

    pub(super) fn error(&self, error: rusqlite::Error) -> StoreError {
        sql_error(&self.path, error)
    }

    pub(super) fn damaged(&self, reason: impl Into<String>) -> StoreError {
        StoreError::Damaged {
            path: self.path.display().to_string(),
            reason: reason.into(),
        }
    }

    /// A second connection that only reads; none in memory.
    pub(super) fn reader(path: &Path) -> Result<Connection, StoreError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags).map_err(|e| sql_error(path, e))?;
        // Readers wait for nobody in WAL mode, but for a checkpoint that restarts the log.
        let patience = Duration::from_secs(2);
        connection
            .busy_timeout(patience)
            .map_err(|e| sql_error(path, e))?;
        Ok(connection)
    }
}

/// The number that the file gives to the name of a kind; a new one where it has none.
pub(super) fn kind_number(
    connection: &Connection,
    kinds: &mut HashMap<Kind, i64>,
    kind: Kind,
) -> rusqlite::Result<i64> {
    if let Some(number) = kinds.get(&kind) {
        return Ok(*number);
    }
    let number = number_of(connection, "kind", kind_name(kind))?;
    kinds.insert(kind, number);
    Ok(number)
}

fn number_of(connection: &Connection, table: &str, name: &str) -> rusqlite::Result<i64> {
    let known = connection
        .prepare_cached(&format!("SELECT id FROM {table} WHERE name = ?1"))?
        .query_row(params![name], |row| row.get(0))
        .optional()?;
    if let Some(number) = known {
        return Ok(number);
    }
    connection.execute(&format!("INSERT INTO {table} (name) VALUES (?1)"), params![name])?;
    Ok(connection.last_insert_rowid())
}

/// How often a lock is tried, and how long is waited between: a process that is just ending, or one that this one is
/// just starting (until it runs, it shares our open files), lets go within moments.
const LOCK_TRIES: u32 = 40;
const LOCK_PAUSE: Duration = Duration::from_millis(25);

fn lock(directory: &Path) -> Result<File, StoreError> {
    let path = directory.join("lock");
    let options = File::options().create(true).truncate(false).write(true).clone();
    let file = options.open(&path).map_err(|e| refused("write", &path, e))?;
    for _ in 0..LOCK_TRIES {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Error(error)) => return Err(refused("lock", &path, error)),
        }
        #[expect(
            clippy::disallowed_methods,
            reason = "opening blocks anyway, off the async threads"
        )]
        std::thread::sleep(LOCK_PAUSE);
    }
    Err(StoreError::InUse {
        path: directory.display().to_string(),
    })
}

/// Refuses a file that SQLite did not write, before SQLite touches it.
fn check_header(path: &Path) -> Result<(), StoreError> {
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(refused("read", path, error)),
    };
    let mut header = Vec::new();
    let read = Read::by_ref(&mut file).take(100).read_to_end(&mut header);
    read.map_err(|e| refused("read", path, e))?;
    if header.is_empty() || (header.len() == 100 && header.starts_with(b"SQLite format 3\0")) {
        return Ok(());
    }
    Err(StoreError::Damaged {
        path: path.display().to_string(),
        reason: "it does not begin as a SQLite file does".to_owned(),
    })
}

/// The format of the file; none where it has no tables yet. Refuses one of another program or of a format that we do not
/// know.
fn check_format(connection: &Connection, path: &Path) -> Result<Option<i64>, StoreError> {
    let read = || -> rusqlite::Result<(i64, i64, i64)> {
        let tables = connection.query_row("SELECT count(*) FROM sqlite_master", [], |r| r.get(0))?;
        let application = connection.pragma_query_value(None, "application_id", |r| r.get(0))?;
        let format = connection.pragma_query_value(None, "user_version", |r| r.get(0))?;
        Ok((tables, application, format))
    };
    let (tables, application, format) = read().map_err(|e| sql_error(path, e))?;
    let found = match (tables, application, format) {
        (0, 0, 0) => return Ok(None),
        (_, APPLICATION, 1..=FORMAT) => return Ok(Some(format)),
        (_, APPLICATION, other) => other.to_string(),
        (_, other, _) => format!("of another program (application id {other:#x})"),
    };
    Err(StoreError::Format {
        path: path.display().to_string(),
        found,
        expected: FORMAT.to_string(),
    })
}

fn refused(action: &'static str, path: &Path, source: io::Error) -> StoreError {
    StoreError::File {
        action,
        path: path.display().to_string(),
        source,
    }
}

/// SQLite's error in our words.
pub(super) fn sql_error(path: &Path, error: rusqlite::Error) -> StoreError {
    let path_text = path.display().to_string();
    if let rusqlite::Error::SqlInputError { .. } = error {
        // The statements are ours, so it is the tables that are not.
        return StoreError::Damaged {
            path: path_text,
            reason: format!("its tables are not those that were made: {error}"),
        };
    }
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => StoreError::Damaged {
            path: path_text,
            reason: error.to_string(),
        },
        Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => {
            refused("write", path, io::Error::other(error))
        }
        Some(ErrorCode::DiskFull) => StoreError::Unavailable(format!(
            "no space is left for {path_text}; free some, it goes on by itself"
        )),
        _ => StoreError::Unavailable(format!("{path_text}: {error}")),
    }
}
