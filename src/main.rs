//! Arguments, then the window or a command, then an error as text and exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    spiritsafe::cli::main(window)
}

/// The window, which is already distilling digits when it opens.
#[cfg(feature = "gui")]
fn window() -> Result<(), String> {
    use spiritsafe::{config::RunConfig, engine};
    let config = RunConfig::preset("digits", &[]).map_err(|error| error.to_string())?;
    spiritsafe::app::run(engine::Start::fresh(config), engine::Engine::spawn)
}

#[cfg(not(feature = "gui"))]
fn window() -> Result<(), String> {
    Err("this program was built without its window".to_owned())
}
