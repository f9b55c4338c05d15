//! Prints what was fetched: tables as kubectl has them, JSON, YAML, or references to copy.

use super::kinds::{Column, columns};
use super::{Fetched, cells};
use crate::cli::table::Table;
use crate::cli::{GetArgs, Output};
use serde_json::Value;
use std::collections::BTreeSet;
use std::io::{self, Write};

/// How to print.
#[derive(Clone, Copy, Debug)]
pub struct Printing {
    /// The form.
    pub output: Output,
    /// Without titles.
    pub no_headers: bool,
    /// All assets are of one namespace, so it is not shown.
    pub one_namespace: bool,
    /// Unix ms from which ages count.
    pub now_ms: i64,
}

impl Printing {
    /// As the arguments say.
    pub fn of(args: &GetArgs, now_ms: i64) -> Self {
        Self {
            output: args.output,
            no_headers: args.no_headers,
            one_namespace: args.namespace.is_some(),
            now_ms,
        }
    }
}

/// Prints answers on `out` and remarks on `err`.
///
/// # Errors
/// When it cannot be written.
pub fn print(
    fetched: Vec<Fetched>,
    how: &Printing,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> io::Result<()> {
    let limited = fetched.iter().any(|f| f.more);
    match how.output {
        Output::Json => {
            let all: Vec<Value> = fetched.into_iter().flat_map(|f| f.assets).collect();
            writeln!(out, "{:#}", Value::from(all))?;
        }
        Output::Yaml => {
            let all: Vec<Value> = fetched.into_iter().flat_map(|f| f.assets).collect();
            out.write_all(yaml(&all)?.as_bytes())?;
        }
        Output::Name => {
            for asset in fetched.iter().flat_map(|f| &f.assets) {
                writeln!(out, "{}", reference(asset))?;
            }
        }
        Output::Table | Output::Wide => tables(&fetched, how, out, err)?,
    }
    if limited {
        writeln!(err, "there are more; --limit cut them off")?;
    }
    Ok(())
}

fn yaml(all: &[Value]) -> io::Result<String> {
    serde_saphyr::to_string(&all).map_err(io::Error::other)
}

/// `cluster/namespace/Kind/name`, as `get` takes it again.
pub fn reference(asset: &Value) -> String {
    let parts = ["cluster", "namespace", "kind", "name"].map(|field| cells::text(&asset[field]));
    parts
        .into_iter()
        .filter(|p| !p.is_empty())
        .collect::<Vec<_>>()
        .join("/")
}

fn tables(fetched: &[Fetched], how: &Printing, out: &mut dyn Write, err: &mut dyn Write) -> io::Result<()> {
    let all = || fetched.iter().flat_map(|f| &f.assets);
    if all().next().is_none() {
        return match fetched.iter().all(|f| f.target.named.is_some()) {
            true => Ok(()),
            false => writeln!(err, "No resources found."),
        };
    }
    let clusters: BTreeSet<_> = all().map(|a| cells::text(&a["cluster"])).collect();
    let mut groups: Vec<(planisphere_schema::Kind, Vec<&Value>)> = Vec::new();
    for one in fetched {
        match groups.iter_mut().find(|(kind, _)| *kind == one.target.kind) {
            Some((_, assets)) => assets.extend(&one.assets),
            None => groups.push((one.target.kind, one.assets.iter().collect())),
        }
    }
    groups.retain(|(_, assets)| !assets.is_empty());
    let several = groups.len() > 1;
    for (i, (kind, assets)) in groups.iter().enumerate() {
        if i > 0 {
            writeln!(out)?;
        }
        let layout = Layout {
            cluster: clusters.len() > 1,
            namespace: !how.one_namespace && assets.iter().any(|a| !cells::text(&a["namespace"]).is_empty()),
            prefix: several.then(|| kind.short_name().to_ascii_lowercase()),
            columns: columns(*kind),
            wide: how.output == Output::Wide,
        };
        write!(out, "{}", layout.table(assets, how))?;
    }
    Ok(())
}

/// Which columns a table has.
struct Layout {
    cluster: bool,
    namespace: bool,
    prefix: Option<String>,
    columns: &'static [Column],
    wide: bool,
}

impl Layout {
    fn table(&self, assets: &[&Value], how: &Printing) -> Table {
        let own = || self.columns.iter().filter(|c| !c.wide);
        let wide = || self.columns.iter().filter(|c| c.wide && self.wide);
        let mut titles = vec!["NAME"];
        if self.cluster {
            titles.insert(0, "CLUSTER");
        }
        if self.namespace {
            titles.insert(0, "NAMESPACE");
        }
        titles.extend(own().map(|c| c.title));
        titles.push("AGE");
        titles.extend(wide().map(|c| c.title));
        let mut table = Table::new(titles);
        for asset in assets {
            let mut row = Vec::new();
            if self.namespace {
                row.push(cells::text(&asset["namespace"]));
            }
            if self.cluster {
                row.push(cells::text(&asset["cluster"]));
            }
            let name = cells::text(&asset["name"]);
            row.push(match &self.prefix {
                Some(kind) => format!("{kind}/{name}"),
                None => name,
            });
            row.extend(own().map(|c| c.cell(asset, how.now_ms)));
            row.push(cells::age(&asset["createdAt"], how.now_ms));
            row.extend(wide().map(|c| c.cell(asset, how.now_ms)));
            table.row(row);
        }
        if how.no_headers {
            table.without_titles()
        } else {
            table
        }
    }
}
