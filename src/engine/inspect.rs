//! A look at a data set before a run begins: what is in it, and what a step with it costs on this machine.

use std::{sync::Arc, time::Instant};

use super::{
    jobs::{Job, Key, Product},
    task::Turns,
};
use crate::{config::RunConfig, data::Pixels, distilled, error::Result, memory, report::DataSummary, slices::Slices};

/// Images of each class that are shown.
const THUMBNAILS: usize = 8;

/// Loads the data of a config and does two steps of a run that is thrown away.
///
/// The forecast of time is the second step's, times the number of steps; that of memory is what the process holds after
/// it, this window and its run included. Training networks and judging come on top.
pub(super) fn inspecting(config: RunConfig) -> Job {
    let work = move |turns: &mut Turns<Product>| Ok(Product::Inspected(Box::new(inspect(&config, turns)?)));
    Job { key: Key::Inspect, what: "a look at the data".to_owned(), work: Box::new(work) }
}

fn inspect(config: &RunConfig, slices: &mut dyn Slices) -> Result<DataSummary> {
    let data = Arc::new(config.data.load(config.seed)?.with_holdout(config.holdout, config.seed));
    slices.tick(0.5)?;
    config.check(&data)?;
    let device = config.device.open()?;
    let images = config.start_images(&data)?;
    // What looks through trained networks has none yet.
    let mut trial = config.untrained_method(&data, &device, images)?;
    slices.tick(0.6)?;
    trial.step(&|| false)?;
    slices.tick(0.8)?;
    let clock = Instant::now();
    trial.step(&|| false)?;
    let step_secs = clock.elapsed().as_secs_f64();
    let bytes = |pixels: &Pixels| match pixels {
        Pixels::Bytes { values, .. } => values.len() as u64,
        Pixels::Floats(values) => 4 * values.len() as u64,
    };
    Ok(DataSummary {
        spec: config.data.to_string(),
        info: data.info(),
        counts: (0..data.classes() as u32).map(|class| data.train().of_class(class).len()).collect(),
        split: data.split().to_owned(),
        thumbnails: distilled::thumbnails(&data, THUMBNAILS),
        size: config.data.size(),
        notes: data.notes().to_vec(),
        pixel_bytes: bytes(data.train().pixels()) + bytes(data.test().pixels()),
        step_secs,
        run_secs: step_secs * config.steps as f64,
        memory_bytes: memory::resident_bytes(),
    })
}
