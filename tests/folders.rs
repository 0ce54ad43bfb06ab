//! Folders of pictures, as people have them: mixed sizes, grey and colour, turned, transparent, some broken.

use std::{
    fs,
    path::{Path, PathBuf},
};

use image::{DynamicImage, GrayImage, ImageFormat, Luma, Rgb, RgbImage, Rgba, RgbaImage};
use spiritsafe::{
    data::{DataSpec, Dataset},
    error::Error,
};

fn load(folder: &Path, size: usize) -> Result<Dataset, Error> {
    format!("folder@{size}:{}", folder.display()).parse::<DataSpec>()?.load(0)
}

fn fault(folder: &Path) -> String {
    let error = load(folder, 8).map(drop).expect_err("a bad folder was taken");
    assert_eq!(error.exit_code(), 3, "{error}");
    error.to_string()
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
    assert!(matches!(DataSpec::at(folder.path()), Ok(DataSpec::Folder { size: 32, .. })));
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
    assert!(said.contains("\"other\"") && said.contains("no training image"), "{said}");
    assert!(load(folder.path(), 0).expect_err("no size").to_string().contains("1 to 1024"));
    #[cfg(unix)]
    {
        // A circle of links is neither followed nor a fault.
        std::os::unix::fs::symlink(folder.path(), folder.path().join("only/around")).unwrap();
        write(folder.path().join("other/b.png"), colour(9, 9, 1));
        assert_eq!(load(folder.path(), 8).unwrap().classes(), 2);
    }
}
