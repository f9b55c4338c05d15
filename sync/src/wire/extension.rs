//! How the API itself is extended: generated.proto of k8s.io/kube-aggregator's apiregistration/v1 and of
//! k8s.io/apiextensions-apiserver's apiextensions/v1. Schemas, by far the most of a definition, have no field.

use super::{ObjectMeta, ServiceName, TimedCondition, WebhookClient, wire};

wire! {
    APIService {
        1 metadata: ObjectMeta;
        2 spec: ApiServiceSpec;
        3 status: ApiServiceStatus;
    }

    ApiServiceSpec {
        1 service: ServiceName?;
        2 group: string;
        3 version: string;
        4 insecure_skip_tls_verify: bool = "insecureSkipTLSVerify";
    }

    ApiServiceStatus {
        1 conditions: [TimedCondition];
    }

    CustomResourceDefinition {
        1 metadata: ObjectMeta;
        2 spec: DefinitionSpec;
        3 status: DefinitionStatus;
    }

    DefinitionSpec {
        1 group: string;
        3 names: DefinitionNames;
        4 scope: string;
        7 versions: [DefinedVersion];
        9 conversion: Conversion;
    }

    DefinitionNames {
        1 plural: string;
        3 short_names: [string];
        4 kind: string;
        6 categories: [string];
    }

    DefinedVersion {
        1 name: string;
        2 served: bool;
        3 storage: bool;
        7 deprecated: bool;
    }

    Conversion {
        1 strategy: string;
        2 webhook: ConversionWebhook;
    }

    ConversionWebhook {
        2 client_config: WebhookClient;
    }

    DefinitionStatus {
        1 conditions: [TimedCondition];
        3 stored_versions: [string];
    }
}
