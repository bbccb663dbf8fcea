//! What the program prints, compared with files in `tests/snapshots`. They are
//! written anew by `INSTA_UPDATE=always cargo test -p osee-host -p osee-tests`.

/// Compares `text` with the file NAME.snap. What differs between machines and
/// versions is replaced first: in each pair the former by the latter.
pub fn snapshot(name: &str, text: &str, replaced: &[(&str, &str)]) {
    let text = replaced.iter().fold(text.to_owned(), |text, (from, to)| text.replace(from, to));
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(concat!(env!("CARGO_MANIFEST_DIR"), "/snapshots"));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, text));
}
