//! The program under measurement, as a process of its own: started, asked, weighed, stopped.

use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How often a state is asked for that is waited for.
const LOOK: Duration = Duration::from_millis(4);
const PATIENCE: Duration = Duration::from_secs(300);

/// A running `planisphere serve`.
pub struct Running {
    process: Child,
    client: reqwest::Client,
    graphql: String,
    admin: String,
    /// When its process was started.
    pub started: Instant,
    /// When it told its addresses: the next thing that it does is to ask the clusters.
    pub announced: Instant,
}

impl Running {
    /// Starts it on free ports with nothing of the reader's own settings.
    pub fn start(kubeconfig: &Path, data_dir: &Path) -> Self {
        let client = client();
        let started = Instant::now();
        let mut process = Command::new(env!("CARGO_BIN_EXE_planisphere"))
            .env_clear()
            .env("HOME", "/nonexistent")
            .envs(
                std::env::vars()
                    .filter(|(name, _)| name.starts_with("PLANISPHERE_LOG") || name.contains("MALLOC")),
            )
            .args(["serve", "--all-contexts", "--kubeconfig"])
            .arg(kubeconfig)
            .arg("--data-dir")
            .arg(data_dir)
            .args(["--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(std::fs::File::create(data_dir.with_extension("log")).unwrap())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let mut address = |name: &str| {
            let line = lines.next().expect("it tells its addresses").unwrap();
            let (_, url) = line.split_once(' ').filter(|(what, _)| *what == name).unwrap();
            url.to_owned()
        };
        let (graphql, admin) = (address("graphql"), address("admin"));
        Self {
            process,
            client,
            graphql,
            admin,
            started,
            announced: Instant::now(),
        }
    }

    /// Waits until it says that it is ready.
    pub async fn ready(&self) {
        let url = format!("{}/readyz", self.admin);
        while self.client.get(&url).send().await.unwrap().status() != 200 {
            self.wait().await;
        }
    }

    async fn wait(&self) {
        assert!(self.started.elapsed() < PATIENCE, "it takes too long");
        tokio::time::sleep(LOOK).await;
    }

    /// Asks; gives the data of an answer without errors.
    pub async fn ask(&self, query: &str, variables: Value) -> Value {
        let request = self.client.post(&self.graphql);
        let request = request.json(&json!({"query": query, "variables": variables}));
        let mut answer: Value = request.send().await.unwrap().json().await.unwrap();
        assert!(answer["errors"].is_null(), "{query}\n{answer:#}");
        answer["data"].take()
    }

    /// How many assets there are of each kind.
    pub async fn counts(&self) -> BTreeMap<String, u64> {
        let query = "{ facets(by: [{by: KIND}]) { buckets { value count } } }";
        let data = self.ask(query, json!({})).await;
        let buckets = data["facets"]["buckets"].as_array().unwrap();
        let bucket = |b: &Value| {
            (
                b["value"].as_str().unwrap().to_owned(),
                b["count"].as_u64().unwrap(),
            )
        };
        buckets.iter().map(bucket).collect()
    }

    /// Waits until there are as many assets of these kinds.
    pub async fn holds(&self, wanted: &BTreeMap<String, u64>) {
        loop {
            let counts = self.counts().await;
            if wanted.iter().all(|(kind, count)| counts.get(kind) == Some(count)) {
                return;
            }
            assert!(
                self.started.elapsed() < PATIENCE,
                "it holds {counts:?}, there are {wanted:?}"
            );
            self.wait().await;
        }
    }

    /// MB (10^6) that it occupies, now and at the most so far.
    pub fn weight(&self) -> (f64, f64) {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id())).unwrap();
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
            let kilobytes: f64 = line.trim().trim_end_matches(" kB").parse().unwrap();
            kilobytes * 1024.0 / 1e6
        };
        (field("VmRSS:"), field("VmHWM:"))
    }

    /// Seconds of processor time that it used.
    pub fn processor(&self) -> f64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.process.id())).unwrap();
        // Behind the name, which stands in brackets: user and system time are the 12th and 13th, in hundredths.
        let (_, fields) = stat.rsplit_once(')').unwrap();
        let fields: Vec<&str> = fields.split_whitespace().collect();
        let ticks: f64 = fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap();
        ticks / 100.0
    }

    /// Waits until it occupies no less than a second ago, and gives what that is.
    pub async fn settled(&self) -> f64 {
        let mut last = self.weight().0;
        for _ in 0..20 {
            tokio::time::sleep(Duration::from_secs(1)).await;
            let now = self.weight().0;
            if now > last * 0.99 {
                return now;
            }
            last = now;
        }
        last
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// An HTTP client that believes any certificate: all it talks to is on loopback and ours.
pub fn client() -> reqwest::Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        // The API server indents JSON for curl and browsers.
        .user_agent("planisphere-bench")
        .tls_danger_accept_invalid_certs(true)
        .build()
        .unwrap()
}

/// The size of a file with its log, in MB (10^6).
pub fn file_size(data_dir: &Path) -> f64 {
    let sizes = ["graph.sqlite", "graph.sqlite-wal"].map(|name| {
        let meta = std::fs::metadata(data_dir.join(name));
        meta.map_or(0, |m| m.len())
    });
    sizes.iter().sum::<u64>() as f64 / 1e6
}
