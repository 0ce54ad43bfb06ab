//! The pages behind DDOQ and D4M: the cells of a class in a plane, how far points are from their class, and what becomes of points on their
//! way to images.

use std::collections::{BTreeMap, btree_map::Entry};

use super::{Diagram, Quantizer, Space, measured, slope};
use crate::{
    distilled::strips,
    error::Result,
    math::{Cells, Codebook, Projection, squared},
    nn,
    report::{
        Artifact, CellDistances, Distances, Gallery,
        page::{
            Axis, Bar, Bars, Block, Body, Choice, Disc, Dot, Guide, Head, Images, Lines, Mark, Page, PageInfo, Plane,
            Polygon, Reference, Role, Segment, Series, Source, Style, Table, Tint,
        },
    },
};

/// Names of the pages.
const CELLS: &str = "cells";
const DISTANCES: &str = "distances";
const IMAGES: &str = "images";
/// Times from which points are brought back for the eyes.
const TIMES: [f64; 6] = [0.0, 0.2, 0.4, 0.6, 0.8, 1.0];
/// Points whose images are shown, and real images beside each.
const ROWS: usize = 10;
const REAL: usize = 3;
/// Samples that a plane is fitted on, at most.
const FITTED: usize = 600;
/// Radius of a point that has all of its class, and of one that has none.
const RADII: [f32; 2] = [22.0, 2.0];

/// What stays the same from picture to picture.
#[derive(Clone, Default)]
pub(super) struct Looked {
    /// The plane of each class that was looked at.
    planes: BTreeMap<usize, Projection>,
    /// Distortion against the number of points, mean over the classes.
    curve: Option<Vec<(usize, f64)>>,
}

/// What the pages are called.
pub fn infos() -> Vec<PageInfo> {
    let distances = "How far points are from their class, with masses and without (DDOQ)";
    let images = "Points before and after the prior, and the nearest real images (DDOQ)";
    vec![
        PageInfo::new(CELLS, "Cells", "Points, the cells that they stand for, and their masses (DDOQ)"),
        PageInfo::new(DISTANCES, "Distances", distances),
        PageInfo::new(IMAGES, "Images", images),
    ]
}

/// The page of this name about the class at a position; none before there is a space.
pub(super) fn page(quantizer: &mut Quantizer, id: &str, class: usize) -> Result<Option<Page>> {
    let count = quantizer.state.images.classes.len();
    let class = class.min(count.saturating_sub(1));
    let Some(info) = infos().into_iter().find(|info| info.id == id) else { return Ok(None) };
    if quantizer.class(class).is_none() {
        return Ok(None);
    }
    let names = quantizer.data.class_names(&quantizer.state.images.classes);
    Ok(Some(match id {
        CELLS => cells(info, quantizer, class, &names)?,
        DISTANCES => {
            let quantizer_curve = match quantizer.looked.curve.take() {
                Some(known) => known,
                None => quantizer.curve(),
            };
            quantizer.looked.curve = Some(quantizer_curve.clone());
            let book = &quantizer.books[class];
            let distortion = quantizer.cells.iter().map(|cells| cells.distortion).sum::<f64>() / count.max(1) as f64;
            let own = [book.len().max(1) as f64, distortion];
            distances(info, &quantizer.newest, &names, class, (&quantizer_curve, own))
        }
        _ => {
            let gallery = pictures(quantizer, class)?;
            let times = quantizer.space.as_ref().map_or(&[][..], times);
            images(info, gallery, &names, class, (times, &quantizer.cells[class].masses))
        }
    }))
}

fn cells(info: PageInfo, quantizer: &mut Quantizer, class: usize, names: &[String]) -> Result<Page> {
    let (samples, book) = (&quantizer.encoded[class], &quantizer.books[class]);
    let plane = match quantizer.looked.planes.entry(class) {
        Entry::Occupied(known) => known.into_mut(),
        Entry::Vacant(place) => {
            let fitted = &samples[..samples.len().min(FITTED * book.dimensions)];
            place.insert(Projection::fit(fitted, book.dimensions)?)
        }
    };
    let drawn = Diagram::of(plane, samples, &quantizer.cells[class].nearest, &book.points);
    let space = quantizer.space.as_ref().map(Space::describe).unwrap_or_default();
    let kept = plane.kept_variance();
    Ok(cells_page(info, &drawn, book, (&quantizer.cells, class), (names, &space, kept)))
}

/// The page of the cells of a class.
pub fn cells_page(
    info: PageInfo,
    Diagram { samples, points }: &Diagram,
    book: &Codebook,
    (cells, class): (&[Cells], usize),
    (names, space, kept): (&[String], &str, f64),
) -> Page {
    let own = &cells[class];
    let caption = format!(
        "{}: {} points count like {:.1} · distortion {:.3} · disc: mass · lines: samples to their point · the plane keeps {:.0} % of the \
         variance",
        names[class],
        points.len(),
        own.effective_points(),
        own.distortion,
        100.0 * kept
    );
    let hint = format!(
        "Space: {space}, {} dimensions. A cell is drawn where the plane through the mean of the class cuts it: everything in it is nearer \
         to its point than to any other, in all dimensions. A cell that the plane misses is not seen, a sample may seem to lie in a wrong \
         one.",
        book.dimensions
    );
    let per_class = points.len();
    let mark = |point: usize| {
        let text = format!("point {}: {:.1} % of the samples", point + 1, 100.0 * own.masses[point]);
        Mark::of(Tint::Item(point)).saying(text).about(Reference::Image(class * per_class + point))
    };
    let mut plane = Plane::default();
    for (point, (at, cell)) in points.iter().enumerate() {
        if cell.len() > 2 {
            let corners = cell.clone();
            plane.polygons.push(Polygon { corners, mark: Mark::of(Tint::Item(point)).pale(0.1) });
        }
        let radius = (RADII[0] * own.masses[point].max(0.0).sqrt()).max(RADII[1]);
        plane.discs.push(Disc { at: *at, radius, mark: mark(point).pale(0.85) });
    }
    for &(at, nearest) in samples {
        let Some((point, _)) = points.get(usize::from(nearest)) else { continue };
        let mark = Mark::of(Tint::Item(nearest.into()));
        plane.segments.push(Segment { from: at, to: *point, width: 0.6, mark: mark.clone().pale(0.22) });
        plane.points.push(Dot { at, radius: 1.5, mark: mark.pale(0.8) });
    }
    let bar = |point: usize| Bar {
        value: Some(own.masses[point].into()),
        figure: format!("{:.1} %", 100.0 * own.masses[point]),
        mark: mark(point).pale(0.85),
        ..Bar::default()
    };
    let equal = Guide { value: 1.0 / per_class.max(1) as f64, name: "equal masses".to_owned(), mark: Mark::default() };
    let bars = Bars { items: (0..per_class).map(bar).collect(), guides: vec![equal], sorted: true, ..Bars::default() };
    let row = vec![
        Block::new("", Body::Plane(plane)).share(2.4),
        Block::new("masses, line: equal", Body::Bars(bars)).least(480.0, 0.0),
    ];
    Page {
        hint,
        choice: Some(Choice::of("Cells of", class, names, |class| format!("{:.1}", cells[class].effective_points()))),
        blocks: vec![Block::new("", Body::Row(row))],
        ..info.page(caption)
    }
}

/// The page of the distances: those of the newest step, of all steps, and how the distortion falls with the number of points. `own` is the
/// number of points of this run and its distortion.
pub fn distances(
    info: PageInfo,
    newest: &[CellDistances],
    names: &[String],
    class: usize,
    (curve, own): (&[(usize, f64)], [f64; 2]),
) -> Page {
    let mean = |of: &dyn Fn(&CellDistances) -> f64| newest.iter().map(of).sum::<f64>() / newest.len() as f64;
    let (free, uniform) = (mean(&|one| one.free), mean(&|one| one.uniform.unwrap_or(f64::NAN)));
    let caption = match (free.is_finite(), uniform.is_finite()) {
        (true, true) => format!(
            "2-Wasserstein distance to the class, mean: {free:.3} with masses, {uniform:.3} with equal ones, {:.1} % less",
            100.0 * (1.0 - free / uniform.max(f64::MIN_POSITIVE))
        ),
        (true, false) => format!("2-Wasserstein distance to the class, mean: {free:.3}"),
        _ => "2-Wasserstein distance to the class".to_owned(),
    };
    let hint = "Every sample moves to a point, and what that costs is the distance. With the masses of the cells each goes to its nearest \
                point. With equal masses some have to go farther. Exact, over up to 500 samples of each class.";
    let row = vec![over_steps(names, class), by_points(curve, own)];
    Page { hint: hint.to_owned(), blocks: vec![Block::new("", Body::Row(row))], ..info.page(caption) }
}

/// Both distances, mean over the classes, and those of the class that is looked at.
fn over_steps(names: &[String], class: usize) -> Block {
    let mut series = Vec::new();
    for (name, id, role) in [("own masses", "distance", Role::First), ("equal masses", "distance.equal", Role::Second)]
    {
        let mean = Series {
            name: name.to_owned(),
            source: Source::Named(id.to_owned()),
            width: 2.0,
            mark: Mark::role(role),
            ..Series::default()
        };
        let source = Source::Named(format!("{id}/{class}"));
        let name = format!("{name}, {}", names[class]);
        series.push(Series {
            name,
            source,
            style: Style::Dashed,
            width: 1.2,
            mark: mean.mark.clone().pale(0.7),
            ..mean.clone()
        });
        series.push(mean);
    }
    // The means lie on top, and come first in the legend.
    series.sort_by_key(|one| one.style == Style::Dashed);
    Block::new("", Body::Lines(Lines { series, x: Axis::steps(), y: Axis::from_zero("distance") }))
}

/// Distortion against the number of points on logarithmic axes, and where this run stands.
fn by_points(curve: &[(usize, f64)], own: [f64; 2]) -> Block {
    let title = match slope(curve) {
        Some(slope) => {
            format!("Distortion by number of points: slope {slope:.2}, as in {:.1} dimensions", -2.0 / slope)
        }
        None => "Distortion by number of points".to_owned(),
    };
    let hint = "In d dimensions the distortion of the best points falls with the power -2/d of their number (Zador). Line: points that have \
                settled, mean over the classes, on up to 1,000 samples. Dot: this run.";
    let points: Vec<[f64; 2]> = curve.iter().map(|&(count, value)| [count as f64, value]).collect();
    let series = |points: Vec<[f64; 2]>, style: Style, width: f32, role: Role| Series {
        source: Source::Points(points),
        style,
        width,
        mark: Mark::role(role),
        ..Series::default()
    };
    let series = vec![
        series(points.clone(), Style::Line, 1.5, Role::Dim),
        series(points, Style::Points, 2.5, Role::Dim),
        Series { name: "this run".to_owned(), ..series(vec![own], Style::Points, 5.0, Role::First) },
    ];
    let (x, y) = (Axis::logarithmic("points of a class"), Axis::logarithmic("distortion"));
    Block::new(title, Body::Lines(Lines { series, x, y })).hint(hint)
}

fn times(space: &Space) -> &'static [f64] {
    if space.latent().is_some() { &TIMES } else { &[] }
}

/// A row for each of the first points: brought back from every time, as in the set, and the nearest real images.
fn pictures(quantizer: &Quantizer, class: usize) -> Result<Gallery> {
    let (images, data) = (&quantizer.state.images, &quantizer.data);
    let space = quantizer.space.as_ref().expect("looked at before");
    let (samples, book) = (&quantizer.encoded[class], &quantizer.books[class]);
    let (len, rows, label) = (data.shape().len(), book.len().min(ROWS), images.classes[class]);
    let mut columns: Vec<Vec<f32>> = Vec::new();
    for &time in times(space) {
        let latent = space.latent().expect("it has times");
        // All points, since the noise of a point follows from its place among all.
        let back = latent.denoise(&book.points, (label, quantizer.guidance()), time, quantizer.seed)?;
        columns.push(latent.decode(&back)?);
    }
    columns.push(images.of_class(class).to_vec());
    let mut values = Vec::with_capacity(rows * (columns.len() + REAL) * len);
    for row in 0..rows {
        for column in &columns {
            values.extend_from_slice(&column[row * len..(row + 1) * len]);
        }
        let mut nearest: Vec<(usize, f32)> =
            samples.chunks_exact(book.dimensions).map(|sample| squared(sample, book.point(row))).enumerate().collect();
        nearest.sort_by(|a, b| a.1.total_cmp(&b.1));
        let real: Vec<u32> = nearest.iter().take(REAL).map(|(at, _)| quantizer.samples(class)[*at]).collect();
        values.extend(data.gather(data.train(), &real));
        values.resize(values.len() + (REAL - real.len()) * len, 0.0);
    }
    Ok(strips(values, columns.len() + REAL, data))
}

/// The page of the images of a class: columns for the times, for the set, then for the nearest real images.
pub fn images(
    info: PageInfo,
    atlas: Gallery,
    names: &[String],
    class: usize,
    (times, masses): (&[f64], &[f32]),
) -> Page {
    let caption = format!(
        "{}: a row for each point · columns: noised to a time and brought back by the prior, the image in the set, the nearest real images",
        names[class]
    );
    let strength = |time: &f64| format!("time {time} is as noisy as strength {:.2}", nn::strength_of_time(*time));
    let table: Vec<String> = times.iter().map(strength).collect();
    let time = |(column, time): (usize, &f64)| Head {
        column,
        name: if column == 0 { format!("t {time}") } else { time.to_string() },
        apart: false,
        tint: Tint::Role(Role::Dim),
    };
    let mut heads: Vec<Head> = times.iter().enumerate().map(time).collect();
    let apart = |column: usize, name: &str, role: Role, apart: bool| Head {
        column,
        name: name.to_owned(),
        apart,
        tint: Tint::Role(role),
    };
    heads.push(apart(times.len(), "set", Role::First, !times.is_empty()));
    heads.push(apart(times.len() + 1, "real", Role::Dim, true));
    let rows = masses.iter().take(atlas.grid[1]).map(|mass| format!("{:.1} %", 100.0 * mass)).collect();
    let body = Body::Images(Images { atlas, heads, rows, row_head: "mass".to_owned() });
    Page {
        hint: format!("{}\nThe released strength 0.7 of D4M is time 0.81", table.join("\n")),
        choice: Some(Choice::of("Images of", class, names, |_| String::new())),
        blocks: vec![Block::new("", body)],
        ..info.page(caption)
    }
}

/// What the numbers say together.
fn in_words(measured: &Distances) -> String {
    let count = measured.classes.len().max(1) as f64;
    let free = measured.classes.iter().map(|(_, one)| one.free).sum::<f64>() / count;
    let uniform: Option<f64> = measured.classes.iter().map(|(_, one)| one.uniform).sum();
    let mut text = format!("Mean over the classes: {free:.3} with own masses");
    if let Some(uniform) = uniform.map(|sum| sum / count) {
        text += &format!(
            ", {uniform:.3} with equal ones: own masses bring it down by {:.1} %",
            100.0 * (1.0 - free / uniform)
        );
    }
    let curve: Vec<String> = measured.curve.iter().map(|(count, value)| format!("{count}: {value:.3}")).collect();
    text += &format!(".\nDistortion by number of points: {}", curve.join(", "));
    if let Some(slope) = measured.slope {
        text += &format!("; slope {slope:.2}, as in {:.1} dimensions", -2.0 / slope);
    }
    if let Some([through, components]) = measured.reconstruction {
        text += &format!(
            ".\nMean squared error of test images: {through:.4} through the autoencoder, {components:.4} through {} principal components",
            measured.dimensions
        );
    }
    text
}

/// How far points and images are from their classes, as it was measured once.
pub fn measured(measured: &Distances) -> Artifact {
    let info = PageInfo::new("measured", "Measured", "Exact distances of points and images to their classes (DDOQ)");
    let caption = format!(
        "2-Wasserstein distances in {}, {} points of each class in {} dimensions",
        measured.space, measured.points, measured.dimensions
    );
    let mut classes = Table::with("", &["class", "own masses", "equal masses", "points count like"]);
    for (name, one) in &measured.classes {
        let uniform = one.uniform.map_or_else(String::new, |uniform| format!("{uniform:.3}"));
        classes.push([name.clone(), format!("{:.3}", one.free), uniform, format!("{:.1}", one.effective)]);
    }
    let mut images = Table::with("", &["images", "pixels", "features"]);
    for one in &measured.images {
        images.push([one.what.clone(), format!("{:.3}", one.pixels), format!("{:.3}", one.features)]);
    }
    let row = vec![Block::new("Points", Body::Table(classes)), Block::new("Images", Body::Table(images))];
    let blocks = vec![Block::new("", Body::Row(row))];
    Artifact::new(
        &measured::DISTANCES,
        measured.step,
        measured,
        Page { hint: in_words(measured), blocks, ..info.page(caption) },
    )
}
