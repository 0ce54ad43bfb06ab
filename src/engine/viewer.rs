//! What is made for the eyes: pictures of the run, at a pace that leaves the machine to the run.
//!
//! Everything here is computed on the side. The lens, through which the feature plane is seen, is trained in slices from
//! streams of its own.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use candle_core::{Device, Tensor};

use super::run::Run;
use crate::{
    data::Dataset,
    error::Result,
    evaluate::{Chosen, Recipe, Training, accuracy_on, select_at_random},
    explain::{self, Projection},
    nn::{ConvNetSpec, Identity, Network, NetworkSpec},
    report::{FeaturePlane, Frame, Ground, Point, Wants},
};

/// Pictures come no faster than this.
const SHORTEST_PAUSE: Duration = Duration::from_millis(50);
/// No frame is taken to cost more.
const LONGEST_COST: Duration = Duration::from_secs(10);
/// Share of the machine that drawing may take on a CPU.
const DEFAULT_SHARE: f64 = 0.25;
/// Batches that the lens is trained on.
const LENS_BATCHES: usize = 200;
/// Filters of the lens; a narrow network separates classes well enough to look through.
const LENS_WIDTH: usize = 32;
/// Real images that are drawn as points.
const REAL_POINTS: usize = 2000;
/// A slice of the lens's training.
const LENS_SLICE: Duration = Duration::from_millis(30);

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
    lens: Lens,
}

/// The network through which people look.
enum Lens {
    None,
    Training(Box<Training>),
    Ready(Box<View>),
}

/// A lens with the plane that was fitted through it.
struct View {
    network: Box<dyn Network>,
    projection: Projection,
    ground: Arc<Ground>,
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
            lens: Lens::None,
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
        self.lens = Lens::None;
        self.shown = None;
        self.pressed = true;
    }

    /// True if a frame or the lens can be worked on while the run waits.
    pub(super) fn has_work(&self) -> bool {
        self.pressed && self.wants != Wants::default() || self.wants.features && !matches!(self.lens, Lens::Ready(_))
    }

    /// The next frame, if it is due and there is something new to see.
    pub(super) fn frame(&mut self, run: &mut Run) -> Result<Option<Frame>> {
        if self.wants == Wants::default() {
            return Ok(None);
        }
        if self.wants.features {
            self.polish(run)?;
        }
        let has_lens = matches!(self.lens, Lens::Ready(_));
        let news = Some((run.at(), self.wants.clone(), has_lens));
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
        let gallery = self.wants.gallery.filter(|_| run.data.is_pictures());
        let gallery = gallery.map(|view| explain::gallery(images, &run.start, &run.data, view));
        let features = match &self.lens {
            Lens::Ready(view) if self.wants.features => Some(view.look(run)?),
            _ => None,
        };
        let pulls = if self.wants.pulls { Some(run.method.pulls()?) } else { None };
        Ok(Frame { step: run.at(), gallery, features, pulls })
    }

    /// Works on the lens for a moment.
    fn polish(&mut self, run: &Run) -> Result<()> {
        if let Lens::None = self.lens {
            self.lens = match &run.config.network {
                NetworkSpec::Identity {} => {
                    let network = Box::new(Identity::new(run.data.shape()));
                    Lens::Ready(Box::new(View::new(network, "pixels".to_owned(), true, None, run)?))
                }
                spec => Lens::Training(Box::new(begin_lens(spec, run)?)),
            };
        }
        if let Lens::Training(training) = &mut self.lens {
            let clock = Instant::now();
            while clock.elapsed() < LENS_SLICE {
                if training.advance()? {
                    continue;
                }
                let Lens::Training(training) = std::mem::replace(&mut self.lens, Lens::None) else { unreachable!() };
                let name = format!("{}, trained for {} epochs", training.spec().describe(), training.epochs());
                let network = training.into_network();
                let accuracy = holdout_accuracy(network.as_ref(), &run.data, &run.device)?;
                self.lens = Lens::Ready(Box::new(View::new(network, name, false, accuracy, run)?));
                self.pressed = true;
                break;
            }
        }
        Ok(())
    }
}

/// A narrow copy of the run's network, to be trained on the usable training images.
fn begin_lens(spec: &NetworkSpec, run: &Run) -> Result<Training> {
    let spec = match spec {
        NetworkSpec::ConvNet(spec) => {
            NetworkSpec::ConvNet(ConvNetSpec { width: spec.width.min(LENS_WIDTH), ..spec.clone() })
        }
        other => other.judge(),
    };
    let data = &run.data;
    let usable: Vec<u32> = (0..data.classes() as u32).flat_map(|class| data.usable(class).iter().copied()).collect();
    let mut recipe = Recipe::dm(spec, 0, Vec::new());
    recipe.epochs = (LENS_BATCHES / usable.len().div_ceil(recipe.batch)).max(1);
    let examples = Arc::new(Chosen::new(data.clone(), usable));
    Training::lens(recipe, examples, data.classes(), &run.device, run.config.seed)
}

fn holdout_accuracy(network: &dyn Network, data: &Dataset, device: &Device) -> Result<Option<f64>> {
    let holdout = &data.holdout()[..data.holdout().len().min(REAL_POINTS)];
    if holdout.is_empty() {
        return Ok(None);
    }
    let right = accuracy_on(network, data, data.train(), holdout, device)?;
    Ok(Some(right as f64 / holdout.len() as f64))
}

impl View {
    /// Fits the plane on a sample of the real images of the run's classes.
    fn new(network: Box<dyn Network>, lens: String, exact: bool, accuracy: Option<f64>, run: &Run) -> Result<Self> {
        let classes = &run.method.state().images.classes;
        let per_class = (REAL_POINTS / classes.len()).max(2);
        let sample = select_at_random(&run.data, classes, per_class, run.config.seed, u64::MAX);
        let values = run.data.gather(run.data.train(), &sample);
        let features = embed(network.as_ref(), values, run)?;
        let projection = Projection::fit(&features, network.embedding_len())?;
        let position = |row: usize| {
            let label = run.data.train().labels()[sample[row] as usize];
            classes.iter().position(|&class| class == label).unwrap_or(0) as u16
        };
        let real = projection.points(&features, position);
        let ground = Ground {
            lens,
            accuracy,
            is_matching_space: exact,
            dimensions: projection.dimensions(),
            kept_variance: projection.kept_variance(),
            spreads: spreads(&real, classes.len()),
            real,
        };
        Ok(Self { network, projection, ground: Arc::new(ground) })
    }

    /// The synthetic images as points.
    fn look(&self, run: &Run) -> Result<FeaturePlane> {
        let images = &run.method.state().images;
        let features = embed(self.network.as_ref(), images.values.clone(), run)?;
        let synthetic = self.projection.points(&features, |row| (row / images.per_class) as u16);
        let of_class = features.chunks_exact(images.per_class * self.projection.dimensions());
        Ok(FeaturePlane {
            ground: self.ground.clone(),
            spreads: spreads(&synthetic, images.classes.len()),
            balls: of_class.map(|features| explain::ball(features, &self.projection)).collect(),
            synthetic,
        })
    }
}

fn spreads(points: &[Point], classes: usize) -> Vec<crate::report::Ellipse> {
    let of_class = |class| explain::ellipse(&points.iter().filter(move |point| usize::from(point.class) == class));
    (0..classes).map(of_class).collect()
}

/// Features of normalised images, `(n, d)` in a row.
fn embed(network: &dyn Network, values: Vec<f32>, run: &Run) -> Result<Vec<f32>> {
    let [channels, height, width] = run.data.shape().dims();
    let images = Tensor::from_vec(values, ((), channels, height, width), &run.device)?;
    Ok(network.embed(&images)?.flatten_all()?.to_vec1()?)
}
