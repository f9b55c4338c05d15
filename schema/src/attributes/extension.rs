//! What is kept of how the API itself is extended. Schemas and certificates have no field.

use super::Condition;
use super::kept::kept;

kept! {
    /// What is kept of an APIService.
    APIServiceAttributes {
        /// The API group that it serves; empty for the core group.
        1 api_group: string;
        /// The version that it serves.
        2 api_version: string;
        /// The namespace of the Service behind it. Absent: the API server itself.
        3 service_namespace: string?;
        /// The name of the Service behind it. Absent: the API server itself.
        4 service_name: string?;
        /// The API server does not check the Service's certificate.
        5 insecure_skip_tls_verify: bool = "insecureSkipTLSVerify";
        /// Conditions: Available.
        6 conditions: [Condition];
    }

    /// What is kept of a CustomResourceDefinition.
    CustomResourceDefinitionAttributes {
        /// The API group of its resources.
        1 api_group: string;
        /// The kind of its resources.
        2 defined_kind: string;
        /// The name of its resources in URLs.
        3 plural: string;
        /// Short names that kubectl takes.
        4 short_names: [string];
        /// Namespaced or Cluster.
        5 scope: string;
        /// Its versions.
        6 versions: [DefinedVersion];
        /// Versions in which objects may still be stored.
        7 stored_versions: [string];
        /// How objects get from one version to another: None or Webhook.
        8 conversion: string?;
        /// Conditions: Established, NamesAccepted.
        9 conditions: [Condition];
        /// Groups of resources that it is a part of, as `all`.
        10 categories: [string];
    }

    /// A version of a defined resource.
    DefinedVersion as "CustomResourceVersion" {
        /// The name.
        1 name: string;
        /// It can be asked for.
        2 served: bool;
        /// Objects are stored in it.
        3 storage: bool;
        /// It should not be used any more.
        4 deprecated: bool;
    }
}
