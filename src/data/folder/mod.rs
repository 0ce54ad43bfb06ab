//! A folder of pictures: `train/CLASS/*` with `test` or `val` beside it, or `CLASS/*`, of which a seeded share becomes the
//! test split. The pictures of a class may lie one folder deeper.
//!
//! Pictures are turned as their EXIF note says, laid over white where they are transparent, cropped to the square in
//! their middle and made as small as wanted.

mod entries;
mod tiny;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use self::entries::{Class, Found, class_folders, folders, pictures};
use super::{
    dataset::Dataset,
    labels,
    parts::Part,
    pile::{Files, Listing},
};
use crate::error::{Error, Result};

/// Folders around the one that is meant, as archives make them.
const DEEPEST: usize = 3;

/// Reads the pictures of a folder at `size x size`; `seed` draws the test split where there is none.
pub(super) fn load(folder: &Path, size: usize, seed: u64) -> Result<Dataset> {
    super::pile::check_size(size)?;
    list(folder)?.load(size, seed)
}

/// What a folder lists.
fn list(folder: &Path) -> Result<Listing> {
    let root = meant(folder)?;
    let mut found = Found::default();
    let (classes, parts) = if let Some(folders) = part_folders(&root)? {
        listed_parts(&root, &folders, &mut found)?
    } else {
        let classes = classes(&root)?;
        let files = of_classes(&classes, &mut found)?;
        (classes, BTreeMap::from([(Part::Train, files)]))
    };
    if parts[&Part::Train].is_empty() {
        return Err(Error::Data(format!(
            "{} has no pictures (png, jpeg, webp, tiff, bmp or gif) in the folders of its classes{}",
            folder.display(),
            found.foreign_words().map_or_else(String::new, |words| format!(". {words}"))
        )));
    }
    let names: Vec<String> = classes.into_iter().map(|class| class.name).collect();
    let full = root.canonicalize().unwrap_or_else(|_| root.clone());
    Ok(Listing {
        name: full.file_name().map_or_else(|| "folder".to_owned(), |name| name.to_string_lossy().into_owned()),
        origin: format!("pictures in {}", root.display()),
        class_names: tiny::words(&root, names),
        parts,
        notes: found.notes(),
    })
}

/// The folder that is meant: an archive often unpacks to one folder within another.
fn meant(folder: &Path) -> Result<PathBuf> {
    let mut at = folder.to_owned();
    for _ in 0..DEEPEST {
        match folders(&at)?.as_slice() {
            [only] => at.clone_from(only),
            [] => break,
            _ => return Ok(at),
        }
    }
    Ok(folder.to_owned())
}

/// The folders of the parts, where there is one to train on; a class may well be called `train`.
fn part_folders(root: &Path) -> Result<Option<BTreeMap<Part, PathBuf>>> {
    let (mut parts, mut others) = (BTreeMap::new(), 0);
    for folder in folders(root)? {
        let name = folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        match Part::named(&name) {
            Some(part) => drop(parts.entry(part).or_insert(folder)),
            None => others += 1,
        }
    }
    let Some(train) = parts.get(&Part::Train) else { return Ok(None) };
    let inner = folders(train)?.len();
    let is_class = !pictures(train, &mut Found::default())?.is_empty() || (inner <= 1 && others > 1);
    Ok((!is_class).then_some(parts))
}

/// The classes of the folder to train on, and the pictures of every part that has labels.
fn listed_parts(
    root: &Path,
    folders: &BTreeMap<Part, PathBuf>,
    found: &mut Found,
) -> Result<(Vec<Class>, BTreeMap<Part, Files>)> {
    let train = &folders[&Part::Train];
    let classes = classes(train)?;
    let mut parts = BTreeMap::from([(Part::Train, of_classes(&classes, found)?)]);
    for (&part, folder) in folders.iter().filter(|(part, _)| **part != Part::Train) {
        if let Some(files) = tiny::annotated(folder, &classes, found)? {
            parts.insert(part, files);
            continue;
        }
        let here = class_folders(folder)?;
        let place = |class: &Class| classes.iter().position(|known| known.path.file_name() == class.path.file_name());
        let strange: Vec<&Class> = here.iter().filter(|class| place(class).is_none()).collect();
        if strange.len() == here.len() && here.len() <= 1 {
            // Competitions hand out pictures to test without their labels.
            found.note(format!(
                "{} is left out: it has no folders of the classes, so its pictures have no labels",
                folder.strip_prefix(root).unwrap_or(folder).display()
            ));
            continue;
        }
        if let Some(class) = strange.first() {
            return Err(Error::Data(format!(
                "{} has pictures to test the class \"{}\", of which there are none to train on in {}",
                class.path.display(),
                class.name,
                train.display()
            )));
        }
        let mut files = Files::new();
        for class in &here {
            let label = place(class).unwrap_or_default() as u32;
            files.extend(entries::of_class(&class.path, found)?.into_iter().map(|path| (path, label)));
        }
        files.sort_by_key(|(_, label)| *label);
        parts.insert(part, files);
    }
    Ok((classes, parts))
}

/// The pictures of each class, in order.
fn of_classes(classes: &[Class], found: &mut Found) -> Result<Files> {
    let mut files = Files::new();
    for (label, class) in classes.iter().enumerate() {
        files.extend(entries::of_class(&class.path, found)?.into_iter().map(|path| (path, label as u32)));
    }
    Ok(files)
}

/// The classes of a folder: by number where all are called by whole numbers, else by name.
fn classes(folder: &Path) -> Result<Vec<Class>> {
    let mut classes = class_folders(folder)?;
    let mut names: Vec<String> = classes.iter().map(|class| class.name.clone()).collect();
    labels::sort(&mut names);
    classes.sort_by_key(|class| names.iter().position(|name| *name == class.name));
    match classes.as_slice() {
        [] => Err(Error::Data(format!(
            "{} has no folders. Put the pictures of each class into a folder of its own: CLASS/*, or train/CLASS/* and \
             test/CLASS/*",
            folder.display()
        ))),
        [only] => Err(Error::Data(format!(
            "{} has one class only, \"{}\". At least two are needed, each in a folder of its own",
            folder.display(),
            only.name
        ))),
        _ => Ok(classes),
    }
}
