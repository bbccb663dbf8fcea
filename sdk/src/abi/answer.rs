//! Checks of what a plugin answers, made where the answer arrives.
//!
//! Invariant: no count, size, name or document from a plugin is used before it
//! has been found to fit the question. The error names the plugin, the export, the
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
/// Most bytes of the name of an export, a setting, a decision or a column.
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
/// Most characters of a call's subject (such as an architecture) in an error.
const SHOWN_OF: usize = 120;

/// The export that an answer comes from, and its library's file name where known.
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

    /// An export whose library is not known on this side of the boundary.
    pub(super) fn of_export(export: &str) -> Self {
        Self { plugin: None, export: export.into() }
    }

    /// Calls this estimator, and tells the host's [`watch`] which call is under way.
    pub(super) fn watched<T>(&self, what: &str, call: impl FnOnce() -> T) -> T {
        watch::during(|| format!("estimator `{}`, {what}", self.export), call)
    }

    /// The result of this export's call `name` about `of`. If the call failed and the
    /// library is known, the failure's message says which call it was.
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

    /// The name of the export.
    pub(super) fn export(&self) -> &str {
        &self.export
    }

    /// The call `name` of this export, whose answer is to be checked.
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
    /// The error for an answer that does not fit the question.
    pub fn wrong(self, got: impl Display, expected: impl Display) -> Error {
        let Origin { plugin, export } = self.origin;
        let plugin = plugin.as_ref().map(|file| format!("plugin {file}, ")).unwrap_or_default();
        let name = self.name;
        Error::new(format!("{plugin}export `{export}`: {name} gave {got}, expected {expected}"))
    }

    /// Decodes the document of the answer; at most [`DOCUMENT`] bytes.
    pub fn document<T: DeserializeOwned>(self, result: FfiResult<RVec<u8>>) -> Result<T> {
        self.read(&self.bytes(result)?)
    }

    /// The document of bytes that came.
    pub fn read<T: DeserializeOwned>(self, bytes: &[u8]) -> Result<T> {
        document::decode(bytes).map_err(|error| self.wrong("another document", error))
    }

    /// The bytes of the answer, not decoded; at most [`DOCUMENT`].
    pub fn bytes(self, result: FfiResult<RVec<u8>>) -> Result<RVec<u8>> {
        let bytes = guard::receive(result)?;
        self.at_most(bytes.len(), DOCUMENT, "bytes")?;
        Ok(bytes)
    }

    /// The one architecture of the answer.
    pub fn architecture(self, result: FfiResult<RString>) -> Result<String> {
        let text = guard::receive(result)?;
        self.is_architecture(&text)?;
        Ok(text.into_string())
    }

    /// The architectures of the answer, at most [`ARCHITECTURES`].
    pub fn architectures(self, result: FfiResult<RVec<RString>>) -> Result<Vec<String>> {
        let list = guard::receive(result)?;
        self.at_most(list.len(), ARCHITECTURES, "architectures")?;
        self.at_most(list.iter().map(|text| text.len()).sum(), DOCUMENT, "bytes")?;
        list.iter().try_for_each(|text| self.is_architecture(text))?;
        Ok(list.into_iter().map(RString::into_string).collect())
    }

    /// The canonical form of the answer, which may be empty.
    pub fn canonical(self, result: FfiResult<RString>) -> Result<String> {
        let text = guard::receive(result)?;
        self.at_most(text.len(), ARCHITECTURE, "bytes")?;
        Ok(text.into_string())
    }

    /// The names of the answer, at most [`DECLARED`].
    pub fn names(self, result: FfiResult<RVec<RString>>) -> Result<Vec<String>> {
        let names = guard::receive(result)?;
        self.at_most(names.len(), DECLARED, "names")?;
        names.iter().try_for_each(|text| self.is_name(text, "a name"))?;
        Ok(names.into_iter().map(RString::into_string).collect())
    }

    /// Refuses a number of `what` other than `wanted`.
    pub fn exactly(self, got: usize, wanted: usize, what: &str) -> Result<()> {
        match got == wanted {
            true => Ok(()),
            false => Err(self.wrong(format!("{got} {what}"), format!("{wanted}"))),
        }
    }

    /// Refuses more than `most` of `what`.
    pub fn at_most(self, got: usize, most: usize, what: &str) -> Result<()> {
        match got <= most {
            true => Ok(()),
            false => Err(self.wrong(format!("{got} {what}"), format!("at most {most}"))),
        }
    }

    /// Refuses text that is not one line that a list of architectures can hold.
    pub fn is_architecture(self, text: &str) -> Result<()> {
        let comment = || Err("one that does not begin with #, as comments of a list do".to_owned());
        let held = line(text, ARCHITECTURE);
        match held.and_then(|()| if text.starts_with('#') { comment() } else { Ok(()) }) {
            Ok(()) => Ok(()),
            Err(expected) => Err(self.wrong(format!("the architecture {}", shown(text)), expected)),
        }
    }

    /// Refuses text that is not one line of at most [`NAME`] bytes.
    pub fn is_name(self, text: &str, what: &str) -> Result<()> {
        match line(text, NAME) {
            Ok(()) => Ok(()),
            Err(expected) => Err(self.wrong(format!("{what} {}", shown(text)), expected)),
        }
    }
}

/// Refuses text that is not one trimmed line of at most `most` bytes; the error says what was
/// expected.
pub(super) fn line(text: &str, most: usize) -> std::result::Result<(), String> {
    if text.len() > most {
        return Err(format!("at most {most} bytes"));
    }
    if text.is_empty() || text.trim() != text || text.chars().any(char::is_control) {
        return Err("one line of text without spaces around it".to_owned());
    }
    Ok(())
}

/// The first 40 characters of a text, quoted, for a message.
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
        // A failure received from an unknown library has been named on the other side already.
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
