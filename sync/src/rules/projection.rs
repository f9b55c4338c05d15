//! A projection: the paths of an object that rules name, and a reader that builds those and skips everything else. What
//! no rule names never becomes a value in this process.

use super::path::{Path, Step};
use crate::wire::ObjectMeta;
use serde::Deserializer;
use serde::de::{DeserializeSeed, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::fmt;

/// The longest text that is kept, in bytes. A longer one is cut one byte behind this, so that it can be told.
pub(crate) const TEXT_MAX: usize = 1_024;
/// Items of one list that are looked at.
const ITEMS_MAX: usize = 10_000;

/// Which parts of an object are read.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Projection(Node);

#[derive(Clone, Debug, Default, PartialEq)]
struct Node {
    /// A value itself is wanted here.
    wanted: bool,
    keys: BTreeMap<String, Node>,
    each: Option<Box<Node>>,
}

/// An object as far as a projection reads it.
#[derive(Debug, Default)]
pub(crate) struct Picked {
    pub(crate) metadata: Option<ObjectMeta>,
    pub(crate) body: Value,
}

impl Projection {
    /// Also reads what stands at a path, or of the object there these fields.
    pub(super) fn add(&mut self, path: &Path, fields: &[&str]) {
        // Labels and names are read with the metadata of every object.
        if path.is_metadata() && path.annotation().is_none() {
            return;
        }
        let mut node = &mut self.0;
        for step in path.steps() {
            node = match step {
                Step::Key(key) => node.keys.entry(key.clone()).or_default(),
                Step::Each => node.each.get_or_insert_default(),
            };
        }
        match fields {
            [] => node.wanted = true,
            _ => fields.iter().for_each(|field| {
                node.keys.entry((*field).to_owned()).or_default().wanted = true;
            }),
        }
    }

    /// Also reads the conditions that most custom resources have.
    pub(super) fn add_conditions(&mut self) {
        if let Ok(path) = Path::parse("status.conditions[*]") {
            self.add(&path, &["type", "status", "reason", "lastTransitionTime"]);
        }
    }

    /// To be called when all is added: a key that a wildcard matches too is read for both.
    pub(super) fn finish(&mut self) {
        self.0.finish();
    }

    /// Reads an object.
    pub(crate) fn read(&self, object: &[u8]) -> serde_json::Result<Picked> {
        let mut json = serde_json::Deserializer::from_slice(object);
        let picked = json.deserialize_map(Top(&self.0))?;
        json.end()?;
        Ok(picked)
    }
}

impl Node {
    fn finish(&mut self) {
        if let Some(each) = &mut self.each {
            each.finish();
            for node in self.keys.values_mut() {
                node.merge(each);
            }
        }
        self.keys.values_mut().for_each(Node::finish);
    }

    fn merge(&mut self, other: &Node) {
        self.wanted |= other.wanted;
        for (key, node) in &other.keys {
            self.keys.entry(key.clone()).or_default().merge(node);
        }
        if let Some(each) = &other.each {
            self.each.get_or_insert_default().merge(each);
        }
    }

    fn at(&self, key: &str) -> Option<&Node> {
        self.keys.get(key).or(self.each.as_deref())
    }
}

/// The object itself.
struct Top<'n>(&'n Node);

impl<'de> Visitor<'de> for Top<'_> {
    type Value = Picked;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Picked, A::Error> {
        let mut picked = Picked::default();
        let mut body = Map::new();
        while let Some(key) = map.next_key::<String>()? {
            if key == "metadata" {
                let raw = map
                    .next_value::<Option<&'de RawValue>>()?
                    .map_or("{}", RawValue::get);
                let metadata = serde_json::from_str(raw).map_err(|e| A::Error::custom(Fault(e)))?;
                picked.metadata = Some(metadata);
                if let Some(node) = self.0.at("metadata") {
                    let mut json = serde_json::Deserializer::from_str(raw);
                    body.insert(
                        key,
                        Pick(node)
                            .deserialize(&mut json)
                            .map_err(|e| A::Error::custom(Fault(e)))?,
                    );
                }
            } else if let Some(node) = self.0.at(&key) {
                body.insert(key, map.next_value_seed(Pick(node))?);
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        picked.body = Value::Object(body);
        Ok(picked)
    }
}

/// An error on the way out of a part that was read by itself, without its own position in it.
struct Fault(serde_json::Error);

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.0.to_string();
        f.write_str(
            text.rsplit_once(" at line ")
                .map_or(text.as_str(), |(words, _)| words),
        )
    }
}

/// One value. What is of another shape than the paths expect becomes an empty or false value of its own shape, which is
/// how whoever walks it finds out.
struct Pick<'n>(&'n Node);

impl<'de> DeserializeSeed<'de> for Pick<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, d: D) -> Result<Value, D::Error> {
        d.deserialize_any(self)
    }
}

impl Pick<'_> {
    fn scalar(&self, value: impl FnOnce() -> Value) -> Value {
        if self.0.wanted {
            value()
        } else {
            Value::Bool(false)
        }
    }
}

impl<'de> Visitor<'de> for Pick<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(self.scalar(|| Value::Bool(value)))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(self.scalar(|| value.into()))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        Ok(self.scalar(|| value.into()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Ok(self.scalar(|| value.into()))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Value, E> {
        Ok(self.scalar(|| text[..text.ceil_char_boundary(TEXT_MAX + 1)].into()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        let each = self.0.each.as_deref();
        while let Some(node) = each.filter(|_| items.len() < ITEMS_MAX) {
            match seq.next_element_seed(Pick(node))? {
                Some(item) => items.push(item),
                None => return Ok(Value::Array(items)),
            }
        }
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut fields = Map::new();
        while let Some(key) = map.next_key::<String>()? {
            match self.0.at(&key).filter(|_| fields.len() < ITEMS_MAX) {
                Some(node) => {
                    let value = map.next_value_seed(Pick(node))?;
                    fields.insert(key, value);
                }
                None => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(Value::Object(fields))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use serde_json::json;

    fn picked(paths: &[&str], object: Value) -> Value {
        let mut projection = Projection::default();
        for path in paths {
            projection.add(&Path::parse(path).unwrap(), &[]);
        }
        projection.finish();
        projection.read(object.to_string().as_bytes()).unwrap().body
    }

    #[test]
    fn only_what_is_named_is_built() {
        let object = json!({"metadata": {"name": "x"}, "spec": {"a": 1, "b": {"c": "in", "d": "hunter2"},
            "list": [{"e": "one", "f": "hunter2"}, {"e": ["hunter2"]}, "hunter2"]}, "data": {"x": "hunter2"}});
        let body = picked(&["spec.b.c", "spec.list[*].e"], object);
        assert_eq!(
            body,
            json!({"spec": {"b": {"c": "in"}, "list": [{"e": "one"}, {"e": []}, false]}})
        );
    }

    #[test]
    fn a_key_and_a_wildcard_over_it_are_both_read() {
        let object = json!({"spec": {"m": {"a": {"x": 1, "y": 2}, "b": {"x": 3, "y": 4}}}});
        let body = picked(&["spec.m.a.y", "spec.m[*].x"], object);
        assert_eq!(
            body,
            json!({"spec": {"m": {"a": {"x": 1, "y": 2}, "b": {"x": 3}}}})
        );
    }

    #[test]
    fn long_texts_are_cut_where_it_can_be_told_and_deep_ones_are_skipped() {
        let object = json!({"spec": {"a": "ü".repeat(5_000)}});
        let body = picked(&["spec.a"], object);
        let text = body["spec"]["a"].as_str().unwrap();
        assert!(text.len() > TEXT_MAX && text.len() < TEXT_MAX + 4);
        let deep = format!(
            r#"{{"spec": {{"z": {}1{}, "a": "x"}}}}"#,
            "[".repeat(100),
            "]".repeat(100)
        );
        let mut projection = Projection::default();
        projection.add(&Path::parse("spec.a").unwrap(), &[]);
        assert_eq!(
            projection.read(deep.as_bytes()).unwrap().body,
            json!({"spec": {"a": "x"}})
        );
    }
}
