//! A file of calls, as people or other tools write it: `calls` with `from`, `to` and, where known, `strength` and `rate`.

use super::{Party, Told, strength};
use crate::query::impact::propagate::Strength;
use serde::Deserialize;
use std::path::Path;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    calls: Vec<Written>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    from: Party,
    to: Party,
    #[serde(default)]
    strength: Option<String>,
    #[serde(default)]
    rate: Option<f64>,
}

/// Reads a file, YAML or JSON; what is written down is declared, not seen.
pub(super) fn read(path: &Path) -> Result<Vec<Told>, String> {
    let text = std::fs::read_to_string(path).map_err(|e| format!("cannot read {}: {e}", path.display()))?;
    let file: File = serde_saphyr::from_str(&text).map_err(|e| e.to_string())?;
    let told = file.calls.into_iter().map(|call| {
        let strength = match &call.strength {
            None => Strength::Hard,
            Some(word) => {
                strength(word).ok_or_else(|| format!("strength {word:?} is none of hard, soft, unknown"))?
            }
        };
        Ok(Told {
            from: call.from,
            to: call.to,
            strength,
            rate: call.rate,
            declared: true,
        })
    });
    told.collect()
}
