//! A file of a picture, made to a square of colour: turned, over white, cropped to its middle, as small as wanted.

use std::{fs, io::Cursor, path::Path};

use image::{
    DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits, Rgb, RgbImage,
    imageops::{self, FilterType},
};

use super::source::{most_unpacked, stands_in};

/// Pictures with a longer side are taken for a trap.
const LONGEST_SIDE: u32 = 1 << 14;
/// Memory that a single picture may take while it is read.
const MOST_MEMORY: u64 = 1 << 29;

/// Reads a picture and makes it `[height, width]`.
///
/// It is turned as its EXIF note says, laid over white where it is transparent, and cropped to the largest part of that form
/// in its middle.
pub fn picture(path: &Path, size: [usize; 2]) -> Result<RgbImage, String> {
    let length = fs::metadata(path).map_err(|error| error.to_string())?.len();
    if length > MOST_MEMORY {
        return Err(format!("it has {length} bytes, too many for a picture"));
    }
    decode(&fs::read(path).map_err(|error| error.to_string())?, size)
}

/// The same from the bytes of a file, whose format follows from how they begin.
pub(super) fn decode(bytes: &[u8], [height, width]: [usize; 2]) -> Result<RgbImage, String> {
    let reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format();
    let mut reader = reader.map_err(|error| error.to_string())?;
    let is_whole = match reader.format() {
        Some(ImageFormat::Jpeg) => jpeg_ends(bytes), // Its decoder would fill up with grey.
        Some(ImageFormat::WebP) => webp_ends(bytes), // Its decoder would make room for what a chunk claims.
        _ => true,
    };
    if !is_whole {
        return Err("it is cut off".to_owned());
    }
    let mut limits = Limits::default();
    limits.max_image_width = Some(LONGEST_SIDE);
    limits.max_image_height = Some(LONGEST_SIDE);
    limits.max_alloc = Some(MOST_MEMORY);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(|error| foreign(bytes).unwrap_or_else(|| error.to_string()))?;
    // The limits alone do not stop a decoder from making room for all the pixels that a header claims.
    let length = bytes.len() as u64;
    if decoder.total_bytes() > most_unpacked(length).min(MOST_MEMORY) {
        let (width, height) = decoder.dimensions();
        return Err(format!("it says that it has {width} x {height} pixels, too many for {length} bytes: a trap"));
    }
    let orientation = decoder.orientation().map_err(|error| error.to_string())?;
    let mut picture = DynamicImage::from_decoder(decoder).map_err(|error| error.to_string())?;
    picture.apply_orientation(orientation);
    let rgb = over_white(picture);
    if rgb.width() == 0 || rgb.height() == 0 {
        return Err("it has no pixels".to_owned());
    }
    let (height, width) = (height as u32, width as u32);
    let [crop_width, crop_height] = middle([rgb.width(), rgb.height()], [width, height]);
    let (left, top) = ((rgb.width() - crop_width) / 2, (rgb.height() - crop_height) / 2);
    let middle = imageops::crop_imm(&rgb, left, top, crop_width, crop_height);
    Ok(match (crop_width, crop_height) == (width, height) {
        true => middle.to_image(),
        false => imageops::resize(&*middle, width, height, FilterType::Triangle),
    })
}

/// Width and height of the largest part of a picture that has the form of `wanted`.
fn middle([width, height]: [u32; 2], wanted: [u32; 2]) -> [u32; 2] {
    let scaled =
        |side: u32, by: u32, over: u32| (u64::from(side) * u64::from(by) / u64::from(over.max(1))).max(1) as u32;
    [width.min(scaled(height, wanted[0], wanted[1])), height.min(scaled(width, wanted[1], wanted[0]))]
}

/// What a file is that begins like a picture of a kind that cannot be read, or like no picture.
fn foreign(bytes: &[u8]) -> Option<String> {
    let kind = match bytes.get(4..12) {
        Some(b"ftypavif" | b"ftypavis") => "AVIF",
        Some(b"ftypheic" | b"ftypheix" | b"ftyphevc" | b"ftypmif1" | b"ftypmsf1" | b"ftypheim") => "HEIC",
        _ => return stands_in(bytes).map(str::to_owned),
    };
    Some(format!("this is a picture of the kind {kind}, which cannot be read here; convert it to JPEG or PNG"))
}

/// True if a JPEG goes on to its end marker (ITU T.81, B.1.1): what stands behind it, a film for example, does not count.
fn jpeg_ends(bytes: &[u8]) -> bool {
    const END: u8 = 0xd9;
    const SCAN: u8 = 0xda;
    const RESTARTS: std::ops::RangeInclusive<u8> = 0xd0..=0xd7;
    let (mut at, mut in_scan) = (2, false);
    while let Some(&[first, marker]) = bytes.get(at..at + 2).and_then(|pair| pair.first_chunk()) {
        match marker {
            _ if first != 0xff => at += 1,
            0xff => at += 1, // Fill bytes may stand before a marker.
            0 => at += 2,
            END => return true,
            marker if RESTARTS.contains(&marker) && in_scan => at += 2,
            _ => {
                let Some(length) = bytes.get(at + 2..at + 4) else { return false };
                at += 2 + usize::from(u16::from_be_bytes([length[0], length[1]]));
                in_scan = marker == SCAN;
            }
        }
    }
    false
}

/// True if every chunk of a WebP lies within the file (RIFF: a name, a length, the content, padded to even).
fn webp_ends(bytes: &[u8]) -> bool {
    let mut at = 12;
    while let Some(header) = bytes.get(at..at + 8) {
        let length = u32::from_le_bytes([header[4], header[5], header[6], header[7]]) as usize;
        let Some(end) = (at + 8).checked_add(length) else { return false };
        if end > bytes.len() {
            return false;
        }
        at = end + length % 2;
    }
    at > 12
}

fn over_white(picture: DynamicImage) -> RgbImage {
    if !picture.color().has_alpha() {
        return picture.into_rgb8();
    }
    let rgba = picture.into_rgba8();
    RgbImage::from_fn(rgba.width(), rgba.height(), |x, y| {
        let [r, g, b, a] = rgba.get_pixel(x, y).0.map(u32::from);
        Rgb([r, g, b].map(|value| ((value * a + 255 * (255 - a) + 127) / 255) as u8))
    })
}

/// The three planes of a picture, one after the other.
pub(super) fn planes(picture: &RgbImage) -> Vec<u8> {
    (0..3).flat_map(|channel| picture.pixels().map(move |pixel| pixel.0[channel])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(format: ImageFormat) -> Vec<u8> {
        let picture = RgbImage::from_fn(90, 70, |x, y| Rgb([(x * 7) as u8, (y * 11) as u8, (x * y) as u8]));
        let mut bytes = Cursor::new(Vec::new());
        picture.write_to(&mut bytes, format).unwrap();
        bytes.into_inner()
    }

    fn jpeg() -> Vec<u8> {
        written(ImageFormat::Jpeg)
    }

    /// A chunk behind the picture that claims four gigabytes, and one that claims what it has.
    #[test]
    fn a_webp_whose_chunks_claim_more_than_the_file_has_is_no_picture() {
        let whole = written(ImageFormat::WebP);
        decode(&whole, [8, 8]).unwrap();
        let with = |chunk: &[u8]| [whole.as_slice(), chunk].concat();
        assert!(decode(&with(b"EXIF\xff\xff\xff\xff"), [8, 8]).unwrap_err().contains("cut off"));
        decode(&with(b"EXIF\x02\0\0\0ab"), [8, 8]).unwrap();
        for length in (0..whole.len()).step_by(64) {
            assert!(decode(&whole[..length], [8, 8]).is_err(), "{length} of {}", whole.len());
        }
    }

    #[test]
    fn the_middle_has_the_form_that_is_wanted() {
        assert_eq!(middle([24, 8], [8, 8]), [8, 8]);
        assert_eq!(middle([7, 30], [32, 32]), [7, 7]);
        assert_eq!(middle([20, 28], [20, 28]), [20, 28]);
        assert_eq!(middle([40, 28], [20, 28]), [20, 28]);
        assert_eq!(middle([10_000, 1], [28, 20]), [1, 1]);
    }

    #[test]
    fn a_jpeg_that_is_cut_off_is_no_picture() {
        let whole = jpeg();
        decode(&whole, [8, 8]).unwrap();
        for length in (0..whole.len()).step_by(64).chain([whole.len() - 2, whole.len() - 1]) {
            assert!(decode(&whole[..length], [8, 8]).is_err(), "{length} of {}", whole.len());
        }
    }

    #[test]
    fn what_stands_behind_or_within_a_jpeg_is_not_its_end() {
        let whole = jpeg();
        let film = [whole.as_slice(), b"film \xff\xda and more"].concat();
        assert_eq!(decode(&film, [8, 8]).unwrap(), decode(&whole, [8, 8]).unwrap());
        // A preview in a note has an end marker of its own.
        let note = [&[0xff, 0xe1, 0, 8][..], b"\xff\xd8\xff\xd9ab"].concat();
        let with_preview = [&whole[..2], &note, &whole[2..]].concat();
        assert_eq!(decode(&with_preview, [8, 8]).unwrap(), decode(&whole, [8, 8]).unwrap());
        assert!(decode(&with_preview[..with_preview.len() / 2], [8, 8]).is_err());
    }
}
