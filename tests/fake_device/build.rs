//! Compiles the device against the libtorch that torch-sys was built with.

use std::{env, path::PathBuf};

fn main() {
    println!("cargo:rerun-if-changed=src/device.cpp");
    for name in ["LIBTORCH_INCLUDE", "LIBTORCH_CXX11_ABI"] {
        println!("cargo:rerun-if-env-changed={name}");
    }
    // torch-sys links `tch` and tells those that depend on it where libtorch's libraries are.
    let libraries = env::var_os("DEP_TCH_LIBTORCH_LIB").expect("torch-sys says where libtorch is");
    let beside = PathBuf::from(libraries).join("..");
    // As in the build script of torch-sys.
    let include = env::var_os("LIBTORCH_INCLUDE").map_or(beside, PathBuf::from).join("include");
    let abi = env::var("LIBTORCH_CXX11_ABI").unwrap_or_else(|_| "1".to_owned());
    cc::Build::new()
        .cpp(true)
        .std("c++17")
        .define("_GLIBCXX_USE_CXX11_ABI", abi.as_str())
        .include(include.join("torch/csrc/api/include"))
        .include(include)
        // libtorch's headers warn.
        .warnings(false)
        .file("src/device.cpp")
        .compile("osee_fake_device");
}
