//! A window over a scripted engine, and what a person does with it.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use crossbeam_channel::Sender;
use egui::Key;
use egui_kittest::{Harness, kittest::Queryable};
use spiritsafe::{
    app::{App, layout::Pane, state::Phase},
    engine::{Command, Start},
};

use super::{Script, Tick, first, scripted};

/// A window with the other side of its engine.
pub(crate) struct Bench {
    pub(crate) window: Harness<'static, App>,
    pub(crate) ticks: Sender<Tick>,
    pub(crate) heard: Arc<Mutex<Vec<Command>>>,
}

/// What eframe would keep on disk.
#[derive(Clone, Default)]
pub(crate) struct Shelf(pub(crate) HashMap<String, String>);

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

pub(crate) fn open_with(script: Script, start: Start, shelf: Shelf) -> Bench {
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

pub(crate) fn open(script: Script) -> Bench {
    open_with(script, first(), Shelf::default())
}

/// A window over a run that has done some steps and waits.
pub(crate) fn paused_after(steps: u64) -> Bench {
    let mut bench = running_after(steps);
    bench.window.key_press(Key::Space);
    bench.until("paused", |app| matches!(app.run_state().phase, Phase::Paused { .. }));
    bench
}

pub(crate) fn running_after(steps: u64) -> Bench {
    let mut bench = open(Script::default());
    bench.until("running", |app| app.run_state().phase == Phase::Running);
    bench.steps(steps);
    bench
}

impl Bench {
    /// Frames until something is true; the engine has a thread of its own.
    pub(crate) fn until(&mut self, what: &str, mut is_true: impl FnMut(&App) -> bool) {
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

    pub(crate) fn steps(&mut self, count: u64) {
        let wanted = self.window.state().run_state().step + count;
        self.ticks.send(Tick::Steps(count)).unwrap();
        self.until("steps", |app| app.run_state().step >= wanted);
    }

    /// A command that the engine has heard.
    pub(crate) fn hears(&mut self, what: &str, mut is_it: impl FnMut(&Command) -> bool) {
        let heard = self.heard.clone();
        self.until(what, |_| heard.lock().unwrap().iter().any(&mut is_it));
    }

    pub(crate) fn press(&mut self, key: Key) {
        self.window.key_press(key);
        self.window.step();
        self.window.step();
    }

    pub(crate) fn focus(&mut self, label: &str) {
        self.window.get_by_label(label).focus();
        self.window.step();
    }

    /// Every arrangement of the panels, so that each is drawn large and small, and each tab.
    pub(crate) fn visit_all(&mut self) {
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
