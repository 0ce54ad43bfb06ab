//! Class names are data of other people: whatever they are, nothing is written outside, and what is written is read back.

use std::{
    collections::BTreeSet,
    fs,
    io::{Cursor, Write},
    path::{Path, PathBuf},
};

use crate::support::program::{distill, last_json, spiritsafe, succeed};
use serde_json::Value;
use spiritsafe::{
    data::{DataSpec, Dataset},
    distilled::{Masses, Start, SyntheticSet},
    report::{ReadAs, ValueRange},
    store::sets::{self, Card, Labelled},
};

/// Names that lead out of a folder, are none on some system, or are the same where case or Unicode form does not count.
fn evil(root: &Path) -> [String; 10] {
    let absolute = root.join("escaped_absolute").display().to_string();
    ["../../../escaped", &absolute, "a/b", "CON", "..", "with:colon", "Ship.", "ship.", "\u{e9}", "e\u{301}"]
        .map(str::to_owned)
}

/// CIFAR-10 with so many images of 32 x 32 x 3 of each class, and these names.
fn cifar(folder: &Path, names: &[String], per_class: usize) {
    fs::create_dir_all(folder).unwrap();
    let image = |class: usize, image: usize| {
        let level = move |at: usize| (128.0 + 100.0 * ((class * 37 + image * 11 + at) as f32 * 0.07).sin()) as u8;
        let mut record = vec![class as u8];
        record.extend((0..3072).map(level));
        record
    };
    let batch = |first: usize, last: usize| {
        (first..last).flat_map(|k| (0..10).flat_map(move |class| image(class, k))).collect::<Vec<u8>>()
    };
    for number in 1..=5 {
        let (first, last) = ((number - 1) * per_class / 5, number * per_class / 5);
        fs::write(folder.join(format!("data_batch_{number}.bin")), batch(first, last)).unwrap();
    }
    fs::write(folder.join("test_batch.bin"), batch(per_class, per_class + 2)).unwrap();
    fs::write(folder.join("batches.meta.txt"), names.join("\n") + "\n").unwrap();
}

/// Everything below a folder, by its path from there.
fn listing(root: &Path) -> BTreeSet<PathBuf> {
    let mut found = BTreeSet::new();
    let mut left = vec![root.to_owned()];
    while let Some(folder) = left.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            found.insert(path.strip_prefix(root).unwrap().to_owned());
            if path.is_dir() {
                left.push(path);
            }
        }
    }
    found
}

fn assert_valid(path: &Path) {
    for part in path.components() {
        let std::path::Component::Normal(name) = part else { panic!("{} leads elsewhere", path.display()) };
        let name = name.to_str().expect("text");
        let fine =
            !name.contains(['<', '>', ':', '"', '\\', '|', '?', '*']) && !name.ends_with(['.', ' ']) && name != "CON";
        assert!(fine, "{} is no name on Windows", path.display());
    }
}

#[test]
fn a_run_with_evil_class_names_runs_exports_and_is_read_back_and_nothing_is_outside() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("deep/er/still");
    fs::create_dir_all(&root).unwrap();
    let names = evil(folder.path());
    cifar(&root.join("data"), &names, 10);
    let before = listing(folder.path());
    let data = format!("cifar10:{}", root.join("data").display());
    let (run, set) = (root.join("run"), root.join("set"));
    let cache = root.join("cache");
    let settings = [
        "steps=2",
        "images.per_class=1",
        "network.width=4",
        "evaluation.last=\"dm@1x1\"",
        "evaluation.whole=\"whole@1\"",
        "device=\"cpu\"",
    ];
    succeed(distill("dm-cpu", &settings, &run).args(["--data", &data]).env("SPIRITSAFE_CACHE", &cache));
    succeed(spiritsafe().arg("export").arg(&run).arg(&set).env("SPIRITSAFE_CACHE", &cache));
    let judge = |path: &Path| {
        let mut command = spiritsafe();
        command.arg("evaluate").arg(path).args([
            "--data",
            &data,
            "--preset",
            "dm-cpu",
            "--set",
            "network.width=4",
            "--protocol",
            "dm@2x1",
        ]);
        last_json(&succeed(command.arg("--json").env("SPIRITSAFE_CACHE", &cache)))
    };
    let accuracy = |json: Value| json["accuracy"]["mean"].as_f64().unwrap();
    let pictures = accuracy(judge(&set.join("images")));
    assert_eq!(pictures, accuracy(judge(&run.join("synthetic"))), "the run's own pictures are the same");
    assert_eq!(pictures, accuracy(judge(&set)));
    for path in listing(folder.path()).difference(&before) {
        let inside =
            ["run", "set", "cache"].iter().any(|place| path.starts_with(Path::new("deep/er/still").join(place)));
        assert!(inside, "{} was written outside", path.display());
        assert_valid(path);
    }
    // One folder for each class, also where case and form do not count, and the names as they are in the card.
    let card = Card::read(&set).unwrap();
    assert_eq!(card.class_names, names);
    let folders: BTreeSet<String> = card.class_folders.iter().map(|name| name.to_lowercase()).collect();
    assert_eq!(folders.len(), 10);
    assert!(card.class_folders.iter().all(|name| set.join("images").join(name).join("000.png").is_file()));
}

#[test]
fn names_of_a_config_lead_nowhere_either() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("deep/er");
    fs::create_dir_all(&root).unwrap();
    let mut command = spiritsafe();
    command.current_dir(&root).args([
        "compare",
        "--presets",
        "digits",
        "--data",
        "digits",
        "--steps",
        "1",
        "--ipc",
        "1",
    ]);
    command.args([
        "--protocol",
        "dm@1x1",
        "--set",
        "name=\"../../../escaped\"",
        "--set",
        "network.width=4",
        "--out",
        "here",
    ]);
    succeed(command.env("SPIRITSAFE_CACHE", root.join("cache")));
    for path in listing(folder.path()) {
        let inside = path.starts_with("deep/er/here") || path.starts_with("deep/er/cache");
        assert!(
            inside || ["deep", "deep/er"].iter().any(|place| path == Path::new(place)),
            "{} was written outside",
            path.display()
        );
    }
}

/// Shares of all classes for each image.
fn shares(count: usize, classes: usize) -> Vec<f32> {
    let row = |image: usize| {
        let scores: Vec<f32> = (0..classes).map(|class| (2.0 * ((image * 7 + class) as f32).sin()).exp()).collect();
        let sum: f32 = scores.iter().sum();
        scores.into_iter().map(move |score| score / sum)
    };
    (0..count).flat_map(row).collect()
}

/// A set with everything at once: masses, mosaics, soft labels, as asked for.
fn made(data: &Dataset, (packing, weighs, soft): (usize, bool, bool)) -> Labelled {
    let classes: Vec<u32> = (0..data.classes() as u32).collect();
    let set = Start::Real.images(data, &classes, (2, packing), 3).unwrap();
    let masses = weighs.then(|| {
        let shares = (0..set.len())
            .map(|image| if image % 2 == 0 { 0.3 + 0.01 * image as f32 } else { 0.7 - 0.01 * (image - 1) as f32 });
        Masses { shares: shares.collect(), tempering: 0.5 }
    });
    let mut set = Labelled::of(&SyntheticSet { masses, ..set });
    if soft {
        let all = shares(set.labels.len(), data.classes());
        let likeliest = |row: &[f32]| (0..row.len()).max_by(|&a, &b| row[a].total_cmp(&row[b])).unwrap() as u32;
        set.labels = all.chunks_exact(data.classes()).map(likeliest).collect();
        set.shares = Some(all);
        // Its classes are no longer alike in number: weights stand for themselves.
        set.masses = None;
        set.read_as = ReadAs { soft_labels: true, ..set.read_as };
    }
    set
}

/// Images in the order of their classes, with what belongs to each, as it was read.
fn sorted(set: &Labelled, classes: usize) -> Vec<(u32, Vec<f32>, Vec<f32>, f32)> {
    let len = set.shape.len();
    let mut all: Vec<_> = (0..set.labels.len())
        .map(|image| {
            let shares = set
                .shares
                .as_ref()
                .map_or(Vec::new(), |shares| shares[image * classes..(image + 1) * classes].to_vec());
            let factor = set.factors.as_ref().map_or(1.0, |factors| factors[image]);
            (set.labels[image], set.values[image * len..(image + 1) * len].to_vec(), shares, factor)
        })
        .collect();
    all.sort_by_key(|(class, ..)| *class);
    all
}

/// Writes a set in every form, reads each, and compares; then writes what was read once more.
fn round_trip(data: &Dataset, what: (usize, bool, bool)) {
    let folder = tempfile::tempdir().unwrap();
    let set = made(data, what);
    let twin = sorted(&set, data.classes());
    let most = data.normalisation().std.iter().map(|std| 0.51 / 255.0 / std).fold(0.0, f32::max);
    let mut source = set;
    for turn in ["first", "second"] {
        let out = folder.path().join(turn);
        sets::write_labelled(&source, data, &Card::of_labelled(&source, data), &out).unwrap();
        let results = fs::read_dir(&out).unwrap().map(|entry| entry.unwrap().path());
        let results = results
            .into_iter()
            .find(|path| path.extension().is_some_and(|e| e == "pt") && !path.ends_with("data.pt"))
            .unwrap();
        let forms = [
            (results, 1e-5),
            (out.join("synthetic.npz"), 1e-5),
            (out.join("synthetic.safetensors"), 1e-5),
            (out.join("data.pt"), 1e-5),
            (out.join("images"), most),
            (out.clone(), most),
        ];
        for (path, tolerance) in forms {
            let read = sets::read(&path, data).unwrap_or_else(|error| panic!("{what:?}: {error}"));
            let name = format!("{what:?}, {}: {}", path.display(), read.read_as.note);
            assert_eq!((read.read_as.packing, read.read_as.soft_labels), (what.0, what.2), "{name}");
            let found = sorted(&read, data.classes());
            assert_eq!(found.len(), twin.len(), "{name}");
            for ((class, values, shares, factor), (own_class, own_values, own_shares, own_factor)) in
                found.iter().zip(&twin)
            {
                assert_eq!(class, own_class, "{name}");
                assert!((factor - own_factor).abs() < 1e-5, "{name}: {factor} {own_factor}");
                assert!(values.iter().zip(own_values).all(|(a, b)| (a - b).abs() <= tolerance), "{name}");
                let close = shares.len() == own_shares.len()
                    && shares.iter().zip(own_shares).all(|(a, b)| (a - b).abs() < 1e-6);
                assert!(close, "{name}");
            }
        }
        source = sets::read(&out.join("synthetic.npz"), data).unwrap();
        assert_ne!(source.read_as.range, ValueRange::AsIs);
    }
}

fn all_kinds(data: &Dataset) {
    for packing in [1, 2] {
        for (weighs, soft) in [(false, false), (true, false), (false, true), (true, true)] {
            round_trip(data, (packing, weighs, soft));
        }
    }
}

#[test]
fn every_form_of_a_set_of_one_channel_is_read_back() {
    all_kinds(&DataSpec::Digits.load(0).unwrap());
}

#[test]
fn every_form_of_a_set_of_three_channels_with_evil_names_is_read_back() {
    let folder = tempfile::tempdir().unwrap();
    cifar(folder.path(), &evil(folder.path()), 20);
    let data = format!("cifar10:{}", folder.path().display()).parse::<DataSpec>().unwrap().load(0).unwrap();
    all_kinds(&data);
}

#[test]
fn every_form_of_a_rectangular_set_is_read_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("strips.npz");
    let (count, height, width) = (60_usize, 10_usize, 6_usize);
    let pixels: Vec<u8> =
        (0..count * height * width).map(|at| (128.0 + 100.0 * (at as f32 * 0.37).sin()) as u8).collect();
    let labels: Vec<u8> = (0..count).map(|image| (image % 3) as u8).collect();
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, sizes, bytes) in
        [("images", format!("{count}, {height}, {width}"), pixels), ("labels", format!("{count},"), labels)]
    {
        let head = format!("{{'descr': '|u1', 'fortran_order': False, 'shape': ({sizes}), }}\n");
        archive.start_file(format!("{name}.npy"), zip::write::SimpleFileOptions::default()).unwrap();
        archive
            .write_all(
                &[b"\x93NUMPY\x01\x00", &(head.len() as u16).to_le_bytes()[..], head.as_bytes(), &bytes].concat(),
            )
            .unwrap();
    }
    fs::write(&path, archive.finish().unwrap().into_inner()).unwrap();
    let data = format!("npz:{}", path.display()).parse::<DataSpec>().unwrap().load(0).unwrap();
    assert_eq!(data.shape().dims(), [1, height, width]);
    all_kinds(&data);
}
