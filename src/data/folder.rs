//! A folder of pictures: `train/CLASS/*` and `test/CLASS/*`, or `CLASS/*`, of which a seeded share becomes the test split.
//!
//! Pictures are turned as their EXIF note says, laid over white where they are transparent, cropped to the square in
//! their middle and made as small as wanted. Where no picture has colour, the set has one channel. A file that cannot be
//! read is skipped and named; more than a tenth of them and the set is refused.

use std::{
    fs,
    path::{Path, PathBuf},
};

use image::Rgb;
use rayon::prelude::*;

use super::{
    Bytes, ImageShape,
    bytes::Gathered,
    dataset::{About, Dataset, Pixels, Split},
    picture::{picture, planes},
};
use crate::{
    error::{Error, Result},
    random::{Purpose, choose, stream},
};

/// Side of the pictures where nobody says another.
pub(super) const DEFAULT_SIZE: usize = 32;
const ENDINGS: [&str; 7] = ["png", "jpg", "jpeg", "webp", "bmp", "gif", "jfif"];
/// Share of each class that becomes the test split where there is none.
const TEST_SHARE: f64 = 0.2;
/// Pictures that are read together.
const TOGETHER: usize = 64;
/// Skipped files that are named one by one.
const NAMED: usize = 8;

/// Pictures of a split with their classes.
struct Listed {
    files: Vec<(PathBuf, u32)>,
    /// Files that are no pictures by their ending.
    others: usize,
}

/// Reads the pictures of a folder at `size x size`; `seed` draws the test split where there is none.
pub(super) fn load(folder: &Path, size: usize, seed: u64) -> Result<Dataset> {
    if !(1..=1024).contains(&size) {
        return Err(Error::Config(format!("pictures can be made 1 to 1024 pixels wide, not {size}")));
    }
    let (train_folder, test_folder) = (folder.join("train"), folder.join("test"));
    let is_split = train_folder.is_dir();
    let classes = classes(if is_split { &train_folder } else { folder })?;
    let train = list(if is_split { &train_folder } else { folder }, &classes)?;
    let mut notes = Vec::new();
    let (pixels, labels, is_grey) = read(&train, size, folder, &mut notes)?;
    let (train, test) = if is_split && test_folder.is_dir() {
        if let Some(name) = self::classes(&test_folder)?.iter().find(|name| !classes.contains(name)) {
            return Err(Error::Data(format!(
                "{} has pictures to test the class \"{name}\", of which there are none to train on in {}",
                test_folder.join(name).display(),
                train_folder.display()
            )));
        }
        let test = list(&test_folder, &classes)?;
        let (test, test_labels, test_grey) = read(&test, size, folder, &mut notes)?;
        return finish(folder, classes, size, ((pixels, labels), (test, test_labels)), is_grey && test_grey, notes);
    } else {
        let shape = ImageShape { channels: 3, height: size, width: size };
        held_back(&pixels, &labels, shape, seed)?
    };
    let count = test.1.len();
    notes.push(format!(
        "there is no test folder: {count} pictures, a fifth of each class, were drawn as the test split"
    ));
    finish(folder, classes, size, (train, test), is_grey, notes)
}

type Labelled = (Bytes, Vec<u32>);

fn finish(
    folder: &Path,
    class_names: Vec<String>,
    size: usize,
    (train, test): (Labelled, Labelled),
    is_grey: bool,
    notes: Vec<String>,
) -> Result<Dataset> {
    let shape = ImageShape { channels: if is_grey { 1 } else { 3 }, height: size, width: size };
    let count = class_names.len();
    let split = |(pixels, labels): Labelled| {
        let values = if is_grey { first_plane(&pixels, size * size)? } else { pixels };
        Split::new(Pixels::Bytes { values, white: 255 }, labels, shape, count)
    };
    let full = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    let about = About {
        name: full.file_name().map_or_else(|| "folder".to_owned(), |name| name.to_string_lossy().into_owned()),
        origin: format!("pictures in {}", folder.display()),
        class_names,
        shape,
        normalisation: None,
    };
    Ok(Dataset::new(about, split(train)?, split(test)?)?.with_notes(notes))
}

/// The folders in a folder, by name; hidden ones are left out.
fn classes(folder: &Path) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).map_err(Error::file("read", folder))? {
        let path = entry.map_err(Error::file("read", folder))?.path();
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        if path.is_dir() && !name.starts_with('.') {
            names.push(name);
        }
    }
    names.sort_unstable();
    match names.len() {
        0 => Err(Error::Data(format!(
            "{} has no folders. Put the pictures of each class into a folder of its own: CLASS/*, or train/CLASS/* and \
             test/CLASS/*",
            folder.display()
        ))),
        1 => Err(Error::Data(format!(
            "{} has one class only, \"{}\". At least two are needed, each in a folder of its own",
            folder.display(),
            names[0]
        ))),
        _ => Ok(names),
    }
}

/// The pictures of each class, by name. Links to folders are not followed, so a circle of links ends.
fn list(folder: &Path, classes: &[String]) -> Result<Listed> {
    let mut listed = Listed { files: Vec::new(), others: 0 };
    for (class, name) in classes.iter().enumerate() {
        let place = folder.join(name);
        if !place.is_dir() {
            continue;
        }
        let mut paths = Vec::new();
        for entry in fs::read_dir(&place).map_err(Error::file("read", &place))? {
            paths.push(entry.map_err(Error::file("read", &place))?.path());
        }
        paths.sort_unstable();
        for path in paths {
            let ending = path.extension().map(|ending| ending.to_string_lossy().to_lowercase()).unwrap_or_default();
            let is_hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
            if path.is_file() && !is_hidden && ENDINGS.contains(&ending.as_str()) {
                listed.files.push((path, class as u32));
            } else {
                listed.others += 1;
            }
        }
    }
    if listed.files.is_empty() {
        return Err(Error::Data(format!(
            "{} has no pictures (png, jpeg, webp, bmp or gif) in the folders of its classes",
            folder.display()
        )));
    }
    Ok(listed)
}

/// Colour planes of every picture that can be read, its class, and whether none has colour.
fn read(listed: &Listed, size: usize, folder: &Path, notes: &mut Vec<String>) -> Result<(Bytes, Vec<u32>, bool)> {
    let (mut pixels, mut labels, mut is_grey) = (Gathered::default(), Vec::new(), true);
    let mut unreadable: Vec<String> = Vec::new();
    for files in listed.files.chunks(TOGETHER) {
        let read: Vec<_> = files.par_iter().map(|(path, _)| picture(path, size)).collect();
        for (picture, (path, label)) in read.into_iter().zip(files) {
            match picture {
                Ok(picture) => {
                    is_grey &= picture.pixels().all(|Rgb([r, g, b])| r == g && g == b);
                    pixels.add(&planes(&picture))?;
                    labels.push(*label);
                }
                Err(reason) => unreadable.push(format!("{} ({})", path.display(), reason.trim())),
            }
        }
    }
    let named = |most: usize| {
        let more = unreadable.len().saturating_sub(most);
        let names = unreadable.iter().take(most).map(String::as_str).collect::<Vec<_>>().join(", ");
        if more > 0 { format!("{names} and {more} more") } else { names }
    };
    if unreadable.len() * 10 > listed.files.len() {
        return Err(Error::Data(format!(
            "{} of the {} pictures in {} cannot be read, more than a tenth: {}. Mend or remove them",
            unreadable.len(),
            listed.files.len(),
            folder.display(),
            named(NAMED)
        )));
    }
    if !unreadable.is_empty() {
        notes.push(format!("{} pictures cannot be read and were skipped: {}", unreadable.len(), named(NAMED)));
    }
    if listed.others > 0 {
        notes.push(format!("{} files are no pictures and were left out", listed.others));
    }
    Ok((pixels.finish()?, labels, is_grey))
}

/// One plane of three, where all are the same.
fn first_plane(pixels: &[u8], plane: usize) -> Result<Bytes> {
    let mut first = Gathered::default();
    for image in pixels.chunks_exact(3 * plane) {
        first.add(&image[..plane])?;
    }
    first.finish()
}

/// Training and test images out of one pile: a seeded fifth of each class, one image at least, is held back.
pub(super) fn held_back(pixels: &Bytes, labels: &[u32], shape: ImageShape, seed: u64) -> Result<(Labelled, Labelled)> {
    let mut is_test = vec![false; labels.len()];
    for class in 0..labels.iter().max().map_or(0, |&label| label + 1) {
        let all: Vec<usize> = (0..labels.len()).filter(|&index| labels[index] == class).collect();
        let count = ((all.len() as f64 * TEST_SHARE).round() as usize).max(1).min(all.len().saturating_sub(1));
        let mut rng = stream(seed, Purpose::TestSplit, 0, u64::from(class));
        choose(all.len(), count, &mut rng).into_iter().for_each(|index| is_test[all[index]] = true);
    }
    let pick = |wanted: bool| -> Result<Labelled> {
        let (mut values, mut kept) = (Gathered::default(), Vec::new());
        for (index, image) in pixels.chunks_exact(shape.len()).enumerate() {
            if is_test.get(index) == Some(&wanted) {
                values.add(image)?;
                kept.push(labels[index]);
            }
        }
        Ok((values.finish()?, kept))
    };
    if pixels.len() != labels.len() * shape.len() {
        return Err(Error::Data(format!(
            "there are {} labels for {} images",
            labels.len(),
            pixels.len() / shape.len()
        )));
    }
    Ok((pick(false)?, pick(true)?))
}
