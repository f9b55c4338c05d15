//! A place to run Planisphere in: a folder of its own with a kubeconfig and a data directory, and what it says when it
//! refuses to run.

use crate::program::{PATIENCE, Program, command};
use crate::truth::{Objects, RESOURCES};
use planisphere_fixtures::{SimCluster, Simulation};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

/// A folder that is gone with the test.
pub struct Site(tempfile::TempDir);

/// How a command ended that did not do what it was asked.
pub struct Refusal {
    /// The exit code; none where a signal ended it.
    pub code: Option<i32>,
    /// All of standard error.
    pub error: String,
    /// All of standard output.
    pub output: String,
}

impl Site {
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// With the kubeconfig of a simulated fleet.
    pub fn of(simulation: &Simulation) -> Self {
        let site = Self::new();
        site.write("kubeconfig", simulation.kubeconfig_yaml());
        site
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn write(&self, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        path
    }

    pub fn kubeconfig(&self) -> PathBuf {
        self.path("kubeconfig")
    }

    pub fn data(&self) -> PathBuf {
        self.path("data")
    }

    /// Serves the clusters of the kubeconfig.
    pub fn serve(&self, args: &[&str]) -> Program {
        Program::serve(&self.kubeconfig(), &self.data(), args)
    }

    /// The same by a command that becomes the binary.
    pub fn serve_by(&self, command: Command, args: &[&str]) -> Program {
        Program::serve_by(command, &self.kubeconfig(), &self.data(), args)
    }

    /// Serves what these arguments name, and no kubeconfig.
    pub fn serve_only(&self, args: &[&str]) -> Program {
        let data = self.data();
        let all = [&["serve", "--data-dir", data.to_str().unwrap()], LISTEN, args].concat();
        Program::start(&all)
    }

    /// Tries to serve the clusters of the kubeconfig, which must be refused.
    pub fn refuse(&self, args: &[&str]) -> Refusal {
        let (kubeconfig, data) = (self.kubeconfig(), self.data());
        let own = [
            "serve",
            "--kubeconfig",
            text(&kubeconfig),
            "--data-dir",
            text(&data),
        ];
        // Each flag once, those that a test is about first.
        let free: Vec<&str> = LISTEN
            .chunks(2)
            .filter(|flag| !args.contains(&flag[0]))
            .flatten()
            .copied()
            .collect();
        refused(&[&own, &free[..], args].concat())
    }
}

/// Ports of its own.
const LISTEN: &[&str] = &["--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"];

pub fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// Runs a command that must end by itself, and not well.
pub fn refused(args: &[&str]) -> Refusal {
    let folder = tempfile::tempdir().unwrap();
    let (output, error) = (folder.path().join("out"), folder.path().join("err"));
    let mut process = command()
        .args(args)
        .stdin(Stdio::null())
        .stdout(std::fs::File::create(&output).unwrap())
        .stderr(std::fs::File::create(&error).unwrap())
        .spawn()
        .unwrap();
    let started = Instant::now();
    let status = loop {
        if let Some(status) = process.try_wait().unwrap() {
            break status;
        }
        if started.elapsed() > PATIENCE {
            process.kill().unwrap();
            panic!("planisphere {args:?} goes on instead of refusing");
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    };
    let read = |path| std::fs::read_to_string(path).unwrap();
    let refusal = Refusal {
        code: status.code(),
        error: read(&error),
        output: read(&output),
    };
    assert!(!status.success(), "{args:?} succeeded: {}", refusal.error);
    refusal
}

impl Refusal {
    /// That it says all of this in its last line, which is one of ours, and exits with this code.
    pub fn says(&self, code: i32, words: &[&str]) {
        assert_eq!(self.code, Some(code), "{}", self.error);
        let last = self.error.trim_end().lines().last().unwrap_or_default();
        assert!(
            last.starts_with("planisphere: "),
            "not one clear line: {}",
            self.error
        );
        for word in words {
            assert!(last.contains(word), "{word:?} is not in {last:?}");
        }
    }
}

/// A kubeconfig with a context, cluster and user for each `(name, cluster, user)`; the first is the current one.
pub fn kubeconfig(contexts: &[(&str, Value, Value)]) -> String {
    let named = |part: &str, of: &dyn Fn(&(&str, Value, Value)) -> Value| -> Vec<Value> {
        contexts
            .iter()
            .map(|c| json!({ "name": c.0, part: of(c) }))
            .collect()
    };
    // JSON is YAML.
    json!({
        "apiVersion": "v1", "kind": "Config", "current-context": contexts[0].0,
        "clusters": named("cluster", &|c| c.1.clone()),
        "users": named("user", &|c| c.2.clone()),
        "contexts": named("context", &|c| json!({ "cluster": c.0, "user": c.0 })),
    })
    .to_string()
}

/// The objects of a simulated cluster as they are now.
pub fn objects(cluster: &SimCluster) -> Objects {
    RESOURCES
        .iter()
        .map(|(resource, _)| (*resource, cluster.objects(resource).collect()))
        .collect()
}

/// What `sync` says of a cluster.
pub async fn sync(program: &Program, cluster: &str) -> Value {
    let query = "query($name: String!) { sync { clusters(names: [$name]) {
        name reachable dump configured complete error objects
        kinds { kind phase coverage complete objects lists { reason count } watches errors lastError } } } }";
    let mut data = program.data(query, json!({ "name": cluster })).await;
    data["sync"]["clusters"][0].take()
}

/// What `sync` says of a kind of a cluster.
pub async fn kind(program: &Program, cluster: &str, kind: &str) -> Value {
    let sync = sync(program, cluster).await;
    let kinds = sync["kinds"].as_array().cloned().unwrap_or_default();
    kinds.into_iter().find(|k| k["kind"] == kind).unwrap_or_default()
}

/// How many assets a cluster has, of a kind or of all.
pub async fn count(program: &Program, cluster: &str, kind: Option<&str>) -> u64 {
    let mut filter = json!({ "cluster": { "eq": cluster } });
    if let Some(kind) = kind {
        filter["kind"] = json!({ "eq": kind });
    }
    let query = "query($filter: AssetFilter!) { assets(filter: $filter, first: 1) { totalCount { value } } }";
    let data = program.data(query, json!({ "filter": filter })).await;
    data["assets"]["totalCount"]["value"].as_u64().unwrap()
}
