//! Tells the host which call into a plugin is under way, since the call may never
//! return.

use std::sync::OnceLock;

static WATCH: OnceLock<fn(&str)> = OnceLock::new();

/// From now on, calls `watch` with a description before every call into a plugin in
/// this process, and with an empty text after it.
pub fn with(watch: fn(&str)) {
    // Only the first watch is kept.
    let _ = WATCH.set(watch);
}

/// Makes a call that `what` describes to the watch.
pub(super) fn during<T>(what: impl FnOnce() -> String, call: impl FnOnce() -> T) -> T {
    let Some(watch) = WATCH.get() else { return call() };
    watch(&what());
    let outcome = call();
    watch("");
    outcome
}
