//! Values whose JSON and protobuf forms differ: quantities, numbers that may be names, and maps.
//! A protobuf map is a list of entries {1: key, 2: value}, so a list of entries is what both encodings read into.

use super::wire;
use planisphere_schema::Label;
use serde::de::{DeserializeOwned, Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use std::fmt;
use std::marker::PhantomData;

/// A resource quantity as it is written; JSON has it as a string or a number.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Quantity {
    #[prost(string, tag = 1)]
    pub(crate) text: String,
}

wire! {
    /// A resource with its quantity.
    Amount {
        1 key: string;
        2 value: Quantity;
    }
}

/// A number or a name. Field 1 tells which: 0 the number, 1 the name.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct IntOrString {
    #[prost(int64, tag = 1)]
    is_string: i64,
    #[prost(int32, tag = 2)]
    number: i32,
    #[prost(string, tag = 3)]
    string: String,
}

impl IntOrString {
    /// As text; none for the zero value, which is how Kubernetes writes "not set".
    pub(crate) fn into_text(self) -> Option<String> {
        match (self.is_string, self.number) {
            (0, 0) => None,
            (0, number) => Some(number.to_string()),
            _ => Some(self.string).filter(|s| !s.is_empty()),
        }
    }
}

impl<'de> Deserialize<'de> for Quantity {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct Text;
        impl Visitor<'_> for Text {
            type Value = Quantity;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a quantity")
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<Quantity, E> {
                Ok(Quantity {
                    text: text.to_owned(),
                })
            }
            fn visit_u64<E: Error>(self, number: u64) -> Result<Quantity, E> {
                Ok(Quantity {
                    text: number.to_string(),
                })
            }
            fn visit_i64<E: Error>(self, number: i64) -> Result<Quantity, E> {
                Ok(Quantity {
                    text: number.to_string(),
                })
            }
            fn visit_f64<E: Error>(self, number: f64) -> Result<Quantity, E> {
                Ok(Quantity {
                    text: number.to_string(),
                })
            }
        }
        d.deserialize_any(Text)
    }
}

impl<'de> Deserialize<'de> for IntOrString {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct Either;
        impl Visitor<'_> for Either {
            type Value = IntOrString;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number of 32 bits or a name")
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<IntOrString, E> {
                Ok(IntOrString {
                    is_string: 1,
                    number: 0,
                    string: text.to_owned(),
                })
            }
            fn visit_u64<E: Error>(self, number: u64) -> Result<IntOrString, E> {
                let number = i64::try_from(number).map_err(|_| out_of_range())?;
                self.visit_i64(number)
            }
            fn visit_i64<E: Error>(self, number: i64) -> Result<IntOrString, E> {
                let number = i32::try_from(number).map_err(|_| out_of_range())?;
                Ok(IntOrString {
                    is_string: 0,
                    number,
                    string: String::new(),
                })
            }
        }
        fn out_of_range<E: Error>() -> E {
            E::custom("out of range, expected a number of 32 bits")
        }
        d.deserialize_any(Either)
    }
}

/// Reads a JSON object of strings.
pub(crate) fn labels<'de, D: Deserializer<'de>>(d: D) -> Result<Vec<Label>, D::Error> {
    entries(d, |key, value: Option<String>| Label {
        key,
        value: value.unwrap_or_default(),
    })
}

/// Reads a JSON object of quantities.
pub(crate) fn amounts<'de, D: Deserializer<'de>>(d: D) -> Result<Vec<Amount>, D::Error> {
    entries(d, |key, value: Option<Quantity>| Amount {
        key,
        value: value.unwrap_or_default(),
    })
}

fn entries<'de, D, V, E>(d: D, entry: fn(String, V) -> E) -> Result<Vec<E>, D::Error>
where
    D: Deserializer<'de>,
    V: DeserializeOwned,
{
    struct Entries<V, E>(fn(String, V) -> E, PhantomData<V>);
    impl<'de, V: DeserializeOwned, E> Visitor<'de> for Entries<V, E> {
        type Value = Vec<E>;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }
        fn visit_unit<X: Error>(self) -> Result<Self::Value, X> {
            Ok(Vec::new())
        }
        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut entries = Vec::new();
            while let Some((key, value)) = map.next_entry()? {
                entries.push((self.0)(key, value));
            }
            Ok(entries)
        }
    }
    d.deserialize_any(Entries(entry, PhantomData))
}
