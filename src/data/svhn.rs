//! SVHN, cropped digits: `train_32x32.mat` and `test_32x32.mat`, each with `X` `(32, 32, 3, n)` and `y` `(n, 1)`, in which
//! the digit 0 has the label 10.

use std::path::Path;

use super::{
    ImageShape, Normalisation,
    bytes::Gathered,
    dataset::{About, Dataset, PUBLISHED, Pixels, Split},
    mat,
};
use crate::error::{Error, Result};

const SHAPE: ImageShape = ImageShape { channels: 3, height: 32, width: 32 };
const CLASSES: usize = 10;
const FILES: [&str; 2] = ["train_32x32.mat", "test_32x32.mat"];

/// True if a folder looks like this set.
pub(super) fn is_at(folder: &Path) -> bool {
    folder.join(FILES[0]).is_file()
}

/// Reads the two files of a folder.
pub(super) fn load(folder: &Path) -> Result<Dataset> {
    let about = About {
        name: "svhn".to_owned(),
        origin: "SVHN, Netzer and others 2011, cropped digits".to_owned(),
        class_names: (0..CLASSES).map(|class| class.to_string()).collect(),
        shape: SHAPE,
        normalisation: Some(Normalisation { mean: vec![0.4377, 0.4438, 0.4728], std: vec![0.1980, 0.2010, 0.1970] }),
        split: PUBLISHED.to_owned(),
    };
    let [train, test] = FILES.map(|name| folder.join(name));
    Dataset::new(about, split(&train)?, split(&test)?)
}

fn split(path: &Path) -> Result<Split> {
    let fault = |what: String| Error::Data(format!("{}: {what}", path.display()));
    if !path.is_file() {
        return Err(fault("there is no such file. Put train_32x32.mat and test_32x32.mat there".to_owned()));
    }
    from_arrays(&mat::open(path)?, path)
}

/// Images and labels out of the arrays of a file, which `path` names in messages.
pub(super) fn from_arrays(arrays: &[mat::Array], path: &Path) -> Result<Split> {
    let fault = |what: String| Error::Data(format!("{}: {what}", path.display()));
    let find = |name: &str| {
        let array = arrays.iter().find(|array| array.name == name);
        array.ok_or_else(|| fault(format!("it has no array {name}")))
    };
    let (images, labels) = (find("X")?, find("y")?);
    let count = match images.sizes[..] {
        [32, 32, 3, count] if count > 0 => count,
        _ => return Err(fault(format!("X has the sizes {:?} instead of 32 x 32 x 3 x images", images.sizes))),
    };
    if labels.values.len() != count {
        return Err(fault(format!("it has {} labels for {count} images", labels.values.len())));
    }
    let labels = labels.values.iter().map(|&label| match label {
        10 => Ok(0),
        label @ 0..10 => Ok(u32::from(label)),
        label => Err(fault(format!("an image has the label {label}; labels go from 1 to 10"))),
    });
    let labels: Vec<u32> = labels.collect::<Result<_>>()?;
    // Column by column: the row is the fastest index, then column, then channel.
    let mut values = Gathered::default();
    let mut turned = vec![0; SHAPE.len()];
    for image in images.values.chunks_exact(SHAPE.len()) {
        for (plane, turned) in image.chunks_exact(SHAPE.plane()).zip(turned.chunks_exact_mut(SHAPE.plane())) {
            for (at, value) in turned.iter_mut().enumerate() {
                *value = plane[at % SHAPE.width * SHAPE.height + at / SHAPE.width];
            }
        }
        values.add(&turned)?;
    }
    Split::new(Pixels::Bytes { values: values.finish()?, white: 255 }, labels, SHAPE, CLASSES)
}
