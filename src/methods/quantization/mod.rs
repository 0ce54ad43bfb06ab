//! A data set as the best quantizer of its classes (DDOQ, ICLR 2026; D4M, CVPR 2024): in a latent space, points compete for the samples
//! of their class; a point stands for its Voronoi cell, with the share of the samples in it as its mass; it is decoded into an image at
//! every step, so that it can be watched.
//!
//! One step, class by class: draw samples, each moves the point that it is nearest to ([`Codebook::minibatch_step`]); then find the cells of
//! all samples, and make the images: `x_k = D(U_t(z_k, class))`, noised to time `t` and brought back by the prior, decoded, and mixed
//! with the real image nearest to the point. Masses `w_k` weigh the losses of the images in training by
//! `K w_k^tau / sum(w^tau)`: `tau` 1 is DDOQ, 0 is D4M.
//!
//! Departures: autoencoder and prior are small ones of our own (the papers take a pretrained latent-diffusion model at 512 pixels);
//! masses are the exact shares of all samples at every step, not running means; labels are hard unless a protocol takes soft ones.

mod analyses;
mod cells;
mod controls;
mod curve;
mod diagram;
mod measured;
pub mod pages;
mod space;
mod spec;

use std::sync::Arc;

use controls::{DECAY, DISTORTION, GUIDANCE, MASSES, MEASURED, MEDOID, POINTS, PRIOR};
pub use curve::{curve, slope};
pub use diagram::Diagram;
pub use measured::distances;
use pages::Looked;
use rayon::prelude::*;
pub use space::Space;
pub use spec::{QuantizerSpec, SpaceKind};

use super::{Analysis, Method, Pretrained, Scope, Setup};
use crate::{
    data::Dataset,
    distilled::{Array, Blobs, Masses, Saved, State, SyntheticSet, Values},
    error::{Error, Result},
    latent::Latent,
    math::{Cells, Codebook, Gains, squared},
    nn::Device,
    random::{Purpose, choose, stream},
    report::{
        AnalysisInfo, CellDistances, Control, StepReport,
        page::{Page, PageInfo},
    },
};

/// Points that compete for the samples of their classes.
#[derive(Clone)]
pub struct Quantizer {
    spec: QuantizerSpec,
    data: Arc<Dataset>,
    device: Device,
    seed: u64,
    /// Points of each class before the first step.
    begun_with: usize,
    /// Training images that each class knows, in an order of chance.
    samples: Vec<Vec<u32>>,
    latent: Option<Arc<Latent>>,
    network: Option<Arc<Pretrained>>,
    /// Where all of it happens; none until what it needs is trained.
    space: Option<Space>,
    /// The samples of each class in that space: `(n, dimensions)` in a row.
    encoded: Vec<Vec<f32>>,
    /// The points of each class; none until there is a space.
    books: Vec<Codebook>,
    cells: Vec<Cells>,
    /// The images before the first step.
    first: Option<SyntheticSet>,
    state: State,
    /// Distances of the newest step, class after class.
    newest: Vec<CellDistances>,
    looked: Looked,
}

/// How images are made of points.
struct Making {
    time: f64,
    medoid: f64,
    tempering: f64,
}

/// What came of points on their way to images.
struct Made {
    images: SyntheticSet,
    /// Mean squared way that the prior has moved the points.
    moved: f64,
}

impl Quantizer {
    /// Points before their first step; `images` are real ones, until there is a space.
    pub fn new(spec: QuantizerSpec, setup: Setup) -> Result<Self> {
        let Setup { data, device, seed, images, learning_rate } = setup;
        let known = |&class: &u32| -> Vec<u32> {
            let usable = data.usable(class);
            let mut rng = stream(seed, Purpose::QuantizerSamples, 0, u64::from(class));
            choose(usable.len(), spec.samples_of(usable.len()), &mut rng).into_iter().map(|at| usable[at]).collect()
        };
        let samples = images.classes.iter().map(known).collect();
        let values = Values::new(learning_rate, controls::defaults(&spec, images.per_class));
        let velocity = vec![0.0; images.values.len()];
        let state = State { step: 0, images, velocity, values };
        let mut quantizer = Self {
            spec,
            data,
            device,
            seed,
            begun_with: state.images.per_class,
            samples,
            latent: None,
            network: None,
            space: None,
            encoded: Vec::new(),
            books: Vec::new(),
            cells: Vec::new(),
            first: None,
            state,
            newest: Vec::new(),
            looked: Looked::default(),
        };
        quantizer.take_space()?;
        Ok(quantizer)
    }

    /// Once there is a space: samples go there, points begin, unless they were restored. Where that fails, there is none.
    fn take_space(&mut self) -> Result<()> {
        self.looked = Looked::default();
        let taken = self.enter_space();
        if taken.is_err() {
            (self.space, self.latent, self.network) = (None, None, None);
        }
        taken
    }

    fn enter_space(&mut self) -> Result<()> {
        let Some(space) = Space::of(&self.spec, &self.data, self.latent.as_ref(), self.network.as_ref())? else {
            return Ok(());
        };
        // Class by class, so that the bits of a class do not depend on the others.
        let encode = |samples: &Vec<u32>| {
            let values = self.data.gather(self.data.train(), samples);
            space.encode(values, &self.data, &self.device)
        };
        let encoded = self.samples.iter().map(encode).collect::<Result<Vec<_>>>()?;
        let dimensions = space.dimensions(&self.data);
        let start = |(&class, samples): (&u32, &Vec<f32>)| {
            let mut rng = stream(self.seed, Purpose::QuantizerStart, 0, u64::from(class));
            Codebook::start(samples, dimensions, self.begun_with, &mut rng)
        };
        let first: Vec<Codebook> = self.state.images.classes.iter().zip(&encoded).map(start).collect();
        (self.space, self.encoded) = (Some(space), encoded);
        let cells = self.cells_of(&first);
        let QuantizerSpec { time, medoid, tempering, .. } = self.spec;
        let images = self.made(&first, &cells, Making { time, medoid, tempering }, &|| false)?.images;
        if self.books.is_empty() {
            (self.books, self.cells) = (first, cells);
            self.state.images = images.clone();
        } else if self.books.iter().any(|book| book.dimensions != dimensions) {
            return Err(Error::Data("the checkpoint belongs to a run in another space".to_owned()));
        } else {
            self.cells = self.cells_of(&self.books);
        }
        self.first = Some(images);
        Ok(())
    }

    /// How far the prior drives points away from what all classes share.
    pub fn guidance(&self) -> f64 {
        self.state.values.get(GUIDANCE)
    }

    /// How it is configured.
    pub fn spec(&self) -> &QuantizerSpec {
        &self.spec
    }

    /// Where points and samples lie, once that is there.
    pub fn space(&self) -> Option<&Space> {
        self.space.as_ref()
    }

    /// The samples of the class at a position `(n, dimensions)`, its points and their cells; none before there is a space.
    pub fn class(&self, position: usize) -> Option<(&[f32], &Codebook, &Cells)> {
        Some((self.encoded.get(position)?, self.books.get(position)?, self.cells.get(position)?))
    }

    /// The training images that the samples of the class at a position are.
    pub fn samples(&self, position: usize) -> &[u32] {
        &self.samples[position]
    }

    /// Where everything random comes from.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// Distortion against the number of points, mean over the classes, as far as the curves of all of them go ([`curve`]).
    pub fn curve(&self) -> Vec<(usize, f64)> {
        let classes = self.state.images.classes.iter().zip(&self.encoded).zip(&self.books);
        let curves: Vec<Vec<(usize, f64)>> =
            classes.map(|((&class, samples), book)| curve(samples, book.dimensions, self.seed, class)).collect();
        let shortest = curves.iter().map(Vec::len).min().unwrap_or(0);
        let mean = |at: usize| curves.iter().map(|curve| curve[at].1).sum::<f64>() / curves.len() as f64;
        (0..shortest).map(|at| (curves[0][at].0, mean(at))).collect()
    }

    fn cells_of(&self, books: &[Codebook]) -> Vec<Cells> {
        books.iter().zip(&self.encoded).map(|(book, samples)| book.cells(samples)).collect()
    }

    /// The images of points; an error as soon as `interrupted` says so between two classes.
    fn made(
        &self,
        books: &[Codebook],
        cells: &[Cells],
        making: Making,
        interrupted: &dyn Fn() -> bool,
    ) -> Result<Made> {
        let space = self.space.as_ref().expect("points have a space");
        let Making { time, medoid, tempering } = making;
        let medoid = medoid as f32;
        let per_class = books.first().map_or(0, Codebook::len);
        let (mut values, mut moved) = (Vec::new(), 0.0);
        for (position, ((book, cells), &class)) in books.iter().zip(cells).zip(&self.state.images.classes).enumerate() {
            if interrupted() {
                return Err(Error::Interrupted);
            }
            let back = match space.latent().filter(|_| time > 0.0) {
                Some(latent) => latent.denoise(&book.points, (class, self.guidance()), time, self.seed)?,
                None => book.points.clone(),
            };
            moved += f64::from(squared(&back, &book.points)) / (books.len() * per_class) as f64;
            let decoded = if medoid < 1.0 { space.decode(&back)? } else { None };
            let real = || {
                let of_class = &self.samples[position];
                let nearest: Vec<u32> = cells.medoids.iter().map(|&sample| of_class[sample]).collect();
                self.data.gather(self.data.train(), &nearest)
            };
            match decoded {
                None => values.extend(real()),
                Some(decoded) if medoid == 0.0 => values.extend(decoded),
                Some(decoded) => {
                    let mixed = |(made, real): (f32, f32)| (1.0 - medoid) * made + medoid * real;
                    values.extend(decoded.into_iter().zip(real()).map(mixed));
                }
            }
        }
        let shares = cells.iter().flat_map(|cells| cells.masses.iter().copied()).collect();
        let masses = (tempering > 0.0).then_some(Masses { shares, tempering });
        let SyntheticSet { shape, ref classes, packing, .. } = self.state.images;
        let classes = classes.clone();
        Ok(Made { images: SyntheticSet { shape, classes, per_class, packing, values, masses }, moved })
    }

    fn distances_of(&self, books: &[Codebook], cells: &[Cells]) -> Vec<CellDistances> {
        let classes = (&self.encoded, books, cells).into_par_iter();
        classes.map(|(samples, book, cells)| cells::distances(samples, book, cells)).collect()
    }

    /// How far the points of each class are from its samples.
    pub fn distances(&self) -> Vec<CellDistances> {
        self.distances_of(&self.books, &self.cells)
    }

    fn report(&self, step: u64, books: &[Codebook], cells: &[Cells], moved: f64) -> StepReport {
        let distances = self.distances_of(books, cells);
        let mean = |values: &mut dyn Iterator<Item = f64>| values.sum::<f64>() / books.len() as f64;
        let distortion = mean(&mut cells.iter().map(|cells| cells.distortion));
        let excess = |one: &CellDistances| one.uniform.map_or(0.0, |uniform| uniform.powi(2) - one.free.powi(2));
        let unequal = mean(&mut distances.iter().map(excess));
        let of_class = |cells: &Cells| {
            cells.medoid_squares.iter().copied().map(f64::from).sum::<f64>() / cells.medoid_squares.len() as f64
        };
        let medoid = mean(&mut cells.iter().map(of_class));
        let raws = [distortion, unequal, moved, medoid];
        let way = self.books.iter().zip(books).map(|(old, new)| match old.len() == new.len() {
            true => f64::from(squared(&old.points, &new.points)),
            false => 0.0,
        });
        StepReport {
            step,
            total: distortion,
            learning_rate: self.state.values.learning_rate(),
            gradient_norm: way.sum::<f64>().sqrt(),
            network: None,
            network_accuracy: None,
            cells: distances,
            terms: MEASURED.into_iter().zip(raws).map(|(term, raw)| self.state.values.valued(term, raw)).collect(),
        }
    }

    /// The points after a step: as many as are wanted, moved by the samples that they have won.
    fn moved(&self, step: u64) -> Vec<Codebook> {
        let (points, decay) = (self.state.values.get(POINTS).round() as usize, self.state.values.get(DECAY));
        let rate = self.state.values.learning_rate() * self.state.values.get(DISTORTION);
        let classes = (&self.books, &self.encoded, &self.state.images.classes).into_par_iter();
        classes
            .map(|(book, samples, &class)| {
                let mut book = book.clone();
                if book.len() != points {
                    let mut rng = stream(self.seed, Purpose::QuantizerStart, step, u64::from(class));
                    book.resize(samples, points, &mut rng);
                }
                if rate > 0.0 {
                    let mut rng = stream(self.seed, Purpose::QuantizerBatch, step, u64::from(class));
                    let chosen = choose(samples.len() / book.dimensions, self.spec.batch, &mut rng);
                    let batch: Vec<&[f32]> = chosen
                        .into_iter()
                        .map(|at| &samples[at * book.dimensions..(at + 1) * book.dimensions])
                        .collect();
                    book.minibatch_step(&batch, self.spec.gains, rate, decay);
                    // As often as scikit-learn looks: after ten samples for each point.
                    let every = (10 * book.len()).div_ceil(batch.len().max(1)) as u64;
                    if self.spec.gains == Gains::PerPoint && step.is_multiple_of(every.max(1)) {
                        book.reassign_starved(&batch, self.spec.reassign, &mut rng);
                    }
                }
                book
            })
            .collect()
    }
}

impl Method for Quantizer {
    fn state(&self) -> &State {
        &self.state
    }

    fn scope(&self) -> Scope {
        Scope::Class
    }

    fn keep(&self) -> Result<Blobs> {
        let mut blobs = Blobs::default();
        for (class, book) in self.state.images.classes.iter().zip(&self.books) {
            let points = Array::new(&[book.len(), book.dimensions], book.points.clone());
            let wins = Array::new(&[book.len()], book.wins.clone());
            blobs.counters.insert(format!("class.{class}.seen"), book.seen);
            blobs.arrays.extend([(format!("class.{class}.points"), points), (format!("class.{class}.wins"), wins)]);
        }
        Ok(blobs)
    }

    fn restore(&mut self, Saved { mut state, blobs }: Saved) -> Result<()> {
        let fault = || Error::Data("the checkpoint belongs to a run with other classes or points".to_owned());
        let mut values = self.state.values.clone();
        if state.images.classes != self.state.images.classes || !values.take_over(&state.values) {
            return Err(fault());
        }
        let mut books = Vec::new();
        // Before the space is trained there are no points.
        let classes = if state.step == 0 && blobs == Blobs::default() { &[] } else { state.images.classes.as_slice() };
        for class in classes {
            let points = blobs.array(&format!("class.{class}.points"))?;
            let wins = blobs.array(&format!("class.{class}.wins"))?;
            let [count, dimensions] = points.dims[..] else { return Err(fault()) };
            if count != state.images.per_class || wins.values.len() != count {
                return Err(fault());
            }
            books.push(Codebook {
                dimensions,
                points: points.values.clone(),
                wins: wins.values.clone(),
                seen: blobs.counter(&format!("class.{class}.seen"))?,
            });
        }
        state.values = values;
        (self.books, self.state) = (books, state);
        self.take_space()
    }

    fn step(&mut self, interrupted: &dyn Fn() -> bool) -> Result<StepReport> {
        if self.space.is_none() {
            return Err(Error::Config("the space of the points is not trained yet".to_owned()));
        }
        let step = self.state.step + 1;
        let books = self.moved(step);
        if !books.iter().all(|book| book.points.iter().all(|value| value.is_finite())) {
            let culprit = format!("a point at the learning rate {}", self.state.values.learning_rate());
            return Err(Error::NotFinite { step, last_good: step - 1, culprit });
        }
        let cells = self.cells_of(&books);
        let (time, medoid, tempering) =
            (self.state.values.get(PRIOR), self.state.values.get(MEDOID), self.state.values.get(MASSES));
        let Made { images, moved } = self.made(&books, &cells, Making { time, medoid, tempering }, interrupted)?;
        let report = self.report(step, &books, &cells, moved);
        (self.books, self.cells) = (books, cells);
        self.state.velocity.resize(images.values.len(), 0.0);
        (self.state.images, self.state.step) = (images, step);
        self.newest.clone_from(&report.cells);
        Ok(report)
    }

    fn first_images(&self) -> Option<&SyntheticSet> {
        self.first.as_ref()
    }

    fn controls(&self) -> Vec<Control> {
        controls::controls(&self.spec, self.begun_with, &self.state.values)
    }

    fn set(&mut self, control: &str, value: f64) -> Result<f64> {
        if [PRIOR, MEDOID].contains(&control) && value > 1.0 {
            return Err(Error::Config(format!("\"{control}\" is from 0 to 1, not {value}")));
        }
        if control == PRIOR && value > 0.0 && self.spec.space != SpaceKind::Autoencoder {
            return Err(Error::Config("only an autoencoder's space has a prior".to_owned()));
        }
        let value = if control == POINTS { value.round() } else { value };
        let most = self.samples.iter().map(Vec::len).min().unwrap_or(0);
        if control == POINTS && !(1.0..=most as f64).contains(&value) {
            return Err(Error::Config(format!(
                "a class has 1 to {most} points, as many as it has samples, not {value}"
            )));
        }
        self.state.values.set(control, value)
    }

    fn values_mut(&mut self) -> &mut Values {
        &mut self.state.values
    }

    fn pulls(&mut self) -> Result<Vec<f64>> {
        // Only the samples move points; all else is about what is made of them.
        let moves = |term: &str| f64::from(u8::from(term == DISTORTION && self.state.values.get(term) > 0.0));
        Ok(MEASURED.into_iter().map(moves).collect())
    }

    fn apart(&self) -> Option<Box<dyn Method>> {
        Some(Box::new(self.clone()))
    }

    fn set_pool(&mut self, pool: Vec<Arc<Pretrained>>) -> Result<()> {
        if self.spec.space == SpaceKind::Network && self.network.is_none() {
            self.network = pool.into_iter().next();
            self.take_space()?;
        }
        Ok(())
    }

    fn lacks_pool(&self) -> bool {
        self.spec.space == SpaceKind::Network && self.network.is_none()
    }

    fn set_latent(&mut self, latent: Arc<Latent>) -> Result<()> {
        if self.spec.space == SpaceKind::Autoencoder && self.latent.is_none() {
            self.latent = Some(latent);
            self.take_space()?;
        }
        Ok(())
    }

    fn lacks_latent(&self) -> bool {
        self.spec.space == SpaceKind::Autoencoder && self.latent.is_none()
    }

    fn analyses(&self) -> Vec<AnalysisInfo> {
        vec![measured::DISTANCES]
    }

    fn analyse(&self, id: &str) -> Option<Analysis> {
        (id == measured::DISTANCES.id).then(|| analyses::begin(self))
    }

    fn pages(&self) -> Vec<PageInfo> {
        pages::infos()
    }

    fn page(&mut self, id: &str, class: usize) -> Result<Option<Page>> {
        pages::page(self, id, class)
    }
}
