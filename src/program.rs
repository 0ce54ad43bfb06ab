//! Which program this is: what runs, cards and bug reports name.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Name and version.
pub const NAME: &str = concat!("spiritsafe ", env!("CARGO_PKG_VERSION"));

/// The sources that a program was made from. Programs from equal sources compute the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Build {
    /// Version of the program.
    pub version: String,
    /// The commit; none where the sources had no history.
    pub commit: Option<String>,
    /// A sum over what was changed since that commit; none where nothing was.
    pub changes: Option<String>,
}

impl Build {
    /// This program's.
    pub fn of_this_program() -> Self {
        let text = |text: Option<&str>| text.map(ToOwned::to_owned);
        Self {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            commit: text(option_env!("SPIRITSAFE_COMMIT")),
            changes: text(option_env!("SPIRITSAFE_CHANGES")),
        }
    }
}

impl fmt::Display for Build {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let short = |text: &str| text.chars().take(12).collect::<String>();
        write!(out, "{}", self.version)?;
        match (&self.commit, &self.changes) {
            (Some(commit), None) => write!(out, " (commit {})", short(commit)),
            (Some(commit), Some(changes)) => write!(out, " (commit {}, changed: {})", short(commit), short(changes)),
            (None, _) => Ok(()),
        }
    }
}
