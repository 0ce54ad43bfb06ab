//! NumPy archives as people write them: names, kinds of numbers, orders and layouts. What means the same reads the same.

use std::{fs, io::Write, path::Path};

use crate::support::reading;
use spiritsafe::{
    data::{DataSpec, Dataset},
    error::Error,
};

const COUNT: usize = 12;
const SIDE: usize = 4;

/// An array of a file: its name, its kind, its sizes, whether its first axis is the fastest, its bytes.
struct Array<'a>(&'a str, &'a str, Vec<usize>, bool, Vec<u8>);

fn write(path: &Path, arrays: &[Array<'_>]) {
    let mut archive = zip::ZipWriter::new(fs::File::create(path).unwrap());
    for Array(name, kind, sizes, fortran, bytes) in arrays {
        archive.start_file(format!("{name}.npy"), zip::write::SimpleFileOptions::default()).unwrap();
        let sizes: Vec<String> = sizes.iter().map(|size| format!("{size},")).collect();
        let fortran = if *fortran { "True" } else { "False" };
        let head = format!("{{'descr': '{kind}', 'fortran_order': {fortran}, 'shape': ({}), }}\n", sizes.concat());
        let length = u16::try_from(head.len()).unwrap().to_le_bytes();
        archive.write_all(&[b"\x93NUMPY\x01\x00", &length[..], head.as_bytes(), bytes].concat()).unwrap();
    }
    archive.finish().unwrap();
}

fn load(arrays: &[Array<'_>]) -> Result<Dataset, Error> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("set.npz");
    write(&path, arrays);
    format!("npz:{}", path.display()).parse::<DataSpec>()?.load(0)
}

fn fault(arrays: &[Array<'_>]) -> String {
    reading::fault(load(arrays))
}

/// Levels of image after image; those of image 0 begin with 0 and those of the last one end in 255.
fn levels() -> Vec<u8> {
    (0..COUNT * SIDE * SIDE).map(|at| if at + 1 == COUNT * SIDE * SIDE { 255 } else { (at * 37 % 251) as u8 }).collect()
}

fn label(image: usize) -> usize {
    image / 4
}

fn images(kind: &'static str, bytes: Vec<u8>) -> Array<'static> {
    Array("images", kind, vec![COUNT, SIDE, SIDE], false, bytes)
}

fn plain_labels() -> Array<'static> {
    Array(
        "labels",
        "<i8",
        vec![COUNT],
        false,
        (0..COUNT).flat_map(|image| (label(image) as u64).to_le_bytes()).collect(),
    )
}

fn plain() -> String {
    load(&[images("|u1", levels()), plain_labels()]).unwrap().fingerprint().to_owned()
}

#[test]
fn images_of_every_kind_of_number_are_the_same_set() {
    let wide = |number: fn(u8) -> Vec<u8>| levels().into_iter().flat_map(number).collect::<Vec<u8>>();
    let unit = |level: u8| f64::from(level) / 255.0;
    for (kind, bytes) in [
        ("<u2", wide(|level| u16::from(level).to_le_bytes().to_vec())),
        (">u2", wide(|level| u16::from(level).to_be_bytes().to_vec())),
        ("<i4", wide(|level| i32::from(level).to_le_bytes().to_vec())),
        (">i8", wide(|level| i64::from(level).to_be_bytes().to_vec())),
        ("<f4", wide(|level| f32::from(level).to_le_bytes().to_vec())),
        ("<f8", levels().into_iter().flat_map(|level| unit(level).to_le_bytes()).collect()),
        (">f4", levels().into_iter().flat_map(|level| (unit(level) as f32).to_be_bytes()).collect()),
        ("<f2", levels().into_iter().flat_map(|level| half::f16::from_f64(unit(level)).to_le_bytes()).collect()),
        (">f8", levels().into_iter().flat_map(|level| (unit(level) * 2.0 - 1.0).to_be_bytes()).collect()),
        ("<u2", wide(|level| (u16::from(level) * 257).to_le_bytes().to_vec())),
    ] {
        assert_eq!(load(&[images(kind, bytes), plain_labels()]).unwrap().fingerprint(), plain(), "{kind}");
    }
}

#[test]
fn images_of_every_order_and_layout_are_the_same_set() {
    let at = |image: usize, row: usize, column: usize| levels()[(image * SIDE + row) * SIDE + column];
    let all = || (0..SIDE).flat_map(|column| (0..SIDE).map(move |row| (row, column)));
    let fortran = all().flat_map(|(row, column)| (0..COUNT).map(move |image| at(image, row, column))).collect();
    let shapes: [(Vec<usize>, bool, Vec<u8>); 4] = [
        (vec![COUNT, SIDE, SIDE], true, fortran),
        (vec![COUNT, SIDE, SIDE, 1], false, levels()),
        (vec![COUNT, 1, SIDE, SIDE], false, levels()),
        (vec![COUNT, SIDE * SIDE], false, levels()),
    ];
    for (sizes, is_fortran, bytes) in shapes {
        let said = format!("{sizes:?}");
        let array = Array("x", "|u1", sizes, is_fortran, bytes);
        let labels = Array("Y", "|u1", vec![1, COUNT], false, (0..COUNT).map(|image| label(image) as u8).collect());
        assert_eq!(load(&[array, labels]).unwrap().fingerprint(), plain(), "{said}");
    }
}

#[test]
fn labels_of_every_form_are_the_same_set() {
    let each = |bytes: fn(usize) -> Vec<u8>| (0..COUNT).flat_map(|image| bytes(label(image))).collect::<Vec<u8>>();
    let hot = each(|label| (0..3).map(|column| u8::from(column == label)).collect());
    let hot_floats =
        each(|label| (0..3).flat_map(|column| f32::from(u8::from(column == label)).to_be_bytes()).collect());
    for (kind, sizes, bytes) in [
        ("|u1", vec![COUNT, 1], each(|label| vec![label as u8])),
        ("<u2", vec![COUNT], each(|label| (label as u16).to_le_bytes().to_vec())),
        (">i4", vec![COUNT], each(|label| (label as i32).to_be_bytes().to_vec())),
        ("<f4", vec![COUNT], each(|label| (label as f32).to_le_bytes().to_vec())),
        ("|b1", vec![COUNT, 3], hot.clone()),
        ("|i1", vec![COUNT, 3], hot),
        (">f4", vec![COUNT, 3], hot_floats),
    ] {
        let data = load(&[images("|u1", levels()), Array("labels", kind, sizes, false, bytes)]).unwrap();
        assert_eq!(data.fingerprint(), plain(), "{kind}");
    }
    // Words name the classes: whole numbers by their number, others as text.
    let words = ["2", "10", "100"];
    let bytes = (0..COUNT).flat_map(|image| format!("{:\0<3}", words[label(image)]).into_bytes()).collect();
    let data = load(&[images("|u1", levels()), Array("labels", "|S3", vec![COUNT], false, bytes)]).unwrap();
    assert_eq!(data.fingerprint(), plain());
    assert_eq!(data.info().class_names, ["2", "10", "100"]);
    let letters = |word: &str| word.chars().flat_map(|letter| (letter as u32).to_be_bytes()).collect::<Vec<u8>>();
    let words = ["ähre", "baum", "wolke"].map(|word| letters(&format!("{word:\0<5}")));
    let bytes = (0..COUNT).flat_map(|image| words[2 - label(image)].clone()).collect();
    let data = load(&[images("|u1", levels()), Array("labels", ">U5", vec![COUNT], false, bytes)]).unwrap();
    assert_eq!(data.info().class_names, ["baum", "wolke", "ähre"]);
}

#[test]
fn parts_are_found_by_the_usual_words() {
    let part = |names: [&'static str; 2]| {
        let [images, labels] = names;
        [
            Array(images, "|u1", vec![COUNT, SIDE, SIDE], false, levels()),
            Array(labels, "|u1", vec![COUNT, 1], false, (0..COUNT).map(|image| label(image) as u8).collect()),
        ]
    };
    let medmnist = [
        part(["train_images", "train_labels"]),
        part(["val_images", "val_labels"]),
        part(["test_images", "test_labels"]),
    ];
    let data = load(&medmnist.into_iter().flatten().collect::<Vec<_>>()).unwrap();
    assert_eq!((data.train().len(), data.test().len()), (COUNT, COUNT));
    assert!(data.notes().iter().any(|note| note.contains("12 validation images are left out")), "{:?}", data.notes());
    for names in [["X_valid", "Y_valid"], ["validation.images", "validation.labels"], ["valX", "valY"]] {
        let parts = [part(["trainX", "trainY"]), part(names)];
        let data = load(&parts.into_iter().flatten().collect::<Vec<_>>()).unwrap();
        assert_eq!((data.train().len(), data.test().len()), (COUNT, COUNT), "{names:?}");
        assert!(data.split().contains("the validation images are the test split"), "{}", data.split());
    }
    let [images, labels] = part(["x_train", "y_train"]);
    let [blind, _] = part(["x_test", "y_test"]);
    let data = load(&[images, labels, blind]).unwrap();
    assert!(data.notes()[0].contains("x_test is left out, since it has no labels"), "{:?}", data.notes());
    assert!(data.split().contains("3 images, a fifth of each class"), "{}", data.split());
}

#[test]
fn what_cannot_be_distilled_is_refused_in_words() {
    let several = (0..COUNT).flat_map(|image| [1, u8::from(image > 2), 0]).collect();
    let soft = (0..COUNT).flat_map(|_| [0.5_f32, 0.25, 0.25]).flat_map(f32::to_le_bytes).collect();
    for (labels, words) in [
        (Array("labels", "|u1", vec![COUNT, 3], false, several), "several labels each"),
        (Array("labels", "<f4", vec![COUNT, 3], false, soft), "argmax"),
        (Array("labels", "|O", vec![COUNT], false, b"\x80\x04.".to_vec()), "dtype=object"),
        (Array("labels", "<f4", vec![COUNT], false, vec![63; 4 * COUNT]), "whole numbers from 0"),
        (Array("labels", "<i2", vec![COUNT], false, vec![255; 2 * COUNT]), "a label is -1"),
        (Array("labels", "<M8", vec![COUNT], false, vec![0; 8 * COUNT]), "<M8"),
    ] {
        let said = fault(&[images("|u1", levels()), labels]);
        assert!(said.contains(words) && said.contains("set.npz"), "{words}: {said}");
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("set.npz");
    for (bytes, words) in [
        (&b"\n<!DOCTYPE html><html><title>404</title></html>"[..], "a web page"),
        (b"<?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>", "answer of a server"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "git lfs pull"),
        (b"\x93NUMPY\x01\x00", "np.savez"),
        (b"", "no NPZ"),
    ] {
        fs::write(&path, bytes).unwrap();
        let error = format!("npz:{}", path.display()).parse::<DataSpec>().unwrap().load(0).map(drop).unwrap_err();
        assert!(error.to_string().contains(words), "{words}: {error}");
    }
}

#[test]
fn a_label_that_no_image_has_is_left_out_and_said() {
    let labels = (0..COUNT).map(|image| 1 + 2 * label(image) as u8).collect();
    let data = load(&[images("|u1", levels()), Array("labels", "|u1", vec![COUNT], false, labels)]).unwrap();
    assert_eq!(data.info().class_names, ["1", "3", "5"]);
    assert!(data.notes().iter().any(|note| note.contains("left out") && note.contains("\"0\", \"2\", \"4\"")));
    assert_eq!((data.train().len(), data.train().of_class(2).len()), (9, 3));
}

#[test]
fn few_levels_have_a_white_of_their_own() {
    let few: Vec<u8> = levels().iter().map(|level| level / 16).collect();
    let floats = few.iter().flat_map(|level| f64::from(*level).to_le_bytes()).collect();
    let data = load(&[images("<f8", floats), plain_labels()]).unwrap();
    let mut values = data.gather(data.train(), &(0..data.train().len() as u32).collect::<Vec<_>>());
    values.chunks_exact_mut(SIDE * SIDE).for_each(|image| data.normalisation().denormalise(image));
    assert!(values.iter().any(|value| *value > 0.9) && values.iter().all(|value| (-0.01..1.01).contains(value)));
    assert!(data.notes()[0].contains("15 is white"), "{:?}", data.notes());
}
