//! How the structs of attributes are written: one line a field, with its number, so that what a kind keeps reads as a
//! table. It knows the forms of fields only, never a kind.

/// Writes attribute structs: one line of `/// doc` and `number name: type;` a field, or `number name: type = "jsonName";` where the name
/// is not the camel case of `name`; `Name as "GraphqlName"` where the type is called otherwise. Types: `string`, `bool`,
/// `int`, each also with `?` where absent and empty differ; `[string]`, `[int]`; and messages `T?`, `[T]`.
macro_rules! kept {
    ($($(#[$meta:meta])* $name:ident $(as $type:literal)? { $($fields:tt)* })*) => {
        $(kept!(@fields [$(#[$meta])* $name [$($type)?]] [] $($fields)*);)*
    };
    (@fields [$(#[$meta:meta])* $name:ident [$($type:literal)?]] [$($done:tt)*]) => {
        $(#[$meta])*
        #[derive(Clone, PartialEq, serde::Serialize, prost::Message)]
        #[serde(rename_all = "camelCase")]
        #[cfg_attr(feature = "graphql", derive(async_graphql::SimpleObject))]
        $(#[cfg_attr(feature = "graphql", graphql(name = $type))])?
        pub struct $name { $($done)* }
    };
    (@push $head:tt [$($done:tt)*] [#[$doc:meta]] $tag:tt $field:ident [$($prost:tt)*] ($type:ty) [$($json:tt)?] $($rest:tt)*) => {
        kept!(@fields $head [
            $($done)*
            #[$doc]
            $(#[serde(rename = $json)] #[cfg_attr(feature = "graphql", graphql(name = $json))])?
            #[prost($($prost)*, tag = $tag)]
            pub $field: $type,
        ] $($rest)*);
    };
    (@fields $h:tt $d:tt #[$doc:meta] $n:tt $f:ident: string $(= $j:tt)?; $($r:tt)*) => {
        kept!(@push $h $d [#[$doc]] $n $f [string] (String) [$($j)?] $($r)*);
    };
    (@fields $h:tt $d:tt #[$doc:meta] $n:tt $f:ident: bool $(= $j:tt)?; $($r:tt)*) => {
        kept!(@push $h $d [#[$doc]] $n $f [bool] (bool) [$($j)?] $($r)*);
    };
    (@fields $h:tt $d:tt #[$doc:meta] $n:tt $f:ident: int $(= $j:tt)?; $($r:tt)*) => {
        kept!(@push $h $d [#[$doc]] $n $f [int32] (i32) [$($j)?] $($r)*);
    };
    (@fields $h:tt $d:tt #[$doc:meta] $n:tt $f:ident: [string] $(= $j:tt)?; $($r:tt)*) => {
        kept!(@push $h $d [#[$doc]] $n $f [string, repeated] (Vec<String>) [$($j)?] $($r)*);
    };
    (@fields $h:tt $d:tt #[$doc:meta] $n:tt $f:ident: [int] $(= $j:tt)?; $($r:tt)*) => {
        kept!(@push $h $d [#[$doc]] $n $f [int32, repeated] (Vec<i32>) [$($j)?] $($r)*);
    };
    (@fields $h:tt $d:tt #[$doc:meta] $n:tt $f:ident: [$t:ty] $(= $j:tt)?; $($r:tt)*) => {
        kept!(@push $h $d [#[$doc]] $n $f [message, repeated] (Vec<$t>) [$($j)?] $($r)*);
    };
    (@fields $h:tt $d:tt #[$doc:meta] $n:tt $f:ident: string? $(= $j:tt)?; $($r:tt)*) => {
        kept!(@push $h $d [#[$doc]] $n $f [message, optional] (Option<String>) [$($j)?] $($r)*);
    };
    (@fields $h:tt $d:tt #[$doc:meta] $n:tt $f:ident: int? $(= $j:tt)?; $($r:tt)*) => {
        kept!(@push $h $d [#[$doc]] $n $f [message, optional] (Option<i32>) [$($j)?] $($r)*);
    };
    (@fields $h:tt $d:tt #[$doc:meta] $n:tt $f:ident: $t:ident? $(= $j:tt)?; $($r:tt)*) => {
        kept!(@push $h $d [#[$doc]] $n $f [message, optional] (Option<$t>) [$($j)?] $($r)*);
    };
}
pub(crate) use kept;
