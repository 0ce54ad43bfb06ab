//! A few small pictures of the window, for what a tree of names cannot say: pixels of the gallery, points, both modes.
//!
//! They need a software Vulkan driver (Debian: mesa-vulkan-drivers). To write them anew, and then look at them:
//! `UPDATE_SNAPSHOTS=true cargo test --release --features pictures --test pictures in_the`
#![cfg(feature = "pictures")]

#[path = "it/window/mod.rs"]
mod window;

use std::time::{Duration, Instant};

use egui::{Key, Rect, Theme, pos2, vec2};
use egui_kittest::{Harness, SnapshotOptions};
use spiritsafe::{
    app::{App, state::Phase},
    config::RunConfig,
    engine::Start,
};
use window::{Script, Tick, first, scripted};

/// Enough for every panel, small enough for a rasteriser without a GPU.
const SIZE: egui::Vec2 = vec2(960.0, 640.0);
/// The bar at the bottom holds figures of the machine.
const STATUS_BAR: f32 = 34.0;

/// How far a picture may be from the stored one. Rasterisers round the edges of letters and lines differently, which
/// stays below the threshold of a pixel; a few pixels may do worse.
fn tolerance() -> SnapshotOptions {
    SnapshotOptions::new().threshold(1.0).max_failed_pixels(30)
}

/// The window after some steps, paused.
fn window_at(steps: u64, layout: Key, theme: Theme) -> Harness<'static, App> {
    window_of(first(), steps, layout, theme)
}

/// The same for a run of one's own.
fn window_of(start: Start, steps: u64, layout: Key, theme: Theme) -> Harness<'static, App> {
    let mut ticks = None;
    let builder = Harness::builder().with_size(SIZE).with_theme(theme).with_pixels_per_point(1.0).with_max_steps(12);
    let mut window = builder.wgpu().build_eframe(|cc| {
        let ctx = cc.egui_ctx.clone();
        let scripted = scripted(Script::default(), move || ctx.request_repaint());
        ticks = Some(scripted.ticks);
        App::new(cc, scripted.engine, start)
    });
    // The engine listens as long as somebody could tick.
    let ticks: &'static _ = Box::leak(Box::new(ticks.expect("the window was made")));
    until(&mut window, |app| app.run_state().phase == Phase::Running);
    ticks.send(Tick::Steps(steps)).unwrap();
    until(&mut window, |app| app.run_state().step == steps);
    window.key_press(layout);
    window.key_press(Key::Space);
    until(&mut window, |app| matches!(app.run_state().phase, Phase::Paused { .. }));
    until(&mut window, |app| app.run_state().pictures.features.as_ref().is_some_and(|(step, _)| *step == steps));
    window.run();
    mask(&mut window);
    window
}

/// Hides the status bar in the next picture.
fn mask(window: &mut Harness<'_, App>) {
    window.mask(Rect::from_min_max(pos2(0.0, SIZE.y - STATUS_BAR), SIZE.to_pos2()));
}

/// Frames until something is true; the engine has a thread of its own.
fn until(window: &mut Harness<'_, App>, mut is_true: impl FnMut(&App) -> bool) {
    let begun = Instant::now();
    while !is_true(window.state()) {
        assert!(begun.elapsed() < Duration::from_secs(60), "never");
        window.step();
        std::thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn watch_in_the_dark() {
    window_at(120, Key::Num2, Theme::Dark).snapshot_options("watch_dark", &tolerance());
}

#[test]
fn tune_in_the_dark() {
    window_at(120, Key::Num3, Theme::Dark).snapshot_options("tune_dark", &tolerance());
}

#[test]
fn overview_in_the_light() {
    window_at(120, Key::Num1, Theme::Light).snapshot_options("overview_light", &tolerance());
}

#[test]
fn compare_in_the_dark() {
    let mut window = window_at(120, Key::Num4, Theme::Dark);
    let folder = tempfile::tempdir().unwrap();
    // Its place is its name in the picture.
    let place = folder.path().join("runs/compared");
    std::fs::create_dir_all(&place).unwrap();
    std::fs::write(place.join("comparison.json"), "{}").unwrap();
    window.input_mut().dropped_files.push(std::sync::Arc::new(window::bench::Dropped(place.clone())));
    until(&mut window, |app| app.run_state().comparison.is_some());
    window.key_press(Key::Num4);
    window.run();
    mask(&mut window);
    window.snapshot_options("compare_dark", &tolerance());
    egui_kittest::kittest::Queryable::get_by_label(&window, "By class").click();
    window.run();
    mask(&mut window);
    window.snapshot_options("classes_dark", &tolerance());
}

#[test]
fn information_in_the_dark() {
    use egui_kittest::kittest::Queryable as _;
    let mut window = window_at(120, Key::Num1, Theme::Dark);
    window.get_by_label("Method").click();
    until(&mut window, |app| app.run_state().pictures.page("information").is_some());
    window.run();
    mask(&mut window);
    window.snapshot_options("information_dark", &tolerance());
}

#[test]
fn queue_in_the_dark() {
    use egui_kittest::kittest::Queryable as _;
    let config = RunConfig::preset("idm-digits", &["images.packing=2".to_owned()]).unwrap();
    let mut window = window_of(Start { config, ..first() }, 520, Key::Num1, Theme::Dark);
    window.get_by_label("Method").click();
    until(&mut window, |app| app.run_state().pictures.page("queue").is_some());
    window.hover_at(pos2(100.0, 150.0));
    window.run();
    mask(&mut window);
    window.snapshot_options("queue_dark", &tolerance());
}

#[test]
fn energy_in_the_dark() {
    use egui_kittest::kittest::Queryable as _;
    let config = RunConfig::preset("pemdd-digits", &[]).unwrap();
    let mut window = window_of(Start { config, ..first() }, 120, Key::Num1, Theme::Dark);
    window.get_by_label("Method").click();
    until(&mut window, |app| app.run_state().pictures.page("energy").is_some());
    window.run();
    mask(&mut window);
    window.snapshot_options("energy_dark", &tolerance());
    window.get_by_label("Sigma points").click();
    until(&mut window, |app| app.run_state().pictures.page("sigma-points").is_some());
    window.run();
    window.get_by_label("Ball of 3").click();
    let chosen = |app: &App| {
        app.run_state().pictures.page("sigma-points").and_then(|(_, page)| Some(page.choice.as_ref()?.chosen))
    };
    until(&mut window, |app| chosen(app) == Some(3));
    window.run();
    mask(&mut window);
    window.snapshot_options("sigma_points_dark", &tolerance());
}

#[test]
fn points_in_the_dark() {
    use egui_kittest::kittest::Queryable as _;
    let config = RunConfig::preset("ddoq-digits", &[]).unwrap();
    let mut window = window_of(Start { config, ..first() }, 120, Key::Num1, Theme::Dark);
    window.get_by_label("Method").click();
    until(&mut window, |app| app.run_state().pictures.page("cells").is_some());
    window.run();
    for (page, name) in [("Cells", "cells_dark"), ("Distances", "distances_dark"), ("Images", "point_images_dark")] {
        window.get_by_label(page).click();
        let id = page.to_lowercase();
        until(&mut window, |app| app.run_state().pictures.page(&id).is_some());
        window.run();
        mask(&mut window);
        window.snapshot_options(name, &tolerance());
    }
}

/// The tolerance is no blindfold: one image that is marked is a difference.
#[test]
fn a_marked_image_is_noticed() {
    let mut window = window_at(120, Key::Num2, Theme::Dark);
    let stored = window.render().expect("a picture");
    let folder = tempfile::tempdir().unwrap();
    let options = tolerance().output_path(folder.path());
    stored.save(folder.path().join("watch.png")).unwrap();
    window.try_snapshot_options("watch", &options).expect("the same window gives the same picture");
    window.hover_at(pos2(160.0, 200.0));
    window.run();
    assert!(window.try_snapshot_options("watch", &options).is_err(), "a frame around an image went unseen");
}
