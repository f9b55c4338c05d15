//! Settings: flag before environment before file before default. The only room that reads the environment; everybody
//! else is given typed, checked settings.

mod error;
mod keys;
mod layers;
mod print;
mod read;
mod sources;
mod surroundings;

pub use error::ConfigError;
pub use keys::{CONFIG_ENV, KEYS, Key, Shape};
pub use layers::{DEFAULT, Effective, Flag, Merged};
pub use sources::{Contexts, KubeconfigSource, Sources};
pub use surroundings::Surroundings;

use crate::retention::Retention;
use planisphere_sync::events::EventLimits;
use read::Reader;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How logs are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// Text on a terminal, else JSON.
    Auto,
    /// Lines for people.
    Text,
    /// One JSON object a line.
    Json,
}

/// When to use colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Color {
    /// On a terminal.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

impl Color {
    /// Whether to use colours on what is a terminal or not.
    pub fn on(self, terminal: bool) -> bool {
        match self {
            Color::Auto => terminal,
            Color::Always => true,
            Color::Never => false,
        }
    }
}

/// What every command needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogSettings {
    /// How logs are written.
    pub format: LogFormat,
    /// Directives of tracing's filter: a level, or `target=level` separated by commas.
    pub level: String,
    /// Colours.
    pub color: Color,
}

/// Where the graph is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreChoice {
    /// In memory, one file behind it.
    Embedded,
}

/// What one query may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LimitSettings {
    /// How deep fields may nest.
    pub depth: usize,
    /// How many fields an answer may come to.
    pub cost: usize,
    /// How long a request may be, in bytes.
    pub body_bytes: usize,
    /// How long a query may run.
    pub timeout: Duration,
    /// How many subscriptions there may be at a time.
    pub subscriptions: usize,
}

/// How `serve` and `demo` listen and answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListenSettings {
    /// Address of GraphQL; checked against `--insecure-no-auth`.
    pub listen: SocketAddr,
    /// Address of the admin endpoints; checked as well.
    pub admin_listen: SocketAddr,
    /// A cluster not proven current for this long is stale.
    pub stale_after: Duration,
    /// Limits of one query.
    pub limits: LimitSettings,
}

/// Who answers for what, as far as files and settings say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OwnerSettings {
    /// Files of rules, catalogs and lists.
    pub files: Vec<PathBuf>,
    /// Labels and annotations that also name an owner, strongest first.
    pub keys: Vec<String>,
}

/// What `serve` needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServeSettings {
    /// Who answers for what.
    pub owners: OwnerSettings,
    /// Where it is seen who calls whom, as written.
    pub calls: Vec<String>,
    /// How often it is looked.
    pub calls_interval: Duration,
    /// What to mirror.
    pub sources: Sources,
    /// Files and directories of rules.
    pub rules: Vec<PathBuf>,
    /// Where the store's file lies.
    pub data_dir: PathBuf,
    /// How much history is kept.
    pub retention: Retention,
    /// The private key that exports are signed with.
    pub export_key: Option<PathBuf>,
    /// Where the graph is kept.
    pub store: StoreChoice,
    /// How many Events are kept, and how long.
    pub events: EventLimits,
    /// How to listen and answer.
    pub listen: ListenSettings,
}

/// What `demo` needs.
#[derive(Clone, Debug, PartialEq)]
pub struct DemoSettings {
    /// Files and directories of rules.
    pub rules: Vec<PathBuf>,
    /// How many objects the fleet has.
    pub objects: usize,
    /// Over how many clusters.
    pub clusters: usize,
    /// The seed of the fleet.
    pub seed: u64,
    /// How often something changes, per second; 0 is never.
    pub changes_per_second: f64,
    /// How to listen and answer.
    pub listen: ListenSettings,
}

/// What `get` and `query` need.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientSettings {
    /// The server's URL, `/graphql` not included, no slash at the end.
    pub server: String,
    /// How long to wait for one answer.
    pub timeout: Duration,
}

/// Everything that was set, with its origins; typed views of it are made for each command.
#[derive(Clone, Debug)]
pub struct Settings {
    merged: Merged,
    surroundings: Surroundings,
}

impl Settings {
    /// Merges flags, environment, file and defaults, and checks every value.
    ///
    /// # Errors
    /// On a file that cannot be read, an unknown key, or a value that its key cannot have.
    pub fn load(
        file: Option<&Path>,
        surroundings: Surroundings,
        flags: &[Flag],
    ) -> Result<Self, ConfigError> {
        let settings = Self {
            merged: layers::merge(file, &surroundings, flags)?,
            surroundings,
        };
        settings.check_values()?;
        Ok(settings)
    }

    /// Where a setting stands and who said so.
    pub fn effective(&self) -> &Merged {
        &self.merged
    }

    /// How to log.
    pub fn log(&self) -> Result<LogSettings, ConfigError> {
        let read = self.reader();
        Ok(LogSettings {
            format: read.word(
                "log_format",
                &[
                    ("auto", LogFormat::Auto),
                    ("text", LogFormat::Text),
                    ("json", LogFormat::Json),
                ],
            )?,
            level: read.log_filter("log_level")?,
            color: read.word(
                "color",
                &[
                    ("auto", Color::Auto),
                    ("always", Color::Always),
                    ("never", Color::Never),
                ],
            )?,
        })
    }

    /// What `serve` needs.
    ///
    /// # Errors
    /// Also when there is nothing to read, nowhere to keep it, or an address that others can reach.
    pub fn serve(&self) -> Result<ServeSettings, ConfigError> {
        let read = self.reader();
        let files = read.effective("ownership").values.into_iter();
        Ok(ServeSettings {
            owners: OwnerSettings {
                files: files.map(PathBuf::from).collect(),
                keys: read.effective("owner_keys").values,
            },
            calls: read.effective("calls").values,
            calls_interval: read.duration("calls_interval")?,
            sources: self.sources()?,
            rules: self.rules(),
            data_dir: self.data_dir()?,
            retention: self.retention()?,
            export_key: read.text("export_key").map(PathBuf::from),
            store: self
                .reader()
                .word("store", &[("embedded", StoreChoice::Embedded)])?,
            events: self.events()?,
            listen: self.listen()?,
        })
    }

    /// What `demo` needs.
    ///
    /// # Errors
    /// Also on an address that others can reach.
    pub fn demo(&self) -> Result<DemoSettings, ConfigError> {
        let read = self.reader();
        Ok(DemoSettings {
            rules: self.rules(),
            objects: read.number("demo.objects", 50, 2_000_000)?,
            clusters: read.number("demo.clusters", 1, 100)?,
            seed: read.number("demo.seed", 0, u64::MAX)?,
            changes_per_second: read.rate("demo.changes_per_second")?,
            listen: self.listen()?,
        })
    }

    /// What `get` and `query` need.
    pub fn client(&self) -> Result<ClientSettings, ConfigError> {
        let read = self.reader();
        Ok(ClientSettings {
            server: read.url("server")?,
            timeout: read.duration("request_timeout")?,
        })
    }

    /// What to mirror: for `serve` and `check`.
    ///
    /// # Errors
    /// When there is nothing to read.
    pub fn sources(&self) -> Result<Sources, ConfigError> {
        sources::resolve(&self.reader(), &self.surroundings)
    }

    /// Files and directories of rules.
    pub fn rules(&self) -> Vec<PathBuf> {
        let paths = self.reader().effective("rules").values.into_iter();
        paths.map(PathBuf::from).collect()
    }

    /// Every key with its value and origin, as a TOML file that gives the same settings again; secrets masked.
    pub fn print(&self) -> String {
        let data_dir = self.data_dir().ok();
        print::toml(&self.merged, data_dir.as_deref())
    }

    fn reader(&self) -> Reader<'_> {
        Reader(&self.merged)
    }

    fn data_dir(&self) -> Result<PathBuf, ConfigError> {
        if let Some(dir) = self.reader().text("data_dir") {
            return Ok(PathBuf::from(dir));
        }
        let share = Path::new(".local").join("share");
        let base = self.surroundings.directory("XDG_DATA_HOME", share)?;
        base.map(|dir| dir.join("planisphere"))
            .ok_or(ConfigError::NoDataDir)
    }

    fn listen(&self) -> Result<ListenSettings, ConfigError> {
        let read = self.reader();
        let open = read.switch("insecure_no_auth")?;
        Ok(ListenSettings {
            listen: read.guarded_address("listen", open)?,
            admin_listen: read.guarded_address("admin_listen", open)?,
            stale_after: read.duration("stale_after")?,
            limits: self.limits()?,
        })
    }

    fn retention(&self) -> Result<Retention, ConfigError> {
        let read = self.reader();
        Ok(Retention {
            max_age: read.age("history.max_age")?,
            max_bytes: read.size("history.max_size")?,
            ..Retention::default()
        })
    }

    fn limits(&self) -> Result<LimitSettings, ConfigError> {
        let read = self.reader();
        Ok(LimitSettings {
            depth: read.number("limits.depth", 1, 100)?,
            cost: read.number("limits.cost", 1, 100_000_000)?,
            body_bytes: read.number("limits.body_bytes", 256, 64 << 20)?,
            timeout: read.duration("limits.timeout")?,
            subscriptions: read.number("limits.subscriptions", 0, 10_000)?,
        })
    }

    fn events(&self) -> Result<EventLimits, ConfigError> {
        let read = self.reader();
        Ok(EventLimits {
            per_asset: read.number("events.per_asset", 1, 500)?,
            total: read.number("events.total", 0, 1_000_000)?,
            max_age: read.duration("events.max_age")?,
        })
    }

    /// A bad value is an error for every command, so that a mistake in a file shows at once and not on the day when
    /// another command reads it. What depends on the command (clusters, addresses) is left to that command.
    fn check_values(&self) -> Result<(), ConfigError> {
        let read = self.reader();
        self.log()?;
        self.limits()?;
        self.events()?;
        self.retention()?;
        self.client()?;
        for key in ["listen", "admin_listen"] {
            read.address(key)?;
        }
        read.duration("stale_after")?;
        read.duration("calls_interval")?;
        for key in ["insecure_no_auth", "all_contexts", "in_cluster"] {
            read.switch(key)?;
        }
        read.kinds("exclude_kinds")?;
        read.word("store", &[("embedded", StoreChoice::Embedded)])?;
        read.number::<usize>("demo.objects", 50, 2_000_000)?;
        read.number::<usize>("demo.clusters", 1, 100)?;
        read.number::<u64>("demo.seed", 0, u64::MAX)?;
        read.rate("demo.changes_per_second")?;
        Ok(())
    }
}
