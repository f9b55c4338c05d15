//! What is kept of the Gateway API: gateways, the routes that hang on them, and who may refer to whom.

use super::kept::kept;
use super::{Condition, Selector};

kept! {
    /// What is kept of a GatewayClass.
    GatewayClassAttributes {
        /// The controller that serves Gateways of this class.
        1 controller_name: string;
        /// Conditions: Accepted.
        2 conditions: [Condition];
    }

    /// What is kept of a Gateway.
    GatewayAttributes {
        /// Its class.
        1 gateway_class_name: string;
        /// Where it listens.
        2 listeners: [Listener];
        /// Addresses or names where it is reached.
        3 addresses: [string];
        /// Conditions: Accepted, Programmed.
        4 conditions: [Condition];
        /// What it names in other namespaces, each as `namespace/Kind.group/name`; each needs a ReferenceGrant there.
        5 foreign_references: [string];
    }

    /// What is kept of a ListenerSet: listeners that are added to a Gateway.
    ListenerSetAttributes {
        /// Where its Gateway listens, too.
        1 listeners: [Listener];
        /// Conditions: Accepted, Programmed.
        2 conditions: [Condition];
        /// What it names in other namespaces, each as `namespace/Kind.group/name`; each needs a ReferenceGrant there.
        3 foreign_references: [string];
    }

    /// Where a Gateway listens.
    Listener as "GatewayListener" {
        /// The name, by which routes choose it.
        1 name: string;
        /// The host name; absent: all of them.
        2 hostname: string?;
        /// The port.
        3 port: int;
        /// HTTP, HTTPS, TLS, TCP or UDP.
        4 protocol: string;
        /// Terminate or Passthrough.
        5 tls_mode: string?;
        /// From which namespaces routes are taken: Same, All, None or Selector.
        6 routes_from: string?;
        /// From such namespaces, where a selector says so.
        7 routes_selector: Selector?;
    }

    /// What is kept of an HTTPRoute.
    HTTPRouteAttributes {
        /// The host names that it is for; none: those of its listeners.
        1 hostnames: [string];
        /// What became of it at each parent.
        2 parents: [RouteParent];
        /// What it names in other namespaces, each as `namespace/Kind.group/name`; each needs a ReferenceGrant there.
        3 foreign_references: [string];
    }

    /// What is kept of a GRPCRoute.
    GRPCRouteAttributes {
        /// The host names that it is for; none: those of its listeners.
        1 hostnames: [string];
        /// What became of it at each parent.
        2 parents: [RouteParent];
        /// What it names in other namespaces, each as `namespace/Kind.group/name`; each needs a ReferenceGrant there.
        3 foreign_references: [string];
    }

    /// What is kept of a TLSRoute.
    TLSRouteAttributes {
        /// The server names that it is for; none: those of its listeners.
        1 hostnames: [string];
        /// What became of it at each parent.
        2 parents: [RouteParent];
        /// What it names in other namespaces, each as `namespace/Kind.group/name`; each needs a ReferenceGrant there.
        3 foreign_references: [string];
    }

    /// What is kept of a TCPRoute.
    TCPRouteAttributes {
        /// What became of it at each parent.
        1 parents: [RouteParent];
        /// What it names in other namespaces, each as `namespace/Kind.group/name`; each needs a ReferenceGrant there.
        2 foreign_references: [string];
    }

    /// What is kept of a UDPRoute.
    UDPRouteAttributes {
        /// What became of it at each parent.
        1 parents: [RouteParent];
        /// What it names in other namespaces, each as `namespace/Kind.group/name`; each needs a ReferenceGrant there.
        2 foreign_references: [string];
    }

    /// What became of a route at one of its parents, by one controller.
    RouteParent {
        /// The parent, as `[namespace/]Kind.group/name`.
        1 parent: string;
        /// The controller that says so.
        2 controller_name: string;
        /// Conditions: Accepted, ResolvedRefs.
        3 conditions: [Condition];
    }

    /// What is kept of a ReferenceGrant: who may refer to objects of its namespace from another one.
    ReferenceGrantAttributes {
        /// Who may refer, any one of them.
        1 from: [GrantFrom];
        /// To what, any one of them.
        2 to: [GrantTo];
    }

    /// Who may refer to objects of another namespace.
    GrantFrom as "ReferenceGrantFrom" {
        /// The kind, with group.
        1 from_kind: string = "fromKind";
        /// The namespace.
        2 from_namespace: string = "fromNamespace";
    }

    /// What may be referred to from another namespace.
    GrantTo as "ReferenceGrantTo" {
        /// The kind, with group.
        1 to_kind: string = "toKind";
        /// Only the object of this name; absent: all of them.
        2 to_name: string? = "toName";
    }

    /// What is kept of a BackendTLSPolicy: how a Gateway speaks TLS to a Service.
    BackendTLSPolicyAttributes {
        /// The name that the Service's certificate must have.
        1 hostname: string?;
        /// The certificates that are known without an object: System.
        2 well_known_ca_certificates: string? = "wellKnownCACertificates";
    }
}
