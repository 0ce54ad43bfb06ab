//! What is typed to name a data set.

use std::{
    fmt,
    path::{Path, PathBuf},
    str::FromStr,
};

use serde::{Deserialize, Serialize};

use super::{Dataset, cifar, digits, facts, folder, idx, npz, parquet, pile, plane, svhn, table};
use crate::{
    error::{Error, Result},
    folders,
};

/// A data set by name: `digits`, `plane:moons`, `idx:DIR`, `folder@64:DIR`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum DataSpec {
    /// The embedded digits.
    #[default]
    Digits,
    /// Points of a plane.
    Plane(plane::Shape),
    /// A set in files.
    Files(FileSpec),
}

/// A data set in files: `KIND:PATH`, or `KIND@CHOICES:PATH` with a size, the name of a part, or both with a comma between.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileSpec {
    /// How the files are read.
    pub kind: FileKind,
    /// The folder or the file.
    pub path: PathBuf,
    /// Side to which pictures are made, in pixels; none for the default, and for sets whose size is fixed.
    pub size: Option<usize>,
    /// What is chosen of files that hold several sets: `letters` of EMNIST, the `coarse` labels of CIFAR-100, the column of labels in a
    /// table.
    pub part: Option<String>,
}

/// How the files of a data set are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKind {
    /// MNIST and its kin: IDX files in a folder.
    Idx,
    /// CIFAR-10 in its versions for C and Python, in a folder or as the published archive.
    Cifar10,
    /// CIFAR-100, the same.
    Cifar100,
    /// SVHN, cropped digits, two MAT files in a folder.
    Svhn,
    /// Pictures in folders of their classes.
    Folder,
    /// A NumPy archive.
    Npz,
    /// A table of the paths and labels of pictures.
    Csv,
    /// Parquet files as the Hugging Face hub keeps them.
    Parquet,
}

impl FileKind {
    const ALL: [Self; 8] =
        [Self::Cifar10, Self::Cifar100, Self::Svhn, Self::Idx, Self::Npz, Self::Csv, Self::Parquet, Self::Folder];

    const fn name(self) -> &'static str {
        match self {
            Self::Idx => "idx",
            Self::Cifar10 => "cifar10",
            Self::Cifar100 => "cifar100",
            Self::Svhn => "svhn",
            Self::Folder => "folder",
            Self::Npz => "npz",
            Self::Csv => "csv",
            Self::Parquet => "parquet",
        }
    }

    /// True if the files hold pictures of any size.
    const fn has_sizes(self) -> bool {
        matches!(self, Self::Folder | Self::Csv | Self::Parquet)
    }

    /// True if the files can hold several sets.
    const fn has_parts(self) -> bool {
        matches!(self, Self::Idx | Self::Cifar100 | Self::Csv | Self::Parquet)
    }

    /// True if a path looks like such a set.
    fn is_at(self, path: &Path) -> bool {
        let ends_in = |wanted: &str| path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case(wanted));
        match self {
            Self::Idx => idx::is_at(path),
            Self::Cifar10 => cifar::CIFAR10.is_at(path),
            Self::Cifar100 => cifar::CIFAR100.is_at(path),
            Self::Svhn => svhn::is_at(path),
            Self::Folder => path.is_dir(),
            Self::Npz => ends_in("npz"),
            Self::Csv => path.is_file() && (ends_in("csv") || ends_in("tsv")),
            Self::Parquet => parquet::is_at(path),
        }
    }
}

impl FileSpec {
    fn new(kind: FileKind, path: impl Into<PathBuf>) -> Self {
        Self { kind, path: path.into(), size: None, part: None }
    }

    fn load(&self, seed: u64) -> Result<Dataset> {
        let Self { kind, path, size, part } = self;
        let (size, part) = (size.unwrap_or(pile::DEFAULT_SIZE), part.as_deref());
        match kind {
            FileKind::Idx => idx::load(path, part),
            FileKind::Cifar10 => cifar::CIFAR10.load(path, part),
            FileKind::Cifar100 => cifar::CIFAR100.load(path, part),
            FileKind::Svhn => svhn::load(path),
            FileKind::Folder => folder::load(path, size, seed),
            FileKind::Npz => npz::load(path, seed),
            FileKind::Csv => table::load(path, part, size, seed),
            FileKind::Parquet => parquet::load(path, part, size, seed),
        }
    }

    /// Takes what stands between `@` and `:`.
    fn choose(&mut self, choices: &str, text: &str) -> Result<()> {
        for choice in choices.split(',').map(str::trim) {
            let digits = !choice.is_empty() && choice.bytes().all(|byte| byte.is_ascii_digit());
            match choice.parse() {
                Ok(size) if digits && self.kind.has_sizes() => self.size = Some(size),
                Err(_) if !choice.is_empty() && !digits && self.kind.has_parts() => self.part = Some(choice.to_owned()),
                _ => return Err(Error::Config(format!("{text}: {}", self.kind.choices()))),
            }
        }
        Ok(())
    }
}

impl FileKind {
    /// What may stand behind `@`, for messages.
    fn choices(self) -> String {
        let name = self.name();
        match (self.has_sizes(), self.has_parts()) {
            (true, false) => format!("write the size as in {name}@64:DIR"),
            (false, true) if self == Self::Idx => format!("write the part as in {name}@letters:DIR"),
            (false, true) => format!("write the part as in {name}@coarse:DIR"),
            (true, true) => format!("write size and column as in {name}@64:PATH or {name}@64,label:PATH"),
            (false, false) => format!("nothing can be chosen of {name}; write {name}:PATH"),
        }
    }
}

impl DataSpec {
    /// What may be typed, for help texts.
    pub const FORMS: &str = "digits, plane:blobs, plane:moons, plane:rings, plane:spirals, idx:DIR, idx@letters:DIR, \
                             cifar10:DIR, cifar100:DIR, cifar100@coarse:DIR, svhn:DIR, folder:DIR, folder@SIZE:DIR, \
                             npz:FILE, csv:FILE, parquet:PATH, parquet@SIZE,LABEL:PATH, or the path of one of these";

    /// Reads or makes the set. `seed` matters for made-up sets, and for the test split of a set that has none.
    ///
    /// Digits are not mirrored: neither are sets that are known by their name (`digits`, SVHN, USPS, MNIST and its like, but
    /// Fashion-MNIST), nor those that say so themselves, by `flip = false` in a file `dataset.toml` in their folder, or beside
    /// a single file.
    pub fn load(&self, seed: u64) -> Result<Dataset> {
        let data = self.read(seed)?;
        let flips = match self.path().map(facts::read).transpose()?.and_then(|facts| facts.flip) {
            Some(flips) => flips,
            None => !facts::is_of_characters(data.name()),
        };
        Ok(data.with_flips(flips))
    }

    fn read(&self, seed: u64) -> Result<Dataset> {
        match self {
            Self::Digits => digits::load(),
            Self::Plane(shape) => plane::load(*shape, seed),
            Self::Files(files) => files.load(seed),
        }
    }

    /// What lies at a path, by the names of its files: a published set, an archive, or a folder of pictures.
    pub fn at(path: &Path) -> Result<Self> {
        if !path.exists() {
            return Err(Error::Config(format!("there is nothing at {}. Check the path", path.display())));
        }
        let kind = FileKind::ALL.into_iter().find(|kind| kind.is_at(path));
        kind.map(|kind| Self::Files(FileSpec::new(kind, path))).ok_or_else(|| {
            Error::Config(format!(
                "{} is no data set that can be read. Use a folder of pictures, or one of: {}",
                path.display(),
                Self::FORMS
            ))
        })
    }

    /// The same data elsewhere: what was chosen of them here, and is not said there, is chosen there too.
    #[must_use]
    pub fn moved_to(&self, place: &Self) -> Self {
        match (self, place) {
            (Self::Files(here), Self::Files(there)) if here.kind == there.kind => Self::Files(FileSpec {
                size: there.size.or(here.size),
                part: there.part.clone().or_else(|| here.part.clone()),
                ..there.clone()
            }),
            _ => place.clone(),
        }
    }

    /// The same pictures at another size; an error for sets whose size is fixed.
    pub fn with_size(self, size: usize) -> Result<Self> {
        match self {
            Self::Files(files) if files.kind.has_sizes() => Ok(Self::Files(FileSpec { size: Some(size), ..files })),
            other => Err(Error::Config(format!(
                "only pictures in files of their own and in Parquet can be made to a size, not {other}"
            ))),
        }
    }

    /// Side to which pictures are made, in pixels; none for sets whose size is fixed.
    pub fn size(&self) -> Option<usize> {
        match self {
            Self::Files(files) if files.kind.has_sizes() => Some(files.size.unwrap_or(pile::DEFAULT_SIZE)),
            _ => None,
        }
    }

    /// Where the files lie; none for sets that are part of the program.
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::Files(files) => Some(&files.path),
            _ => None,
        }
    }
}

impl FromStr for DataSpec {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let (kind, rest) = text.split_once(':').unwrap_or((text, ""));
        let at = |path: &str| folders::absolute(Path::new(path));
        let (kind, choices) = kind.split_once('@').map_or((kind, None), |(kind, choices)| (kind, Some(choices)));
        let files = FileKind::ALL.into_iter().find(|known| known.name() == kind);
        match (kind, rest, files) {
            ("digits", "", _) if choices.is_none() => Ok(Self::Digits),
            ("plane", "", _) => Ok(Self::Plane(plane::Shape::default())),
            ("plane", name, _) => plane::Shape::ALL
                .into_iter()
                .find(|shape| shape.name() == name)
                .map(Self::Plane)
                .ok_or_else(|| unknown(text)),
            (kind, "", Some(_)) if !at(text).exists() => {
                Err(Error::Config(format!("say where the files are: {kind}:PATH, for example {kind}:data")))
            }
            (_, path, Some(kind)) if !path.is_empty() => {
                let mut files = FileSpec::new(kind, at(path));
                choices.map_or(Ok(()), |choices| files.choose(choices, text))?;
                Ok(Self::Files(files))
            }
            _ if at(text).exists() => Self::at(&at(text)),
            _ => Err(unknown(text)),
        }
    }
}

fn unknown(text: &str) -> Error {
    Error::Config(format!("there is no data set \"{text}\". Use one of: {}", DataSpec::FORMS))
}

impl TryFrom<String> for DataSpec {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl From<DataSpec> for String {
    fn from(spec: DataSpec) -> Self {
        spec.to_string()
    }
}

impl fmt::Display for DataSpec {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Digits => out.write_str("digits"),
            Self::Plane(shape) => write!(out, "plane:{}", shape.name()),
            Self::Files(files) => files.fmt(out),
        }
    }
}

impl fmt::Display for FileSpec {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, path, size, part } = self;
        let size = size.filter(|size| *size != pile::DEFAULT_SIZE).map(|size| size.to_string());
        let choices: Vec<String> = size.into_iter().chain(part.clone()).collect();
        let at = if choices.is_empty() { "" } else { "@" };
        write!(out, "{}{at}{}:{}", kind.name(), choices.join(","), path.display())
    }
}
