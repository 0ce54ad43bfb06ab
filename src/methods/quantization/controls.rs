//! What people can turn about a quantizer. The first of each group stand in the order in which a run keeps them.

use super::{QuantizerSpec, SpaceKind};
use crate::{
    distilled::Values,
    report::{Control, ControlKind, PaperMark},
};

pub(super) const DISTORTION: &str = "distortion";
pub(super) const POINTS: &str = "distortion.points";
pub(super) const DECAY: &str = "distortion.decay";
pub(super) const MASSES: &str = "masses";
pub(super) const PRIOR: &str = "prior";
pub(super) const GUIDANCE: &str = "prior.guidance";
pub(super) const MEDOID: &str = "medoid";

/// What a step reports a value of.
pub(super) const MEASURED: [&str; 4] = [DISTORTION, MASSES, PRIOR, MEDOID];

/// Where everything begins, for `points` points of a class.
pub(super) fn defaults(spec: &QuantizerSpec, points: usize) -> [(&'static str, f64); 7] {
    [
        (DISTORTION, 1.0),
        (POINTS, points as f64),
        (DECAY, spec.decay),
        (MASSES, spec.tempering),
        (PRIOR, spec.time),
        (GUIDANCE, spec.guidance),
        (MEDOID, spec.medoid),
    ]
}

/// The controls of points that began `begun_with` to a class.
pub(super) fn controls(spec: &QuantizerSpec, begun_with: usize, values: &Values) -> Vec<Control> {
    let control = |(id, default): (&'static str, f64)| {
        let (meaning, kind) = about(id);
        let no_effect = match (id, spec.space) {
            (PRIOR, SpaceKind::Pixels | SpaceKind::Components | SpaceKind::Network) => {
                Some("No effect: only an autoencoder's space has a prior")
            }
            (MEDOID, SpaceKind::Network) => {
                Some("No effect: features have no way back, so real images stand for points")
            }
            _ => None,
        };
        let paper = [DISTORTION, MASSES].contains(&id).then(|| PaperMark::anywhere(1.0));
        Control {
            paper: paper.into_iter().collect(),
            no_effect: no_effect.map(str::to_owned),
            ..Control::new(id, meaning, kind, default, values.get(id))
        }
    };
    defaults(spec, begun_with).into_iter().map(control).collect()
}

fn about(id: &str) -> (&'static str, ControlKind) {
    match id {
        DISTORTION => (
            "Mean squared distance of the samples to the nearest point; at 0 points stand still",
            ControlKind::LossWeight,
        ),
        POINTS => {
            ("Points of each class; more begin far from all others, those that have won least go", ControlKind::COUNT)
        }
        DECAY => (
            "How fast shared gains fall with the samples that were seen; gains of single points fall by themselves",
            ControlKind::POSITIVE,
        ),
        MASSES => (
            "Exponent of the masses in training: 0 all images count alike (D4M), 1 as their cells are large (DDOQ). Value: what equal \
             masses add to the squared distance",
            ControlKind::up_to(2.0),
        ),
        PRIOR => (
            "Time to which points are noised before the prior denoises them (0.81 is the released strength 0.7 of D4M; 0.1 one of 0.03). \
             Value: the squared way that it moves them",
            ControlKind::up_to(1.0),
        ),
        GUIDANCE => (
            "How far the prior drives points away from what all classes share: 1 not at all, 8 as D4M released it",
            ControlKind::POSITIVE,
        ),
        _ => (
            "How much of the nearest real image is in an image. Value: the squared distance to it",
            ControlKind::up_to(1.0),
        ),
    }
}
