//! What is worked out about a run when somebody asks: whatever its method can. Each analysis takes what it needs along, so that the run can
//! go on beside it.

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
    methods::{About, Other},
    report::{AnalysisInfo, Artifact},
    store::{self, RunFolder, sets},
};

/// Something to be worked out once the networks that it looks through are trained.
#[derive(Clone, Debug, PartialEq)]
pub struct Asked {
    /// Name of the analysis.
    pub analysis: String,
    /// Other data that it is about, and a run of which the distilled images are taken.
    pub other: Option<(DataSpec, Option<PathBuf>)>,
    /// Where it is written; none is the folder of the run.
    pub folder: Option<PathBuf>,
}

impl Asked {
    /// An analysis about the run alone.
    pub fn of(analysis: &str) -> Self {
        Self { analysis: analysis.to_owned(), other: None, folder: None }
    }
}

impl Run {
    /// The analysis of a name, or what there is instead.
    pub(in crate::engine) fn analysis_info(&self, asked: &Asked) -> Result<AnalysisInfo> {
        let all = self.method.analyses();
        let known: Vec<&str> = all.iter().map(|one| one.id).collect();
        let Some(info) = all.iter().find(|one| one.id == asked.analysis) else {
            let has = if known.is_empty() { "nothing".to_owned() } else { known.join(", ") };
            return Err(Error::Config(format!(
                "this run has no \"{}\" to work out: its method has {has}",
                asked.analysis
            )));
        };
        match (info.needs_other, &asked.other, &asked.folder) {
            (true, None, _) => Err(Error::Config(format!("{} needs other data: name it with --with", info.id))),
            (true, _, None) => Err(Error::Config(format!("{} is written into a folder: name it with --out", info.id))),
            _ => Ok(info.clone()),
        }
    }

    /// True once everything is trained that the analysis looks through.
    pub(in crate::engine) fn can_analyse(&self, asked: &Asked) -> bool {
        let needs_probe = self.analysis_info(asked).is_ok_and(|info| info.needs_probe);
        !self.lacks_training() && (!needs_probe || self.pretraining.probe().is_some())
    }

    /// The job.
    pub(in crate::engine) fn analysis(&self, asked: Asked) -> Result<Job> {
        let info = self.analysis_info(&asked)?;
        let analysis = self.method.analyse(info.id).expect("it is one of those that the method lists");
        let ((data, seed), device) = (self.data_and_seed(), self.device.clone());
        let probe = self.pretraining.probe().cloned().filter(|_| info.needs_probe);
        let key = match &asked.folder {
            Some(folder) => Key::Files(folder.clone()),
            None => Key::Analysis(info.title.to_owned()),
        };
        let folder = asked.folder.unwrap_or_else(|| self.folder.path().to_owned());
        let work = move |turns: &mut Turns<Product>| {
            let load = |(spec, run): (DataSpec, Option<PathBuf>)| -> Result<Other> {
                let data = spec.load(seed)?;
                let distilled = run.map(|run| whole_images(&run, &data)).transpose()?;
                Ok(Other { data, distilled })
            };
            let other = asked.other.map(load).transpose()?;
            let about = About { data: &data, device: &device, seed, probe: probe.as_deref(), other: other.as_ref() };
            let artifact = analysis(&about, turns)?;
            store::write_artifact(&folder, info.file, &artifact)?;
            Ok(Product::Artifact(Box::new(artifact)))
        };
        Ok(Job { key, what: info.title.to_owned(), work: Box::new(work) })
    }

    /// What is worked out when all steps are done: what is known already, where the run is still the same, and the names of the rest.
    pub(in crate::engine) fn analyses_at_end(&self) -> (Vec<Artifact>, Vec<&'static str>) {
        let (mut known, mut missing) = (Vec::new(), Vec::new());
        for info in self.method.analyses().into_iter().filter(|info| info.at_end) {
            let json = store::read_artifact(self.folder.path(), info.file);
            match json.and_then(|json| self.method.recall(info.id, json)).filter(|found| found.step == self.at()) {
                Some(artifact) => known.push(artifact),
                None => missing.push(info.id),
            }
        }
        (known, missing)
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
