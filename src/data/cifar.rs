//! CIFAR-10 in its binary version: records of a label byte and 3,072 bytes, red, green and blue planes row by row.

use std::{fs, path::Path};

use super::{
    ImageShape, Normalisation,
    dataset::{About, Dataset, Pixels, Split},
};
use crate::error::{Error, Result};

const SHAPE: ImageShape = ImageShape { channels: 3, height: 32, width: 32 };
const CLASSES: usize = 10;
const NAMES: [&str; CLASSES] =
    ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"];

/// Reads the six batches of a folder, or of `cifar-10-batches-bin` in it.
pub(super) fn load(folder: &Path) -> Result<Dataset> {
    let inner = folder.join("cifar-10-batches-bin");
    let folder = if inner.is_dir() { inner.as_path() } else { folder };
    let train: Vec<String> = (1..=5).map(|batch| format!("data_batch_{batch}.bin")).collect();
    let about = About {
        name: "cifar10".to_owned(),
        origin: "CIFAR-10, A. Krizhevsky 2009, binary version".to_owned(),
        class_names: NAMES.map(str::to_owned).to_vec(),
        shape: SHAPE,
        normalisation: Some(Normalisation { mean: vec![0.4914, 0.4822, 0.4465], std: vec![0.2023, 0.1994, 0.2010] }),
    };
    let test = ["test_batch.bin".to_owned()];
    Dataset::new(about, read_split(folder, &train)?, read_split(folder, &test)?)
}

fn read_split(folder: &Path, names: &[String]) -> Result<Split> {
    let record = 1 + SHAPE.len();
    let (mut values, mut labels) = (Vec::new(), Vec::new());
    for name in names {
        let path = folder.join(name);
        if !path.is_file() {
            return Err(Error::Data(format!(
                "{} has no file {name}. Put the six files of CIFAR-10's binary version there",
                folder.display()
            )));
        }
        let bytes = fs::read(&path).map_err(Error::file("read", &path))?;
        if bytes.is_empty() || !bytes.len().is_multiple_of(record) {
            let count = bytes.len();
            return Err(Error::Data(format!(
                "{} has {count} bytes, which is no whole number of records of {record}: it is cut off or no CIFAR-10 file",
                path.display()
            )));
        }
        for (index, record) in bytes.chunks_exact(record).enumerate() {
            if usize::from(record[0]) >= CLASSES {
                let label = record[0];
                return Err(Error::Data(format!(
                    "{}: record {index} has label {label}; CIFAR-10 has 10 classes, from 0",
                    path.display()
                )));
            }
            labels.push(u32::from(record[0]));
            values.extend_from_slice(&record[1..]);
        }
    }
    Split::new(Pixels::Bytes { values, white: 255 }, labels, SHAPE, CLASSES)
}
