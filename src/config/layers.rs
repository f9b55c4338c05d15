//! Merges flags, environment, file and defaults with the `config` crate, and keeps where each value came from. Knows
//! keys and texts, not what they mean.

use super::keys::{CONFIG_ENV, ENV_PREFIX, ENV_SEPARATOR, KEYS, Key, Shape, env_of};
use super::{ConfigError, Surroundings};
use ::config::{Config, Environment, File, FileFormat, Map, Source, Value, ValueKind};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// A flag as given: the key's name and its values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flag {
    /// The key's name.
    pub key: &'static str,
    /// Its values, in order.
    pub values: Vec<String>,
}

/// The value of a setting, and who said so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Effective {
    /// The values; one for all but lists. Empty where it is not set.
    pub values: Vec<String>,
    /// `flag --listen`, `env PLANISPHERE_LISTEN`, `file /etc/planisphere.toml` or `default`.
    pub origin: String,
}

impl Effective {
    /// Whether somebody said so, rather than the default.
    pub fn is_given(&self) -> bool {
        self.origin != DEFAULT
    }
}

/// The origin of a default.
pub const DEFAULT: &str = "default";

/// The effective value of every key.
pub type Merged = BTreeMap<&'static str, Effective>;

/// Merges all layers.
///
/// # Errors
/// When the file cannot be read, or a key is unknown.
pub fn merge(file: Option<&Path>, env: &Surroundings, flags: &[Flag]) -> Result<Merged, ConfigError> {
    let mut builder = Config::builder().add_source(Layer(defaults()));
    if let Some((path, explicit)) = file_to_read(file, env)?
        && (explicit || path.exists())
    {
        builder = builder.add_source(Layer(read_file(&path)?));
    }
    let merged = builder
        .add_source(Layer(standard_environment(env)?))
        .add_source(Layer(own_environment(env)?))
        .add_source(Layer(flag_values(flags)))
        .build();
    let root = merged.map_err(|e| ConfigError::File {
        path: "(all layers)".to_owned(),
        reason: e.to_string(),
    })?;
    let found = flatten(root.cache);
    Ok(KEYS
        .iter()
        .map(|key| (key.name, effective(key, &found)))
        .collect())
}

/// A layer whose values already carry their origin.
#[derive(Clone, Debug)]
struct Layer(Map<String, Value>);

impl Source for Layer {
    fn clone_into_box(&self) -> Box<dyn Source + Send + Sync> {
        Box::new(self.clone())
    }

    fn collect(&self) -> Result<Map<String, Value>, ::config::ConfigError> {
        Ok(self.0.clone())
    }
}

fn defaults() -> Map<String, Value> {
    let given = KEYS.iter().filter_map(|k| k.default.map(|d| (k.name, d)));
    given
        .map(|(name, text)| (name.to_owned(), Value::new(Some(&DEFAULT.to_owned()), text)))
        .collect()
}

fn flag_values(flags: &[Flag]) -> Map<String, Value> {
    let value = |f: &Flag| {
        let dashed = Key::named(f.key).map_or(f.key, |k| k.flag);
        Value::new(Some(&format!("flag --{dashed}")), f.values.clone())
    };
    flags.iter().map(|f| (f.key.to_owned(), value(f))).collect()
}

/// Which file to read, and whether it was asked for by name.
fn file_to_read(flag: Option<&Path>, env: &Surroundings) -> Result<Option<(PathBuf, bool)>, ConfigError> {
    if let Some(path) = flag {
        return Ok(Some((path.to_owned(), true)));
    }
    if let Some(path) = env.text(CONFIG_ENV)? {
        return Ok(Some((PathBuf::from(path), true)));
    }
    let home = env.directory("XDG_CONFIG_HOME", ".config")?;
    Ok(home.map(|dir| (dir.join("planisphere").join("config.toml"), false)))
}

fn read_file(path: &Path) -> Result<Map<String, Value>, ConfigError> {
    let shown = path.display().to_string();
    let fail = |reason: String| ConfigError::File {
        path: shown.clone(),
        reason,
    };
    let format = match path.extension().and_then(|e| e.to_str()) {
        Some("toml") => FileFormat::Toml,
        Some("yaml" | "yml") => FileFormat::Yaml,
        _ => return Err(fail("its name must end in .toml, .yaml or .yml".to_owned())),
    };
    let text = std::fs::read_to_string(path).map_err(|e| fail(e.to_string()))?;
    let found = File::from_str(&text, format)
        .collect()
        .map_err(|e| fail(e.to_string().trim_end().to_owned()))?;
    let flat = flatten(Value::new(None, found));
    let place = format!("the file {shown}");
    let origin = format!("file {shown}");
    known(flat, &place, |key| key.to_owned()).map(|m| {
        m.into_iter()
            .map(|(k, v)| (k, Value::new(Some(&origin), v.kind)))
            .collect()
    })
}

/// Our own variables, `PLANISPHERE_…`.
fn own_environment(env: &Surroundings) -> Result<Map<String, Value>, ConfigError> {
    let prefix = format!("{ENV_PREFIX}_");
    let mut ours = Map::new();
    for name in env.names().filter(|n| n.starts_with(&prefix)) {
        if name != CONFIG_ENV
            && !is_service_link(name)
            && let Some(text) = env.text(name)?
        {
            ours.insert(name.to_owned(), text.to_owned());
        }
    }
    let read = Environment::with_prefix(ENV_PREFIX)
        .prefix_separator("_")
        .separator(ENV_SEPARATOR)
        .source(Some(ours))
        .collect();
    let flat: Map<String, Value> = read.map_err(|e| ConfigError::NotText { name: e.to_string() })?;
    let flat = known(flat, "the environment", env_of)?;
    let with_origin = |(key, value): (String, Value)| {
        let origin = format!("env {}", env_of(&key));
        (key, Value::new(Some(&origin), value.kind))
    };
    Ok(flat.into_iter().map(with_origin).collect())
}

/// Variables that other programs read too.
fn standard_environment(env: &Surroundings) -> Result<Map<String, Value>, ConfigError> {
    let mut found = Map::new();
    for key in KEYS {
        if let Some(name) = key.standard_env
            && let Some(text) = env.text(name)?
        {
            found.insert(
                key.name.to_owned(),
                Value::new(Some(&format!("env {name}")), text),
            );
        }
    }
    // https://no-color.org: present and not empty means no colour, whatever it says.
    if env.text("NO_COLOR")?.is_some() {
        found.insert(
            "color".to_owned(),
            Value::new(Some(&"env NO_COLOR".to_owned()), "never"),
        );
    }
    Ok(found)
}

/// Kubernetes puts variables for every Service of a namespace into its pods; a Service called `planisphere` must not
/// look like a mistyped setting (docs: Accessing the Service, environment variables).
fn is_service_link(name: &str) -> bool {
    let port = |text: &str| {
        let mut parts = text.split('_');
        let number = parts.next().is_some_and(|p| p.parse::<u16>().is_ok());
        number && matches!(parts.next(), Some("TCP" | "UDP" | "SCTP"))
    };
    name.ends_with("_SERVICE_HOST")
        || name.ends_with("_SERVICE_PORT")
        || name.contains("_SERVICE_PORT_")
        || name.ends_with("_PORT")
        || name
            .match_indices("_PORT_")
            .any(|(at, sep)| port(&name[at + sep.len()..]))
}

/// Refuses keys that the table does not have. `written` turns a key into the form in which the reader wrote it.
fn known(
    found: Map<String, Value>,
    place: &str,
    written: impl Fn(&str) -> String,
) -> Result<Map<String, Value>, ConfigError> {
    let mut unknown: Vec<_> = found.keys().filter(|k| Key::named(k).is_none()).collect();
    unknown.sort();
    match unknown.first() {
        None => Ok(found),
        Some(key) => Err(ConfigError::UnknownKey {
            key: written(key),
            place: place.to_owned(),
            nearest: nearest(key).map(&written),
        }),
    }
}

/// The known key that looks most like this one, where one looks like it at all.
fn nearest(key: &str) -> Option<&'static str> {
    let key = key.replace('-', "_").to_lowercase();
    let last = key.rsplit('.').next().unwrap_or(&key);
    let score = |name: &'static str| {
        let own = name.rsplit('.').next().unwrap_or(name);
        strsim::jaro_winkler(&key, name).max(strsim::jaro_winkler(last, own) - 0.01)
    };
    let scored = KEYS.iter().map(|k| (score(k.name), k.name));
    scored
        .filter(|(score, _)| *score > 0.75)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, name)| name)
}

/// Nested tables as dotted keys.
fn flatten(root: Value) -> Map<String, Value> {
    fn walk(prefix: &str, value: Value, out: &mut Map<String, Value>) {
        match value.kind {
            ValueKind::Table(table) => {
                for (key, inner) in table {
                    let path = if prefix.is_empty() {
                        key
                    } else {
                        format!("{prefix}.{key}")
                    };
                    walk(&path, inner, out);
                }
            }
            _ => drop(out.insert(prefix.to_owned(), value)),
        }
    }
    let mut out = Map::new();
    walk("", root, &mut out);
    out
}

fn effective(key: &Key, found: &Map<String, Value>) -> Effective {
    let Some(value) = found.get(key.name) else {
        return Effective {
            values: Vec::new(),
            origin: DEFAULT.to_owned(),
        };
    };
    let values = match &value.kind {
        // A path may hold any character, so what already is a list of paths is not split again.
        ValueKind::Array(items) if key.shape == Shape::Paths => items.iter().map(Value::to_string).collect(),
        ValueKind::Array(items) => items.iter().flat_map(|v| split(key, &v.to_string())).collect(),
        ValueKind::Nil => Vec::new(),
        other => split(key, &other.to_string()),
    };
    Effective {
        values,
        origin: value.origin().unwrap_or(DEFAULT).to_owned(),
    }
}

/// The parts of one text: lists are separated by commas, paths as in `PATH`.
fn split(key: &Key, text: &str) -> Vec<String> {
    let parts: Vec<String> = match key.shape {
        Shape::List => text.split(',').map(|p| p.trim().to_owned()).collect(),
        Shape::Paths => std::env::split_paths(text)
            .map(|p| p.display().to_string())
            .collect(),
        Shape::Switch | Shape::Text | Shape::Choice(_) => return vec![text.to_owned()],
    };
    parts.into_iter().filter(|p| !p.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_of_kubernetes_services_are_not_settings() {
        for name in [
            "PLANISPHERE_SERVICE_HOST",
            "PLANISPHERE_SERVICE_PORT",
            "PLANISPHERE_SERVICE_PORT_GRAPHQL",
            "PLANISPHERE_PORT",
            "PLANISPHERE_PORT_7117_TCP",
            "PLANISPHERE_PORT_7117_TCP_ADDR",
            "PLANISPHERE_ADMIN_PORT_7118_TCP_PROTO",
        ] {
            assert!(is_service_link(name), "{name}");
        }
        for key in KEYS {
            assert!(!is_service_link(&key.env()), "{}", key.env());
        }
        assert!(!is_service_link("PLANISPHERE_PORT_NAME"));
    }

    #[test]
    fn the_nearest_key_is_the_one_that_was_meant() {
        for (typed, meant) in [
            ("stale-after", "stale_after"),
            ("listne", "listen"),
            ("adminlisten", "admin_listen"),
            ("objects", "demo.objects"),
            ("context", "contexts"),
            ("data_directory", "data_dir"),
        ] {
            assert_eq!(nearest(typed), Some(meant), "{typed}");
        }
        assert_eq!(nearest("xyzzy"), None);
    }
}
