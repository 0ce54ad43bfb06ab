//! The newest pictures of a run, each with its step.

use crate::report::{
    EnergyView, FeaturePlane, Frame, Gallery, GalleryView, InformationView, QuantizerView, QueuedNetwork,
};

/// Values of the classes that are kept.
const MOST_REMEMBERED: usize = 2000;

/// The newest pictures, each with its step.
#[derive(Clone, Debug, Default)]
pub struct Pictures {
    galleries: [Option<(u64, Gallery)>; 4],
    /// The plane.
    pub features: Option<(u64, FeaturePlane)>,
    /// Share of each term in the gradient of the pixels.
    pub pulls: Option<(u64, Vec<f64>)>,
    /// What the images of each class say to a trained network.
    pub information: Option<(u64, InformationView)>,
    /// The networks that learn beside the run.
    pub queue: Option<(u64, Vec<QueuedNetwork>)>,
    /// An energy map.
    pub energy: Option<(u64, EnergyView)>,
    /// The points of a quantizer.
    pub quantizer: Option<(u64, QuantizerView)>,
    /// The values of the classes of `information`, picture after picture.
    pub information_before: Vec<(u64, Vec<f64>)>,
}

impl Pictures {
    /// The newest gallery of a view.
    pub fn gallery(&self, view: GalleryView) -> Option<&(u64, Gallery)> {
        self.galleries[view as usize].as_ref()
    }

    /// The picture of a set that was read from files goes.
    pub(super) fn close_set(&mut self) {
        self.galleries[GalleryView::Opened as usize] = None;
    }

    /// Takes what a frame holds and keeps the rest.
    pub(super) fn take(&mut self, frame: &Frame) {
        if let Some(gallery) = &frame.gallery {
            self.galleries[gallery.view as usize] = Some((frame.step, gallery.clone()));
        }
        if let Some(features) = &frame.features {
            self.features = Some((frame.step, features.clone()));
        }
        if let Some(pulls) = &frame.pulls {
            self.pulls = Some((frame.step, pulls.clone()));
        }
        if let Some(energy) = &frame.energy {
            self.energy = Some((frame.step, energy.clone()));
        }
        if let Some(quantizer) = &frame.quantizer {
            self.quantizer = Some((frame.step, quantizer.clone()));
        }
        if let Some(queue) = &frame.queue {
            self.queue = Some((frame.step, queue.clone()));
        }
        if let Some(information) = &frame.information {
            self.remember(frame.step, information);
            self.information = Some((frame.step, information.clone()));
        }
    }

    /// Keeps the values of the classes; of very many pictures every second one.
    fn remember(&mut self, step: u64, information: &InformationView) {
        if self.information_before.last().is_some_and(|(last, _)| *last >= step) {
            return;
        }
        self.information_before.push((step, information.classes.iter().map(|class| class.value).collect()));
        if self.information_before.len() > MOST_REMEMBERED {
            let mut at = 0;
            self.information_before.retain(|_| {
                at += 1;
                at % 2 == 1
            });
        }
    }
}
