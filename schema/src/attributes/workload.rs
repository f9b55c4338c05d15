//! What is kept of the objects that make pods.

use super::kept::kept;
use super::{Condition, Resources};
use crate::Time;
use serde::Serialize;

/// A label selector. Absent and empty differ: absent selects nothing.
#[derive(Clone, PartialEq, Serialize, prost::Message)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(
    feature = "graphql",
    derive(async_graphql::SimpleObject),
    graphql(name = "LabelSelector")
)]
pub struct Selector {
    /// Labels that must be equal, each as `key=value`.
    #[prost(string, repeated, tag = "1")]
    pub match_labels: Vec<String>,
    /// Requirements that must hold.
    #[prost(message, repeated, tag = "2")]
    pub match_expressions: Vec<Requirement>,
}

/// One requirement of a selector.
#[derive(Clone, PartialEq, Serialize, prost::Message)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(
    feature = "graphql",
    derive(async_graphql::SimpleObject),
    graphql(name = "LabelSelectorRequirement")
)]
pub struct Requirement {
    /// The label's key.
    #[prost(string, tag = "1")]
    pub key: String,
    /// In, NotIn, Exists or DoesNotExist.
    #[prost(string, tag = "2")]
    pub operator: String,
    /// The values.
    #[prost(string, repeated, tag = "3")]
    pub values: Vec<String>,
}

/// A container of a pod template.
#[derive(Clone, PartialEq, Serialize, prost::Message)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "graphql", derive(async_graphql::SimpleObject))]
pub struct TemplateContainer {
    /// The name.
    #[prost(string, tag = "1")]
    pub name: String,
    /// container, init or sidecar.
    #[prost(string, tag = "2")]
    pub role: String,
    /// The image.
    #[prost(string, tag = "3")]
    pub image: String,
    /// What it asks for.
    #[prost(message, optional, tag = "4")]
    pub requests: Option<Resources>,
    /// What it may use.
    #[prost(message, optional, tag = "5")]
    pub limits: Option<Resources>,
    /// The probes it has: liveness, readiness, startup.
    #[prost(string, repeated, tag = "6")]
    pub probes: Vec<String>,
}

/// What is kept of a Deployment.
#[derive(Clone, PartialEq, Serialize, prost::Message)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "graphql", derive(async_graphql::SimpleObject))]
pub struct DeploymentAttributes {
    /// How many pods are wanted; absent in the object means 1.
    #[prost(int32, tag = "1")]
    pub replicas: i32,
    /// How many are ready.
    #[prost(int32, tag = "2")]
    pub ready_replicas: i32,
    /// How many are ready for long enough.
    #[prost(int32, tag = "3")]
    pub available_replicas: i32,
    /// How many run the current template.
    #[prost(int32, tag = "4")]
    pub updated_replicas: i32,
    /// Rollouts are paused.
    #[prost(bool, tag = "5")]
    pub paused: bool,
    /// RollingUpdate or Recreate.
    #[prost(message, optional, tag = "6")]
    pub strategy: Option<String>,
    /// How many may be missing during a rollout.
    #[prost(message, optional, tag = "7")]
    pub max_unavailable: Option<String>,
    /// How many may be too many during a rollout.
    #[prost(message, optional, tag = "8")]
    pub max_surge: Option<String>,
    /// The revision that is rolled out.
    #[prost(message, optional, tag = "9")]
    pub revision: Option<String>,
    /// Which pods it manages.
    #[prost(message, optional, tag = "10")]
    pub selector: Option<Selector>,
    /// The template's containers.
    #[prost(message, repeated, tag = "11")]
    pub containers: Vec<TemplateContainer>,
    /// Conditions.
    #[prost(message, repeated, tag = "12")]
    pub conditions: Vec<Condition>,
    /// Seconds that a pod must be ready to count as available.
    #[prost(int32, tag = "13")]
    pub min_ready_seconds: i32,
}

/// What is kept of a ReplicaSet.
#[derive(Clone, PartialEq, Serialize, prost::Message)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "graphql", derive(async_graphql::SimpleObject))]
pub struct ReplicaSetAttributes {
    /// How many pods are wanted; absent in the object means 1.
    #[prost(int32, tag = "1")]
    pub replicas: i32,
    /// How many are ready.
    #[prost(int32, tag = "2")]
    pub ready_replicas: i32,
    /// How many are ready for long enough.
    #[prost(int32, tag = "3")]
    pub available_replicas: i32,
    /// The Deployment's revision that it stands for.
    #[prost(message, optional, tag = "4")]
    pub revision: Option<String>,
    /// Which pods it manages.
    #[prost(message, optional, tag = "5")]
    pub selector: Option<Selector>,
    /// The template's containers.
    #[prost(message, repeated, tag = "6")]
    pub containers: Vec<TemplateContainer>,
}

/// What is kept of a StatefulSet.
#[derive(Clone, PartialEq, Serialize, prost::Message)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "graphql", derive(async_graphql::SimpleObject))]
pub struct StatefulSetAttributes {
    /// How many pods are wanted; absent in the object means 1.
    #[prost(int32, tag = "1")]
    pub replicas: i32,
    /// How many are ready.
    #[prost(int32, tag = "2")]
    pub ready_replicas: i32,
    /// How many are ready for long enough.
    #[prost(int32, tag = "3")]
    pub available_replicas: i32,
    /// How many run the current template.
    #[prost(int32, tag = "4")]
    pub updated_replicas: i32,
    /// The headless Service that names its pods.
    #[prost(message, optional, tag = "5")]
    pub service_name: Option<String>,
    /// OrderedReady or Parallel.
    #[prost(message, optional, tag = "6")]
    pub pod_management_policy: Option<String>,
    /// RollingUpdate or OnDelete.
    #[prost(message, optional, tag = "7")]
    pub strategy: Option<String>,
    /// The first ordinal.
    #[prost(int32, tag = "8")]
    pub ordinals_start: i32,
    /// The names of its claim templates.
    #[prost(string, repeated, tag = "9")]
    pub claim_templates: Vec<String>,
    /// The revision that pods run.
    #[prost(message, optional, tag = "10")]
    pub current_revision: Option<String>,
    /// The revision that pods will run.
    #[prost(message, optional, tag = "11")]
    pub update_revision: Option<String>,
    /// Which pods it manages.
    #[prost(message, optional, tag = "12")]
    pub selector: Option<Selector>,
    /// The template's containers.
    #[prost(message, repeated, tag = "13")]
    pub containers: Vec<TemplateContainer>,
}

/// What is kept of a DaemonSet.
#[derive(Clone, PartialEq, Serialize, prost::Message)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "graphql", derive(async_graphql::SimpleObject))]
pub struct DaemonSetAttributes {
    /// On how many nodes it should run.
    #[prost(int32, tag = "1")]
    pub desired: i32,
    /// On how many it has a pod.
    #[prost(int32, tag = "2")]
    pub current: i32,
    /// On how many that pod is ready.
    #[prost(int32, tag = "3")]
    pub ready: i32,
    /// On how many it is ready for long enough.
    #[prost(int32, tag = "4")]
    pub available: i32,
    /// On how many it runs the current template.
    #[prost(int32, tag = "5")]
    pub updated: i32,
    /// On how many it runs without reason.
    #[prost(int32, tag = "6")]
    pub misscheduled: i32,
    /// RollingUpdate or OnDelete.
    #[prost(message, optional, tag = "7")]
    pub strategy: Option<String>,
    /// Which pods it manages.
    #[prost(message, optional, tag = "8")]
    pub selector: Option<Selector>,
    /// The template's containers.
    #[prost(message, repeated, tag = "9")]
    pub containers: Vec<TemplateContainer>,
}

/// What is kept of a Job.
#[derive(Clone, PartialEq, Serialize, prost::Message)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "graphql", derive(async_graphql::SimpleObject))]
pub struct JobAttributes {
    /// How many pods must succeed.
    #[prost(message, optional, tag = "1")]
    pub completions: Option<i32>,
    /// How many may run at once.
    #[prost(message, optional, tag = "2")]
    pub parallelism: Option<i32>,
    /// How many run.
    #[prost(int32, tag = "3")]
    pub active: i32,
    /// How many succeeded.
    #[prost(int32, tag = "4")]
    pub succeeded: i32,
    /// How many failed.
    #[prost(int32, tag = "5")]
    pub failed: i32,
    /// Suspended.
    #[prost(bool, tag = "6")]
    pub suspended: bool,
    /// When it started.
    #[prost(message, optional, tag = "7")]
    pub started_at: Option<Time>,
    /// When it completed.
    #[prost(message, optional, tag = "8")]
    pub completed_at: Option<Time>,
    /// Conditions.
    #[prost(message, repeated, tag = "9")]
    pub conditions: Vec<Condition>,
    /// The template's containers.
    #[prost(message, repeated, tag = "10")]
    pub containers: Vec<TemplateContainer>,
}

/// What is kept of a CronJob.
#[derive(Clone, PartialEq, Serialize, prost::Message)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "graphql", derive(async_graphql::SimpleObject))]
pub struct CronJobAttributes {
    /// The schedule, in cron's form.
    #[prost(string, tag = "1")]
    pub schedule: String,
    /// The time zone of the schedule.
    #[prost(message, optional, tag = "2")]
    pub time_zone: Option<String>,
    /// Suspended.
    #[prost(bool, tag = "3")]
    pub suspended: bool,
    /// Allow, Forbid or Replace.
    #[prost(message, optional, tag = "4")]
    pub concurrency_policy: Option<String>,
    /// When it last made a Job.
    #[prost(message, optional, tag = "5")]
    pub last_schedule_at: Option<Time>,
    /// When a Job of it last succeeded.
    #[prost(message, optional, tag = "6")]
    pub last_successful_at: Option<Time>,
    /// How many of its Jobs run.
    #[prost(int32, tag = "7")]
    pub active: i32,
    /// The template's containers.
    #[prost(message, repeated, tag = "8")]
    pub containers: Vec<TemplateContainer>,
}

kept! {
    /// What is kept of a ReplicationController.
    ReplicationControllerAttributes {
        /// How many pods are wanted; absent in the object means 1.
        1 replicas: int;
        /// How many are ready.
        2 ready_replicas: int;
        /// How many are ready for long enough.
        3 available_replicas: int;
        /// Its pods.
        4 selector: Selector?;
        /// Containers of its template.
        5 containers: [TemplateContainer];
        /// Conditions.
        6 conditions: [Condition];
    }

    /// What is kept of a PodTemplate.
    PodTemplateAttributes {
        /// Containers of the template.
        1 containers: [TemplateContainer];
    }
}
