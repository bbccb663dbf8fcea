//! Which call of a plugin is under way, for a host that wants to know: it may
//! not come back.

use std::sync::OnceLock;

static WATCH: OnceLock<fn(&str)> = OnceLock::new();

/// From here on `watch` is told of every call into a plugin in this process
/// before it begins, and an empty text when it is over.
pub fn with(watch: fn(&str)) {
    // The first one stays.
    let _ = WATCH.set(watch);
}

/// Makes a call, which `what` describes.
pub(super) fn during<T>(what: impl FnOnce() -> String, call: impl FnOnce() -> T) -> T {
    let Some(watch) = WATCH.get() else { return call() };
    watch(&what());
    let outcome = call();
    watch("");
    outcome
}
