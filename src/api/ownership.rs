//! Who answers for assets, as callers see it: the claim that counts, its evidence, what contradicts it, and the rules.

mod pages;

pub use pages::{OwnedConnection, OwnerTally, counts};

use super::ask::Ask;
use super::asset::AssetNode;
use crate::query::QueryError;
use crate::query::ownership::application::{self, ApplicationSource as Tool};
use crate::query::ownership::book::{self, RuleOrigin, plain};
use crate::query::ownership::claims::{self, ClaimSource as Evidence, Level};
use crate::query::ownership::resolve::{self, ownerships};
use crate::store::Record;
use async_graphql::{Context, Enum, Object, SimpleObject};
use std::sync::Arc;

/// On what evidence an owner is named, strongest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "Evidence")]
pub enum OwnershipSource {
    /// A rule that somebody set by hand.
    Manual,
    /// A rule of a file, a catalog or a list.
    Rule,
    /// A label.
    Label,
    /// An annotation.
    Annotation,
    /// Label `app.kubernetes.io/part-of`: it names an application, not a team. Used only where nothing else is said.
    PartOf,
}

/// Where an owner is named, nearest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "Level")]
pub enum OwnershipLevel {
    /// On the object itself.
    Own,
    /// On a controller above it.
    Controller,
    /// On its namespace.
    Namespace,
    /// On its cluster.
    Cluster,
}

/// Who says that an asset belongs to an application.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "Tool")]
pub enum ApplicationSource {
    /// Label `app.kubernetes.io/part-of`.
    PartOf,
    /// Helm's annotations `meta.helm.sh/release-name` and `-namespace`.
    HelmRelease,
    /// Argo CD's annotation `argocd.argoproj.io/tracking-id`, where it is about this object.
    ArgoCd,
    /// Flux' labels `kustomize.toolkit.fluxcd.io/*`.
    FluxKustomization,
    /// Flux' labels `helm.toolkit.fluxcd.io/*`.
    FluxHelmRelease,
}

/// How an owner is reached.
#[derive(SimpleObject)]
pub struct Contact {
    /// The channel: email, slack, pager, link.
    channel: String,
    /// The address there.
    address: String,
}

impl Contact {
    /// How an owner is reached.
    pub fn of(ask: &Ask, owner: Option<&str>) -> Vec<Self> {
        let known = owner.map_or(&[][..], |owner| ask.book.contacts(owner));
        let contact = |c: &book::Contact| Self {
            channel: c.channel.clone(),
            address: c.address.clone(),
        };
        known.iter().map(contact).collect()
    }
}

/// Somebody who answers for assets.
#[derive(Clone)]
pub struct Owner(pub String);

/// Somebody who answers for assets.
#[Object]
impl Owner {
    /// The name, without what a Backstage reference adds: `group:default/payments` is `payments`.
    async fn name(&self) -> &str {
        plain(&self.0)
    }

    /// As it was written.
    async fn reference(&self) -> &str {
        &self.0
    }

    /// How they are reached, as catalogs and rule files say.
    async fn contacts(&self, ctx: &Context<'_>) -> Vec<Contact> {
        Contact::of(Ask::of(ctx), Some(&self.0))
    }
}

/// Somebody is named as the owner.
#[derive(SimpleObject)]
pub struct OwnershipClaim {
    /// Who.
    owner: Owner,
    /// On what evidence.
    source: OwnershipSource,
    /// How far from the asset.
    level: OwnershipLevel,
    /// The asset that says so: itself, a controller, its namespace or cluster.
    via: AssetNode,
    /// The evidence in words.
    evidence: String,
    /// The rule that says so.
    rule: Option<String>,
    /// It names an application, not a team.
    weak: bool,
    /// Its place among all claims: 1 counts, the others contradict it.
    rank: u32,
}

impl OwnershipClaim {
    fn new(claim: &claims::Claim, rank: usize) -> Self {
        Self {
            owner: Owner(claim.owner.clone()),
            source: claim.source.into(),
            level: claim.level.into(),
            via: AssetNode::new(Arc::clone(&claim.via)),
            evidence: claim.evidence.clone(),
            rule: claim.rule.clone(),
            weak: claim.is_weak(),
            rank: rank as u32,
        }
    }
}

/// An application that an asset belongs to.
#[derive(SimpleObject)]
pub struct Application {
    /// Who says so.
    source: ApplicationSource,
    /// Its name.
    name: String,
    /// The namespace of the tool's object; null where nobody says.
    namespace: Option<String>,
    /// The asset that says so.
    via: AssetNode,
}

/// Who answers for an asset.
pub struct Ownership(pub resolve::Ownership);

impl Ownership {
    /// Of one asset.
    pub async fn of(ctx: &Context<'_>, record: &Arc<Record>) -> Result<Self, QueryError> {
        let ask = Ask::of(ctx);
        let one = [Arc::clone(record)];
        let mut found = ownerships(ask.graph().await, &ask.book, &one).await?;
        Ok(Self(found.pop().unwrap_or_default()))
    }
}

/// Who answers for an asset, with the evidence and what contradicts it.
#[Object]
impl Ownership {
    /// Who; null where no level names anybody.
    async fn owner(&self) -> Option<Owner> {
        self.0.claim.as_ref().map(|c| Owner(c.owner.clone()))
    }

    /// The claim that counts: the nearest level's strongest; a weak one only where there is no other.
    async fn claim(&self) -> Option<OwnershipClaim> {
        self.0.claim.as_ref().map(|c| OwnershipClaim::new(c, 1))
    }

    /// Claims that name somebody else, strongest first.
    async fn conflicts(&self) -> Vec<OwnershipClaim> {
        let ranked = self.0.conflicts.iter().zip(2..);
        ranked.map(|(c, rank)| OwnershipClaim::new(c, rank)).collect()
    }

    /// The controllers above it by owner references, nearest first.
    async fn controllers(&self) -> Vec<AssetNode> {
        let all = self.0.controllers.iter().map(Arc::clone);
        all.map(AssetNode::new).collect()
    }

    /// The applications that it belongs to, as the tools that deploy it say.
    async fn applications(&self) -> Vec<Application> {
        let application = |a: &application::Application| Application {
            source: a.source.into(),
            name: a.name.clone(),
            namespace: a.namespace.clone(),
            via: AssetNode::new(Arc::clone(&a.via)),
        };
        self.0.applications.iter().map(application).collect()
    }
}

/// A label that an asset must have.
#[derive(SimpleObject)]
pub struct LabelMatch {
    /// The key.
    key: String,
    /// The value; `*` or nothing takes any.
    value: String,
}

/// Which assets a rule is about. All that is given must hold; `*` stands for any text.
#[derive(SimpleObject)]
pub struct OwnershipMatch {
    /// One asset by its id.
    id: Option<async_graphql::ID>,
    /// The cluster's configured name.
    cluster: Option<String>,
    /// The kind, with or without its group.
    kind: Option<String>,
    /// The namespace.
    namespace: Option<String>,
    /// The name.
    name: Option<String>,
    /// Labels.
    labels: Vec<LabelMatch>,
}

/// A rule that says whose assets are.
#[derive(SimpleObject)]
pub struct OwnershipRule {
    /// Its name.
    name: String,
    /// Higher is stronger; rules set by hand come before those of files.
    priority: i64,
    /// Which assets.
    r#match: OwnershipMatch,
    /// Whose they are.
    owner: Owner,
    /// The file it was read from; null where it was set by hand.
    file: Option<String>,
    /// Why, as whoever set it says.
    reason: Option<String>,
}

impl OwnershipRule {
    /// As callers see it.
    pub fn new(rule: &book::Rule) -> Self {
        let m = &rule.matching;
        let label = |(key, value): (&String, &String)| LabelMatch {
            key: key.clone(),
            value: value.clone(),
        };
        Self {
            name: rule.name.clone(),
            priority: rule.priority,
            r#match: OwnershipMatch {
                id: m.id.map(|id| async_graphql::ID(id.to_string())),
                cluster: m.cluster.clone(),
                kind: m.kind.clone(),
                namespace: m.namespace.clone(),
                name: m.name.clone(),
                labels: m.labels.iter().map(label).collect(),
            },
            owner: Owner(rule.owner.clone()),
            file: match &rule.origin {
                RuleOrigin::File(file) => Some(file.clone()),
                RuleOrigin::Manual => None,
            },
            reason: rule.reason.clone(),
        }
    }
}
