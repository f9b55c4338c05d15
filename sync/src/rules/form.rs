//! Rules as they are written. Unknown keys are mistakes, told with the place where they stand.

use super::error::Faults;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// A rule as it is written, its parts still to be read.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct RuleForm {
    /// Its name.
    pub(super) name: String,
    /// What it is for: words for people.
    #[serde(default, rename = "description")]
    _description: Option<String>,
    /// The objects that it is about.
    pub(super) kind: String,
    #[serde(default)]
    pub(super) when: Vec<Value>,
    #[serde(default)]
    pub(super) attributes: Vec<Value>,
    #[serde(default)]
    pub(super) relations: Vec<Value>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct WhenForm {
    pub(super) path: String,
    #[serde(default)]
    pub(super) exists: Option<bool>,
    #[serde(default)]
    pub(super) equals: Option<String>,
    #[serde(default)]
    pub(super) one_of: Option<Vec<String>>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct AttributeForm {
    pub(super) name: String,
    pub(super) path: String,
    #[serde(rename = "type")]
    pub(super) of: TypeForm,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum TypeForm {
    String,
    Number,
    Bool,
    Quantity,
    Timestamp,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct RelationForm {
    pub(super) relation: String,
    #[serde(default)]
    pub(super) label: Option<String>,
    pub(super) path: String,
    #[serde(default, rename = "ref")]
    pub(super) is_ref: bool,
    #[serde(default)]
    pub(super) kind: Option<String>,
    #[serde(default)]
    pub(super) group: Option<String>,
    #[serde(default)]
    pub(super) kind_path: Option<String>,
    #[serde(default)]
    pub(super) namespace: Option<NamespaceForm>,
    #[serde(default)]
    pub(super) patterns: Vec<String>,
    #[serde(default)]
    pub(super) except: Vec<String>,
    #[serde(default)]
    pub(super) or_own_name: bool,
    #[serde(default)]
    pub(super) image: Option<ImageForm>,
    #[serde(default)]
    pub(super) when: Vec<Value>,
}

/// Where an object says which image it speaks of: paths from the place of the reference on.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct ImageForm {
    pub(super) digest: String,
    #[serde(default)]
    pub(super) repository: Option<String>,
    #[serde(default)]
    pub(super) registry: Option<String>,
}

/// `own`, `none`, `{fixed: NAME}` or `{path: PATH}`.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum NamespaceForm {
    Own,
    None,
    Fixed(String),
    Path(String),
}

/// Reads a part of a rule; none with the mistake noted.
pub(super) fn part<T: DeserializeOwned>(value: &Value, place: &str, faults: &mut Faults<'_>) -> Option<T> {
    match serde_json::from_value(value.clone()) {
        Ok(part) => Some(part),
        Err(error) => {
            faults.add(place, error.to_string());
            None
        }
    }
}
