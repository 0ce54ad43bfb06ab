//! How far the points of a quantizer are from their classes, in its space; and its images from images that nobody has learned from.

use super::{Quantizer, slope};
use crate::{
    data::Dataset,
    error::{Error, Result},
    math::{Pca, shared_out, squared, transport},
    methods::{Method as _, Pretrained},
    nn::{self, Device},
    report::{AnalysisInfo, Distances, ImageDistance},
    slices::Slices,
};

/// Exact distances of points and images.
pub(super) const DISTANCES: AnalysisInfo = AnalysisInfo {
    id: "distances",
    title: "distances of the points",
    file: "distances.json",
    needs_probe: true,
    needs_other: false,
    at_end: false,
};

/// Times from which the prior brings points back, to be compared.
const TIMES: [f64; 7] = [0.0, 0.1, 0.2, 0.4, 0.6, 0.81, 1.0];
/// Test images of a class that images are measured on, at most; and of all, that the autoencoder is measured on.
const MEASURED: usize = 500;
const REBUILT: usize = 2000;
/// Training images that principal components are fitted on, at most.
const FITTED: usize = 2000;

/// Measures a quantizer. Features are those of `probe`, a network that was trained on the real images.
///
/// Distances are exact (see [`transport`]): in the space between samples and points, in pixels and features between up to 500 test images
/// of each class and its images, whose masses are rounded to whole test images.
pub fn distances(
    quantizer: &Quantizer,
    (probe, device): (&Pretrained, &Device),
    data: &Dataset,
    slices: &mut dyn Slices,
) -> Result<Distances> {
    let Some(space) = quantizer.space() else {
        return Err(Error::Config("the space of the points is not trained yet".to_owned()));
    };
    let state = quantizer.state();
    let classes = &state.images.classes;
    let dimensions = space.dimensions(data);
    let curve = quantizer.curve();
    let names = classes.iter().map(|&class| data.class_name(class).to_owned());
    Ok(Distances {
        step: state.step,
        space: space.describe(),
        dimensions,
        points: state.images.per_class,
        classes: names.zip(quantizer.distances()).collect(),
        slope: slope(&curve),
        curve,
        reconstruction: space.latent().map(|_| reconstruction(quantizer, data)).transpose()?,
        images: images(quantizer, (probe, device), data, slices)?,
    })
}

/// Mean squared error of test images in normalised values: through the autoencoder, and through as many principal components.
fn reconstruction(quantizer: &Quantizer, data: &Dataset) -> Result<[f64; 2]> {
    let latent = quantizer.space().and_then(|space| space.latent()).expect("an autoencoder");
    let stride = data.test().len().div_ceil(REBUILT).max(1);
    let tested: Vec<u32> = (0..data.test().len() as u32).step_by(stride).collect();
    let images = data.gather(data.test(), &tested);
    let error = |back: &[f32]| {
        images.iter().zip(back).map(|(image, back)| f64::from(image - back).powi(2)).sum::<f64>() / images.len() as f64
    };
    let usable = data.all_usable();
    let some: Vec<u32> = usable.iter().copied().step_by(usable.len().div_ceil(FITTED).max(1)).collect();
    let rows = data.gather(data.train(), &some);
    let principal = Pca::fit(&rows, data.shape().len(), latent.dimensions())?;
    Ok([error(&latent.decode(&latent.encode(&images)?)?), error(&principal.rebuild(&principal.project(&images)))])
}

/// Distances of the decoded points before and after the prior, and of the real images nearest to them.
fn images(
    quantizer: &Quantizer,
    (probe, device): (&Pretrained, &Device),
    data: &Dataset,
    slices: &mut dyn Slices,
) -> Result<Vec<ImageDistance>> {
    let space = quantizer.space().expect("looked at before");
    let classes = &quantizer.state().images.classes;
    let features = |values: &[f32]| nn::embed_all(probe.network.as_ref(), values, data.shape(), device);
    let len = [data.shape().len(), probe.network.embedding_len()];
    let times: &[f64] = if space.latent().is_some() { &TIMES } else { &TIMES[..1] };
    let (mut rows, mut measured): (Vec<ImageDistance>, f64) = (Vec::new(), 0.0);
    for (position, &class) in classes.iter().enumerate() {
        slices.tick(position as f64 / classes.len() as f64)?;
        let Some((_, book, cells)) = quantizer.class(position) else { continue };
        let tested = data.test().of_class(class);
        let tested = data.gather(data.test(), &tested[..tested.len().min(MEASURED)]);
        let count = tested.len() / len[0];
        if count == 0 {
            continue;
        }
        measured += 1.0;
        let masses: Vec<f64> = cells.masses.iter().copied().map(f64::from).collect();
        let capacities = shared_out(&masses, count);
        let tested = [tested.clone(), features(&tested)?];
        let far = |rows: &[f32], images: &[f32], len: usize| {
            let pairs = rows.chunks_exact(len).flat_map(|row| images.chunks_exact(len).map(move |image| (row, image)));
            let costs: Vec<f64> = pairs.map(|(row, image)| f64::from(squared(row, image))).collect();
            (transport(&costs, &capacities) / count as f64).sqrt()
        };
        let mut made: Vec<(String, Vec<f32>)> = Vec::new();
        for &time in times {
            let back = match space.latent() {
                Some(latent) => latent.denoise(&book.points, (class, quantizer.guidance()), time, quantizer.seed())?,
                None => book.points.clone(),
            };
            if let Some(values) = space.decode(&back)? {
                let what = if time == 0.0 {
                    "decoded".to_owned()
                } else {
                    format!("brought back from {time} (strength {:.2})", nn::strength_of_time(time))
                };
                made.push((what, values));
            }
        }
        let nearest: Vec<u32> = cells.medoids.iter().map(|&at| quantizer.samples(position)[at]).collect();
        made.push(("nearest real images".to_owned(), data.gather(data.train(), &nearest)));
        for (at, (what, values)) in made.into_iter().enumerate() {
            let (pixels, features) = (far(&tested[0], &values, len[0]), far(&tested[1], &features(&values)?, len[1]));
            if rows.len() == at {
                rows.push(ImageDistance { what, pixels: 0.0, features: 0.0 });
            }
            rows[at].pixels += pixels;
            rows[at].features += features;
        }
    }
    for row in &mut rows {
        row.pixels /= measured;
        row.features /= measured;
    }
    Ok(rows)
}
