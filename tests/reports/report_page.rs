//! Opens the report's page in a real browser: nothing fails, everything works,
//! nothing is cut. Without a Chromium (PATH or `OSEE_CHROMIUM`) this
//! part is skipped, unless `OSEE_REQUIRE_CHROMIUM` is set.

use crate::support::report as synthetic;
use crate::support::skipped;
use osee_report::html::{html, write};
use serde_json::Value;
use std::{
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::mpsc,
    time::Duration,
};

/// Folder in which the page is left for inspection.
fn folder() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("report")
}

fn chromium() -> Option<PathBuf> {
    let names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
    let path = std::env::var_os("PATH").unwrap_or_default();
    let files = std::env::split_paths(&path).flat_map(|at| names.map(|name| at.join(name)));
    let found = std::env::var_os("OSEE_CHROMIUM").map(PathBuf::from);
    let found = found.or_else(|| files.into_iter().find(|file| file.is_file()));
    if found.is_none() {
        assert!(std::env::var_os("OSEE_REQUIRE_CHROMIUM").is_none(), "no Chromium was found");
        skipped("there is no Chromium to look at the report's page; OSEE_CHROMIUM names one");
    }
    found
}

/// Opens `file` and waits for the line that the script in it prints. Any
/// other line on the console is a fault.
fn opened(chromium: &Path, file: &Path) -> Value {
    let profile = tempfile::tempdir().unwrap();
    let mut browser = Command::new(chromium)
        .args(["--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run"])
        .args(["--enable-logging=stderr", "--remote-debugging-port=0", "--window-size=1280,900"])
        .arg(format!("--user-data-dir={}", profile.path().display()))
        .arg(format!("file://{}", file.display()))
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let (send, lines) = mpsc::channel();
    let stderr = BufReader::new(browser.stderr.take().unwrap());
    std::thread::spawn(move || {
        for line in stderr.lines().map_while(Result::ok) {
            if send.send(line).is_err() {
                break;
            }
        }
    });
    let mut said = Vec::new();
    let found = loop {
        let Ok(line) = lines.recv_timeout(Duration::from_secs(60)) else { break None };
        if let Some((_, rest)) = line.split_once("\"SELFTEST ") {
            let end = rest.rfind("\", source:").unwrap();
            break Some(serde_json::from_str(&rest[..end]).unwrap());
        }
        if line.contains(":CONSOLE") {
            said.push(line);
        }
    };
    let _ = browser.kill();
    let _ = browser.wait();
    assert_eq!(said, Vec::<String>::new(), "the console");
    found.expect("the page's self-test ends within a minute")
}

/// The actions of a reader, and what must then be visible.
const SELF_TEST: &str = include_str!("../support/report_self_test.js");

#[test]
fn a_large_report_works_in_a_browser() {
    let page = synthetic::page();
    let started = std::time::Instant::now();
    let files = write(&page, &folder()).unwrap();
    println!("written in {:.2} s", started.elapsed().as_secs_f64());
    let report = files.last().unwrap();
    let size = std::fs::metadata(report).unwrap().len();
    println!("{} bytes", size);
    assert!(size < 3_000_000, "{size} bytes");
    let text = std::fs::read_to_string(report).unwrap();
    let outside = ["src=\"http", "href=\"http", "url(", "@import", "fetch("];
    assert!(!outside.iter().any(|it| text.contains(it)), "the page needs nothing besides itself");

    let Some(chromium) = chromium() else { return };
    let tested = folder().join("self-test.html");
    let script = format!("<script>{SELF_TEST}</script></body>");
    std::fs::write(&tested, text.replace("</body>", &script)).unwrap();
    let narrow = folder().join("self-test-390.html");
    // A browser window has a least width, a frame has none.
    let frame = "<!doctype html><body style=\"margin:0\"><iframe src=\"self-test.html\" \
                 style=\"width:390px;height:860px;border:0\"></iframe></body>";
    std::fs::write(&narrow, frame).unwrap();

    for (file, width) in [(&tested, 1280), (&narrow, 390)] {
        let seen = opened(&chromium, file);
        println!("{width}: {seen:#}");
        assert_eq!(seen["width"], width);
        assert_eq!(seen["errors"], serde_json::json!([]));
        assert_eq!(seen["cut"], serde_json::json!([]), "cut at {width}");
        for step in [
            "sorted",
            "undefined_last",
            "aria_sort",
            "tip",
            "hover",
            "keys",
            "held",
            "theme",
            "svg_file",
            "drawing",
            "estimators",
        ] {
            assert_eq!(seen["steps"][step], true, "{step} at {width}: {seen:#}");
        }
        assert!(seen["first_paint_ms"].as_f64().unwrap() < 2000.0, "first paint");
        assert!(seen["hover_ms"].as_f64().unwrap() < 8.0, "half a frame per move of the pointer");
    }
}

#[test]
fn the_page_is_a_function_of_its_document() {
    let mut page = synthetic::page();
    page.explorer = None;
    assert_eq!(html(&page), html(&page.clone()));
}
