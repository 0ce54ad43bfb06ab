//! Arguments, then the window or a command, then an error as text and exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    spiritsafe::cli::main(|| Err("this program was built without its window".to_owned()))
}
