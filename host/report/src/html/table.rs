//! Tables that a reader can sort.

use maud::{Markup, html};

/// Heading of a column.
#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    /// Short name of the column.
    pub name: String,
    /// Explanation on hover and for screen readers; may be empty.
    pub explanation: String,
    /// True if its cells are numbers.
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

/// Most characters of a text that is kept on one line.
const SHORT: usize = 18;

/// Content of a cell, and the value to sort it by.
#[derive(Debug, Clone, PartialEq)]
pub struct Cell {
    text: String,
    /// Text below it in small type; in brackets where a cell is one line.
    below: String,
    hint: String,
    /// `None` sorts by the text in a column of names, and last in a column of numbers.
    sort: Option<f64>,
}

impl Cell {
    /// A cell with a name.
    pub fn text(text: &str) -> Self {
        Self { text: text.to_owned(), below: String::new(), hint: String::new(), sort: None }
    }

    /// A number as text, and the value to sort it by.
    pub fn number(text: &str, value: f64) -> Self {
        Self { sort: Some(value).filter(|it| it.is_finite()), ..Self::text(text) }
    }

    /// A cell without a number, for this reason.
    pub fn undefined(reason: &str) -> Self {
        Self::text("undefined").hint(reason)
    }

    /// Adds a range, below the number so that the column stays narrow.
    #[must_use]
    pub fn below(self, range: &str) -> Self {
        Self { below: range.to_owned(), ..self }
    }

    /// The cell in one line, the range in brackets.
    pub fn line(&self) -> String {
        match self.below.as_str() {
            "" => self.text.clone(),
            below => format!("{} ({below})", self.text),
        }
    }

    /// Adds text that is shown on hover.
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
    legend: String,
}

impl Table {
    /// Headings without rows.
    pub fn new(columns: Vec<Column>) -> Self {
        Self { columns, rows: Vec::new(), legend: String::new() }
    }

    /// Adds a row.
    #[must_use]
    pub fn row(mut self, cells: Vec<Cell>) -> Self {
        self.rows.push((cells, false));
        self
    }

    /// Adds a row with a mark, whose meaning the `legend` gives below the table.
    #[must_use]
    pub fn marked_row(mut self, cells: Vec<Cell>, legend: &str) -> Self {
        self.rows.push((cells, true));
        legend.clone_into(&mut self.legend);
        self
    }

    /// Names of the columns.
    pub fn names(&self) -> Vec<&str> {
        self.columns.iter().map(|column| column.name.as_str()).collect()
    }

    /// The cells as text, each in one line, by row.
    pub fn texts(&self) -> Vec<Vec<String>> {
        let texts = |cells: &Vec<Cell>| cells.iter().map(Cell::line).collect();
        self.rows.iter().map(|(cells, _)| texts(cells)).collect()
    }

    /// The table in a box that scrolls if space is short.
    pub(super) fn html(&self, label: &str) -> Markup {
        html! {
            div.scroll tabindex="0" role="region" aria-label=(label) {
                table.sortable {
                    thead { tr { @for column in &self.columns { (head(column)) } } }
                    tbody { @for (cells, marked) in &self.rows { (self.line(cells, *marked)) } }
                }
            }
            @if !self.legend.is_empty() {
                p.hint.mark-key { (self.legend) }
            }
            (self.explained())
        }
    }

    /// Explanations for touch screens and paper, which have no hover.
    fn explained(&self) -> Markup {
        let told: Vec<&Column> =
            self.columns.iter().filter(|it| !it.explanation.is_empty()).collect();
        html! {
            @if !told.is_empty() {
                details.explained {
                    summary { "What the columns mean" }
                    dl { @for it in told { dt { (it.name) } dd { (it.explanation) } } }
                }
            }
        }
    }

    fn line(&self, cells: &[Cell], marked: bool) -> Markup {
        let name = self.columns.iter().position(|it| !it.numeric);
        html! {
            tr class=[marked.then_some("marked")] {
                @for (at, (column, it)) in self.columns.iter().zip(cells).enumerate() {
                    (cell(column, it, Some(at) == name))
                }
            }
        }
    }
}

fn head(column: &Column) -> Markup {
    html! {
        th scope="col" class=[column.numeric.then_some("number")] {
            button type="button" { (column.name) }
            @if !column.explanation.is_empty() {
                span.tip role="tooltip" { (column.explanation) }
            }
        }
    }
}

fn cell(column: &Column, it: &Cell, name: bool) -> Markup {
    let undefined = it.text == "undefined" && it.sort.is_none();
    let class = match column.numeric {
        true if undefined => Some("number undefined"),
        true => Some("number"),
        false => (!name && it.text.chars().count() <= SHORT).then_some("short"),
    };
    let hint = (!it.hint.is_empty()).then_some(&it.hint);
    let content = html! {
        (it.text)
        @if !it.below.is_empty() { small.range { (it.below) } }
    };
    html! {
        @if name {
            th scope="row" class=[class] data-sort=[it.sort] title=[hint] { (content) }
        } @else {
            td class=[class] data-sort=[it.sort] title=[hint] { (content) }
        }
    }
}
