//! Files that other people wrote, good and bad: every fault is an error that names the file, never a panic.

use std::{fs, io::Write, path::Path};

use crate::support::reading::{fault, load};
use flate2::{Compression, write::GzEncoder};

const PIXELS: usize = 3 * 4;

/// An IDX file: magic, sizes, bytes.
fn idx(magic: u32, sizes: &[u32], bytes: &[u8]) -> Vec<u8> {
    let head = std::iter::once(&magic).chain(sizes).flat_map(|number| number.to_be_bytes());
    head.chain(bytes.iter().copied()).collect()
}

/// Six training and two test images of 3x4, two classes.
fn write_idx(folder: &Path) {
    for (prefix, count) in [("train", 6_u32), ("t10k", 2)] {
        let pixels: Vec<u8> = (0..count as usize * PIXELS).map(|value| value as u8).collect();
        let labels: Vec<u8> = (0..count as u8).map(|image| image % 2).collect();
        fs::write(folder.join(format!("{prefix}-images-idx3-ubyte")), idx(2051, &[count, 3, 4], &pixels)).unwrap();
        fs::write(folder.join(format!("{prefix}-labels-idx1-ubyte")), idx(2049, &[count], &labels)).unwrap();
    }
}

#[test]
fn idx_files_are_read_plain_and_zipped() {
    let folder = tempfile::tempdir().unwrap();
    write_idx(folder.path());
    let plain = load("idx", folder.path()).unwrap();
    assert_eq!((plain.train().len(), plain.test().len(), plain.classes()), (6, 2, 2));
    // A known pixel: row 1, column 2 of image 4 is value 4 * 12 + 1 * 4 + 2, not transposed.
    let mut image = plain.gather(plain.train(), &[4]);
    plain.normalisation().denormalise(&mut image);
    assert!((image[6] * 255.0 - 54.0).abs() < 1e-3, "{}", image[6] * 255.0);
    for entry in fs::read_dir(folder.path()).unwrap() {
        let path = entry.unwrap().path();
        let bytes = fs::read(&path).unwrap();
        let zipped = fs::File::create(path.with_extension("gz")).unwrap();
        GzEncoder::new(zipped, Compression::fast()).write_all(&bytes).unwrap();
        fs::remove_file(path).unwrap();
    }
    assert_eq!(load("idx", folder.path()).unwrap().fingerprint(), plain.fingerprint());
}

#[test]
fn a_bad_idx_file_is_named_with_its_fault() {
    let folder = tempfile::tempdir().unwrap();
    let images = folder.path().join("train-images-idx3-ubyte");
    write_idx(folder.path());
    let whole = fs::read(&images).unwrap();
    for (bytes, words) in [
        (Vec::new(), "header"),
        (whole[..15].to_vec(), "header"),
        (whole[..whole.len() - 1].to_vec(), "cut off"),
        ([whole.as_slice(), &[0]].concat(), "more than"),
        (idx(2052, &[6, 3, 4], &whole[16..]), "2052"),
        (idx(2051, &[0, 3, 4], &[]), "0 images"),
        (idx(2051, &[u32::MAX, 4000, 4000], &whole[16..]), "promises"),
        (idx(2051, &[6, u32::MAX, u32::MAX], &whole[16..]), "6 images of"),
        (idx(2051, &[5, 3, 4], &whole[16..16 + 5 * PIXELS]), "labels"),
    ] {
        fs::write(&images, bytes).unwrap();
        let said = fault(load("idx", folder.path()));
        assert!(said.contains(words) && said.contains("train-"), "{said}");
    }
    for length in (0..whole.len()).step_by(8) {
        fs::write(&images, &whole[..length]).unwrap();
        fault(load("idx", folder.path()));
    }
    fs::remove_file(&images).unwrap();
    assert!(fault(load("idx", folder.path())).contains("train-images-idx3-ubyte"));
}

#[test]
fn zipped_files_that_lie_are_refused_without_unpacking_them() {
    let folder = tempfile::tempdir().unwrap();
    write_idx(folder.path());
    let path = folder.path().join("train-images-idx3-ubyte");
    fs::remove_file(&path).unwrap();
    // Sixty-four megabytes of zeros behind a header that promises six images: reading stops after those.
    let mut bomb = GzEncoder::new(fs::File::create(path.with_extension("gz")).unwrap(), Compression::fast());
    bomb.write_all(&idx(2051, &[6, 3, 4], &[])).unwrap();
    (0..64).for_each(|_| bomb.write_all(&vec![0; 1 << 20]).unwrap());
    bomb.finish().unwrap();
    assert!(fault(load("idx", folder.path())).contains("more than"));
    fs::write(path.with_extension("gz"), b"no gzip at all").unwrap();
    assert!(fault(load("idx", folder.path())).contains("no IDX file"));
    fs::write(path.with_extension("gz"), b"\x1f\x8bno gzip behind its mark").unwrap();
    assert!(fault(load("idx", folder.path())).contains("damaged"));
}

#[test]
fn cifar_batches_are_read_and_bad_ones_named() {
    let folder = tempfile::tempdir().unwrap();
    let record = |label: u8| -> Vec<u8> {
        std::iter::once(label).chain((0..3072_usize).map(|value| (value / 1024) as u8 + label)).collect()
    };
    let batch: Vec<u8> = (0..10).flat_map(record).collect();
    for name in ["data_batch_1", "data_batch_2", "data_batch_3", "data_batch_4", "data_batch_5", "test_batch"] {
        fs::write(folder.path().join(format!("{name}.bin")), &batch).unwrap();
    }
    let data = load("cifar10", folder.path()).unwrap();
    assert_eq!((data.train().len(), data.test().len()), (50, 10));
    let mut image = data.gather(data.train(), &[3]);
    data.normalisation().denormalise(&mut image);
    let level = |position: usize| (image[position] * 255.0).round() as i32;
    assert_eq!([level(0), level(1024), level(2048)], [3, 4, 5], "red, green and blue planes");
    let third = folder.path().join("data_batch_3.bin");
    for length in (0..batch.len()).step_by(640).filter(|length| !length.is_multiple_of(3073) || *length == 0) {
        fs::write(&third, &batch[..length]).unwrap();
        assert!(fault(load("cifar10", folder.path())).contains("data_batch_3.bin"));
    }
    fs::write(&third, record(10)).unwrap();
    assert!(fault(load("cifar10", folder.path())).contains("label 10"));
}
