//! What is made for the eyes: pictures of the run, at a pace that leaves the machine to the run.
//!
//! Everything here is computed on the side. The feature plane is seen through the first network of the pool.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use super::{
    inbox::Inbox,
    run::Run,
    task::{Task, Turn},
};
use crate::{
    distilled,
    error::Result,
    evaluate::select_at_random,
    math::{self, Projection},
    methods::{
        Pretrained,
        matching::{ClassInformation, INFORMATION, information, information_page},
    },
    nn::embed_all,
    report::{Accuracy, FeaturePlane, Frame, GalleryView, Ground, PageWanted, Point, Wants, page::Page},
    slices::Slices as _,
};

/// Images that pass a network together while the plane is fitted, and how long that works before it is the run's turn.
const EMBEDDED: usize = 256;
const SLICE: Duration = Duration::from_millis(20);
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
    /// The plane that is being fitted, and real images that are being measured.
    fitting: Option<Task<View>>,
    measuring: Option<Task<Vec<(f64, f64)>>>,
    /// What could not be made, and was said.
    faults: Vec<String>,
}

/// The network through which people look, with the plane that was fitted through it.
struct View {
    probe: Arc<Pretrained>,
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
            fitting: None,
            measuring: None,
            faults: Vec::new(),
        }
    }
}

impl Viewer {
    pub(super) fn watch(&mut self, wants: Wants) {
        self.wants = wants;
        self.pressed = true;
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
        (self.view, self.fitting, self.measuring) = (None, None, None);
        self.faults.clear();
        self.shown = None;
        self.pressed = true;
    }

    /// True if a frame or the probe can be worked on while the run waits.
    pub(super) fn has_work(&self, run: &Run) -> bool {
        self.pressed && self.wants != Wants::default() || self.wants_lens(run) || self.is_preparing(run)
    }

    /// True if the plane is to be fitted yet, or real images are to be measured.
    fn is_preparing(&self, run: &Run) -> bool {
        let lacks_plane = self.needs_probe() && self.view.is_none() && run.pretraining.probe().is_some();
        let unmeasured = |view: &View| view.real_information.is_none();
        (lacks_plane || self.wants_information() && self.view.as_ref().is_some_and(unmeasured))
            && self.faults.is_empty()
    }

    /// True if the network through which people look has to be trained yet.
    pub(super) fn wants_lens(&self, run: &Run) -> bool {
        self.needs_probe() && run.pretraining.probe().is_none() && !run.pretraining.has_failed()
    }

    fn wants_information(&self) -> bool {
        self.wants.page.as_ref().is_some_and(|page| page.id == INFORMATION)
    }

    fn needs_probe(&self) -> bool {
        self.wants.features || self.wants_information()
    }

    /// Fits the plane and measures real images, in turns beside the run.
    fn prepare(&mut self, run: &Run, inbox: &Inbox) -> Result<()> {
        if let (true, None, Some(probe)) = (self.needs_probe(), &self.view, run.pretraining.probe()) {
            let fitting = match &mut self.fitting {
                Some(fitting) => fitting,
                none => none.insert(View::fitting(probe.clone(), run)?),
            };
            if let Turn::Done(view) = fitting.advance(SLICE, inbox) {
                self.fitting = None;
                self.view = Some(view?);
                self.pressed = true;
            }
        }
        if let (true, Some(view)) = (self.wants_information(), &mut self.view)
            && view.real_information.is_none()
        {
            let measuring = match &mut self.measuring {
                Some(measuring) => measuring,
                none => none.insert(real_information(view.probe.clone(), run)?),
            };
            if let Turn::Done(measured) = measuring.advance(SLICE, inbox) {
                self.measuring = None;
                view.real_information = Some(measured?);
                self.pressed = true;
            }
        }
        Ok(())
    }

    /// The next frame, if it is due and there is something new to see; and what could not be made, said once until it can be made
    /// again. A part that could not be made is tried again with the next frame; the others are there.
    pub(super) fn frame(&mut self, run: &mut Run, inbox: &Inbox) -> (Option<Frame>, Vec<String>) {
        if self.wants == Wants::default() {
            return (None, Vec::new());
        }
        let mut faults = Faults::default();
        faults.note(self.prepare(run, inbox).map(Some));
        let news = Some((run.at(), self.wants.clone(), self.view.is_some()));
        let pause =
            SHORTEST_PAUSE.max(if run.device.is_cpu() { self.cost.div_f64(self.share) } else { Duration::ZERO });
        let due = self.last.is_none_or(|last| last.elapsed() >= pause);
        let frame = if !self.pressed && (self.shown == news || !due) {
            None
        } else {
            let frame = self.make(run, &mut faults);
            self.pressed = false;
            self.shown = news;
            self.last = Some(Instant::now());
            self.faults.retain(|fault| faults.all.contains(fault));
            Some(frame)
        };
        let fresh: Vec<String> = faults.all.into_iter().filter(|fault| !self.faults.contains(fault)).collect();
        self.faults.extend(fresh.iter().cloned());
        (frame, fresh)
    }

    fn make(&mut self, run: &mut Run, faults: &mut Faults) -> Frame {
        let images = &run.method.state().images;
        let apart = self.wants.apart;
        let gallery = self.wants.gallery.filter(|_| run.data.is_pictures());
        let gallery = gallery.and_then(|view| match (view, &run.opened) {
            (GalleryView::Opened, opened) => {
                opened.as_ref().map(|opened| distilled::gallery(opened, opened, &run.data, view, apart))
            }
            _ => Some(distilled::gallery(images, &run.start, &run.data, view, apart)),
        });
        let view = self.view.as_ref();
        let features = view.filter(|_| self.wants.features).map(|view| view.look(run));
        let features = faults.note(features.transpose());
        let page = match (&self.wants.page, view) {
            (None, _) => Ok(None),
            (Some(_), view) if self.wants_information() => view
                .map_or(Ok(None), |view| view.information(run, self.wants.page.as_ref().map_or(0, |page| page.class))),
            (Some(PageWanted { id, class }), _) => run.method.page(id, *class),
        };
        let pages = faults.note(page).into_iter().collect();
        let pulls = if self.wants.pulls && !run.lacks_training() { run.method.pulls().map(Some) } else { Ok(None) };
        Frame { step: run.at(), gallery, features, pulls: faults.note(pulls), pages }
    }
}

/// What could not be made for a frame.
#[derive(Default)]
struct Faults {
    all: Vec<String>,
}

impl Faults {
    /// The part, or nothing and a word about why.
    fn note<T>(&mut self, part: Result<Option<T>>) -> Option<T> {
        part.unwrap_or_else(|error| {
            self.all.push(error.to_string());
            None
        })
    }
}

impl View {
    /// Fits the plane on a sample of the real images of the run's classes.
    fn fitting(probe: Arc<Pretrained>, run: &Run) -> Result<Task<Self>> {
        let classes = run.method.state().images.classes.clone();
        let (data, device, seed, pool) =
            (run.data.clone(), run.device.clone(), run.config.seed, run.pretraining.size());
        Task::new(move |turns| {
            let per_class = (REAL_POINTS / classes.len()).max(2);
            let sample = select_at_random(&data, &classes, per_class, seed, u64::MAX);
            let mut features = Vec::new();
            for some in sample.chunks(EMBEDDED) {
                let values = data.gather(data.train(), some);
                features.extend(embed_all(probe.network.as_ref(), &values, data.shape(), &device)?);
                turns.tick(features.len() as f64 / (sample.len() * probe.network.embedding_len()) as f64)?;
            }
            let projection = Projection::fit(&features, probe.network.embedding_len())?;
            let position = |row: usize| {
                let label = data.train().labels()[sample[row] as usize];
                classes.iter().position(|&class| class == label).unwrap_or(0) as u16
            };
            let real = projection.points(&features, position);
            let ground = Ground {
                probe: probe.name.clone(),
                accuracy: probe.accuracy,
                pool,
                dimensions: projection.dimensions(),
                kept_variance: projection.kept_variance(),
                spreads: spreads(&real, classes.len()),
                real,
            };
            Ok(Self { probe, projection, ground: Arc::new(ground), real_information: None })
        })
    }

    /// The page about what the images of each class say to the network.
    fn information(&self, run: &Run, class: usize) -> Result<Option<Page>> {
        let images = run.method.state().images.expanded();
        let dimensions = self.projection.dimensions();
        let features = embed_all(self.probe.network.as_ref(), &images.values, run.data.shape(), &run.device)?;
        let of_class = features.chunks_exact(images.per_class * dimensions).enumerate();
        let classes: Vec<ClassInformation> = of_class
            .map(|(position, features)| ClassInformation {
                real: self.real_information.as_ref().map(|real| real[position]),
                ..information(features, dimensions)
            })
            .collect();
        let names = run.data.class_names(&images.classes);
        let packing = run.method.state().images.packing;
        Ok(information_page((&self.probe.name, dimensions), &classes, &names, class, packing * packing))
    }

    /// The synthetic images as points.
    fn look(&self, run: &Run) -> Result<FeaturePlane> {
        let images = run.method.state().images.expanded();
        let features = embed_all(self.probe.network.as_ref(), &images.values, run.data.shape(), &run.device)?;
        let synthetic = self.projection.points(&features, |row| (row / images.per_class) as u16);
        let of_class = features.chunks_exact(images.per_class * self.projection.dimensions());
        Ok(FeaturePlane {
            ground: self.ground.clone(),
            spreads: spreads(&synthetic, images.classes.len()),
            balls: of_class.map(|features| math::ball(features, &self.projection)).collect(),
            threshold: run.method.ring_radius(&self.probe).map(|radius| radius as f32),
            synthetic,
        })
    }
}

/// For each class: what as many random real images say, mean and deviation over some draws.
fn real_information(probe: Arc<Pretrained>, run: &Run) -> Result<Task<Vec<(f64, f64)>>> {
    let images = &run.method.state().images;
    let (classes, per_class) = (images.classes.clone(), images.seen_per_class());
    let (data, device, seed) = (run.data.clone(), run.device.clone(), run.config.seed);
    Task::new(move |turns| {
        let mut measured = Vec::new();
        for &class in &classes {
            let mut values = Vec::new();
            for draw in 0..REAL_DRAWS {
                let sample = select_at_random(&data, &[class], per_class, seed, u64::MAX - 2 - draw);
                let pixels = data.gather(data.train(), &sample);
                let features = embed_all(probe.network.as_ref(), &pixels, data.shape(), &device)?;
                values.push(information(&features, probe.network.embedding_len()).value);
                turns.tick(measured.len() as f64 / classes.len() as f64)?;
            }
            let Accuracy { mean, std, .. } = Accuracy::of(&values, "");
            measured.push((mean, std));
        }
        Ok(measured)
    })
}

fn spreads(points: &[Point], classes: usize) -> Vec<crate::report::Ellipse> {
    let of_class = |class| math::ellipse(&points.iter().filter(move |point| usize::from(point.class) == class));
    (0..classes).map(of_class).collect()
}
