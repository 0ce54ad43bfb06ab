//! What is typed to name a data set.

use std::{
    fmt,
    path::{Path, PathBuf},
    str::FromStr,
};

use serde::{Deserialize, Serialize};

use super::{
    Dataset, digits, facts,
    loaders::{self, DEFAULT_SIZE, Files, LOADERS, Loader},
    plane,
};
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
    pub loader: &'static Loader,
    /// The folder or the file.
    pub path: PathBuf,
    /// Side to which pictures are made, in pixels; none for the default, and for sets whose size is fixed.
    pub size: Option<usize>,
    /// What is chosen of files that hold several sets: `letters` of EMNIST, the `coarse` labels of CIFAR-100, the column of labels in a
    /// table.
    pub part: Option<String>,
}

impl FileSpec {
    fn new(loader: &'static Loader, path: impl Into<PathBuf>) -> Self {
        Self { loader, path: path.into(), size: None, part: None }
    }

    fn load(&self, seed: u64) -> Result<Dataset> {
        let Self { loader, path, size, part } = self;
        (loader.load)(&Files { path, size: size.unwrap_or(DEFAULT_SIZE), part: part.as_deref(), seed })
    }

    /// Takes what stands between `@` and `:`.
    fn choose(&mut self, choices: &str, text: &str) -> Result<()> {
        for choice in choices.split(',').map(str::trim) {
            let digits = !choice.is_empty() && choice.bytes().all(|byte| byte.is_ascii_digit());
            match choice.parse() {
                Ok(size) if digits && self.loader.has_sizes => self.size = Some(size),
                Err(_) if !choice.is_empty() && !digits && self.loader.part.is_some() => {
                    self.part = Some(choice.to_owned());
                }
                _ => return Err(Error::Config(format!("{text}: {}", self.loader.choices()))),
            }
        }
        Ok(())
    }
}

impl DataSpec {
    /// What may be typed, for help texts.
    pub const FORMS: &str = loaders::FORMS;

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
        let loader = LOADERS.iter().find(|loader| (loader.is_at)(path));
        loader.map(|loader| Self::Files(FileSpec::new(loader, path))).ok_or_else(|| {
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
            (Self::Files(here), Self::Files(there)) if here.loader == there.loader => Self::Files(FileSpec {
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
            Self::Files(files) if files.loader.has_sizes => Ok(Self::Files(FileSpec { size: Some(size), ..files })),
            other => Err(Error::Config(format!(
                "only pictures in files of their own and in Parquet can be made to a size, not {other}"
            ))),
        }
    }

    /// Side to which pictures are made, in pixels; none for sets whose size is fixed.
    pub fn size(&self) -> Option<usize> {
        match self {
            Self::Files(files) if files.loader.has_sizes => Some(files.size.unwrap_or(DEFAULT_SIZE)),
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
        let loader = Loader::named(kind);
        match (kind, rest, loader) {
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
            (_, path, Some(loader)) if !path.is_empty() => {
                let mut files = FileSpec::new(loader, at(path));
                choices.map_or(Ok(()), |choices| files.choose(choices, text))?;
                Ok(Self::Files(files))
            }
            _ if at(text).exists() => Self::at(&at(text)),
            _ => Err(unknown(text)),
        }
    }
}

fn unknown(text: &str) -> Error {
    let is_path = |(kind, _): (&str, &str)| kind.len() < 2 || kind.contains(['/', '\\']);
    if text.contains(['/', '\\']) && text.split_once(':').is_none_or(is_path) {
        return Error::Config(format!("{text} does not exist"));
    }
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
        let Self { loader, path, size, part } = self;
        let size = size.filter(|size| *size != DEFAULT_SIZE).map(|size| size.to_string());
        let choices: Vec<String> = size.into_iter().chain(part.clone()).collect();
        let at = if choices.is_empty() { "" } else { "@" };
        write!(out, "{}{at}{}:{}", loader.name, choices.join(","), path.display())
    }
}
