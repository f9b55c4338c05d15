//! The rules that are shipped: data files beside this one, one an ecosystem, compiled in.

use super::error::Faults;
use super::{RuleError, Rules, files};
use std::sync::Arc;

macro_rules! shipped {
    ($($name:literal),* $(,)?) => {
        /// The shipped rule files: name and text.
        pub const SHIPPED: &[(&str, &str)] = &[$((
            concat!($name, ".yaml"),
            include_str!(concat!("../../rules/", $name, ".yaml")),
        ),)*];
    };
}

shipped! {
    "argo-cd",
    "argo-rollouts",
    "cert-manager",
    "cluster-api",
    "crossplane",
    "external-secrets",
    "flux",
    "gatekeeper",
    "helm",
    "istio",
    "karpenter",
    "keda",
    "knative",
    "policy-reports",
    "prometheus-operator",
    "trivy-operator",
    "vertical-pod-autoscaler",
}

/// The shipped rules.
///
/// # Errors
/// Where one of them is wrong, which is a defect that a test would have found.
pub fn shipped() -> Result<Rules, Vec<RuleError>> {
    let (mut all, mut errors) = (Vec::new(), Vec::new());
    for (file, text) in SHIPPED {
        let mut faults = Faults {
            file,
            rule: String::new(),
            found: Vec::new(),
        };
        all.extend(files::rules(text, false, &mut faults).into_iter().map(Arc::new));
        errors.append(&mut faults.found);
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    all.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(Rules { all })
}
