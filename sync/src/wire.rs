//! Kubernetes objects as far as we read them: one slim struct a kind that carries both encodings, serde for JSON and
//! prost for Kubernetes' own protobuf, with the field numbers of its published generated.proto files.
//! What has no field here is skipped by the decoder and never built: values, arguments, managedFields.
//! This room knows encodings only; what a field means is the business of `extract`.

pub(crate) mod admission;
pub(crate) mod cluster;
pub(crate) mod container;
pub(crate) mod device;
pub(crate) mod extension;
pub(crate) mod limits;
pub(crate) mod meta;
pub(crate) mod network;
pub(crate) mod placement;
pub(crate) mod pod;
pub(crate) mod policy;
pub(crate) mod rbac;
pub(crate) mod scalar;
pub(crate) mod storage;
pub(crate) mod volume;
pub(crate) mod workload;

pub(crate) use admission::*;
pub(crate) use cluster::*;
pub(crate) use container::*;
pub(crate) use device::*;
pub(crate) use extension::*;
pub(crate) use limits::*;
pub(crate) use meta::*;
pub(crate) use network::*;
pub(crate) use placement::*;
pub(crate) use pod::*;
pub(crate) use policy::*;
pub(crate) use rbac::*;
pub(crate) use scalar::*;
pub(crate) use storage::*;
pub(crate) use volume::*;
pub(crate) use workload::*;

use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

/// Writes structs with both encodings, one line a field: `number name: type;`, or `number name: type = "jsonName";` where
/// the JSON name is not the camel case of `name`. Types: `string`, `bool`, `int32`, each also with `?` where absent and
/// empty differ; `int64`, also with `?`; `[string]`; `labels` (a map of strings); `amounts` (a map of quantities); `annotations` (of the
/// allow-list); `local_name` (an inlined LocalObjectReference); and messages `T`, `T?`, `[T]`.
/// An explicit null in JSON reads as absent for every field.
macro_rules! wire {
    ($($(#[$meta:meta])* $name:ident { $($fields:tt)* })*) => {
        $(wire!(@fields [$(#[$meta])* $name] [] $($fields)*);)*
    };
    (@fields [$(#[$meta:meta])* $name:ident] [$($done:tt)*]) => {
        $(#[$meta])*
        #[derive(Clone, PartialEq, prost::Message, serde::Deserialize)]
        #[serde(default, rename_all = "camelCase")]
        pub(crate) struct $name { $($done)* }
    };
    (@push $head:tt [$($done:tt)*] $tag:tt $field:ident [$($prost:tt)*] ($type:ty) $read:literal [$($json:tt)?] $($rest:tt)*) => {
        wire!(@fields $head [
            $($done)*
            #[prost($($prost)*, tag = $tag)]
            #[serde(deserialize_with = $read $(, rename = $json)?)]
            pub(crate) $field: $type,
        ] $($rest)*);
    };
    (@fields $h:tt $d:tt $n:tt $f:ident: string $(= $j:tt)?; $($r:tt)*) => {
        wire!(@push $h $d $n $f [string] (String) "crate::wire::nullable" [$($j)?] $($r)*);
    };
    (@fields $h:tt $d:tt $n:tt $f:ident: string? $(= $j:tt)?; $($r:tt)*) => {
        wire!(@push $h $d $n $f [string, optional] (Option<String>) "crate::wire::nullable" [$($j)?] $($r)*);
    };
    (@fields $h:tt $d:tt $n:tt $f:ident: [string] $(= $j:tt)?; $($r:tt)*) => {
        wire!(@push $h $d $n $f [string, repeated] (Vec<String>) "crate::wire::nullable" [$($j)?] $($r)*);
    };
    (@fields $h:tt $d:tt $n:tt $f:ident: bool $(= $j:tt)?; $($r:tt)*) => {
        wire!(@push $h $d $n $f [bool] (bool) "crate::wire::nullable" [$($j)?] $($r)*);
    };
    (@fields $h:tt $d:tt $n:tt $f:ident: bool? $(= $j:tt)?; $($r:tt)*) => {
        wire!(@push $h $d $n $f [bool, optional] (Option<bool>) "crate::wire::nullable" [$($j)?] $($r)*);
    };
    (@fields $h:tt $d:tt $n:tt $f:ident: int32 $(= $j:tt)?; $($r:tt)*) => {
        wire!(@push $h $d $n $f [int32] (i32) "crate::wire::nullable" [$($j)?] $($r)*);
    };
    (@fields $h:tt $d:tt $n:tt $f:ident: int32? $(= $j:tt)?; $($r:tt)*) => {
        wire!(@push $h $d $n $f [int32, optional] (Option<i32>) "crate::wire::nullable" [$($j)?] $($r)*);
    };
    (@fields $h:tt $d:tt $n:tt $f:ident: int64? $(= $j:tt)?; $($r:tt)*) => {
        wire!(@push $h $d $n $f [int64, optional] (Option<i64>) "crate::wire::nullable" [$($j)?] $($r)*);
    };
    (@fields $h:tt $d:tt $n:tt $f:ident: int64 $(= $j:tt)?; $($r:tt)*) => {
        wire!(@push $h $d $n $f [int64] (i64) "crate::wire::nullable" [$($j)?] $($r)*);
    };
    (@fields $h:tt $d:tt $n:tt $f:ident: labels $(= $j:tt)?; $($r:tt)*) => {
        wire!(@push $h $d $n $f [message, repeated] (Vec<planisphere_schema::Label>)
            "crate::wire::scalar::labels" [$($j)?] $($r)*);
    };
    (@fields $h:tt $d:tt $n:tt $f:ident: amounts $(= $j:tt)?; $($r:tt)*) => {
        wire!(@push $h $d $n $f [message, repeated] (Vec<crate::wire::Amount>)
            "crate::wire::scalar::amounts" [$($j)?] $($r)*);
    };
    (@fields $h:tt $d:tt $n:tt $f:ident: annotations $(= $j:tt)?; $($r:tt)*) => {
        wire!(@push $h $d $n $f [message, repeated] (Vec<crate::wire::Annotation>)
            "crate::wire::meta::annotations" [$($j)?] $($r)*);
    };
    // prost reads `String` as a message with a string in field 1, which a LocalObjectReference is.
    (@fields $h:tt $d:tt $n:tt $f:ident: local_name $(= $j:tt)?; $($r:tt)*) => {
        wire!(@push $h $d $n $f [message, required] (String) "crate::wire::nullable" [$($j)?] $($r)*);
    };
    (@fields $h:tt $d:tt $n:tt $f:ident: [$t:ty] $(= $j:tt)?; $($r:tt)*) => {
        wire!(@push $h $d $n $f [message, repeated] (Vec<$t>) "crate::wire::nullable" [$($j)?] $($r)*);
    };
    (@fields $h:tt $d:tt $n:tt $f:ident: $t:ident? $(= $j:tt)?; $($r:tt)*) => {
        wire!(@push $h $d $n $f [message, optional] (Option<$t>) "crate::wire::nullable" [$($j)?] $($r)*);
    };
    (@fields $h:tt $d:tt $n:tt $f:ident: $t:ident $(= $j:tt)?; $($r:tt)*) => {
        wire!(@push $h $d $n $f [message, required] ($t) "crate::wire::nullable" [$($j)?] $($r)*);
    };
}
pub(crate) use wire;

wire! {
    /// Something whose presence is all that is read.
    Present {}
}

/// Reads a JSON value, null as absent.
pub(crate) fn nullable<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(
    d: D,
) -> Result<T, D::Error> {
    Ok(Option::<T>::deserialize(d)?.unwrap_or_default())
}

/// Reads one JSON object as two structs: Go's JSON inlines an embedded struct whose protobuf form is a message of its own.
pub(crate) fn inlined<'de, D, A, B>(d: D) -> Result<(A, B), D::Error>
where
    D: Deserializer<'de>,
    A: Deserialize<'de>,
    B: Deserialize<'de>,
{
    let raw = <&'de RawValue>::deserialize(d)?.get();
    let read = |e: serde_json::Error| serde::de::Error::custom(e);
    Ok((
        serde_json::from_str(raw).map_err(read)?,
        serde_json::from_str(raw).map_err(read)?,
    ))
}
