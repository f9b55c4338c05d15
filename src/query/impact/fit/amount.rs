//! Quantities of resources as numbers, and what a pod requests of a node. Thousandths, so that `100m` of a core is whole.

use planisphere_schema::attributes::{ContainerAttributes, PodAttributes, Resources};
use std::collections::BTreeMap;

/// How much of each resource, in thousandths.
pub type Amounts = BTreeMap<String, i128>;

/// The resource that counts the pods of a node.
const PODS: &str = "pods";
/// One of anything.
const ONE: i128 = 1_000;

/// A quantity as Kubernetes writes it (`100m`, `1.5`, `128Mi`, `1e3`), in thousandths, rounded up; none where it is none.
pub fn parse(text: &str) -> Option<i128> {
    let end = text
        .find(|c: char| !matches!(c, '0'..='9' | '.' | '+' | '-'))
        .unwrap_or(text.len());
    let (number, suffix) = text.split_at(end);
    let (times, exponent): (i128, i32) = match suffix {
        "" => (1, 0),
        "n" => (1, -9),
        "u" => (1, -6),
        "m" => (1, -3),
        "k" => (1, 3),
        "M" => (1, 6),
        "G" => (1, 9),
        "T" => (1, 12),
        "P" => (1, 15),
        "E" => (1, 18),
        "Ki" => (1 << 10, 0),
        "Mi" => (1 << 20, 0),
        "Gi" => (1 << 30, 0),
        "Ti" => (1 << 40, 0),
        "Pi" => (1 << 50, 0),
        "Ei" => (1 << 60, 0),
        power => (1, power.strip_prefix(['e', 'E'])?.parse().ok()?),
    };
    let (negative, digits) = match number.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, number.strip_prefix('+').unwrap_or(number)),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let value: i128 = format!("{whole}{fraction}").parse().ok()?;
    let shift = exponent + 3 - i32::try_from(fraction.len()).ok()?;
    let value = value.checked_mul(times)?;
    let power = 10_i128.checked_pow(shift.unsigned_abs())?;
    let value = match shift >= 0 {
        true => value.checked_mul(power)?,
        false => value / power + i128::from(value % power != 0),
    };
    Some(if negative { -value } else { value })
}

/// Amounts that are kept as `resource=quantity`; what is no quantity counts as nothing.
pub fn of_list(list: &[String]) -> Amounts {
    let pairs = list.iter().filter_map(|pair| pair.split_once('='));
    pairs
        .filter_map(|(resource, quantity)| Some((resource.to_owned(), parse(quantity)?)))
        .collect()
}

fn of(resources: Option<&Resources>) -> Amounts {
    let Some(resources) = resources else {
        return Amounts::new();
    };
    let mut amounts = of_list(&resources.other);
    for (name, quantity) in [("cpu", &resources.cpu), ("memory", &resources.memory)] {
        amounts.extend(
            quantity
                .as_deref()
                .and_then(parse)
                .map(|value| (name.to_owned(), value)),
        );
    }
    amounts
}

/// Adds amounts.
pub fn add(to: &mut Amounts, more: &Amounts) {
    for (resource, value) in more {
        *to.entry(resource.clone()).or_default() += value;
    }
}

/// Takes amounts away.
pub fn subtract(from: &mut Amounts, less: &Amounts) {
    for (resource, value) in less {
        *from.entry(resource.clone()).or_default() -= value;
    }
}

fn at_least(to: &mut Amounts, other: Amounts) {
    for (resource, value) in other {
        let known = to.entry(resource).or_default();
        *known = (*known).max(value);
    }
}

/// What a pod requests of its node: the containers that run side by side, or the most that any init container asks for
/// beside the sidecars started before it; what is requested for the pod as a whole instead, where it is; and the overhead
/// of its runtime class. And one place among the node's pods.
pub fn requests(pod: &PodAttributes) -> Amounts {
    let role = |role: &'static str| move |c: &&ContainerAttributes| c.role == role;
    let mut together = Amounts::new();
    for container in pod.containers.iter().filter(role("container")) {
        add(&mut together, &of(container.requests.as_ref()));
    }
    let (mut sidecars, mut starting) = (Amounts::new(), Amounts::new());
    for container in &pod.containers {
        match container.role.as_str() {
            "sidecar" => {
                add(&mut sidecars, &of(container.requests.as_ref()));
                at_least(&mut starting, sidecars.clone());
            }
            "init" => {
                let mut beside = sidecars.clone();
                add(&mut beside, &of(container.requests.as_ref()));
                at_least(&mut starting, beside);
            }
            _ => {}
        }
    }
    add(&mut together, &sidecars);
    at_least(&mut together, starting);
    if let Some(placement) = &pod.placement {
        together.extend(of(placement.requests.as_ref()));
        add(&mut together, &of(placement.overhead.as_ref()));
    }
    together.insert(PODS.to_owned(), ONE);
    together.retain(|_, value| *value != 0);
    together
}
