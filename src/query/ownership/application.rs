//! Which application an asset belongs to, as the tools that deploy it say: recommended labels, Helm, Argo CD, Flux.
//! The object's own words come first, then those of its controllers.

use crate::store::Record;
use std::sync::Arc;

/// Who says that an asset belongs to an application.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ApplicationSource {
    /// Label `app.kubernetes.io/part-of`.
    PartOf,
    /// Helm's annotations `meta.helm.sh/release-name` and `-namespace`.
    HelmRelease,
    /// Argo CD's annotation `argocd.argoproj.io/tracking-id`, where it is about this object.
    ArgoCd,
    /// Flux' labels `kustomize.toolkit.fluxcd.io/*`.
    FluxKustomization,
    /// Flux' labels `helm.toolkit.fluxcd.io/*`.
    FluxHelmRelease,
}

/// An application that an asset belongs to.
#[derive(Clone, Debug)]
pub struct Application {
    /// Who says so.
    pub source: ApplicationSource,
    /// Its name.
    pub name: String,
    /// The namespace of the tool's object; none where nobody says.
    pub namespace: Option<String>,
    /// The object that says so.
    pub via: Arc<Record>,
}

/// The applications of an asset; of each source the nearest.
pub fn applications(asset: &Arc<Record>, controllers: &[Arc<Record>]) -> Vec<Application> {
    let mut all: Vec<Application> = Vec::new();
    for record in std::iter::once(asset).chain(controllers) {
        for (source, name, namespace) in said_by(record) {
            if all.iter().all(|a| a.source != source) {
                all.push(Application {
                    source,
                    name,
                    namespace,
                    via: Arc::clone(record),
                });
            }
        }
    }
    all.sort_by_key(|a| a.source);
    all
}

fn said_by(record: &Record) -> Vec<(ApplicationSource, String, Option<String>)> {
    let asset = &record.asset;
    let label = |key: &str| asset.label(key).filter(|v| !v.is_empty()).map(str::to_owned);
    let note = |key: &str| asset.annotation(key).filter(|v| !v.is_empty()).map(str::to_owned);
    let mut said = Vec::new();
    if let Some(name) = label("app.kubernetes.io/part-of") {
        said.push((ApplicationSource::PartOf, name, None));
    }
    if let Some(name) = note("meta.helm.sh/release-name") {
        said.push((
            ApplicationSource::HelmRelease,
            name,
            note("meta.helm.sh/release-namespace"),
        ));
    }
    if let Some((name, namespace)) =
        note("argocd.argoproj.io/tracking-id").and_then(|id| tracked(record, &id))
    {
        said.push((ApplicationSource::ArgoCd, name, namespace));
    }
    for (source, prefix) in [
        (
            ApplicationSource::FluxKustomization,
            "kustomize.toolkit.fluxcd.io",
        ),
        (ApplicationSource::FluxHelmRelease, "helm.toolkit.fluxcd.io"),
    ] {
        if let Some(name) = label(&format!("{prefix}/name")) {
            said.push((source, name, label(&format!("{prefix}/namespace"))));
        }
    }
    said
}

/// Reads `app:group/Kind:namespace/name`, the application maybe as `namespace_app`. A copied annotation, which names
/// another object than its carrier, says nothing.
fn tracked(record: &Record, id: &str) -> Option<(String, Option<String>)> {
    let mut parts = id.splitn(3, ':');
    let (app, kind, object) = (parts.next()?, parts.next()?, parts.next()?);
    let (group, kind) = kind.split_once('/')?;
    let (namespace, name) = object.split_once('/')?;
    let key = record.asset.reference.key();
    let mine = key.kind.group() == group && key.kind.short_name() == kind && *key.name == *name;
    // Of what lives in no namespace, Argo CD writes that of the application's destination.
    let here = key.namespace.is_empty() || *key.namespace == *namespace;
    if !mine || !here || app.is_empty() {
        return None;
    }
    Some(match app.split_once('_') {
        Some((namespace, app)) => (app.to_owned(), Some(namespace.to_owned())),
        None => (app.to_owned(), None),
    })
}
