//! The window over a scripted engine: no pixels, no graphics driver. The driver of these tests fails any test in which a
//! control has no accessible name.
#![cfg(feature = "gui")]

use std::{
    cell::RefCell,
    path::PathBuf,
    rc::Rc,
    sync::{Arc, mpsc},
    time::{Duration, Instant},
};

use egui::Key;
use egui_kittest::{Harness, kittest::Queryable};
use spiritsafe::{
    app::{App, state::Phase},
    config::RunConfig,
    engine::{Backstage, Command, Engine, Event, Start},
    report::{
        Accuracy, Change, DataInfo, Evaluation, FeaturePlane, Frame, Gallery, GalleryView, Ground, Intervention, Point,
        RunInfo, StepReport, Subject, TermInfo, TermValue, TestedOn,
    },
};

/// An engine that does what a test says, and shows the test what it was asked.
struct Script {
    asked: mpsc::Receiver<Command>,
    say: mpsc::Sender<Said>,
}

enum Said {
    Fact(Box<Event>),
    Picture(Box<Frame>),
    Die,
}

fn scripted() -> (Engine, Script) {
    let (tell, asked) = mpsc::channel();
    let (say, said) = mpsc::channel::<Said>();
    let engine = Engine::with(
        || {},
        move |stage: Backstage| {
            loop {
                match stage.commands.try_recv() {
                    Ok(command) => drop(tell.send(command)),
                    Err(error) if error.is_disconnected() => return,
                    Err(_) => {}
                }
                match said.recv_timeout(Duration::from_millis(1)) {
                    Ok(Said::Fact(event)) => stage.tell(*event),
                    Ok(Said::Picture(frame)) => stage.show(*frame),
                    Ok(Said::Die) | Err(mpsc::RecvTimeoutError::Disconnected) => return,
                    Err(mpsc::RecvTimeoutError::Timeout) => {}
                }
            }
        },
    );
    (engine, Script { asked, say })
}

/// The window in a test, with the engine's side of the conversation.
struct Window {
    harness: Harness<'static, Rc<RefCell<App>>>,
    script: Script,
}

fn start() -> Start {
    let config = RunConfig::preset("digits", &[]).unwrap();
    Start { config, out: PathBuf::from("runs/test"), resume: false, script: Vec::new(), paused: false }
}

impl Window {
    fn open() -> Self {
        Self::with(None)
    }

    fn with(stored: Option<&str>) -> Self {
        let (engine, script) = scripted();
        let app = Rc::new(RefCell::new(App::with(&egui::Context::default(), engine, start(), stored)));
        let harness = Harness::builder()
            .with_size([1440.0, 900.0])
            .with_max_steps(8)
            .build_ui_state(|ui, app: &mut Rc<RefCell<App>>| app.borrow_mut().show(ui), app);
        Self { harness, script }
    }

    /// Lets the engine say something and the window hear it.
    fn say(&mut self, event: Event) {
        self.script.say.send(Said::Fact(Box::new(event))).unwrap();
        self.settle();
    }

    fn show(&mut self, frame: Frame) {
        self.script.say.send(Said::Picture(Box::new(frame))).unwrap();
        self.settle();
    }

    fn settle(&mut self) {
        std::thread::sleep(Duration::from_millis(15));
        self.harness.run_steps(3);
    }

    /// The next request that `wanted` accepts.
    fn asked<T>(&self, mut wanted: impl FnMut(Command) -> Option<T>) -> T {
        let end = Instant::now() + Duration::from_secs(5);
        loop {
            let left = end.saturating_duration_since(Instant::now());
            let command = self.script.asked.recv_timeout(left).expect("the window did not ask for it");
            if let Some(found) = wanted(command) {
                return found;
            }
        }
    }

    fn press(&mut self, key: Key) {
        self.harness.key_press(key);
        self.harness.run_steps(2);
    }

    fn phase(&self) -> Phase {
        self.harness.state().borrow().state().phase.clone()
    }
}

fn info() -> RunInfo {
    let term = |id: &str, weight| TermInfo {
        id: id.to_owned(),
        meaning: format!("Measures the {id}"),
        default_weight: weight,
        paper_weight: Some(weight),
        weight,
    };
    RunInfo {
        name: "digits".to_owned(),
        about: "A test".to_owned(),
        data: DataInfo {
            name: "digits".to_owned(),
            origin: "nowhere".to_owned(),
            class_names: vec!["zero".to_owned(), "one".to_owned()],
            shape: [1, 2, 2],
            train: 20,
            holdout: 2,
            test: 4,
            fingerprint: "0".repeat(64),
        },
        classes: vec![0, 1],
        per_class: 2,
        seed: 0,
        steps: 100,
        step: 0,
        device: "CPU".to_owned(),
        terms: vec![term("mean", 1.0), term("covariance", 0.01)],
        learning_rate: 1.0,
        out: "runs/test".into(),
        bytes: 16,
    }
}

fn stepped(step: u64) -> Event {
    let term = |id: &str, weight| TermValue { term: id.to_owned(), raw: 1.0 / step as f64, weight };
    let report = StepReport {
        step,
        total: 1.01 / step as f64,
        learning_rate: 1.0,
        gradient_norm: 0.5,
        terms: vec![term("mean", 1.0), term("covariance", 0.01)],
    };
    Event::Stepped { report, secs: 0.01 }
}

fn frame(step: u64) -> Frame {
    let gallery = Gallery {
        view: GalleryView::Now,
        cell: [2, 2],
        grid: [2, 2],
        rgba: vec![128; 2 * 2 * 4 * 4].into(),
        moved: vec![0.1; 4],
        clipped: vec![0.0; 4],
    };
    let point = |class, x| Point { at: [x, -x], class, hidden: 0.2 };
    let ground = Ground {
        lens: "a test lens".to_owned(),
        accuracy: Some(0.9),
        is_matching_space: false,
        dimensions: 8,
        kept_variance: 0.5,
        real: vec![point(0, 0.0), point(1, 1.0), point(0, 0.3)],
        spreads: Vec::new(),
    };
    let features = FeaturePlane {
        ground: Arc::new(ground),
        synthetic: vec![point(0, 0.1), point(0, 0.2), point(1, 0.8), point(1, 0.9)],
        spreads: Vec::new(),
        balls: Vec::new(),
    };
    Frame { step, gallery: Some(gallery), features: Some(features), pulls: Some(vec![0.75, 0.25]) }
}

fn evaluation(subject: Subject, mean: f64) -> Event {
    Event::Evaluated(Evaluation {
        step: 3,
        subject,
        tested_on: TestedOn::Test,
        accuracy: Accuracy { mean, std: 0.01, repeats: 5, protocol: "dm@300x5".to_owned() },
        values: vec![mean; 5],
        images: 4,
        bytes: 16,
        secs: 1.0,
        test_uses: 1,
    })
}

/// A window in which a run goes on.
fn running() -> Window {
    let mut window = Window::open();
    window.say(Event::Started(Box::new(info())));
    window.say(Event::Running);
    (1..=3).for_each(|step| window.say(stepped(step)));
    window.show(frame(3));
    window
}

#[test]
fn it_begins_at_once_and_says_so_until_the_run_stands() {
    let mut window = Window::open();
    let out = window.asked(|command| if let Command::Start(start) = command { Some(start.out) } else { None });
    assert_eq!(out, PathBuf::from("runs/test"));
    window.settle();
    assert!(matches!(window.phase(), Phase::Preparing(_)));
    window.harness.get_by_label("No images yet");
    window.harness.get_by_label("No steps yet");
}

#[test]
fn every_arrangement_draws_every_panel_empty_running_paused_and_failed() {
    for key in [Key::Num1, Key::Num2, Key::Num3, Key::Num4] {
        let mut window = Window::open();
        window.press(key);
        window.say(Event::Started(Box::new(info())));
        window.say(stepped(1));
        window.show(frame(1));
        window.say(evaluation(Subject::Synthetic, 0.9));
        window.say(evaluation(Subject::Random, 0.8));
        window.say(evaluation(Subject::Whole, 0.97));
        window.say(Event::Warning("the checkpoint is damaged".to_owned()));
        window.say(Event::Paused { step: 1, reason: Some("something failed".to_owned()) });
        window.say(Event::Failed { message: "the disk is full. Free some space".to_owned(), code: 3 });
        window.harness.get_by_label("the disk is full. Free some space");
        window.harness.get_by_label("Dismiss").click();
        window.settle();
        assert!(window.harness.query_by_label("the disk is full. Free some space").is_none());
    }
}

#[test]
fn space_pauses_and_goes_on_and_s_does_one_step() {
    let mut window = running();
    window.press(Key::Space);
    window.asked(|command| matches!(command, Command::Pause).then_some(()));
    window.say(Event::Paused { step: 3, reason: None });
    window.press(Key::S);
    window.asked(|command| matches!(command, Command::Step).then_some(()));
    window.press(Key::Space);
    window.asked(|command| matches!(command, Command::Resume).then_some(()));
}

#[test]
fn a_weight_moved_is_told_and_pending_until_it_is_acknowledged() {
    let mut window = running();
    window.harness.get_by_label("mean in force");
    window.harness.get_by_label("Weight of mean").focus();
    window.harness.run_steps(2);
    window.press(Key::ArrowRight);
    let weight = window.asked(|command| match command {
        Command::SetWeight { term, weight } if term == "mean" => Some(weight),
        _ => None,
    });
    assert!(weight > 1.0, "{weight}");
    window.settle();
    window.harness.get_by_label("mean waits for the next step");
    let change = Change::Weight { term: "mean".to_owned(), old: 1.0, new: weight };
    window.say(Event::Applied(Intervention { step: 4, change }));
    window.harness.get_by_label("mean in force");
}

#[test]
fn mute_and_solo_are_weights_of_zero_that_come_back() {
    let mut window = running();
    let weight = |wanted: &'static str| {
        move |command| match command {
            Command::SetWeight { term, weight } if term == wanted => Some(weight),
            _ => None,
        }
    };
    window.harness.get_by_label("Mute covariance").click();
    window.settle();
    assert_eq!(window.asked(weight("covariance")), 0.0);
    window.harness.get_by_label("Mute covariance").click();
    window.settle();
    assert_eq!(window.asked(weight("covariance")), 0.01);
    window.harness.get_by_label("Solo covariance").click();
    window.settle();
    assert_eq!(window.asked(weight("mean")), 0.0);
}

#[test]
fn it_asks_only_for_pictures_that_can_be_seen() {
    let mut window = running();
    let wants = |command| if let Command::Watch(wants) = command { Some(wants) } else { None };
    let all = window.asked(wants);
    assert!(all.gallery.is_some() && all.features);
    window.press(Key::G);
    let next = window.asked(|command| wants(command).filter(|wants| wants.gallery == Some(GalleryView::Start)));
    assert!(next.features);
    // Pictures off while running, and back for the last frame when the run ends.
    window.press(Key::P);
    window.asked(|command| wants(command).filter(|wants| wants.gallery.is_none() && !wants.features));
    window.say(Event::Finished { step: 100, complete: true });
    window.asked(|command| wants(command).filter(|wants| wants.gallery.is_some() && wants.features));
}

#[test]
fn a_paused_window_rests() {
    let mut window = running();
    window.say(Event::Paused { step: 3, reason: None });
    // It panics if frames go on being asked for.
    window.harness.run();
}

#[test]
fn a_dying_engine_is_said_and_the_last_pictures_stay() {
    let mut window = running();
    window.script.say.send(Said::Die).unwrap();
    window.settle();
    window.settle();
    assert_eq!(window.phase(), Phase::Failed);
    let app = window.harness.state().borrow();
    assert!(app.state().pictures.gallery(GalleryView::Now).is_some());
    assert!(app.state().failure.as_ref().unwrap().contains("saved"));
}

#[test]
fn what_an_older_version_stored_falls_back_to_the_standard_arrangement() {
    for stored in ["", "no json", "{\"version\":0}", "{\"version\":1,\"view\":{},\"tree\":{\"root\":9}}"] {
        let mut window = Window::with(Some(stored));
        window.say(Event::Started(Box::new(info())));
        window.harness.get_by_label("Weight of mean");
    }
    let mut window = running();
    window.press(Key::L);
    let stored = window.harness.state().borrow().stored().unwrap();
    Window::with(Some(&stored)).settle();
    assert!(stored.contains("\"log_axis\":false"));
}

#[test]
fn a_hundred_thousand_steps_are_drawn_in_a_few_milliseconds() {
    let mut window = running();
    for step in 4..=100_000 {
        window.script.say.send(Said::Fact(Box::new(stepped(step)))).unwrap();
    }
    let end = Instant::now() + Duration::from_secs(60);
    while window.harness.state().borrow().state().step < 100_000 {
        assert!(Instant::now() < end, "the window fell behind");
        window.settle();
    }
    let mut times: Vec<Duration> = (0..20)
        .map(|_| {
            let clock = Instant::now();
            window.harness.step();
            clock.elapsed()
        })
        .collect();
    times.sort();
    // The bar is 8 ms; noisy machines get some room, a linear walk over the steps would take far longer.
    assert!(times[10] < Duration::from_millis(25), "median {:?}", times[10]);
}
