//! Graphs for tools that draw: GraphML, Graphviz, Mermaid. Bounded: the assets that pass the filter and the edges between
//! them, or a refusal. Half a graph looks whole, and lies.

use super::{ExportError, Format, Pages, Row};
use crate::store::{Direction, NeighbourQuery};
use planisphere_schema::AssetId;
use std::collections::HashMap;
use std::fmt::Write as _;
use std::io::Write;

/// Assets that a picture may have.
const MOST_DRAWN: usize = 2_000;
/// Assets that a file for a graph tool may have.
const MOST_NODES: usize = 100_000;
/// Edges of one asset that are looked at; more is a graph that no such tool shows.
const MOST_EDGES: usize = 100_000;
/// Assets whose edges are asked for in one call.
const AT_ONCE: usize = 200;

/// Writes a graph; the number of its nodes.
pub(super) async fn write(
    pages: &mut Pages<'_>,
    out: &mut (dyn Write + Send),
    format: Format,
) -> Result<u64, ExportError> {
    let most = if format == Format::GraphMl {
        MOST_NODES
    } else {
        MOST_DRAWN
    };
    let mut order: Vec<AssetId> = Vec::new();
    let mut places: HashMap<AssetId, usize> = HashMap::new();
    out.write_all(head(format).as_bytes())?;
    while let Some(page) = pages.next().await? {
        if order.len() + page.len() > most {
            return Err(ExportError::TooLarge { most });
        }
        for row in &page {
            let id = row.record.asset.reference.id();
            out.write_all(node(format, order.len(), row).as_bytes())?;
            places.insert(id, order.len());
            order.push(id);
        }
    }
    let graph = pages.graph();
    for ids in order.chunks(AT_ONCE) {
        crate::query::breathe().await;
        let query = NeighbourQuery {
            ids,
            direction: Direction::Out,
            relations: None,
            limit: MOST_EDGES,
            after: None,
        };
        let found = graph
            .neighbours(&query)
            .await
            .map_err(crate::query::QueryError::from)?;
        for link in found.into_iter().flat_map(|n| n.links) {
            if let (Some(from), Some(to)) = (places.get(&link.from), places.get(&link.to)) {
                let line = edge(format, *from, *to, &link.relation.to_string());
                out.write_all(line.as_bytes())?;
            }
        }
    }
    out.write_all(tail(format).as_bytes())?;
    Ok(order.len() as u64)
}

fn head(format: Format) -> String {
    match format {
        Format::GraphMl => {
            let mut text = String::from(
                "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<graphml xmlns=\"http://graphml.graphdrawing.org/xmlns\">\n",
            );
            for key in ["cluster", "kind", "namespace", "name", "id", "owner"] {
                let _ = writeln!(
                    text,
                    "  <key id=\"{key}\" for=\"node\" attr.name=\"{key}\" attr.type=\"string\"/>"
                );
            }
            text.push_str(
                "  <key id=\"relation\" for=\"edge\" attr.name=\"relation\" attr.type=\"string\"/>\n  <graph edgedefault=\"directed\">\n",
            );
            text
        }
        Format::Mermaid => "flowchart LR\n".to_owned(),
        _ => "digraph planisphere {\n  rankdir=LR;\n  node [shape=box];\n".to_owned(),
    }
}

fn tail(format: Format) -> &'static str {
    match format {
        Format::GraphMl => "  </graph>\n</graphml>\n",
        Format::Mermaid => "",
        _ => "}\n",
    }
}

fn node(format: Format, place: usize, row: &Row) -> String {
    let key = row.record.asset.reference.key();
    let name = match &*key.namespace {
        "" => key.name.to_string(),
        namespace => format!("{namespace}/{}", key.name),
    };
    match format {
        Format::GraphMl => {
            let mut text = format!("    <node id=\"n{place}\">");
            let owner = row.ownership.claim.as_ref().map(|c| c.owner.as_str());
            let fields = [
                ("cluster", &*row.record.cluster_name),
                ("kind", &key.kind.to_string()),
                ("namespace", &key.namespace),
                ("name", &key.name),
                ("id", &row.record.asset.reference.id().to_string()),
                ("owner", owner.unwrap_or_default()),
            ];
            for (field, value) in fields.iter().filter(|(_, value)| !value.is_empty()) {
                let _ = write!(text, "<data key=\"{field}\">{}</data>", xml(value));
            }
            text.push_str("</node>\n");
            text
        }
        Format::Mermaid => format!("  n{place}[\"{}\"]\n", mermaid(&format!("{} {name}", key.kind))),
        _ => format!(
            "  n{place} [label={:?}];\n",
            plain(&format!("{}\n{name}", key.kind))
        ),
    }
}

fn edge(format: Format, from: usize, to: usize, relation: &str) -> String {
    match format {
        Format::GraphMl => format!(
            "    <edge source=\"n{from}\" target=\"n{to}\"><data key=\"relation\">{}</data></edge>\n",
            xml(relation)
        ),
        Format::Mermaid => format!("  n{from} -->|{}| n{to}\n", mermaid(relation)),
        _ => format!("  n{from} -> n{to} [label={:?}];\n", plain(relation)),
    }
}

/// Text inside an element. Control characters have no place in XML 1.0, not even escaped.
fn xml(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\t' | '\n' => safe.push(c),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => safe.push('\u{fffd}'),
            c => safe.push(c),
        }
    }
    safe
}

/// Text inside Mermaid's quotes, which know numeric entities alone.
fn mermaid(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '"' | '#' | '<' | '>' | '&' | '`' | '|' | ';' | '\\' => {
                let _ = write!(safe, "#{};", u32::from(c));
            }
            c if c.is_control() => safe.push(' '),
            c => safe.push(c),
        }
    }
    safe
}

/// Text whose debug form is a string of Graphviz: it knows `\"`, `\\` and `\n` as Rust does, and no `\u{…}`.
fn plain(text: &str) -> Plain {
    Plain(
        text.chars()
            .map(|c| if c.is_control() && c != '\n' { ' ' } else { c })
            .collect(),
    )
}

struct Plain(String);

impl std::fmt::Debug for Plain {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let escaped = self
            .0
            .replace('\\', "\\\\")
            .replace('"', "\\\"")
            .replace('\n', "\\n");
        write!(f, "\"{escaped}\"")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_hostile_clusters_stay_inside_their_quotes() {
        assert_eq!(xml("a<b>&\"\u{1}"), "a&lt;b&gt;&amp;&quot;\u{fffd}");
        assert_eq!(mermaid("a\"]; click"), "a#34;]#59; click");
        assert_eq!(format!("{:?}", plain("a\"]\\\n\u{7}é")), "\"a\\\"]\\\\\\n é\"");
    }
}
