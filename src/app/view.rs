//! What people chose to see. It belongs to the window alone: no choice here ever changes what a run computes.

use serde::{Deserialize, Serialize};

use super::{
    action::Action,
    state::{History, RunState},
};
use crate::report::{
    GalleryView,
    page::{PageInfo, Reference, Scale},
};

/// The choices.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct View {
    /// Which picture of the images.
    pub gallery: GalleryView,
    /// Cells are this much larger than what fits.
    pub magnify: f32,
    /// Pictures are computed while a run goes on.
    pub pictures: bool,
    /// How the loss axis is divided; by what the losses are where nobody chose.
    pub loss_axis: Option<Scale>,
    /// Losses are drawn as their means over some steps, with the values behind.
    pub smooth: bool,
    /// Losses are multiplied by their weights.
    pub weighted: bool,
    /// Mosaics are taken apart.
    pub apart: bool,
    /// The page of the method that is open, by its name; the first where there is none.
    pub page: Option<String>,
    /// What is shown of the evaluations.
    pub judged_as: JudgedAs,
    /// Networks to judge by, as they were typed.
    pub networks: String,
    /// The only protocol that is shown; all where there is none.
    pub protocol: Option<String>,
    /// At most so many steps a second, so that eyes can follow; none is full speed.
    pub pace: Option<f64>,
    /// The share of the machine that drawing may take.
    pub share: f64,
    /// What was under the pointer in the last frame, in whatever panel: all panels mark it.
    #[serde(skip)]
    pub hover: Pointed,
    /// What is under the pointer now: the panel that knows it says so.
    #[serde(skip)]
    pub hovering: Pointed,
    /// What people have chosen: the image that the arrow keys stand on, the class that pages are about.
    #[serde(skip)]
    pub selected: Pointed,
    /// The evaluation whose classes are looked at; the newest where there is none.
    #[serde(skip)]
    pub judged: Option<usize>,
    /// The help is open.
    #[serde(skip)]
    pub help: bool,
}

/// Something that people point at. A panel marks what it knows of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pointed {
    /// An image: its number among all that networks see, class by class.
    pub image: Option<usize>,
    /// Position of a class.
    pub class: Option<usize>,
    /// Position of a term of the loss.
    pub term: Option<usize>,
    /// A step.
    pub step: Option<u64>,
}

impl Pointed {
    /// Takes in what a mark is about.
    pub fn point(&mut self, about: &Reference) {
        match *about {
            Reference::Image(image) => self.image = Some(image),
            Reference::Class(class) => self.class = Some(class),
            Reference::Term(term) => self.term = Some(term),
            Reference::Step(step) => self.step = Some(step),
        }
    }

    /// True for what a mark is about.
    pub fn is(&self, about: &Reference) -> bool {
        match *about {
            Reference::Image(image) => self.image == Some(image),
            Reference::Class(class) => self.class == Some(class),
            Reference::Term(term) => self.term == Some(term),
            Reference::Step(step) => self.step == Some(step),
        }
    }
}

/// What is shown of the evaluations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum JudgedAs {
    /// Accuracy over the bytes of the images.
    #[default]
    Storage,
    /// Accuracy over the steps of the run.
    Steps,
    /// Accuracy by network.
    Networks,
    /// Which class is taken for which.
    Classes,
}

impl Default for View {
    fn default() -> Self {
        Self {
            gallery: GalleryView::Now,
            magnify: 1.0,
            pictures: true,
            loss_axis: None,
            smooth: false,
            weighted: true,
            apart: false,
            page: None,
            judged_as: JudgedAs::Storage,
            networks: "convnet, alexnet, vgg11, resnet18".to_owned(),
            protocol: None,
            pace: None,
            share: 0.25,
            hover: Pointed::default(),
            hovering: Pointed::default(),
            selected: Pointed::default(),
            judged: None,
            help: false,
        }
    }
}

/// The paces that are offered, fast to slow.
pub const PACES: [Option<f64>; 5] = [None, Some(100.0), Some(30.0), Some(10.0), Some(2.0)];

impl View {
    /// Position of the page that is shown among those that can be seen; none before there is a run.
    pub fn page(&self, pages: &[PageInfo]) -> Option<usize> {
        let chosen = pages.iter().position(|page| self.page.as_ref() == Some(&page.id));
        chosen.or((!pages.is_empty()).then_some(0))
    }

    /// How the axis of the losses is divided: by powers of ten, unless somebody chose, or losses below zero are normal.
    pub fn loss_scale(&self, history: &History) -> Scale {
        let usual = if history.goes_below_zero() { Scale::Linear } else { Scale::Log };
        self.loss_axis.unwrap_or(usual)
    }

    /// The other of the two usual axes of the losses.
    pub fn turn_loss_axis(&mut self, history: &History) {
        let is_linear = self.loss_scale(history) == Scale::Linear;
        self.loss_axis = Some(if is_linear { Scale::Log } else { Scale::Linear });
    }

    /// The next pace that is slower, or faster.
    pub fn other_pace(&self, slower: bool) -> Option<f64> {
        let at = PACES.iter().position(|pace| *pace == self.pace).unwrap_or(0);
        PACES[if slower { (at + 1).min(PACES.len() - 1) } else { at.saturating_sub(1) }]
    }

    /// The protocol that was chosen, without the images that it was tested on.
    pub fn protocol_name(&self) -> Option<String> {
        Some(self.protocol.as_deref()?.split_once(' ')?.0.to_owned())
    }

    /// The next picture of the images: now, start, difference.
    pub fn turn_gallery(&mut self) {
        self.gallery = match self.gallery {
            GalleryView::Now => GalleryView::Start,
            GalleryView::Start => GalleryView::Difference,
            GalleryView::Difference | GalleryView::Opened => GalleryView::Now,
        };
    }
}

/// What a panel is given: the run to read, the choices to turn, and a list for its wishes.
pub struct Scene<'a> {
    /// The run.
    pub run: &'a RunState,
    /// The choices.
    pub view: &'a mut View,
    /// Wishes, run after drawing.
    pub actions: &'a mut Vec<Action>,
}
