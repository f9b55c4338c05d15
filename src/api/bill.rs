//! What a query would cost, worked out from its text and variables before anything runs. Our own walk, because
//! async-graphql's complexity leaves out the fields of interfaces, and does not say by how much a limit is exceeded.
//!
//! The measure: one for each field that would be resolved. A page counts as full (`first`, `maxNodes`, `maxDepth`), a
//! list without a page size as [`PLAIN_LIST`] long.

use super::ApiLimits;
use super::error::{Code, Refusal};
use async_graphql::parser::types::{
    ExecutableDocument, Field, OperationDefinition, OperationType, Selection, SelectionSet, Type,
};
use async_graphql::registry::{MetaField, MetaType, MetaTypeName, Registry};
use async_graphql::{OutputType, Value, Variables};
use std::collections::HashMap;

/// How long lists without a page size are taken to be: containers, conditions, ports.
const PLAIN_LIST: usize = 4;

/// Depth to which introspection may go: tools ask for types of types of types.
const INTROSPECTION_DEPTH: usize = 20;

/// The arguments that say how long a list gets.
const PAGE_ARGUMENTS: &[&str] = &["first", "expand", "maxDepth"];

/// The output types with their fields, as far as costs need them.
pub struct Prices(HashMap<String, HashMap<String, Price>>);

struct Price {
    /// The type that the field gives, lists and non-null taken off.
    gives: String,
    list: bool,
    /// The page argument with its default.
    page: Option<(String, usize)>,
    /// The argument that names each item of the list.
    listed_by: Option<&'static str>,
}

impl Prices {
    /// Reads the prices off the schema that grows from the roots `Q`, `M` and `S`.
    pub fn of<Q: OutputType, M: OutputType, S: OutputType>() -> Self {
        let mut registry = Registry::default();
        Q::create_type_info(&mut registry);
        M::create_type_info(&mut registry);
        S::create_type_info(&mut registry);
        let tables = registry.types.iter().filter_map(|(name, ty)| {
            let (MetaType::Object { fields, .. } | MetaType::Interface { fields, .. }) = ty else {
                return None;
            };
            let fields = fields.iter().map(|(name, f)| (name.clone(), Price::of(f)));
            Some((name.clone(), fields.collect()))
        });
        Self(tables.collect())
    }
}

impl Price {
    fn of(field: &MetaField) -> Self {
        let page = PAGE_ARGUMENTS.iter().find_map(|name| {
            let argument = field.args.get(*name)?;
            let default = argument.default_value.as_deref().unwrap_or_default();
            // Of `expand`, the default is an object with `maxNodes`.
            let number = default.rsplit("maxNodes:").next().unwrap_or_default();
            let digits: String = number.trim().chars().take_while(char::is_ascii_digit).collect();
            Some(((*name).to_owned(), digits.parse().unwrap_or(PLAIN_LIST)))
        });
        Self {
            gives: MetaTypeName::concrete_typename(&field.ty).to_owned(),
            list: field.ty.contains('['),
            page,
            listed_by: field.args.contains_key("ids").then_some("ids"),
        }
    }
}

/// What a query would cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bill {
    /// Fields that would be resolved.
    pub cost: usize,
    /// Levels of nested fields; introspection left out.
    pub depth: usize,
    /// Aliases.
    pub aliases: usize,
    /// Fields of the query itself.
    pub root_fields: usize,
    /// Selections looked at.
    selections: usize,
    /// Depth within introspection.
    introspection_depth: usize,
}

struct Walk<'a> {
    document: &'a ExecutableDocument,
    operation: &'a OperationDefinition,
    variables: &'a Variables,
    prices: &'a Prices,
    limits: &'a ApiLimits,
    bill: Bill,
}

/// Where the walk is.
#[derive(Clone, Copy)]
struct At<'a> {
    /// The type whose fields are selected; none where the schema has no such field, which validation will say.
    ty: Option<&'a str>,
    /// How many such objects there are.
    times: usize,
    /// The page size of the connection that this is; its lists are that long.
    page: Option<usize>,
    depth: usize,
    introspection: bool,
    spreads: usize,
}

/// Works out the bill of the operation that would run.
///
/// # Errors
/// When it is over a limit.
pub fn check(
    prices: &Prices,
    limits: &ApiLimits,
    document: &ExecutableDocument,
    operation_name: Option<&str>,
    variables: &Variables,
) -> Result<Bill, Refusal> {
    let operations = || document.operations.iter();
    let chosen =
        operations().find(|(name, _)| operation_name.is_none() || name.map(|n| n.as_str()) == operation_name);
    let Some((_, operation)) = chosen else {
        // Execution will say which operation it misses.
        return Ok(Bill::default());
    };
    let mut walk = Walk {
        document,
        operation: &operation.node,
        variables,
        prices,
        limits,
        bill: Bill::default(),
    };
    let root = At {
        ty: Some(match operation.node.ty {
            OperationType::Query => "Query",
            OperationType::Mutation => "Mutation",
            OperationType::Subscription => "Subscription",
        }),
        times: 1,
        page: None,
        depth: 1,
        introspection: false,
        spreads: 0,
    };
    walk.set(&operation.node.selection_set.node, root)?;
    walk.bill.judge(limits)?;
    Ok(walk.bill)
}

impl Bill {
    fn judge(&self, limits: &ApiLimits) -> Result<(), Refusal> {
        let over = |code, name, what: &str, limit: usize, value: usize, advice: &str| {
            if value > limit {
                return Err(Refusal::over(code, name, what, limit, value, advice));
            }
            Ok(())
        };
        let cost = Code::CostExceeded;
        over(
            Code::DepthExceeded,
            "depth",
            "the query's fields are nested too deep",
            limits.depth,
            self.depth,
            "ask in several queries, or use topology for what is many hops away",
        )?;
        over(
            Code::DepthExceeded,
            "introspectionDepth",
            "the introspection is nested too deep",
            INTROSPECTION_DEPTH,
            self.introspection_depth,
            "ask for fewer levels of ofType",
        )?;
        over(
            cost,
            "rootFields",
            "the query has too many fields at its root",
            limits.root_fields,
            self.root_fields,
            "send several queries",
        )?;
        over(
            cost,
            "aliases",
            "the query has too many aliases",
            limits.aliases,
            self.aliases,
            "send several queries, or name many assets at once (nodes, a filter)",
        )?;
        over(
            cost,
            "cost",
            "the query could resolve too many fields",
            limits.cost,
            self.cost,
            "ask for smaller pages (first), fewer fields or fewer levels",
        )
    }
}

impl<'a> Walk<'a> {
    fn set(&mut self, set: &'a SelectionSet, at: At<'a>) -> Result<(), Refusal> {
        for selection in &set.items {
            self.bill.selections += 1;
            if self.bill.selections > self.limits.selections || at.spreads > self.limits.selections {
                return Err(Refusal::over(
                    Code::CostExceeded,
                    "selections",
                    "the query selects too many fields, fragments counted each time they are spread",
                    self.limits.selections,
                    self.bill.selections,
                    "that is as far as it was counted; select less",
                ));
            }
            match &selection.node {
                Selection::Field(field) => self.field(&field.node, at)?,
                Selection::InlineFragment(inline) => {
                    let on = inline.node.type_condition.as_ref();
                    let ty = on.map_or(at.ty, |on| Some(on.node.on.node.as_str()));
                    self.set(&inline.node.selection_set.node, At { ty, ..at })?;
                }
                Selection::FragmentSpread(spread) => {
                    let name = &spread.node.fragment_name.node;
                    let Some(fragment) = self.document.fragments.get(name) else {
                        continue;
                    };
                    // A fragment that spreads itself is an error that validation explains better.
                    if at.spreads >= self.limits.recursion {
                        continue;
                    }
                    let ty = Some(fragment.node.type_condition.node.on.node.as_str());
                    let spreads = at.spreads + 1;
                    self.set(&fragment.node.selection_set.node, At { ty, spreads, ..at })?;
                }
            }
        }
        Ok(())
    }

    fn field(&mut self, field: &'a Field, at: At<'a>) -> Result<(), Refusal> {
        let bill = &mut self.bill;
        bill.cost = bill.cost.saturating_add(at.times);
        bill.aliases += usize::from(field.alias.is_some());
        bill.root_fields += usize::from(at.depth == 1);
        let name = field.name.node.as_str();
        let introspection = at.introspection || name.starts_with("__");
        if introspection {
            bill.introspection_depth = bill.introspection_depth.max(at.depth);
        } else {
            bill.depth = bill.depth.max(at.depth);
        }
        let below = At {
            depth: at.depth + 1,
            introspection,
            ..at
        };
        let below = if introspection {
            At {
                ty: None,
                times: at.times.saturating_mul(introspected(name)),
                page: None,
                ..below
            }
        } else {
            let price = at.ty.and_then(|ty| self.prices.0.get(ty)?.get(name));
            self.priced(field, price, below)
        };
        self.set(&field.selection_set.node, below)
    }

    fn priced(&self, field: &Field, price: Option<&'a Price>, at: At<'a>) -> At<'a> {
        let Some(price) = price else {
            return At { ty: None, ..at };
        };
        let listed = price
            .listed_by
            .and_then(|name| match self.argument(field, name)? {
                Value::List(items) => Some(items.len()),
                _ => Some(1),
            });
        let page = price.page.as_ref().map(|(name, default)| {
            let asked = self.argument(field, name).and_then(|value| match value {
                Value::Object(expand) => size(expand.get("maxNodes")?),
                value => size(&value),
            });
            asked.unwrap_or(*default)
        });
        let items = match (price.list, listed) {
            (false, _) => 1,
            (true, Some(listed)) => listed,
            (true, None) => at.page.unwrap_or(PLAIN_LIST),
        };
        At {
            ty: Some(&price.gives),
            times: at.times.saturating_mul(items),
            page,
            ..at
        }
    }

    /// The value of an argument, variables put in; none where it is left out or names no variable.
    fn argument(&self, field: &Field, name: &str) -> Option<Value> {
        let argument = field.get_argument(name)?;
        argument
            .node
            .clone()
            .into_const_with(|variable| {
                let given = self.variables.get(&variable).cloned();
                let definitions = &self.operation.variable_definitions;
                let default = || {
                    let definition = definitions.iter().find(|d| d.node.name.node == variable)?;
                    let nullable: &Type = &definition.node.var_type.node;
                    let default = definition.node.default_value.as_ref().map(|v| v.node.clone());
                    default.or(nullable.nullable.then_some(Value::Null))
                };
                given.or_else(default).ok_or(())
            })
            .ok()
    }
}

/// A page size; refused later where it is out of bounds, so that the message is about it and not about the cost.
fn size(value: &Value) -> Option<usize> {
    match value {
        Value::Number(number) => number.as_i64().map(|n| n.clamp(0, 5_000) as usize),
        _ => None,
    }
}

/// How many of these the schema has at a time, roughly.
fn introspected(field: &str) -> usize {
    match field {
        "types" => 100,
        "fields" => 10,
        "args" | "inputFields" | "enumValues" | "possibleTypes" => 3,
        _ => 1,
    }
}
