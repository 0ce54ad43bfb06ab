//! The window without a screen: every panel in every state, every control by keyboard, over a scripted engine.

use crate::window::{
    Script, Tick,
    bench::{Bench, Shelf, open, open_with, paused_after, running_after},
    first,
};
use egui::Key;
use egui_kittest::kittest::{NodeT, Queryable};
use spiritsafe::{
    app::state::Phase,
    engine::{Answer, Command, Event},
    report::GalleryView,
};

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
    bench.window.run_steps(4);
    let starts = |bench: &Bench| {
        bench.heard.lock().unwrap().iter().filter(|command| matches!(command, Command::Start(_))).count()
    };
    bench.window.get_by_label("Apply and restart…").click();
    bench.window.run_steps(4);
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
    let answer = Answer::Refused { message: message.to_owned(), code: 3 };
    bench.ticks.send(Tick::say(Event::Answered { request: 999, answer })).unwrap();
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
    bench.ticks.send(Tick::say(Event::Failed { message: "no such device".to_owned(), code: 4 })).unwrap();
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
    bench.focus("Evaluate");
    bench.press(Key::Enter);
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
    assert_eq!(again.window.state().view().loss_axis, Some(spiritsafe::report::page::Scale::Linear));
}

#[test]
fn what_the_window_library_keeps_is_left_alone() {
    let mut bench = paused_after(1);
    let mut shelf = Shelf::default();
    let place = "(inner_size_points:(x:1440.0,y:900.0))".to_owned();
    shelf.0.insert("window".to_owned(), place.clone());
    eframe::App::save(bench.window.state_mut(), &mut shelf);
    assert_eq!(shelf.0["window"], place);
    assert_eq!(shelf.0.len(), 2, "and nothing is thought to be of another version");
}

#[test]
fn what_an_older_version_kept_is_left_aside() {
    let mut bench = paused_after(1);
    bench.press(Key::Num4);
    let mut shelf = Shelf::default();
    eframe::App::save(bench.window.state_mut(), &mut shelf);
    let good = shelf.0["choices"].clone();
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
        shelf.0.insert("choices".to_owned(), text);
        let mut bench = open_with(Script::default(), first(), shelf);
        bench.window.run_steps(2);
        assert_eq!(bench.window.state().visible_panes(), fresh);
    }
}

#[test]
fn a_hundred_thousand_steps_draw_in_little_time() {
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
fn the_export_field_belongs_to_the_run_that_is_shown() {
    let root = tempfile::tempdir().unwrap();
    let start = spiritsafe::engine::Start::new(first().config, root.path().join("digits"));
    let mut bench = open_with(Script { is_slow: true, ..Script::default() }, start, Shelf::default());
    bench.until("running", |app| app.run_state().phase == Phase::Running);
    std::fs::create_dir(root.path().join("digits")).unwrap();
    let exports = |bench: &mut Bench, run: &str| {
        bench.window.run_steps(2);
        bench.focus("Export");
        bench.press(Key::Enter);
        let wanted = root.path().join(run).join("export");
        bench.hears("an export", move |command| matches!(command, Command::Export(folder) if *folder == wanted));
    };
    exports(&mut bench, "digits");
    bench.window.get_by_label("Seed").set_value_accesskit(5.0);
    bench.window.run_steps(4);
    bench.window.get_by_label("Apply and restart…").click();
    bench.window.run_steps(4);
    bench.window.get_by_label("Restart now").click();
    bench.until("preparing", |app| app.run_state().phase.is_moving_in());
    bench.window.step();
    assert!(bench.window.get_by_label("Export").accesskit_node().is_disabled(), "there is nothing to export yet");
    bench.until("the new run", |app| app.run_state().info.as_ref().is_some_and(|info| info.seed == 5));
    exports(&mut bench, "digits-2");
}

#[test]
fn a_run_that_is_being_made_ready_waits_and_is_called_off() {
    let mut bench = open(Script { silent: true, ..Script::default() });
    bench.until("preparing", |app| app.run_state().phase.is_moving_in());
    bench.window.step();
    bench.window.get_by_label("Pause").click();
    bench.until("it will wait", |app| app.run_state().waits);
    bench.window.run_steps(2);
    assert!(bench.window.query_by_label_contains("Reading digits, then wait").is_some());
    bench.press(Key::Space);
    bench.hears("no more waiting", |command| matches!(command, Command::Resume));
    assert!(!bench.window.state().run_state().waits);
    bench.ticks.send(Tick::say(Event::Preparing("Reading digits".to_owned()))).unwrap();
    bench.until("preparing", |app| app.run_state().phase.is_moving_in());
    bench.window.step();
    bench.window.get_by_label("Stop").click();
    bench.until("called off", |app| app.run_state().phase == Phase::CalledOff);
    bench.window.run_steps(2);
    assert!(bench.window.query_by_label("Called off").is_some() && bench.window.query_by_label("New run").is_some());
    assert!(bench.window.query_by_label("Resume").is_none(), "there is nothing to resume");
    bench.visit_all();
}

#[test]
fn what_was_left_out_is_asked_for_and_what_was_given_up_is_taken_up() {
    use spiritsafe::report::{Skipped, Subject, WhySkipped};
    let mut start = first();
    start.config.steps = 5;
    let mut bench = open_with(Script::default(), start, Shelf::default());
    bench.until("running", |app| app.run_state().phase == Phase::Running);
    bench.ticks.send(Tick::Steps(5)).unwrap();
    bench.until("finished", |app| app.run_state().phase == Phase::Finished { complete: true });
    let skipped = Skipped { subject: Subject::Whole, protocol: "whole@60".to_owned(), why: WhySkipped::TooLarge };
    bench.ticks.send(Tick::say(Event::Skipped(skipped))).unwrap();
    bench.until("owed", |app| app.run_state().owed.len() == 1);
    bench.press(Key::Num4);
    let run = bench.window.state().run_state();
    assert!(run.price(&run.owed[0]).is_some_and(|secs| secs > 0.0), "what was judged tells what it takes");
    assert!(bench.window.query_by_label_contains("whole training set by whole@60: left out").is_some());
    bench.window.get_by_label("Judge it: whole training set by whole@60").click();
    bench.hears("the whole set", |command| {
        matches!(command, Command::Evaluate(trial) if trial.protocol == "whole@60" && trial.against.is_empty())
    });
    bench.until("progress", |app| app.run_state().evaluating.is_some());
    bench.window.run_steps(2);
    bench.window.query_all_by_label("Cancel").next().unwrap().click();
    bench.until("given up", |app| app.run_state().owed.iter().any(|owed| owed.why == WhySkipped::Interrupted));
    bench.window.run_steps(2);
    bench.window.query_all_by_label_contains("Go on:").next().expect("it can be taken up").click();
    let heard = bench.heard.clone();
    bench.until("asked again", |_| {
        heard.lock().unwrap().iter().filter(|command| matches!(command, Command::Evaluate(_))).count() == 2
    });
    assert!(bench.window.state().run_state().owed.is_empty());
}

#[test]
fn changes_after_the_last_step_are_not_offered() {
    let mut start = first();
    start.config.steps = 5;
    let mut bench = open_with(Script::default(), start, Shelf::default());
    bench.until("running", |app| app.run_state().phase == Phase::Running);
    bench.ticks.send(Tick::Steps(5)).unwrap();
    bench.until("all steps", |app| app.run_state().is_complete());
    // The last evaluations go on.
    bench.ticks.send(Tick::say(Event::Running)).unwrap();
    bench.until("judged", |app| app.run_state().is_judged());
    bench.window.run_steps(2);
    assert!(bench.window.query_by_label_contains("All steps are done, so a change").is_some());
    assert!(bench.window.get_by_label("Weight of mean").accesskit_node().is_disabled());
}

#[test]
fn a_comparison_of_other_data_says_so_and_leaves() {
    let mut bench = paused_after(2);
    let path = std::path::PathBuf::from("elsewhere/comparison.json");
    let told = |data: &str, fingerprint: Option<&str>| {
        let fingerprint = fingerprint.map(str::to_owned);
        let comparison = spiritsafe::report::Comparison { data: data.to_owned(), fingerprint, ..Default::default() };
        Tick::say(Event::Compared { path: path.clone(), comparison: Box::new(comparison) })
    };
    bench.ticks.send(told("fashion", None)).unwrap();
    bench.until("refused", |app| app.run_state().failure.as_ref().is_some_and(|text| text.contains("fashion")));
    assert!(bench.window.state().run_state().comparison.is_none());
    bench.ticks.send(told("digits", Some("of other images"))).unwrap();
    bench.until("refused", |app| app.run_state().failure.as_ref().is_some_and(|text| text.contains("images differ")));
    // One of older files is known by its name.
    bench.ticks.send(told("digits", None)).unwrap();
    bench.until("shown", |app| app.run_state().comparison_shown().is_some());
    bench.press(Key::Num4);
    bench.window.get_by_label("Close elsewhere/comparison.json").click();
    bench.until("closed", |app| app.run_state().comparison.is_none());
}

#[test]
fn what_was_judged_before_a_resume_is_there_again() {
    let mut bench = running_after(60);
    let before = bench.window.state().run_state().evaluations.clone();
    assert!(!before.is_empty());
    bench.press(Key::Space);
    bench.until("paused", |app| matches!(app.run_state().phase, Phase::Paused { .. }));
    bench.window.get_by_label("Stop").click();
    bench.until("stopped", |app| app.run_state().phase == Phase::Finished { complete: false });
    bench.window.run_steps(2);
    bench.window.get_by_label("Resume").click();
    bench.until("running", |app| app.run_state().phase == Phase::Running);
    assert!(bench.window.state().run_state().evaluations.is_empty());
    bench.ticks.send(Tick::say(Event::Recalled(before.clone()))).unwrap();
    bench.until("recalled", |app| app.run_state().evaluations == before);
    bench.visit_all();
}
