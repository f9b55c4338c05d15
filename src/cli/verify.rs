//! `planisphere verify-export`: an export against its manifest, and the manifest against its signature. Needs no server:
//! the auditor has the files and a public key, and nothing else.

use super::exit::{Exit, Failure};
use super::export::beside;
use crate::export::hex;
use crate::export::manifest::Manifest;
use crate::export::signature::VerifyingKey;
use clap::Args;
use ring::digest::{Context, SHA256};
use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

/// Arguments of `verify-export`.
#[derive(Clone, Debug, Default, Args)]
pub struct VerifyArgs {
    /// The export
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Its manifest; without it FILE.manifest.json, and its signature beside it with .sig
    #[arg(long, value_name = "FILE")]
    pub manifest: Option<PathBuf>,
    /// The public key (Ed25519, PEM) of the server that wrote it; without it no signature is checked
    #[arg(long, value_name = "FILE")]
    pub public_key: Option<PathBuf>,
}

/// Checks, and says what was found.
///
/// # Errors
/// When a file or the key cannot be read.
pub fn run(args: &VerifyArgs, out: &mut dyn Write, err: &mut dyn Write) -> Result<Exit, Failure> {
    let path = args
        .manifest
        .clone()
        .unwrap_or_else(|| beside(&args.file, ".manifest.json"));
    let bytes = fs::read(&path).map_err(|e| unreadable(&path, e))?;
    let key = args.public_key.as_deref().map(VerifyingKey::read).transpose();
    let key = key.map_err(|e| Failure::Run(e.to_string()))?;
    let mut faults: Vec<String> = Vec::new();
    if let Some(key) = &key {
        let signature = beside(&path, ".sig");
        match fs::read(&signature) {
            Ok(signed) if key.verifies(&bytes, &signed) => {}
            Ok(_) => faults.push(format!(
                "{} is no signature of this manifest by this key: one of the three was changed",
                signature.display()
            )),
            Err(e) => faults.push(format!(
                "there is no signature to check: {}: {e}",
                signature.display()
            )),
        }
    }
    let manifest: Manifest = serde_json::from_slice(&bytes)
        .map_err(|e| Failure::Run(format!("{} is no manifest of an export: {e}", path.display())))?;
    let (length, sum) = sum(&args.file).map_err(|e| unreadable(&args.file, e))?;
    if length != manifest.bytes {
        faults.push(format!(
            "{} has {length} bytes, its manifest says {}",
            args.file.display(),
            manifest.bytes
        ));
    }
    if sum != manifest.sha256 {
        faults.push(format!(
            "{} has the SHA-256 {sum}, its manifest says {}",
            args.file.display(),
            manifest.sha256
        ));
    }
    for fault in &faults {
        writeln!(err, "error: {fault}").map_err(Failure::Output)?;
    }
    if !faults.is_empty() {
        return Ok(Exit::Failed);
    }
    let signed = if key.is_some() {
        "signed"
    } else {
        "not checked for a signature: give --public-key"
    };
    writeln!(
        out,
        "{}: whole, {signed}; {} rows as of {}",
        args.file.display(),
        manifest.rows,
        manifest.as_of
    )
    .map_err(Failure::Output)?;
    if !manifest.complete {
        writeln!(err, "warning: it was not the whole and the present when it was written; its manifest says what was stale or missing")
            .map_err(Failure::Output)?;
    }
    Ok(if manifest.complete && key.is_some() {
        Exit::Done
    } else {
        Exit::Incomplete
    })
}

fn unreadable(path: &Path, error: std::io::Error) -> Failure {
    Failure::Run(format!("cannot read {}: {error}", path.display()))
}

fn sum(path: &Path) -> std::io::Result<(u64, String)> {
    let mut file = File::open(path)?;
    let (mut digest, mut length, mut buffer) = (Context::new(&SHA256), 0, vec![0; 1 << 16]);
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok((length, hex(digest.finish().as_ref()))),
            n => {
                digest.update(&buffer[..n]);
                length += n as u64;
            }
        }
    }
}
