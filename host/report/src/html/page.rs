//! Builds the page's HTML.

use super::{Absent, Page, Section};
use crate::figure::Figure;
use base64::prelude::{BASE64_STANDARD, Engine as _};
use maud::{DOCTYPE, Markup, PreEscaped, html};
use std::collections::HashSet;

const STYLE: &str = include_str!("report.css");
/// Sets the reader's theme before anything is drawn.
const THEME: &str = "try { const theme = localStorage.getItem('osee-theme'); \
    if (theme) document.documentElement.dataset.theme = theme; } catch { /* no storage */ }";
/// All scripts in one function, so that the page has no global names.
const SCRIPT: &str = concat!(
    "(() => {\n'use strict';\n",
    include_str!("report.js"),
    include_str!("explorer.js"),
    "})();\n"
);

pub(super) fn html(page: &Page) -> String {
    let (ids, mut names) = (ids(page), names(page).into_iter());
    let leaderboard = page.leaderboard.as_ref();
    let leaderboard = leaderboard.map(|it| ("leaderboard", "Leaderboard", it.html("Leaderboard")));
    let explorer = page.explorer.as_ref();
    let explorer = explorer.map(|it| ("architectures", "Architecture by architecture", it.html()));
    let sections = ids.iter().zip(&page.sections);
    let sections = sections.map(|(id, it)| (&**id, &*it.heading, content(it, &mut names)));
    let absent =
        (!page.absent.is_empty()).then(|| ("absent", "Not in this report", absent(&page.absent)));
    // Id, heading and content of each part.
    let parts: Vec<(&str, &str, Markup)> =
        leaderboard.into_iter().chain(explorer).chain(sections).chain(absent).collect();
    let mut text = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (page.title) }
                link rel="icon" href="data:,";
                style { (PreEscaped(STYLE)) }
                script { (PreEscaped(THEME)) }
            }
            body {
                header {
                    div.top {
                        p.kind { "osee report" }
                        button type="button" id="theme" hidden { "Theme" }
                    }
                    h1 { (page.title) }
                    (paragraph("lead", &page.lead))
                    dl.basis {
                        @for (name, value) in &page.basis { div { dt { (name) } dd { (value) } } }
                    }
                }
                div.page {
                    nav aria-label="Contents" {
                        details open {
                            summary { "Contents" }
                            ol {
                                @for (id, heading, _) in &parts {
                                    li { a href={ "#" (id) } { (heading) } }
                                }
                            }
                        }
                    }
                    main {
                        @for (id, heading, content) in &parts {
                            section id=(id) aria-labelledby={ (id) "-heading" } {
                                h2 id={ (id) "-heading" } { (heading) }
                                (content)
                            }
                        }
                    }
                }
                script { (PreEscaped(SCRIPT)) }
            }
        }
    }
    .into_string();
    // Names and messages may contain control characters, which HTML forbids.
    text.retain(|c| {
        matches!(c, '\n' | '\t') || !(c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}'))
    });
    text
}

/// Every figure with its file name, in the page's order.
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

/// Names of the sections in links, made unique.
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

/// Lower-case letters, digits and single dashes, valid in links and file names.
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

fn content(section: &Section, names: &mut impl Iterator<Item = String>) -> Markup {
    html! {
        (paragraph("finding", &section.finding))
        (paragraph("rests-on", &section.rests_on))
        @for (it, name) in section.figures.iter().zip(names) { (figure(it, &name)) }
        @if let Some(table) = &section.table { (table.html(&section.heading)) }
    }
}

/// A picture with its files. The SVG is read beside the page, or from the page by its
/// script, so that the page does not contain it twice.
fn figure(figure: &Figure, name: &str) -> Markup {
    let csv = BASE64_STANDARD.encode(figure.csv());
    html! {
        figure {
            div.scroll.plot tabindex="0" role="region" aria-label=(figure.title) {
                (PreEscaped(figure.svg()))
            }
            figcaption {
                (paragraph("note", &figure.note))
                span.files {
                    a.svg-file download={ (name) ".svg" } href={ "figures/" (name) ".svg" } { "SVG" }
                    " "
                    a download={ (name) ".csv" } href={ "data:text/csv;base64," (csv) } { "CSV" }
                }
            }
        }
    }
}

fn absent(all: &[Absent]) -> Markup {
    html! {
        dl.absent {
            @for it in all {
                dt { (it.heading) }
                dd {
                    p { (it.reason) }
                    @if !it.add.is_empty() {
                        p { "To get it, add this to the study file:" }
                        pre.scroll tabindex="0" { (it.add) }
                    }
                }
            }
        }
    }
}

fn paragraph(class: &str, text: &str) -> Markup {
    html! { @if !text.is_empty() { p class=(class) { (text) } } }
}
