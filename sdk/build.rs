//! Tells the sdk, and every crate that links it, which libtorch torch-sys was built for.

use std::{env, fs, path::Path};

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=DEP_TCH_LIBTORCH_LIB");
    // torch-sys announces its library folder to direct dependants only.
    let lib = env::var("DEP_TCH_LIBTORCH_LIB").unwrap_or_default();
    println!("cargo::metadata=libtorch_lib={lib}");
    println!("cargo::rustc-env=OSEE_LIBTORCH_VERSION={}", libtorch_version(Path::new(&lib)));
    println!("cargo::rustc-env=OSEE_RUSTC_VERSION={}", rustc_version());
    println!("cargo::rustc-env=OSEE_TARGET={}", env::var("TARGET").unwrap_or_default());
}

/// The version (`MAJOR.MINOR.PATCH`) in the headers beside the library. Where a
/// distribution ships no headers, the version that tch is pinned to.
fn libtorch_version(lib: &Path) -> String {
    let header = lib.parent().unwrap_or(lib).join("include/torch/headeronly/version.h");
    let text = fs::read_to_string(header).unwrap_or_default();
    let part = |name: &str| {
        text.lines()
            .find_map(|line| line.strip_prefix("#define ")?.strip_prefix(name))
            .map(|value| value.trim().to_owned())
    };
    match (part("TORCH_VERSION_MAJOR "), part("TORCH_VERSION_MINOR "), part("TORCH_VERSION_PATCH "))
    {
        (Some(major), Some(minor), Some(patch)) => format!("{major}.{minor}.{patch}"),
        _ => "2.11.0".to_owned(),
    }
}

fn rustc_version() -> String {
    let rustc = env::var("RUSTC").unwrap_or_else(|_| "rustc".to_owned());
    std::process::Command::new(rustc)
        .arg("--version")
        .output()
        .map(|out| String::from_utf8_lossy(&out.stdout).trim().to_owned())
        .unwrap_or_default()
}
