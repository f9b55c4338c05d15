//! What is kept of an asset that is known by its name alone: nothing. It exists because others name it.

use serde::Serialize;

/// Nothing.
#[derive(Clone, PartialEq, Serialize, prost::Message)]
pub struct NameOnly {}

#[cfg(feature = "graphql")]
mod graphql {
    use super::NameOnly;
    use async_graphql::parser::types::Field;
    use async_graphql::registry::Registry;
    use async_graphql::{
        ContainerType, Context, ContextSelectionSet, EmptyMutation, OutputType, Positioned, ServerResult,
        Value,
    };
    use std::borrow::Cow;

    // As the library's own object without fields, because a derived one must have some.
    impl ContainerType for NameOnly {
        async fn resolve_field(&self, _: &Context<'_>) -> ServerResult<Option<Value>> {
            Ok(None)
        }
    }

    impl OutputType for NameOnly {
        fn type_name() -> Cow<'static, str> {
            EmptyMutation::type_name()
        }

        fn create_type_info(registry: &mut Registry) -> String {
            EmptyMutation::create_type_info(registry)
        }

        async fn resolve(
            &self,
            ctx: &ContextSelectionSet<'_>,
            field: &Positioned<Field>,
        ) -> ServerResult<Value> {
            EmptyMutation.resolve(ctx, field).await
        }
    }
}
