//! Distilled sets from files: what PyTorch wrote (`tests/fixtures/torch_sets.py`), what this program wrote, and the same
//! damaged. Nothing in a file is executed, and every fault is an error that names the file.

use std::{fs, path::Path};

use crate::support::reading::{self, fixture};
use rand::{RngCore, SeedableRng};
use rand_chacha::ChaCha8Rng;
use spiritsafe::{
    data::{DataSpec, Dataset},
    distilled::{Start, SyntheticSet},
    evaluate::Recipe,
    nn::NetworkSpec,
    store::sets::{self, Card, Labelled},
};

fn digits() -> Dataset {
    DataSpec::Digits.load(0).unwrap()
}

fn read(name: &str) -> Labelled {
    sets::read(&fixture(&format!("sets/{name}")), &digits()).unwrap()
}

fn fault(path: &Path) -> String {
    reading::fault(sets::read(path, &digits()))
}

/// The script that travels with a set has the rate of the protocol, epoch by epoch.
#[test]
fn the_exported_script_drops_its_rate_where_the_protocol_does() {
    let script = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/store/sets/train.py")).unwrap();
    let rule = script.lines().find_map(|line| line.trim().strip_prefix("if epoch == epochs // 2 + ")).expect("a rule");
    let after: usize = rule.chars().take_while(char::is_ascii_digit).collect::<String>().parse().unwrap();
    assert!(script.contains("for epoch in range(epochs + 1):") && script.contains("sgd = optimizer(0.001)"));
    for epochs in [1, 2, 3, 10, 300, 1000] {
        let recipe = Recipe::dm(NetworkSpec::default(), epochs, Vec::new());
        assert_eq!(recipe.epochs, epochs + 1);
        for epoch in 0..=epochs {
            let expected = if epoch >= epochs / 2 + after { 0.001 } else { 0.01 };
            assert!((recipe.rate(epoch) - expected).abs() < 1e-12, "{epochs} epochs, epoch {epoch}");
        }
    }
}

/// What `tests/fixtures/torch_sets.py` wrote.
fn written(image: usize, pixel: usize) -> f32 {
    (0.3 * image as f32 + 0.1 * pixel as f32).sin()
}

fn assert_close(values: &[f32], expected: impl Fn(usize) -> f32, tolerance: f32) {
    for (at, &value) in values.iter().enumerate() {
        assert!((value - expected(at)).abs() < tolerance, "value {at} is {value}, not {}", expected(at));
    }
}

#[test]
fn the_files_of_other_peoples_code_are_read() {
    let labels: Vec<u32> = (0..20).map(|index| index / 2).collect();
    let plain = |at: usize| written(at / 64, at % 64);
    let set = read("res_DM_digits_ConvNet_2ipc.pt");
    assert_eq!(set.labels, labels);
    assert_close(&set.values, plain, 1e-6);
    // From 0 to 1, or from -1 to 1: normalised by the data set's own mean and deviation.
    let data = digits();
    let (mean, std) = (data.normalisation().mean[0], data.normalisation().std[0]);
    let normalised = |value: f32| (value.midpoint(1.0) - mean) / std;
    for (name, tolerance) in [("data.pt", 1e-4), ("images_best.pt", 1e-4), ("bare.pt", 3e-3)] {
        let set = read(name);
        assert_eq!(set.labels, labels, "{name}");
        assert_close(&set.values, |at| normalised(plain(at)), tolerance);
    }
    // A view with strides of its own: turned around and transposed.
    let turned = read("turned.pt");
    assert_eq!(turned.labels[..4], [9, 9, 8, 8]);
    assert_close(&turned.values, |at| normalised(written(19 - at / 64, at % 64 % 8 * 8 + at % 64 / 8)), 1e-4);
}

#[test]
fn what_cannot_be_read_says_why() {
    for (name, words) in [("old.pt", "save it again"), ("trap.pt", "os.system"), ("labels_best.pt", "(n, 1 or 3")] {
        // PyTorch calls the module of os.system by the name of the system.
        let said = fault(&fixture(&format!("sets/{name}"))).replace("posix.system", "os.system");
        assert!(said.contains(words) && said.contains(name), "{name}: {said}");
    }
    assert!(!Path::new("trapped.txt").exists());
    assert!(fault(Path::new("nowhere.pt")).contains("nowhere.pt"));
    assert!(fault(&fixture("sets/../torch_sets.py")).contains(".safetensors"));
}

#[test]
fn damaged_files_never_panic() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("set");
    sets::write(&small_set(), &digits(), &Card::of(&small_set(), &digits()), &out).unwrap();
    let results = "res__digits_ConvNet_2ipc.pt";
    let ours = [results, "data.pt", "synthetic.npz", "synthetic.safetensors"].map(|name| out.join(name));
    let mut rng = ChaCha8Rng::seed_from_u64(9);
    for source in [fixture("sets/res_DM_digits_ConvNet_2ipc.pt"), fixture("sets/turned.pt")].iter().chain(&ours) {
        let whole = fs::read(source).unwrap();
        let path = folder.path().join(format!("damaged.{}", source.extension().unwrap().to_string_lossy()));
        for length in (0..whole.len()).step_by(64) {
            fs::write(&path, &whole[..length]).unwrap();
            assert!(fault(&path).contains("damaged."));
        }
        for _ in 0..600 {
            let mut bytes = whole.clone();
            for _ in 0..4 {
                let at = rng.next_u32() as usize % bytes.len();
                bytes[at] = rng.next_u32() as u8;
            }
            fs::write(&path, &bytes).unwrap();
            let _ = sets::read(&path, &digits()); // Pixels may change; a panic may not be.
        }
        for length in [0, 7, 3000] {
            let mut bytes = vec![0; length];
            rng.fill_bytes(&mut bytes);
            fs::write(&path, &bytes).unwrap();
            fault(&path);
        }
    }
}

fn small_set() -> SyntheticSet {
    Start::Real.images(&digits(), &(0..10).collect::<Vec<u32>>(), (2, 1), 3).unwrap()
}

#[test]
fn what_is_written_is_read_back_the_same() {
    let (data, mut set) = (digits(), small_set());
    set.values.iter_mut().for_each(|value| *value *= 1.5); // Some values leave the range of pictures.
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("set");
    sets::write(&set, &data, &Card::of(&set, &data), &out).unwrap();
    for (name, tolerance) in
        [("res__digits_ConvNet_2ipc.pt", 1e-7), ("synthetic.npz", 1e-5), ("synthetic.safetensors", 1e-5)]
    {
        let read = sets::read(&out.join(name), &data).unwrap();
        assert_eq!(read.labels, set.labels());
        assert_close(&read.values, |at| set.values[at], tolerance);
    }
    // Pictures and data.pt are clamped; pictures have 8 bits.
    let (mean, std) = (data.normalisation().mean[0], data.normalisation().std[0]);
    let clamped = |at: usize| ((set.values[at] * std + mean).clamp(0.0, 1.0) - mean) / std;
    assert_close(&sets::read(&out.join("data.pt"), &data).unwrap().values, clamped, 1e-5);
    assert_close(&sets::read(&out, &data).unwrap().values, clamped, 0.51 / 255.0 / std);
    let card = Card::read(&out).unwrap();
    assert_eq!((card.per_class, card.shape, card.labels.len()), (2, [1, 8, 8], 10));
    assert!(out.join("train.py").exists() && out.join("test.npz").exists() && out.join("contact-sheet.png").exists());
    let error = sets::write(&set, &data, &card, &out).unwrap_err().to_string();
    assert!(error.contains("is not empty") && error.contains("nothing was written"), "{error}");
}

#[test]
fn a_set_of_other_images_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let plane = "plane:blobs".parse::<DataSpec>().unwrap().load(0).unwrap();
    let points = Start::Real.images(&plane, &[0, 1], (2, 1), 0).unwrap();
    let out = folder.path().join("points");
    sets::write(&points, &plane, &Card::of(&points, &plane), &out).unwrap();
    assert!(fault(&out.join("synthetic.npz")).contains("2, 1, 1], those of the data set are [1, 8, 8]"));
    fs::create_dir_all(folder.path().join("pictures/eleven")).unwrap();
    assert!(fault(&folder.path().join("pictures")).contains("no class \"eleven\""));
}
