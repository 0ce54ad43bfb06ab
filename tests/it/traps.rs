//! Small files that claim to be large: each is refused with its name, and memory stays near the size of what is there.

#![allow(unsafe_code, reason = "an allocator that counts")]

use std::{
    alloc::{GlobalAlloc, Layout, System},
    fs,
    io::Write,
    path::Path,
    sync::atomic::{AtomicUsize, Ordering},
};

use flate2::{
    Compression,
    write::{GzEncoder, ZlibEncoder},
};
use image::{ImageFormat, RgbImage};
use spiritsafe::{data::DataSpec, error::Error};

/// The system's allocator, with the bytes that are held and the most that were.
struct Counting;

static HELD: AtomicUsize = AtomicUsize::new(0);
static MOST: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every call is handed on to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let held = HELD.fetch_add(layout.size(), Ordering::Relaxed) + layout.size();
        MOST.fetch_max(held, Ordering::Relaxed);
        // SAFETY: the caller's promise about the layout.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        HELD.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller's promise about block and layout.
        unsafe { System.dealloc(block, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// What a loader may hold besides as many bytes as lie on the disk.
const CONSTANT: usize = 48 << 20;

/// Bytes that loading takes at most above what was held before, and the error, if it is one.
fn load(kind: &str, path: &Path) -> (usize, Option<String>) {
    let before = HELD.load(Ordering::Relaxed);
    MOST.store(before, Ordering::Relaxed);
    let loaded = format!("{kind}:{}", path.display()).parse::<DataSpec>().and_then(|spec| spec.load(0));
    let most = MOST.load(Ordering::Relaxed) - before;
    let error = loaded.err();
    assert!(error.as_ref().is_none_or(|error: &Error| error.exit_code() == 3), "{error:?}");
    (most, error.map(|error| error.to_string()))
}

fn refused(kind: &str, path: &Path, file: &Path, words: &str) {
    let on_disk = fs::metadata(file).unwrap().len() as usize;
    let (most, error) = load(kind, path);
    let error = error.unwrap_or_else(|| panic!("{} was taken", file.display()));
    let name = file.file_name().unwrap().to_str().unwrap();
    assert!(error.contains(name) && error.contains(words), "{words}: {error}");
    assert!(most < on_disk + CONSTANT, "{name}: {most} bytes for {on_disk} on disk ({error})");
}

/// `head`, then so many megabytes of zeros.
fn zeros(mut packer: impl Write, head: &[u8], megabytes: usize) {
    packer.write_all(head).unwrap();
    (0..megabytes).for_each(|_| packer.write_all(&vec![0; 1 << 20]).unwrap());
    packer.flush().unwrap();
}

fn numbers(numbers: &[u32]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_be_bytes()).collect()
}

fn tar_header(name: &str, size: u64, kind: tar::EntryType) -> tar::Header {
    let mut header = tar::Header::new_gnu();
    header.set_path(name).unwrap();
    header.set_size(size);
    header.set_entry_type(kind);
    header.set_cksum();
    header
}

/// One test, since memory is counted for the whole process.
#[test]
fn traps_take_no_room_and_are_named() {
    packed_idx();
    packed_tar();
    packed_npz();
    packed_mat();
    pictures();
}

fn packed_idx() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("train-images-idx3-ubyte.gz");
    for (count, megabytes, words) in [(6, 64, "more than"), (128, 128, "trap"), (u32::MAX, 64, "trap")] {
        let packer = GzEncoder::new(fs::File::create(&file).unwrap(), Compression::best());
        zeros(packer, &numbers(&[2051, count, 1024, 1024]), megabytes);
        refused("idx", folder.path(), &file, words);
    }
    fs::remove_file(&file).unwrap();
    let plain = folder.path().join("train-images-idx3-ubyte");
    fs::write(&plain, [numbers(&[2051, u32::MAX, 4096, 4096]), vec![0; 1000]].concat()).unwrap();
    refused("idx", folder.path(), &plain, "trap");
    fs::write(&plain, [numbers(&[2051, 16, 1024, 1024]), vec![0; 1000]].concat()).unwrap();
    refused("idx", folder.path(), &plain, "cut off");
}

fn packed_tar() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("cifar-100-binary.tar.gz");
    let long = tar_header("././@LongLink", 256 << 20, tar::EntryType::GNULongName);
    let attributes = tar_header("pax", 256 << 20, tar::EntryType::XHeader);
    let huge = tar_header("train.bin", 1 << 40, tar::EntryType::Regular);
    let full = tar_header("train.bin", 50_000 * 3074, tar::EntryType::Regular);
    for (header, words) in [(long, "trap"), (attributes, "trap"), (huge, "longer than"), (full, "trap")] {
        let packer = GzEncoder::new(fs::File::create(&file).unwrap(), Compression::best());
        zeros(packer, header.as_bytes(), 256);
        refused("cifar100", &file, &file, words);
    }
}

fn packed_npz() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("bomb.npz");
    for sizes in ["256, 1024, 1024", "4000000, 4096, 4096"] {
        let mut archive = zip::ZipWriter::new(fs::File::create(&file).unwrap());
        let packed = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Deflated);
        for (name, head, megabytes) in [
            ("images", format!("{{'descr': '|u1', 'fortran_order': False, 'shape': ({sizes}), }}"), 256),
            ("labels", "{'descr': '|u1', 'fortran_order': False, 'shape': (1,), }".to_owned(), 0),
        ] {
            archive.start_file(format!("{name}.npy"), packed).unwrap();
            let length = u16::try_from(head.len()).unwrap().to_le_bytes();
            zeros(&mut archive, &[b"\x93NUMPY\x01\x00", &length[..], head.as_bytes()].concat(), megabytes);
        }
        archive.finish().unwrap();
        refused("npz", &file, &file, "trap");
    }
}

fn packed_mat() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("train_32x32.mat");
    let little = |numbers: &[u32]| -> Vec<u8> { numbers.iter().flat_map(|number| number.to_le_bytes()).collect() };
    for count in [80_000_u32, u32::MAX / 3072] {
        let bytes = count * 3072;
        let array = little(&[14, 0, 6, 8, 9, 0, 5, 16, 32, 32, 3, count, (1 << 16) | 1, u32::from(b'X'), 2, bytes]);
        let mut packed = ZlibEncoder::new(Vec::new(), Compression::best());
        zeros(&mut packed, &array, 235);
        let packed = packed.finish().unwrap();
        let header = [&[b' '; 124][..], b"\x00\x01IM"].concat();
        fs::write(&file, [header, little(&[15, packed.len() as u32]), packed].concat()).unwrap();
        refused("svhn", folder.path(), &file, "trap");
    }
}

/// Whole small pictures, of which one in twelve has a header that claims far more.
fn pictures() {
    let folder = tempfile::tempdir().unwrap();
    for class in ["a", "b"] {
        fs::create_dir(folder.path().join(class)).unwrap();
        for index in 0..12 {
            RgbImage::new(9, 9 + index).save(folder.path().join(format!("{class}/{index}.png"))).unwrap();
        }
    }
    let picture = RgbImage::new(40, 40);
    let path = folder.path().join("a/trap.img");
    for format in [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::Gif, ImageFormat::Bmp, ImageFormat::WebP] {
        picture.save_with_format(&path, format).unwrap();
        let whole = fs::read(&path).unwrap();
        for side in [60_000_u16, 16_000] {
            let bytes = claim(format, whole.clone(), side);
            let name = folder.path().join(format!("a/trap.{}", format.extensions_str()[0]));
            fs::write(&name, &bytes).unwrap();
            let (most, error) = load("folder@8", folder.path());
            assert_eq!(error, None, "one bad picture is skipped");
            assert!(most < CONSTANT, "{format:?} of {side}: {most} bytes");
            let data = format!("folder@8:{}", folder.path().display()).parse::<DataSpec>().unwrap().load(0).unwrap();
            let notes = data.notes().join(" ");
            assert!(notes.contains("1 pictures cannot be read") && notes.contains("trap."), "{format:?}: {notes}");
            fs::remove_file(&name).unwrap();
        }
    }
}

/// The same file with another width and height in its header.
fn claim(format: ImageFormat, mut bytes: Vec<u8>, side: u16) -> Vec<u8> {
    let (big, little) = (side.to_be_bytes(), side.to_le_bytes());
    match format {
        ImageFormat::Png => {
            for at in [18, 22] {
                bytes[at..at + 2].copy_from_slice(&big);
            }
            let checksum = flate2::Crc::new().tap(&bytes[12..29]);
            bytes[29..33].copy_from_slice(&checksum.to_be_bytes());
        }
        ImageFormat::Jpeg => {
            let frame = bytes.windows(2).position(|pair| pair[0] == 0xff && (0xc0..=0xc2).contains(&pair[1])).unwrap();
            bytes[frame + 5..frame + 7].copy_from_slice(&big);
            bytes[frame + 7..frame + 9].copy_from_slice(&big);
        }
        ImageFormat::Gif => {
            bytes[6..8].copy_from_slice(&little);
            bytes[8..10].copy_from_slice(&little);
        }
        ImageFormat::Bmp => {
            bytes[18..20].copy_from_slice(&little);
            bytes[22..24].copy_from_slice(&little);
        }
        ImageFormat::WebP => {
            // Lossless: fourteen bits each of width - 1 and height - 1 behind the signature of a VP8L chunk.
            let at = bytes.windows(4).position(|four| four == b"VP8L").unwrap() + 9;
            let side = u32::from(side - 1) & 0x3fff;
            let rest = u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) & 0xf000_0000;
            bytes[at..at + 4].copy_from_slice(&(rest | side | (side << 14)).to_le_bytes());
        }
        _ => unreachable!(),
    }
    bytes
}

trait Tap {
    fn tap(self, bytes: &[u8]) -> u32;
}

impl Tap for flate2::Crc {
    fn tap(mut self, bytes: &[u8]) -> u32 {
        self.update(bytes);
        self.sum()
    }
}
