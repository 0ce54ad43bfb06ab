//! Inside the method: its pages, as they are made beside the run.

use egui::Ui;

use crate::app::{
    state::RunState,
    view::Scene,
    widgets::{
        atlas::Atlas,
        page::{self, Canvas},
    },
};

/// What the pages keep between frames.
#[derive(Default)]
pub(crate) struct Panel {
    atlas: Atlas,
}

impl Panel {
    /// Draws the panel.
    pub(crate) fn show(&mut self, ui: &mut Ui, scene: &mut Scene<'_>) {
        let run = scene.run;
        let pages = run.pages();
        let Some(mut at) = scene.view.page(&pages) else {
            super::empty(ui, "No run yet", "Its pages appear with it");
            return;
        };
        if pages.len() > 1 {
            let options: Vec<(usize, &str, &str)> =
                pages.iter().enumerate().map(|(at, page)| (at, page.title.as_str(), page.meaning.as_str())).collect();
            let before = at;
            ui.horizontal_wrapped(|ui| super::choices(ui, &mut at, &options));
            if at != before {
                scene.view.page = Some(pages[at].id.clone());
            }
        }
        let Some((step, page)) = run.page(&pages[at].id) else {
            waits(ui, run);
            return;
        };
        let mut canvas = Canvas {
            trace: &|name, part, columns| run.trace(name, part, columns),
            hover: scene.view.hover,
            hovering: &mut scene.view.hovering,
            atlas: &mut self.atlas,
        };
        if let Some(class) = page::show(ui, page, step, &mut canvas) {
            scene.view.selected.class = Some(class);
        }
    }
}

/// What stands on a page that waits: for what is being trained, or for the first picture.
fn waits(ui: &mut Ui, run: &RunState) {
    let hint = match &run.pretraining {
        Some(progress) => format!("First comes {}: {:.0} %", progress.what, 100.0 * progress.done),
        None => "The page appears with the run".to_owned(),
    };
    super::empty(ui, "Nothing to read yet", &hint);
}
