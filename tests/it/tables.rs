//! Pictures in tables: CSV files of paths and labels, and Parquet as the Hugging Face hub keeps it
//! (`tests/fixtures/parquet.py`).

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::support::reading::{fault, fixture, load};
use image::{Rgb, RgbImage};
use rand::{RngCore, SeedableRng};
use rand_chacha::ChaCha8Rng;
use spiritsafe::data::{DataSpec, Dataset};

/// The red level of the first pixel of each training image.
fn reds(data: &Dataset) -> Vec<i32> {
    let red = |index: u32| {
        let mut values = data.gather(data.train(), &[index]);
        data.normalisation().denormalise(&mut values);
        (values[0] * 255.0).round() as i32
    };
    (0..data.train().len() as u32).map(red).collect()
}

/// Twelve pictures of four classes, `pictures/0.png` and so on, whose red is ten times their number.
fn pictures(folder: &Path) {
    fs::create_dir_all(folder.join("pictures")).unwrap();
    for number in 0..12_u8 {
        RgbImage::from_pixel(8, 8, Rgb([10 * number, 1, 2]))
            .save(folder.join(format!("pictures/{number}.png")))
            .unwrap();
    }
}

fn csv(folder: &Path, text: &str) -> PathBuf {
    let path = folder.join("set.csv");
    fs::write(&path, text).unwrap();
    path
}

fn lines(row: impl Fn(usize) -> String) -> String {
    (0..12).map(row).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_table_is_read_by_its_columns() {
    let folder = tempfile::tempdir().unwrap();
    pictures(folder.path());
    let part = |number: usize| ["train", "Training", "test"][number / 4];
    let headed = format!(
        "\u{feff}Class,split,n,Image Path\n{}",
        lines(|number| format!("{},{},{number},pictures/{number}.png", number % 4, part(number)))
    );
    let bare = lines(|number| format!("pictures/{number}.png;{};{}", number % 4, part(number)));
    let tabs = format!("file\tlabel\tset\n{}\n", lines(|n| format!("\"pictures\\{n}.png\"\t{}\t{}", n % 4, part(n))));
    let whole = folder.path().join("pictures");
    let absolute =
        lines(|number| format!("{},{},{}", whole.join(format!("{number}.png")).display(), number % 4, part(number)));
    let mut fingerprints = Vec::new();
    for text in [headed, bare, tabs, absolute] {
        let data = load("csv@8", &csv(folder.path(), &text)).unwrap();
        assert_eq!((data.train().len(), data.test().len(), data.classes()), (8, 4, 4), "{text}");
        assert_eq!((data.train().labels()[5], reds(&data)[5]), (1, 50));
        fingerprints.push(data.fingerprint().to_owned());
    }
    fingerprints.dedup();
    assert_eq!(fingerprints.len(), 1, "the same set in four forms");
}

#[test]
fn words_are_classes_validation_can_judge_and_a_split_is_drawn() {
    let folder = tempfile::tempdir().unwrap();
    pictures(folder.path());
    let name = |number: usize| ["10", "9", "100"][number % 3];
    let text = format!("path,label\n{}", lines(|number| format!("pictures/{number}.png,{}", name(number))));
    let data = load("csv@8", &csv(folder.path(), &text)).unwrap();
    assert_eq!((data.info().class_names, data.train().len()), (vec!["9".into(), "10".into(), "100".into()], 9));
    assert!(data.split().contains("a fifth of each class"), "{}", data.split());
    let part = |number: usize| if number < 6 { "train" } else { "valid" };
    let text = format!(
        "path,species,class,split\n{}",
        lines(|n| format!("pictures/{n}.png,s{},{},{}", n % 2, n % 3, part(n)))
    );
    let data = load("csv@8,species", &csv(folder.path(), &text)).unwrap();
    assert_eq!((data.classes(), data.test().len()), (2, 6), "the column that was chosen counts");
    assert!(data.split().contains("the validation images are the test split"), "{}", data.split());
    let spec = DataSpec::at(&folder.path().join("set.csv")).unwrap().to_string();
    assert!(spec.starts_with("csv:"), "{spec}");
}

#[test]
fn a_bad_table_says_what_is_wrong_and_reads_nothing_outside() {
    let folder = tempfile::tempdir().unwrap();
    pictures(folder.path());
    for (text, words) in [
        ("", "no rows"),
        ("path,label\n", "no rows"),
        ("a,b,c,d\n1,2,3,4\n", "csv@COLUMN:FILE"),
        ("path,label\npictures/0.png\n", "line 2: a path and a label"),
        ("path,label,split\npictures/0.png,1,later\n", "the part \"later\""),
        ("path,label\n../../etc/passwd,1\n", "climbs out"),
        ("path,label\npictures/../../x.png,1\n", "climbs out"),
        ("path,label\nno/such.png,1\npictures/1.png,2\n", "no/such.png"),
        ("path,label\npictures/0.png,1\npictures/1.png,1\n", "one class only"),
        ("<!DOCTYPE html><html></html>", "a web page"),
    ] {
        let said = fault(load("csv", &csv(folder.path(), text)));
        assert!(said.contains(words) && said.contains("set.csv"), "{words}: {said}");
    }
}

#[test]
fn the_shards_of_the_hub_are_one_set() {
    let data = load("parquet@6", &fixture("parquet/hub")).unwrap();
    assert_eq!((data.train().len(), data.test().len(), data.shape().dims()), (15, 6, [3, 6, 6]));
    assert_eq!(data.info().class_names, ["zebra", "apple", "mango"], "in the order of the file's metadata");
    assert_eq!(data.train().labels()[..4], [0, 1, 2, 0]);
    let expected: Vec<i32> = (0..9).chain(0..6).map(|number| 7 * number).collect();
    assert_eq!(reds(&data), expected, "row after row, shard after shard");
    assert!(data.notes().iter().any(|note| note.contains("validation files are left out")), "{:?}", data.notes());
    assert!(DataSpec::at(&fixture("parquet/hub")).unwrap().to_string().starts_with("parquet:"));
}

#[test]
fn other_names_packings_and_labels_are_read() {
    let plain = load("parquet@6,fine_label", &fixture("parquet/plain.parquet")).unwrap();
    assert_eq!((plain.train().len(), plain.test().len(), plain.classes()), (6, 3, 3));
    assert_eq!(load("parquet@6", &fixture("parquet/plain.parquet")).unwrap().fingerprint(), plain.fingerprint());
    let words = load("parquet@6", &fixture("parquet/words.parquet")).unwrap();
    assert_eq!(words.info().class_names, ["a", "b", "c"]);
    let blind = load("parquet@6", &fixture("parquet/blind")).unwrap();
    assert_eq!((blind.train().len(), blind.test().len()), (9, 3));
    assert!(blind.split().contains("the validation images are the test split"), "{}", blind.split());
    assert!(blind.notes().iter().any(|note| note.contains("3 images are left out")), "{:?}", blind.notes());
    assert!(fault(load("parquet", &fixture("parquet/zstd.parquet"))).contains("compression=\"snappy\""));
    assert!(fault(load("parquet", &fixture("parquet/lists.parquet"))).contains("label"));
    assert!(
        fault(load("parquet@6,species", &fixture("parquet/plain.parquet"))).contains("img.bytes, img.path, fine_label")
    );
}

#[test]
fn damaged_parquet_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("train.parquet");
    for name in [
        "plain.parquet",
        "words.parquet",
        "hub/data/train-00000-of-00002.parquet",
        "hub/data/test-00000-of-00001.parquet",
    ] {
        let whole = fs::read(fixture(&format!("parquet/{name}"))).unwrap();
        for length in (0..whole.len()).step_by(64) {
            fs::write(&path, &whole[..length]).unwrap();
            assert!(fault(load("parquet", &path)).contains("train.parquet"));
        }
        let mut rng = ChaCha8Rng::seed_from_u64(7);
        for _ in 0..300 {
            let mut bytes = whole.clone();
            for _ in 0..3 {
                let at = rng.next_u32() as usize % bytes.len();
                bytes[at] = rng.next_u32() as u8;
            }
            fs::write(&path, &bytes).unwrap();
            let _ = load("parquet", &path); // Pixels may change; a panic may not be.
        }
    }
}
