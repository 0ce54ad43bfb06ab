//! Published figures, to stand beside measurements by the same protocol (`assets/published.toml`).

use std::sync::OnceLock;

use serde::Deserialize;

use super::protocol::{Family, Protocol};
use crate::report::Published;

const FIGURES: &str = include_str!("../../assets/published.toml");
/// Images in each class for which there are figures.
const PER_CLASS: [usize; 3] = [1, 10, 50];

#[derive(Deserialize)]
struct File {
    figure: Vec<Figure>,
}

#[derive(Deserialize)]
struct Figure {
    data: String,
    protocol: String,
    source: String,
    rows: Vec<Row>,
}

#[derive(Deserialize)]
struct Row {
    method: String,
    accuracy: [f64; 3],
    std: [f64; 3],
}

fn figures() -> &'static [Figure] {
    static READ: OnceLock<Vec<Figure>> = OnceLock::new();
    READ.get_or_init(|| toml::from_str::<File>(FIGURES).expect("a file of the program").figure)
}

/// What was published for a data set with so many images in each class, where `protocol` is the one by which it was
/// made, at its published size: with other rules or fewer epochs nothing may stand beside it.
pub fn published(data: &str, per_class: usize, protocol: &str) -> Vec<Published> {
    let Ok(rules) = protocol.parse::<Protocol>() else { return Vec::new() };
    let Some(column) = PER_CLASS.iter().position(|&count| count == per_class) else { return Vec::new() };
    let is_published =
        rules.family != Family::Quick && rules == Protocol { repeats: rules.repeats, ..rules.family.published() };
    let fits = |figure: &&Figure| is_published && figure.data == data && figure.protocol == rules.family.name();
    let rows = figures().iter().filter(fits).flat_map(|figure| figure.rows.iter().map(move |row| (figure, row)));
    let told = rows.filter(|(_, row)| row.accuracy[column] > 0.0);
    told.map(|(figure, row)| Published {
        method: row.method.clone(),
        accuracy: row.accuracy[column] / 100.0,
        std: Some(row.std[column] / 100.0).filter(|&std| std > 0.0),
        source: figure.source.clone(),
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_stand_beside_their_own_protocol_only() {
        let methods = |protocol: &str| -> Vec<String> {
            published("cifar10", 10, protocol).into_iter().map(|row| row.method).collect()
        };
        let dm = methods("dm@1000x5");
        assert!(dm.iter().any(|method| method == "DM + IID") && dm.len() == 10, "{dm:?}");
        assert_eq!(methods("ncfm@2000x3"), ["NCFM"]);
        assert!(methods("dm@300x5").is_empty() && methods("quick@1000x20").is_empty());
        assert!(methods("dm@1000x20+plain").is_empty() && published("cifar10", 7, "dm@1000x20").is_empty());
    }

    #[test]
    fn every_figure_is_a_percentage_and_names_its_source() {
        for figure in figures() {
            assert!(!figure.source.is_empty() && figure.protocol.parse::<Protocol>().is_ok(), "{}", figure.data);
            for row in &figure.rows {
                assert!(
                    row.accuracy.iter().chain(&row.std).all(|value| (0.0..=100.0).contains(value)),
                    "{}",
                    row.method
                );
            }
        }
    }
}
