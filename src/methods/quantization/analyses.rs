//! What can be worked out about a quantizer: how far its points and images are from their classes.

use super::{Quantizer, distances, pages};
use crate::{
    error::Error,
    methods::{About, Analysis},
};

pub(super) fn begin(quantizer: &Quantizer) -> Analysis {
    let quantizer = quantizer.clone();
    Box::new(move |about: &About<'_>, slices| {
        let probe = about.probe.ok_or_else(|| Error::Config("distances need a trained network".to_owned()))?;
        Ok(pages::measured(&distances(&quantizer, (probe, about.device), about.data, slices)?))
    })
}
