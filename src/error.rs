//! What can go wrong, in few kinds, each with a text that says what to do next.
//!
//! The kind decides the exit code of the command line ([`Error::exit_code`]); the window shows the same text.
//! Every error is handled once: where it is shown.

use std::path::{Path, PathBuf};

/// The result of everything in the library.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Everything that can go wrong.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A wrong key, value, argument or combination; the text says what to type instead.
    #[error("{0}")]
    Config(String),
    /// The data cannot be read or cannot be used for what was asked.
    #[error("{0}")]
    Data(String),
    /// A file or folder cannot be read or written.
    #[error("cannot {action} {}: {source}{}", path.display(), hint(source))]
    File {
        /// What was tried: `read`, `write`, `create`.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the operating system answered.
        source: std::io::Error,
    },
    /// The device is missing or refuses to work.
    #[error("{0}")]
    Device(String),
    /// A value stopped being a finite number; the step that made it was not applied.
    #[error(
        "step {step}: {culprit} is not a finite number. The images were left as they were after step {last_good}. \
         Lower the learning rate or the weight of that term, then resume"
    )]
    NotFinite {
        /// The step that was refused.
        step: u64,
        /// The last step whose result was kept.
        last_good: u64,
        /// What became infinite or undefined, for example `the term "mean"`.
        culprit: String,
    },
    /// Somebody asked to stop; the step under way was dropped without a trace.
    #[error("interrupted")]
    Interrupted,
    /// The tensor library failed.
    #[error("the tensor library failed: {0}")]
    Tensor(#[from] candle_core::Error),
}

impl Error {
    /// Wraps what the operating system said about `path`.
    pub fn file(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::File { action, path, source }
    }

    /// 2 wrong use, 3 data and files, 4 device or numbers, 130 interrupted.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Config(_) => 2,
            Self::Data(_) | Self::File { .. } => 3,
            Self::Device(_) | Self::NotFinite { .. } | Self::Tensor(_) => 4,
            Self::Interrupted => 130,
        }
    }
}

/// What to do about the common refusals of an operating system.
fn hint(source: &std::io::Error) -> &'static str {
    use std::io::ErrorKind as Kind;
    match source.kind() {
        Kind::StorageFull | Kind::QuotaExceeded => {
            ". Free some space or choose another folder with --out; what was written so far is kept, go on with --resume"
        }
        Kind::PermissionDenied | Kind::ReadOnlyFilesystem => ". Choose a folder that you may write to with --out",
        Kind::NotADirectory => ". A part of this path is a file: choose another folder",
        Kind::NotFound => ". Check the path",
        _ => "",
    }
}
