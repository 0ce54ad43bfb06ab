//! Where this program keeps what nobody has named a place for.

use std::path::{Path, PathBuf};

/// The user's cache folder; `SPIRITSAFE_CACHE` names another one. None where the system has no home.
pub fn cache() -> Option<PathBuf> {
    match std::env::var_os("SPIRITSAFE_CACHE") {
        Some(folder) => Some(PathBuf::from(folder)),
        None => Some(directories::ProjectDirs::from("", "", "spiritsafe")?.cache_dir().to_owned()),
    }
}

/// Where new runs lie: `runs` in the working folder, or in the user's data folder where a launcher has started the program
/// in a place that cannot be written. `SPIRITSAFE_DATA` names another data folder.
pub fn runs() -> PathBuf {
    let here = Path::new("runs");
    if can_write(if here.is_dir() { here } else { Path::new(".") }) {
        return here.to_owned();
    }
    let data = match std::env::var_os("SPIRITSAFE_DATA") {
        Some(folder) => Some(PathBuf::from(folder)),
        None => directories::ProjectDirs::from("", "", "spiritsafe").map(|dirs| dirs.data_dir().to_owned()),
    };
    data.map_or_else(|| here.to_owned(), |data| data.join("runs"))
}

/// Rights say little (of roots, networks and read-only disks); a file that can be made says it.
fn can_write(folder: &Path) -> bool {
    tempfile::tempfile_in(folder).is_ok()
}

/// A path as it is typed: `~` is the user's home, and what is not absolute lies in the working folder.
pub fn absolute(typed: &Path) -> PathBuf {
    let at_home = || Some(directories::BaseDirs::new()?.home_dir().join(typed.strip_prefix("~").ok()?));
    let path = at_home().unwrap_or_else(|| typed.to_owned());
    std::path::absolute(&path).unwrap_or(path)
}
