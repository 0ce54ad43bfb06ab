//! Arguments, then the window or a command, then an error as text and exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    say_how_many_threads();
    spiritsafe::cli::main(window)
}

/// Where nothing says how many threads there are, the tensor library reads the system's list of cores at every product of
/// two matrices: a twentieth of the training of a small network on two cores, and the list grows with the cores.
#[expect(unsafe_code, reason = "the environment can only be changed while there is one thread")]
fn say_how_many_threads() {
    const NAME: &str = "RAYON_NUM_THREADS";
    if let (None, Ok(threads)) = (std::env::var_os(NAME), std::thread::available_parallelism()) {
        // SAFETY: no other thread was started yet.
        unsafe { std::env::set_var(NAME, threads.to_string()) };
    }
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
