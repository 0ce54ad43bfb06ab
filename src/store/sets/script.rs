//! What is needed to train on a set elsewhere: the script `train.py` and the test images `test.npz`.

use std::path::Path;

use crate::{
    data::{Dataset, Pixels},
    error::Result,
    store::{export::write_arrays, files},
};

/// Test images beyond this are left to the reader; the script says how they have to look.
const MOST_BYTES: usize = 200 << 20;

/// Writes script and test images; points of a plane have neither.
pub(super) fn write(folder: &Path, data: &Dataset) -> Result<()> {
    let Pixels::Bytes { values, white } = data.test().pixels() else { return Ok(()) };
    if values.len() <= MOST_BYTES {
        let [channels, height, width] = data.shape().dims();
        let labels: Vec<u8> = data.test().labels().iter().flat_map(|&label| i64::from(label).to_le_bytes()).collect();
        let count = data.test().len();
        write_arrays(
            &[
                ("images", "|u1", &[count, channels, height, width], values),
                ("labels", "<i8", &[count], &labels),
                ("white", "|u1", &[], &[*white]),
            ],
            &folder.join("test.npz"),
        )?;
    }
    files::replace(&folder.join("train.py"), |out| out.write_all(include_bytes!("train.py")))
}
