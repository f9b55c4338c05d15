//! Devices and who claims them.

use super::metadata::filled;
use super::storage::pin;
use super::{Draft, Extract};
use crate::wire;
use planisphere_schema::RelationKind::{OfClass, PinnedTo, ReservedFor};
use planisphere_schema::attributes::{
    AllocatedDevice, DeviceClassAttributes, DeviceRequest, ResourceClaimAttributes, ResourceSliceAttributes,
};
use planisphere_schema::{Attributes, Detail, Kind};

impl Extract for wire::ResourceClaim {
    fn metadata(&mut self) -> &mut wire::ObjectMeta {
        &mut self.metadata
    }

    fn describe(self, draft: &mut Draft) -> Attributes {
        let wire::ResourceClaim { spec, status, .. } = self;
        let mut requests = Vec::new();
        for request in spec.devices.requests {
            let name = request.name;
            if let Some(exactly) = request.exactly {
                of_class(draft, &exactly.device_class_name, false);
                requests.push(DeviceRequest {
                    name: name.clone(),
                    device_class_name: exactly.device_class_name,
                    allocation_mode: filled(exactly.allocation_mode),
                    count: count(exactly.count),
                });
            }
            for one in request.first_available {
                of_class(draft, &one.device_class_name, true);
                requests.push(DeviceRequest {
                    name: [&*name, "/", &*one.name].concat(),
                    device_class_name: one.device_class_name,
                    allocation_mode: filled(one.allocation_mode),
                    count: count(one.count),
                });
            }
        }
        for consumer in &status.reserved_for {
            if consumer.api_group.is_empty() && consumer.resource == "pods" && !consumer.name.is_empty() {
                let pod = draft.neighbour(Kind::Pod, &consumer.name);
                let detail = Detail {
                    uid: filled(consumer.uid.clone()),
                    ..Detail::default()
                };
                draft.declare(ReservedFor, pod, detail);
            }
        }
        let allocated = status.allocation.is_some();
        let allocation = status.allocation.unwrap_or_default();
        if let Some(nodes) = &allocation.node_selector {
            pin(draft, nodes);
        }
        let device = |d: wire::AllocatedDevice| AllocatedDevice {
            request: d.request,
            driver: d.driver,
            pool: d.pool,
            device: d.device,
        };
        ResourceClaimAttributes {
            requests,
            allocated,
            devices: allocation.devices.results.into_iter().map(device).collect(),
            reserved_for: status.reserved_for.len().try_into().unwrap_or(i32::MAX),
        }
        .into()
    }
}

/// OF_CLASS; a class of an alternative may be missing.
fn of_class(draft: &mut Draft, class: &str, alternative: bool) {
    if !class.is_empty() {
        let to = draft.neighbour(Kind::DeviceClass, class);
        let detail = Detail {
            optional: alternative.then_some(true),
            ..Detail::default()
        };
        draft.declare(OfClass, to, detail);
    }
}

fn count(count: i64) -> Option<i32> {
    (count != 0).then(|| count.try_into().unwrap_or(i32::MAX))
}

impl Extract for wire::DeviceClass {
    fn metadata(&mut self) -> &mut wire::ObjectMeta {
        &mut self.metadata
    }

    fn describe(self, _: &mut Draft) -> Attributes {
        DeviceClassAttributes {
            extended_resource_name: filled(self.spec.extended_resource_name),
        }
        .into()
    }
}

impl Extract for wire::ResourceSlice {
    fn metadata(&mut self) -> &mut wire::ObjectMeta {
        &mut self.metadata
    }

    fn describe(self, draft: &mut Draft) -> Attributes {
        let spec = self.spec;
        if !spec.node_name.is_empty() {
            let node = draft.neighbour(Kind::Node, &spec.node_name);
            draft.point(PinnedTo, node);
        }
        if let Some(nodes) = &spec.node_selector {
            pin(draft, nodes);
        }
        ResourceSliceAttributes {
            driver: spec.driver,
            pool: spec.pool.name,
            node_name: filled(spec.node_name),
            all_nodes: spec.all_nodes,
            devices: spec.devices.into_iter().map(|device| device.name).collect(),
        }
        .into()
    }
}
