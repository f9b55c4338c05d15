//! Containers and their states: k8s.io/api/core/v1/generated.proto. Commands, arguments and the values of environment
//! variables have no field, nor has what a probe does.

use super::{Present, wire};
use serde::{Deserialize, Deserializer};

wire! {
    /// A container of a pod; an EphemeralContainerCommon has the same fields.
    Container {
        1 name: string;
        2 image: string;
        6 ports: [ContainerPort];
        7 env: [EnvVar];
        8 resources: ResourceRequirements;
        10 liveness_probe: Present?;
        11 readiness_probe: Present?;
        19 env_from: [EnvFromSource];
        22 startup_probe: Present?;
        24 restart_policy: string;
    }

    ContainerPort {
        2 host_port: int32;
        3 container_port: int32;
        4 protocol: string;
        5 host_ip: string = "hostIP";
    }

    /// An environment variable: only where its value comes from.
    EnvVar {
        3 value_from: EnvVarSource?;
    }

    EnvVarSource {
        3 config_map_key_ref: KeySelector?;
        4 secret_key_ref: KeySelector?;
    }

    /// A key of a ConfigMap or Secret.
    KeySelector {
        1 name: local_name;
        3 optional: bool;
    }

    EnvFromSource {
        2 config_map_ref: EnvSource?;
        3 secret_ref: EnvSource?;
    }

    /// A whole ConfigMap or Secret as environment.
    EnvSource {
        1 name: local_name;
        2 optional: bool;
    }

    ResourceRequirements {
        1 limits: amounts;
        2 requests: amounts;
    }

    /// A reference to an object of the same namespace.
    LocalName {
        1 name: string;
    }

    ContainerStatus {
        1 name: string;
        2 state: ContainerState;
        4 ready: bool;
        5 restart_count: int32;
        7 image_id: string = "imageID";
        9 started: bool;
    }

    ContainerState {
        1 waiting: ContainerStateWaiting?;
        2 running: Present?;
        3 terminated: ContainerStateTerminated?;
    }

    ContainerStateWaiting {
        1 reason: string;
    }

    ContainerStateTerminated {
        1 exit_code: int32;
        2 signal: int32;
        3 reason: string;
    }
}

/// An ephemeral container, which JSON inlines.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct EphemeralContainer {
    #[prost(message, required, tag = 1)]
    pub(crate) common: Container,
}

impl<'de> Deserialize<'de> for EphemeralContainer {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        Ok(Self {
            common: Container::deserialize(d)?,
        })
    }
}
