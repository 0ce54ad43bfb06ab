//! What is made for the eyes: pictures of the run, at a pace that leaves the machine to the run.
//!
//! Everything here is computed on the side. The feature plane is seen through the first network of the pool.

mod quantizer;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use candle_core::Device;

use self::quantizer::Quantizers;
use super::run::Run;
use crate::{
    distill::Pretrained,
    error::Result,
    evaluate::select_at_random,
    explain::{self, Axes, Projection},
    nn::{Network, embed_all},
    report::{Accuracy, ClassInformation, FeaturePlane, Frame, GalleryView, Ground, InformationView, Point, Wants},
};

/// Pictures come no faster than this.
const SHORTEST_PAUSE: Duration = Duration::from_millis(50);
/// No frame is taken to cost more.
const LONGEST_COST: Duration = Duration::from_secs(10);
/// Share of the machine that drawing may take on a CPU.
const DEFAULT_SHARE: f64 = 0.25;
/// Random subsets of real images of which the information is measured.
const REAL_DRAWS: u64 = 5;
/// Real images that are drawn as points.
const REAL_POINTS: usize = 2000;

/// Makes frames of a run.
pub(super) struct Viewer {
    wants: Wants,
    share: f64,
    cost: Duration,
    last: Option<Instant>,
    /// True when a frame must be shown whatever the pace.
    pressed: bool,
    /// Step and wants of the last frame.
    shown: Option<(u64, Wants, bool)>,
    view: Option<View>,
    /// The plane of an energy map.
    axes: Option<Axes>,
    quantizers: Quantizers,
}

/// The network through which people look, with the plane that was fitted through it.
struct View {
    lens: Arc<Pretrained>,
    projection: Projection,
    ground: Arc<Ground>,
    /// What random real images say to it, once somebody wants to know.
    real_information: Option<Vec<(f64, f64)>>,
}

impl Default for Viewer {
    fn default() -> Self {
        Self {
            wants: Wants::default(),
            share: DEFAULT_SHARE,
            cost: Duration::ZERO,
            last: None,
            pressed: false,
            shown: None,
            view: None,
            axes: None,
            quantizers: Quantizers::default(),
        }
    }
}

impl Viewer {
    pub(super) fn watch(&mut self, wants: Wants) {
        self.wants = wants;
        self.pressed = true;
    }

    /// Looks away, after a picture that could not be made; asking again tries again.
    pub(super) fn look_away(&mut self) {
        self.wants = Wants::default();
        self.pressed = false;
    }

    pub(super) fn set_share(&mut self, share: f64) {
        if share.is_finite() {
            self.share = share.clamp(0.01, 1.0);
        }
    }

    pub(super) fn frame_drawn(&mut self, secs: f64) {
        self.cost = Duration::try_from_secs_f64(secs).unwrap_or_default().min(LONGEST_COST);
    }

    /// The next frame comes at once: on pause, stop and end.
    pub(super) fn press(&mut self) {
        self.pressed = true;
    }

    /// Forgets what was seen of another run.
    pub(super) fn begin(&mut self) {
        self.view = None;
        self.axes = None;
        self.quantizers = Quantizers::default();
        self.shown = None;
        self.pressed = true;
    }

    /// True if a frame or the lens can be worked on while the run waits.
    pub(super) fn has_work(&self, run: &Run) -> bool {
        self.pressed && self.wants != Wants::default() || self.wants_lens(run)
    }

    /// True if the network through which people look has to be trained yet.
    pub(super) fn wants_lens(&self, run: &Run) -> bool {
        self.looks_through_lens() && run.pretraining.lens().is_none() && !run.pretraining.has_failed()
    }

    fn looks_through_lens(&self) -> bool {
        self.wants.features || self.wants.information
    }

    /// The next frame, if it is due and there is something new to see.
    pub(super) fn frame(&mut self, run: &mut Run) -> Result<Option<Frame>> {
        if self.wants == Wants::default() {
            return Ok(None);
        }
        if self.looks_through_lens()
            && self.view.is_none()
            && let Some(lens) = run.pretraining.lens().cloned()
        {
            self.view = Some(View::new(lens, run)?);
            self.pressed = true;
        }
        let news = Some((run.at(), self.wants.clone(), self.view.is_some()));
        let pause = SHORTEST_PAUSE.max(match run.device {
            Device::Cpu => self.cost.div_f64(self.share),
            _ => Duration::ZERO,
        });
        let due = self.last.is_none_or(|last| last.elapsed() >= pause);
        if !self.pressed && (self.shown == news || !due) {
            return Ok(None);
        }
        let frame = self.make(run)?;
        self.pressed = false;
        self.shown = news;
        self.last = Some(Instant::now());
        Ok(Some(frame))
    }

    fn make(&mut self, run: &mut Run) -> Result<Frame> {
        let images = &run.method.state().images;
        let apart = self.wants.apart;
        let gallery = self.wants.gallery.filter(|_| run.data.is_pictures());
        let gallery = gallery.and_then(|view| match (view, &run.opened) {
            (GalleryView::Opened, opened) => {
                opened.as_ref().map(|opened| explain::gallery(opened, opened, &run.data, view, apart))
            }
            _ => Some(explain::gallery(images, &run.start, &run.data, view, apart)),
        });
        let features = match &self.view {
            Some(view) if self.wants.features => Some(view.look(run)?),
            _ => None,
        };
        let information = match &mut self.view {
            Some(view) if self.wants.information => Some(view.information(run)?),
            _ => None,
        };
        let pulls = if self.wants.pulls && !run.lacks_training() { Some(run.method.pulls()?) } else { None };
        let queue = run.method.queue().filter(|_| self.wants.queue).map(|queue| queue.view(run.at() + 1));
        let energy = match run.method.energy().filter(|_| self.wants.energy).and_then(|map| Some((map, map.cloud()?))) {
            Some((map, cloud)) => {
                let per_class = run.method.state().images.per_class;
                Some(explain::energy(&cloud, map.law(), &map.ballparks()?, per_class, &mut self.axes))
            }
            None => None,
        };
        let quantizer = match (run.method.quantizer(), self.wants.quantizer) {
            (Some(quantizer), Some(wants)) => self.quantizers.look(quantizer, &run.data, wants)?,
            _ => None,
        };
        Ok(Frame { step: run.at(), gallery, features, pulls, information, queue, energy, quantizer })
    }
}

impl View {
    /// Fits the plane on a sample of the real images of the run's classes.
    fn new(lens: Arc<Pretrained>, run: &Run) -> Result<Self> {
        let classes = &run.method.state().images.classes;
        let per_class = (REAL_POINTS / classes.len()).max(2);
        let sample = select_at_random(&run.data, classes, per_class, run.config.seed, u64::MAX);
        let values = run.data.gather(run.data.train(), &sample);
        let features = embed_all(lens.network.as_ref(), &values, run.data.shape(), &run.device)?;
        let projection = Projection::fit(&features, lens.network.embedding_len())?;
        let position = |row: usize| {
            let label = run.data.train().labels()[sample[row] as usize];
            classes.iter().position(|&class| class == label).unwrap_or(0) as u16
        };
        let real = projection.points(&features, position);
        let ground = Ground {
            lens: lens.name.clone(),
            accuracy: lens.accuracy,
            pool: run.pretraining.size(),
            dimensions: projection.dimensions(),
            kept_variance: projection.kept_variance(),
            spreads: spreads(&real, classes.len()),
            real,
        };
        Ok(Self { lens, projection, ground: Arc::new(ground), real_information: None })
    }

    /// What the images of each class say to the network.
    fn information(&mut self, run: &Run) -> Result<InformationView> {
        let real = match self.real_information.take() {
            Some(real) => real,
            None => real_information(self.lens.network.as_ref(), run)?,
        };
        let images = run.method.state().images.expanded();
        let dimensions = self.projection.dimensions();
        let features = embed_all(self.lens.network.as_ref(), &images.values, run.data.shape(), &run.device)?;
        let of_class = features.chunks_exact(images.per_class * dimensions).zip(&real);
        let classes = of_class
            .map(|(features, real)| ClassInformation {
                real: Some(*real),
                ..explain::information(features, dimensions)
            })
            .collect();
        self.real_information = Some(real);
        Ok(InformationView { lens: self.lens.name.clone(), dimensions, classes })
    }

    /// The synthetic images as points.
    fn look(&self, run: &Run) -> Result<FeaturePlane> {
        let images = run.method.state().images.expanded();
        let features = embed_all(self.lens.network.as_ref(), &images.values, run.data.shape(), &run.device)?;
        let synthetic = self.projection.points(&features, |row| (row / images.per_class) as u16);
        let of_class = features.chunks_exact(images.per_class * self.projection.dimensions());
        Ok(FeaturePlane {
            ground: self.ground.clone(),
            spreads: spreads(&synthetic, images.classes.len()),
            balls: of_class.map(|features| explain::ball(features, &self.projection)).collect(),
            threshold: run.method.ball_radius(&self.lens).map(|radius| radius as f32),
            synthetic,
        })
    }
}

/// For each class: what as many random real images say, mean and deviation over some draws.
fn real_information(network: &dyn Network, run: &Run) -> Result<Vec<(f64, f64)>> {
    let images = &run.method.state().images;
    let value = |class: u32, draw: u64| {
        let sample =
            select_at_random(&run.data, &[class], images.seen_per_class(), run.config.seed, u64::MAX - 2 - draw);
        let values = run.data.gather(run.data.train(), &sample);
        let features = embed_all(network, &values, run.data.shape(), &run.device)?;
        Ok(explain::information(&features, network.embedding_len()).value)
    };
    let of_class = |&class: &u32| {
        let values = (0..REAL_DRAWS).map(|draw| value(class, draw)).collect::<Result<Vec<f64>>>()?;
        let Accuracy { mean, std, .. } = Accuracy::of(&values, "");
        Ok((mean, std))
    };
    images.classes.iter().map(of_class).collect()
}

fn spreads(points: &[Point], classes: usize) -> Vec<crate::report::Ellipse> {
    let of_class = |class| explain::ellipse(&points.iter().filter(move |point| usize::from(point.class) == class));
    (0..classes).map(of_class).collect()
}
