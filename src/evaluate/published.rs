//! Published figures, to stand beside measurements by the same protocol (`assets/published.toml`).

use std::sync::OnceLock;

use serde::Deserialize;

use super::protocol::Protocol;
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
    /// As a protocol is typed, without the number of networks; none where the source does not tell the rules or there are none
    /// such here.
    protocol: Option<String>,
    source: String,
    /// Pixels, where nothing is said.
    stored: Option<String>,
    note: Option<String>,
    rows: Vec<Row>,
}

#[derive(Deserialize)]
struct Row {
    method: String,
    accuracy: [f64; 3],
    std: Option<[f64; 3]>,
    stored: Option<String>,
    note: Option<String>,
}

fn figures() -> &'static [Figure] {
    static READ: OnceLock<Vec<Figure>> = OnceLock::new();
    READ.get_or_init(|| toml::from_str::<File>(FIGURES).expect("a file of the program").figure)
}

/// What was published for a data set with so many images in each class, where `protocol` is the one by which it was
/// made, at its published size: with other rules or fewer epochs nothing may stand beside it.
pub fn published(data: &str, per_class: usize, protocol: &str) -> Vec<Published> {
    let Ok(rules) = protocol.parse::<Protocol>() else { return Vec::new() };
    let made_by = |figure: &Figure| {
        let made = figure.protocol.as_ref().and_then(|name| name.parse::<Protocol>().ok());
        made.is_some_and(|made| rules == Protocol { repeats: rules.repeats, ..made })
    };
    of(data, per_class, made_by)
}

/// Everything that was published for a data set with so many images in each class, by whatever rules: not to be ranked.
pub fn all_published(data: &str, per_class: usize) -> Vec<Published> {
    of(data, per_class, |_| true)
}

/// The names of the data sets for which there are figures.
pub fn published_data() -> Vec<&'static str> {
    let mut names: Vec<&str> = figures().iter().map(|figure| figure.data.as_str()).collect();
    names.dedup();
    names.sort_unstable();
    names.dedup();
    names
}

fn of(data: &str, per_class: usize, wanted: impl Fn(&Figure) -> bool) -> Vec<Published> {
    let Some(column) = PER_CLASS.iter().position(|&count| count == per_class) else { return Vec::new() };
    let fits = |figure: &&Figure| figure.data == data && wanted(figure);
    let rows = figures().iter().filter(fits).flat_map(|figure| figure.rows.iter().map(move |row| (figure, row)));
    let told = rows.filter(|(_, row)| row.accuracy[column] > 0.0);
    let or = |one: &Option<String>, other: &Option<String>| one.clone().or_else(|| other.clone());
    told.map(|(figure, row)| Published {
        method: row.method.clone(),
        accuracy: row.accuracy[column] / 100.0,
        std: row.std.map(|std| std[column] / 100.0).filter(|&std| std > 0.0),
        source: figure.source.clone(),
        stored: or(&row.stored, &figure.stored).unwrap_or_else(|| "pixels".to_owned()),
        note: or(&row.note, &figure.note),
        protocol: figure.protocol.clone().unwrap_or_else(|| "not told".to_owned()),
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
        assert!(["DSA", "DM", "IDM", "DM + IID"].iter().all(|method| dm.contains(&(*method).to_owned())), "{dm:?}");
        for before in ["DC", "herding", "forgetting", "k-center", "random"] {
            assert!(!dm.contains(&before.to_owned()), "{before} was made without augmentation");
            assert!(methods("dm@300x20+plain").contains(&before.to_owned()), "{before}");
        }
        assert_eq!(methods("ncfm@2000x3"), ["NCFM"]);
        assert_eq!(methods("dance@1500x3"), ["DANCE"]);
        assert!(
            methods("idc@1000x3").contains(&"IDC".to_owned()) && !methods("idc@1000x3").contains(&"DANCE".to_owned())
        );
        assert!(methods("dm@300x5").is_empty() && methods("quick@1000x20").is_empty());
        assert!(methods("dm@1000x20+plain").is_empty() && published("cifar10", 7, "dm@1000x20").is_empty());
    }

    #[test]
    fn every_row_says_what_is_stored_and_what_is_not_told() {
        let all = all_published("cifar10", 50);
        let of = |method: &str| all.iter().find(|row| row.method == method).unwrap_or_else(|| panic!("{method}"));
        for (method, accuracy) in [
            ("GSDD", 77.7),
            ("SPEED", 77.7),
            ("HMN", 76.9),
            ("RTP", 73.6),
            ("FreD", 75.8),
            ("NSD", 75.2),
            ("DDiF", 77.5),
        ] {
            assert!((of(method).accuracy - accuracy / 100.0).abs() < 1e-9, "{method}");
            assert!(of(method).stored != "pixels" && of(method).protocol == "not told", "{method}");
        }
        assert_eq!(of("IDM").stored, "mosaics");
        assert!(of("IDM").note.as_ref().unwrap().contains("best"));
        assert_eq!(of("Inf-Match").stored, "pixels, learned soft labels");
        for second_hand in ["TGDD", "IDM + HDD", "Inf-Match"] {
            assert!(of(second_hand).note.as_ref().unwrap().contains("second hand"), "{second_hand}");
        }
        assert!(published_data().contains(&"cifar100") && all_published("digits", 10).is_empty());
    }

    #[test]
    fn every_figure_is_a_percentage_and_names_its_source() {
        for figure in figures() {
            assert!(!figure.source.is_empty(), "{}", figure.data);
            let parses = figure.protocol.as_ref().is_none_or(|name| name.parse::<Protocol>().is_ok());
            assert!(parses, "{}: {:?}", figure.data, figure.protocol);
            for row in &figure.rows {
                let values = row.accuracy.iter().chain(row.std.iter().flatten());
                assert!(values.into_iter().all(|value| (0.0..=100.0).contains(value)), "{}", row.method);
            }
        }
    }
}
