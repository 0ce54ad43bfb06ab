//! The parsers of sets on bytes alone, for fuzzing: each says how much it found.

use std::{io::Cursor, path::Path};

use super::{labels::Labels, numbers::Numbers, pictures::entries, shapes::Belongs, torch};
use crate::{
    data::{ImageShape, parsers::Parser, pickle},
    error::{Error, Result},
    names::file_names,
};

/// Every parser of this file, by the name of its target.
pub const ALL: [(&str, Parser); 4] =
    [("pickle", pickle), ("torch", torch), ("soft_labels", soft_labels), ("names", names)];

/// A pickle.
pub fn pickle(bytes: &[u8]) -> Result<usize> {
    let read = pickle::read(bytes, bytes.len() as u64).map_err(Error::Data)?;
    Ok(read.list(&read.value).map_or(1, <[_]>::len))
}

/// A file of PyTorch.
pub fn torch(bytes: &[u8]) -> Result<usize> {
    let names: Vec<String> = (0..10).map(|class| class.to_string()).collect();
    let belongs = Belongs { shape: ImageShape { channels: 1, height: 8, width: 8 }, names: &names };
    let found = torch::parse(Cursor::new(bytes), bytes.len() as u64, Path::new("bytes"), belongs)?;
    let images = found.images.images(belongs.shape).map_err(Error::Data)?;
    let labels = found.labels.map(|labels| Labels::of(&labels, names.len())).transpose().map_err(Error::Data)?;
    Ok(images.values.len() + labels.map_or(0, |labels| labels.classes.len()))
}

/// Soft labels as floats behind each other; the first byte says of how many classes.
pub fn soft_labels(bytes: &[u8]) -> Result<usize> {
    let Some((&classes, rest)) = bytes.split_first() else { return Ok(0) };
    let classes = usize::from(classes).max(1);
    let values: Vec<f32> = rest.as_chunks().0.iter().map(|four| f32::from_le_bytes(*four)).collect();
    let count = values.len() / classes;
    let numbers = Numbers { sizes: vec![count, classes], values: values[..count * classes].to_vec(), whole: false };
    let labels = Labels::of(&numbers, classes).map_err(Error::Data)?;
    for row in labels.shares.iter().flat_map(|shares| shares.chunks_exact(classes)) {
        let sum: f32 = row.iter().sum();
        assert!((sum - 1.0).abs() < 0.03 && row.iter().all(|share| *share >= 0.0), "shares add up to 1: {row:?}");
    }
    Ok(labels.classes.len())
}

/// Texts, one a line, as names of folders: writes one for each into a new folder, and looks for anything beside it.
pub fn names(bytes: &[u8]) -> Result<usize> {
    let text = String::from_utf8_lossy(bytes);
    let texts: Vec<&str> = text.split('\n').take(64).collect();
    let place = tempfile::tempdir().map_err(Error::file("create", Path::new("a temporary folder")))?;
    let inside = place.path().join("inside");
    for name in file_names(&texts) {
        let folder = inside.join(&name);
        std::fs::create_dir_all(&folder).map_err(Error::file("create", &folder))?;
        std::fs::write(folder.join("000.png"), b"").map_err(Error::file("write", &folder))?;
    }
    let beside = entries(place.path())?;
    assert!(beside.len() == 1 && beside[0] == inside, "{beside:?} was written outside");
    let folders = entries(&inside)?;
    assert_eq!(folders.len(), texts.len(), "a name stands for two");
    assert!(
        folders.iter().all(|folder| entries(folder).is_ok_and(|files| files.len() == 1)),
        "a name leads into another"
    );
    Ok(folders.len())
}
