//! `osee.lock`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    osee_host::fuzz::lock(bytes);
});
