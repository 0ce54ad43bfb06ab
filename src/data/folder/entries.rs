//! What lies in a folder: folders of classes, pictures, and what other programs leave there.

use std::{
    collections::BTreeMap,
    fs,
    io::Read,
    path::{Path, PathBuf},
};

use crate::error::{Error, Result};

const ENDINGS: [&str; 10] = ["png", "jpg", "jpeg", "jpe", "jfif", "webp", "bmp", "gif", "tif", "tiff"];
/// Pictures of kinds that cannot be read, with what they are called.
const FOREIGN: [(&str, &str); 9] = [
    ("heic", "HEIC"),
    ("heif", "HEIC"),
    ("avif", "AVIF"),
    ("jxl", "JPEG XL"),
    ("jp2", "JPEG 2000"),
    ("svg", "SVG"),
    ("dcm", "DICOM"),
    ("ppm", "PPM"),
    ("pgm", "PGM"),
];
/// What other programs leave in folders.
const LEFT: [&str; 3] = ["thumbs.db", "desktop.ini", "__macosx"];

/// The folder of a class.
pub(super) struct Class {
    pub(super) name: String,
    pub(super) path: PathBuf,
}

/// What was found besides pictures.
#[derive(Default)]
pub(super) struct Found {
    others: usize,
    foreign: BTreeMap<&'static str, usize>,
    said: Vec<String>,
}

impl Found {
    pub(super) fn note(&mut self, what: String) {
        self.said.push(what);
    }

    /// A file that is no picture was read all the same.
    pub(super) fn was_read(&mut self) {
        self.others = self.others.saturating_sub(1);
    }

    /// How many pictures there are of kinds that cannot be read.
    pub(super) fn foreign_words(&self) -> Option<String> {
        let counts: Vec<String> = self.foreign.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
        let words = format!("{} pictures cannot be read here; convert them to JPEG or PNG", counts.join(" and "));
        (!counts.is_empty()).then_some(words)
    }

    /// Sentences about all of it.
    pub(super) fn notes(self) -> Vec<String> {
        let foreign = self.foreign_words();
        let others = match self.others {
            0 => None,
            1 => Some("1 file is no picture and was left out".to_owned()),
            many => Some(format!("{many} files are no pictures and were left out")),
        };
        self.said.into_iter().chain(foreign).chain(others).collect()
    }
}

/// True for what people do not see or other programs leave.
fn is_left(path: &Path) -> bool {
    let name = path.file_name().map(|name| name.to_string_lossy().to_lowercase()).unwrap_or_default();
    name.starts_with('.') || LEFT.contains(&name.as_str())
}

/// Everything in a folder, by name.
fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).map_err(Error::file("read", folder))? {
        paths.push(entry.map_err(Error::file("read", folder))?.path());
    }
    paths.sort_unstable();
    Ok(paths)
}

/// The folders in a folder, by name.
pub(super) fn folders(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut paths = entries(folder)?;
    paths.retain(|path| path.is_dir() && !is_left(path));
    Ok(paths)
}

/// The folders of classes in a folder; a name that is no UTF-8 is shown with marks.
pub(super) fn class_folders(folder: &Path) -> Result<Vec<Class>> {
    let name = |path: &Path| path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    Ok(folders(folder)?.into_iter().map(|path| Class { name: name(&path), path }).collect())
}

/// The pictures of a class. Where it has none, those one folder deeper; links are not followed there, so a circle of links ends.
pub(super) fn of_class(folder: &Path, found: &mut Found) -> Result<Vec<PathBuf>> {
    let here = pictures(folder, found)?;
    if !here.is_empty() {
        return Ok(here);
    }
    let mut inner = folders(folder)?;
    inner.retain(|path| !path.is_symlink());
    // Masks and the like lie beside the images.
    let images = inner.iter().position(|path| path.file_name().is_some_and(|name| name.eq_ignore_ascii_case("images")));
    if let Some(images) = images {
        inner = vec![inner.swap_remove(images)];
    }
    let mut all = Vec::new();
    for folder in inner {
        all.extend(pictures(&folder, found)?);
    }
    Ok(all)
}

/// The pictures in a folder, by name; what is none is counted.
pub(super) fn pictures(folder: &Path, found: &mut Found) -> Result<Vec<PathBuf>> {
    let mut all = Vec::new();
    for path in entries(folder)? {
        let ending = path.extension().map(|ending| ending.to_string_lossy().to_lowercase());
        let foreign = FOREIGN.iter().find(|(known, _)| ending.as_deref() == Some(known));
        match (path.is_file() && !is_left(&path), foreign) {
            (true, Some((_, kind))) => *found.foreign.entry(kind).or_default() += 1,
            (true, None)
                if ending.as_deref().map_or_else(|| begins_as_picture(&path), |ending| ENDINGS.contains(&ending)) =>
            {
                all.push(path);
            }
            (false, _) if path.is_dir() && !is_left(&path) && !path.is_symlink() => {}
            _ => found.others += 1,
        }
    }
    Ok(all)
}

/// True for a file whose name has no ending but which begins like a picture.
fn begins_as_picture(path: &Path) -> bool {
    let mut head = [0; 16];
    let read = fs::File::open(path).and_then(|mut file| file.read(&mut head));
    read.is_ok_and(|length| image::guess_format(&head[..length]).is_ok())
}
