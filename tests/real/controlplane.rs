//! Starts the real Kubernetes control plane for a test and ends it with it. Built by `tests/real/build.sh`; where it is
//! missing the test fails and says how to build it, in CI and out of it.

use std::io::{BufRead, BufReader, Lines, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Output, Stdio};
use std::sync::Mutex;

/// A running control plane: one etcd, and per cluster an API server, controllers, scheduler and kwok.
pub struct ControlPlane {
    process: Child,
    talk: Mutex<Option<(ChildStdin, Lines<BufReader<ChildStdout>>)>>,
    folder: tempfile::TempDir,
    program: PathBuf,
}

/// The folder with the built programs.
pub fn built() -> PathBuf {
    let folder = std::env::var_os("PLANISPHERE_REAL_BIN")
        .map(PathBuf::from)
        .unwrap_or_else(|| {
            let found = Path::new(env!("CARGO_MANIFEST_DIR"))
                .join("target/real")
                .read_dir()
                .ok()
                .and_then(|entries| {
                    let built = entries.flatten().map(|e| e.path());
                    built
                        .filter(|p| p.join("controlplane").exists())
                        .max_by_key(|p| p.metadata().and_then(|m| m.modified()).ok())
                });
            found.unwrap_or_default()
        });
    assert!(
        folder.join("controlplane").exists(),
        "the real control plane is not built: run `make real` (needs Go 1.26), or leave these tests out with `cargo test -- --skip real`"
    );
    folder
}

impl ControlPlane {
    /// Starts clusters of these names, with more flags for `controlplane up`.
    pub fn start(clusters: &[&str], flags: &[&str]) -> Self {
        let program = built().join("controlplane");
        let folder = tempfile::tempdir().unwrap();
        let mut process = Command::new(&program)
            .args([
                "up",
                "--dir",
                &folder.path().to_string_lossy(),
                "--clusters",
                &clusters.join(","),
            ])
            .args(flags)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let stdin = process.stdin.take().unwrap();
        let mut answers = BufReader::new(process.stdout.take().unwrap()).lines();
        loop {
            let line = answers.next().and_then(Result::ok);
            match line.as_deref() {
                Some("up") => break,
                Some(_) => {}
                None => panic!("the control plane did not start; its reason stands above"),
            }
        }
        Self {
            process,
            talk: Mutex::new(Some((stdin, answers))),
            folder,
            program,
        }
    }

    /// The kubeconfig with a context for each cluster, and `NAME-viewer` for a user without rights.
    pub fn kubeconfig(&self) -> PathBuf {
        self.folder.path().join("kubeconfig")
    }

    /// Sends a command such as `restart-apiserver a` and waits until it is done.
    pub fn control(&self, command: &str) {
        let mut talk = self.talk.lock().unwrap();
        let (stdin, answers) = talk.as_mut().unwrap();
        writeln!(stdin, "{command}").unwrap();
        let answer = answers.next().unwrap().unwrap();
        assert_eq!(answer, format!("ok {command}"));
    }

    /// Runs kubectl against a cluster; standard input may bring a manifest.
    pub fn try_kubectl(&self, cluster: &str, args: &[&str], input: &str) -> Output {
        let mut kubectl = Command::new(&self.program)
            .arg("kubectl")
            .args([
                "--kubeconfig",
                &self.kubeconfig().to_string_lossy(),
                "--context",
                cluster,
            ])
            .args(args)
            .env("HOME", self.folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        kubectl.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        kubectl.wait_with_output().unwrap()
    }

    /// Runs kubectl, which must succeed, and gives what it printed.
    pub fn kubectl(&self, cluster: &str, args: &[&str], input: &str) -> String {
        let output = self.try_kubectl(cluster, args, input);
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "kubectl {args:?}: {error}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// All objects of these resources, as kubectl's JSON gives them.
    pub fn objects(&self, cluster: &str, resources: &[&str]) -> Vec<serde_json::Value> {
        let text = self.kubectl(cluster, &["get", &resources.join(","), "-A", "-o", "json"], "");
        let list: serde_json::Value = serde_json::from_str(&text).unwrap();
        list["items"].as_array().cloned().unwrap_or_default()
    }
}

impl Drop for ControlPlane {
    fn drop(&mut self) {
        // The end of its standard input stops it and all that it started.
        drop(self.talk.get_mut().unwrap().take());
        let _ = self.process.wait();
    }
}
