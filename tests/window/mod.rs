//! A scripted engine: it answers every command as the real one does, with made-up but steady numbers and real digits for
//! pictures. Equal commands and ticks give equal answers.
#![allow(dead_code)]

use std::{
    f32::consts::TAU,
    path::PathBuf,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use crossbeam_channel::{Receiver, Sender, never, select, tick, unbounded};
use spiritsafe::{
    config::RunConfig,
    data::{DataSpec, Dataset},
    engine::{Backstage, Command, Engine, Event, Start, Trial},
    report::{
        Accuracy, Ball, Called, Change, ClassInformation, Compared, Comparison, DataSummary, Ellipse, Evaluation,
        FeaturePlane, Frame, Gallery, GalleryView, Ground, InformationView, Intervention, ParameterInfo, Point,
        RunInfo, StepReport, Subject, TermInfo, TermValue, TestedOn, Verdict, Wants,
    },
};

/// What a test makes the engine do by itself.
pub(crate) enum Tick {
    /// Steps, if the run is not paused.
    Steps(u64),
    /// Say this.
    Say(Event),
    /// End, as a thread that panicked does.
    Die,
}

/// An engine and the other side of it.
pub(crate) struct Scripted {
    pub engine: Engine,
    pub ticks: Sender<Tick>,
    pub heard: Arc<Mutex<Vec<Command>>>,
}

/// How the script behaves.
#[derive(Clone, Copy, Default)]
pub(crate) struct Script {
    /// Do steps by itself, so far apart; by ticks only where there is none.
    pub pace: Option<Duration>,
    /// Refuse to start.
    pub refuses: bool,
    /// Stay silent after a start.
    pub silent: bool,
}

/// The preset `digits`, to be written nowhere.
pub(crate) fn first() -> Start {
    let config = RunConfig::preset("digits", &[]).expect("a preset");
    Start { config, out: PathBuf::from("runs/digits"), resume: false, script: Vec::new(), paused: false }
}

/// Starts a scripted engine.
pub(crate) fn scripted(script: Script, wake: impl Fn() + Send + 'static) -> Scripted {
    let (ticks, ticked) = unbounded();
    let heard = Arc::new(Mutex::new(Vec::new()));
    let notes = heard.clone();
    let engine = Engine::with(wake, move |backstage| Actor::new(script, notes).work(&backstage, &ticked));
    Scripted { engine, ticks, heard }
}

struct Actor {
    script: Script,
    heard: Arc<Mutex<Vec<Command>>>,
    data: Dataset,
    ground: Arc<Ground>,
    run: Option<RunInfo>,
    weights: Vec<(f64, f64)>,
    rate: (f64, f64),
    running: bool,
    wants: Wants,
    shown: Instant,
    cost: f64,
    share: f64,
}

impl Actor {
    fn new(script: Script, heard: Arc<Mutex<Vec<Command>>>) -> Self {
        Self {
            script,
            heard,
            data: DataSpec::Digits.load(0).expect("the digits are part of the program"),
            ground: Arc::new(ground()),
            run: None,
            weights: Vec::new(),
            rate: (1.0, 1.0),
            running: false,
            wants: Wants::default(),
            shown: Instant::now(),
            cost: 0.0,
            share: 0.25,
        }
    }

    fn work(mut self, out: &Backstage, ticked: &Receiver<Tick>) {
        let clock = self.script.pace.map_or_else(never, tick);
        loop {
            select! {
                recv(out.commands) -> command => match command {
                    Ok(command) => self.hear(command, out),
                    Err(_) => return,
                },
                recv(ticked) -> tick => match tick {
                    Ok(Tick::Steps(count)) => {
                        for _ in 0..count {
                            if self.running {
                                self.step(out);
                            }
                        }
                        self.show(out);
                    }
                    Ok(Tick::Say(event)) => out.tell(event),
                    Ok(Tick::Die) => panic!("as asked"),
                    Err(_) => {
                        if self.script.pace.is_none() { return; }
                        std::thread::sleep(Duration::from_millis(1));
                        if self.running { self.step(out); self.show_when_due(out); }
                        while let Ok(command) = out.commands.try_recv() { self.hear(command, out); }
                    }
                },
                recv(clock) -> _ => if self.running {
                    self.step(out);
                    self.show_when_due(out);
                },
            }
        }
    }

    fn show_when_due(&mut self, out: &Backstage) {
        let rest = (self.cost / self.share).max(0.05);
        if self.shown.elapsed().as_secs_f64() > rest {
            self.show(out);
        }
    }

    fn hear(&mut self, command: Command, out: &Backstage) {
        self.heard.lock().expect("no panic").push(command.clone());
        match command {
            Command::Start(start) => self.start(&start, out),
            Command::Pause => {
                self.running = false;
                out.tell(Event::Paused { step: self.at(), reason: None });
                self.show(out);
            }
            Command::Resume => {
                self.running = true;
                out.tell(Event::Running);
            }
            Command::Step => {
                self.step(out);
                self.running = false;
                out.tell(Event::Paused { step: self.at(), reason: None });
                self.show(out);
            }
            Command::Stop => {
                self.running = false;
                out.tell(Event::Finished { step: self.at(), complete: false });
                self.show(out);
            }
            Command::SetWeight { term, weight } => {
                let terms = self.run.as_ref().map(|run| run.terms.clone()).unwrap_or_default();
                if let Some(at) = terms.iter().position(|known| known.id == term) {
                    self.weights[at].1 = weight;
                }
            }
            Command::SetParameter { term, value } => {
                let change = Change::Parameter { term, old: 1.0, new: value };
                out.tell(Event::Applied(Intervention { step: self.at() + 1, change }));
            }
            Command::SetLearningRate(rate) => self.rate.1 = rate,
            Command::Watch(wants) => {
                self.wants = wants;
                self.show(out);
            }
            Command::SetPace(_) => {}
            Command::SetViewShare(share) => self.share = share,
            Command::FrameDrawn(secs) => self.cost = secs,
            Command::Evaluate(Trial { protocol, .. }) => {
                out.tell(Event::Evaluating { what: format!("{protocol} of the images"), done: 0.4, secs_left: 12.0 });
            }
            Command::CancelEvaluation => out.tell(Event::EvaluationCancelled),
            Command::Inspect(config) => out.tell(Event::Inspected(Box::new(DataSummary {
                spec: config.data.to_string(),
                info: self.data.info(),
                counts: vec![100; 10],
                notes: vec!["2 pictures cannot be read and were skipped: a.png, b.png".to_owned()],
                pixel_bytes: 115_008,
                step_secs: 0.05,
                run_secs: 15.0,
                memory_bytes: Some(80_000_000),
            }))),
            Command::Judge => out.tell(Event::Verdict(Box::new(Verdict {
                step: self.at(),
                protocol: "dm@300x5".to_owned(),
                rows: Vec::new(),
                best: Some(Subject::Medoids),
                gain: -0.02,
                margin: Some(0.01),
                text: "Use k-means medoids instead: 2.0 points better than the distilled images.".to_owned(),
            }))),
            Command::Checkpoint => out.tell(Event::Checkpointed { step: self.at() }),
            Command::Export(folder) if folder.starts_with("/proc") => out.tell(Event::Refused {
                message: format!("cannot create {}. Choose a folder that you may write to", folder.display()),
                code: 3,
            }),
            Command::OpenSet(path) => out.tell(Event::Opened(format!("{}: 100 images", path.display()))),
            Command::OpenComparison(_) => out.tell(Event::Compared(Box::new(comparison()))),
            Command::Export(folder) | Command::ExportSelection { folder, .. } => out.tell(Event::Exported(folder)),
        }
    }

    fn at(&self) -> u64 {
        self.run.as_ref().map_or(0, |run| run.step)
    }

    fn start(&mut self, start: &Start, out: &Backstage) {
        out.tell(Event::Preparing("Reading digits".to_owned()));
        if self.script.silent {
            return;
        }
        if self.script.refuses {
            let message =
                "the device \"cuda\" does not answer. It needs an NVIDIA GPU and its driver. Use --device cpu";
            out.tell(Event::Failed { message: message.to_owned(), code: 4 });
            return;
        }
        let config = &start.config;
        let term = |id: &str, meaning: &str, weight: f64, paper: Option<f64>| TermInfo {
            id: id.to_owned(),
            meaning: meaning.to_owned(),
            default_weight: weight,
            paper_weight: paper,
            weight,
            parameter: None,
            needs_pool: false,
            vanishes: false,
        };
        let terms = vec![
            term("mean", "Distance between the class means of real and synthetic features", 1.0, Some(1.0)),
            term("covariance", "Distance between the local covariances of features", 0.05, Some(0.01)),
            TermInfo {
                parameter: Some(ParameterInfo {
                    id: "radius".to_owned(),
                    meaning: "Radius of the ball".to_owned(),
                    default: 1.0,
                    value: 1.0,
                }),
                needs_pool: true,
                ..term("ball", "How far synthetic features leave the ball of their class", 0.01, None)
            },
        ];
        self.weights = terms.iter().map(|term| (term.weight, term.weight)).collect();
        self.rate = (config.optimizer.learning_rate, config.optimizer.learning_rate);
        let info = RunInfo {
            name: config.name.clone(),
            about: config.about.clone(),
            data: self.data.info(),
            classes: (0..10).collect(),
            per_class: config.images.per_class,
            seed: config.seed,
            steps: config.steps,
            step: 0,
            device: "CPU, 2 threads, avx512".to_owned(),
            terms,
            learning_rate: config.optimizer.learning_rate,
            out: start.out.clone(),
            bytes: 64 * 10 * config.images.per_class as u64,
        };
        self.run = Some(info.clone());
        out.tell(Event::Started(Box::new(info)));
        self.running = !start.paused;
        out.tell(if start.paused { Event::Paused { step: 0, reason: None } } else { Event::Running });
        self.show(out);
    }

    fn step(&mut self, out: &Backstage) {
        let Some(run) = &mut self.run else { return };
        run.step += 1;
        let (step, last) = (run.step, run.step >= run.steps);
        let terms = run.terms.clone();
        for (term, (old, new)) in terms.iter().zip(&mut self.weights) {
            if old != new {
                let change = Change::Weight { term: term.id.clone(), old: *old, new: *new };
                *old = *new;
                out.tell(Event::Applied(Intervention { step, change }));
            }
        }
        if self.rate.0 != self.rate.1 {
            let change = Change::LearningRate { old: self.rate.0, new: self.rate.1 };
            self.rate.0 = self.rate.1;
            out.tell(Event::Applied(Intervention { step, change }));
        }
        let values: Vec<TermValue> = terms
            .iter()
            .enumerate()
            .map(|(at, term)| {
                let time = step as f64 / (40.0 + 30.0 * at as f64);
                let wave = 1.0 + 0.08 * f64::from(noise(step * 7 + at as u64));
                let raw = (0.4 + 3.0 * at as f64 + 6.0 / (1.0 + time)) * wave;
                TermValue { term: term.id.clone(), raw, weight: self.weights[at].0, parameter: None }
            })
            .collect();
        let total = values.iter().map(|value| value.raw * value.weight).sum();
        let report =
            StepReport { step, total, learning_rate: self.rate.0, gradient_norm: 1.0 / step as f64, terms: values };
        out.tell(Event::Stepped { report, secs: self.script.pace.map_or(0.025, |pace| pace.as_secs_f64()) });
        if step == 1 {
            self.judge(out, Subject::Random, "quick@100x3", TestedOn::Holdout, 0.71, 0.02);
            self.judge(out, Subject::Whole, "whole@60", TestedOn::Test, 0.971, 0.0);
        }
        if step % 50 == 0 {
            let gain = 0.9 - 0.18 * (-(step as f64) / 120.0).exp();
            self.judge(out, Subject::Synthetic, "quick@100x3", TestedOn::Holdout, gain, 0.012);
            out.tell(Event::Checkpointed { step });
        }
        if last {
            self.judge(out, Subject::Synthetic, "dm@300x5", TestedOn::Test, 0.905, 0.006);
            self.running = false;
            out.tell(Event::Finished { step, complete: true });
            self.show(out);
        }
    }

    fn judge(&self, out: &Backstage, subject: Subject, protocol: &str, tested_on: TestedOn, mean: f64, std: f64) {
        let Some(run) = &self.run else { return };
        let repeats = if std > 0.0 { 3 } else { 1 };
        let whole = subject == Subject::Whole;
        out.tell(Event::Evaluated(Evaluation {
            step: run.step,
            subject,
            tested_on,
            accuracy: Accuracy { mean, std, repeats, protocol: protocol.to_owned() },
            values: vec![mean; repeats],
            network: "ConvNet, depth 2, width 32".to_owned(),
            confusion: confusion(mean),
            called: (0..if whole { 0 } else { 10 * run.per_class })
                .map(|image| Called { class: (image / run.per_class) as u32, probability: mean })
                .collect(),
            images: if whole { run.data.train } else { 10 * run.per_class },
            bytes: if whole { run.data.train as u64 * 64 } else { run.bytes },
            secs: 4.0,
            test_uses: 1,
        }));
    }

    fn show(&mut self, out: &Backstage) {
        let Some(run) = &self.run else { return };
        self.shown = Instant::now();
        let shares = self.weights.iter().enumerate().map(|(at, weight)| weight.0 * (1.0 + at as f64 * 2.0));
        let sum: f64 = shares.clone().sum::<f64>().max(1e-12);
        out.show(Frame {
            step: run.step,
            gallery: self.wants.gallery.map(|view| self.gallery(run, view)),
            features: self.wants.features.then(|| self.plane(run)),
            pulls: self.wants.pulls.then(|| shares.map(|share| share / sum).collect()),
            information: self.wants.information.then(|| self.information(run)),
        });
    }

    /// Features that lie the nearer to each other the longer the run.
    fn information(&self, run: &RunInfo) -> InformationView {
        const DIMENSIONS: usize = 24;
        let spread = 0.6 + 2.0 * (-(run.step as f32) / 90.0).exp();
        let of_class = |class: usize| {
            let feature = |at: usize| {
                let (image, feature) = (at / DIMENSIONS, at % DIMENSIONS);
                2.0 * noise((class * 100 + feature) as u64)
                    + spread * noise((class * 9000 + image * 40 + feature) as u64)
            };
            let features: Vec<f32> = (0..run.per_class * DIMENSIONS).map(feature).collect();
            ClassInformation { real: Some((0.9, 0.1)), ..spiritsafe::explain::information(&features, DIMENSIONS) }
        };
        let lens = "ConvNet, depth 2, width 32, trained for 40 epochs".to_owned();
        InformationView { lens, dimensions: DIMENSIONS, classes: (0..10).map(of_class).collect() }
    }

    fn gallery(&self, run: &RunInfo, view: GalleryView) -> Gallery {
        let (classes, images) = (10, run.per_class);
        let mut rgba = vec![255; classes * images * 64 * 4];
        let gone = 1.0 - (-(run.step as f32) / 150.0).exp();
        for class in 0..classes {
            let members = self.data.train().of_class(class as u32);
            let many: Vec<Vec<f32>> = members.iter().take(40).map(|&index| self.image(index)).collect();
            for image in 0..images {
                let start = self.image(members[image % members.len()]);
                for pixel in 0..64 {
                    let mean = many.iter().map(|values| values[pixel]).sum::<f32>() / many.len() as f32;
                    let wave = 0.12 * noise((class * 6400 + image * 64 + pixel) as u64);
                    let now = start[pixel] + gone * (0.75 * (mean - start[pixel]) + wave);
                    let value = match view {
                        GalleryView::Start => start[pixel],
                        GalleryView::Now | GalleryView::Opened => now,
                        GalleryView::Difference => 0.5 + 0.5 * (now - start[pixel]),
                    };
                    let (row, column) = (class * 8 + pixel / 8, image * 8 + pixel % 8);
                    let at = 4 * (row * images * 8 + column);
                    rgba[at..at + 3].fill((255.0 * value.clamp(0.0, 1.0)) as u8);
                }
            }
        }
        let count = classes * images;
        Gallery {
            view,
            cell: [8, 8],
            grid: [images, classes],
            rgba: rgba.into(),
            moved: (0..count).map(|at| 0.2 * gone * (1.0 + 0.2 * noise(at as u64))).collect(),
            clipped: vec![0.02 * gone; count],
        }
    }

    fn image(&self, index: u32) -> Vec<f32> {
        let mut values = vec![0.0; 64];
        self.data.train().pixels_of(&self.data, index, &mut values);
        values
    }

    fn plane(&self, run: &RunInfo) -> FeaturePlane {
        let gone = 1.0 - (-(run.step as f32) / 100.0).exp();
        let mut synthetic = Vec::new();
        for class in 0..10 {
            let centre = self.ground.spreads[class].centre;
            for image in 0..run.per_class {
                let seed = (class * 1000 + image * 2) as u64;
                let (x, y) = (noise(seed), noise(seed + 1));
                let wide = 1.4 - 0.9 * gone;
                synthetic.push(Point {
                    at: [centre[0] + wide * x, centre[1] + wide * y],
                    class: class as u16,
                    hidden: 1.0 + noise(seed + 7).abs() * (2.0 - gone),
                });
            }
        }
        let wide = 0.8 - 0.5 * gone;
        let ellipse = |real: &Ellipse| Ellipse { major: [wide, 0.1], minor: [-0.1, wide * 0.7], ..*real };
        FeaturePlane {
            ground: self.ground.clone(),
            synthetic,
            spreads: self.ground.spreads.iter().map(ellipse).collect(),
            balls: self.ground.spreads.iter().map(|real| Ball { centre: real.centre, radius: 1.0 }).collect(),
            threshold: Some(1.2),
        }
    }
}

/// Reads images in their own range.
trait Pixels {
    fn pixels_of(&self, data: &Dataset, index: u32, out: &mut [f32]);
}

impl Pixels for spiritsafe::data::Split {
    fn pixels_of(&self, data: &Dataset, index: u32, out: &mut [f32]) {
        data.fetch(self, index, out);
        data.normalisation().denormalise(out);
    }
}

fn ground() -> Ground {
    let centre = |class: usize| {
        let angle = TAU * class as f32 / 10.0;
        let far = if class.is_multiple_of(2) { 5.5 } else { 3.4 };
        [far * angle.cos() * 1.25, far * angle.sin()]
    };
    let spread = |class: usize| {
        let (sin, cos) = (class as f32 * 1.3).sin_cos();
        Ellipse { centre: centre(class), major: [0.9 * cos, 0.9 * sin], minor: [-0.5 * sin, 0.5 * cos] }
    };
    let spreads: Vec<Ellipse> = (0..10).map(spread).collect();
    let real = (0..1500).map(|at| {
        let class = at % 10;
        let Ellipse { centre, major, minor } = spreads[class];
        let (a, b) = (noise(at as u64 * 3) * 1.5, noise(at as u64 * 3 + 1) * 1.5);
        let along = |axis: usize| centre[axis] + a * major[axis] + b * minor[axis];
        Point { at: [along(0), along(1)], class: class as u16, hidden: 1.0 + noise(at as u64).abs() }
    });
    Ground {
        lens: "ConvNet, depth 2, width 32, trained 5 epochs".to_owned(),
        accuracy: Some(0.963),
        pool: 2,
        dimensions: 128,
        kept_variance: 0.41,
        real: real.collect(),
        spreads,
    }
}

/// A steady number around 0, roughly a Gaussian of deviation 0.6.
fn noise(seed: u64) -> f32 {
    let mut sum = 0.0;
    for round in 0..4 {
        let mut bits = (seed + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15).wrapping_add(round * 0xBF58_476D_1CE4_E5B9);
        bits ^= bits >> 29;
        bits = bits.wrapping_mul(0x94D0_49BB_1331_11EB);
        bits ^= bits >> 32;
        sum += (bits as f64 / u64::MAX as f64 - 0.5) as f32;
    }
    sum
}

/// Ten classes, of which some are taken for their neighbours.
fn confusion(mean: f64) -> Vec<Vec<u32>> {
    let cell = |row: usize, column: usize| match column.abs_diff(row) {
        0 => 300.0 * mean + 10.0 * f64::from(noise(row as u64)),
        1 => 300.0 * (1.0 - mean) * f64::from(noise((row * 10 + column) as u64)).abs(),
        _ => 2.0,
    };
    (0..10).map(|row| (0..10).map(|column| cell(row, column) as u32).collect()).collect()
}

/// What `spiritsafe compare` would have written.
fn comparison() -> Comparison {
    let row = |preset: &str, mean: f64, bytes| Compared {
        preset: preset.to_owned(),
        accuracy: Accuracy { mean, std: 0.008, repeats: 15, protocol: "dm@300x3".to_owned() },
        seeds: 5,
        bytes,
        images: 100,
        secs: Some(4.0),
        peak_rss_bytes: Some(22_000_000),
    };
    Comparison {
        data: "digits".to_owned(),
        per_class: 10,
        protocol: "dm@300x3".to_owned(),
        network: "ConvNet, depth 2, width 32".to_owned(),
        rows: vec![
            row("digits", 0.942, 6400),
            row("iid-digits", 0.957, 6400),
            row("random", 0.917, 6400),
            row("iid-20", 0.963, 12_800),
        ],
        published: Vec::new(),
    }
}

/// A folder in the hand of the mouse.
#[derive(Debug)]
pub(crate) struct Dropped(pub(crate) std::path::PathBuf);

impl egui::DroppedFile for Dropped {
    fn path(&self) -> &std::path::Path {
        &self.0
    }

    fn bytes(&self) -> Result<Vec<u8>, String> {
        Err("this is a folder".to_owned())
    }
}
