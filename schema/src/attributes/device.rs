//! What is kept of devices and of who claims them. Expressions and the configuration of drivers have no field.

use super::kept::kept;

kept! {
    /// What is kept of a ResourceClaim.
    ResourceClaimAttributes {
        /// What it asks for.
        1 requests: [DeviceRequest];
        /// It has got what it asks for.
        2 allocated: bool;
        /// The devices that it has got.
        3 devices: [AllocatedDevice];
        /// How many pods it is reserved for.
        4 reserved_for: int;
    }

    /// A request of a ResourceClaim.
    DeviceRequest {
        /// Its name; one of several alternatives is `request/alternative`.
        1 name: string;
        /// The class of the devices.
        2 device_class_name: string;
        /// ExactCount or All.
        3 allocation_mode: string?;
        /// How many devices.
        4 count: int?;
    }

    /// A device that a ResourceClaim has got.
    AllocatedDevice {
        /// The request that it is for.
        1 request: string;
        /// The driver.
        2 driver: string;
        /// The pool that it is in, often named after a node.
        3 pool: string;
        /// Its name in the pool.
        4 device: string;
    }

    /// What is kept of a DeviceClass.
    DeviceClassAttributes {
        /// The extended resource that pods may ask for instead.
        1 extended_resource_name: string?;
    }

    /// What is kept of a ResourceSlice.
    ResourceSliceAttributes {
        /// The driver of the devices.
        1 driver: string;
        /// The pool that they are in, often named after a node.
        2 pool: string;
        /// The node that they are in; null where that is told in another way.
        3 node_name: string?;
        /// Every node can reach them.
        4 all_nodes: bool;
        /// Their names in the pool.
        5 devices: [string];
    }
}
