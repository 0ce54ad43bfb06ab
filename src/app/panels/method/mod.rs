//! Inside the method: a page for each idea that a run uses.

mod balls;
mod energy;
mod information;
mod plane;
mod queue;

use egui::Ui;

use crate::app::view::{MethodPage, Scene, View};

/// Name and meaning of a page.
fn about(page: MethodPage) -> (MethodPage, &'static str, &'static str) {
    match page {
        MethodPage::Queue => (page, "Queue", "The networks that learn beside the run (IDM)"),
        MethodPage::Energy => (page, "Energy", "Pairs on the curve of their energy, and class balls (PEMDD)"),
        MethodPage::Balls => (page, "Sigma points", "What stands for the ball of a class (PEMDD)"),
        MethodPage::Information => (page, "Information", "What the images of a class say to a trained network (CMI)"),
    }
}

/// Draws the panel.
pub(crate) fn show(ui: &mut Ui, scene: &mut Scene<'_>) {
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
        MethodPage::Information => information::show(ui, scene),
    }
}
