//! Files that are dragged over the window and let go there.

use std::path::PathBuf;

use egui::{Align2, Area, Context, Frame, Margin, Order, RichText, Stroke, StrokeKind};

use super::{
    App,
    action::Action,
    layout::{self, Pane},
    opening::{self, Found},
    theme,
};
use crate::report::Reading;

impl App {
    /// What is dropped on the window is opened: a set with its labels, a comparison, or data for the next run.
    pub(super) fn take_dropped(&mut self, ctx: &Context) {
        let dropped: Vec<PathBuf> =
            ctx.input(|input| input.raw.dropped_files.iter().map(|file| file.path().to_owned()).collect());
        if !dropped.is_empty() {
            self.open(&dropped);
            self.act(ctx);
        }
    }

    /// Opens what was chosen together. What cannot be opened leaves everything as it is.
    pub(super) fn open(&mut self, paths: &[PathBuf]) {
        let found = match opening::find_all(paths) {
            Ok(found) => found,
            Err(why) => return self.run.failure = Some(why),
        };
        for one in found {
            match one {
                Found::Comparison(path) => {
                    layout::reveal(&mut self.tree, Pane::Storage);
                    self.actions.push(Action::OpenComparison(path));
                }
                Found::Set(path) => self.actions.push(Action::OpenSet(path, Reading::default())),
                Found::Data(path) => {
                    layout::reveal(&mut self.tree, Pane::Run);
                    match self.panels.run.propose(&path) {
                        Ok(config) => self.actions.push(Action::Inspect(Box::new(config))),
                        Err(why) => return self.run.failure = Some(why),
                    }
                }
            }
        }
        self.panels.run.forget_path();
    }
}

/// While files are held over the window it says what would become of them.
pub(super) fn hint(ctx: &Context) {
    let held: Vec<PathBuf> =
        ctx.input(|input| input.raw.hovered_files.iter().filter_map(|file| file.path.clone()).collect());
    if ctx.input(|input| input.raw.hovered_files.is_empty()) {
        return;
    }
    let (lines, is_refused) = match opening::find_all(&held) {
        Ok(found) if found.is_empty() => (vec!["Drop to open".to_owned()], false),
        Ok(found) => (found.iter().map(Found::describe).collect(), false),
        Err(why) => (vec![why], true),
    };
    let theme = theme::of_visuals(&ctx.global_style().visuals);
    let (whole, color) = (ctx.content_rect().shrink(4.0), if is_refused { theme.bad } else { theme.accent });
    let painter = ctx.layer_painter(egui::LayerId::new(Order::Foreground, egui::Id::unique("held")));
    painter.rect_filled(whole, 8.0, theme::fade(theme.ground, 0.75));
    painter.rect_stroke(whole, 8.0, Stroke::new(2.0, color), StrokeKind::Inside);
    let area = Area::new(egui::Id::unique("held files")).order(Order::Tooltip).interactable(false);
    area.anchor(Align2::CENTER_CENTER, [0.0, 0.0]).show(ctx, |ui| {
        Frame::new().fill(theme.raised).corner_radius(theme::ROUND).inner_margin(Margin::symmetric(18, 14)).show(
            ui,
            |ui| {
                ui.set_max_width((whole.width() - 80.0).min(720.0));
                for line in lines {
                    ui.label(RichText::new(line).size(15.0).color(color));
                }
            },
        );
    });
}
