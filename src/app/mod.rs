//! The window: a fold of events into one state, panels that read it, and one `match` that runs what people ask for.
//!
//! It knows the engine by its vocabulary only: commands go out, events come in, the newest picture lies in a slot. Draining
//! happens in `logic`, which also runs while the window is hidden; drawing happens in `ui`. Nothing is drawn when nothing
//! is new, so a paused run costs nothing.

pub mod action;
mod dropping;
mod keys;
pub mod layout;
mod leaving;
mod opening;
mod panels;
pub mod state;
pub mod theme;
mod tiles;
pub mod view;
pub mod vitals;
mod widgets;

use std::{
    sync::{Arc, PoisonError},
    time::{Duration, Instant},
};

use crossbeam_channel::TryRecvError;
use eframe::{CreationContext, Frame, Storage};
use egui::{CentralPanel, Context, Margin, Ui};
use egui_tiles::Tree;
use serde::{Deserialize, Serialize};

use self::{
    action::Action,
    layout::{Pane, Preset},
    leaving::{Afterwards, Behind},
    panels::Panels,
    state::{Asked, Phase, RunState},
    view::{Scene, View},
    vitals::{Pacer, Vitals},
};
use crate::{
    engine::{Command, Engine, Event, Start},
    report::{GalleryView, PageWanted, Wants},
};

/// The longest that a frame takes events before it draws.
const DRAIN: Duration = Duration::from_millis(10);
/// Where choices are kept (the window library keeps its own under "window"), and the version of their form. Another version falls back
/// to defaults.
const KEY: &str = "choices";
const VERSION: u32 = 1;

/// What is kept between starts.
#[derive(Serialize, Deserialize)]
struct Kept {
    version: u32,
    tree: Tree<Pane>,
    view: View,
    dark: bool,
    zoom: f32,
}

/// The window.
pub struct App {
    engine: Behind,
    engine_is_gone: bool,
    /// Somebody has closed the window.
    is_leaving: bool,
    run: RunState,
    view: View,
    tree: Tree<Pane>,
    panels: Panels,
    vitals: Vitals,
    pacer: Arc<Pacer>,
    watched: Option<Wants>,
    actions: Vec<Action>,
    /// A text was being typed when the frame began.
    typing: bool,
    /// What had the focus then.
    focused: Option<egui::Id>,
    /// Sets that were opened so far; the gallery turns to a new one.
    sets_seen: u64,
    /// As last drawn, for saving: the context is not at hand there.
    dark: bool,
    zoom: f32,
}

/// Opens the window, which at once begins `first` on the engine that `spawn` makes. An error means that no window can be
/// opened here.
pub fn run(first: Start, spawn: impl FnOnce(Box<dyn Fn() + Send>) -> Engine) -> Result<(), String> {
    if cfg!(target_os = "linux") && ["DISPLAY", "WAYLAND_DISPLAY"].iter().all(|name| std::env::var_os(name).is_none()) {
        return Err("there is no display (neither DISPLAY nor WAYLAND_DISPLAY is set)".to_owned());
    }
    let viewport = egui::ViewportBuilder::default()
        .with_title("Spirit Safe")
        .with_app_id("spiritsafe")
        .with_inner_size([1440.0, 900.0])
        .with_min_inner_size([640.0, 420.0]);
    let options = eframe::NativeOptions { viewport, ..Default::default() };
    let afterwards = Afterwards::default();
    let slot = afterwards.clone();
    let create = move |cc: &CreationContext<'_>| {
        let pacer = Arc::new(Pacer::default());
        let (ctx, waker) = (cc.egui_ctx.clone(), pacer.clone());
        let engine = spawn(Box::new(move || waker.wake(&ctx)));
        let mut app = App::new(cc, engine, first);
        app.pacer = pacer;
        app.engine.afterwards = slot;
        Ok(Box::new(app) as Box<dyn eframe::App>)
    };
    let outcome = eframe::run_native("spiritsafe", options, Box::new(create));
    drop(afterwards.lock().unwrap_or_else(PoisonError::into_inner).take());
    outcome.map_err(|error| {
        // The cause stands last, behind places in the window library.
        let text = error.to_string();
        format!("no window can be opened ({})", text.rsplit(": ").next().unwrap_or(&text))
    })
}

/// What was kept from the last time by this version of the program.
fn kept(storage: &dyn Storage) -> Option<Kept> {
    let kept = eframe::get_value::<Kept>(storage, KEY)?;
    (kept.version == VERSION && layout::is_valid(&kept.tree)).then_some(kept)
}

impl App {
    /// A window over any engine. It takes up what was kept from the last time and begins `first`.
    pub fn new(cc: &CreationContext<'_>, engine: Engine, first: Start) -> Self {
        let ctx = &cc.egui_ctx;
        theme::install(ctx);
        let kept = cc.storage.and_then(kept);
        let is_unknown = kept.is_none() && cc.storage.is_some_and(|storage| storage.get_string(KEY).is_some());
        let (tree, view) = match kept {
            Some(kept) => {
                ctx.set_theme(if kept.dark { egui::Theme::Dark } else { egui::Theme::Light });
                ctx.set_zoom_factor(kept.zoom.clamp(0.5, 3.0));
                (kept.tree, kept.view)
            }
            None => (Preset::default().tree(), View::default()),
        };
        let mut app = Self {
            engine: Behind::new(engine),
            engine_is_gone: false,
            is_leaving: false,
            run: RunState::default(),
            view,
            tree,
            panels: Panels::default(),
            vitals: Vitals::default(),
            pacer: Arc::default(),
            watched: None,
            actions: Vec::new(),
            typing: false,
            focused: None,
            sets_seen: 0,
            dark: true,
            zoom: 1.0,
        };
        app.send(Command::SetViewShare(app.view.share));
        app.send(Command::SetPace(app.view.pace));
        app.start(first);
        if is_unknown {
            app.run.fold(Event::Warning(
                "the layout was kept by another version of the program and begins anew; the one before is kept beside it"
                    .to_owned(),
            ));
        }
        app
    }

    /// What the window knows of the run.
    pub fn run_state(&self) -> &RunState {
        &self.run
    }

    /// What the window costs.
    pub fn vitals(&self) -> &Vitals {
        &self.vitals
    }

    /// What people chose to see.
    pub fn view(&self) -> &View {
        &self.view
    }

    /// The panels that can be seen.
    pub fn visible_panes(&self) -> Vec<Pane> {
        layout::visible(&self.tree)
    }

    /// Asks the engine for something whose answer needs no name: what comes of it are facts, and a refusal is told like any other.
    fn send(&self, command: Command) {
        self.engine.send(command);
    }

    /// Asks for something whose answer matters by itself.
    fn ask(&mut self, command: Command, asked: Asked) {
        let number = self.engine.send(command);
        self.run.ask(number, asked);
    }

    fn start(&mut self, start: Start) {
        self.run.asking(&start);
        // A new run is looked at as it is.
        if self.view.gallery == GalleryView::Opened {
            self.view.gallery = GalleryView::Now;
        }
        self.send(Command::Start(Box::new(start)));
    }

    /// Takes events and the newest picture, for a short while; the rest comes in the next frame.
    fn drain(&mut self, ctx: &Context) {
        let begun = Instant::now();
        loop {
            match self.engine.events().try_recv() {
                Ok(event) => self.run.fold(event),
                Err(TryRecvError::Empty) => break,
                Err(TryRecvError::Disconnected) => {
                    if !std::mem::replace(&mut self.engine_is_gone, true) {
                        self.run.lost();
                    }
                    break;
                }
            }
            if begun.elapsed() > DRAIN {
                ctx.request_repaint();
                break;
            }
        }
        if let Some(frame) = self.engine.frame() {
            self.run.take(frame);
        }
        if std::mem::replace(&mut self.sets_seen, self.run.sets_opened) < self.run.sets_opened {
            self.view.gallery = GalleryView::Opened;
        }
        self.panels.run.settle(&self.run);
    }

    /// Asks for the pictures that can be seen, when that changed. A run that stands still is always shown.
    fn watch(&mut self) {
        // A set that was opened is shown once at least.
        let lacks_set =
            self.view.gallery == GalleryView::Opened && self.run.pictures.gallery(GalleryView::Opened).is_none();
        let on = self.view.pictures || !self.run.phase.is_moving() || lacks_set;
        let panes = if on { layout::visible(&self.tree) } else { Vec::new() };
        let sees = |pane: Pane| panes.contains(&pane);
        let pages = self.run.pages();
        // What was worked out beside the run is there.
        let page = self.view.page(&pages).and_then(|at| self.run.info.as_ref()?.pages.get(at));
        let class = self.view.selected.class.unwrap_or(0);
        let wants = Wants {
            gallery: sees(Pane::Gallery).then_some(self.view.gallery),
            features: sees(Pane::Features),
            pulls: sees(Pane::Mixer),
            page: page.filter(|_| sees(Pane::Method)).map(|page| PageWanted { id: page.id.clone(), class }),
            apart: self.view.apart,
        };
        if self.watched.as_ref() != Some(&wants) {
            self.send(Command::Watch(wants.clone()));
            self.watched = Some(wants);
        }
    }

    /// Runs what people asked for.
    fn act(&mut self, ctx: &Context) {
        // What is opened asks for more.
        while !self.actions.is_empty() {
            for action in std::mem::take(&mut self.actions) {
                self.run_action(action);
            }
            ctx.request_repaint();
        }
    }

    fn run_action(&mut self, action: Action) {
        match action {
            Action::Start(start) => self.start(*start),
            Action::ToggleRun => self.toggle_run(),
            Action::Step => self.send(Command::Step),
            Action::Stop => self.send(Command::Stop),
            Action::ResumeSaved => {
                if let Some((info, config)) = self.run.info.as_ref().zip(self.run.config.clone()) {
                    let out = info.out.clone();
                    let judge = self.run.asked.as_ref().map(|start| start.judge).unwrap_or_default();
                    self.start(Start { resume: true, judge, ..Start::new(config, out) });
                }
            }
            Action::Set { control, value } => {
                if let Some(strip) = self.run.mixer.strip_mut(&control) {
                    strip.fader = value;
                    strip.muted = false;
                }
                self.send_values();
            }
            Action::ToggleMute(index) => {
                if let Some(strip) = self.run.mixer.strips.get_mut(index) {
                    strip.muted = !strip.muted;
                }
                self.send_values();
            }
            Action::ToggleSolo(index) => {
                let mixer = &mut self.run.mixer;
                mixer.solo = if mixer.solo == Some(index) { None } else { Some(index) };
                self.send_values();
            }
            Action::Evaluate(trial) => self.ask(Command::Evaluate(trial.clone()), Asked::Trial(trial)),
            Action::Judge => self.send(Command::Judge),
            Action::OpenSet(path, reading) => self.send(Command::OpenSet { path, reading }),
            Action::OpenComparison(path) => self.send(Command::OpenComparison(path)),
            Action::ExportSelection(what, folder) => {
                self.send(Command::ExportSelection { what, folder });
            }
            Action::Open(paths) => self.open(&paths),
            Action::CloseSet => {
                self.run.close_set();
                if self.view.gallery == GalleryView::Opened {
                    self.view.gallery = GalleryView::Now;
                }
            }
            Action::CloseComparison => self.run.comparison = None,
            Action::Refuse(why) => self.run.failure = Some(why),
            Action::Inspect(config) => {
                self.run.inspected = None;
                self.ask(Command::Inspect(config), Asked::Inspect);
            }
            Action::CancelEvaluation => self.send(Command::CancelEvaluation),
            Action::Checkpoint => self.send(Command::Checkpoint),
            Action::Export(folder) => self.send(Command::Export(folder)),
            Action::SetPace(pace) => {
                self.view.pace = pace;
                self.send(Command::SetPace(pace));
            }
            Action::ShiftPace { slower } => {
                self.view.pace = self.view.other_pace(slower);
                self.send(Command::SetPace(self.view.pace));
            }
            Action::SetViewShare(share) => {
                self.view.share = share;
                self.send(Command::SetViewShare(share));
            }
            Action::DismissFailure => self.run.failure = None,
            Action::UseLayout(preset) => self.tree = preset.tree(),
        }
    }

    fn send_values(&mut self) {
        for (control, value) in self.run.mixer.unsent() {
            self.send(Command::Set { control, value });
        }
    }

    fn toggle_run(&mut self) {
        match self.run.phase {
            Phase::Paused { .. } => self.send(Command::Resume),
            // Nothing is told when a run that is being made ready shall wait no longer.
            Phase::Preparing(_) if self.run.waits => {
                self.run.waits = false;
                self.send(Command::Resume);
            }
            Phase::Running | Phase::Preparing(_) => self.send(Command::Pause),
            Phase::Idle | Phase::Finished { .. } | Phase::Failed | Phase::CalledOff => match self.panels.run.next() {
                Some(Ok(start)) => self.start(start),
                Some(Err(fault)) => self.run.failure = Some(fault),
                None => {
                    if let Some(asked) = self.run.asked.clone() {
                        self.start(asked);
                    }
                }
            },
        }
    }

    fn draw(&mut self, ui: &mut Ui) {
        let mut scene = Scene { run: &self.run, view: &mut self.view, actions: &mut self.actions };
        let bar = |margin| egui::Frame::new().fill(theme::of(ui).ground).inner_margin(margin);
        let (top, bottom) = (bar(Margin::symmetric(12, 0)), bar(Margin::symmetric(12, 0)));
        let middle = bar(Margin::symmetric(theme::GAP as i8, 0));
        egui::Panel::top("toolbar").frame(top).exact_size(44.0).show_separator_line(false).show(ui, |ui| {
            panels::toolbar::show(ui, &mut scene);
        });
        egui::Panel::bottom("status").frame(bottom).exact_size(34.0).show_separator_line(false).show(ui, |ui| {
            panels::status::show(ui, &mut scene, &self.vitals);
        });
        CentralPanel::default().frame(middle).show(ui, |ui| {
            panels::toolbar::banner(ui, &mut scene);
            // Panels read where the pointer was in the last frame and write where it is now.
            self.tree.ui(&mut tiles::Desk { panels: &mut self.panels, scene: &mut scene }, ui);
            let now = std::mem::take(&mut scene.view.hovering);
            if std::mem::replace(&mut scene.view.hover, now) != now {
                ui.ctx().request_repaint();
            }
        });
        panels::help::show(ui, &mut self.view);
        dropping::hint(ui.ctx());
    }
}

impl eframe::App for App {
    fn logic(&mut self, ctx: &Context, frame: &mut Frame) {
        if ctx.input(|input| input.viewport().close_requested()) {
            return self.leave(frame);
        }
        self.vitals.begin(frame.info().cpu_usage, self.view.share, &self.pacer);
        if let Some(cost) = self.vitals.cost.take() {
            self.send(Command::FrameDrawn(cost));
        }
        self.typing = ctx.text_edit_focused();
        self.focused = ctx.memory(egui::Memory::focused);
        self.drain(ctx);
        self.take_dropped(ctx);
        self.watch();
    }

    fn ui(&mut self, ui: &mut Ui, _frame: &mut Frame) {
        if self.is_leaving {
            return;
        }
        self.draw(ui);
        let ctx = ui.ctx().clone();
        self.keys(&ctx);
        self.act(&ctx);
        self.watch();
        (self.dark, self.zoom) = (ui.visuals().dark_mode, ctx.zoom_factor());
        self.vitals.end();
    }

    fn save(&mut self, storage: &mut dyn Storage) {
        if kept(storage).is_none()
            && let Some(unknown) = storage.get_string(KEY)
        {
            storage.set_string(&format!("{KEY}-of-another-version"), unknown);
        }
        let kept = Kept {
            version: VERSION,
            tree: self.tree.clone(),
            view: self.view.clone(),
            dark: self.dark,
            zoom: self.zoom,
        };
        eframe::set_value(storage, KEY, &kept);
    }

    fn clear_color(&self, visuals: &egui::Visuals) -> [f32; 4] {
        theme::of_visuals(visuals).ground.to_normalized_gamma_f32()
    }

    fn persist_egui_memory(&self) -> bool {
        false // What matters is kept above, under a version.
    }
}
