//! Each shipped rule file has a scenario, `ecosystem-` and its name, that shows all of it: with any one part of a rule
//! taken away, the scenario is not met any more.

use super::linked;
use super::script::all;
use planisphere_sync::rules::{Rules, SHIPPED, load};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::sync::Arc;

/// A rule file without one of its parts, and what that is.
type Lesser = (String, Value);

/// Every way to take one part away.
fn lesser(file: &Value) -> Vec<Lesser> {
    let mut all = Vec::new();
    let mut without = |place: String, pointer: &str, act: &dyn Fn(&mut Value)| {
        let mut file = file.clone();
        act(file.pointer_mut(pointer).unwrap());
        all.push((place, file));
    };
    for (r, rule) in file["rules"].as_array().unwrap().iter().enumerate() {
        let (name, at) = (rule["name"].as_str().unwrap(), format!("/rules/{r}"));
        for (n, _) in items(&rule["attributes"]) {
            let place = format!("{name}: attributes[{n}]");
            without(place, &format!("{at}/attributes/{n}"), &|attribute| {
                attribute["path"] = json!("spec.nowhere.at.all");
            });
        }
        for (n, _) in items(&rule["when"]) {
            without(format!("{name}: when[{n}]"), &format!("{at}/when"), &|when| {
                remove(when, n)
            });
        }
        for (n, relation) in items(&rule["relations"]) {
            let (place, at) = (format!("{name}: relations[{n}]"), format!("{at}/relations/{n}"));
            without(place.clone(), &at, &|relation| {
                let never = json!({"path": "metadata.name", "equals": "nobody"});
                match relation["when"].as_array_mut() {
                    Some(when) => when.push(never),
                    None => relation["when"] = json!([never]),
                }
            });
            for list in ["when", "patterns", "except"] {
                for (n, _) in items(&relation[list]) {
                    without(format!("{place}.{list}[{n}]"), &format!("{at}/{list}"), &|list| {
                        remove(list, n);
                    });
                }
            }
            if relation.get("orOwnName").is_some() {
                without(format!("{place}.orOwnName"), &at, &|r| {
                    r["orOwnName"] = json!(false)
                });
            }
            if relation["namespace"].is_object() {
                without(format!("{place}.namespace"), &at, &|r| {
                    r["namespace"] = json!({"fixed": "nowhere"});
                });
            }
        }
    }
    all
}

fn items(list: &Value) -> impl Iterator<Item = (usize, &Value)> {
    list.as_array().into_iter().flatten().enumerate()
}

fn remove(list: &mut Value, n: usize) {
    list.as_array_mut().unwrap().remove(n);
}

fn compiled(file: &Value) -> Arc<Rules> {
    let texts = [(PathBuf::from("rules.yaml"), file.to_string())];
    Arc::new(load(&texts, false).unwrap().rules)
}

#[test]
fn every_part_of_every_shipped_rule_is_shown() {
    if std::env::var_os("SCENARIO").is_some() {
        return;
    }
    let (scenarios, mut faults, mut parts) = (all(), Vec::new(), 0);
    for (file, text) in SHIPPED {
        let name = format!("ecosystem-{}", file.trim_end_matches(".yaml"));
        let Some(scenario) = scenarios.iter().find(|s| s.name == name) else {
            faults.push(format!("{file} has no scenario {name}"));
            continue;
        };
        let whole: Value = serde_saphyr::from_str(text).unwrap();
        faults.extend(linked::run_with(scenario, &compiled(&whole)));
        for (place, lesser) in lesser(&whole) {
            parts += 1;
            if linked::run_with(scenario, &compiled(&lesser)).is_empty() {
                faults.push(format!("{name} does not show {place}"));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(parts > 100, "only {parts} parts were taken away");
}
