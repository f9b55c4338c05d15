//! Devices and who claims them: k8s.io/api/resource/v1/generated.proto.

use super::{LocalName, NodeSelector, ObjectMeta, wire};

wire! {
    ResourceClaim {
        1 metadata: ObjectMeta;
        2 spec: ResourceClaimSpec;
        3 status: ResourceClaimStatus;
    }

    ResourceClaimSpec {
        1 devices: DeviceClaim;
    }

    DeviceClaim {
        1 requests: [DeviceRequest];
    }

    DeviceRequest {
        1 name: string;
        2 exactly: ExactDeviceRequest?;
        3 first_available: [DeviceSubRequest];
    }

    ExactDeviceRequest {
        1 device_class_name: string;
        3 allocation_mode: string;
        4 count: int64;
    }

    /// One of several alternatives.
    DeviceSubRequest {
        1 name: string;
        2 device_class_name: string;
        4 allocation_mode: string;
        5 count: int64;
    }

    ResourceClaimStatus {
        1 allocation: Allocation?;
        2 reserved_for: [ClaimConsumer];
    }

    Allocation {
        1 devices: AllocatedDevices;
        3 node_selector: NodeSelector?;
    }

    AllocatedDevices {
        1 results: [AllocatedDevice];
    }

    AllocatedDevice {
        1 request: string;
        2 driver: string;
        3 pool: string;
        4 device: string;
    }

    ClaimConsumer {
        1 api_group: string;
        3 resource: string;
        4 name: string;
        5 uid: string;
    }

    DeviceClass {
        1 metadata: ObjectMeta;
        2 spec: DeviceClassSpec;
    }

    DeviceClassSpec {
        4 extended_resource_name: string;
    }

    ResourceSlice {
        1 metadata: ObjectMeta;
        2 spec: ResourceSliceSpec;
    }

    ResourceSliceSpec {
        1 driver: string;
        2 pool: LocalName;
        3 node_name: string;
        4 node_selector: NodeSelector?;
        5 all_nodes: bool;
        6 devices: [LocalName];
    }
}
