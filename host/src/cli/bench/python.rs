//! A Python that can import torch, if there is one.

use std::{
    io::{self, Write},
    process::{Command, Stdio},
};

/// The Python to ask, or a line that says why there is none; `what` is not compared then.
pub fn with_torch(what: &str) -> Result<String, String> {
    let python = std::env::var("OSEE_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let importable = Command::new(&python).args(["-c", "import torch"]).output();
    match importable.is_ok_and(|output| output.status.success()) {
        true => Ok(python),
        false => Err(format!(
            "{python} cannot import torch, so {what} are not compared with PyTorch; OSEE_PYTHON \
             names another Python\n"
        )),
    }
}

/// What a script answers to a request, both JSON.
pub fn ask<T: serde::de::DeserializeOwned>(
    python: &str,
    script: &[&str],
    request: &serde_json::Value,
) -> io::Result<T> {
    let mut child = Command::new(python)
        .args(script)
        // With the environment of any other command.
        .env_remove("GLIBC_TUNABLES")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(request.to_string().as_bytes())?;
    }
    let output = child.wait_with_output()?;
    serde_json::from_slice(&output.stdout).map_err(io::Error::other)
}
