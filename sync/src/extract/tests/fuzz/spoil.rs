//! How what is well is spoiled: values of other types, odd texts, forged owners, cut and twisted bytes.

use rand::RngExt;
use rand::rngs::StdRng;
use serde_json::{Value, json};

/// Texts that somebody may write where a name belongs.
fn text(random: &mut StdRng) -> String {
    const ODD: &[&str] = &[
        "",
        "\0",
        "a\0b",
        "\u{202e}gnp",
        "e\u{301}",
        "\u{1f469}\u{200d}\u{1f680}",
        "\u{feff}x",
        "\u{ffff}",
        "Å",
        " ",
        "\n",
        "../..",
        "a/b",
        "%00",
        "0",
        "-1",
        "1e999",
        "9223372036854775808",
        "true",
        "null",
        "{{x}}",
        "https://u:p@h",
        "sha256:",
        "@",
        "://",
        ":",
        ".",
        "*.*",
        "2026-13-45T99:99:99Z",
        "0000-00-00T00:00:00Z",
        "99999999-01-01T00:00:00Z",
        "1Ki",
        "-5m",
        "1e-9223372036854775808",
        "Ei",
    ];
    match random.random_range(0..12) {
        0 => "ä".repeat(random.random_range(100..40_000)),
        1 => "x".repeat(random.random_range(250..260)),
        2 => (0..random.random_range(1..40))
            .filter_map(|_| char::from_u32(random.random_range(0..0x0011_0000)))
            .collect(),
        _ => ODD[random.random_range(0..ODD.len())].to_owned(),
    }
}

fn number(random: &mut StdRng) -> Value {
    match random.random_range(0..6) {
        0 => i64::MIN.into(),
        1 => u64::MAX.into(),
        2 => json!(1e308),
        3 => json!(-0.5),
        4 => json!(i64::from(i32::MAX) + 1),
        _ => random.random_range(-3_i64..3).into(),
    }
}

/// Any value, also deep and wide ones.
fn value(random: &mut StdRng) -> Value {
    match random.random_range(0..10) {
        0 => Value::Null,
        1 => random.random_bool(0.5).into(),
        2 | 3 => number(random),
        4..=6 => text(random).into(),
        7 => (0..random.random_range(0..200))
            .map(|_| Value::from(text(random)))
            .collect(),
        8 => (0..random.random_range(1..160)).fold(Value::Null, |inner, n| match n % 2 {
            0 => json!([inner]),
            _ => json!({ "a": inner }),
        }),
        _ => {
            let (key, name, kind, value) = (text(random), text(random), text(random), number(random));
            json!({ key: value, "name": name, "kind": kind })
        }
    }
}

/// Owners that cannot be: of other kinds, of no kind, of itself.
fn owners(random: &mut StdRng) -> Value {
    const KINDS: &[&str] = &[
        "Node",
        "Cluster",
        "Zone",
        "Pod",
        "Deployment",
        "Widget",
        "\0",
        "x y",
        "",
    ];
    const VERSIONS: &[&str] = &["v1", "apps/v1", "a/b/c", "", "\0/v1"];
    const UIDS: &[&str] = &["11111111-2222-3333-4444-555555555555", "no uid", ""];
    let one_of = |random: &mut StdRng, all: &[&str]| all[random.random_range(0..all.len())].to_owned();
    let owner = |random: &mut StdRng| {
        let (version, kind, uid) = (
            one_of(random, VERSIONS),
            one_of(random, KINDS),
            one_of(random, UIDS),
        );
        let name = text(random);
        json!({ "apiVersion": version, "kind": kind, "name": name, "uid": uid, "controller": true })
    };
    (0..random.random_range(1..40)).map(|_| owner(random)).collect()
}

fn places(value: &Value, at: &str, found: &mut Vec<String>) {
    let children: Vec<(String, &Value)> = match value {
        Value::Object(map) => map
            .iter()
            .map(|(k, v)| (k.replace('~', "~0").replace('/', "~1"), v))
            .collect(),
        Value::Array(list) => list.iter().enumerate().map(|(n, v)| (n.to_string(), v)).collect(),
        _ => return,
    };
    for (key, child) in children {
        let place = format!("{at}/{key}");
        places(child, &place, found);
        found.push(place);
    }
}

/// Spoils one place of a value.
pub fn spoil_value(random: &mut StdRng, whole: &mut Value) {
    if random.random_range(0..8) == 0 {
        let forged = owners(random);
        if let Some(metadata) = whole.get_mut("metadata").and_then(Value::as_object_mut) {
            metadata.insert("ownerReferences".into(), forged);
        }
        return;
    }
    let mut all = Vec::new();
    places(whole, "", &mut all);
    if all.is_empty() {
        return;
    }
    let place = all.swap_remove(random.random_range(0..all.len()));
    let new = value(random);
    let Some(old) = whole.pointer_mut(&place) else {
        return;
    };
    match (random.random_range(0..6), old) {
        (0, Value::Object(map)) => {
            map.insert(text(random), new);
        }
        (0, Value::Array(list)) => {
            let first = list.first().cloned().unwrap_or(new);
            list.extend(std::iter::repeat_n(first, random.random_range(1..60)));
        }
        (_, old) => *old = new,
    }
}

/// Gives an object its name back.
pub fn spoil_identity(object: &mut Value) {
    if !object.is_object() {
        *object = json!({});
    }
    if !object["metadata"].is_object() {
        object["metadata"] = json!({});
    }
    for (key, text) in [
        ("name", "cart"),
        ("namespace", "shop"),
        ("uid", "11111111-2222-3333-4444-555555555555"),
        ("resourceVersion", "42"),
    ] {
        object["metadata"][key] = text.into();
    }
}

/// Cuts, doubles, twists and swaps bytes.
pub fn spoil_bytes(random: &mut StdRng, bytes: &mut Vec<u8>) {
    for _ in 0..random.random_range(1..8) {
        if bytes.is_empty() {
            return;
        }
        let at = random.random_range(0..bytes.len());
        match random.random_range(0..5) {
            0 => bytes[at] = random.random_range(0..=u8::MAX),
            1 => bytes.truncate(at),
            2 => bytes.insert(at, [0, 0x22, 0x5c, 0x7b, 0xff, 0x80][random.random_range(0..6)]),
            3 => {
                let end = (at + random.random_range(0..64)).min(bytes.len());
                let part = bytes[at..end].to_vec();
                bytes.splice(at..at, part);
            }
            _ => {
                bytes.remove(at);
            }
        }
    }
}

/// Spoils a text of lines: keys that nobody knows, bad paths, loops of anchors, lines lost, doubled and shifted.
pub fn spoil_text(random: &mut StdRng, whole: &str) -> String {
    const WORDS: &[&str] = &[
        "spec[0]",
        "spec..x",
        "$.a",
        "metadata.managedFields",
        "data.x",
        "*.*",
        "Widget",
        "OWNED_BY",
        "RUNS_ON",
        "{name}{name}",
        "{nam}",
        "&a [*a]",
        "*a",
        "!!binary x",
        "<<: *a",
        "? x",
        "- - - -",
        "\"\\u0000\"",
        "[[[[",
        "{",
        "%YAML 9",
        "---",
        "\t",
        "name: a",
        "when: [{path: a, exists: 7}]",
    ];
    let mut lines: Vec<String> = whole.lines().map(str::to_owned).collect();
    if lines.is_empty() {
        lines.push(String::new());
    }
    let at = random.random_range(0..lines.len());
    let word = match random.random_bool(0.3) {
        true => text(random),
        false => WORDS[random.random_range(0..WORDS.len())].to_owned(),
    };
    match random.random_range(0..8) {
        0 => {
            lines.remove(at);
        }
        1 => lines.insert(at, lines[at].clone()),
        2 => lines[at] = format!("{}{}", " ".repeat(random.random_range(0..9)), lines[at]),
        3 => lines.insert(at, format!("    {word}: {word}")),
        4 => lines[at] = lines[at].replacen(": ", &format!(": {word} "), 1),
        5 => lines[at] = lines[at].replacen(':', "", 1),
        // Each level ten times the one before: what unfolds them all has no memory left.
        6 => lines.insert(
            0,
            (0..12)
                .map(|n| {
                    format!(
                        "k{n}: &a{n} [{}]",
                        vec![format!("*a{}", n.max(1) - 1); 10].join(", ")
                    )
                })
                .collect::<Vec<_>>()
                .join("\n"),
        ),
        _ => {
            let mut bytes = lines[at].clone().into_bytes();
            spoil_bytes(random, &mut bytes);
            lines[at] = String::from_utf8_lossy(&bytes).into_owned();
        }
    }
    lines.join("\n")
}
