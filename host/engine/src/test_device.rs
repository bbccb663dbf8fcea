//! The device that the engine's tests run on, by the environment variable `OSEE_TEST_DEVICE`:
//! `cpu` (the default), `cuda:N`, or `fake`, a device that every machine has.

use osee_model::device::DeviceName;
use std::{env, process::Command};
use tch::Device;

const VARIABLE: &str = "OSEE_TEST_DEVICE";

/// The device to test on. A test that seeds torch's generator or runs a backward pass calls
/// this first, because libtorch then remembers which devices there are.
pub fn device() -> Device {
    let name = env::var(VARIABLE).unwrap_or_else(|_| "cpu".to_owned());
    if name == "fake" {
        return osee_fake_device::install();
    }
    let name: DeviceName = name.parse().unwrap();
    crate::open_device(name).unwrap()
}

/// Runs all of these tests once more, on the fake device.
#[test]
fn every_test_passes_on_the_fake_device() {
    if env::var_os(VARIABLE).is_some() {
        return;
    }
    let mut again = Command::new(env::current_exe().unwrap());
    // Reading images has nothing to do with a device, and takes long.
    let output = again.args(["--skip", "data::"]).env(VARIABLE, "fake").output().unwrap();
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "on the fake device:\n{printed}");
    assert!(!printed.contains(" 0 passed"), "{printed}");
}
