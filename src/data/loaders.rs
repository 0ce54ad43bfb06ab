//! How data sets lie in files. A new way is a module and a line here.

use std::{fmt, path::Path};

use super::{Dataset, cifar, folder, idx, npz, parquet, pile, svhn, table};
use crate::error::Result;

/// A way in which a data set lies in files.
pub struct Loader {
    /// The name that is typed: `NAME:PATH`.
    pub name: &'static str,
    /// True if the files hold pictures of any size, so that one has to be chosen.
    pub has_sizes: bool,
    /// An example of what may be chosen of files that can hold several sets.
    pub part: Option<&'static str>,
    /// True if a path looks like such a set.
    pub is_at: fn(&Path) -> bool,
    /// Reads it.
    pub load: fn(&Files<'_>) -> Result<Dataset>,
}

/// Which files are read, and what is chosen of them.
pub struct Files<'a> {
    /// The folder or the file.
    pub path: &'a Path,
    /// Side to which pictures are made, in pixels.
    pub size: usize,
    /// What is chosen of files that hold several sets.
    pub part: Option<&'a str>,
    /// For a test split, where there is none.
    pub seed: u64,
}

macro_rules! loaders {
    ($($name:literal $forms:literal $loader:expr;)*) => {
        /// Every loader; one path may look like several, and the first counts.
        pub const LOADERS: &[Loader] = &[$(Loader { name: $name, ..$loader }),*];
        /// What may be typed for a data set, for help texts.
        pub(super) const FORMS: &str = concat!(
            "digits, plane:blobs, plane:moons, plane:rings, plane:spirals, ",
            $($forms, ", ",)*
            "or the path of one of these"
        );
    };
}

loaders! {
    // CIFAR-10 and -100 in their versions for C and Python, in a folder or as the published archive.
    "cifar10" "cifar10:DIR" plain(|path| cifar::CIFAR10.is_at(path), |files| cifar::CIFAR10.load(files.path, files.part));
    "cifar100" "cifar100:DIR, cifar100@coarse:DIR" Loader {
        part: Some("coarse"),
        ..plain(|path| cifar::CIFAR100.is_at(path), |files| cifar::CIFAR100.load(files.path, files.part))
    };
    // Cropped digits, two MAT files in a folder.
    "svhn" "svhn:DIR" plain(svhn::is_at, |files| svhn::load(files.path));
    // MNIST and its kin: IDX files in a folder.
    "idx" "idx:DIR, idx@letters:DIR" Loader {
        part: Some("letters"),
        ..plain(idx::is_at, |files| idx::load(files.path, files.part))
    };
    "npz" "npz:FILE" plain(|path| ends_in(path, "npz"), |files| npz::load(files.path, files.seed));
    // A table of the paths and labels of pictures.
    "csv" "csv:FILE" Loader {
        has_sizes: true,
        part: Some("label"),
        ..plain(
            |path| path.is_file() && (ends_in(path, "csv") || ends_in(path, "tsv")),
            |files| table::load(files.path, files.part, files.size, files.seed),
        )
    };
    // As the Hugging Face hub keeps them.
    "parquet" "parquet:PATH, parquet@SIZE,LABEL:PATH" Loader {
        has_sizes: true,
        part: Some("label"),
        ..plain(parquet::is_at, |files| parquet::load(files.path, files.part, files.size, files.seed))
    };
    // Pictures in folders of their classes: any other folder.
    "folder" "folder:DIR, folder@SIZE:DIR" Loader {
        has_sizes: true,
        ..plain(Path::is_dir, |files| folder::load(files.path, files.size, files.seed))
    };
}

const fn plain(is_at: fn(&Path) -> bool, load: fn(&Files<'_>) -> Result<Dataset>) -> Loader {
    Loader { name: "", has_sizes: false, part: None, is_at, load }
}

fn ends_in(path: &Path, wanted: &str) -> bool {
    path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case(wanted))
}

impl Loader {
    /// The loader of this name.
    pub fn named(name: &str) -> Option<&'static Self> {
        LOADERS.iter().find(|loader| loader.name == name)
    }

    /// What may stand behind `@`, for messages.
    pub(super) fn choices(&self) -> String {
        let name = self.name;
        match (self.has_sizes, self.part) {
            (true, None) => format!("write the size as in {name}@64:DIR"),
            (false, Some(part)) => format!("write the part as in {name}@{part}:DIR"),
            (true, Some(part)) => format!("write size and column as in {name}@64:PATH or {name}@64,{part}:PATH"),
            (false, None) => format!("nothing can be chosen of {name}; write {name}:PATH"),
        }
    }
}

impl fmt::Debug for Loader {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name)
    }
}

impl PartialEq for Loader {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Loader {}

/// Side to which pictures are made where nothing is said.
pub(super) const DEFAULT_SIZE: usize = pile::DEFAULT_SIZE;
