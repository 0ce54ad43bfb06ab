//! The newest pictures of a run, each with its step.

use std::collections::BTreeMap;

use crate::report::{FeaturePlane, Frame, Gallery, GalleryView, page::Page};

/// Values of a name that are kept.
const MOST_REMEMBERED: usize = 2000;

/// The newest pictures, each with its step.
#[derive(Clone, Debug, Default)]
pub struct Pictures {
    galleries: [Option<(u64, Gallery)>; 4],
    /// The plane.
    pub features: Option<(u64, FeaturePlane)>,
    /// Share of each term in the gradient of the pixels.
    pub pulls: Option<(u64, Vec<f64>)>,
    pages: BTreeMap<String, (u64, Page)>,
    /// Numbers that pages bring along, picture after picture.
    gathered: BTreeMap<String, Vec<[f64; 2]>>,
}

impl Pictures {
    /// The newest gallery of a view.
    pub fn gallery(&self, view: GalleryView) -> Option<&(u64, Gallery)> {
        self.galleries[view as usize].as_ref()
    }

    /// The newest page of this name.
    pub fn page(&self, id: &str) -> Option<&(u64, Page)> {
        self.pages.get(id)
    }

    /// A number that pages bring along, picture after picture: step and value.
    pub fn gathered(&self, name: &str) -> &[[f64; 2]] {
        self.gathered.get(name).map(Vec::as_slice).unwrap_or_default()
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
        for page in &frame.pages {
            page.gathered.iter().for_each(|(name, value)| self.gather(name, frame.step, *value));
            self.pages.insert(page.id.clone(), (frame.step, page.clone()));
        }
    }

    /// Keeps a number; of very many every second one.
    fn gather(&mut self, name: &str, step: u64, value: f64) {
        let known = self.gathered.entry(name.to_owned()).or_default();
        if known.last().is_some_and(|last| last[0] >= step as f64) {
            return;
        }
        known.push([step as f64, value]);
        if known.len() > MOST_REMEMBERED {
            let mut at = 0;
            known.retain(|_| {
                at += 1;
                at % 2 == 1
            });
        }
    }
}
