//! What the images of a class say to a trained network, coordinate by coordinate: the page behind CMI.

use crate::report::page::{
    Axis, Bar, Bars, Block, Body, Choice, ChoiceOption, Cross, Lines, Mark, Marker, Page, PageInfo, Plane, PlaneText,
    Polygon, Reference, Role, Row, Series, Source, Table,
};

/// The name of the page.
pub const INFORMATION: &str = "information";
/// Coordinates that are shown.
const SHOWN: usize = 12;
/// Below this width the triangle is left out, below this height the values over the steps.
const NARROW: f32 = 560.0;
const LOW: f32 = 230.0;

/// The images of one class: distributions over the features of a network around their centroid.
#[derive(Clone, Debug, PartialEq)]
pub struct ClassInformation {
    /// Conditional mutual information of the class in nats, from 0 to the logarithm of the number of images.
    pub value: f64,
    /// Divergence of each image from the centroid, in nats; their mean is the value.
    pub images: Vec<f64>,
    /// The coordinates that add most to the value, largest first.
    pub coordinates: Vec<Coordinate>,
    /// The same value of as many random real images: mean and deviation over some draws.
    pub real: Option<(f64, f64)>,
}

/// A feature among the distributions of a class.
#[derive(Clone, Debug, PartialEq)]
pub struct Coordinate {
    /// Which feature.
    pub index: usize,
    /// What it adds to the value of the class, as a share.
    pub share: f64,
    /// Its probability in the centroid.
    pub centroid: f64,
    /// Its probability in each image.
    pub images: Vec<f64>,
}

/// Features of the images of one class, `(m, d)` in a row, as distributions `P_i = softmax(g(s_i))` around their centroid
/// `Q = (1/m) sum_i P_i`: the divergence `sum_j P_ij (log P_ij - log Q_j)` of each image, their mean (the conditional
/// mutual information of the class, in nats), and the coordinates `j` that add most to it.
pub fn information(features: &[f32], dimensions: usize) -> ClassInformation {
    let rows: Vec<Vec<f64>> = features.chunks_exact(dimensions).map(softmax).collect();
    let count = rows.len().max(1) as f64;
    let centroid: Vec<f64> = (0..dimensions).map(|j| rows.iter().map(|row| row[j]).sum::<f64>() / count).collect();
    let part = |row: &[f64], j: usize| if row[j] > 0.0 { row[j] * (row[j].ln() - centroid[j].ln()) } else { 0.0 };
    let divergence = |row: &Vec<f64>| (0..dimensions).map(|j| part(row, j)).sum::<f64>();
    let images: Vec<f64> = rows.iter().map(divergence).collect();
    let value = images.iter().sum::<f64>() / count;
    let mut shares: Vec<(usize, f64)> =
        (0..dimensions).map(|j| (j, rows.iter().map(|row| part(row, j)).sum::<f64>() / count)).collect();
    shares.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    let coordinate = |&(index, share): &(usize, f64)| Coordinate {
        index,
        share: if value > 0.0 { share / value } else { 0.0 },
        centroid: centroid[index],
        images: rows.iter().map(|row| row[index]).collect(),
    };
    let coordinates = shares.iter().take(SHOWN).map(coordinate).collect();
    ClassInformation { value, images, coordinates, real: None }
}

fn softmax(row: &[f32]) -> Vec<f64> {
    let most = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let powers: Vec<f64> = row.iter().map(|&value| f64::from(value - most).exp()).collect();
    let sum: f64 = powers.iter().sum();
    powers.into_iter().map(|power| power / sum).collect()
}

/// What the page is called.
pub fn information_info() -> PageInfo {
    PageInfo::new(INFORMATION, "Information", "What the images of a class say to a trained network (CMI)")
}

/// The page about the class at a position, through a network with so many features. `parts` of a stored image are images of their own.
pub fn information_page(
    (probe, dimensions): (&str, usize),
    classes: &[ClassInformation],
    names: &[String],
    class: usize,
    parts: usize,
) -> Option<Page> {
    let class = class.min(classes.len().checked_sub(1)?);
    let one = &classes[class];
    let caption = format!(
        "nats that the images of a class tell beyond it: 0 where all are alike, at most {:.2} · upright marks: as many random real images",
        (one.images.len() as f64).ln()
    );
    let image = |at: usize| Reference::Image(class * one.images.len() + at);
    let row = vec![
        Block::new("", Body::Bars(distributions(one, class, &image))).share(2.4),
        Block::new("", Body::Plane(corners(one, class, &image))).share(1.4).least(NARROW, 0.0),
        Block::new("", Body::Table(ranking(one, parts, &image))).share(1.4),
    ];
    let gathered = |class: usize| format!("{INFORMATION}/{class}");
    let series = |class: usize| Series {
        source: Source::Named(gathered(class)),
        width: 1.4,
        mark: Mark::class(class).saying(names[class].clone()).about(Reference::Class(class)),
        ..Series::default()
    };
    let lines =
        Lines { series: (0..classes.len()).map(series).collect(), x: Axis::steps(), y: Axis::from_zero("nats") };
    Some(Page {
        hint: format!(
            "{dimensions} features of {probe}, as probabilities. The features that add most: a bar for the centroid of the class, a mark for \
             each image. Divergence: how much an image tells beyond the centroid, in nats."
        ),
        choice: Some(choice(classes, names, class)),
        gathered: classes.iter().enumerate().map(|(class, one)| (gathered(class), one.value)).collect(),
        blocks: vec![
            Block::new("", Body::Row(row)).share(0.64),
            Block::new("", Body::Lines(lines)).share(0.36).least(0.0, LOW),
        ],
        ..information_info().page(caption)
    })
}

/// All classes with their values, and a line where random real images stand.
fn choice(classes: &[ClassInformation], names: &[String], chosen: usize) -> Choice {
    let option = |(one, name): (&ClassInformation, &String)| ChoiceOption {
        name: name.clone(),
        figure: format!("{:.3}", one.value),
        bar: Some(one.value),
        line: one.real.map(|(mean, _)| mean),
        hover: match one.real {
            Some((mean, std)) => format!("{:.4} nats\nas many random real images: {mean:.4} ± {std:.4}", one.value),
            None => format!("{:.4} nats", one.value),
        },
    };
    Choice { what: "Class".to_owned(), chosen, options: classes.iter().zip(names).map(option).collect() }
}

/// The features that add most: a bar for the centroid, a mark for each image.
fn distributions(one: &ClassInformation, class: usize, image: &dyn Fn(usize) -> Reference) -> Bars {
    let bar = |coordinate: &Coordinate| Bar {
        name: coordinate.index.to_string(),
        value: Some(coordinate.centroid),
        figure: format!("{:.0} %", 100.0 * coordinate.share),
        ticks: (coordinate.images.iter().enumerate())
            .map(|(at, &probability)| (probability, Mark::class(class).about(image(at))))
            .collect(),
        mark: Mark::class(class).pale(0.35),
        ..Bar::default()
    };
    let heads = ["feature", "probability", "adds"].map(str::to_owned);
    Bars { heads, items: one.coordinates.iter().map(bar).collect(), ..Bars::default() }
}

/// Three features as the corners of a triangle: an image stands near the corner that it says most of.
fn corners(one: &ClassInformation, class: usize, image: &dyn Fn(usize) -> Reference) -> Plane {
    let [first, second, third, ..] = one.coordinates.as_slice() else { return Plane::default() };
    let at = [[0.0, 0.0], [1.0, 0.0], [0.5, 0.87]];
    let place = |parts: [f64; 3]| -> [f32; 2] {
        let sum = parts.iter().sum::<f64>().max(f64::MIN_POSITIVE);
        [0, 1].map(|axis| parts.iter().zip(at).map(|(part, corner)| (part / sum * corner[axis]) as f32).sum())
    };
    let corner = |at: [f64; 2]| at.map(|value| value as f32);
    let mut plane = Plane {
        polygons: vec![Polygon { corners: at.map(corner).to_vec(), mark: Mark::role(Role::Faint).pale(0.0) }],
        ..Plane::default()
    };
    for ((at, side), coordinate) in at.into_iter().zip([[0, -1], [0, -1], [0, 1]]).zip([first, second, third]) {
        let (text, mark) = (coordinate.index.to_string(), Mark::role(Role::Dim));
        plane.texts.push(PlaneText { at: corner(at), text, side, mark });
    }
    for at in 0..first.images.len() {
        let mark = Mark::class(class).about(image(at));
        let at = place([first.images[at], second.images[at], third.images[at]]);
        plane.markers.push(Marker { at, class, radius: 3.5, mark });
    }
    let at = place([first.centroid, second.centroid, third.centroid]);
    plane.crosses.push(Cross { at, arm: 6.0, width: 2.0, mark: Mark::default().saying("centroid") });
    plane
}

/// The images by their divergence, largest first.
fn ranking(one: &ClassInformation, parts: usize, image: &dyn Fn(usize) -> Reference) -> Table {
    let mut order: Vec<usize> = (0..one.images.len()).collect();
    order.sort_by(|&a, &b| one.images[b].total_cmp(&one.images[a]));
    let row = |at: usize| {
        let name = match parts {
            1 => (at + 1).to_string(),
            _ => format!("{}.{}", at / parts + 1, at % parts + 1),
        };
        Row { cells: vec![name, format!("{:.3}", one.images[at])], about: Some(image(at)) }
    };
    let mut table = Table::with("", &["image", "nats"]);
    table.rows = order.into_iter().map(row).collect();
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_value_is_the_golden_number_and_the_mean_of_the_images() {
        // The synthetic features of section "golden numbers": 1.3 sin(0.7 (4i + j) + 0.9), 3 x 4.
        let features: Vec<f32> = (0..12).map(|index| (1.3 * (0.7 * f64::from(index) + 0.9).sin()) as f32).collect();
        let told = information(&features, 4);
        assert!((told.value - 0.051_822_545_820_416_29).abs() < 1e-7, "{}", told.value);
        assert!((told.images.iter().sum::<f64>() / 3.0 - told.value).abs() < 1e-12);
        let shares: f64 = told.coordinates.iter().map(|one| one.share).sum();
        assert!((shares - 1.0).abs() < 1e-9, "four coordinates add up to all of it: {shares}");
        assert!(told.coordinates.windows(2).all(|pair| pair[0].share >= pair[1].share));
    }

    #[test]
    fn equal_images_say_nothing_and_quite_different_ones_reach_the_bound() {
        assert!(information(&[1.0, 2.0, 3.0, 1.0, 2.0, 3.0], 3).value.abs() < 1e-12);
        let apart = information(&[500.0, 0.0, 0.0, 500.0], 2);
        assert!((apart.value - 2.0_f64.ln()).abs() < 1e-9);
    }
}
