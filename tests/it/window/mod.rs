//! A scripted engine: it answers every command as the real one does, with made-up but steady numbers and real digits for
//! pictures. Equal commands and ticks give equal answers.
#![allow(dead_code)]

pub(crate) mod bench;
mod made;
mod pages;

use std::{
    path::PathBuf,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use crossbeam_channel::{Receiver, Sender, never, select, tick, unbounded};
use spiritsafe::{
    config::RunConfig,
    data::{DataSpec, Dataset},
    engine::{Answer, Backstage, Command, Engine, Event, Request, Start, Trial},
    methods::QueueSpec,
    report::{
        Accuracy, Called, Control, ControlKind, DataSummary, Evaluation, Frame, Ground, Intervention, LEARNING_RATE,
        OpenedSet, PaperMark, ReadAs, Reading, RunInfo, StepReport, Subject, TermValue, TestedOn, ValueRange, Verdict,
        Wants,
    },
};

use made::{comparison, confusion, ground, noise};

/// What a test makes the engine do by itself.
pub(crate) enum Tick {
    /// Steps, if the run is not paused.
    Steps(u64),
    /// Say this.
    Say(Box<Event>),
    /// End, as a thread that panicked does.
    Die,
}

impl Tick {
    /// Says this.
    pub(crate) fn say(event: Event) -> Self {
        Self::Say(Box::new(event))
    }
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
    /// Take some frames to make a run ready.
    pub is_slow: bool,
}

/// The preset `digits`, to be written nowhere.
pub(crate) fn first() -> Start {
    let config = RunConfig::preset("digits", &[]).expect("a preset");
    Start::new(config, PathBuf::from("runs/digits"))
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
    queue: Option<QueueSpec>,
    /// Of each control, in force and asked for.
    values: Vec<(f64, f64)>,
    running: bool,
    /// Requests for evaluations.
    waiting: Vec<u64>,
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
            queue: None,
            values: Vec::new(),
            running: false,
            waiting: Vec::new(),
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
                    Ok(request) => self.hear(request, out),
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
                    Ok(Tick::Say(event)) => out.tell(*event),
                    Ok(Tick::Die) => panic!("as asked"),
                    Err(_) => {
                        if self.script.pace.is_none() { return; }
                        std::thread::sleep(Duration::from_millis(1));
                        if self.running { self.step(out); self.show_when_due(out); }
                        while let Ok(request) = out.commands.try_recv() { self.hear(request, out); }
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

    fn hear(&mut self, Request { number, command }: Request, out: &Backstage) {
        let (is_trial, cancels) =
            (matches!(command, Command::Evaluate(_)), matches!(command, Command::CancelEvaluation));
        let answer = self.obey(command, out);
        if cancels {
            self.waiting.drain(..).for_each(|number| out.answer(number, Answer::Cancelled));
        }
        match is_trial {
            true => self.waiting.push(number),
            false => out.answer(number, answer),
        }
    }

    fn obey(&mut self, command: Command, out: &Backstage) -> Answer {
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
            Command::Set { control, value } => {
                let controls = self.run.as_ref().map(|run| run.controls.clone()).unwrap_or_default();
                if let Some(at) = controls.iter().position(|known| known.id == control) {
                    self.values[at].1 = value;
                }
                // What belongs to a term is in force at once.
                if control.contains('.') {
                    self.apply(out);
                }
            }
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
            Command::Analyse(_) | Command::CancelEvaluation => {
                out.tell(Event::EvaluationCancelled);
            }
            Command::Inspect(config) if config.data.to_string().contains("broken") => {
                out.wake();
                return Answer::Refused { message: "its pictures cannot be read".to_owned(), code: 3 };
            }
            Command::Inspect(config) => out.tell(Event::Inspected(Box::new(DataSummary {
                spec: config.data.to_string(),
                info: self.data.info(),
                counts: vec![100; 10],
                split: "training and test images are those of the published files".to_owned(),
                thumbnails: spiritsafe::distilled::thumbnails(&self.data, 8),
                size: None,
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
            Command::Export(folder) if folder.starts_with("/proc") => {
                out.wake();
                return Answer::Refused {
                    message: format!("cannot create {}. Choose a folder that you may write to", folder.display()),
                    code: 3,
                };
            }
            Command::OpenSet { path, reading } => out.tell(Event::Opened(Box::new(opened(path, reading)))),
            Command::OpenComparison(path) => {
                out.tell(Event::Compared { path, comparison: Box::new(comparison()) });
            }
            Command::Export(folder) | Command::ExportSelection { folder, .. } => out.tell(Event::Exported(folder)),
        }
        Answer::Done
    }

    fn at(&self) -> u64 {
        self.run.as_ref().map_or(0, |run| run.step)
    }

    fn start(&mut self, start: &Start, out: &Backstage) {
        out.tell(Event::Preparing("Reading digits".to_owned()));
        if self.script.silent {
            return;
        }
        if self.script.is_slow {
            std::thread::sleep(Duration::from_millis(300));
        }
        if self.script.refuses {
            let message =
                "the device \"cuda\" does not answer. It needs an NVIDIA GPU and its driver. Use --device cpu";
            out.tell(Event::Failed { message: message.to_owned(), code: 4 });
            return;
        }
        let config = &start.config;
        let term = |id: &str, meaning: &str, weight: f64, paper: Option<f64>| Control {
            paper: paper.map(PaperMark::anywhere).into_iter().collect(),
            ..Control::new(id, meaning, ControlKind::LossWeight, weight, weight)
        };
        let rate = config.optimizer.learning_rate;
        let controls = vec![
            term("mean", "Distance between the class means of real and synthetic features", 1.0, Some(1.0)),
            term("covariance", "Distance between the local covariances of features", 0.05, Some(0.01)),
            Control {
                needs_pool: true,
                ..term("ball", "How far synthetic features leave the ball of their class", 0.01, None)
            },
            Control::new("ball.radius", "Radius of the ball", ControlKind::POSITIVE, 1.0, 1.0),
            Control::new(
                LEARNING_RATE,
                "How far pixels, a map or points move in a step",
                ControlKind::POSITIVE,
                rate,
                rate,
            ),
        ];
        self.values = controls.iter().map(|control| (control.value, control.value)).collect();
        self.queue.clone_from(&config.queue);
        let info = RunInfo {
            name: config.name.clone(),
            about: config.about.clone(),
            data: self.data.info(),
            classes: (0..10).collect(),
            per_class: config.images.per_class,
            packing: config.images.packing,
            scope: String::new(),
            seed: config.seed,
            steps: config.steps,
            step: 0,
            device: "CPU, 2 threads, avx512".to_owned(),
            controls,
            out: start.out.clone(),
            bytes: 64 * 10 * config.images.per_class as u64,
            pages: pages::pages(config),
        };
        self.run = Some(info.clone());
        out.tell(Event::Started(Box::new(info)));
        self.running = !start.paused;
        out.tell(if start.paused { Event::Paused { step: 0, reason: None } } else { Event::Running });
        self.show(out);
    }

    /// What was asked for is in force from the next step on.
    fn apply(&mut self, out: &Backstage) {
        let Some(run) = &self.run else { return };
        for (control, (old, new)) in run.controls.iter().zip(&mut self.values) {
            if old != new {
                let applied = Intervention { step: run.step + 1, control: control.id.clone(), old: *old, new: *new };
                *old = *new;
                out.tell(Event::Applied(applied));
            }
        }
    }

    fn step(&mut self, out: &Backstage) {
        let Some(run) = &mut self.run else { return };
        run.step += 1;
        let (step, last) = (run.step, run.step >= run.steps);
        let terms = run.controls[..3].to_vec();
        run.step -= 1;
        self.apply(out);
        let Some(run) = &mut self.run else { return };
        run.step += 1;
        let values: Vec<TermValue> = terms
            .iter()
            .enumerate()
            .map(|(at, term)| {
                let time = step as f64 / (40.0 + 30.0 * at as f64);
                let wave = 1.0 + 0.08 * f64::from(noise(step * 7 + at as u64));
                let raw = (0.4 + 3.0 * at as f64 + 6.0 / (1.0 + time)) * wave;
                TermValue {
                    term: term.id.clone(),
                    raw,
                    weight: self.values[at].0,
                    parameters: std::collections::BTreeMap::new(),
                }
            })
            .collect();
        let total = values.iter().map(|value| value.raw * value.weight).sum();
        let report = StepReport {
            step,
            total,
            learning_rate: self.values.last().map_or(1.0, |rate| rate.0),
            gradient_norm: 1.0 / step as f64,
            network: None,
            network_accuracy: None,
            cells: if run.pages.iter().any(|page| page.id == "cells") { pages::distances(step) } else { Vec::new() },
            terms: values,
        };
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
            draws: 1,
            step: run.step,
            subject,
            source: None,
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
        let shares = self.values[..3].iter().enumerate().map(|(at, weight)| weight.0 * (1.0 + at as f64 * 2.0));
        let sum: f64 = shares.clone().sum::<f64>().max(1e-12);
        out.show(Frame {
            step: run.step,
            gallery: self.wants.gallery.map(|view| self.gallery(run, view, self.wants.apart)),
            features: self.wants.features.then(|| self.plane(run)),
            pulls: self.wants.pulls.then(|| shares.map(|share| share / sum).collect()),
            pages: self.wants.page.as_ref().and_then(|wanted| self.page(run, wanted)).into_iter().collect(),
        });
    }
}

/// A set as the real engine would tell of it.
fn opened(path: PathBuf, reading: Reading) -> OpenedSet {
    let range = reading.range.unwrap_or(ValueRange::Unit);
    let packing = reading.packing.unwrap_or(1);
    OpenedSet { path, reading, read_as: ReadAs { range, packing, soft_labels: false, note: "100 images".to_owned() } }
}
