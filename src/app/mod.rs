//! The window: a fold of events into one state, panels that read it and emit actions, one `match` that runs them.
//!
//! The window knows no tensors and no data: the engine prepares what is shown. `logic` drains the engine, `ui` draws;
//! nothing is drawn unless there is news, so a paused run costs nothing.

pub mod action;
pub mod layout;
pub mod panels;
pub mod state;
pub mod theme;
pub mod view;
mod vitals;
pub mod widgets;

use std::time::{Duration, Instant};

use eframe::{CreationContext, Storage};
use egui::{CentralPanel, Context, Frame, Key, Margin, Modifiers, Panel as Bar, Ui, WidgetText};
use egui_tiles::{SimplificationOptions, TileId, Tiles, Tree, UiResponse};
use serde::{Deserialize, Serialize};

use crate::{
    engine::{Command, Engine, Start},
    report::Wants,
};
use action::Action;
use layout::{Pane, Preset};
use panels::Panels;
use state::{Phase, RunState};
use view::{Scene, View};
use vitals::Vitals;

/// Draining the engine takes no longer than this in a frame.
const DRAIN: Duration = Duration::from_millis(10);
/// Under this key the window keeps what people chose; a number that is not ours means another version.
const STORED: &str = "window";
const VERSION: u32 = 1;

/// What is kept between starts.
#[derive(Serialize, Deserialize)]
struct Stored {
    version: u32,
    view: View,
    tree: Tree<Pane>,
}

/// The window.
pub struct App {
    engine: Engine,
    run: RunState,
    view: View,
    tree: Tree<Pane>,
    panels: Panels,
    vitals: Vitals,
    asked: Wants,
}

/// Opens the window, which at once begins `first`. Says why when there is none to be had.
pub fn run(first: Start, spawn: impl FnOnce(Box<dyn Fn() + Send>) -> Engine + 'static) -> Result<(), String> {
    if cfg!(target_os = "linux") && ["DISPLAY", "WAYLAND_DISPLAY"].iter().all(|name| std::env::var_os(name).is_none()) {
        return Err("there is no display (neither DISPLAY nor WAYLAND_DISPLAY is set)".to_owned());
    }
    let viewport = egui::ViewportBuilder::default()
        .with_title("Spirit Safe")
        .with_app_id("spiritsafe")
        .with_inner_size([1440.0, 900.0])
        .with_min_inner_size([760.0, 480.0]);
    let options = eframe::NativeOptions { viewport, ..Default::default() };
    eframe::run_native(
        "spiritsafe",
        options,
        Box::new(move |creation| {
            let ctx = creation.egui_ctx.clone();
            let engine = spawn(Box::new(move || ctx.request_repaint_after(DRAIN)));
            Ok(Box::new(App::new(creation, engine, first)))
        }),
    )
    .map_err(|error| format!("the window cannot be opened ({error})"))
}

impl App {
    /// A window over an engine, which begins `first`.
    pub fn new(creation: &CreationContext<'_>, engine: Engine, first: Start) -> Self {
        let stored = creation.storage.and_then(|storage| storage.get_string(STORED));
        Self::with(&creation.egui_ctx, engine, first, stored.as_deref())
    }

    /// The same with what was stored as text; anything that is not understood is left out.
    pub fn with(ctx: &Context, engine: Engine, first: Start, stored: Option<&str>) -> Self {
        theme::install(ctx);
        let stored: Option<Stored> = stored.and_then(|text| serde_json::from_str(text).ok());
        let stored = stored.filter(|stored| stored.version == VERSION && layout::is_valid(&stored.tree));
        let (view, tree) = match stored {
            Some(stored) => (stored.view, stored.tree),
            None => (View::default(), Preset::default().tree()),
        };
        let mut app = Self {
            engine,
            run: RunState::default(),
            view,
            tree,
            panels: Panels::default(),
            vitals: Vitals::default(),
            asked: Wants::default(),
        };
        app.engine.send(Command::SetViewShare(app.view.share));
        app.begin(first);
        app
    }

    /// What the window knows of the run.
    pub fn state(&self) -> &RunState {
        &self.run
    }

    /// What is kept between starts, as text.
    pub fn stored(&self) -> Option<String> {
        let stored = Stored { version: VERSION, view: self.view.clone(), tree: self.tree.clone() };
        serde_json::to_string(&stored).ok()
    }

    fn begin(&mut self, start: Start) {
        self.run.asking(&start);
        self.engine.send(Command::Start(Box::new(start)));
    }

    /// Takes what the engine has said, for a moment; asks for another frame where more is waiting.
    fn drain(&mut self, ctx: &Context) {
        let clock = Instant::now();
        loop {
            match self.engine.events().try_recv() {
                Ok(event) => self.run.fold(event),
                Err(crossbeam_channel::TryRecvError::Empty) => break,
                Err(crossbeam_channel::TryRecvError::Disconnected) => {
                    self.run.lost();
                    break;
                }
            }
            if clock.elapsed() > DRAIN {
                ctx.request_repaint();
                break;
            }
        }
        if let Some(frame) = self.engine.frame() {
            self.run.take(frame);
        }
    }

    /// Asks for the pictures that can be seen; while a run goes on none if they are turned off.
    fn ask(&mut self) {
        let seen = layout::visible(&self.tree);
        let wanted = self.view.pictures || !self.run.phase.is_moving();
        let wants = Wants {
            gallery: (wanted && seen.contains(&Pane::Gallery)).then_some(self.view.gallery),
            features: wanted && seen.contains(&Pane::Features),
            pulls: wanted && seen.contains(&Pane::Mixer) && self.run.desk.terms.len() > 1,
        };
        if wants != self.asked {
            self.asked = wants.clone();
            self.engine.send(Command::Watch(wants));
        }
    }

    /// Keys that work everywhere but in a text field or on a focused control.
    fn keys(&mut self, ctx: &Context, actions: &mut Vec<Action>) {
        if ctx.memory(|memory| memory.focused().is_some()) {
            return;
        }
        let pressed = |key: Key| ctx.input_mut(|input| input.consume_key(Modifiers::NONE, key));
        if pressed(Key::Space) {
            actions.push(Action::ToggleRun);
        }
        if pressed(Key::S) {
            actions.push(Action::Step);
        }
        if pressed(Key::G) {
            self.view.turn_gallery();
        }
        if pressed(Key::L) {
            self.view.log_axis = !self.view.log_axis;
        }
        if pressed(Key::W) {
            self.view.weighted = !self.view.weighted;
        }
        if pressed(Key::P) {
            self.view.pictures = !self.view.pictures;
        }
        if pressed(Key::T) {
            let dark = ctx.theme() == egui::Theme::Dark;
            ctx.set_theme(if dark { egui::Theme::Light } else { egui::Theme::Dark });
        }
        let asks_help =
            ctx.input(|input| input.events.iter().any(|event| matches!(event, egui::Event::Text(text) if text == "?")));
        if asks_help || pressed(Key::F1) {
            self.view.help = !self.view.help;
        }
        for (key, preset) in [Key::Num1, Key::Num2, Key::Num3, Key::Num4].into_iter().zip(Preset::ALL) {
            if pressed(key) {
                actions.push(Action::UseLayout(preset));
            }
        }
    }

    /// Runs a wish.
    fn act(&mut self, action: Action) {
        match action {
            Action::Start(start) => self.begin(*start),
            Action::ToggleRun => self.toggle(),
            Action::Step => self.engine.send(Command::Step),
            Action::Stop => self.engine.send(Command::Stop),
            Action::ResumeSaved => {
                if let (Some(asked), Some(info)) = (self.run.asked.clone(), &self.run.info) {
                    let out = info.out.clone();
                    self.begin(Start { out, resume: true, paused: false, script: Vec::new(), ..asked });
                }
            }
            Action::SetWeight { term, weight } => {
                if let Some(strip) = self.run.desk.terms.get_mut(term) {
                    strip.fader = weight;
                }
                self.tell_weights();
            }
            Action::SetLearningRate(rate) => {
                if let Some(strip) = &mut self.run.desk.rate {
                    (strip.fader, strip.sent) = (rate, rate);
                }
                self.engine.send(Command::SetLearningRate(rate));
            }
            Action::ToggleMute(term) => {
                if let Some(strip) = self.run.desk.terms.get_mut(term) {
                    strip.muted = !strip.muted;
                }
                self.tell_weights();
            }
            Action::ToggleSolo(term) => {
                self.run.desk.solo = (self.run.desk.solo != Some(term)).then_some(term);
                self.tell_weights();
            }
            Action::Evaluate(protocol) => self.engine.send(Command::Evaluate { protocol }),
            Action::CancelEvaluation => self.engine.send(Command::CancelEvaluation),
            Action::Checkpoint => self.engine.send(Command::Checkpoint),
            Action::Export(folder) => self.engine.send(Command::Export(folder)),
            Action::SetViewShare(share) => {
                self.view.share = share;
                self.engine.send(Command::SetViewShare(share));
            }
            Action::DismissFailure => self.run.failure = None,
            Action::UseLayout(preset) => self.tree = preset.tree(),
        }
    }

    fn toggle(&mut self) {
        match self.run.phase {
            Phase::Running => self.engine.send(Command::Pause),
            Phase::Paused { .. } => self.engine.send(Command::Resume),
            Phase::Preparing(_) => {}
            Phase::Idle | Phase::Finished { .. } | Phase::Failed => {
                if let Some(asked) = &self.run.asked {
                    let again = Start::fresh(asked.config.clone());
                    self.begin(again);
                }
            }
        }
    }

    fn tell_weights(&mut self) {
        for (term, weight) in self.run.desk.unsent() {
            self.engine.send(Command::SetWeight { term, weight });
        }
    }

    /// Draws everything and gathers the wishes.
    fn draw(&mut self, ui: &mut Ui) -> Vec<Action> {
        let mut actions = Vec::new();
        self.keys(ui.ctx(), &mut actions);
        let Self { run, view, tree, panels, vitals, .. } = self;
        let mut scene = Scene { run, view, actions: &mut actions };
        let ground = theme::of(ui).ground;
        let bar = |vertical| Frame::new().fill(ground).inner_margin(Margin::symmetric(10, vertical));
        Bar::top("toolbar").exact_size(44.0).frame(bar(4)).show_separator_line(false).show(ui, |ui| {
            panels::toolbar::show(ui, &mut scene);
        });
        Bar::bottom("status").exact_size(32.0).frame(bar(2)).show_separator_line(false).show(ui, |ui| {
            panels::status::show(ui, &mut scene, vitals);
        });
        CentralPanel::default().frame(bar(0)).show(ui, |ui| {
            panels::toolbar::banner(ui, &mut scene);
            tree.ui(&mut Tiling { scene: &mut scene, panels }, ui);
        });
        panels::help::show(ui, scene.view);
        actions
    }
}

impl App {
    /// One frame: hear the engine, draw, do what was wished.
    pub fn show(&mut self, ui: &mut Ui) {
        self.drain(&ui.ctx().clone());
        self.paint(ui);
    }

    fn paint(&mut self, ui: &mut Ui) {
        let actions = self.draw(ui);
        if !actions.is_empty() {
            ui.ctx().request_repaint();
        }
        actions.into_iter().for_each(|action| self.act(action));
        self.ask();
    }
}

impl eframe::App for App {
    fn logic(&mut self, ctx: &Context, _frame: &mut eframe::Frame) {
        self.drain(ctx);
        self.ask();
    }

    fn ui(&mut self, ui: &mut Ui, frame: &mut eframe::Frame) {
        self.paint(ui);
        if let Some(secs) = frame.info().cpu_usage {
            let cost = self.vitals.frame(f64::from(secs));
            self.engine.send(Command::FrameDrawn(cost));
        }
    }

    fn save(&mut self, storage: &mut dyn Storage) {
        if let Some(text) = self.stored() {
            storage.set_string(STORED, text);
        }
    }
}

/// Hands panels to the tiles.
struct Tiling<'a, 'b> {
    scene: &'a mut Scene<'b>,
    panels: &'a mut Panels,
}

impl egui_tiles::Behavior<Pane> for Tiling<'_, '_> {
    fn pane_ui(&mut self, ui: &mut Ui, _tile: TileId, pane: &mut Pane) -> UiResponse {
        let fill = theme::of(ui).panel;
        let frame = Frame::new().fill(fill).corner_radius(theme::ROUND).inner_margin(Margin::same(10));
        frame.show(ui, |ui| {
            ui.expand_to_include_rect(ui.max_rect());
            self.panels.show(*pane, ui, self.scene);
        });
        UiResponse::None
    }

    fn tab_title_for_pane(&mut self, pane: &Pane) -> WidgetText {
        pane.title().into()
    }

    fn gap_width(&self, _style: &egui::Style) -> f32 {
        theme::GAP
    }

    fn tab_bar_color(&self, visuals: &egui::Visuals) -> egui::Color32 {
        theme::of_visuals(visuals).ground
    }

    fn tab_bg_color(
        &self,
        visuals: &egui::Visuals,
        _tiles: &Tiles<Pane>,
        _tile: TileId,
        state: &egui_tiles::TabState,
    ) -> egui::Color32 {
        let theme = theme::of_visuals(visuals);
        if state.active { theme.panel } else { theme.ground }
    }

    fn simplification_options(&self) -> SimplificationOptions {
        // Every panel keeps its tab, so that it can always be named and dragged.
        SimplificationOptions { all_panes_must_have_tabs: true, ..SimplificationOptions::default() }
    }
}
