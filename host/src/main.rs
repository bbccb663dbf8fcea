//! The osee host.

fn main() -> std::process::ExitCode {
    osee_host::cli::main()
}
