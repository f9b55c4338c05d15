//! `--print-config`: every setting with its value and who said so, in a form that is itself a configuration file.

use super::keys::{KEYS, Key, Shape};
use super::layers::{Effective, Merged};
use std::path::Path;

/// All settings as TOML. `data_dir` is the one that was worked out, where none was set.
pub(super) fn toml(merged: &Merged, data_dir: Option<&Path>) -> String {
    let mut out = String::new();
    let mut rows: Vec<(String, String)> = Vec::new();
    for key in KEYS {
        let Some(found) = merged.get(key.name) else {
            continue;
        };
        rows.push((line(key, found, data_dir), found.origin.clone()));
    }
    let width = rows
        .iter()
        .map(|(line, _)| line.chars().count())
        .max()
        .unwrap_or(0)
        .min(60);
    for (line, origin) in rows {
        out.push_str(&format!("{line:<width$}  # {origin}\n"));
    }
    out
}

fn line(key: &Key, found: &Effective, data_dir: Option<&Path>) -> String {
    let name = key.name;
    let masked_text = |text: &String| quote(&masked(name, text));
    let value = match (key.shape, found.values.as_slice()) {
        (Shape::List | Shape::Paths, []) if name == "kubeconfig" => return format!("# {name} is not set"),
        (Shape::List | Shape::Paths, values) => {
            let quoted: Vec<_> = values.iter().map(masked_text).collect();
            format!("[{}]", quoted.join(", "))
        }
        (_, []) => match data_dir {
            Some(dir) if name == "data_dir" => quote(&dir.display().to_string()),
            _ => return format!("# {name} is not set"),
        },
        (_, [text, ..]) if text.parse::<f64>().is_ok() || text.parse::<bool>().is_ok() => text.clone(),
        (_, [text, ..]) => masked_text(text),
    };
    format!("{name} = {value}")
}

/// A TOML basic string; its escapes are those of JSON.
fn quote(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// The value as it may be shown: a URL's user and password are not.
pub(super) fn masked(key: &str, text: &str) -> String {
    let is_url = Key::named(key).is_some_and(|k| k.value_name == "URL");
    match (is_url, text.split_once("://"), text.rsplit_once('@')) {
        (true, Some((scheme, _)), Some((_, host))) => format!("{scheme}://***@{host}"),
        _ => text.to_owned(),
    }
}
