//! The entry points of the fuzz targets of `fuzz/` that read sets, driven by seeded mutations of whole files; libFuzzer goes further
//! by hand. `SPIRITSAFE_FUZZ_SECS` says how long each is driven.

use std::{
    env, fs,
    io::{Cursor, Read},
    path::Path,
    time::{Duration, Instant},
};

use rand::{Rng, SeedableRng, seq::IndexedRandom};
use rand_chacha::ChaCha8Rng;
use spiritsafe::{error::Result, store::sets::parsers};
use zip::ZipArchive;

/// Files of PyTorch, and the pickles in them.
fn files() -> (Vec<Vec<u8>>, Vec<Vec<u8>>) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/sets");
    let mut whole: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    whole.sort();
    let whole: Vec<Vec<u8>> = whole.iter().map(|path| fs::read(path).unwrap()).collect();
    let pickle = |file: &Vec<u8>| {
        let mut archive = ZipArchive::new(Cursor::new(file)).ok()?;
        let name = archive
            .file_names()
            .filter_map(|name| Some(name.ok()?.into_owned()))
            .find(|name| name.ends_with("data.pkl"))?;
        let mut bytes = Vec::new();
        archive.by_name(&name).ok()?.read_to_end(&mut bytes).ok()?;
        Some(bytes)
    };
    let pickles = whole.iter().filter_map(pickle).collect();
    (whole, pickles)
}

/// One file changed a little: bytes, a cut, a piece doubled, a piece of another file.
fn mutated(seeds: &[Vec<u8>], rng: &mut ChaCha8Rng) -> Vec<u8> {
    let mut bytes = seeds.choose(rng).unwrap().clone();
    for _ in 0..rng.random_range(1..5) {
        let at = rng.random_range(0..=bytes.len());
        match rng.random_range(0..5) {
            0 => bytes.truncate(at),
            1 => {
                let other = seeds.choose(rng).unwrap();
                let from = rng.random_range(0..=other.len());
                let to = (from + rng.random_range(0..64)).min(other.len());
                bytes.splice(at..at, other[from..to].iter().copied());
            }
            2 => {
                let end = (at + rng.random_range(0..16)).min(bytes.len());
                drop(bytes.drain(at..end));
            }
            _ if at < bytes.len() => bytes[at] = rng.random(),
            _ => bytes.push(rng.random()),
        }
    }
    bytes
}

/// Drives an entry point and says how many inputs there were; one that takes long is a fault like a panic.
fn drive(name: &str, seeds: &[Vec<u8>], parse: fn(&[u8]) -> Result<usize>) {
    let secs = env::var("SPIRITSAFE_FUZZ_SECS").ok().and_then(|secs| secs.parse().ok()).unwrap_or(1.5);
    let (clock, mut rng) = (Instant::now(), ChaCha8Rng::seed_from_u64(7));
    let (mut inputs, mut read) = (0_u64, 0_u64);
    for seed in seeds {
        let _ = parse(seed);
    }
    while clock.elapsed() < Duration::from_secs_f64(secs) {
        let bytes = mutated(seeds, &mut rng);
        let one = Instant::now();
        read += u64::from(parse(&bytes).is_ok());
        assert!(one.elapsed() < Duration::from_secs(5), "{name}: {} bytes took {:?}", bytes.len(), one.elapsed());
        inputs += 1;
    }
    println!("{name}: {inputs} inputs, {read} read");
    assert!(inputs > 0 && read > 0, "{name}: nothing was read: {inputs} inputs");
}

#[test]
fn files_of_pytorch_never_break_the_reader() {
    drive("torch", &files().0, parsers::torch);
}

#[test]
fn pickles_never_break_the_machine() {
    drive("pickle", &files().1, parsers::pickle);
}

#[test]
fn soft_labels_add_up_whatever_they_are() {
    let rows: Vec<u8> = (0..60).flat_map(|at| (at as f32 * 0.7).sin().to_le_bytes()).collect();
    let halves: Vec<u8> = (0..40).flat_map(|_| 0.5_f32.to_le_bytes()).collect();
    let infinite: Vec<u8> =
        [f32::INFINITY, f32::MAX, f32::MIN, f32::NAN, -0.0, 1.0].iter().flat_map(|value| value.to_le_bytes()).collect();
    drive(
        "soft_labels",
        &[[&[10][..], &rows].concat(), [&[2][..], &halves].concat(), [&[3][..], &infinite].concat()],
        parsers::soft_labels,
    );
}

#[test]
fn names_lead_nowhere_whatever_they_are() {
    let evil = [
        "../../../escaped\n/absolute\na/b\na:b",
        "CON\nNUL.txt\ncom1\n..\n.\n\n \nship.",
        "\u{e9}\ne\u{301}\ncat\nCat\n\u{202e}x",
    ];
    let long = "x".repeat(400);
    let seeds: Vec<Vec<u8>> = evil.iter().map(|text| text.as_bytes().to_vec()).chain([long.into_bytes()]).collect();
    drive("names", &seeds, parsers::names);
}
