//! Reads members of zip archives by name, without unpacking anything.

use super::table::wrong;
use crate::catalog::error::Fault;
use std::{
    fs::File,
    io::{BufReader, Read},
    path::{Component, Path},
};
use zip::ZipArchive;

/// Most bytes of a member; all that are needed are smaller.
const LARGEST: u64 = 256 << 20;

/// Names and contents of the members that `wanted` accepts.
pub fn zip_members(
    path: &Path,
    wanted: impl Fn(&str) -> bool,
) -> Result<Vec<(String, Vec<u8>)>, Fault> {
    let file = File::open(path).map_err(Fault::io("read", path))?;
    let damaged = |error: zip::result::ZipError| wrong(path, format!("cannot be read: {error}"));
    let mut archive = ZipArchive::new(BufReader::new(file)).map_err(damaged)?;
    let mut found = Vec::new();
    for at in 0..archive.len() {
        let member = archive.by_index(at).map_err(damaged)?;
        let name = member.name().to_owned();
        if !inside(Path::new(&name)) {
            return Err(wrong(path, format!("has a member `{name}`, which is outside it")));
        }
        if !wanted(&name) {
            continue;
        }
        let mut bytes = Vec::new();
        // The size in the header is not trusted.
        member
            .take(LARGEST + 1)
            .read_to_end(&mut bytes)
            .map_err(|error| wrong(path, format!("cannot be read at `{name}`: {error}")))?;
        if bytes.len() as u64 > LARGEST {
            return Err(wrong(path, format!("has a member `{name}` of more than {LARGEST} bytes")));
        }
        found.push((name, bytes));
    }
    Ok(found)
}

/// True if the path of an archive member stays below a folder.
pub fn inside(name: &Path) -> bool {
    name.components().all(|it| matches!(it, Component::Normal(_) | Component::CurDir))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn archive(names: &[&str]) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        let mut zip = zip::ZipWriter::new(file.reopen().unwrap());
        for name in names {
            zip.start_file(*name, zip::write::FileOptions::default()).unwrap();
            zip.write_all(name.as_bytes()).unwrap();
        }
        zip.finish().unwrap();
        file
    }

    #[test]
    fn members_are_found_by_name_and_a_path_out_of_the_archive_is_refused() {
        let good = archive(&["a/b.json", "a/c.txt"]);
        let found = zip_members(good.path(), |name| name.ends_with(".json")).unwrap();
        assert_eq!(found, [("a/b.json".to_owned(), b"a/b.json".to_vec())]);
        for name in ["../x.json", "/etc/x.json", "a/../../x.json"] {
            let bad = archive(&["a.json", name]);
            let error = zip_members(bad.path(), |_| true).unwrap_err().to_string();
            assert!(error.contains("outside it"), "{error}");
        }
        let none = tempfile::NamedTempFile::new().unwrap();
        let error = zip_members(none.path(), |_| true).unwrap_err().to_string();
        assert!(error.contains("cannot be read"), "{error}");
    }
}
