//! The table of settings: one row each, from which flags, environment variables, keys of the file, help and
//! `--print-config` all follow. It knows names and defaults, not what a value means.

/// How a setting is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// True or false; the flag alone means true.
    Switch,
    /// One value.
    Text,
    /// Any number of values: the flag repeated, an array in a file, or one text separated by commas.
    List,
    /// Any number of paths: as a list, but one text holds them separated as in `PATH`.
    Paths,
    /// One of these words.
    Choice(&'static [&'static str]),
}

/// One setting.
#[derive(Debug)]
pub struct Key {
    /// Its key in a file; sections are separated by a dot.
    pub name: &'static str,
    /// Its flag, without dashes.
    pub flag: &'static str,
    /// What help calls the value.
    pub value_name: &'static str,
    /// How it is written.
    pub shape: Shape,
    /// What it is when nobody says; none where that is worked out, or where it is simply not set.
    pub default: Option<&'static str>,
    /// A standard variable that is read too, after ours.
    pub standard_env: Option<&'static str>,
    /// The commands that take the flag; none means all.
    pub commands: &'static [&'static str],
    /// The heading under which help shows it.
    pub heading: &'static str,
    /// What it does.
    pub help: &'static str,
}

/// The prefix of our environment variables.
pub const ENV_PREFIX: &str = "PLANISPHERE";
/// Separates sections in the name of an environment variable.
pub const ENV_SEPARATOR: &str = "__";
/// The variable that names the configuration file; not a setting itself.
pub const CONFIG_ENV: &str = "PLANISPHERE_CONFIG";

impl Key {
    /// Its environment variable: `demo.objects` is `PLANISPHERE_DEMO__OBJECTS`.
    pub fn env(&self) -> String {
        env_of(self.name)
    }

    /// Whether the flag belongs to this command.
    pub fn is_flag_of(&self, command: &str) -> bool {
        self.commands.contains(&command)
    }

    /// The row of this name.
    pub fn named(name: &str) -> Option<&'static Key> {
        KEYS.iter().find(|k| k.name == name)
    }
}

/// The environment variable of a key, known or not.
pub fn env_of(name: &str) -> String {
    let upper = name.to_ascii_uppercase().replace('.', ENV_SEPARATOR);
    format!("{ENV_PREFIX}_{upper}")
}

const SOURCES: &str = "Clusters";
const RULES: &str = "Custom resources";
const SERVER: &str = "Server";
const EVENTS: &str = "Recent Events";
const OWNERS: &str = "Owners";
const CALLS: &str = "Observed dependencies";
const HISTORY: &str = "History";
const EXPORTS: &str = "Exports";
const LIMITS: &str = "Limits of one query";
const FLEET: &str = "Simulated fleet";
const CLIENT: &str = "Client";
const LOGS: &str = "Logs and configuration";

const READS: &[&str] = &["serve", "check"];
const RULED: &[&str] = &["serve", "demo", "check"];
const SERVES: &[&str] = &["serve"];
const LISTENS: &[&str] = &["serve", "demo"];
const DEMO: &[&str] = &["demo"];
const ASKS: &[&str] = &[
    "get",
    "query",
    "owners",
    "impact",
    "why",
    "drain-plan",
    "export",
    "history",
    "diff",
];
const ALL: &[&str] = &[];

macro_rules! keys {
    ($($commands:ident $heading:ident $name:literal --$flag:literal $value:literal $shape:expr, $default:expr, $env:expr, $help:literal;)*) => {
        /// Every setting, in the order in which they are shown.
        pub const KEYS: &[Key] = &[$(Key {
            name: $name, flag: $flag, value_name: $value, shape: $shape, default: $default,
            standard_env: $env, commands: $commands, heading: $heading, help: $help,
        },)*];
    };
}

keys! {
    READS SOURCES "kubeconfig" --"kubeconfig" "FILE" Shape::Paths, None, Some("KUBECONFIG"),
        "Kubeconfig to read; several are merged as kubectl does. Without it: KUBECONFIG, then ~/.kube/config, and inside a pod its service account";
    READS SOURCES "contexts" --"context" "NAME" Shape::List, None, None,
        "Context of the kubeconfig, one cluster each; repeat it for more. Without it: the current context";
    READS SOURCES "all_contexts" --"all-contexts" "BOOL" Shape::Switch, Some("false"), None,
        "Every context of the kubeconfig";
    READS SOURCES "in_cluster" --"in-cluster" "BOOL" Shape::Switch, Some("false"), None,
        "The cluster this process runs in, by its pod's service account";
    READS SOURCES "dumps" --"dump" "PATH" Shape::Paths, None, None,
        "File or directory of `kubectl get … -o json|yaml`, read once as a cluster of its own; repeat it for more";
    READS SOURCES "exclude_kinds" --"exclude-kind" "KIND" Shape::List, None, None,
        "Kind to leave out, as kubectl names it (events, Job.batch); repeat it for more";
    RULED RULES "rules" --"rules" "PATH" Shape::Paths, None, None,
        "File or directory of rules (YAML, TOML): what is kept of custom resources and what they refer to, beside the rules that are shipped; repeat it for more";
    SERVES SERVER "data_dir" --"data-dir" "DIR" Shape::Text, None, None,
        "Directory of the graph's file; one process at a time. Without it: $XDG_DATA_HOME/planisphere or ~/.local/share/planisphere";
    SERVES SERVER "store" --"store" "STORE" Shape::Choice(&["embedded"]), Some("embedded"), None,
        "Where the graph is kept: in memory with one file behind it";
    LISTENS SERVER "listen" --"listen" "ADDR:PORT" Shape::Text, Some("127.0.0.1:7117"), None,
        "Address of GraphQL; port 0 takes a free one and prints it";
    LISTENS SERVER "admin_listen" --"admin-listen" "ADDR:PORT" Shape::Text, Some("127.0.0.1:7118"), None,
        "Address of /livez, /readyz and /metrics";
    LISTENS SERVER "insecure_no_auth" --"insecure-no-auth" "BOOL" Shape::Switch, Some("false"), None,
        "Allow addresses that others can reach, although anybody who reaches them can read everything";
    LISTENS SERVER "stale_after" --"stale-after" "DURATION" Shape::Text, Some("120s"), None,
        "A cluster not proven current for this long is called stale in answers";
    SERVES EVENTS "events.per_asset" --"events-per-asset" "N" Shape::Text, Some("20"), None,
        "How many Events of Kubernetes are kept of one asset, in memory";
    SERVES EVENTS "events.total" --"events-total" "N" Shape::Text, Some("10000"), None,
        "How many are kept of all clusters together; 0 reads none";
    SERVES EVENTS "events.max_age" --"events-max-age" "DURATION" Shape::Text, Some("1h"), None,
        "How long one is kept after it was last told";
    SERVES OWNERS "ownership" --"ownership" "FILE" Shape::Paths, None, None,
        "Who answers for what: rules (YAML), a Backstage catalog-info (YAML) or a list of owners (CSV); repeat it for more";
    SERVES OWNERS "owner_keys" --"owner-key" "KEY" Shape::List, None, None,
        "Label, or annotation of those that are kept, that also names an owner (cost-center); repeat it for more";
    SERVES CALLS "calls" --"calls" "SOURCE" Shape::List, None, None,
        "Where it is seen who calls whom: file:PATH, or PRESET@URL of a Prometheus with PRESET servicegraph, istio, linkerd, hubble or netflow, and #CLUSTER after it where labels do not say; repeat it for more";
    SERVES CALLS "calls_interval" --"calls-interval" "DURATION" Shape::Text, Some("60s"), None,
        "How often it is looked who calls whom";
    SERVES HISTORY "history.max_age" --"history-max-age" "AGE" Shape::Text, Some("14d"), None,
        "How long changes are kept: 14d, 36h, or off to keep them for ever";
    SERVES HISTORY "history.max_size" --"history-max-size" "SIZE" Shape::Text, Some("8GiB"), None,
        "How much graph and history may take on disk before the oldest changes go, whatever their age: 8GiB, 500MB, or off; the last hour stays";
    SERVES EXPORTS "export_key" --"export-key" "FILE" Shape::Text, None, None,
        "Private key (Ed25519, PKCS#8 in PEM) that signs the manifests of exports";
    LISTENS LIMITS "limits.depth" --"limit-depth" "N" Shape::Text, Some("12"), None,
        "How deep fields may nest";
    LISTENS LIMITS "limits.cost" --"limit-cost" "N" Shape::Text, Some("200000"), None,
        "How many fields an answer may come to, worked out before the query runs";
    LISTENS LIMITS "limits.body_bytes" --"limit-body-bytes" "N" Shape::Text, Some("262144"), None,
        "How long a request may be";
    LISTENS LIMITS "limits.timeout" --"limit-timeout" "DURATION" Shape::Text, Some("10s"), None,
        "How long a query may run";
    LISTENS LIMITS "limits.subscriptions" --"limit-subscriptions" "N" Shape::Text, Some("100"), None,
        "How many subscriptions there may be at a time";
    DEMO FLEET "demo.objects" --"objects" "N" Shape::Text, Some("1000"), None,
        "How many objects the simulated fleet has";
    DEMO FLEET "demo.clusters" --"clusters" "N" Shape::Text, Some("2"), None,
        "Over how many clusters";
    DEMO FLEET "demo.seed" --"seed" "N" Shape::Text, Some("1"), None,
        "The same seed gives the same fleet";
    DEMO FLEET "demo.changes_per_second" --"changes-per-second" "N" Shape::Text, Some("2"), None,
        "How often something in it changes; 0 for a still picture";
    ASKS CLIENT "server" --"server" "URL" Shape::Text, Some("http://127.0.0.1:7117"), None,
        "The server to ask, as `planisphere serve` printed it";
    ASKS CLIENT "request_timeout" --"request-timeout" "DURATION" Shape::Text, Some("30s"), None,
        "How long to wait for an answer";
    ALL LOGS "log_format" --"log-format" "FORMAT" Shape::Choice(&["auto", "text", "json"]), Some("auto"), None,
        "How logs are written to standard error; auto is text on a terminal, else JSON";
    ALL LOGS "log_level" --"log-level" "LEVEL" Shape::Text, Some("info"), Some("RUST_LOG"),
        "error, warn, info, debug or trace; or directives such as planisphere=debug,info";
    ALL LOGS "color" --"color" "WHEN" Shape::Choice(&["auto", "always", "never"]), Some("auto"), None,
        "Colours in logs and progress; NO_COLOR means never";
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn no_two_settings_share_a_name_or_a_flag() {
        let names: BTreeSet<_> = KEYS.iter().map(|k| k.name).collect();
        let flags: BTreeSet<_> = KEYS.iter().map(|k| k.flag).collect();
        assert_eq!((names.len(), flags.len()), (KEYS.len(), KEYS.len()));
    }

    #[test]
    fn sections_are_separated_by_two_underscores_in_the_environment() {
        let of = |name| Key::named(name).map(Key::env);
        assert_eq!(of("stale_after").as_deref(), Some("PLANISPHERE_STALE_AFTER"));
        assert_eq!(of("demo.objects").as_deref(), Some("PLANISPHERE_DEMO__OBJECTS"));
    }
}
