//! Tables of ground truth.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    osee_host::fuzz::table(bytes);
});
