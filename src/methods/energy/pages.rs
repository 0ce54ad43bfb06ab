//! The pages behind PEMDD: pairs on the curve of their energy beside the class balls with the forces between them, and what stands for
//! the ball of a class.

use super::{
    ClassSummary, Cloud, Law, Pull,
    fusion::FUSION,
    on_map::ON_MAP,
    pairs::energy as energy_of,
    plane::{Axes, Shadows, pairs},
    pull,
};
use crate::{
    math::Moments,
    report::{
        Accuracy, Artifact, Form, Fused, OnMap, OnMapRow, Stored,
        page::{
            Arrow, Axis, Block, Body, Choice, Cross, Disc, Dot, Lines, Mark, Marker, Page, PageEllipse, PageInfo,
            Plane, Reference, Role, Segment, Series, Source, Style, Table,
        },
    },
    words,
};

/// Names of the pages.
const ENERGY: &str = "energy";
const SIGMA_POINTS: &str = "sigma-points";

/// Where the energy of a pair is least, and how low it is there.
const WELL: (f64, f64) = (1.5, -4.0 / 27.0);
/// The curve is drawn up to this scaled distance at least, and at most.
const FARTHEST: [f64; 2] = [3.0, 8.0];
/// And from this energy down; above, the axis would hide the well.
const HIGHEST: f64 = 0.6;
/// Points of the curve.
const STEPS: u8 = 160;
/// Samples in a plane, at most.
const SAMPLES: usize = 1200;

/// What the pages are called.
pub fn infos() -> Vec<PageInfo> {
    vec![
        PageInfo::new(ENERGY, "Energy", "Pairs on the curve of their energy, and class balls (PEMDD)"),
        PageInfo::new(SIGMA_POINTS, "Sigma points", "What stands for the ball of a class (PEMDD)"),
    ]
}

/// The page of this name.
pub fn page(shown: &Shown<'_>, id: &str, class: usize, axes: &mut Option<Axes>) -> Option<Page> {
    match id {
        ENERGY => Some(energy(shown, axes)),
        SIGMA_POINTS => sigma_points(shown, class, axes),
        _ => None,
    }
}

/// A map as its pages show it.
#[derive(Clone, Copy)]
pub struct Shown<'a> {
    /// The samples on the map.
    pub cloud: &'a Cloud,
    /// How the energy of a pair is made.
    pub law: Law,
    /// What stands for each class.
    pub summaries: &'a [ClassSummary],
    /// Picks of each class.
    pub per_class: usize,
    /// Names of the classes.
    pub names: &'a [String],
}

/// Pairs on the curve of their energy, one well at two scales, and the class balls with the forces between them. `axes` are those of the
/// picture before, so that the plane does not jump; they come back turned a little.
fn energy(shown: &Shown<'_>, axes: &mut Option<Axes>) -> Page {
    let Shown { cloud, law, .. } = *shown;
    let pulled = pull(cloud, law);
    let [within, between] = pulled.energy;
    let caption = format!(
        "energy {:.3}, of pairs of one class {within:.3}, of two {between:.3} · classes lie {:.1} times as far apart as they are wide",
        within + between,
        cloud.spread()
    );
    let hint = format!(
        "Two points repel each other to the left of the well and attract each other to the right. Points of one class rest {:.1} apart, \
         points of two classes {:.1}. Apart and wide are meant as variances. Dots of the two kinds stand a little above and below the \
         curve, so that both are seen.",
        law.rest(true),
        law.rest(false)
    );
    let balls = Block::new(
        format!("Forces between classes, {} dimensions in a plane", cloud.dimensions),
        Body::Plane(balls(shown, &pulled, axes)),
    );
    let [info, _] = infos().try_into().expect("there are two");
    let blocks = vec![Block::new("", Body::Row(vec![curve(cloud, law), balls]))];
    Page { hint, blocks, ..info.page(caption) }
}

/// The curve with its well, and some pairs of each kind upon it.
fn curve(cloud: &Cloud, law: Law) -> Block {
    let [within, between] = pairs(cloud, law);
    let most = within.iter().chain(&between).map(|&r| f64::from(r)).fold(FARTHEST[0], f64::max).min(FARTHEST[1]);
    let least = law.offset.min(0.6);
    let low = 1.35 * WELL.1;
    let at = |r: f64| [r.clamp(least, most), energy_of(r)];
    let line = (0..=STEPS).map(|step| at(least + (most - least) * f64::from(step) / f64::from(STEPS)));
    let series = |name: &str, points: Vec<[f64; 2]>, role: Role| Series {
        name: name.to_owned(),
        source: Source::Points(points),
        width: 1.5,
        mark: Mark::role(role),
        ..Series::default()
    };
    let pairs = |name: &str, of: &[f32], role: Role, raised: f32| Series {
        style: Style::Points,
        width: 1.7,
        raised,
        mark: Mark::role(role).pale(0.55),
        ..series(name, of.iter().map(|&r| at(r.into())).collect(), role)
    };
    let rest =
        Series { style: Style::Dashed, width: 1.0, ..series("", vec![[WELL.0, low], [WELL.0, WELL.1]], Role::Faint) };
    let series = vec![
        rest,
        series("", line.collect(), Role::Faint),
        pairs("pairs of a class", &within, Role::First, 4.0),
        pairs("pairs of two", &between, Role::Second, -4.0),
    ];
    let x = Axis { from: Some(least), to: Some(most), ..Axis::from_zero("scaled distance") };
    let y = Axis { from: Some(low), to: Some(HIGHEST), clipped: true, ..Axis::from_zero("energy of a pair") };
    Block::new("", Body::Lines(Lines { series, x, y }))
}

/// The samples in their plane, the balls, and the force of all other classes on each: minus the gradient of the energy, summed over its
/// points.
fn balls(shown: &Shown<'_>, pulled: &Pull, axes: &mut Option<Axes>) -> Plane {
    let Shown { cloud, summaries, .. } = *shown;
    let shadows = Shadows::of(cloud, axes);
    let stride = cloud.len().div_ceil(SAMPLES).max(1);
    let dot = |at: usize| {
        let class = cloud.class_of(at);
        Dot {
            at: shadows.place(cloud.point(at)),
            radius: 1.4,
            mark: Mark::class(class).pale(0.4).about(Reference::Class(class)),
        }
    };
    let mut plane = Plane { points: (0..cloud.len()).step_by(stride).map(dot).collect(), ..Plane::default() };
    for (class, summary) in summaries.iter().enumerate() {
        let mut force = vec![0.0; cloud.dimensions];
        for point in cloud.starts[class]..cloud.starts[class + 1] {
            let gradient = &pulled.gradient[1][point * cloud.dimensions..(point + 1) * cloud.dimensions];
            force.iter_mut().zip(gradient).for_each(|(sum, &slope)| *sum -= f64::from(slope));
        }
        let ellipse = shadows.ellipse(&summary.moments);
        let name = shown.names.get(class).cloned().unwrap_or_default();
        let mark = Mark::class(class).saying(name).about(Reference::Class(class));
        plane.arrows.push(Arrow { at: ellipse.centre, along: shadows.along(&force), mark: Mark::role(Role::Text) });
        plane.markers.push(Marker { at: ellipse.centre, class, radius: 4.0, mark: mark.clone() });
        plane.ellipses.push(PageEllipse { ellipse, dashed: false, mark });
    }
    plane
}

/// What stands for the ball of a class: its sigma points, the real images that were picked for them, and the Gaussian that can be rebuilt
/// from the picks.
fn sigma_points(shown: &Shown<'_>, class: usize, axes: &mut Option<Axes>) -> Option<Page> {
    let class = class.min(shown.summaries.len().checked_sub(1)?);
    let ball = &shown.summaries[class];
    let picks = shown.per_class.min(ball.picks.len());
    let caption = format!(
        "{}: ellipse 1σ · crosses sigma points, as large as their weight · rings picks · dashed: rebuilt from {picks} picks",
        shown.names[class]
    );
    let rebuilt = ball.rebuilt(shown.cloud.of_class(class), shown.per_class);
    let plane = Block::new("", Body::Plane(ball_of(shown, class, &rebuilt, axes))).share(2.0);
    let numbers = Block::new("", Body::Table(errors(ball, &rebuilt))).least(520.0, 0.0);
    let [_, info] = infos().try_into().expect("there are two");
    Some(Page {
        choice: Some(Choice::of("Ball of", class, shown.names, |_| String::new())),
        blocks: vec![Block::new("", Body::Row(vec![plane, numbers]))],
        ..info.page(caption)
    })
}

fn ball_of(shown: &Shown<'_>, class: usize, rebuilt: &Moments, axes: &mut Option<Axes>) -> Plane {
    let Shown { cloud, summaries, per_class, .. } = *shown;
    let (ball, shadows) = (&summaries[class], Shadows::of(cloud, axes));
    let samples = cloud.starts[class]..cloud.starts[class + 1];
    let stride = samples.len().div_ceil(SAMPLES).max(1);
    let own = Mark::class(class);
    let dot = |at: usize| Dot { at: shadows.place(cloud.point(at)), radius: 1.8, mark: own.clone().pale(0.5) };
    let mut plane = Plane { points: samples.clone().step_by(stride).map(dot).collect(), ..Plane::default() };
    let sigma: Vec<[f32; 2]> = ball.sigma.points.iter().map(|point| shadows.place_of(point)).collect();
    for (rank, pick) in ball.picks.iter().take(per_class).enumerate() {
        let at = shadows.place(cloud.point(samples.start + pick.sample));
        let mark = Mark::role(Role::Text).pale(0.25);
        plane.segments.push(Segment { from: at, to: sigma[pick.point], width: 1.0, mark });
        let text = format!("pick {} of {}", rank + 1, shown.names[class]);
        let mark = own.clone().pale(0.9).saying(text).about(Reference::Image(class * per_class + rank));
        plane.discs.push(Disc { at, radius: 4.5, mark });
    }
    let most = ball.sigma.weights.iter().map(|weight| weight.abs()).fold(f64::MIN_POSITIVE, f64::max);
    for (&at, &weight) in sigma.iter().zip(&ball.sigma.weights) {
        // The middle one often weighs forty times as much: areas, not lengths.
        let arm = 4.0 + 8.0 * (weight.abs() / most).sqrt() as f32;
        let mark = Mark::role(if weight < 0.0 { Role::Bad } else { Role::Text }).saying(format!("weight {weight:.3}"));
        plane.crosses.push(Cross { at, arm, width: 1.3, mark });
    }
    for (moments, dashed, mark) in [(&ball.moments, false, own.clone()), (rebuilt, true, Mark::role(Role::First))] {
        plane.ellipses.push(PageEllipse { ellipse: shadows.ellipse(moments), dashed, mark });
    }
    plane
}

/// How well the points stand for the ball: `|mean - mean'|` and `|C - C'|_F / |C|_F`.
fn errors(ball: &ClassSummary, rebuilt: &Moments) -> Table {
    let mut table = Table::with("", &["error of", "mean", "covariance"]);
    let sigma = Moments::weighted(&ball.sigma.points, &ball.sigma.weights);
    for (name, moments) in [("sigma points", &sigma), ("rebuilt", rebuilt)] {
        let [mean, covariance] = ball.moments.errors(moments);
        table.push([name.to_owned(), format!("{mean:.1e}"), format!("{:.2} %", 100.0 * covariance)]);
    }
    table
}

/// What classifiers on the map make of everything that it leaves.
pub fn judged(judged: &OnMap) -> Artifact {
    let title = "On the map";
    let info = PageInfo::new("on-map", title, "What classifiers on the map learn from what it leaves (PEMDD)");
    let percent = |accuracy: &Accuracy| match accuracy.repeats {
        0 | 1 => format!("{:.1} %", 100.0 * accuracy.mean),
        _ => format!("{:.1} ± {:.1} %", 100.0 * accuracy.mean, 100.0 * accuracy.std),
    };
    let mut table = Table::with("", &["learned from", "points", "bytes", "logistic regression", "neighbours"]);
    for row in &judged.rows {
        let bytes = if row.bytes > 0 { row.bytes.to_string() } else { String::new() };
        let name = row.form.describe().to_owned();
        table.push([name, row.points.to_string(), bytes, percent(&row.logistic), percent(&row.neighbours)]);
    }
    let caption = format!(
        "test images on the map of {} · classes lie {:.1} times as far apart as they are wide, {:.1} times before the first step",
        judged.features, judged.spread[1], judged.spread[0]
    );
    let [mean, covariance] = judged.rebuilt_errors;
    let hint = format!(
        "A network names the images by their features, the map makes points of those, classifiers learn from points. Rebuilt Gaussians are \
         off by {mean:.1e} in the mean and {:.2} % in the covariance. The map takes {} bytes.",
        100.0 * covariance,
        judged.map_bytes
    );
    let blocks = vec![Block::new("", Body::Table(table))];
    let page = Page { hint, blocks, ..info.page(caption) };
    Artifact { stored: stored(judged), ..Artifact::new(&ON_MAP, judged.step, judged, page) }
}

/// What a map has left of old data, joined with new data by a second map.
pub fn fused(fused: &Fused) -> Artifact {
    let info =
        PageInfo::new("fusion", "Fusion", "What classifiers reach on old and new data after both were joined (PEMDD)");
    let percent = |share: f64| format!("{:.1}", 100.0 * share);
    let (old, new) = (format!("old: {}", fused.old), format!("new: {}", fused.new));
    let mut table = Table::with("", &["right, %", &old, &new]);
    for row in &fused.rows {
        table.push([row.what.clone(), percent(row.old), percent(row.new)]);
    }
    let caption = format!("{} classes, {} of the new ones merged into old ones", fused.classes.len(), fused.merged);
    let size = |bytes: u64| words::bytes(bytes as f64);
    let hint = format!(
        "Moved: {} of picks as points (as released {}) and {} of first map, instead of {} of images; the second map takes {}",
        size(fused.moved_bytes),
        size(fused.released_bytes),
        size(fused.map_bytes),
        size(fused.old_bytes),
        size(fused.second_map_bytes)
    );
    let page = Page { hint, blocks: vec![Block::new("", Body::Table(table))], ..info.page(caption) };
    Artifact::new(&FUSION, 0, fused, page)
}

/// Every form in which it may be stored; accuracies are those of logistic regression on the map.
fn stored(judged: &OnMap) -> Vec<Stored> {
    let one = |name: String, row: &OnMapRow, bytes: u64| Stored {
        name,
        source: format!("logistic regression on the map of step {}", judged.step),
        bytes,
        mean: row.logistic.mean,
        std: (row.logistic.repeats > 1).then_some(row.logistic.std),
    };
    let mut stored = Vec::new();
    for row in &judged.rows {
        let name = row.form.short();
        stored.push(one(format!("{name}, map"), row, row.bytes));
        if row.form == Form::Picks {
            stored.push(one(format!("{name} as positions"), row, judged.index_bytes));
            stored.push(one(format!("{name} as features"), row, judged.feature_bytes));
            stored.push(one(format!("{name} as images, map"), row, row.image_bytes));
        }
    }
    stored
}
