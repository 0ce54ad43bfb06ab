//! The window without a screen: every panel in every state, every control by keyboard, over a scripted engine.
#![cfg(feature = "gui")]

mod window;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use crossbeam_channel::Sender;
use egui::{Key, Modifiers};
use egui_kittest::{
    Harness,
    kittest::{NodeT, Queryable},
};
use spiritsafe::{
    app::{App, layout::Pane, state::Phase},
    engine::{Command, Event, Start},
    report::GalleryView,
};
use window::{Dropped, Script, Tick, first, scripted};

/// A window with the other side of its engine.
struct Bench {
    window: Harness<'static, App>,
    ticks: Sender<Tick>,
    heard: Arc<Mutex<Vec<Command>>>,
}

/// What eframe would keep on disk.
#[derive(Clone, Default)]
struct Shelf(HashMap<String, String>);

impl eframe::Storage for Shelf {
    fn get_string(&self, key: &str) -> Option<String> {
        self.0.get(key).cloned()
    }
    fn set_string(&mut self, key: &str, value: String) {
        self.0.insert(key.to_owned(), value);
    }
    fn remove_string(&mut self, key: &str) {
        self.0.remove(key);
    }
    fn flush(&mut self) {}
}

fn open_with(script: Script, start: Start, shelf: Shelf) -> Bench {
    let mut other = None;
    let window = Harness::builder().with_size([1440.0, 900.0]).with_max_steps(12).build_eframe(|cc| {
        let kept: &'static Shelf = Box::leak(Box::new(shelf));
        cc.storage = Some(kept);
        let ctx = cc.egui_ctx.clone();
        let scripted = scripted(script, move || ctx.request_repaint());
        other = Some((scripted.ticks, scripted.heard));
        App::new(cc, scripted.engine, start)
    });
    let (ticks, heard) = other.expect("the window was made");
    Bench { window, ticks, heard }
}

fn open(script: Script) -> Bench {
    open_with(script, first(), Shelf::default())
}

/// A window over a run that has done some steps and waits.
fn paused_after(steps: u64) -> Bench {
    let mut bench = running_after(steps);
    bench.window.key_press(Key::Space);
    bench.until("paused", |app| matches!(app.run_state().phase, Phase::Paused { .. }));
    bench
}

fn running_after(steps: u64) -> Bench {
    let mut bench = open(Script::default());
    bench.until("running", |app| app.run_state().phase == Phase::Running);
    bench.steps(steps);
    bench
}

impl Bench {
    /// Frames until something is true; the engine has a thread of its own.
    fn until(&mut self, what: &str, mut is_true: impl FnMut(&App) -> bool) {
        let begun = Instant::now();
        loop {
            self.window.step();
            if is_true(self.window.state()) {
                return;
            }
            assert!(begun.elapsed() < Duration::from_secs(20), "never: {what}");
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    fn steps(&mut self, count: u64) {
        let wanted = self.window.state().run_state().step + count;
        self.ticks.send(Tick::Steps(count)).unwrap();
        self.until("steps", |app| app.run_state().step >= wanted);
    }

    /// A command that the engine has heard.
    fn hears(&mut self, what: &str, mut is_it: impl FnMut(&Command) -> bool) {
        let heard = self.heard.clone();
        self.until(what, |_| heard.lock().unwrap().iter().any(&mut is_it));
    }

    fn press(&mut self, key: Key) {
        self.window.key_press(key);
        self.window.step();
        self.window.step();
    }

    fn focus(&mut self, label: &str) {
        self.window.get_by_label(label).focus();
        self.window.step();
    }

    /// Every arrangement of the panels, so that each is drawn large and small, and each tab.
    fn visit_all(&mut self) {
        for key in [Key::Num1, Key::Num2, Key::Num3, Key::Num4] {
            self.press(key);
            for pane in Pane::ALL {
                if let Some(tab) = self.window.query_by_role_and_label(egui::accesskit::Role::Button, pane.title()) {
                    tab.click();
                    self.window.step();
                    self.window.step();
                }
                self.window.check_accessibility();
            }
        }
    }
}

#[test]
fn empty_panels_say_what_will_come() {
    let mut bench = open(Script { silent: true, ..Script::default() });
    bench.until("preparing", |app| matches!(&app.run_state().phase, Phase::Preparing(what) if what.contains("digits")));
    for hint in ["No images yet", "No points yet", "No step yet", "No run yet"] {
        assert!(bench.window.query_all_by_label(hint).next().is_some(), "{hint}");
    }
    bench.visit_all();
    bench.window.run();
}

#[test]
fn a_running_window_draws_every_panel_and_sums_up_its_charts() {
    let mut bench = running_after(120);
    bench.visit_all();
    bench.press(Key::Num1);
    assert!(bench.window.query_by_label_contains("Losses: total loss").is_some());
    assert!(bench.window.query_by_label_contains("Gallery, 10 classes with 10 images").is_some());
    assert!(bench.window.query_by_label_contains("Feature space: 1500 real and 100 synthetic").is_some());
    bench.window.get_by_role_and_label(egui::accesskit::Role::Button, "Storage and accuracy").click();
    bench.window.run_steps(3);
    let sentence = "Synthetic 82.2 % (± 1.2) by quick@100x3 on hold-out";
    assert!(bench.window.query_by_label_contains(sentence).is_some());
}

#[test]
fn a_paused_window_draws_nothing() {
    let mut bench = paused_after(60);
    bench.window.run();
    for _ in 0..3 {
        assert_eq!(bench.window.run(), 1, "a frame asked for another one");
    }
    bench.visit_all();
    bench.window.run();
}

#[test]
fn a_refused_start_is_told_and_can_be_tried_again() {
    let mut bench = open(Script { refuses: true, ..Script::default() });
    bench.until("failed", |app| app.run_state().phase == Phase::Failed);
    bench.window.run();
    assert!(bench.window.query_all_by_label_contains("Use --device cpu").next().is_some());
    bench.visit_all();
    bench.press(Key::Num1);
    bench.window.get_by_label("New run").click();
    let heard = bench.heard.clone();
    bench.until("a second start", |_| {
        heard.lock().unwrap().iter().filter(|command| matches!(command, Command::Start(_))).count() == 2
    });
}

#[test]
fn a_dead_engine_leaves_its_last_pictures() {
    let mut bench = running_after(30);
    bench.ticks.send(Tick::Die).unwrap();
    bench.until("lost", |app| app.run_state().phase == Phase::Failed);
    bench.window.run();
    assert!(bench.window.query_all_by_label_contains("The engine has ended").next().is_some());
    assert!(bench.window.query_by_label_contains("Gallery, 10 classes").is_some());
    bench.visit_all();
}

#[test]
fn a_moved_weight_is_hollow_until_the_engine_acknowledges() {
    let mut bench = running_after(5);
    bench.focus("Weight of mean");
    bench.press(Key::ArrowRight);
    bench.hears("the weight", |command| {
        matches!(command, Command::SetWeight { term, weight } if term == "mean" && (*weight - 1.05).abs() < 1e-9)
    });
    assert!(bench.window.query_by_label("mean waits for the next step").is_some());
    bench.steps(1);
    bench.until("applied", |app| !app.run_state().desk.terms[0].is_pending());
    bench.window.step();
    assert!(bench.window.query_by_label("mean in force").is_some());
    assert_eq!(bench.window.state().run_state().marks.last().unwrap().text(), "mean 1 to 1.05");
    let newest = bench.window.state().run_state().history.newest.clone().unwrap();
    assert_eq!((newest.step, newest.terms[0].weight), (6, 1.05), "the very next step feels it");
}

#[test]
fn the_mixer_is_played_by_keyboard() {
    let mut bench = paused_after(5);
    bench.focus("Weight of mean");
    bench.press(Key::M);
    bench.hears(
        "mute",
        |command| matches!(command, Command::SetWeight { term, weight } if term == "mean" && *weight == 0.0),
    );
    bench.press(Key::M);
    bench.hears(
        "unmute",
        |command| matches!(command, Command::SetWeight { term, weight } if term == "mean" && *weight == 1.0),
    );
    bench.press(Key::ArrowDown);
    assert!(bench.window.get_by_label("Weight of covariance").is_focused());
    bench.press(Key::S);
    bench.hears(
        "solo",
        |command| matches!(command, Command::SetWeight { term, weight } if term == "ball" && *weight == 0.0),
    );
    assert_eq!(bench.window.state().run_state().desk.solo, Some(1));
    bench.press(Key::S);
    bench.press(Key::ArrowLeft);
    bench.press(Key::Num0);
    assert_eq!(bench.window.state().run_state().desk.terms[1].fader, 0.05, "0 goes back to the default");
    assert_eq!(bench.window.state().visible_panes().len(), 5, "the layout did not take the key");
    bench.press(Key::ArrowDown);
    bench.press(Key::ArrowDown);
    assert!(bench.window.get_by_label("Learning rate").is_focused());
    bench.press(Key::ArrowLeft);
    bench.hears("the rate", |command| matches!(command, Command::SetLearningRate(rate) if *rate < 1.0));
}

#[test]
fn the_radius_of_the_ball_has_a_fader_of_its_own() {
    let mut bench = running_after(2);
    bench.focus("radius of ball");
    bench.press(Key::ArrowRight);
    bench.hears("the radius", |command| {
        matches!(command, Command::SetParameter { term, value } if term == "ball" && (*value - 1.05).abs() < 1e-9)
    });
    bench.until("applied", |app| {
        app.run_state().desk.terms[2].parameter.as_ref().is_some_and(|radius| radius.applied == 1.05)
    });
}

#[test]
fn a_typed_weight_counts_when_it_is_typed_to_its_end() {
    let mut bench = paused_after(2);
    let number = bench.window.get_by_label("mean weight as a number");
    number.click();
    bench.window.run_steps(2);
    bench.window.key_press_modifiers(Modifiers::COMMAND, Key::A);
    for text in ["0", ".", "2"] {
        bench.window.event(egui::Event::Text(text.to_owned()));
        bench.window.run_steps(2);
    }
    bench.press(Key::Enter);
    bench.hears("the weight", |command| matches!(command, Command::SetWeight { .. }));
    let heard = bench.heard.lock().unwrap();
    let weights: Vec<f64> = heard
        .iter()
        .filter_map(|command| if let Command::SetWeight { weight, .. } = command { Some(*weight) } else { None })
        .collect();
    assert_eq!(weights, [0.2], "half a number is no wish");
}

#[test]
fn a_screen_reader_can_set_a_weight() {
    let mut bench = paused_after(2);
    bench.window.get_by_label("Weight of mean").set_value_accesskit(0.25);
    bench.hears("the weight", |command| matches!(command, Command::SetWeight { weight, .. } if *weight == 0.25));
}

#[test]
fn the_run_is_driven_by_keyboard() {
    let mut bench = running_after(3);
    bench.press(Key::Space);
    bench.until("paused", |app| matches!(app.run_state().phase, Phase::Paused { .. }));
    bench.press(Key::S);
    bench.until("a step", |app| app.run_state().step == 4 && matches!(app.run_state().phase, Phase::Paused { .. }));
    bench.press(Key::Space);
    bench.until("running", |app| app.run_state().phase == Phase::Running);
    bench.focus("Stop");
    bench.press(Key::Space);
    bench.until("stopped", |app| app.run_state().phase == Phase::Finished { complete: false });
    bench.window.step();
    bench.focus("Resume");
    bench.press(Key::Enter);
    bench.hears("a resume", |command| matches!(command, Command::Start(start) if start.resume));
}

#[test]
fn a_pace_is_chosen_by_key_and_by_list() {
    let mut bench = running_after(3);
    let heard = |bench: &mut Bench, wanted: Option<f64>| {
        bench.hears("the pace", move |command| matches!(command, Command::SetPace(pace) if *pace == wanted));
    };
    bench.press(Key::Comma);
    heard(&mut bench, Some(100.0));
    bench.window.get_by_label("Pace").click();
    bench.window.run_steps(2);
    bench.window.get_by_label("2 a second").click();
    bench.window.run_steps(2);
    heard(&mut bench, Some(2.0));
    bench.press(Key::Comma);
    assert_eq!(bench.window.state().view().pace, Some(2.0), "nothing is slower");
    assert!(bench.window.query_by_label("2.0/s").is_some(), "the status bar says the pace that is held");
    bench.press(Key::Period);
    heard(&mut bench, Some(10.0));
}

#[test]
fn keys_turn_what_is_seen() {
    let mut bench = paused_after(3);
    bench.press(Key::G);
    bench.hears(
        "the start",
        |command| matches!(command, Command::Watch(wants) if wants.gallery == Some(GalleryView::Start)),
    );
    bench.until("its picture", |app| app.run_state().pictures.gallery(GalleryView::Start).is_some());
    let before = bench.window.state().view().clone();
    for key in [Key::L, Key::W, Key::T] {
        bench.press(key);
    }
    let view = bench.window.state().view().clone();
    assert_eq!((view.log_axis, view.weighted), (!before.log_axis, !before.weighted));
    bench.window.key_press_modifiers(Modifiers::SHIFT, Key::Questionmark);
    bench.window.run_steps(3);
    assert!(bench.window.query_all_by_label_contains("Keys and marks").next().is_some());
    bench.press(Key::Escape);
    assert!(!bench.window.state().view().help);
    bench.window.key_press_modifiers(Modifiers::COMMAND, Key::Plus);
    bench.window.run_steps(2);
    assert!(bench.window.ctx.zoom_factor() > 1.0);
    bench.press(Key::Num2);
    assert_eq!(bench.window.state().visible_panes().len(), 3);
}

#[test]
fn only_what_can_be_seen_is_asked_for() {
    let mut bench = running_after(3);
    bench.press(Key::Num2);
    bench.hears("fewer wishes", |command| matches!(command, Command::Watch(wants) if !wants.pulls && wants.features));
    let count = || bench.heard.lock().unwrap().iter().filter(|command| matches!(command, Command::Watch(_))).count();
    let before = count();
    bench.window.run_steps(5);
    assert_eq!(count(), before, "wishes are told when they change, not every frame");
}

#[test]
fn with_pictures_off_the_end_is_still_shown() {
    let mut start = first();
    start.config.steps = 20;
    let mut bench = open_with(Script::default(), start, Shelf::default());
    bench.until("running", |app| app.run_state().phase == Phase::Running);
    bench.press(Key::P);
    bench.hears(
        "no wishes",
        |command| matches!(command, Command::Watch(wants) if *wants == spiritsafe::report::Wants::default()),
    );
    bench.ticks.send(Tick::Steps(20)).unwrap();
    bench.until("finished", |app| app.run_state().phase == Phase::Finished { complete: true });
    bench.until("the last picture", |app| {
        app.run_state().pictures.gallery(GalleryView::Now).is_some_and(|(step, _)| *step == 20)
    });
    bench.window.run();
    assert!(bench.window.query_by_label_contains("step 20 ·").is_some());
}

#[test]
fn a_restart_says_what_is_lost_and_asks_once() {
    let mut bench = paused_after(7);
    bench.window.get_by_label("Images per class").set_value_accesskit(5.0);
    bench.window.run_steps(2);
    let starts = |bench: &Bench| {
        bench.heard.lock().unwrap().iter().filter(|command| matches!(command, Command::Start(_))).count()
    };
    bench.window.get_by_label("Apply and restart…").click();
    bench.window.run_steps(2);
    assert_eq!(starts(&bench), 1);
    assert!(bench.window.query_by_label_contains("The run ends at step 7 and is saved in runs/digits").is_some());
    bench.window.get_by_label("Restart now").click();
    bench.until("the new run", |app| app.run_state().info.as_ref().is_some_and(|info| info.per_class == 5));
    assert_eq!(starts(&bench), 2);
}

#[test]
fn a_failed_export_does_not_end_the_run() {
    let mut bench = running_after(3);
    let message = "cannot create /proc/x. Choose a folder that you may write to";
    bench.ticks.send(Tick::Say(Event::Refused { message: message.to_owned(), code: 3 })).unwrap();
    bench.until("the message", |app| app.run_state().failure.is_some());
    assert_eq!(bench.window.state().run_state().phase, Phase::Running, "a refused request is no failed run");
    bench.steps(1);
    bench.window.step();
    bench.window.get_by_label("Dismiss").click();
    bench.until("dismissed", |app| app.run_state().failure.is_none());
    bench.press(Key::Num1);
    bench.window.get_by_role_and_label(egui::accesskit::Role::Button, "Log").click();
    bench.window.run_steps(2);
    assert!(bench.window.query_all_by_label_contains("cannot create /proc/x").next().is_some());
}

#[test]
fn a_failed_restart_leaves_a_way_back_to_the_run_that_was_left() {
    let mut bench = running_after(9);
    bench.ticks.send(Tick::Say(Event::Failed { message: "no such device".to_owned(), code: 4 })).unwrap();
    bench.until("failed", |app| app.run_state().phase == Phase::Failed);
    bench.window.step();
    bench.window.get_by_label("Resume").click();
    let wanted = first().out;
    bench.hears(
        "a resume",
        move |command| matches!(command, Command::Start(start) if start.resume && start.out == wanted),
    );
}

#[test]
fn a_finished_run_can_be_judged() {
    let mut start = first();
    start.config.steps = 5;
    let mut bench = open_with(Script::default(), start, Shelf::default());
    bench.until("running", |app| app.run_state().phase == Phase::Running);
    bench.ticks.send(Tick::Steps(5)).unwrap();
    bench.until("finished", |app| app.run_state().phase == Phase::Finished { complete: true });
    bench.window.step();
    bench.window.get_by_label("Evaluate").click();
    bench.hears("an evaluation", |command| matches!(command, Command::Evaluate { .. }));
    bench.until("progress", |app| app.run_state().evaluating.is_some());
}

#[test]
fn small_windows_hold_every_panel() {
    let mut bench = running_after(60);
    for size in [[1024.0, 640.0], [800.0, 560.0], [640.0, 420.0]] {
        bench.window.set_size(size.into());
        bench.window.run_steps(2);
        bench.visit_all();
        for name in ["Pause", "Step", "Stop", "Pace", "Help", "Overview"] {
            let button = bench.window.get_by_label(name).rect();
            assert!(button.right() <= size[0] && button.left() >= 0.0, "{name} at {button} of {size:?}");
        }
        // What stands beside each other in the bar does not overlap.
        let right = bench.window.get_by_label("Pace").rect().right();
        assert!(bench.window.get_by_label("Overview").rect().left() >= right, "the bar overlaps at {size:?}");
    }
}

#[test]
fn what_was_arranged_comes_back() {
    let mut bench = paused_after(2);
    bench.press(Key::Num4);
    bench.press(Key::L);
    let mut shelf = Shelf::default();
    eframe::App::save(bench.window.state_mut(), &mut shelf);
    let mut again = open_with(Script::default(), first(), shelf);
    again.window.step();
    assert_eq!(again.window.state().visible_panes(), bench.window.state().visible_panes());
    assert!(!again.window.state().view().log_axis);
}

#[test]
fn what_an_older_version_kept_is_left_aside() {
    let mut bench = paused_after(1);
    bench.press(Key::Num4);
    let mut shelf = Shelf::default();
    eframe::App::save(bench.window.state_mut(), &mut shelf);
    let good = shelf.0["window"].clone();
    let fresh = open(Script::default()).window.state().visible_panes();
    let texts = [
        good.replacen("version:1", "version:0", 1),
        good.replacen("Pane(Log)", "Pane(Mixer)", 1),
        good.replacen("Pane(Log)", "Pane(Timeline)", 1),
        "(".to_owned(),
        String::new(),
    ];
    for text in texts {
        assert_ne!(text, good);
        let mut shelf = Shelf::default();
        shelf.0.insert("window".to_owned(), text);
        let mut bench = open_with(Script::default(), first(), shelf);
        bench.window.run_steps(2);
        assert_eq!(bench.window.state().visible_panes(), fresh);
    }
}

#[test]
fn tab_reaches_the_controls() {
    let mut bench = paused_after(3);
    let mut names = Vec::new();
    for _ in 0..90 {
        bench.press(Key::Tab);
        let focused = bench.window.root().children_recursive().find(egui_kittest::Node::is_focused);
        if let Some(node) = focused {
            names.push(node.accesskit_node().label().unwrap_or_default());
        }
    }
    let wanted = [
        "Run",
        "Step",
        "Stop",
        "Help",
        "Light or dark",
        "Live pictures",
        "Overview",
        "Weight of mean",
        "Mute mean",
        "Solo mean",
        "mean weight as a number",
        "Learning rate",
        "Images per class",
        "Seed",
        "Steps",
        "Preset",
        "Device",
        "Evaluate",
        "Export",
        "Save checkpoint",
        "Log axis",
        "Linear",
        "Difference",
    ];
    for name in wanted {
        assert!(names.iter().any(|found| found == name), "Tab never reaches \"{name}\": {names:?}");
    }
}

#[test]
fn a_hundred_thousand_steps_draw_in_little_time() {
    let mut start = first();
    start.config.steps = 200_000;
    let mut bench = open_with(Script::default(), start, Shelf::default());
    bench.until("running", |app| app.run_state().phase == Phase::Running);
    bench.steps(100_000);
    bench.window.run_steps(30);
    let (median, p99) = bench.window.state().vitals().own_times().unwrap();
    println!("own time per frame: median {:.2} ms, p99 {:.2} ms", 1e3 * median, 1e3 * p99);
    assert!(median < 0.05, "the median frame takes {median} s");
}

/// A figure for a quiet machine: `cargo test --release --test app -- --ignored --nocapture own_time`.
#[test]
#[ignore = "measures; other work on the machine disturbs it"]
fn own_time_of_a_frame_after_many_steps() {
    let mut start = first();
    start.config.steps = 200_000;
    let mut bench = open_with(Script::default(), start, Shelf::default());
    bench.until("running", |app| app.run_state().phase == Phase::Running);
    bench.steps(100_000);
    for _ in 0..700 {
        bench.steps(1);
    }
    let (median, p99) = bench.window.state().vitals().own_times().expect("frames were drawn");
    println!("own time of a frame at 1440x900 after 100,000 steps: median {median:.4} s, 99th percentile {p99:.4} s");
    assert!(median < 0.008 && p99 < 0.016, "median {median} s, 99th percentile {p99} s");
}

#[test]
fn a_dropped_folder_becomes_the_data_of_the_next_run_and_is_looked_into() {
    let mut bench = paused_after(2);
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(folder.path().join("cats")).unwrap();
    bench.window.input_mut().dropped_files.push(std::sync::Arc::new(Dropped(folder.path().to_owned())));
    bench.window.run_steps(2);
    let wanted = format!("folder:{}", folder.path().display());
    bench.hears("a look inside", |command| {
        matches!(command, Command::Inspect(config) if config.data.to_string() == wanted && config.name == "iid-cpu")
    });
    bench.until("looked", |app| app.run_state().inspected.is_some());
    bench.window.run_steps(2);
    assert!(bench.window.query_by_label_contains("2 pictures cannot be read").is_some());
    assert!(bench.window.query_by_label_contains("A step takes 0.05 s here, the whole run about 15 s").is_some());
    assert!(bench.window.query_by_label_contains("data set digits to folder:").is_some(), "nothing starts by itself");
}

#[test]
fn a_verdict_is_asked_for_and_offers_the_selection_that_won() {
    let mut bench = paused_after(2);
    bench.focus("Verdict");
    bench.press(Key::Enter);
    bench.hears("the wish", |command| matches!(command, Command::Judge));
    bench.until("told", |app| app.run_state().verdict.is_some());
    bench.window.run_steps(2);
    bench.focus("Export k-means medoids");
    bench.press(Key::Enter);
    bench.hears("the selection", |command| {
        matches!(command, Command::ExportSelection { what: spiritsafe::report::Subject::Medoids, .. })
    });
}

#[test]
fn a_dropped_comparison_and_a_dropped_set_are_opened() {
    let mut bench = paused_after(2);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("comparison.json");
    std::fs::write(&file, "{}").unwrap();
    bench.window.input_mut().dropped_files.push(std::sync::Arc::new(Dropped(folder.path().to_owned())));
    bench.window.run_steps(2);
    let wanted = folder.path().to_owned();
    bench.hears("a comparison", |command| matches!(command, Command::OpenComparison(path) if *path == wanted));
    bench.until("compared", |app| app.run_state().comparison.is_some());
    let set = folder.path().join("images_best.pt");
    bench.window.input_mut().dropped_files.push(std::sync::Arc::new(Dropped(set.clone())));
    bench.window.run_steps(2);
    bench.hears("a set", |command| matches!(command, Command::OpenSet(path) if *path == set));
    bench.window.run_steps(2);
    assert!(bench.window.query_by_label("Opened").is_some(), "the gallery offers the pictures that were opened");
}

#[test]
fn evaluations_are_shown_by_network_and_by_class() {
    let mut bench = paused_after(60);
    bench.press(Key::Num4);
    bench.focus("By class");
    bench.press(Key::Enter);
    bench.window.run_steps(2);
    assert!(bench.window.query_by_label_contains("Confusion: most often").is_some());
    bench.focus("By network");
    bench.press(Key::Enter);
    bench.window.run_steps(2);
    assert!(bench.window.query_by_label_contains("Accuracy by network:").is_some());
    bench.focus("Judge by");
    bench.press(Key::Enter);
    bench.hears("the networks", |command| {
        matches!(command, Command::Evaluate(trial) if trial.networks == ["convnet", "alexnet", "vgg11", "resnet18"])
    });
}
