//! Pictures of a quantizer: one class in its plane, all masses, and images before and after the prior.

use std::collections::{BTreeMap, btree_map::Entry};

use crate::{
    data::Dataset,
    error::Result,
    explain,
    math::Projection,
    math::{Cells, squared},
    methods::{
        Method as _, Quantizer,
        quantization::{Space, slope},
    },
    nn,
    report::{Gallery, QuantizerView, QuantizerWants},
};

/// Times from which points are brought back for the eyes.
const TIMES: [f64; 6] = [0.0, 0.2, 0.4, 0.6, 0.8, 1.0];
/// Points whose images are shown, and real images beside each.
const ROWS: usize = 10;
const REAL: usize = 3;
/// Samples that a plane is fitted on, at most.
const FITTED: usize = 600;

/// What stays the same from picture to picture.
#[derive(Default)]
pub(super) struct Quantizers {
    /// The plane of each class that was looked at.
    planes: BTreeMap<usize, Projection>,
    /// Distortion against the number of points, mean over the classes.
    curve: Option<Vec<(usize, f64)>>,
}

impl Quantizers {
    /// A look at a quantizer; none before it has a space.
    pub(super) fn look(
        &mut self,
        quantizer: &Quantizer,
        data: &Dataset,
        wants: QuantizerWants,
    ) -> Result<Option<QuantizerView>> {
        let classes = &quantizer.state().images.classes;
        let class = wants.class.min(classes.len().saturating_sub(1));
        let (Some(space), Some((samples, book, cells))) = (quantizer.space(), quantizer.class(class)) else {
            return Ok(None);
        };
        let plane = match self.planes.entry(class) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(place) => {
                let fitted = &samples[..samples.len().min(FITTED * book.dimensions)];
                place.insert(Projection::fit(fitted, book.dimensions)?)
            }
        };
        let (drawn, points) = explain::cells(plane, samples, &cells.nearest, &book.points, &cells.masses);
        let curve = self.curve.get_or_insert_with(|| quantizer.curve()).clone();
        let all = (0..classes.len()).filter_map(|position| Some(quantizer.class(position)?.2));
        Ok(Some(QuantizerView {
            class,
            space: space.describe(),
            dimensions: book.dimensions,
            kept_variance: plane.kept_variance(),
            samples: drawn,
            points,
            masses: all.clone().map(|cells| cells.masses.clone()).collect(),
            effective: all.clone().map(Cells::effective_points).collect(),
            distortions: all.map(|cells| cells.distortion).collect(),
            slope: slope(&curve),
            curve,
            pictures: if wants.pictures { Some(pictures(quantizer, space, data, class)?) } else { None },
            times: times(space).to_vec(),
            strengths: times(space).iter().map(|&time| nn::strength_of_time(time)).collect(),
        }))
    }
}

fn times(space: &Space) -> &'static [f64] {
    if space.latent().is_some() { &TIMES } else { &[] }
}

/// A row for each of the first points: brought back from every time, as in the set, and the nearest real images.
fn pictures(quantizer: &Quantizer, space: &Space, data: &Dataset, class: usize) -> Result<Gallery> {
    let images = &quantizer.state().images;
    let (samples, book, _) = quantizer.class(class).expect("looked at before");
    let (len, rows, label) = (data.shape().len(), book.len().min(ROWS), images.classes[class]);
    let mut columns: Vec<Vec<f32>> = Vec::new();
    for &time in times(space) {
        let latent = space.latent().expect("it has times");
        // All points, since the noise of a point follows from its place among all.
        columns.push(latent.decode(&latent.bring_back(
            &book.points,
            (label, quantizer.guidance()),
            time,
            quantizer.seed(),
        )?)?);
    }
    columns.push(images.of_class(class).to_vec());
    let mut values = Vec::with_capacity(rows * (columns.len() + REAL) * len);
    for row in 0..rows {
        for column in &columns {
            values.extend_from_slice(&column[row * len..(row + 1) * len]);
        }
        let mut nearest: Vec<(usize, f32)> =
            samples.chunks_exact(book.dimensions).map(|sample| squared(sample, book.point(row))).enumerate().collect();
        nearest.sort_by(|a, b| a.1.total_cmp(&b.1));
        let real: Vec<u32> = nearest.iter().take(REAL).map(|(at, _)| quantizer.samples(class)[*at]).collect();
        values.extend(data.gather(data.train(), &real));
        values.resize(values.len() + (REAL - real.len()) * len, 0.0);
    }
    Ok(explain::strips(values, columns.len() + REAL, data))
}
