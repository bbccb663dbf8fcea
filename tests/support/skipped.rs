//! Notes for tests that cannot run: each says why, and `make test` lists all
//! of them at its end. Every crate's tests have this file.

use std::{
    env,
    fs::OpenOptions,
    io::Write,
    path::{Path, PathBuf},
    thread,
};

/// Says why the calling test is skipped.
pub fn skipped(why: &str) {
    println!("skipped: {why}");
    let Some(list) = env::var_os("OSEE_SKIPPED") else { return };
    let test = thread::current().name().unwrap_or("a test").to_owned();
    let file = OpenOptions::new().create(true).append(true).open(list);
    let mut file = file.expect("OSEE_SKIPPED names a file that can be written");
    writeln!(file, "{test}: {why}").expect("it can be written");
}

/// The data folder: `OSEE_TEST_DATA`, else `../shared/data` beside the
/// repository. Without it the test is skipped, or fails if `OSEE_REQUIRE_DATA`
/// is set.
pub fn data() -> Option<PathBuf> {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors();
    let mut own = own.filter(|folder| folder.join("Cargo.lock").exists());
    let beside = || own.next().expect("a crate is in the repository").join("../shared/data");
    let folder = env::var_os("OSEE_TEST_DATA").map_or_else(beside, PathBuf::from);
    if folder.exists() {
        return Some(folder);
    }
    let missing = format!("there is no data at {}", folder.display());
    assert!(env::var_os("OSEE_REQUIRE_DATA").is_none(), "OSEE_REQUIRE_DATA is set, and {missing}");
    skipped(&missing);
    None
}
