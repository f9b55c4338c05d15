//! Columns of text as kubectl prints them: padded, three spaces between, nothing after the last.

use std::fmt;

/// Rows of cells under titles.
#[derive(Clone, Debug, Default)]
pub struct Table {
    titles: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table with these titles.
    pub fn new<T: Into<String>>(titles: impl IntoIterator<Item = T>) -> Self {
        Self {
            titles: titles.into_iter().map(Into::into).collect(),
            rows: Vec::new(),
        }
    }

    /// Leaves the titles out when it is shown.
    pub fn without_titles(mut self) -> Self {
        self.titles.clear();
        self
    }

    /// Adds a row. A cell without text shows as `<none>`.
    pub fn row<T: AsRef<str>>(&mut self, cells: impl IntoIterator<Item = T>) {
        self.rows
            .push(cells.into_iter().map(|c| cell(c.as_ref())).collect());
    }

    /// Whether it has no rows.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }
}

/// One line, and nothing that a terminal would obey: names come from clusters, which we do not trust.
fn cell(text: &str) -> String {
    if text.is_empty() {
        return "<none>".to_owned();
    }
    let safe = |c: char| if c.is_control() { '\u{fffd}' } else { c };
    text.chars().map(safe).collect()
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines = || {
            (!self.titles.is_empty())
                .then_some(&self.titles)
                .into_iter()
                .chain(&self.rows)
        };
        let columns = lines().map(Vec::len).max().unwrap_or(0);
        let width = |i: usize| {
            lines()
                .filter_map(|l| l.get(i))
                .map(|c| c.chars().count())
                .max()
                .unwrap_or(0)
        };
        let widths: Vec<usize> = (0..columns).map(width).collect();
        for line in lines() {
            for (i, text) in line.iter().enumerate() {
                if i + 1 == line.len() {
                    writeln!(f, "{text}")?;
                } else {
                    write!(f, "{text:<width$}   ", width = widths[i])?;
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell_and_lines_end_without_blanks() {
        let mut table = Table::new(["NAME", "AGE"]);
        table.row(["a-long-name", "3d"]);
        table.row(["b", ""]);
        let text = table.to_string();
        assert_eq!(
            text,
            "NAME          AGE\na-long-name   3d\nb             <none>\n"
        );
    }

    #[test]
    fn a_name_cannot_move_the_cursor() {
        let mut table = Table::new(["NAME"]).without_titles();
        table.row(["\u{1b}[2Jgone\n"]);
        assert_eq!(table.to_string(), "\u{fffd}[2Jgone\u{fffd}\n");
    }
}
