//! The page's HTML.

use super::{Absent, Page, Section, bulk::base64};
use crate::figure::{Figure, escaped};
use std::{collections::HashSet, fmt::Write};

const STYLE: &str = include_str!("report.css");
/// In one function, so that the page has no global names.
const SCRIPT: &str = concat!(
    "(() => {\n'use strict';\n",
    include_str!("report.js"),
    include_str!("explorer.js"),
    "})();\n"
);

pub(super) fn html(page: &Page) -> String {
    let mut names = names(page).into_iter();
    let mut main = String::new();
    if let Some(table) = &page.leaderboard {
        main += &block("leaderboard", "Leaderboard", &table.html("Leaderboard"));
    }
    if let Some(explorer) = &page.explorer {
        main += &block("architectures", "Architecture by architecture", &explorer.html());
    }
    for (id, section) in ids(page).iter().zip(&page.sections) {
        main += &block(id, &section.heading, &content(section, &mut names));
    }
    if !page.absent.is_empty() {
        let list: String = page.absent.iter().map(absent).collect();
        let text = format!("<dl class=\"absent\">\n{list}</dl>\n");
        main += &block("absent", "Not in this report", &text);
    }
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{title}</title>\n<link rel=\"icon\" href=\"data:,\">\n<style>\n{STYLE}</style>\n\
         <script>\ntry {{ const theme = localStorage.getItem('osee-theme'); \
         if (theme) document.documentElement.dataset.theme = theme; }} catch {{ /* no storage */ }}\n</script>\n\
         </head>\n<body>\n{}<div class=\"page\">\n{}<main>\n{main}</main>\n</div>\n\
         <script>\n{SCRIPT}</script>\n</body>\n</html>\n",
        head(page),
        contents(page),
        title = escaped(&page.title),
    )
}

/// Every figure with the name of its files, in the page's order.
pub(super) fn named_figures(page: &Page) -> Vec<(String, &Figure)> {
    let figures = page.sections.iter().flat_map(|section| &section.figures);
    names(page).into_iter().zip(figures).collect()
}

fn names(page: &Page) -> Vec<String> {
    let mut taken = HashSet::new();
    let names = ids(page).into_iter().zip(&page.sections).flat_map(|(id, section)| {
        section.figures.iter().map(move |figure| format!("{id}-{}", plain(&figure.name)))
    });
    names.map(|name| unique(name, &mut taken)).collect()
}

/// Names of the sections in links.
fn ids(page: &Page) -> Vec<String> {
    let own = ["leaderboard", "architectures", "absent", "explorer", "scatter", "details"];
    let more = ["estimator", "axes", "theme", "tip", "left-out", "explorer-data"];
    let mut taken: HashSet<String> = own.into_iter().chain(more).map(str::to_owned).collect();
    page.sections.iter().map(|it| unique(plain(&it.name), &mut taken)).collect()
}

fn unique(name: String, taken: &mut HashSet<String>) -> String {
    let numbered = (2..).map(|n| format!("{name}-{n}"));
    let mut names = std::iter::once(name.clone()).chain(numbered);
    let free = names.find(|it| !taken.contains(it)).unwrap_or_default();
    taken.insert(free.clone());
    free
}

/// Small letters, digits and single dashes, fit for links and files.
fn plain(name: &str) -> String {
    let mut plain = String::new();
    for c in name.chars().take(80) {
        match c.is_ascii_alphanumeric() {
            true => plain.push(c.to_ascii_lowercase()),
            false if !plain.ends_with('-') && !plain.is_empty() => plain.push('-'),
            false => {}
        }
    }
    match plain.trim_end_matches('-') {
        "" => "figure".to_owned(),
        it => it.to_owned(),
    }
}

fn head(page: &Page) -> String {
    let mut basis = String::new();
    for (name, value) in &page.basis {
        // Writing to a string cannot fail.
        let _ = writeln!(basis, "<div><dt>{}</dt><dd>{}</dd></div>", escaped(name), escaped(value));
    }
    format!(
        "<header>\n<div class=\"top\"><p class=\"kind\">osee report</p>\
         <button type=\"button\" id=\"theme\" hidden>Theme</button></div>\n<h1>{}</h1>\n{}\
         <dl class=\"basis\">\n{basis}</dl>\n</header>\n",
        escaped(&page.title),
        paragraph("lead", &page.lead)
    )
}

fn contents(page: &Page) -> String {
    let own = |id: &str, heading: &str, there: bool| {
        there.then(|| (id.to_owned(), heading.to_owned())).into_iter()
    };
    let sections = ids(page).into_iter().zip(page.sections.iter().map(|it| it.heading.clone()));
    let all = own("leaderboard", "Leaderboard", page.leaderboard.is_some())
        .chain(own("architectures", "Architecture by architecture", page.explorer.is_some()))
        .chain(sections)
        .chain(own("absent", "Not in this report", !page.absent.is_empty()));
    let links: String = all
        .map(|(id, heading)| format!("<li><a href=\"#{id}\">{}</a></li>\n", escaped(&heading)))
        .collect();
    format!(
        "<nav aria-label=\"Contents\">\n<details open><summary>Contents</summary>\n<ol>\n{links}</ol></details>\n</nav>\n"
    )
}

fn block(id: &str, heading: &str, content: &str) -> String {
    format!(
        "<section id=\"{id}\" aria-labelledby=\"{id}-heading\">\n\
         <h2 id=\"{id}-heading\">{}</h2>\n{content}</section>\n",
        escaped(heading)
    )
}

fn content(section: &Section, names: &mut impl Iterator<Item = String>) -> String {
    let figures: String =
        section.figures.iter().zip(names).map(|(it, name)| figure(it, &name)).collect();
    let table = section.table.as_ref().map(|table| table.html(&section.heading));
    paragraph("finding", &section.finding)
        + &paragraph("rests-on", &section.rests_on)
        + &figures
        + &table.unwrap_or_default()
}

/// The picture, and its files: SVG from beside the page, or from the page by
/// its script, so that it is not in it twice.
fn figure(figure: &Figure, name: &str) -> String {
    let csv = base64(figure.csv().as_bytes());
    format!(
        "<figure>\n<div class=\"scroll plot\" tabindex=\"0\" role=\"region\" aria-label=\"{}\">\n{}</div>\n\
         <figcaption>{}<span class=\"files\">\
         <a download=\"{name}.svg\" href=\"figures/{name}.svg\" class=\"svg-file\">SVG</a> \
         <a download=\"{name}.csv\" href=\"data:text/csv;base64,{csv}\">CSV</a></span></figcaption>\n</figure>\n",
        escaped(&figure.title),
        figure.svg(),
        paragraph("note", &figure.note),
    )
}

fn absent(it: &Absent) -> String {
    let add = match it.add.as_str() {
        "" => String::new(),
        add => format!(
            "<p>To have it, add to the study file:</p><pre class=\"scroll\" tabindex=\"0\">{}</pre>",
            preformatted(add)
        ),
    };
    let (heading, reason) = (escaped(&it.heading), escaped(&it.reason));
    format!("<dt>{heading}</dt>\n<dd><p>{reason}</p>{add}</dd>\n")
}

fn preformatted(text: &str) -> String {
    text.lines().map(escaped).collect::<Vec<_>>().join("\n")
}

fn paragraph(class: &str, text: &str) -> String {
    match text {
        "" => String::new(),
        text => format!("<p class=\"{class}\">{}</p>\n", escaped(text)),
    }
}
