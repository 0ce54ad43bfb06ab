//! Every control of the window by keyboard, by drop and for a screen reader, over a scripted engine.

use egui::{Key, Modifiers};
use egui_kittest::kittest::{NodeT, Queryable};
use spiritsafe::{
    app::state::Phase,
    config::RunConfig,
    engine::{Command, Start},
    report::{GalleryView, LEARNING_RATE},
};

use crate::window::{
    Script,
    bench::{Bench, Dropped, Shelf, open_with, paused_after, running_after},
    first,
};

#[test]
fn a_moved_weight_is_hollow_until_the_engine_acknowledges() {
    let mut bench = running_after(5);
    bench.focus("Weight of mean");
    bench.press(Key::ArrowRight);
    bench.hears("the weight", |command| {
        matches!(command, Command::Set { control, value } if control == "mean" && (*value - 1.05).abs() < 1e-9)
    });
    assert!(bench.window.query_by_label("mean waits for the next step").is_some());
    bench.steps(1);
    bench.until("applied", |app| !app.run_state().mixer.strips[0].is_pending());
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
        |command| matches!(command, Command::Set { control, value } if control == "mean" && *value == 0.0),
    );
    bench.press(Key::M);
    bench.hears(
        "unmute",
        |command| matches!(command, Command::Set { control, value } if control == "mean" && *value == 1.0),
    );
    bench.press(Key::ArrowDown);
    assert!(bench.window.get_by_label("Weight of covariance").is_focused());
    bench.press(Key::S);
    bench.hears(
        "solo",
        |command| matches!(command, Command::Set { control, value } if control == "ball" && *value == 0.0),
    );
    assert_eq!(bench.window.state().run_state().mixer.solo, Some(1));
    bench.press(Key::S);
    bench.press(Key::ArrowLeft);
    bench.press(Key::Num0);
    assert_eq!(bench.window.state().run_state().mixer.strips[1].fader, 0.05, "0 goes back to the default");
    assert_eq!(bench.window.state().visible_panes().len(), 5, "the layout did not take the key");
    bench.press(Key::ArrowDown);
    bench.press(Key::ArrowDown);
    assert!(bench.window.get_by_label("Learning rate").is_focused());
    bench.press(Key::ArrowLeft);
    bench.hears(
        "the rate",
        |command| matches!(command, Command::Set { control, value } if control == LEARNING_RATE && *value < 1.0),
    );
}

#[test]
fn the_radius_of_the_ball_has_a_fader_of_its_own() {
    let mut bench = running_after(2);
    bench.focus("radius of ball");
    bench.press(Key::ArrowRight);
    bench.hears("the radius", |command| {
        matches!(command, Command::Set { control, value } if control == "ball.radius" && (*value - 1.05).abs() < 1e-9)
    });
    bench.until("applied", |app| app.run_state().mixer.strips[2].others[0].applied == 1.05);
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
    bench.hears("the weight", |command| matches!(command, Command::Set { .. }));
    let heard = bench.heard.lock().unwrap();
    let weights: Vec<f64> = heard
        .iter()
        .filter_map(|command| if let Command::Set { value, .. } = command { Some(*value) } else { None })
        .collect();
    assert_eq!(weights, [0.2], "half a number is no wish");
}

#[test]
fn a_screen_reader_can_set_a_weight() {
    let mut bench = paused_after(2);
    bench.window.get_by_label("Weight of mean").set_value_accesskit(0.25);
    bench.hears("the weight", |command| matches!(command, Command::Set { value, .. } if *value == 0.25));
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
    assert_eq!((view.loss_axis, view.weighted), (Some(spiritsafe::report::page::Scale::Linear), !before.weighted));
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
    bench.hears("a set", |command| matches!(command, Command::OpenSet { path, .. } if *path == set));
    bench.window.run_steps(2);
    bench.until("opened", |app| app.run_state().opened.is_some());
    bench.window.run_steps(2);
    assert!(bench.window.query_by_label("Opened").is_some(), "the gallery offers the pictures that were opened");
    assert_eq!(bench.window.state().view().gallery, GalleryView::Opened);
    // It is read anew as somebody says, and closed.
    bench.until("its picture", |app| app.run_state().pictures.gallery(GalleryView::Opened).is_some());
    bench.window.run_steps(2);
    bench.window.get_by_label("Parts of an image").click();
    bench.window.run_steps(2);
    bench.window.get_by_label("2 x 2 parts").click();
    bench.window.run_steps(2);
    bench.hears(
        "another reading",
        |command| matches!(command, Command::OpenSet { reading, .. } if reading.packing == Some(2)),
    );
    bench.until("read anew", |app| {
        app.run_state().opened.as_ref().is_some_and(|one| one.set.reading.packing == Some(2))
    });
    bench.window.run_steps(2);
    let name = format!("Close {}/images_best.pt", folder.path().file_name().unwrap().to_string_lossy());
    bench.window.query_all_by_label(&name).next().expect("a way to close it").click();
    bench.until("closed", |app| app.run_state().opened.is_none());
    bench.window.run_steps(2);
    assert_eq!(bench.window.state().view().gallery, GalleryView::Now);
    assert!(bench.window.query_by_label("Opened").is_none());
}

#[test]
fn images_and_their_labels_are_dropped_together_and_something_shows_while_they_are_held() {
    let mut bench = paused_after(2);
    let folder = tempfile::tempdir().unwrap();
    let files = ["images_best.pt", "labels_best.pt"].map(|name| folder.path().join(name));
    files.iter().for_each(|file| std::fs::write(file, b"").unwrap());
    let held = egui::HoveredFile { path: Some(files[0].clone()), ..Default::default() };
    bench.window.input_mut().hovered_files.push(held);
    bench.window.run_steps(2);
    assert!(bench.window.query_by_label_contains("dropping opens this distilled set").is_some());
    bench.window.input_mut().hovered_files.clear();
    let dropped = files
        .clone()
        .map(|file| std::sync::Arc::new(Dropped(file)) as std::sync::Arc<dyn egui::DroppedFile + Send + Sync>);
    bench.window.input_mut().dropped_files.extend(dropped);
    bench.window.run_steps(2);
    let images = files[0].clone();
    bench.hears("the set", move |command| matches!(command, Command::OpenSet { path, .. } if *path == images));
    bench.window.run_steps(2);
    assert!(bench.window.query_by_label_contains("dropping opens").is_none());
    let sets = bench.heard.lock().unwrap().iter().filter(|one| matches!(one, Command::OpenSet { .. })).count();
    assert_eq!(sets, 1, "labels are no set of their own");
}

#[test]
fn a_path_is_pasted_and_opened() {
    let mut bench = paused_after(2);
    let folder = tempfile::tempdir().unwrap();
    let set = folder.path().join("a set.pt");
    std::fs::write(&set, b"").unwrap();
    bench.window.get_by_label("Path to open").click();
    bench.window.run_steps(2);
    let pasted = format!("file://{}", set.display()).replace(' ', "%20");
    bench.window.event(egui::Event::Paste(pasted));
    bench.window.run_steps(2);
    bench.press(Key::Enter);
    bench.hears("the set", move |command| matches!(command, Command::OpenSet { path, .. } if *path == set));
}

#[test]
fn a_refused_drop_leaves_the_settings_as_they_were() {
    let mut bench = paused_after(2);
    let folder = tempfile::tempdir().unwrap();
    let broken = folder.path().join("broken");
    std::fs::create_dir(&broken).unwrap();
    for path in [broken, folder.path().join("nothing")] {
        bench.window.input_mut().dropped_files.push(std::sync::Arc::new(Dropped(path)));
        bench.window.run_steps(2);
        bench.until("refused", |app| app.run_state().failure.is_some());
        bench.window.run_steps(3);
        assert!(bench.window.query_by_label_contains("data set digits to").is_none(), "the settings have changed");
        assert!(bench.window.query_by_label_contains("preset digits to").is_none());
        bench.window.get_by_label("Dismiss").click();
        bench.window.run_steps(2);
    }
}

#[test]
fn classes_are_seen_before_a_run_and_left_out() {
    let mut bench = paused_after(2);
    bench.window.set_size([1440.0, 1600.0].into());
    bench.window.run_steps(2);
    bench.window.get_by_label("Look inside").click();
    bench.until("looked", |app| app.run_state().inspected.is_some());
    bench.window.run_steps(2);
    assert!(bench.window.query_by_label_contains("Training and test images are those").is_some());
    assert!(bench.window.query_by_label("Images of 3 as networks see them").is_some());
    // Further down than fits: the keyboard brings it into sight.
    bench.window.get_by_label_contains("3: 100 images").focus();
    bench.window.run_steps(3);
    bench.press(Key::Space);
    bench.window.run_steps(2);
    assert!(bench.window.query_by_label("9 of 10 classes").is_some());
    bench.window.get_by_label("Apply and restart…").click();
    bench.window.run_steps(4);
    bench.window.get_by_label("Restart now").click();
    bench.hears(
        "the other nine",
        |command| matches!(command, Command::Start(start) if start.config.classes == [0, 1, 2, 4, 5, 6, 7, 8, 9]),
    );
}

#[test]
fn classes_that_are_made_together_cannot_be_chosen() {
    let config = RunConfig::preset("pemdd-digits", &[]).unwrap();
    let mut bench = open_with(Script::default(), Start { config, ..first() }, Shelf::default());
    bench.until("running", |app| app.run_state().phase == Phase::Running);
    bench.window.set_size([1440.0, 1600.0].into());
    bench.window.run_steps(2);
    bench.window.get_by_label("Look inside").click();
    bench.until("looked", |app| app.run_state().inspected.is_some());
    bench.window.run_steps(2);
    let tick = bench.window.get_by_label_contains("0: 100 images");
    assert!(tick.accesskit_node().is_disabled());
    tick.hover();
    bench.window.run_steps(4);
    assert!(bench.window.query_by_label_contains("Classes cannot be chosen with [energy]").is_some());
}

#[test]
fn what_is_judged_at_the_end_is_chosen() {
    let mut bench = paused_after(2);
    bench.window.get_by_label("Judged at the end").click();
    bench.window.run_steps(2);
    bench.window.get_by_label("images").click();
    bench.window.run_steps(4);
    bench.window.get_by_label("Apply and restart…").click();
    bench.window.run_steps(4);
    bench.window.get_by_label("Restart now").click();
    bench.hears(
        "the choice",
        |command| matches!(command, Command::Start(start) if start.judge == spiritsafe::engine::JudgeAtEnd::Images),
    );
}

#[test]
fn keys_that_are_typed_into_a_field_go_nowhere_else() {
    let mut bench = running_after(2);
    let layout = bench.window.state().visible_panes();
    let pace = bench.window.state().view().pace;
    bench.window.get_by_label("mean weight as a number").click();
    bench.window.run_steps(2);
    // All in one slow frame.
    bench.window.key_press_modifiers(Modifiers::COMMAND, Key::A);
    for (key, text) in [(Key::Num2, "2"), (Key::Period, "."), (Key::Num3, "3")] {
        bench.window.event(egui::Event::Text(text.to_owned()));
        bench.window.key_press(key);
    }
    bench.window.key_press(Key::Enter);
    bench.window.run_steps(3);
    bench.hears("the weight", |command| matches!(command, Command::Set { value, .. } if *value == 2.3));
    assert_eq!((bench.window.state().view().pace, bench.window.state().visible_panes()), (pace, layout));
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

#[test]
fn a_chart_with_the_focus_leaves_the_space_bar_to_the_run() {
    let mut bench = running_after(60);
    bench.press(Key::Num3);
    let losses = bench.window.get_by_label_contains("Losses: total loss").rect();
    let at = losses.center();
    bench.window.hover_at(at);
    for pressed in [true, false] {
        let button = egui::PointerButton::Primary;
        bench.window.event(egui::Event::PointerButton { pos: at, button, pressed, modifiers: Modifiers::NONE });
        bench.window.step();
    }
    bench.window.step();
    assert!(bench.window.ctx.memory(egui::Memory::focused).is_some(), "a click gives it the focus");
    bench.press(Key::Space);
    bench.hears("a pause", |command| matches!(command, Command::Pause));
}
