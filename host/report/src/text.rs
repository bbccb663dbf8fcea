//! Tables and texts for terminals and Markdown.

use comfy_table::{CellAlignment, ContentArrangement, LineStyle, Table, TableStyle};

/// A table for a terminal; columns are aligned right, the second one (names) left.
pub fn terminal_table(header: &[impl AsRef<str>], lines: &[Vec<String>]) -> String {
    let mut table = Table::new();
    let line = LineStyle::none().fill('─').junction('─');
    let frame = TableStyle::new().top_border(line).header_separator(line).bottom_border(line);
    table.load_style(frame);
    table.set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(header.iter().map(|it| one_line(it.as_ref())));
    table.add_rows(lines.iter().map(|line| line.iter().map(|cell| one_line(cell))));
    for (i, column) in table.column_iter_mut().enumerate() {
        if i != 1 {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    format!("{table}\n")
}

/// The text with line ends and other control characters as blanks.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// A table for a README, aligned like [`terminal_table`].
pub fn markdown_table(header: &[impl AsRef<str>], lines: &[Vec<String>]) -> String {
    let row = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    let mut text = row(&header.iter().map(|it| markdown_cell(it.as_ref())).collect::<Vec<_>>());
    let rule = (0..header.len()).map(|i| if i == 1 { "---" } else { "--:" }.to_owned());
    text += &row(&rule.collect::<Vec<_>>());
    for line in lines {
        text += &row(&line.iter().map(|cell| markdown_cell(cell)).collect::<Vec<_>>());
    }
    text
}

/// A cell of a Markdown table that displays as `text`.
pub fn markdown_cell(text: &str) -> String {
    markdown_text(text).replace('|', r"\|")
}

/// A line of Markdown that displays as `text`: its syntax is escaped (CommonMark 0.31,
/// section 2.4, and GitHub's strikethrough).
pub fn markdown_text(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    let mut before = ' ';
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        let inside_word =
            before.is_alphanumeric() && rest.peek().is_some_and(|it| it.is_alphanumeric());
        let is_syntax = match c {
            '\\' | '`' | '*' | '<' | '~' | '&' => true,
            '_' => !inside_word,
            // A link has `](` or `][`, unlike a list of seeds.
            '(' | '[' => before == ']',
            _ => false,
        };
        if is_syntax {
            safe.push('\\');
        }
        safe.push(if c.is_control() { ' ' } else { c });
        before = c;
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_of_markdown_reads_as_what_it_is() {
        let arch = r"|none~0|+|skip_connect~1|";
        assert_eq!(markdown_cell(arch), r"\|none\~0\|+\|skip_connect\~1\|");
        assert_eq!(markdown_cell("a\\|b\nc"), r"a\\\|b c");
        assert_eq!(
            markdown_cell("_x_ *y* <b> `z` &lt; [a](b)"),
            r"\_x\_ \*y\* \<b> \`z\` \&lt; [a]\(b)"
        );
        assert_eq!(markdown_text("seeds [0, 1], relu_logdet"), "seeds [0, 1], relu_logdet");
        let table = markdown_table(&["#", "a|b"], &[vec!["1".to_owned(), "c|d".to_owned()]]);
        assert_eq!(table, "| # | a\\|b |\n| --: | --- |\n| 1 | c\\|d |\n");
    }
}
