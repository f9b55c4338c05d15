//! Cells that need more than one look: as kubectl shows them. Each is given an asset as GraphQL answered it, and bears
//! with whatever is missing in it.

use serde_json::Value;

/// A field as text: lists joined by commas, nothing for null.
pub fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(text).collect::<Vec<_>>().join(","),
        other => other.to_string(),
    }
}

/// A number; 0 for null.
pub fn number(value: &Value) -> i64 {
    value.as_i64().unwrap_or(0)
}

/// How long ago an RFC 3339 time is, as kubectl says it.
pub fn age(value: &Value, now_ms: i64) -> String {
    let Some(text) = value.as_str() else {
        return "<unknown>".to_owned();
    };
    match text.parse::<jiff::Timestamp>() {
        Ok(then) => human((now_ms - then.as_millisecond()) / 1000),
        Err(_) => "<invalid>".to_owned(),
    }
}

/// Seconds in at most two units: what kubectl's users read at a glance (apimachinery, duration.HumanDuration).
pub fn human(seconds: i64) -> String {
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    let two = |big: i64, unit: char, small: i64, sub: char| match small {
        0 => format!("{big}{unit}"),
        _ => format!("{big}{unit}{small}{sub}"),
    };
    match seconds {
        // Clocks differ a little; kubectl calls more than that invalid.
        i64::MIN..-1 => "<invalid>".to_owned(),
        -1..0 => "0s".to_owned(),
        0..120 => format!("{seconds}s"),
        120..600 => two(minutes, 'm', seconds % 60, 's'),
        600..10_800 => format!("{minutes}m"),
        10_800..28_800 => two(hours, 'h', minutes % 60, 'm'),
        28_800..172_800 => format!("{hours}h"),
        172_800..691_200 => two(days, 'd', hours % 24, 'h'),
        691_200..63_072_000 => format!("{days}d"),
        63_072_000..252_288_000 => two(days / 365, 'y', days % 365, 'd'),
        _ => format!("{}y", days / 365),
    }
}

fn items<'a>(asset: &'a Value, field: &str) -> impl Iterator<Item = &'a Value> {
    asset[field].as_array().into_iter().flatten()
}

fn first(asset: &Value, field: &str) -> String {
    items(asset, field).next().map(text).unwrap_or_default()
}

/// Ready containers of all that should run on: init containers that end and debuggers do not count.
pub fn pod_ready(pod: &Value) -> String {
    let counts = |c: &&Value| matches!(c["role"].as_str(), Some("container" | "sidecar"));
    let ready = items(pod, "containers")
        .filter(counts)
        .filter(|c| c["ready"] == true)
        .count();
    format!("{ready}/{}", items(pod, "containers").filter(counts).count())
}

/// Why a pod is as it is, where somebody said; else its phase.
pub fn pod_status(pod: &Value) -> String {
    let said = [&pod["reason"], &pod["phase"]];
    if !pod["deletionTimestamp"].is_null() {
        return "Terminating".to_owned();
    }
    said.into_iter()
        .map(text)
        .find(|t| !t.is_empty())
        .unwrap_or_else(|| "<unknown>".to_owned())
}

/// `Kind/name` of the role that a binding grants.
pub fn role(binding: &Value) -> String {
    format!("{}/{}", text(&binding["roleKind"]), text(&binding["roleName"]))
}

/// `namespace/name` of the Service behind a part of the API; `Local` where the API server itself answers.
pub fn service(api: &Value) -> String {
    match (text(&api["serviceNamespace"]), text(&api["serviceName"])) {
        (_, name) if name.is_empty() => "Local".to_owned(),
        (namespace, name) => format!("{namespace}/{name}"),
    }
}

/// What its condition Available says.
pub fn available(asset: &Value) -> String {
    let found = items(asset, "conditions").find(|c| c["type"] == "Available");
    found.map(|c| text(&c["status"])).unwrap_or_default()
}

/// The versions that can be asked for.
pub fn served_versions(definition: &Value) -> String {
    let served = items(definition, "versions").filter(|v| v["served"] == true);
    served.map(|v| text(&v["name"])).collect::<Vec<_>>().join(",")
}

/// The first address.
pub fn pod_ip(pod: &Value) -> String {
    first(pod, "podIPs")
}

/// `Kind/name` of its controller.
pub fn pod_owner(pod: &Value) -> String {
    match (text(&pod["ownerKind"]), text(&pod["ownerName"])) {
        (kind, name) if kind.is_empty() || name.is_empty() => String::new(),
        (kind, name) => format!("{}/{name}", kind.split('.').next().unwrap_or(&kind)),
    }
}

/// Ready, and whether pods may come.
pub fn node_status(node: &Value) -> String {
    let ready = match node["ready"].as_str() {
        Some("True") => "Ready",
        Some("False") => "NotReady",
        _ => "Unknown",
    };
    let cordoned = node["unschedulable"] == true;
    format!("{ready}{}", if cordoned { ",SchedulingDisabled" } else { "" })
}

/// The address by which other machines of the cluster reach it.
pub fn internal_ip(node: &Value) -> String {
    let mut addresses = items(node, "addresses").filter_map(Value::as_str);
    let found = addresses.find_map(|a| a.strip_prefix("InternalIP="));
    found.unwrap_or_default().to_owned()
}

fn main_containers(asset: &Value, field: &str) -> String {
    let main = items(asset, "containers").filter(|c| c["role"] != "init");
    main.map(|c| text(&c[field])).collect::<Vec<_>>().join(",")
}

/// Names of containers, init ones left out.
pub fn container_names(asset: &Value) -> String {
    main_containers(asset, "name")
}

/// Images of containers, init ones left out.
pub fn images(asset: &Value) -> String {
    main_containers(asset, "image")
}

/// Complete, Failed, Suspended or Running.
pub fn job_status(job: &Value) -> String {
    let holds = |kind: &str| items(job, "conditions").any(|c| c["type"] == kind && c["status"] == "True");
    let ended = ["Complete", "Failed"].into_iter().find(|kind| holds(kind));
    let going = if job["suspended"] == true {
        "Suspended"
    } else {
        "Running"
    };
    ended.unwrap_or(going).to_owned()
}

/// Successes of how many; one, where a Job does not say.
pub fn completions(job: &Value) -> String {
    format!(
        "{}/{}",
        number(&job["succeeded"]),
        job["completions"].as_i64().unwrap_or(1)
    )
}

/// The first cluster address; `None` for a headless Service.
pub fn cluster_ip(service: &Value) -> String {
    first(service, "clusterIPs")
}

/// Where a Service is reached from outside.
pub fn external_ip(service: &Value) -> String {
    let all = ["externalIPs", "loadBalancer", "externalName"].map(|field| text(&service[field]));
    all.into_iter()
        .filter(|t| !t.is_empty())
        .collect::<Vec<_>>()
        .join(",")
}

/// `80:30080/TCP`, each.
pub fn ports(service: &Value) -> String {
    let port = |p: &Value| match p["nodePort"].as_i64() {
        Some(node) => format!("{}:{node}/{}", number(&p["port"]), text(&p["protocol"])),
        None => format!("{}/{}", number(&p["port"]), text(&p["protocol"])),
    };
    items(service, "ports").map(port).collect::<Vec<_>>().join(",")
}

/// Ready instances of all.
pub fn instances(service: &Value) -> String {
    let count = &service["instances"];
    format!("{}/{}", number(&count["ready"]), number(&count["total"]))
}

/// RWO and the like.
pub fn access_modes(asset: &Value) -> String {
    let short = |mode: &Value| match mode.as_str() {
        Some("ReadWriteOnce") => "RWO".to_owned(),
        Some("ReadOnlyMany") => "ROX".to_owned(),
        Some("ReadWriteMany") => "RWX".to_owned(),
        Some("ReadWriteOncePod") => "RWOP".to_owned(),
        _ => text(mode),
    };
    items(asset, "accessModes")
        .map(short)
        .collect::<Vec<_>>()
        .join(",")
}

/// `namespace/name` of the claim.
pub fn claim(volume: &Value) -> String {
    match (text(&volume["claimNamespace"]), text(&volume["claimName"])) {
        (_, name) if name.is_empty() => String::new(),
        (namespace, name) => format!("{namespace}/{name}"),
    }
}

/// What a selector matches, as kubectl says it; `<all>` where it is empty.
pub fn pod_selector(policy: &Value) -> String {
    let selector = &policy["podSelector"];
    let labels = items(selector, "matchLabels").map(text);
    let expressions = items(selector, "matchExpressions").map(|e| {
        let values = items(e, "values").map(text).collect::<Vec<_>>().join(",");
        format!("{} {} ({values})", text(&e["key"]), text(&e["operator"]))
    });
    let said: Vec<String> = labels.chain(expressions).collect();
    if said.is_empty() {
        "<all>".to_owned()
    } else {
        said.join(",")
    }
}

/// What an autoscaler scales: kind and name.
pub fn reference(autoscaler: &Value) -> String {
    format!(
        "{}/{}",
        text(&autoscaler["targetKind"]),
        text(&autoscaler["targetName"])
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn ages_read_as_kubectl_says_them() {
        for (seconds, said) in [
            (-5, "<invalid>"),
            (-1, "0s"),
            (119, "119s"),
            (120, "2m"),
            (195, "3m15s"),
            (600, "10m"),
            (10_800, "3h"),
            (14_700, "4h5m"),
            (28_800, "8h"),
            (172_800, "2d"),
            (180_000, "2d2h"),
            (864_000, "10d"),
            (63_158_400, "2y1d"),
            (315_360_000, "10y"),
        ] {
            assert_eq!(human(seconds), said, "{seconds}");
        }
    }

    #[test]
    fn a_pod_whose_init_container_ended_is_ready_by_its_other_containers() {
        let pod = json!({"containers": [
            {"role": "init", "ready": true}, {"role": "container", "ready": true},
            {"role": "sidecar", "ready": false}, {"role": "ephemeral", "ready": false}]});
        assert_eq!(pod_ready(&pod), "1/2");
    }

    #[test]
    fn a_pod_says_why_it_does_not_run_before_it_says_its_phase() {
        assert_eq!(
            pod_status(&json!({"phase": "Running", "reason": "CrashLoopBackOff"})),
            "CrashLoopBackOff"
        );
        assert_eq!(
            pod_status(&json!({"phase": "Running", "reason": null})),
            "Running"
        );
        assert_eq!(pod_status(&json!({"phase": null})), "<unknown>");
    }
}
