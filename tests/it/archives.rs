//! Archives as the real programs write them (`tests/fixtures/loaders.py`), and the same ones damaged: every fault is an
//! error that names the file, never a panic.

use std::{fs, io::Write, path::Path};

use crate::support::reading::{fault, fixture, load};
use flate2::{Compression, write::GzEncoder};
use rand::{RngCore, SeedableRng};
use rand_chacha::ChaCha8Rng;
use spiritsafe::data::{DataSpec, Dataset};

/// The level of a value of an image, as it stood in the file.
fn level(data: &Dataset, image: u32, position: usize) -> i32 {
    let mut values = data.gather(data.train(), &[image]);
    data.normalisation().denormalise(&mut values);
    (values[position] * 255.0).round() as i32
}

/// What `tests/fixtures/loaders.py` wrote.
fn written(image: usize, row: usize, column: usize, channel: usize) -> i32 {
    ((7 * image + 3 * row + 5 * column + 40 * channel) % 256) as i32
}

/// Loads damaged copies of a file: cut at every 64 bytes, empty, with bytes changed, random throughout.
fn damage(kind: &str, folder: &Path, file: &str) {
    let path = folder.join(file);
    let opened = if kind == "npz" { path.clone() } else { folder.to_owned() };
    let whole = fs::read(&path).unwrap();
    for length in (0..whole.len()).step_by(64) {
        fs::write(&path, &whole[..length]).unwrap();
        let said = fault(load(kind, &opened));
        assert!(said.contains(file), "{said}");
    }
    let mut rng = ChaCha8Rng::seed_from_u64(5);
    for _ in 0..400 {
        let mut bytes = whole.clone();
        for _ in 0..3 {
            let at = rng.next_u32() as usize % bytes.len();
            bytes[at] = rng.next_u32() as u8;
        }
        fs::write(&path, &bytes).unwrap();
        let _ = load(kind, &opened); // Pixels may change; a panic may not be.
    }
    for length in [1, 200, 5000] {
        let mut bytes = vec![0; length];
        rng.fill_bytes(&mut bytes);
        fs::write(&path, &bytes).unwrap();
        assert!(fault(load(kind, &opened)).contains(file));
    }
    fs::write(&path, &whole).unwrap();
    load(kind, &opened).unwrap();
}

fn copy(name: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(fixture(name)).unwrap() {
        let path = entry.unwrap().path();
        fs::copy(&path, folder.path().join(path.file_name().unwrap())).unwrap();
    }
    folder
}

#[test]
fn svhn_is_read_packed_and_plain() {
    let packed = load("svhn", &fixture("svhn")).unwrap();
    assert_eq!((packed.train().len(), packed.test().len(), packed.classes()), (12, 2, 10));
    assert_eq!(packed.train().labels(), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1], "the label 10 is the digit 0");
    let at = |row: usize, column: usize, channel: usize| channel * 1024 + row * 32 + column;
    for (image, row, column, channel) in [(0, 0, 0, 0), (4, 2, 7, 1), (5, 31, 0, 2), (3, 0, 31, 0)] {
        assert_eq!(level(&packed, image, at(row, column, channel)), written(image as usize, row, column, channel));
    }
    assert_eq!(load("svhn", &fixture("svhn-plain")).unwrap().fingerprint(), packed.fingerprint());
}

#[test]
fn damaged_mat_files_are_named() {
    for name in ["svhn", "svhn-plain"] {
        damage("svhn", copy(name).path(), "train_32x32.mat");
    }
    let folder = copy("svhn");
    fs::remove_file(folder.path().join("test_32x32.mat")).unwrap();
    assert!(fault(load("svhn", folder.path())).contains("test_32x32.mat"));
}

#[test]
fn numpy_archives_are_read_in_both_conventions() {
    let keras = load("npz", &fixture("keras.npz")).unwrap();
    assert_eq!((keras.train().len(), keras.test().len(), keras.classes()), (6, 2, 2));
    assert_eq!(keras.shape().dims(), [3, 4, 4]);
    assert_eq!(level(&keras, 5, 16 + 2 * 4 + 3), written(5, 2, 3, 1), "channels last become channels first");
    let plain = load("npz", &fixture("plain.npz")).unwrap();
    assert_eq!((plain.train().len(), plain.test().len(), plain.shape().dims()), (10, 2, [1, 4, 4]));
    assert_eq!(load("npz", &fixture("plain.npz")).unwrap().fingerprint(), plain.fingerprint(), "the same split again");
}

#[test]
fn damaged_numpy_archives_are_named() {
    for name in ["keras.npz", "plain.npz"] {
        let folder = tempfile::tempdir().unwrap();
        fs::copy(fixture(name), folder.path().join(name)).unwrap();
        damage("npz", folder.path(), name);
    }
}

/// An archive with one array of each name.
fn npz(path: &Path, arrays: &[(&str, &str, &[u8])]) {
    let mut archive = zip::ZipWriter::new(fs::File::create(path).unwrap());
    for (name, head, bytes) in arrays {
        let method = zip::CompressionMethod::Deflated;
        archive
            .start_file(format!("{name}.npy"), zip::write::SimpleFileOptions::default().compression_method(method))
            .unwrap();
        let length = u16::try_from(head.len()).unwrap().to_le_bytes();
        archive.write_all(&[b"\x93NUMPY\x01\x00", &length[..], head.as_bytes()].concat()).unwrap();
        archive.write_all(bytes).unwrap();
    }
    archive.finish().unwrap();
}

#[test]
fn numpy_headers_that_lie_are_refused_without_making_room() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lie.npz");
    let head = |kind: &str, sizes: &str| format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': ({sizes}), }}");
    let labels = head("|u1", "2,");
    for (images, bytes, words) in [
        (head("|u1", "2, 99999999, 99999999"), vec![0; 32], "promises"),
        (head("|u1", "99999999999999999999, 4, 4"), vec![0; 32], "damaged header"),
        (head("|u1", "4000000000, 4000000000, 4000000000"), vec![0; 32], "sizes"),
        (head("|u1", "2, 4, 5"), vec![0; 32], "cut off"),
        (head("|u1", "2, 2, 4"), vec![0; 32], "more than"),
        (head("|u1", "2, 4, 4, 7"), vec![0; 224], "1 or 3 channels"),
        (head("<c8", "2, 4, 4"), vec![0; 256], "<c8"),
        (head("|O", "2, 4, 4"), vec![0; 256], "dtype=object"),
        (head("<f4", "2, 4, 4"), vec![64; 128], "between 0 and 1"),
        (head("<f4", "2, 4, 4"), vec![255; 128], "not a finite number"),
        (head("|u1", "1, 8192, 8192"), vec![0; 8192 * 8192], "trap"),
        (head("|u1", "3, 4, 4"), vec![0; 48], "labels"),
    ] {
        npz(&path, &[("images", &images, &bytes), ("labels", &labels, &[0, 1])]);
        let said = fault(load("npz", &path));
        assert!(said.contains(words) && said.contains("lie.npz"), "{words}: {said}");
    }
    npz(&path, &[("images", &head("|u1", "2, 4, 4"), &[0; 32])]);
    assert!(fault(load("npz", &path)).contains("it has images"));
    npz(
        &path,
        &[
            ("images", &head("|u1", "2, 4, 4"), &[0; 32]),
            ("labels", &head("<i4", "2,"), &[0, 0, 0, 0, 255, 255, 255, 255]),
        ],
    );
    assert!(fault(load("npz", &path)).contains("a label is -1"));
}

/// Writes an archive with files of these names.
fn tar_gz(path: &Path, files: &[(&str, &[u8])]) {
    let mut archive = tar::Builder::new(GzEncoder::new(fs::File::create(path).unwrap(), Compression::fast()));
    for (name, bytes) in files {
        let mut header = tar::Header::new_gnu();
        // Written by hand: the library refuses to write a path that climbs out.
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_size(bytes.len() as u64);
        header.set_cksum();
        archive.append(&header, *bytes).unwrap();
    }
    archive.into_inner().unwrap().finish().unwrap();
}

fn cifar100_batch(count: u8) -> Vec<u8> {
    let record =
        |image: u8| [image % 20, image].into_iter().chain((0..3072_usize).map(move |at| (at / 1024) as u8 + image));
    (0..count).flat_map(record).collect()
}

#[test]
fn cifar_100_is_read_from_a_folder_and_from_its_archive() {
    let (train, test) = (cifar100_batch(100), cifar100_batch(3));
    let names: Vec<String> = (0..100).map(|class| format!("fine-{class}")).collect();
    let names = names.join("\n");
    let folder = tempfile::tempdir().unwrap();
    let archive = folder.path().join("cifar-100-binary.tar.gz");
    let files: [(&str, &[u8]); 4] = [
        ("cifar-100-binary/train.bin", &train),
        ("cifar-100-binary/coarse_label_names.txt", b"no\n"),
        ("cifar-100-binary/test.bin", &test),
        ("cifar-100-binary/fine_label_names.txt", names.as_bytes()),
    ];
    tar_gz(&archive, &files);
    let packed = load("cifar100", &archive).unwrap();
    assert_eq!((packed.train().len(), packed.test().len(), packed.classes()), (100, 3, 100));
    assert_eq!((packed.train().labels()[42], packed.class_name(42)), (42, "fine-42"), "the fine label counts");
    assert_eq!([level(&packed, 42, 0), level(&packed, 42, 2048)], [42, 44]);
    assert_eq!(load("cifar100", folder.path()).unwrap().fingerprint(), packed.fingerprint(), "found in its folder");
    assert!(DataSpec::at(&archive).unwrap().to_string().starts_with("cifar100:"));
    for (name, bytes) in &files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
    assert_eq!(load("cifar100", folder.path()).unwrap().fingerprint(), packed.fingerprint());
    fs::write(folder.path().join("cifar-100-binary/test.bin"), &test[..3073]).unwrap();
    assert!(fault(load("cifar100", folder.path())).contains("test.bin"));
}

#[test]
fn cifar_10_is_read_from_its_archive_in_any_order() {
    let batch = |shift: u8| -> Vec<u8> {
        (0..10_u8).flat_map(|label| [vec![label], vec![label + shift; 3072]].concat()).collect()
    };
    let names = [
        ("cifar-10-batches-bin/data_batch_1.bin", batch(1)),
        ("cifar-10-batches-bin/batches.meta.txt", b"a b c d e f g h i j\n".to_vec()),
        ("cifar-10-batches-bin/data_batch_3.bin", batch(3)),
        ("cifar-10-batches-bin/test_batch.bin", batch(6)),
        ("cifar-10-batches-bin/data_batch_5.bin", batch(5)),
        ("cifar-10-batches-bin/data_batch_2.bin", batch(2)),
        ("cifar-10-batches-bin/data_batch_4.bin", batch(4)),
    ];
    let folder = tempfile::tempdir().unwrap();
    let files: Vec<(&str, &[u8])> = names.iter().map(|(name, bytes)| (*name, bytes.as_slice())).collect();
    tar_gz(&folder.path().join("cifar-10-binary.tar.gz"), &files);
    let packed = load("cifar10", folder.path()).unwrap();
    assert_eq!((packed.train().len(), packed.test().len(), packed.class_name(9)), (50, 10, "j"));
    assert_eq!([level(&packed, 0, 0), level(&packed, 10, 0), level(&packed, 49, 0)], [1, 2, 14], "batches in order");
    for (name, bytes) in &files {
        fs::create_dir_all(folder.path().join("plain/cifar-10-batches-bin")).unwrap();
        fs::write(folder.path().join("plain").join(name), bytes).unwrap();
    }
    assert_eq!(load("cifar10", &folder.path().join("plain")).unwrap().fingerprint(), packed.fingerprint());
    tar_gz(&folder.path().join("cifar-10-binary.tar.gz"), &files[..6]);
    let said = fault(load("cifar10", folder.path()));
    assert!(said.contains("cifar-10-binary.tar.gz has no file data_batch_4.bin"), "{said}");
}

#[test]
fn damaged_and_climbing_archives_write_nothing_and_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let archive = folder.path().join("in/cifar-100-binary.tar.gz");
    fs::create_dir_all(archive.parent().unwrap()).unwrap();
    let (train, test) = (cifar100_batch(100), cifar100_batch(3));
    for climbing in ["../../../train.bin", "../escaped.txt", "/tmp/escaped.txt", "cifar-100-binary/../../train.bin"] {
        tar_gz(&archive, &[("train.bin", &train), (climbing, b"out"), ("test.bin", &test)]);
        let said = fault(load("cifar100", &archive));
        assert!(said.contains("cifar-100-binary.tar.gz") && said.contains("climbs out"), "{said}");
    }
    assert!(!folder.path().join("escaped.txt").exists() && !folder.path().join("train.bin").exists());
    tar_gz(&archive, &[("./train.bin", &train), ("./test.bin", &test)]);
    load("cifar100", &archive).unwrap();
    let whole = fs::read(&archive).unwrap();
    for length in (0..whole.len()).step_by(64) {
        fs::write(&archive, &whole[..length]).unwrap();
        assert!(fault(load("cifar100", &archive)).contains("cifar-100-binary.tar.gz"));
    }
}

#[test]
fn a_link_in_an_archive_is_not_followed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cifar-100-binary.tar.gz");
    let mut archive = tar::Builder::new(GzEncoder::new(fs::File::create(&path).unwrap(), Compression::fast()));
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(tar::EntryType::Symlink);
    header.set_size(0);
    archive.append_link(&mut header, "train.bin", "/etc/passwd").unwrap();
    archive.into_inner().unwrap().finish().unwrap();
    assert!(fault(load("cifar100", &path)).contains("train.bin is a link"));
}
