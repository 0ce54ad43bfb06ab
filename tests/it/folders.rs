//! Folders of pictures, as people have them: mixed sizes, grey and colour, turned, transparent, some broken.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::support::reading;
use image::{DynamicImage, GrayImage, ImageFormat, Luma, Rgb, RgbImage, Rgba, RgbaImage};
use spiritsafe::{
    data::{DataSpec, Dataset},
    error::Error,
};

fn load(folder: &Path, size: usize) -> Result<Dataset, Error> {
    format!("folder@{size}:{}", folder.display()).parse::<DataSpec>()?.load(0)
}

fn fault(folder: &Path) -> String {
    reading::fault(load(folder, 8))
}

fn write(path: PathBuf, picture: impl Into<DynamicImage>) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let format = ImageFormat::from_path(&path).unwrap();
    picture.into().save_with_format(path, format).unwrap();
}

fn colour(width: u32, height: u32, seed: u8) -> RgbImage {
    RgbImage::from_fn(width, height, |x, y| Rgb([(x * 9) as u8 ^ seed, (y * 5) as u8, seed.wrapping_mul(31)]))
}

fn grey(side: u32, seed: u8) -> GrayImage {
    GrayImage::from_fn(side, side, |x, y| Luma([(x * 7 + y) as u8 ^ seed]))
}

/// Levels of a training image, as it was read.
fn levels(data: &Dataset, image: u32) -> Vec<i32> {
    let mut values = data.gather(data.train(), &[image]);
    data.normalisation().denormalise(&mut values);
    values.iter().map(|value| (value * 255.0).round() as i32).collect()
}

#[test]
fn pictures_of_every_kind_become_one_set() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    for (index, ending) in ["png", "jpg", "jpeg", "bmp", "gif", "webp"].into_iter().enumerate() {
        write(at(&format!("train/cats/{index}.{ending}")), colour(20 + 9 * index as u32, 50, index as u8));
        write(at(&format!("train/dogs/{index}.{ending}")), DynamicImage::from(grey(16, index as u8)).to_rgb8());
    }
    write(at("test/dogs/a.PNG"), colour(9, 9, 1));
    write(at("test/cats/b.png"), colour(12, 9, 2));
    fs::write(at("train/cats/notes.txt"), "mine").unwrap();
    fs::write(at("train/cats/.hidden.png"), "no picture").unwrap();
    let data = load(folder.path(), 8).unwrap();
    assert_eq!((data.train().len(), data.test().len(), data.shape().dims()), (12, 2, [3, 8, 8]));
    assert_eq!([data.class_name(0), data.class_name(1)], ["cats", "dogs"]);
    assert!(data.notes().iter().any(|note| note.contains("2 files are no pictures")), "{:?}", data.notes());
    assert_eq!(load(folder.path(), 8).unwrap().fingerprint(), data.fingerprint(), "the same again");
    assert_eq!(DataSpec::at(folder.path()).unwrap().size(), Some(32));
}

#[test]
fn a_set_without_colour_has_one_channel_and_a_test_split_is_drawn() {
    let folder = tempfile::tempdir().unwrap();
    for class in ["a", "b"] {
        (0..10).for_each(|index| write(folder.path().join(format!("{class}/{index}.png")), grey(8, index)));
    }
    let data = load(folder.path(), 8).unwrap();
    assert_eq!((data.train().len(), data.test().len(), data.shape().dims()), (16, 4, [1, 8, 8]));
    assert!(data.notes()[0].contains("4 pictures, a fifth of each class"), "{:?}", data.notes());
    let other = format!("folder@8:{}", folder.path().display()).parse::<DataSpec>().unwrap().load(1).unwrap();
    assert_ne!(data.fingerprint(), other.fingerprint(), "another seed draws others");
    write(folder.path().join("b/colour.png"), colour(8, 8, 3));
    assert_eq!(load(folder.path(), 8).unwrap().shape().channels, 3, "one picture with colour is enough");
}

#[test]
fn pictures_are_cropped_to_their_middle_turned_and_laid_over_white() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    // A wide picture: its left and right thirds are black, its middle is red.
    let wide = RgbImage::from_fn(24, 8, |x, _| if (8..16).contains(&x) { Rgb([200, 10, 0]) } else { Rgb([0, 0, 0]) });
    write(at("train/a/wide.png"), wide);
    write(at("train/b/glass.png"), RgbaImage::from_pixel(8, 8, Rgba([0, 0, 100, 0])));
    write(at("test/a/x.png"), colour(8, 8, 0));
    write(at("test/b/x.png"), colour(8, 8, 0));
    // Above black, below white; the EXIF note says that it lies on its head (orientation 3).
    let halves = GrayImage::from_fn(8, 8, |_, y| Luma([if y < 4 { 0 } else { 255 }]));
    let mut jpeg = std::io::Cursor::new(Vec::new());
    DynamicImage::from(halves).write_to(&mut jpeg, ImageFormat::Jpeg).unwrap();
    let jpeg = jpeg.into_inner();
    let exif: &[u8] = b"\xff\xe1\x00\x22Exif\x00\x00II*\x00\x08\x00\x00\x00\x01\x00\x12\x01\x03\x00\x01\x00\x00\x00\x03\x00\x00\x00\x00\x00\x00\x00";
    fs::write(at("train/a/turned.jpg"), [&jpeg[..2], exif, &jpeg[2..]].concat()).unwrap();
    let data = load(folder.path(), 8).unwrap();
    let turned = levels(&data, 0);
    assert!(
        turned[..8].iter().all(|&value| value > 250) && turned[56..64].iter().all(|&value| value < 5),
        "{turned:?}"
    );
    let wide = levels(&data, 1);
    assert_eq!([wide[0], wide[63], wide[64]], [200, 200, 10]);
    assert!(levels(&data, 2).iter().all(|&value| value == 255), "transparent is white");
}

#[test]
fn some_broken_pictures_are_skipped_and_named_many_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    for class in ["a", "b"] {
        (0..12).for_each(|index| write(folder.path().join(format!("{class}/{index}.png")), colour(9, 9, index)));
    }
    let whole = fs::read(folder.path().join("a/0.png")).unwrap();
    fs::write(folder.path().join("a/torn.png"), &whole[..whole.len() / 2]).unwrap();
    fs::write(folder.path().join("b/words.jpg"), "these are words").unwrap();
    let data = load(folder.path(), 8).unwrap();
    let note = data.notes().iter().find(|note| note.contains("cannot be read")).unwrap();
    assert!(note.starts_with("2 pictures") && note.contains("torn.png") && note.contains("words.jpg"), "{note}");
    assert_eq!(data.train().len() + data.test().len(), 24);
    (0..4).for_each(|index| fs::write(folder.path().join(format!("a/bad{index}.png")), "no").unwrap());
    let said = fault(folder.path());
    assert!(said.contains("6 of the 30 pictures") && said.contains("bad0.png"), "{said}");
}

#[test]
fn pictures_that_claim_to_be_huge_take_no_room() {
    let folder = tempfile::tempdir().unwrap();
    for class in ["a", "b"] {
        (0..12).for_each(|index| write(folder.path().join(format!("{class}/{index}.png")), colour(9, 9, index)));
    }
    let mut huge = fs::read(folder.path().join("a/0.png")).unwrap();
    huge[16..24].copy_from_slice(&[0, 0, 0xea, 0x60, 0, 0, 0xea, 0x60]); // 60000 x 60000
    fs::write(folder.path().join("a/huge.png"), &huge).unwrap();
    let whole = fs::read(folder.path().join("a/1.png")).unwrap();
    let data = load(folder.path(), 8).unwrap();
    assert!(data.notes().iter().any(|note| note.contains("huge.png")), "{:?}", data.notes());
    for length in (0..whole.len()).step_by(64) {
        fs::write(folder.path().join("a/huge.png"), &whole[..length]).unwrap();
        let notes = load(folder.path(), 8).unwrap().notes().join(" ");
        assert!(notes.contains("huge.png"), "cut at {length}: {notes}");
    }
}

#[test]
fn folders_without_classes_or_pictures_say_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    assert!(fault(folder.path()).contains("CLASS/*"));
    fs::create_dir(folder.path().join("only")).unwrap();
    assert!(fault(folder.path()).contains("one class only"));
    fs::create_dir(folder.path().join("other")).unwrap();
    assert!(fault(folder.path()).contains("no pictures"));
    write(folder.path().join("only/a.png"), colour(9, 9, 0));
    let said = fault(folder.path());
    assert!(said.contains("one class only") && said.contains("\"only\""), "{said}");
    assert!(load(folder.path(), 0).expect_err("no size").to_string().contains("1 to 1024"));
    #[cfg(unix)]
    {
        // A circle of links is neither followed nor a fault.
        std::os::unix::fs::symlink(folder.path(), folder.path().join("only/around")).unwrap();
        write(folder.path().join("other/b.png"), colour(9, 9, 1));
        assert_eq!(load(folder.path(), 8).unwrap().classes(), 2);
    }
}

/// Three pictures in each of these folders.
fn fill(folder: &Path, names: &[&str]) {
    for (class, name) in names.iter().enumerate() {
        (0..3).for_each(|index| {
            write(folder.join(name).join(format!("{index}.png")), colour(9, 9, (7 * class + index) as u8));
        });
    }
}

#[test]
fn parts_are_called_by_the_usual_words_in_any_case() {
    for (train, other, is_test) in [
        ("TRAIN", "Val", false),
        ("training", "valid", false),
        ("Train", "validation", false),
        ("train", "Testing", true),
    ] {
        let folder = tempfile::tempdir().unwrap();
        fill(
            folder.path(),
            &[&format!("{train}/a"), &format!("{train}/b"), &format!("{other}/a"), &format!("{other}/b")],
        );
        let data = load(folder.path(), 8).unwrap();
        assert_eq!((data.train().len(), data.test().len()), (6, 6), "{train}, {other}");
        assert_eq!(data.split().contains("the validation images are the test split"), !is_test, "{}", data.split());
        if !is_test {
            fill(folder.path(), &["TEST/b", "TEST/a"]);
            let data = load(folder.path(), 8).unwrap();
            assert!(
                data.notes().iter().any(|note| note.contains("6 validation images are left out")),
                "{:?}",
                data.notes()
            );
        }
    }
}

#[test]
fn a_class_may_be_called_train_and_an_archive_may_have_a_folder_around() {
    let folder = tempfile::tempdir().unwrap();
    fill(folder.path(), &["bus", "train", "tram"]);
    assert_eq!(load(folder.path(), 8).unwrap().info().class_names, ["bus", "train", "tram"]);
    let folder = tempfile::tempdir().unwrap();
    fill(folder.path(), &["set/set/train/a", "set/set/train/b", "set/set/test/a", "__MACOSX/set"]);
    let data = load(folder.path(), 8).unwrap();
    assert_eq!((data.train().len(), data.test().len(), data.name()), (6, 3, "set"));
    assert!(data.notes().iter().any(|note| note.contains("no test image: \"b\"")), "{:?}", data.notes());
}

#[test]
fn pictures_one_folder_deeper_are_found_and_masks_beside_them_are_not() {
    let folder = tempfile::tempdir().unwrap();
    fill(folder.path(), &["a/images", "a/masks", "b/1", "b/2", "c", "c/thumbnails"]);
    let data = load(folder.path(), 8).unwrap();
    let count = |class: u32| data.train().of_class(class).len() + data.test().of_class(class).len();
    assert_eq!([count(0), count(1), count(2)], [3, 6, 3]);
}

#[test]
fn classes_called_by_numbers_stand_by_number() {
    let folder = tempfile::tempdir().unwrap();
    fill(folder.path(), &["10", "9", "100", "0"]);
    assert_eq!(load(folder.path(), 8).unwrap().info().class_names, ["0", "9", "10", "100"]);
    fill(folder.path(), &["ten"]);
    assert_eq!(load(folder.path(), 8).unwrap().info().class_names, ["0", "10", "100", "9", "ten"], "else as text");
}

#[test]
fn an_empty_class_is_left_out_and_a_single_image_trains() {
    let folder = tempfile::tempdir().unwrap();
    fill(folder.path(), &["a", "c"]);
    fs::create_dir(folder.path().join("b")).unwrap();
    write(folder.path().join("d/only.png"), colour(9, 9, 3));
    let data = load(folder.path(), 8).unwrap();
    assert_eq!(data.info().class_names, ["a", "c", "d"]);
    assert_eq!((data.train().of_class(2).len(), data.test().of_class(2).len()), (1, 0));
    let notes = data.notes().join("\n");
    for said in ["left out, since they have no image: \"b\"", "no test image: \"d\"", "one training image only: \"d\""]
    {
        assert!(notes.contains(said), "{said}: {notes}");
    }
}

#[test]
fn what_other_programs_leave_is_counted_and_foreign_pictures_are_named() {
    let folder = tempfile::tempdir().unwrap();
    fill(folder.path(), &["a", "b", "__MACOSX/a", ".thumbs"]);
    for name in ["a/.DS_Store", "a/Thumbs.db", "a/desktop.ini", "b/._0.png", "b/.nomedia"] {
        fs::write(folder.path().join(name), "left").unwrap();
    }
    for name in ["a/1.HEIC", "a/2.heic", "b/3.avif", "b/4.svg"] {
        fs::write(folder.path().join(name), "\0\0\0\x18ftypheic").unwrap();
    }
    fs::write(folder.path().join("a/scan"), fs::read(folder.path().join("a/0.png")).unwrap()).unwrap();
    let data = load(folder.path(), 8).unwrap();
    assert_eq!((data.classes(), data.train().len() + data.test().len()), (2, 7), "a picture without an ending is one");
    let notes = data.notes().join("\n");
    assert!(notes.contains("1 AVIF and 2 HEIC and 1 SVG pictures cannot be read here"), "{notes}");
    assert!(notes.contains("5 files are no pictures and were left out"), "{notes}");
    // Called JPEG by a phone, it is none.
    let folder = tempfile::tempdir().unwrap();
    fill(folder.path(), &["a", "b"]);
    fs::write(folder.path().join("a/phone.jpg"), "\0\0\0\x18ftypheic\0\0\0\0mif1heic").unwrap();
    assert!(fault(folder.path()).contains("of the kind HEIC"));
    fs::write(folder.path().join("a/phone.jpg"), "<!doctype html><html>").unwrap();
    assert!(fault(folder.path()).contains("a web page"));
}

#[test]
fn tiffs_are_read() {
    let folder = tempfile::tempdir().unwrap();
    for class in ["a", "b"] {
        (0..3).for_each(|index| write(folder.path().join(format!("{class}/{index}.tif")), colour(8, 8, index)));
        (3..6).for_each(|index| write(folder.path().join(format!("{class}/{index}.png")), colour(8, 8, index - 3)));
    }
    fs::rename(folder.path().join("a/0.tif"), folder.path().join("a/0.TIFF")).unwrap();
    let data = load(folder.path(), 8).unwrap();
    assert_eq!((data.train().len() + data.test().len(), data.shape().dims()), (12, [3, 8, 8]));
    let whole = fs::read(folder.path().join("a/0.TIFF")).unwrap();
    for length in (0..whole.len()).step_by(16) {
        fs::write(folder.path().join("a/0.TIFF"), &whole[..length]).unwrap();
        assert!(load(folder.path(), 8).unwrap().notes().join(" ").contains("0.TIFF"), "cut at {length}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn names_that_are_no_text_are_shown_with_marks() {
    use std::os::unix::ffi::OsStrExt;
    let folder = tempfile::tempdir().unwrap();
    let name = |bytes: &[u8]| folder.path().join(std::ffi::OsStr::from_bytes(bytes));
    for bytes in [&b"caf\xe9"[..], b"caf\xe8", b"tea"] {
        (0..3).for_each(|index| write(name(bytes).join(format!("{index}.png")), colour(9, 9, index)));
    }
    fs::copy(name(b"tea").join("0.png"), name(b"tea").join(std::ffi::OsStr::from_bytes(b"\xff.png"))).unwrap();
    let data = load(folder.path(), 8).unwrap();
    assert_eq!(data.info().class_names, ["caf\u{fffd}", "caf\u{fffd}", "tea"]);
    assert_eq!(data.train().len() + data.test().len(), 10);
}
