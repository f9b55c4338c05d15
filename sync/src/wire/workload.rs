//! What makes pods, and the accounts that they run as: generated.proto of k8s.io/api/{apps,batch,core}/v1.

use super::network::TargetRef;
use super::{
    IntOrString, LabelSelector, LocalName, MetadataOnly, NodeCondition, ObjectMeta, PodTemplate, Present,
    TimedCondition, wire,
};
use planisphere_schema::Time;

wire! {
    Deployment {
        1 metadata: ObjectMeta;
        2 spec: DeploymentSpec;
        3 status: DeploymentStatus;
    }

    DeploymentSpec {
        1 replicas: int32?;
        2 selector: LabelSelector?;
        3 template: PodTemplate;
        4 strategy: DeploymentStrategy;
        5 min_ready_seconds: int32;
        7 paused: bool;
    }

    DeploymentStrategy {
        1 kind: string = "type";
        2 rolling_update: RollingUpdate;
    }

    RollingUpdate {
        1 max_unavailable: IntOrString?;
        2 max_surge: IntOrString?;
    }

    DeploymentStatus {
        3 updated_replicas: int32;
        4 available_replicas: int32;
        6 conditions: [DeploymentCondition];
        7 ready_replicas: int32;
    }

    DeploymentCondition {
        1 kind: string = "type";
        2 status: string;
        4 reason: string;
        7 last_transition_time: Time?;
    }

    ReplicaSet {
        1 metadata: ObjectMeta;
        2 spec: ReplicaSetSpec;
        3 status: ReplicaSetStatus;
    }

    ReplicaSetSpec {
        1 replicas: int32?;
        2 selector: LabelSelector?;
        3 template: PodTemplate;
    }

    ReplicaSetStatus {
        4 ready_replicas: int32;
        5 available_replicas: int32;
    }

    StatefulSet {
        1 metadata: ObjectMeta;
        2 spec: StatefulSetSpec;
        3 status: StatefulSetStatus;
    }

    StatefulSetSpec {
        1 replicas: int32?;
        2 selector: LabelSelector?;
        3 template: PodTemplate;
        4 volume_claim_templates: [MetadataOnly];
        5 service_name: string;
        6 pod_management_policy: string;
        7 update_strategy: UpdateStrategy;
        11 ordinals: Ordinals;
    }

    UpdateStrategy {
        1 kind: string = "type";
    }

    Ordinals {
        1 start: int32;
    }

    StatefulSetStatus {
        3 ready_replicas: int32;
        5 updated_replicas: int32;
        6 current_revision: string;
        7 update_revision: string;
        11 available_replicas: int32;
    }

    DaemonSet {
        1 metadata: ObjectMeta;
        2 spec: DaemonSetSpec;
        3 status: DaemonSetStatus;
    }

    DaemonSetSpec {
        1 selector: LabelSelector?;
        2 template: PodTemplate;
        3 update_strategy: UpdateStrategy;
    }

    DaemonSetStatus {
        1 current_number_scheduled: int32;
        2 number_misscheduled: int32;
        3 desired_number_scheduled: int32;
        4 number_ready: int32;
        6 updated_number_scheduled: int32;
        7 number_available: int32;
    }

    Job {
        1 metadata: ObjectMeta;
        2 spec: JobSpec;
        3 status: JobStatus;
    }

    JobSpec {
        1 parallelism: int32?;
        2 completions: int32?;
        6 template: PodTemplate;
        10 suspend: bool;
    }

    JobStatus {
        1 conditions: [NodeCondition];
        2 start_time: Time?;
        3 completion_time: Time?;
        4 active: int32;
        5 succeeded: int32;
        6 failed: int32;
    }

    CronJob {
        1 metadata: ObjectMeta;
        2 spec: CronJobSpec;
        3 status: CronJobStatus;
    }

    CronJobSpec {
        1 schedule: string;
        3 concurrency_policy: string;
        4 suspend: bool;
        5 job_template: JobTemplate;
        8 time_zone: string;
    }

    JobTemplate {
        2 spec: JobSpec;
    }

    CronJobStatus {
        1 active: [Present];
        4 last_schedule_time: Time?;
        5 last_successful_time: Time?;
    }

    ReplicationController {
        1 metadata: ObjectMeta;
        2 spec: ReplicationControllerSpec;
        3 status: ReplicationControllerStatus;
    }

    ReplicationControllerSpec {
        1 replicas: int32?;
        2 selector: labels;
        3 template: PodTemplate;
    }

    ReplicationControllerStatus {
        4 ready_replicas: int32;
        5 available_replicas: int32;
        6 conditions: [TimedCondition];
    }

    /// A template that is an object of its own.
    StoredPodTemplate {
        1 metadata: ObjectMeta;
        2 template: PodTemplate;
    }

    ServiceAccount {
        1 metadata: ObjectMeta;
        2 secrets: [TargetRef];
        3 image_pull_secrets: [LocalName];
        4 automount_service_account_token: bool?;
    }
}
