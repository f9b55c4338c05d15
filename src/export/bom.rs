//! Images and where they run, as a CycloneDX 1.6 bill of materials: each image a component, each workload a component that
//! depends on its images. Kept in memory: there are far fewer images and workloads than pods.

use super::{ExportError, Pages, Row};
use crate::store::{Filter, Record};
use planisphere_schema::{AssetId, Attributes, Kind};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::sync::Arc;
use uuid::Uuid;

/// An image as pods name it and, once it runs, by its digest.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Image {
    name: String,
    digest: Option<String>,
}

struct Workload {
    record: Arc<Record>,
    owner: Option<String>,
    images: BTreeSet<Image>,
}

/// Writes the bill of the pods that are wanted; the number of its components.
pub(super) async fn write(
    pages: &mut Pages<'_>,
    out: &mut (dyn Write + Send),
    as_of_ms: i64,
) -> Result<u64, ExportError> {
    pages.only(Filter::Kinds(vec![Kind::Pod]));
    let mut workloads: BTreeMap<AssetId, Workload> = BTreeMap::new();
    while let Some(page) = pages.next().await? {
        for row in page {
            take(&mut workloads, row);
        }
    }
    let images: BTreeSet<&Image> = workloads.values().flat_map(|w| &w.images).collect();
    let components = images.iter().map(|i| i.component());
    let components: Vec<Value> = components
        .chain(workloads.values().map(Workload::component))
        .collect();
    let dependencies: Vec<Value> = workloads
        .values()
        .map(|w| {
            let on: Vec<String> = w.images.iter().map(Image::reference).collect();
            json!({"ref": w.reference(), "dependsOn": on})
        })
        .collect();
    let count = components.len() as u64;
    let bill = json!({
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": format!("urn:uuid:{}", Uuid::new_v4()),
        "version": 1,
        "metadata": {
            "timestamp": super::manifest::instant(as_of_ms),
            "tools": {"components": [
                {"type": "application", "name": "planisphere", "version": env!("CARGO_PKG_VERSION")}]},
        },
        "components": components,
        "dependencies": dependencies,
    });
    serde_json::to_writer_pretty(&mut *out, &bill).map_err(std::io::Error::from)?;
    out.write_all(b"\n")?;
    Ok(count)
}

fn take(workloads: &mut BTreeMap<AssetId, Workload>, row: Row) {
    let Attributes::Pod(pod) = &row.record.asset.attributes else {
        return;
    };
    let images = pod.containers.iter().map(|c| Image {
        name: c.image.clone(),
        digest: c.image_id.as_deref().and_then(digest).map(str::to_owned),
    });
    let images: Vec<Image> = images.filter(|i| !i.name.is_empty()).collect();
    let top = row.ownership.controllers.last().unwrap_or(&row.record);
    let owner = row.ownership.claim.as_ref().map(|c| c.owner.clone());
    workloads
        .entry(top.asset.reference.id())
        .or_insert_with(|| Workload {
            record: Arc::clone(top),
            owner,
            images: BTreeSet::new(),
        })
        .images
        .extend(images);
}

/// The hex digits of the sha256 in an imageID, whatever stands before them.
fn digest(image_id: &str) -> Option<&str> {
    let digits = image_id.rsplit_once("sha256:")?.1;
    let is_digest = digits.len() == 64 && digits.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    is_digest.then_some(digits)
}

impl Image {
    /// The repository and the tag that the pods name.
    fn parts(&self) -> (&str, Option<&str>) {
        let name = self.name.split('@').next().unwrap_or_default();
        match name.rsplit_once(':') {
            Some((repository, tag)) if !tag.contains('/') => (repository, Some(tag)),
            _ => (name, None),
        }
    }

    fn reference(&self) -> String {
        match &self.digest {
            Some(digest) => format!("image:{}@sha256:{digest}", self.name),
            None => format!("image:{}", self.name),
        }
    }

    /// By the purl specification's type `oci`: only a digest makes one.
    fn purl(&self) -> Option<String> {
        let (repository, tag) = self.parts();
        let repository = repository.to_lowercase();
        let last = repository.rsplit('/').next()?;
        let mut purl = format!("pkg:oci/{}@sha256%3A{}", escaped(last), self.digest.as_deref()?);
        purl.push_str(&format!("?repository_url={}", escaped(&repository)));
        if let Some(tag) = tag {
            purl.push_str(&format!("&tag={}", escaped(tag)));
        }
        Some(purl)
    }

    fn component(&self) -> Value {
        let (repository, tag) = self.parts();
        let mut component = json!({
            "type": "container",
            "bom-ref": self.reference(),
            "name": repository,
            "properties": [{"name": "planisphere:image", "value": self.name}],
        });
        if let Some(version) = self
            .digest
            .as_ref()
            .map(|d| format!("sha256:{d}"))
            .or(tag.map(str::to_owned))
        {
            component["version"] = version.into();
        }
        if let Some(digest) = &self.digest {
            component["hashes"] = json!([{"alg": "SHA-256", "content": digest}]);
        }
        if let Some(purl) = self.purl() {
            component["purl"] = purl.into();
        }
        component
    }
}

impl Workload {
    fn reference(&self) -> String {
        format!("asset:{}", self.record.asset.reference.id())
    }

    fn component(&self) -> Value {
        let key = self.record.asset.reference.key();
        let mut properties = vec![
            json!({"name": "planisphere:cluster", "value": &*self.record.cluster_name}),
            json!({"name": "planisphere:kind", "value": key.kind.to_string()}),
            json!({"name": "planisphere:namespace", "value": &*key.namespace}),
        ];
        if let Some(owner) = &self.owner {
            properties.push(json!({"name": "planisphere:owner", "value": owner}));
        }
        json!({
            "type": "application",
            "bom-ref": self.reference(),
            "name": &*key.name,
            "group": format!("{}/{}", self.record.cluster_name, key.namespace),
            "properties": properties,
        })
    }
}

fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for b in text.bytes() {
        if b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_' | b'~' | b'/') {
            safe.push(char::from(b));
        } else {
            safe.push_str(&format!("%{b:02X}"));
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_is_known_by_its_digest_however_the_runtime_writes_it() {
        let digits = "a".repeat(64);
        for id in [
            format!("docker.io/library/nginx@sha256:{digits}"),
            format!("docker-pullable://nginx@sha256:{digits}"),
            format!("sha256:{digits}"),
        ] {
            assert_eq!(digest(&id), Some(&*digits));
        }
        assert_eq!(digest("nginx:1.27"), None);
        assert_eq!(digest("sha256:short"), None);
    }

    #[test]
    fn a_port_of_a_registry_is_no_tag() {
        let image = |name: &str, digest: Option<&str>| Image {
            name: name.into(),
            digest: digest.map(str::to_owned),
        };
        assert_eq!(image("reg:5000/a/b", None).parts(), ("reg:5000/a/b", None));
        assert_eq!(image("reg:5000/a/b:1", None).parts(), ("reg:5000/a/b", Some("1")));
        assert_eq!(image("a/b:1", None).purl(), None);
        assert_eq!(
            image("Reg:5000/a/b:v1", Some("ff")).purl().as_deref(),
            Some("pkg:oci/b@sha256%3Aff?repository_url=reg%3A5000/a/b&tag=v1")
        );
    }
}
