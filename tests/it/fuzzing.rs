//! The parsers that the targets of `fuzz/` enter, driven for a while by damaged copies of good files: never a panic, never long, and no
//! more memory than files of these sizes need. `SPIRITSAFE_FUZZ_SECS` says how long for each; files in `fuzz/corpus/TARGET` are taken
//! too.

use std::{
    fs,
    io::{Cursor, Read},
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use image::{ImageFormat, Rgb, RgbImage};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use spiritsafe::{
    data::parsers::{self, Parser},
    memory,
    store::sets::parsers as sets,
};

/// A small file never takes longer.
const LONGEST: Duration = Duration::from_secs(10);
/// Bytes that the process may have held at its peak. A page of Parquet alone may claim two gigabytes.
const MOST_MEMORY: u64 = 5 << 29;
/// What a length or a count may be set to.
const ODD: [u32; 8] = [0, 1, 0x7f, 0xff, 0x7fff, 0xffff, 0x7fff_ffff, u32::MAX];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn files_under(folder: &Path, found: &mut Vec<PathBuf>) {
    let mut paths: Vec<PathBuf> =
        fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    paths.sort();
    for path in paths {
        if path.is_dir() { files_under(&path, found) } else { found.push(path) }
    }
}

/// Fixtures that end so.
fn fixtures(folder: &str, ending: &str) -> Vec<Vec<u8>> {
    let mut paths = Vec::new();
    files_under(&root().join("tests/fixtures").join(folder), &mut paths);
    paths.retain(|path| path.to_string_lossy().ends_with(ending));
    paths.iter().map(|path| fs::read(path).unwrap()).collect()
}

fn idx(magic: u32, sizes: &[u32], count: usize) -> Vec<u8> {
    let head = std::iter::once(&magic).chain(sizes).flat_map(|number| number.to_be_bytes());
    head.chain((0..count).map(|at| (at % 3) as u8)).collect()
}

fn tar() -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    for (name, bytes) in [("train.bin", vec![1; 3074]), ("fine_label_names.txt", b"a\nb\n".to_vec())] {
        let mut header = tar::Header::new_ustar();
        header.set_size(bytes.len() as u64);
        archive.append_data(&mut header, format!("cifar-100-binary/{name}"), bytes.as_slice()).unwrap();
    }
    archive.into_inner().unwrap()
}

fn pictures() -> Vec<Vec<u8>> {
    use ImageFormat::{Bmp, Gif, Jpeg, Png, Tiff, WebP};
    let picture = RgbImage::from_fn(9, 7, |x, y| Rgb([(x * 7) as u8, (y * 11) as u8, (x * y) as u8]));
    let write = |format| {
        let mut bytes = Cursor::new(Vec::new());
        picture.write_to(&mut bytes, format).unwrap();
        bytes.into_inner()
    };
    [Bmp, Gif, Jpeg, Png, Tiff, WebP].map(write).to_vec()
}

/// The pickles in files of PyTorch.
fn pickles() -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    for file in fixtures("sets", ".pt") {
        let Ok(mut archive) = zip::ZipArchive::new(Cursor::new(file)) else { continue };
        for at in 0..archive.len() {
            let mut entry = archive.by_index(at).unwrap();
            if entry.name().is_ok_and(|name| name.ends_with("data.pkl")) {
                let mut bytes = Vec::new();
                entry.read_to_end(&mut bytes).unwrap();
                found.push(bytes);
            }
        }
    }
    found
}

/// Good files for a target.
fn seeds(target: &str) -> Vec<Vec<u8>> {
    let mut seeds = match target {
        "idx" => vec![idx(2051, &[3, 5, 4], 60), idx(2049, &[3], 3), idx(0x0c02, &[3, 8], 96)],
        "cifar" => vec![vec![3; 3073], vec![3; 3074]],
        "tar" => vec![tar()],
        "mat" => [fixtures("svhn", ".mat"), fixtures("svhn-plain", ".mat")].concat(),
        "npz" => fixtures("", "keras.npz").into_iter().chain(fixtures("", "plain.npz")).collect(),
        "parquet" => fixtures("parquet", ".parquet"),
        "csv" => vec![
            b"path,label,split\na/0.png,cat,train\na/1.png,dog,test\n".to_vec(),
            b"a/0.png;0\n\"a 1.png\";1\n".to_vec(),
        ],
        "picture" => pictures(),
        "pickle" => pickles(),
        "torch" => fixtures("sets", ".pt"),
        "soft_labels" => {
            vec![[vec![2], [0.25_f32, 0.75, 1.0, 0.0].iter().flat_map(|x| x.to_le_bytes()).collect()].concat()]
        }
        "names" => vec![b"cat\nCat\n../../out\nCON\na:b\nship.\n\n".to_vec()],
        _ => Vec::new(),
    };
    let mut corpus = Vec::new();
    files_under(&root().join("fuzz/corpus").join(target), &mut corpus);
    seeds.extend(corpus.iter().map(|path| fs::read(path).unwrap()));
    assert!(!seeds.is_empty(), "{target} has no good file to begin with");
    seeds
}

/// A copy with one to four changes: a byte, a number, a piece that is cut, doubled or moved, another end.
fn damaged(seeds: &[Vec<u8>], rng: &mut ChaCha8Rng) -> Vec<u8> {
    let mut bytes = seeds[rng.random_range(0..seeds.len())].clone();
    for _ in 0..rng.random_range(1..=4) {
        if bytes.is_empty() {
            break;
        }
        let at = rng.random_range(0..bytes.len());
        let end = (at + rng.random_range(1..=64)).min(bytes.len());
        match rng.random_range(0..8) {
            0 => bytes.truncate(at),
            1 => drop(bytes.drain(at..end)),
            2 => {
                let piece = bytes[at..end].to_vec();
                drop(bytes.splice(at..at, piece));
            }
            3 => {
                let odd = ODD[rng.random_range(0..ODD.len())];
                let odd = if rng.random() { odd.to_le_bytes() } else { odd.to_be_bytes() };
                let room = odd.len().min(bytes.len() - at);
                bytes[at..at + room].copy_from_slice(&odd[..room]);
            }
            4 => {
                let other = &seeds[rng.random_range(0..seeds.len())];
                bytes.truncate(at);
                bytes.extend(&other[at.min(other.len())..]);
            }
            5 => bytes[at] ^= 1 << rng.random_range(0..8),
            _ => bytes[at] = rng.random(),
        }
    }
    bytes
}

fn drive(target: &str, parse: Parser, time: Duration) {
    let seeds = seeds(target);
    let mut rng = ChaCha8Rng::seed_from_u64(11);
    let (begun, mut count, mut longest) = (Instant::now(), 0, Duration::ZERO);
    let mut next = seeds.clone().into_iter();
    while begun.elapsed() < time || count < seeds.len() {
        let bytes = next.next().unwrap_or_else(|| damaged(&seeds, &mut rng));
        let clock = Instant::now();
        let read = catch_unwind(AssertUnwindSafe(|| drop(parse(&bytes))));
        longest = longest.max(clock.elapsed());
        count += 1;
        if read.is_err() || longest > LONGEST {
            let path = std::env::temp_dir().join(format!("spiritsafe-{target}-{count}"));
            fs::write(&path, &bytes).unwrap();
            panic!("{target}: a panic or {longest:?} at {}", path.display());
        }
    }
    println!("{target}: {count} inputs from {} seeds, {longest:?} at most", seeds.len());
}

#[test]
fn damaged_files_neither_panic_nor_take_long() {
    let secs = std::env::var("SPIRITSAFE_FUZZ_SECS").ok().and_then(|secs| secs.parse().ok()).unwrap_or(1.0);
    for (target, parse) in parsers::ALL.into_iter().chain(sets::ALL) {
        drive(target, parse, Duration::from_secs_f64(secs));
    }
    let peak = memory::peak_bytes().unwrap_or(0);
    assert!(peak < MOST_MEMORY, "the process held {peak} bytes");
}

#[test]
fn every_target_of_the_fuzzer_is_driven_here() {
    let mut targets = Vec::new();
    files_under(&root().join("fuzz/fuzz_targets"), &mut targets);
    let mut targets: Vec<String> =
        targets.iter().map(|path| path.file_stem().unwrap().to_string_lossy().into_owned()).collect();
    let mut driven: Vec<&str> = parsers::ALL.iter().chain(&sets::ALL).map(|(target, _)| *target).collect();
    driven.sort_unstable();
    targets.sort();
    assert_eq!(targets, driven);
}
