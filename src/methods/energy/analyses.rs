//! What can be worked out about an energy map: what it leaves is judged on the map, and joined with other data.

use super::{EnergyMap, fuse, on_map, pages};
use crate::{
    error::Error,
    methods::{About, Analysis},
    report::{AnalysisInfo, Artifact},
};

/// Classifiers learn on the map from what it leaves.
pub(super) const ON_MAP: AnalysisInfo = AnalysisInfo {
    id: "on_map",
    title: "what the map leaves",
    file: "map.json",
    needs_probe: false,
    needs_other: false,
    at_end: true,
};

/// What the map leaves is joined with other data by a second map.
pub(super) const FUSION: AnalysisInfo = AnalysisInfo {
    id: "fusion",
    title: "fusion with other data",
    file: "fusion.json",
    needs_probe: false,
    needs_other: true,
    at_end: false,
};

pub(super) fn begin(map: &EnergyMap, id: &str) -> Option<Analysis> {
    let map = map.clone();
    match id {
        _ if id == ON_MAP.id => Some(Box::new(move |about: &About<'_>, slices| {
            Ok(pages::judged(&on_map(&map, about.data, about.seed, slices)?))
        })),
        _ if id == FUSION.id => Some(Box::new(move |about: &About<'_>, slices| {
            let other = about.other.ok_or_else(|| Error::Config("fusion needs other data".to_owned()))?;
            let (fused, second) = fuse(&map, (about.data, &other.data), other.distilled.clone(), about.seed, slices)?;
            let side = second.len().isqrt();
            let array = ("second-map.npz".to_owned(), "weights".to_owned(), vec![side, side], second);
            Ok(Artifact { arrays: vec![array], ..pages::fused(&fused) })
        })),
        _ => None,
    }
}

pub(super) fn recall(id: &str, json: serde_json::Value) -> Option<Artifact> {
    (id == ON_MAP.id).then(|| serde_json::from_value(json).ok()).flatten().map(|judged| pages::judged(&judged))
}
