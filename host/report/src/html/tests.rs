//! Tests of the page's text, without a browser.

use super::{explorer::Explorer, *};
use crate::figure::{Axis, Drawing, Histogram};
use serde_json::json;

fn with_figures(names: &[(&str, &str)]) -> Page {
    let sections = names.iter().map(|(section, name)| {
        let chart = Histogram::new(Axis::new("x")).series("a", [1.0, 2.0]);
        Section::new(section, "Heading").figure(Figure::new(name, "Title", chart))
    });
    Page { sections: sections.collect(), ..Page::default() }
}

#[test]
fn files_have_names_of_their_own_that_any_system_takes() {
    let page = with_figures(&[
        ("a", "KD @ 5%"),
        ("a", "KD @ 5%"),
        ("leaderboard", "../../etc"),
        ("", "Ω"),
    ]);
    let names: Vec<String> = page::named_figures(&page).into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["a-kd-5", "a-2-kd-5", "leaderboard-2-etc", "figure-figure"]);
}

#[test]
fn ids_are_there_once_and_links_lead_to_them() {
    let html = html(&with_figures(&[("theme", "x"), ("theme", "x"), ("scatter", "x")]));
    let ids: Vec<&str> =
        html.split(" id=\"").skip(1).map(|it| it.split('"').next().unwrap()).collect();
    let once: std::collections::HashSet<_> = ids.iter().collect();
    assert_eq!(ids.len(), once.len(), "{ids:?}");
    for link in html.split("href=\"#").skip(1).map(|it| it.split('"').next().unwrap()) {
        assert!(ids.contains(&link), "{link}");
    }
}

#[test]
fn text_is_text() {
    let evil = "</script><img src=x onerror=alert(1)>\"'&\u{1b}[31m";
    let page = Page {
        title: evil.to_owned(),
        lead: evil.to_owned(),
        basis: vec![(evil.to_owned(), evil.to_owned())],
        leaderboard: Some(
            Table::new(vec![Column::text(evil, evil)])
                .marked_row(vec![Cell::text(evil).hint(evil)], "estimators of user plugins"),
        ),
        explorer: Some(Explorer {
            architectures: vec![evil.to_owned()],
            truth: vec![1.0],
            scores: vec![Scores {
                name: evil.to_owned(),
                values: vec![1.0],
                lower_is_better: false,
            }],
            ..Explorer::default()
        }),
        sections: vec![Section::new(evil, evil).finding(evil).rests_on(evil)],
        absent: vec![Absent {
            heading: evil.to_owned(),
            reason: evil.to_owned(),
            add: evil.to_owned(),
        }],
    };
    let html = html(&page);
    assert!(!html.contains("<img") && !html.contains('\u{1b}'), "{html}");
}

#[test]
fn ranks_and_ties_survive_seven_digits() {
    let tiny = 1.0 + f64::EPSILON;
    let explorer =
        Explorer { truth: vec![tiny, 1.0, f64::NAN, tiny, -1.8e50], ..Explorer::default() };
    let truth = &explorer.document()["truth"];
    assert_eq!(truth["at"], json!([2, 1, -1, 2, 0]));
    assert_eq!(truth["values"], json!([-1.8e50, 1.0, 1.0]));
}

#[test]
fn drawings_share_labels_and_shapes() {
    let drawing = |a: &str| Drawing::layered(&["in", a], &[[0, 1]]);
    let explorer = Explorer {
        drawings: vec![drawing("xx"), drawing("yy"), drawing("xx")],
        ..Explorer::default()
    };
    let document = explorer.document();
    assert_eq!(document["drawings"]["each"], json!([[0, 0, 1], [0, 0, 2], [0, 0, 1]]));
    assert_eq!(document["drawings"]["labels"].as_array().unwrap().len(), 3);
    assert_eq!(document["drawings"]["shapes"].as_array().unwrap().len(), 1);
}

#[test]
fn a_folder_that_cannot_be_written_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    let error = write(&Page::default(), &file).unwrap_err().to_string();
    assert!(error.starts_with("cannot write ") && error.contains("file"), "{error}");
}

#[test]
fn a_report_is_written_whole() {
    let folder = tempfile::tempdir().unwrap();
    let files = write(&with_figures(&[("a", "b")]), folder.path()).unwrap();
    let names: Vec<_> =
        files.iter().map(|it| it.strip_prefix(folder.path()).unwrap().to_owned()).collect();
    assert_eq!(names, ["figures/a-b.svg", "figures/a-b.csv", "report.html"].map(PathBuf::from));
    let left = std::fs::read_dir(folder.path().join("figures")).unwrap().count();
    assert_eq!(left, 3, "two files and their list, and no part is left");

    // The next report lacks that figure; other people's files stay.
    std::fs::write(folder.path().join("figures/mine.svg"), "").unwrap();
    write(&with_figures(&[("a", "c")]), folder.path()).unwrap();
    let mut left: Vec<_> = std::fs::read_dir(folder.path().join("figures"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    left.sort();
    assert_eq!(left, [".written", "a-c.csv", "a-c.svg", "mine.svg"]);
}

#[test]
fn cells_without_a_number_sort_last_and_say_why() {
    let columns = vec![Column::text("Estimator", ""), Column::number("KD", "tau-b")];
    let cells = vec![Cell::text("a"), Cell::undefined("all equal")];
    let html = Table::new(columns).row(cells).html("Label").into_string();
    assert!(
        html.contains("<td class=\"number undefined\" title=\"all equal\">undefined</td>"),
        "{html}"
    );
    assert!(!html.contains("data-sort"));
    assert!(html.contains("<th scope=\"row\">a</th>"));
}
