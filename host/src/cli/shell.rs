//! Quotes paths and names in command lines for a shell: each is one word, whatever its
//! characters.

use std::{
    fmt::Write,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
};

/// Quotes text as one word of a shell.
pub fn word(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,+%@".contains(c);
    // Some shells look up a word with `=` before it as a command.
    match !text.is_empty() && text.chars().all(plain) && !text.starts_with('=') {
        true => text.to_owned(),
        false => format!("'{}'", text.replace('\'', r"'\''")),
    }
}

/// Quotes a path as one word that no command takes for an option; bytes that are not
/// text are written as bash, zsh and ksh read them.
pub fn path_word(path: &Path) -> String {
    let dashed = path.as_os_str().as_bytes().starts_with(b"-");
    let path = if dashed { Path::new(".").join(path) } else { PathBuf::from(path) };
    if let Some(text) = path.to_str().filter(|text| !text.chars().any(char::is_control)) {
        return word(text);
    }
    let mut text = "$'".to_owned();
    for &byte in path.as_os_str().as_bytes() {
        match byte {
            b'\'' | b'\\' => text.extend(['\\', char::from(byte)]),
            b' '..=b'~' => text.push(char::from(byte)),
            // Writing to a string cannot fail.
            _ => drop(write!(text, "\\{byte:03o}")),
        }
    }
    text + "'"
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{
        ffi::OsStr,
        process::{Command, Output},
    };

    #[test]
    fn a_shell_reads_the_word_that_was_meant() {
        assert_eq!(word("runs/a-1"), "runs/a-1");
        assert_eq!(word("it's $HOME"), r"'it'\''s $HOME'");
        assert_eq!(path_word(Path::new("-x")), "./-x");
        let names: [&[u8]; 8] = [
            b"a b",
            b"it's $HOME `id` \"x\"",
            b"",
            b"~root",
            b"two\nlines\tand\\",
            b"caf\xe9 'x'",
            "größe".as_bytes(),
            b"#x;y&z|*?[a]{b,c}!",
        ];
        for name in names {
            let path = Path::new(OsStr::from_bytes(name));
            let script = format!("printf %s {}", path_word(path));
            let Output { stdout, .. } =
                Command::new("bash").args(["-c", &script]).output().unwrap();
            assert_eq!(stdout, name, "{script}");
        }
    }
}
