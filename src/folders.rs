//! Where this program keeps what it can make again.

use std::path::PathBuf;

/// The user's cache folder; `SPIRITSAFE_CACHE` names another one. None where the system has no home.
pub fn cache() -> Option<PathBuf> {
    match std::env::var_os("SPIRITSAFE_CACHE") {
        Some(folder) => Some(PathBuf::from(folder)),
        None => Some(directories::ProjectDirs::from("", "", "spiritsafe")?.cache_dir().to_owned()),
    }
}
