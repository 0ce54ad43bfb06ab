//! Reading files that are good or bad.

use std::path::{Path, PathBuf};

use spiritsafe::{
    data::{DataSpec, Dataset},
    error::Error,
};

/// A file or folder that belongs to the tests.
pub(crate) fn fixture(place: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(place)
}

/// The data set of a kind at a place.
pub(crate) fn load(kind: &str, path: &Path) -> Result<Dataset, Error> {
    format!("{kind}:{}", path.display()).parse::<DataSpec>()?.load(0)
}

/// The text of an error that must be one of data, exit code 3.
pub(crate) fn fault<T>(read: Result<T, Error>) -> String {
    let error = read.map(drop).expect_err("a bad file was taken");
    assert_eq!(error.exit_code(), 3, "{error}");
    error.to_string()
}
