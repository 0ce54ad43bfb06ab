//! Inside the method: a page for each idea that a run uses.

mod information;
mod queue;

use egui::Ui;

use crate::app::view::{MethodPage, Scene};

/// Draws the panel.
pub(crate) fn show(ui: &mut Ui, scene: &mut Scene<'_>) {
    if scene.run.info.as_ref().is_some_and(|info| info.queue.is_some()) {
        ui.horizontal(|ui| {
            let options = [
                (MethodPage::Queue, "Queue", "The networks that learn beside the run (IDM)"),
                (MethodPage::Information, "Information", "What the images of a class say to a trained network (CMI)"),
            ];
            super::choices(ui, &mut scene.view.method_page, &options);
        });
    }
    match scene.view.page(scene.run) {
        MethodPage::Information => information::show(ui, scene),
        MethodPage::Queue => queue::show(ui, scene),
    }
}
