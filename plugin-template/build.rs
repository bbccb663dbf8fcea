//! Lets the tests find the libtorch that the sdk was built for.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let lib = std::env::var("DEP_OSEE_SDK_LIBTORCH_LIB").unwrap_or_default();
    if !lib.is_empty() {
        // DT_RPATH comes before LD_LIBRARY_PATH, which may name another libtorch.
        println!("cargo::rustc-link-arg=-Wl,--disable-new-dtags,-rpath,{lib}");
    }
}
