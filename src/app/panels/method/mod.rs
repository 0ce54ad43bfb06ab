//! Inside the method: a page for each idea that a run uses.

mod balls;
mod cells;
mod distances;
mod energy;
mod information;
mod plane;
mod prior;
mod queue;

use egui::Ui;

use crate::app::{
    state::RunState,
    view::{MethodPage, Scene, View},
};

/// What the pages keep between frames.
#[derive(Default)]
pub(crate) struct Panel {
    prior: prior::Page,
}

/// Name and meaning of a page.
fn about(page: MethodPage) -> (MethodPage, &'static str, &'static str) {
    match page {
        MethodPage::Queue => (page, "Queue", "The networks that learn beside the run (IDM)"),
        MethodPage::Energy => (page, "Energy", "Pairs on the curve of their energy, and class balls (PEMDD)"),
        MethodPage::Balls => (page, "Sigma points", "What stands for the ball of a class (PEMDD)"),
        MethodPage::Cells => (page, "Cells", "Points, the cells that they stand for, and their masses (DDOQ)"),
        MethodPage::Distances => {
            (page, "Distances", "How far points are from their class, with masses and without (DDOQ)")
        }
        MethodPage::Prior => (page, "Images", "Points before and after the prior, and the nearest real images (DDOQ)"),
        MethodPage::Information => (page, "Information", "What the images of a class say to a trained network (CMI)"),
    }
}

impl Panel {
    /// Draws the panel.
    pub(crate) fn show(&mut self, ui: &mut Ui, scene: &mut Scene<'_>) {
        let pages = View::pages(scene.run);
        let mut page = scene.view.page(scene.run);
        if pages.len() > 1 {
            let options: Vec<_> = pages.iter().copied().map(about).collect();
            ui.horizontal(|ui| super::choices(ui, &mut page, &options));
            scene.view.method_page = page;
        }
        match page {
            MethodPage::Queue => queue::show(ui, scene),
            MethodPage::Energy => energy::show(ui, scene),
            MethodPage::Balls => balls::show(ui, scene),
            MethodPage::Cells => cells::show(ui, scene),
            MethodPage::Distances => distances::show(ui, scene),
            MethodPage::Prior => self.prior.show(ui, scene),
            MethodPage::Information => information::show(ui, scene),
        }
    }
}

/// What stands on a page that waits: for what is being trained, or for the first picture.
fn waits(ui: &mut Ui, run: &RunState, hint: &str) {
    let hint = match &run.pretraining {
        Some(progress) => format!("First comes {}: {:.0} %", progress.what, 100.0 * progress.done),
        None => hint.to_owned(),
    };
    super::empty(ui, "Nothing to read yet", &hint);
}
