//! Tables that a reader may sort.

use crate::figure::escaped;

/// A column's heading.
#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    /// Short.
    pub name: String,
    /// Shown on hover and to screen readers; may be empty.
    pub explanation: String,
    /// Whether its cells are numbers.
    pub numeric: bool,
}

impl Column {
    /// A column of names.
    pub fn text(name: &str, explanation: &str) -> Self {
        Self { name: name.to_owned(), explanation: explanation.to_owned(), numeric: false }
    }

    /// A column of numbers.
    pub fn number(name: &str, explanation: &str) -> Self {
        Self { numeric: true, ..Self::text(name, explanation) }
    }
}

/// Characters of a text that is kept on one line.
const SHORT: usize = 18;

/// What stands in a cell, and where it sorts.
#[derive(Debug, Clone, PartialEq)]
pub struct Cell {
    text: String,
    /// What stands below it in small type, in brackets where a cell is one line.
    below: String,
    hint: String,
    /// `None`: by its text in a column of names, last in one of numbers.
    sort: Option<f64>,
}

impl Cell {
    /// A name.
    pub fn text(text: &str) -> Self {
        Self { text: text.to_owned(), below: String::new(), hint: String::new(), sort: None }
    }

    /// A number as it is to be read, and as it is.
    pub fn number(text: &str, value: f64) -> Self {
        Self { sort: Some(value).filter(|it| it.is_finite()), ..Self::text(text) }
    }

    /// No number, for this reason.
    pub fn undefined(reason: &str) -> Self {
        Self::text("undefined").hint(reason)
    }

    /// With its range, below it so that a column is not as wide as both.
    #[must_use]
    pub fn below(self, range: &str) -> Self {
        Self { below: range.to_owned(), ..self }
    }

    /// In one line.
    fn line(&self) -> String {
        match self.below.as_str() {
            "" => self.text.clone(),
            below => format!("{} ({below})", self.text),
        }
    }

    /// With more to say on hover.
    #[must_use]
    pub fn hint(self, hint: &str) -> Self {
        Self { hint: hint.to_owned(), ..self }
    }
}

/// Rows of cells under headings.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Table {
    columns: Vec<Column>,
    rows: Vec<(Vec<Cell>, bool)>,
}

impl Table {
    /// Headings without rows.
    pub fn new(columns: Vec<Column>) -> Self {
        Self { columns, rows: Vec::new() }
    }

    /// With one more row.
    #[must_use]
    pub fn row(mut self, cells: Vec<Cell>) -> Self {
        self.rows.push((cells, false));
        self
    }

    /// With one more row, which is the reader's own estimator.
    #[must_use]
    pub fn own_row(mut self, cells: Vec<Cell>) -> Self {
        self.rows.push((cells, true));
        self
    }

    /// Names of its columns.
    pub fn names(&self) -> Vec<&str> {
        self.columns.iter().map(|column| column.name.as_str()).collect()
    }

    /// Its cells as they are read.
    pub fn texts(&self) -> Vec<Vec<String>> {
        let texts = |cells: &Vec<Cell>| cells.iter().map(Cell::line).collect();
        self.rows.iter().map(|(cells, _)| texts(cells)).collect()
    }

    /// In a box that scrolls where it is too narrow.
    pub(super) fn html(&self, label: &str) -> String {
        let heads: String = self.columns.iter().map(head).collect();
        let rows: String = self.rows.iter().map(|(cells, own)| self.line(cells, *own)).collect();
        let own = match self.rows.iter().any(|(_, own)| *own) {
            true => "<p class=\"hint own-key\">estimators that you brought</p>\n",
            false => "",
        };
        format!(
            "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"{}\">\n\
             <table class=\"sortable\">\n<thead><tr>{heads}</tr></thead>\n<tbody>\n{rows}</tbody>\n</table>\n</div>\n{own}{}",
            escaped(label),
            self.explained()
        )
    }

    /// For touch and paper, which have no hover.
    fn explained(&self) -> String {
        let told = self.columns.iter().filter(|it| !it.explanation.is_empty());
        let list: String = told
            .map(|it| {
                format!("<dt>{}</dt><dd>{}</dd>\n", escaped(&it.name), escaped(&it.explanation))
            })
            .collect();
        match list.is_empty() {
            true => list,
            false => format!(
                "<details class=\"explained\"><summary>What the columns mean</summary>\n<dl>\n{list}</dl></details>\n"
            ),
        }
    }

    fn line(&self, cells: &[Cell], own: bool) -> String {
        let cells = self.columns.iter().zip(cells);
        let name = self.columns.iter().position(|it| !it.numeric);
        let cells: String = cells
            .enumerate()
            .map(|(at, (column, it))| cell(column, it, Some(at) == name))
            .collect();
        format!("<tr{}>{cells}</tr>\n", if own { " class=\"own\"" } else { "" })
    }
}

fn head(column: &Column) -> String {
    let class = if column.numeric { " class=\"number\"" } else { "" };
    let explanation = match column.explanation.as_str() {
        "" => String::new(),
        it => format!("<span class=\"tip\" role=\"tooltip\">{}</span>", escaped(it)),
    };
    format!(
        "<th scope=\"col\"{class}><button type=\"button\">{}</button>{explanation}</th>",
        escaped(&column.name)
    )
}

fn cell(column: &Column, it: &Cell, name: bool) -> String {
    let mut classes = Vec::new();
    if column.numeric {
        classes.push("number");
    }
    if it.text == "undefined" && it.sort.is_none() && column.numeric {
        classes.push("undefined");
    }
    if !name && !column.numeric && it.text.chars().count() <= SHORT {
        classes.push("short");
    }
    let class = match classes.is_empty() {
        true => String::new(),
        false => format!(" class=\"{}\"", classes.join(" ")),
    };
    let sort = it.sort.map_or_else(String::new, |it| format!(" data-sort=\"{it}\""));
    let hint = match it.hint.as_str() {
        "" => String::new(),
        hint => format!(" title=\"{}\"", escaped(hint)),
    };
    let tag = if name { "th scope=\"row\"" } else { "td" };
    let end = if name { "th" } else { "td" };
    let below = match it.below.as_str() {
        "" => String::new(),
        below => format!("<small class=\"range\">{}</small>", escaped(below)),
    };
    format!("<{tag}{class}{sort}{hint}>{}{below}</{end}>", escaped(&it.text))
}
