//! What is kept of a custom resource: its conditions, and the fields that rules name. Knows no rule.

use super::Condition;
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

/// What is kept of a custom resource.
#[derive(Clone, PartialEq, Serialize, prost::Message)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "graphql", derive(async_graphql::SimpleObject), graphql(complex))]
pub struct CustomAttributes {
    /// Its conditions, without their messages.
    // High numbers: where a kind gets a row of its own later, that row's struct skips what was kept of it before.
    #[prost(message, repeated, tag = "1001")]
    pub conditions: Vec<Condition>,
    /// The fields that rules name, sorted by name.
    #[serde(serialize_with = "as_object")]
    #[cfg_attr(feature = "graphql", graphql(skip))]
    #[prost(message, repeated, tag = "1002")]
    pub fields: Vec<CustomField>,
}

/// One field that a rule names, with its values as text.
#[derive(Clone, PartialEq, prost::Message)]
pub struct CustomField {
    /// The name that the rule gives it.
    #[prost(string, tag = "1")]
    pub name: String,
    /// What its values are.
    #[prost(enumeration = "FieldType", tag = "2")]
    pub of: i32,
    /// Whether its path may lead to many values.
    #[prost(bool, tag = "3")]
    pub many: bool,
    /// The values, in the object's order.
    #[prost(string, repeated, tag = "4")]
    pub values: Vec<String>,
}

/// What the values of a field are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration)]
#[repr(i32)]
pub enum FieldType {
    /// A text.
    String = 0,
    /// A number.
    Number = 1,
    /// True or false.
    Bool = 2,
    /// A Kubernetes quantity, as it is written: `500m`, `2Gi`.
    Quantity = 3,
    /// An instant, in RFC 3339 and UTC.
    Timestamp = 4,
}

impl CustomAttributes {
    /// The field of this name.
    pub fn field(&self, name: &str) -> Option<&CustomField> {
        self.fields.iter().find(|f| f.name == name)
    }

    /// The fields as a JSON object: typed values by name, lists where a path may lead to many.
    pub fn fields_json(&self) -> Value {
        let named = self.fields.iter().map(|f| (f.name.clone(), f.to_json()));
        Value::Object(named.collect::<Map<_, _>>())
    }
}

impl CustomField {
    /// Its value or values as JSON.
    pub fn to_json(&self) -> Value {
        let value = |text: &String| match self.of() {
            FieldType::Number | FieldType::Bool => {
                serde_json::from_str(text).unwrap_or_else(|_| Value::from(text.as_str()))
            }
            FieldType::String | FieldType::Quantity | FieldType::Timestamp => Value::from(text.as_str()),
        };
        match (self.many, self.values.first()) {
            (true, _) => self.values.iter().map(value).collect(),
            (false, Some(text)) => value(text),
            (false, None) => Value::Null,
        }
    }
}

fn as_object<S: Serializer>(fields: &[CustomField], s: S) -> Result<S::Ok, S::Error> {
    s.collect_map(fields.iter().map(|f| (&f.name, f.to_json())))
}

#[cfg(feature = "graphql")]
#[async_graphql::ComplexObject]
impl CustomAttributes {
    /// The fields that rules name, as a JSON object: typed values by name, lists where a rule's path has a wildcard.
    async fn fields(&self) -> async_graphql::Json<Value> {
        async_graphql::Json(self.fields_json())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_typed_in_json() {
        let field = |name: &str, of: FieldType, many: bool, values: &[&str]| CustomField {
            name: name.into(),
            of: of.into(),
            many,
            values: values.iter().map(|v| (*v).to_owned()).collect(),
        };
        let kept = CustomAttributes {
            conditions: Vec::new(),
            fields: vec![
                field("size", FieldType::Number, false, &["3"]),
                field("on", FieldType::Bool, false, &["true"]),
                field("memory", FieldType::Quantity, false, &["2Gi"]),
                field("names", FieldType::String, true, &["a", "7"]),
            ],
        };
        let json = serde_json::json!({"size": 3, "on": true, "memory": "2Gi", "names": ["a", "7"]});
        assert_eq!(kept.fields_json(), json);
        assert_eq!(crate::Attributes::from(kept).to_json()["fields"], json);
    }
}
