//! What every method can do: be moved step by step, steered by controls, kept and taken up again.

use std::sync::Arc;

use super::{Analysis, Pretrained};
use crate::{
    distilled::{Blobs, Saved, State, SyntheticSet, Values},
    error::Result,
    latent::Latent,
    report::{
        AnalysisInfo, Artifact, Control, StepReport,
        page::{Page, PageInfo},
    },
};

/// What a run over some of the classes shares with a run over all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Nothing: every class goes its own way, and parts of a run make the whole, to the bit.
    Class,
    /// Networks and momentum, which every part of a run makes anew and alike.
    ClassAndSharedState,
    /// Everything: no part can be made alone.
    Set,
}

impl Scope {
    /// In words.
    pub fn describe(self) -> &'static str {
        match self {
            Self::Class => "every class goes its own way: parts of a run over some of the classes make the whole",
            Self::ClassAndSharedState => {
                "classes share the networks of the queue, which learn from all classes in every part of a run"
            }
            Self::Set => "all classes are made together: a part of them would be another run",
        }
    }
}

/// A way to make a small set of a large one.
pub trait Method: Send {
    /// The step, the images and the controls.
    fn state(&self) -> &State;

    /// What a run over some of the classes shares with one over all of them.
    fn scope(&self) -> Scope;

    /// Everything else that changes from step to step, for a checkpoint.
    fn keep(&self) -> Result<Blobs>;

    /// Goes on from what was kept.
    fn restore(&mut self, saved: Saved) -> Result<()>;

    /// One step. Where it fails, or `interrupted` says so, nothing has changed.
    fn step(&mut self, interrupted: &dyn Fn() -> bool) -> Result<StepReport>;

    /// What people can turn, in groups: what belongs to a control follows it. The learning rate is not among it.
    fn controls(&self) -> Vec<Control>;

    /// What holds of it at this moment, learning rate included.
    fn values_mut(&mut self) -> &mut Values;

    /// Sets a control from the next step on and returns the value before.
    fn set(&mut self, control: &str, value: f64) -> Result<f64> {
        self.values_mut().set(control, value)
    }

    /// Share of each term in the gradient of the next step. Computed on the side: it changes nothing.
    fn pulls(&mut self) -> Result<Vec<f64>>;

    /// A copy to which trained things are brought elsewhere, since that takes long; none where it is done in a moment. The copy takes the
    /// place of this method, with the controls as they are then.
    fn apart(&self) -> Option<Box<dyn Method>> {
        None
    }

    /// Brings networks that were trained on the real images.
    fn set_pool(&mut self, pool: Vec<Arc<Pretrained>>) -> Result<()>;

    /// True if the next step cannot be made before trained networks are brought.
    fn lacks_pool(&self) -> bool;

    /// True if a control of this name would need trained networks to count.
    fn needs_pool(&self, _control: &str) -> bool {
        false
    }

    /// Brings the latent space that was trained on the real images.
    fn set_latent(&mut self, _latent: Arc<Latent>) -> Result<()> {
        Ok(())
    }

    /// True if the next step cannot be made before a latent space is brought.
    fn lacks_latent(&self) -> bool {
        false
    }

    /// The images before the first step, where the method makes them itself once it can.
    fn first_images(&self) -> Option<&SyntheticSet> {
        None
    }

    /// The pages that explain the method, the most telling first.
    fn pages(&self) -> Vec<PageInfo> {
        Vec::new()
    }

    /// The page of this name, about the class at a position where it is about one; none before there is something to see. Computed on the
    /// side: it changes nothing that a step does.
    fn page(&mut self, _id: &str, _class: usize) -> Result<Option<Page>> {
        Ok(None)
    }

    /// What can be worked out about the run.
    fn analyses(&self) -> Vec<AnalysisInfo> {
        Vec::new()
    }

    /// The work of the analysis of this name; none where the method has no such one.
    fn analyse(&self, _id: &str) -> Option<Analysis> {
        None
    }

    /// What an analysis has found before, from its numbers; none where they say something else.
    fn recall(&self, _id: &str, _json: serde_json::Value) -> Option<Artifact> {
        None
    }

    /// Radius of the ball outside which images are pulled back, in the features of a network: a ring in the feature plane.
    fn ring_radius(&self, _pretrained: &Pretrained) -> Option<f64> {
        None
    }
}
