//! What can be worked out about an energy map: what it leaves is judged on the map, and joined with other data.

use super::{EnergyMap, fuse, fusion::FUSION, on_map, on_map::ON_MAP, pages};
use crate::{
    error::Error,
    methods::{About, Analysis},
    report::Artifact,
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
