//! What a plugin answers, looked at where it arrives.
//!
//! Invariant: no count, size, name or document of a plugin is used before it
//! was found to fit the question; the error names the plugin, the export, the
//! call, what came and what was expected.

use super::{
    document,
    guard::{self, FfiResult},
    watch,
};
use crate::{Error, Result};
use abi_stable::std_types::{RErr, RString, RVec};
use osee_model::estimator::Failure;
use serde::de::DeserializeOwned;
use std::{fmt::Display, path::Path, sync::Arc};

/// Most bytes of one document, or of one list of architectures.
pub const DOCUMENT: usize = 32 << 20;
/// Most bytes of one architecture or canonical form.
pub const ARCHITECTURE: usize = 64 << 10;
/// Most bytes of a name: of an export, a setting, a decision, a column.
pub const NAME: usize = 256;
/// Most bytes of a summary, a citation or a line of help.
pub const WORDS: usize = 4 << 10;
/// Most exports of a library, settings of an export, and experts of a meta
/// estimator.
pub const DECLARED: usize = 1000;
/// Most mutations of an architecture.
pub const MUTATIONS: usize = 100_000;
/// Most architectures of one answer.
pub const ARCHITECTURES: usize = 1_000_000;
/// Characters of what a call was about, in an error.
const SHOWN_OF: usize = 120;

/// Whose answers they are.
#[derive(Debug, Clone)]
pub struct Origin {
    plugin: Option<Arc<str>>,
    export: Arc<str>,
}

impl Origin {
    /// An export of the library at `path`.
    pub(super) fn of_library(path: &Path, export: &str) -> Self {
        let file = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy();
        Self { plugin: Some(file.as_ref().into()), export: export.into() }
    }

    /// An export whose library is not known on this side.
    pub(super) fn of_export(export: &str) -> Self {
        Self { plugin: None, export: export.into() }
    }

    /// Calls this estimator, so that a host may know what is under way.
    pub(super) fn watched<T>(&self, what: &str, call: impl FnOnce() -> T) -> T {
        watch::during(|| format!("estimator `{}`, {what}", self.export), call)
    }

    /// What a call of this export about `of` came to; a failure of the plugin's
    /// own says which call that was, where the library is known.
    pub(super) fn named<T>(
        &self,
        name: &str,
        of: impl Display,
        result: FfiResult<T>,
    ) -> FfiResult<T> {
        let (Some(file), RErr(bytes)) = (&self.plugin, &result) else { return result };
        let bytes = bytes.clone();
        let Err(error) = guard::receive::<()>(RErr(bytes)) else { return result };
        let failure = error.failure();
        let of: String = of.to_string().chars().take(SHOWN_OF).collect();
        let message =
            format!("plugin {file}, export `{}`: {name} of {of}: {}", self.export, failure.message);
        RErr(document::encode(&Failure { message, ..failure.clone() }).into())
    }

    /// Its name.
    pub(super) fn export(&self) -> &str {
        &self.export
    }

    /// One of its calls.
    pub(super) fn call(&self, name: &'static str) -> Call<'_> {
        Call { origin: self, name }
    }
}

/// One call of one export, by its name in the author's trait.
#[derive(Debug, Clone, Copy)]
pub(super) struct Call<'a> {
    origin: &'a Origin,
    name: &'static str,
}

impl Call<'_> {
    /// The error of an answer that does not fit.
    pub fn wrong(self, got: impl Display, expected: impl Display) -> Error {
        let Origin { plugin, export } = self.origin;
        let plugin = plugin.as_ref().map(|file| format!("plugin {file}, ")).unwrap_or_default();
        let name = self.name;
        Error::new(format!("{plugin}export `{export}`: {name} gave {got}, expected {expected}"))
    }

    /// The document that came.
    pub fn document<T: DeserializeOwned>(self, result: FfiResult<RVec<u8>>) -> Result<T> {
        self.read(&self.bytes(result)?)
    }

    /// The document of bytes that came.
    pub fn read<T: DeserializeOwned>(self, bytes: &[u8]) -> Result<T> {
        document::decode(bytes).map_err(|error| self.wrong("another document", error))
    }

    /// The bytes that came, not looked into.
    pub fn bytes(self, result: FfiResult<RVec<u8>>) -> Result<RVec<u8>> {
        let bytes = guard::receive(result)?;
        self.at_most(bytes.len(), DOCUMENT, "bytes")?;
        Ok(bytes)
    }

    /// The architecture that came.
    pub fn architecture(self, result: FfiResult<RString>) -> Result<String> {
        let text = guard::receive(result)?;
        self.is_architecture(&text)?;
        Ok(text.into_string())
    }

    /// The architectures that came.
    pub fn architectures(self, result: FfiResult<RVec<RString>>) -> Result<Vec<String>> {
        let list = guard::receive(result)?;
        self.at_most(list.len(), ARCHITECTURES, "architectures")?;
        self.at_most(list.iter().map(|text| text.len()).sum(), DOCUMENT, "bytes")?;
        list.iter().try_for_each(|text| self.is_architecture(text))?;
        Ok(list.into_iter().map(RString::into_string).collect())
    }

    /// The canonical form that came; the empty one is one.
    pub fn canonical(self, result: FfiResult<RString>) -> Result<String> {
        let text = guard::receive(result)?;
        self.at_most(text.len(), ARCHITECTURE, "bytes")?;
        Ok(text.into_string())
    }

    /// The names that came.
    pub fn names(self, result: FfiResult<RVec<RString>>) -> Result<Vec<String>> {
        let names = guard::receive(result)?;
        self.at_most(names.len(), DECLARED, "names")?;
        names.iter().try_for_each(|text| self.is_name(text, "a name"))?;
        Ok(names.into_iter().map(RString::into_string).collect())
    }

    /// As many as were asked for.
    pub fn exactly(self, got: usize, wanted: usize, what: &str) -> Result<()> {
        match got == wanted {
            true => Ok(()),
            false => Err(self.wrong(format!("{got} {what}"), format!("{wanted}"))),
        }
    }

    /// No more than can be taken.
    pub fn at_most(self, got: usize, most: usize, what: &str) -> Result<()> {
        match got <= most {
            true => Ok(()),
            false => Err(self.wrong(format!("{got} {what}"), format!("at most {most}"))),
        }
    }

    /// One line that a file of architectures can hold.
    pub fn is_architecture(self, text: &str) -> Result<()> {
        let comment = || Err("one that does not begin with #, as comments of a list do".to_owned());
        let held = line(text, ARCHITECTURE);
        match held.and_then(|()| if text.starts_with('#') { comment() } else { Ok(()) }) {
            Ok(()) => Ok(()),
            Err(expected) => Err(self.wrong(format!("the architecture {}", shown(text)), expected)),
        }
    }

    /// A short line.
    pub fn is_name(self, text: &str, what: &str) -> Result<()> {
        match line(text, NAME) {
            Ok(()) => Ok(()),
            Err(expected) => Err(self.wrong(format!("{what} {}", shown(text)), expected)),
        }
    }
}

/// What a line of at most so many bytes is expected to be, if `text` is none.
pub(super) fn line(text: &str, most: usize) -> std::result::Result<(), String> {
    if text.len() > most {
        return Err(format!("at most {most} bytes"));
    }
    if text.is_empty() || text.trim() != text || text.chars().any(char::is_control) {
        return Err("one line of text without spaces around it".to_owned());
    }
    Ok(())
}

/// The beginning of a text, for a message.
pub(super) fn shown(text: &str) -> String {
    const SHOWN: usize = 40;
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{:?}... of {} bytes", &text[..end], text.len()),
        None => format!("{text:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use abi_stable::std_types::ROk;
    use osee_model::estimator::FailureKind;

    fn call(origin: &Origin) -> Call<'_> {
        origin.call("mutations")
    }

    #[test]
    fn an_error_names_plugin_export_call_and_both_sides() {
        let origin = Origin::of_library(Path::new("/plugins/libmine.so"), "mine");
        let error = origin.call("scores").exactly(5, 6, "scores").unwrap_err();
        assert_eq!(
            error.to_string(),
            "plugin libmine.so, export `mine`: scores gave 5 scores, expected 6"
        );
    }

    #[test]
    fn a_failure_of_a_library_says_which_call_it_was_and_keeps_its_kind() {
        let failure = || -> FfiResult<()> {
            RErr(document::encode(&Failure::new(FailureKind::Panic, "at the disco")).into())
        };
        let of = |origin: Origin| guard::receive(origin.named("canonical", "4-3", failure()));
        let error = of(Origin::of_library(Path::new("/plugins/libmine.so"), "mine")).unwrap_err();
        assert_eq!(
            error.to_string(),
            "panic: plugin libmine.so, export `mine`: canonical of 4-3: at the disco"
        );
        // On the other side of the boundary it has been said already.
        let error = of(Origin::of_export("mine")).unwrap_err();
        assert_eq!(error.to_string(), "panic: at the disco");
    }

    #[test]
    fn what_is_too_long_is_named_and_shortened() {
        let origin = Origin::of_export("huge");
        let text = "x".repeat(1 << 20);
        let error = call(&origin).canonical(ROk(text.as_str().into())).unwrap_err().to_string();
        assert_eq!(error, "export `huge`: mutations gave 1048576 bytes, expected at most 65536");
        let error = call(&origin).architecture(ROk(text.into())).unwrap_err().to_string();
        assert!(error.len() < 200 && error.contains("of 1048576 bytes"), "{error}");
        let document = call(&origin).document::<String>(ROk(vec![0; DOCUMENT + 1].into()));
        assert!(document.unwrap_err().to_string().contains("expected at most 33554432"));
    }

    #[test]
    fn an_architecture_is_one_line() {
        let origin = Origin::of_export("lines");
        for bad in ["", " a", "a\n", "a\nb", "a\u{0}"] {
            let error = call(&origin).architecture(ROk(bad.into())).unwrap_err();
            assert!(error.to_string().contains("expected one line"), "{error}");
        }
        let error = call(&origin).architecture(ROk("#4-3".into())).unwrap_err().to_string();
        assert!(
            error.ends_with("expected one that does not begin with #, as comments of a list do")
        );
        assert!(call(&origin).architecture(ROk("4#3".into())).is_ok());
        assert!(call(&origin).architecture(ROk("|nor_conv_3x3~0|+|a b~0|".into())).is_ok());
        assert!(call(&origin).canonical(ROk("".into())).is_ok());
    }
}
