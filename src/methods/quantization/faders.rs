//! What people can turn about a quantizer. Terms stand in the order in which a run keeps them.

use super::{QuantizerSpec, SpaceKind};
use crate::{
    distilled::Weights,
    report::{PaperMark, ParameterInfo, TermInfo},
};

/// Names of the terms and of what else is turned about them.
pub(super) const DISTORTION: &str = "distortion";
pub(super) const MASSES: &str = "masses";
pub(super) const PRIOR: &str = "prior";
pub(super) const MEDOID: &str = "medoid";
pub(super) const POINTS: &str = "points";
pub(super) const DECAY: &str = "decay";
pub(super) const GUIDANCE: &str = "guidance";

/// The faders for people: of points that began `begun_with` to a class.
pub(super) fn infos(spec: &QuantizerSpec, begun_with: usize, weights: &Weights) -> Vec<TermInfo> {
    let &QuantizerSpec { space, decay, tempering, time, guidance, medoid, .. } = spec;
    let about = [
        (
            DISTORTION,
            "Mean squared distance of the samples to the nearest point; at 0 points stand still",
            1.0,
            Some(1.0),
            None,
            None,
        ),
        (
            MASSES,
            "Exponent of the masses in training: 0 all images count alike (D4M), 1 as their cells are large (DDOQ). Value: what equal \
                 masses add to the squared distance",
            tempering,
            Some(1.0),
            Some(2.0),
            None,
        ),
        (
            PRIOR,
            "Time to which points are noised before the prior brings them back (0.81 is the released strength 0.7 of D4M; 0.1 one of 0.03). \
                 Value: the squared way that it moves them",
            time,
            None,
            Some(1.0),
            (space != SpaceKind::Autoencoder).then_some("No effect: only an autoencoder's space has a prior"),
        ),
        (
            MEDOID,
            "How much of the nearest real image is in an image. Value: the squared distance to it",
            medoid,
            None,
            Some(1.0),
            (space == SpaceKind::Network)
                .then_some("No effect: features have no way back, so real images stand for points"),
        ),
    ];
    let knobs = |id: &str| match id {
        DISTORTION => vec![
            (
                POINTS,
                "Points of each class; more begin far from all others, those that have won least go",
                begun_with as f64,
            ),
            (
                DECAY,
                "How fast shared gains fall with the samples that were seen; gains of single points fall by themselves",
                decay,
            ),
        ],
        PRIOR => vec![(
            GUIDANCE,
            "How far the prior drives points away from what all classes share: 1 not at all, 8 as D4M released it",
            guidance,
        )],
        _ => Vec::new(),
    };
    let settings = weights.terms.iter();
    about
        .into_iter()
        .zip(settings)
        .map(|((id, meaning, default_weight, paper, most, no_effect), setting)| TermInfo {
            id: id.to_owned(),
            meaning: meaning.to_owned(),
            default_weight,
            paper: paper.map(PaperMark::anywhere).into_iter().collect(),
            weight: setting.weight,
            most,
            parameters: knobs(id)
                .into_iter()
                .map(|(name, meaning, default)| ParameterInfo {
                    id: name.to_owned(),
                    meaning: meaning.to_owned(),
                    default,
                    value: setting.parameters.get(name).copied().unwrap_or(default),
                    whole: name == POINTS,
                })
                .collect(),
            needs_pool: false,
            no_effect: no_effect.map(str::to_owned),
        })
        .collect()
}
