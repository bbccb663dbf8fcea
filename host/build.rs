//! Lets the host and its tests find, without any exported variable, the
//! libtorch they were linked against.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=DEP_OSEE_SDK_LIBTORCH_LIB");
    let lib = std::env::var("DEP_OSEE_SDK_LIBTORCH_LIB").unwrap_or_default();
    let libtorch = std::path::Path::new(&lib).parent().map(|folder| folder.display().to_string());
    println!("cargo::rustc-env=OSEE_LIBTORCH={}", libtorch.unwrap_or_default());
    if !lib.is_empty() {
        // Tags that come before LD_LIBRARY_PATH, which may name another libtorch.
        println!("cargo::rustc-link-arg=-Wl,--disable-new-dtags,-rpath,{lib}");
    }
}
