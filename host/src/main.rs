//! The `osee-host` program.

/// The program's first function, before those that libraries run when they are loaded:
/// one of libtorch's ends the process if there is no working folder.
// SAFETY: the linker's list of such functions, to which one of its form is added.
#[used]
#[unsafe(link_section = ".preinit_array")]
static FIRST: extern "C" fn() = osee_host::cli::first;

fn main() -> std::process::ExitCode {
    osee_host::cli::main()
}
