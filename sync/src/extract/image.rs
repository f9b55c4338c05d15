//! Images by their digests, and the registries that they come from. A tag says nothing: what runs is what the status says.

use super::Draft;
use super::draft::NAME_MAX;
use crate::wire::{ContainerStatus, PodSpec};
use planisphere_schema::Kind;
use planisphere_schema::RelationKind::{PullsFrom, UsesImage};

/// The registry of a name that names none.
const USUAL: &str = "docker.io";

/// USES_IMAGE: what each container of a pod runs, once it runs, and the images that it mounts by their digests.
pub(super) fn uses<'a>(
    draft: &mut Draft,
    spec: &PodSpec,
    statuses: impl Iterator<Item = &'a ContainerStatus>,
) {
    let run = statuses.map(|status| status.image_id.as_str());
    for name in run.chain(mounted(spec)).filter_map(digest) {
        let image = draft.neighbour(Kind::Image, name);
        draft.point(UsesImage, image);
    }
}

/// PULLS_FROM: where the images of a pod spec come from.
pub(super) fn pulls(draft: &mut Draft, spec: &PodSpec) {
    let containers = spec.containers.iter().chain(&spec.init_containers);
    let run = containers.map(|container| container.image.as_str());
    for image in run.chain(mounted(spec)).filter(|image| !image.is_empty()) {
        let registry = draft.neighbour(Kind::Registry, registry(image));
        draft.point(PullsFrom, registry);
    }
}

/// The images that are mounted as volumes.
fn mounted(spec: &PodSpec) -> impl Iterator<Item = &str> {
    let images = spec.volumes.iter().filter_map(|v| v.source.image.as_ref());
    images.map(|image| image.reference.as_str())
}

/// The image of an imageID: `repository@algorithm:digest`, or the digest of its configuration alone, where that is all
/// that the runtime says. None where there is no digest: a tag may be another image tomorrow.
pub(super) fn digest(image_id: &str) -> Option<&str> {
    // Old runtimes write how they came to it in front.
    let image = image_id.split_once("://").map_or(image_id, |(_, rest)| rest);
    let (repository, digest) = image.rsplit_once('@').unwrap_or(("", image));
    let (algorithm, hash) = digest.split_once(':')?;
    let is_hex = hash.len() >= 32 && hash.bytes().all(|b| b.is_ascii_hexdigit());
    if !is_hex || !algorithm.bytes().all(|b| b.is_ascii_alphanumeric()) {
        return None;
    }
    let fits = !repository.is_empty() && image.len() <= NAME_MAX;
    Some(if fits { image } else { digest })
}

/// The registry of an image as it is written: its first part is one if it has a dot or a port, or is `localhost`.
fn registry(image: &str) -> &str {
    match image.split_once('/') {
        Some((host, _)) if host.contains(['.', ':']) || host == "localhost" => host,
        _ => USUAL,
    }
}

#[cfg(test)]
mod tests {
    use super::{digest, registry};

    #[test]
    fn an_image_is_known_by_its_digest_in_whichever_form_a_runtime_says_it() {
        let hash = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
        let whole = format!("registry.example/cart@sha256:{hash}");
        for (image_id, expected) in [
            (whole.clone(), Some(whole.clone())),
            (format!("docker-pullable://{whole}"), Some(whole.clone())),
            (format!("sha256:{hash}"), Some(format!("sha256:{hash}"))),
            (format!("docker://sha256:{hash}"), Some(format!("sha256:{hash}"))),
            (
                format!("registry.example/{}@sha256:{hash}", "a".repeat(250)),
                Some(format!("sha256:{hash}")),
            ),
            ("registry.example/cart:1".into(), None),
            ("registry.example:5000/cart".into(), None),
            (String::new(), None),
        ] {
            assert_eq!(digest(&image_id), expected.as_deref(), "{image_id}");
        }
    }

    #[test]
    fn the_first_part_of_a_name_is_a_registry_only_where_it_looks_like_a_host() {
        for (image, expected) in [
            ("nginx", "docker.io"),
            ("library/nginx:1", "docker.io"),
            ("registry.example/cart:1", "registry.example"),
            ("registry.example:5000/cart@sha256:00", "registry.example:5000"),
            ("localhost/cart", "localhost"),
        ] {
            assert_eq!(registry(image), expected, "{image}");
        }
    }
}
