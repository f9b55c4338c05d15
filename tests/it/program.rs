//! Runs the real binary as a user would: its command line, its addresses on standard output, GraphQL over HTTP.

use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// How long a state may take to come about before a test gives up on it. Generous: two cores, many tests.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A running `planisphere`.
pub struct Program {
    process: Child,
    /// The GraphQL address, `http://127.0.0.1:PORT`.
    pub graphql: String,
    /// The admin address.
    pub admin: String,
    log: PathBuf,
    printed: Arc<Mutex<Vec<String>>>,
    _folder: tempfile::TempDir,
}

/// The command with a clean environment: nothing of the developer's own clusters or settings leaks into a test.
pub fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_planisphere"));
    command
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", "/nonexistent");
    command
}

/// Runs to the end; gives exit status, standard output and standard error.
pub fn run(args: &[&str]) -> (ExitStatus, String, String) {
    let output = command().args(args).stdin(Stdio::null()).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status, text(&output.stdout), text(&output.stderr))
}

impl Program {
    /// Starts `planisphere serve` on free ports with these arguments, and waits for its addresses.
    pub fn serve(kubeconfig: &Path, data_dir: &Path, args: &[&str]) -> Self {
        Self::serve_by(command(), kubeconfig, data_dir, args)
    }

    /// The same by a command that becomes the binary.
    pub fn serve_by(command: Command, kubeconfig: &Path, data_dir: &Path, args: &[&str]) -> Self {
        let mut all = vec![
            "serve",
            "--kubeconfig",
            kubeconfig.to_str().unwrap(),
            "--data-dir",
            data_dir.to_str().unwrap(),
        ];
        all.extend(["--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"]);
        all.extend(args);
        Self::launch(command, &all)
    }

    /// Starts the binary with these arguments and waits for its addresses.
    pub fn start(args: &[&str]) -> Self {
        Self::launch(command(), args)
    }

    /// The same by a command that becomes the binary.
    pub fn launch(mut command: Command, args: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("stderr");
        let mut process = command
            .args(args)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(std::fs::File::create(&log).unwrap())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let (mut graphql, mut admin) = (None, None);
        let printed = Arc::new(Mutex::new(Vec::new()));
        while graphql.is_none() || admin.is_none() {
            let Some(Ok(line)) = lines.next() else {
                panic!(
                    "planisphere {args:?} ended: {}",
                    std::fs::read_to_string(&log).unwrap_or_default()
                );
            };
            printed.lock().unwrap().push(line.clone());
            match line.split_once(' ') {
                Some(("graphql", url)) => graphql = Some(url.trim_end_matches("/graphql").to_owned()),
                Some(("admin", url)) => admin = Some(url.to_owned()),
                _ => {}
            }
        }
        // What it prints later must not block it.
        let more = printed.clone();
        std::thread::spawn(move || {
            lines
                .map_while(Result::ok)
                .for_each(|line| more.lock().unwrap().push(line))
        });
        Self {
            process,
            graphql: graphql.unwrap(),
            admin: admin.unwrap(),
            log,
            printed,
            _folder: folder,
        }
    }

    /// Asks, and gives the whole answer.
    pub async fn ask(&self, query: &str, variables: Value) -> Value {
        let request = client()
            .post(format!("{}/graphql", self.graphql))
            .json(&json!({"query": query, "variables": variables}));
        request.send().await.unwrap().json().await.unwrap()
    }

    /// Asks what must be answered without errors, and gives the data.
    pub async fn data(&self, query: &str, variables: Value) -> Value {
        let mut answer = self.ask(query, variables).await;
        assert!(answer["errors"].is_null(), "{query}\n{answer:#}");
        answer["data"].take()
    }

    /// The body and status of a page of the admin port.
    pub async fn admin(&self, path: &str) -> (u16, String) {
        let response = client()
            .get(format!("{}{path}", self.admin))
            .send()
            .await
            .unwrap();
        (response.status().as_u16(), response.text().await.unwrap())
    }

    /// Waits until every cluster's first sync is done.
    pub async fn ready(&self) {
        until("planisphere is ready", || async {
            self.admin("/readyz").await.0 == 200
        })
        .await;
    }

    /// Ends it at once, as `kill -9` does.
    pub fn kill(mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// Asks it to stop and waits for it.
    pub fn stop(mut self) -> ExitStatus {
        let pid = self.process.id().to_string();
        assert!(
            Command::new("kill")
                .args(["-TERM", &pid])
                .status()
                .unwrap()
                .success()
        );
        self.process.wait().unwrap()
    }

    /// Sends a signal by its name: `TERM`.
    pub fn signal(&self, name: &str) {
        let signal = format!("-{name}");
        let kill = Command::new("kill")
            .args([&signal, &self.id().to_string()])
            .status();
        assert!(kill.unwrap().success());
    }

    /// Waits until it has ended, which must not take longer than this.
    pub async fn ends_within(mut self, limit: Duration) -> ExitStatus {
        let started = Instant::now();
        loop {
            if let Some(status) = self.process.try_wait().unwrap() {
                return status;
            }
            assert!(
                started.elapsed() < limit,
                "planisphere still runs after {limit:?}"
            );
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// What it printed on standard output so far, line by line.
    pub fn printed(&self) -> Vec<String> {
        self.printed.lock().unwrap().clone()
    }

    /// The process's id.
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// What it logged so far.
    pub fn logged(&self) -> String {
        let mut text = String::new();
        std::fs::File::open(&self.log)
            .unwrap()
            .read_to_string(&mut text)
            .unwrap();
        text
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        if std::thread::panicking() {
            eprintln!(
                "--- what planisphere logged\n{}",
                std::fs::read_to_string(&self.log).unwrap_or_default()
            );
        }
    }
}

/// A file of the Debian packages that tests/real/debian.sh finds or unpacks.
pub fn debian(name: &str) -> PathBuf {
    let folder = std::env::var_os("PLANISPHERE_REAL_DEBIAN").expect(
        "PLANISPHERE_REAL_DEBIAN names no folder: `make test` sets it, tests/real/debian.sh prints it",
    );
    Path::new(&folder).join(name)
}

/// An HTTP client; plain HTTP on loopback, but the library wants a TLS provider to be chosen first.
pub fn client() -> reqwest::Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::new()
}

/// Waits for a state; fails when it does not come about.
pub async fn until<F: Future<Output = bool>>(what: &str, mut holds: impl FnMut() -> F) {
    let started = Instant::now();
    while !holds().await {
        assert!(
            started.elapsed() < PATIENCE,
            "waited {PATIENCE:?} in vain until {what}"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
