//! What people can turn about an energy map.

use super::EnergySpec;
use crate::{
    distilled::Values,
    report::{Control, ControlKind, PaperMark},
};

/// The terms, in the order in which a run keeps them.
pub(super) const TERMS: [&str; 3] = ["within", "between", "decay"];
/// What else is turned.
pub(super) const OFFSET: &str = "within.offset";
pub(super) const RATIO: &str = "between.ratio";
pub(super) const DROPOUT: &str = "decay.dropout";
pub(super) const DIMENSIONS: &str = "decay.dimensions";

/// A control: what it is, and what config and paper say.
pub(super) struct Row {
    pub(super) id: &'static str,
    meaning: &'static str,
    kind: ControlKind,
    pub(super) default: fn(&EnergySpec) -> f64,
    paper: Option<f64>,
}

pub(super) const TABLE: [Row; 7] = [
    Row {
        id: TERMS[0],
        meaning: "Energy of pairs of one class: it draws each class into a ball",
        kind: ControlKind::LossWeight,
        default: |spec| spec.within,
        paper: Some(1.0),
    },
    Row {
        id: OFFSET,
        meaning: "Added to every scaled distance, so that points that meet have a finite energy (b0)",
        kind: ControlKind::POSITIVE,
        default: |spec| spec.offset,
        paper: None,
    },
    Row {
        id: TERMS[1],
        meaning: "Energy of pairs of two classes: it keeps the balls apart",
        kind: ControlKind::LossWeight,
        default: |spec| spec.between,
        paper: Some(1.0),
    },
    Row {
        id: RATIO,
        meaning: "How much nearer points of two classes seem than they are: they rest 1 / ratio times as far apart (g1)",
        kind: ControlKind::POSITIVE,
        default: |spec| spec.ratio,
        paper: None,
    },
    Row {
        id: TERMS[2],
        meaning: "Half the squared size of the map",
        kind: ControlKind::LossWeight,
        default: |spec| spec.decay,
        paper: Some(5e-4),
    },
    Row {
        id: DROPOUT,
        meaning: "Share of the features that a step leaves out",
        kind: ControlKind::POSITIVE,
        default: |spec| spec.dropout,
        paper: None,
    },
    Row {
        id: DIMENSIONS,
        meaning: "Dimensions of the map; a change begins a new one",
        kind: ControlKind::COUNT,
        default: |spec| spec.dimensions as f64,
        paper: None,
    },
];

pub(super) fn controls(spec: &EnergySpec, values: &Values) -> Vec<Control> {
    let control = |row: &Row| Control {
        paper: row.paper.map(PaperMark::anywhere).into_iter().collect(),
        ..Control::new(row.id, row.meaning, row.kind, (row.default)(spec), values.get(row.id))
    };
    TABLE.iter().map(control).collect()
}
