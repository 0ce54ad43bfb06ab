//! The optical digits of E. Alpaydin and C. Kaynak (UCI, 1998), embedded: 1,797 grey images of 8x8, ten classes.
//!
//! The order is that of scikit-learn's copy; the first 1,297 train, the last 500 test. `assets/digits.md` has the
//! attribution (CC BY 4.0) and says how the picture was made.

use super::{
    ImageShape,
    dataset::{About, Dataset, Pixels, Split},
};
use crate::error::{Error, Result};

const SIDE: usize = 8;
const TRAIN: usize = 1_297;
/// The mosaic holds level times this, so that it can be looked at.
const STRETCH: u8 = 15;
const WHITE: u8 = 16;

/// Unpacks the embedded set.
pub(super) fn load() -> Result<Dataset> {
    let labels = include_str!("../../assets/digits.labels").trim();
    let labels: Vec<u32> = labels.bytes().map(|digit| u32::from(digit - b'0')).collect();
    let mosaic = image::load_from_memory(include_bytes!("../../assets/digits.png"))
        .map_err(|error| Error::Data(format!("the embedded digits are damaged: {error}")))?
        .into_luma8();
    let columns = mosaic.width() as usize / SIDE;
    let row_len = mosaic.width() as usize;
    let mut values = Vec::with_capacity(labels.len() * SIDE * SIDE);
    for tile in 0..labels.len() {
        let corner = tile / columns * SIDE * row_len + tile % columns * SIDE;
        for row in 0..SIDE {
            let line = &mosaic.as_raw()[corner + row * row_len..][..SIDE];
            values.extend(line.iter().map(|level| level / STRETCH));
        }
    }
    let shape = ImageShape { channels: 1, height: SIDE, width: SIDE };
    let test_values = values.split_off(TRAIN * shape.len());
    let split = |values: Vec<u8>, labels: &[u32]| {
        Split::new(Pixels::Bytes { values: values.into(), white: WHITE }, labels.to_vec(), shape, 10)
    };
    let about = About {
        name: "digits".to_owned(),
        origin: "Optical Recognition of Handwritten Digits, E. Alpaydin and C. Kaynak, UCI 1998, CC BY 4.0".to_owned(),
        class_names: (0..10).map(|digit| digit.to_string()).collect(),
        shape,
        normalisation: None,
        split: "the first 1,297 images train, the last 500 test".to_owned(),
    };
    Dataset::new(about, split(values, &labels[..TRAIN])?, split(test_values, &labels[TRAIN..])?)
}
