//! What is worked out about a run when somebody asks: on the map of an energy run, about the points of a quantizer, and
//! together with other data. Each takes what it needs along, so that the run can go on beside it.

use std::path::{Path, PathBuf};

use super::Run;
use crate::{
    config::RunConfig,
    data::{DataSpec, Dataset},
    engine::{
        jobs::{Job, Key, Product},
        task::Turns,
    },
    error::{Error, Result},
    evaluate::{Examples as _, Images},
    methods::{energy, quantization},
    report::OnMap,
    store::{self, RunFolder, sets},
};

/// Something to be worked out once the networks that it looks through are trained.
#[derive(Clone, Debug)]
pub(in crate::engine) enum Analysis {
    /// Judge on the map what an energy map leaves.
    OnMap,
    /// Measure how far points and images of a quantizer are from their classes.
    Distances,
    /// Join what an energy map has left with new data, and with what a run has left of that, into a folder.
    Fuse { data: DataSpec, run: Option<PathBuf>, folder: PathBuf },
}

impl Run {
    /// Refuses what cannot be worked out about this run, however long one waits.
    pub(in crate::engine) fn check_analysis(&self, analysis: &Analysis) -> Result<()> {
        let (has, text) = match analysis {
            Analysis::OnMap | Analysis::Fuse { .. } => {
                (self.method.energy().is_some(), "this run has no energy map: start one with --preset pemdd-cpu")
            }
            Analysis::Distances => {
                (self.method.quantizer().is_some(), "this run has no quantizer: start one with --preset ddoq-digits")
            }
        };
        if has { Ok(()) } else { Err(Error::Config(text.to_owned())) }
    }

    /// True once everything is trained that the analysis looks through.
    pub(in crate::engine) fn can_analyse(&self, analysis: &Analysis) -> bool {
        let looks_through_lens = matches!(analysis, Analysis::Distances);
        !self.lacks_training() && (!looks_through_lens || self.pretraining.lens().is_some())
    }

    /// The job; none where this run has nothing of the kind.
    pub(in crate::engine) fn analysis(&self, analysis: Analysis) -> Option<Job> {
        let ((data, seed), out) = (self.data_and_seed(), self.folder.path().to_owned());
        match analysis {
            Analysis::OnMap => {
                let map = self.method.energy()?.clone();
                let work = move |turns: &mut Turns<Product>| {
                    let judged = energy::on_map(&map, &data, seed, turns)?;
                    store::write_on_map(&out, &judged)?;
                    Ok(Product::OnMap(Box::new(judged)))
                };
                Some(Job { key: Key::OnMap, what: "what the map leaves".to_owned(), work: Box::new(work) })
            }
            Analysis::Distances => {
                let (quantizer, device) = (self.method.quantizer()?.clone(), self.device.clone());
                let lens = self.pretraining.lens()?.clone();
                let work = move |turns: &mut Turns<Product>| {
                    let measured = quantization::distances(&quantizer, (&lens, &device), &data, turns)?;
                    store::write_distances(&out, &measured)?;
                    Ok(Product::Measured(Box::new(measured)))
                };
                Some(Job { key: Key::Distances, what: "distances of the points".to_owned(), work: Box::new(work) })
            }
            Analysis::Fuse { data: spec, run, folder } => {
                let (map, what) = (self.method.energy()?.clone(), format!("fusion with {spec}"));
                let key = Key::Files(folder.clone());
                let work = move |turns: &mut Turns<Product>| {
                    let new = spec.load(seed)?;
                    let distilled = run.map(|run| whole_images(&run, &new)).transpose()?;
                    let (fused, second) = energy::fuse(&map, (&data, &new), distilled, seed, turns)?;
                    store::write_fused(&folder, &fused, &second)?;
                    Ok(Product::Fused(Box::new(fused)))
                };
                Some(Job { key, what, work: Box::new(work) })
            }
        }
    }

    /// What was judged on the map before, where the map is still the same.
    pub(in crate::engine) fn known_on_map(&self) -> Option<OnMap> {
        store::read_on_map(self.folder.path()).filter(|judged| judged.step == self.at())
    }
}

/// The images of a run, mosaics taken apart, with their labels.
fn whole_images(run: &Path, data: &Dataset) -> Result<(Vec<f32>, Vec<u32>)> {
    let packing = RunFolder::record::<RunConfig>(run)?.config.images.packing;
    let set = sets::read(&run.join("synthetic.npz"), data)?;
    let images = Images::packed(data.shape(), &set.values, &set.labels, packing);
    let mut values = vec![0.0; images.labels().len() * data.shape().len()];
    values.chunks_exact_mut(data.shape().len()).enumerate().for_each(|(at, image)| images.fetch(at, image));
    Ok((values, images.labels().to_vec()))
}
