//! Catches panics. Invariant: a panic is caught inside the library where it happened,
//! because each library has its own std and cannot catch another's.

use super::document;
use crate::Error;
use abi_stable::std_types::{RErr, ROk, RResult, RVec};
use osee_model::estimator::{Failure, FailureKind};
use std::{
    cell::{Cell, RefCell},
    panic::{self, AssertUnwindSafe},
    sync::Once,
};

/// The result of every call across the boundary: a value, or a [`Failure`]
/// document.
pub type FfiResult<T> = RResult<T, RVec<u8>>;

/// Most bytes of a failure document; it is stored with every score that failed.
const LONGEST_FAILURE: usize = 64 << 10;

thread_local! {
    /// Number of [`run`] calls under way on this thread.
    static GUARDED: Cell<u32> = const { Cell::new(0) };
    /// Message and place of the last panic in one of those calls.
    static LAST_PANIC: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Makes panics inside [`run`] leave their message and place in its failure
/// instead of on stderr.
pub(super) fn install_panic_hook() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let previous = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if GUARDED.get() == 0 {
                return previous(info);
            }
            let place = info.location().map(|at| format!(" at {at}")).unwrap_or_default();
            let text = format!("{}{place}", info.payload_as_str().unwrap_or("panic"));
            LAST_PANIC.set(Some(text));
        }));
    });
}

/// Runs `call`; errors and panics become failures.
pub(super) fn run<T>(call: impl FnOnce() -> Result<T, Error>) -> FfiResult<T> {
    GUARDED.set(GUARDED.get() + 1);
    // A call borrows the author's object and its arguments. The arguments are dropped.
    // The object is shared and may be called again: a lock held by the panicking call is
    // poisoned, and anything else left half done costs only this estimator's scores.
    let outcome = panic::catch_unwind(AssertUnwindSafe(call));
    GUARDED.set(GUARDED.get() - 1);
    match outcome {
        Ok(Ok(value)) => ROk(value),
        Ok(Err(error)) => RErr(document::encode(error.failure()).into()),
        Err(payload) => {
            let text = LAST_PANIC.take();
            let text = text.unwrap_or_else(|| "panic without a message".to_owned());
            // A payload whose drop panics must not end the process.
            std::mem::forget(payload);
            RErr(document::encode(&Failure::new(FailureKind::Panic, text)).into())
        }
    }
}

/// The receiving side of [`run`]: turns a failure document back into an error.
pub(super) fn receive<T>(result: FfiResult<T>) -> Result<T, Error> {
    match result {
        ROk(value) => Ok(value),
        RErr(bytes) if bytes.len() > LONGEST_FAILURE => {
            Err(Error::new(format!("the plugin failed with a message of {} bytes", bytes.len())))
        }
        RErr(bytes) => Err(match document::decode::<Failure>(&bytes) {
            Ok(failure) => failure.into(),
            Err(error) => error,
        }),
    }
}
