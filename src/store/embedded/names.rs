//! Who the numbers of the file are: assets and relations, looked up once each. Knows nothing of what is asked.

use super::load::relation_numbers;
use super::past::Fault;
use super::rows::kind_of;
use super::state::State;
use planisphere_schema::{AssetId, AssetRef};
use rusqlite::{Connection, OptionalExtension, params};
use std::collections::HashMap;

/// The names behind the numbers of a file.
pub(super) struct Names<'a> {
    connection: &'a Connection,
    relations: HashMap<i64, u8>,
    assets: HashMap<u32, AssetRef>,
}

impl<'a> Names<'a> {
    pub(super) fn new(connection: &'a Connection) -> Result<Self, Fault> {
        Ok(Self {
            connection,
            relations: relation_numbers(connection)?,
            assets: HashMap::new(),
        })
    }

    /// Our number of a relation.
    pub(super) fn relation(&self, number: i64) -> Result<u8, Fault> {
        let found = self.relations.get(&number).copied();
        found.ok_or_else(|| Fault::wrong(format!("relation {number} is none that this program knows")))
    }

    /// The asset of a number.
    pub(super) fn reference(&mut self, state: &State, pk: u32) -> Result<AssetRef, Fault> {
        if let Some(known) = self.assets.get(&pk) {
            return Ok(known.clone());
        }
        let row = self
            .connection
            .prepare_cached(
                "SELECT i.shard, k.name, i.namespace, i.name FROM identity i JOIN kind k ON k.id = i.kind WHERE i.pk = ?1",
            )?
            .query_row(params![pk], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
            })
            .optional()?;
        let Some((shard, kind, namespace, name)): Option<(u32, String, String, String)> = row else {
            return Err(Fault::wrong(format!("asset {pk} has no identity")));
        };
        let cluster = state.cluster(shard.wrapping_sub(1));
        let cluster = cluster.ok_or_else(|| Fault::wrong(format!("asset {pk} is of no cluster")))?;
        let reference = AssetRef::new(cluster.id, kind_of(&kind), &namespace, &name);
        self.assets.insert(pk, reference.clone());
        Ok(reference)
    }

    /// The name of an asset that was looked up before.
    pub(super) fn name(&self, pk: u32) -> Result<Box<str>, Fault> {
        let known = self.assets.get(&pk);
        let known = known.ok_or_else(|| Fault::wrong(format!("asset {pk} has no name")))?;
        Ok(known.key().name.clone())
    }
}

/// The number of an asset, where the file has met it.
pub(super) fn number_of(connection: &Connection, id: AssetId) -> rusqlite::Result<Option<u32>> {
    connection
        .prepare_cached("SELECT pk FROM identity WHERE id = ?1")?
        .query_row(params![&id.0.as_bytes()[..]], |row| row.get(0))
        .optional()
}
