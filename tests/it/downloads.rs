//! Data sets as they are downloaded, rebuilt byte by byte: the archive of CIFAR for Python, torchvision's folders, EMNIST,
//! Tiny-ImageNet.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
};

use crate::support::reading::load;
use flate2::{Compression, write::GzEncoder};
use image::{Rgb, RgbImage};
use spiritsafe::data::{DataSpec, Dataset};

fn found(path: &Path) -> Dataset {
    DataSpec::at(path).unwrap().load(0).unwrap()
}

fn fault(spec: &str, path: &Path) -> String {
    load(spec, path).map(drop).expect_err("a bad file was taken").to_string()
}

/// A text as Python 2 pickled it.
fn old(text: &[u8]) -> Vec<u8> {
    match u8::try_from(text.len()) {
        Ok(length) => [b"U", &[length][..], text].concat(),
        Err(_) => [b"T", &(text.len() as u32).to_le_bytes()[..], text].concat(),
    }
}

/// A text as Python 3 pickles it.
fn new(text: &[u8]) -> Vec<u8> {
    [b"X", &(text.len() as u32).to_le_bytes()[..], text].concat()
}

type Text = fn(&[u8]) -> Vec<u8>;

fn list(items: impl Iterator<Item = Vec<u8>>) -> Vec<u8> {
    [b"](".to_vec(), items.flatten().collect(), b"e".to_vec()].concat()
}

fn dictionary(text: Text, entries: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let entries = entries.iter().flat_map(|(key, value)| [text(key.as_bytes()), value.clone()].concat());
    [b"\x80\x02}(".to_vec(), entries.collect(), b"u.".to_vec()].concat()
}

fn whole(number: i32) -> Vec<u8> {
    [b"J", &number.to_le_bytes()[..]].concat()
}

/// Rows of 3,072 bytes as an array of an old numpy.
fn array(rows: &[u8]) -> Vec<u8> {
    let kind =
        [b"cnumpy\ndtype\n(".to_vec(), old(b"u1"), b"K\x00K\x01tR(K\x03".to_vec(), old(b"|"), b"NNN".to_vec()].concat();
    let kind = [kind, whole(-1), whole(-1), b"K\x00tb".to_vec()].concat();
    let state = [b"(K\x01(".to_vec(), whole(rows.len() as i32 / 3072), whole(3072), b"t".to_vec()].concat();
    let start =
        [b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(K\x00t".to_vec(), old(b"b"), b"tR".to_vec()]
            .concat();
    [start, state, kind, b"\x89".to_vec(), old(rows), b"tb".to_vec()].concat()
}

/// Images of CIFAR whose first byte is their label.
fn rows(labels: &[u8]) -> Vec<u8> {
    labels
        .iter()
        .flat_map(|label| (0..3072_usize).map(move |at| if at == 0 { *label } else { (at % 200) as u8 }))
        .collect()
}

fn python10(text: Text) -> Vec<(String, Vec<u8>)> {
    let batch = |labels: &[u8]| {
        let numbers = list(labels.iter().map(|label| whole((*label).into())));
        dictionary(text, &[("batch_label", text(b"a batch")), ("labels", numbers), ("data", array(&rows(labels)))])
    };
    let all: Vec<u8> = (0..10).collect();
    let mut files: Vec<_> = (1..=5).map(|number| (format!("data_batch_{number}"), batch(&all))).collect();
    files.push(("test_batch".to_owned(), batch(&[9, 3])));
    let names = list((0..10).map(|class| text(format!("class {class}").as_bytes())));
    files.push(("batches.meta".to_owned(), dictionary(text, &[("label_names", names), ("num_vis", whole(3072))])));
    files.push(("readme.html".to_owned(), b"<html>the readme of the archive</html>".to_vec()));
    files
}

fn tar(folder: &str, files: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_ustar();
    header.set_entry_type(tar::EntryType::Directory);
    header.set_size(0);
    archive.append_data(&mut header, format!("{folder}/"), &[][..]).unwrap();
    for (name, bytes) in files {
        let mut header = tar::Header::new_ustar();
        header.set_size(bytes.len() as u64);
        archive.append_data(&mut header, format!("{folder}/{name}"), bytes.as_slice()).unwrap();
    }
    archive.into_inner().unwrap()
}

fn zipped(bytes: &[u8]) -> Vec<u8> {
    let mut out = GzEncoder::new(Vec::new(), Compression::fast());
    out.write_all(bytes).unwrap();
    out.finish().unwrap()
}

fn write(path: PathBuf, bytes: &[u8]) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}

#[test]
fn cifar_10_for_python_is_that_in_records() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    for number in 1..=5 {
        let records: Vec<u8> = (0..10).flat_map(|label| [vec![label], rows(&[label])].concat()).collect();
        write(at(&format!("records/data_batch_{number}.bin")), &records);
    }
    write(at("records/test_batch.bin"), &[vec![9], rows(&[9]), vec![3], rows(&[3])].concat());
    let records = found(&at("records"));
    for (place, text) in [("two", old as Text), ("three", new as Text)] {
        let files = python10(text);
        let archive = tar("cifar-10-batches-py", &files);
        write(at(&format!("{place}/cifar-10-python.tar.gz")), &zipped(&archive));
        write(at(&format!("{place}-plain/cifar-10-python.tar.gz")), &archive);
        write(at(&format!("{place}-browser/cifar-10-python.tar")), &archive);
        for (name, bytes) in &files {
            write(at(&format!("{place}-folder/cifar-10-batches-py/{name}")), bytes);
        }
        for form in ["", "-plain", "-browser", "-folder"] {
            let data = found(&at(&format!("{place}{form}")));
            assert_eq!(data.fingerprint(), records.fingerprint(), "{place}{form}");
            assert_eq!((data.class_name(7), data.train().len(), data.test().labels()), ("class 7", 50, &[9, 3][..]));
        }
        assert_eq!(found(&at(&format!("{place}-folder/cifar-10-batches-py"))).fingerprint(), records.fingerprint());
    }
    let third = at("two-folder/cifar-10-batches-py/data_batch_3");
    let evil = b"\x80\x02cposix\nsystem\n(U\x04evilR.";
    for (bytes, words) in [
        (&evil[..], "posix.system"),
        (b"\x80\x02}.", "no \"data\""),
        (b"<html></html>", "a web page"),
        (b"", "cut off"),
    ] {
        fs::write(&third, bytes).unwrap();
        let said = fault("cifar10", &at("two-folder"));
        assert!(said.contains(words) && said.contains("data_batch_3"), "{said}");
    }
}

#[test]
fn cifar_100_for_python_has_fine_and_coarse_labels() {
    let folder = tempfile::tempdir().unwrap();
    let batch = |labels: &[u8]| {
        let numbers = |over: u8| list(labels.iter().map(move |label| whole((label / over).into())));
        let data = ("data", array(&rows(labels)));
        dictionary(new, &[("coarse_labels", numbers(5)), ("fine_labels", numbers(1)), data])
    };
    let names = |count: usize, word: &str| list((0..count).map(|class| new(format!("{word}_{class}").as_bytes())));
    let meta =
        dictionary(new, &[("fine_label_names", names(100, "fine")), ("coarse_label_names", names(20, "coarse"))]);
    let all: Vec<u8> = (0..100).collect();
    for (name, bytes) in [("train", batch(&all)), ("test", batch(&[7, 99])), ("meta", meta)] {
        write(folder.path().join("cifar-100-python").join(name), &bytes);
    }
    let fine = found(folder.path());
    assert_eq!((fine.classes(), fine.class_name(42), fine.test().labels()), (100, "fine_42", &[7, 99][..]));
    let coarse = load("cifar100@coarse", folder.path()).unwrap();
    assert_eq!((coarse.classes(), coarse.class_name(19), coarse.test().labels()), (20, "coarse_19", &[1, 19][..]));
    assert!(fault("cifar100@super", folder.path()).contains("fine and coarse"));
}

/// An IDX file: magic, sizes, bytes.
fn idx(magic: u32, sizes: &[u32], bytes: &[u8]) -> Vec<u8> {
    let head = std::iter::once(&magic).chain(sizes).flat_map(|number| number.to_be_bytes());
    head.chain(bytes.iter().copied()).collect()
}

/// `count` images of 28x28 whose levels are row by row `image + 4 row + column`, and labels from `first`.
fn four(folder: &Path, prefix: &str, test: &str, (first, classes): (u8, u8), ending: &str, pack: fn(&[u8]) -> Vec<u8>) {
    for (part, count) in [("train", 4 * u32::from(classes)), (test, u32::from(classes))] {
        let pixel = |at: usize| (at / 784 + 4 * (at % 784 / 28) + at % 28) as u8;
        let pixels: Vec<u8> = (0..count as usize * 784).map(pixel).collect();
        let labels: Vec<u8> = (0..count).map(|image| first + (image % u32::from(classes)) as u8).collect();
        let name = |kind: &str| folder.join(format!("{prefix}{part}-{kind}-ubyte{ending}"));
        write(name("images-idx3"), &pack(&idx(2051, &[count, 28, 28], &pixels)));
        write(name("labels-idx1"), &pack(&idx(2049, &[count], &labels)));
    }
}

fn same(bytes: &[u8]) -> Vec<u8> {
    bytes.to_vec()
}

#[test]
fn the_folders_of_torchvision_are_found_with_their_names() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    four(&at("FashionMNIST/raw"), "", "t10k", (0, 10), "", same);
    let fashion = found(&at("FashionMNIST"));
    assert_eq!((fashion.name(), fashion.class_name(9)), ("fashion-mnist", "Ankle boot"));
    assert_eq!(fashion.normalisation().mean, [0.2861]);
    assert_eq!(found(folder.path()).fingerprint(), fashion.fingerprint(), "the only set in torchvision's root");
    assert_eq!(found(&at("FashionMNIST/raw")).name(), "fashion-mnist");
    // What is packed is not called so, and the other way round.
    four(&at("MNIST/raw"), "", "t10k", (0, 10), "", zipped);
    assert_eq!((found(&at("MNIST")).name(), found(&at("MNIST")).normalisation().mean[0]), ("mnist", 0.1307));
    four(&at("KMNIST/raw"), "", "t10k", (0, 10), ".gz", same);
    assert_eq!((found(&at("KMNIST")).name(), found(&at("KMNIST")).class_name(9)), ("kmnist", "wo"));
    let said = fault("idx", folder.path());
    assert!(said.contains("MNIST, FashionMNIST, KMNIST") && said.contains("idx@MNIST:DIR"), "{said}");
    assert_eq!(load("idx@KMNIST", folder.path()).unwrap().name(), "kmnist");
}

#[test]
fn emnist_stands_upright_and_its_letters_begin_at_a() {
    let folder = tempfile::tempdir().unwrap();
    let raw = folder.path().join("EMNIST/raw");
    four(&raw, "emnist-letters-", "test", (1, 26), "", same);
    let letters = found(&folder.path().join("EMNIST"));
    assert_eq!((letters.name(), letters.classes(), letters.train().len()), ("emnist-letters", 26, 104));
    assert_eq!([letters.class_name(0), letters.class_name(25)], ["a", "z"]);
    assert_eq!(letters.train().labels()[..3], [0, 1, 2]);
    let mut image = letters.gather(letters.train(), &[5]);
    letters.normalisation().denormalise(&mut image);
    // Row 2, column 3 stood in the file at row 3, column 2.
    assert_eq!((image[2 * 28 + 3] * 255.0).round() as i32, 5 + 4 * 3 + 2);
    assert!(letters.notes().iter().any(|note| note.contains("turned upright")), "{:?}", letters.notes());

    four(&raw, "emnist-balanced-", "test", (0, 47), "", same);
    four(&folder.path().join("EMNIST/gzip"), "emnist-digits-", "test", (0, 10), ".gz", zipped);
    let said = fault("idx", &folder.path().join("EMNIST"));
    assert!(said.contains("several sets") && said.contains("letters") && said.contains("balanced"), "{said}");
    let balanced = load("idx@balanced", &folder.path().join("EMNIST")).unwrap();
    assert_eq!(
        [balanced.class_name(9), balanced.class_name(10), balanced.class_name(36), balanced.class_name(46)],
        ["9", "A", "a", "t"]
    );
    assert_eq!(load("idx@digits", &folder.path().join("EMNIST")).unwrap().name(), "emnist-digits");
    assert!(fault("idx@bymerge", &folder.path().join("EMNIST")).contains("no files of \"bymerge\""));
}

#[test]
fn the_labels_of_qmnist_say_more_and_begin_with_the_class() {
    let folder = tempfile::tempdir().unwrap();
    four(folder.path(), "qmnist-", "test", (0, 10), "", same);
    for (part, count) in [("train", 40_u32), ("test", 10)] {
        fs::remove_file(folder.path().join(format!("qmnist-{part}-labels-idx1-ubyte"))).unwrap();
        let row = |image: u32| [image % 10, 4, image, 0, 1, 2, 3, 4].into_iter().flat_map(u32::to_be_bytes);
        let labels: Vec<u8> = (0..count).flat_map(row).collect();
        write(folder.path().join(format!("qmnist-{part}-labels-idx2-int")), &idx(0x0c02, &[count, 8], &labels));
    }
    let data = found(folder.path());
    assert_eq!((data.classes(), data.train().labels()[13], data.test().len()), (10, 3, 10));
}

fn picture(path: PathBuf, red: u8) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let mut bytes = std::io::Cursor::new(Vec::new());
    RgbImage::from_pixel(64, 64, Rgb([red, 20, 200])).write_to(&mut bytes, image::ImageFormat::Jpeg).unwrap();
    fs::write(path, bytes.into_inner()).unwrap();
}

#[test]
fn tiny_imagenet_is_read_as_it_is_unpacked() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("tiny-imagenet-200");
    let numbers = ["n01443537", "n02012849", "n03126707"];
    for (class, number) in numbers.iter().enumerate() {
        for image in 0..5 {
            picture(root.join(format!("train/{number}/images/{number}_{image}.JPEG")), (60 * class) as u8);
        }
        write(root.join(format!("train/{number}/{number}_boxes.txt")), b"a\t0\t0\t1\t1\n");
    }
    let mut annotations = String::new();
    for image in 0..6 {
        picture(root.join(format!("val/images/val_{image}.JPEG")), (60 * (image % 3)) as u8);
        annotations.push_str(&format!("val_{image}.JPEG\t{}\t0\t0\t62\t62\n", numbers[image % 3]));
        picture(root.join(format!("test/images/test_{image}.JPEG")), 9);
    }
    write(root.join("val/val_annotations.txt"), annotations.as_bytes());
    write(root.join("wnids.txt"), numbers.join("\n").as_bytes());
    write(
        root.join("words.txt"),
        b"n01443537\tgoldfish, Carassius auratus\nn02012849\tcrane\nn03126707\tcrane\nn1\tentity\n",
    );
    for path in [root.as_path(), folder.path()] {
        let data = load("folder@64", path).unwrap();
        assert_eq!((data.train().len(), data.test().len(), data.shape().dims()), (15, 6, [3, 64, 64]));
        assert_eq!(data.info().class_names, ["goldfish", "crane (n02012849)", "crane (n03126707)"]);
        assert_eq!(data.test().labels(), [0, 0, 1, 1, 2, 2]);
        let notes = data.notes().join("\n");
        assert!(
            notes.contains("test is left out") && notes.contains("the validation images are the test split"),
            "{notes}"
        );
        assert!(notes.contains("3 files are no pictures"), "the annotations were read, the boxes were not: {notes}");
    }
    write(root.join("val/val_annotations.txt"), annotations.replace(numbers[0], "n99999999").as_bytes());
    let said = fault("folder", &root);
    assert!(said.contains("val_0.JPEG") && said.contains("n99999999"), "{said}");
}
