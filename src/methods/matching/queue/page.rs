//! The page behind IDM: the networks that learn beside the run, by age, and how good the one was through which each step looked.

use super::{QueueSpec, QueuedNetwork};
use crate::report::page::{
    Axis, Bar, Bars, Block, Body, Guide, Lines, Mark, Page, PageInfo, Role, Series, Sign, Source, Style, Unit,
};

/// The name of the page.
const QUEUE: &str = "queue";
/// Below this height the accuracies over the steps are left out.
const LOW: f32 = 200.0;

/// What the page is called.
pub fn queue_info() -> PageInfo {
    PageInfo::new(QUEUE, "Queue", "The networks that learn beside the run (IDM)")
}

/// The page of some networks after a step, the oldest first.
pub fn queue_page(spec: &QueueSpec, step: u64, networks: &[QueuedNetwork]) -> Page {
    let caption = format!(
        "{} networks, oldest to the left; height: real images predicted rightly while learning · {}",
        networks.len(),
        next(step, spec)
    );
    let hint = format!(
        "At every step real and synthetic images pass one network, marked by an eye. Then {} of them, marked by a dot, learn from {} \
         batches of real images each. At most {} stay. The numbers below count the batches that a network has learned from.",
        spec.trained, spec.batches, spec.most
    );
    let level = |value: f64| Guide { value, name: String::new(), mark: Mark::role(Role::Faint).pale(0.4) };
    let bars = Bars {
        items: networks.iter().map(bar).collect(),
        guides: vec![level(0.5), level(1.0)],
        full: Some(1.0),
        upright: true,
        heads: ["network", "accuracy", "batches"].map(str::to_owned),
        ..Bars::default()
    };
    let looks = Series {
        source: Source::Named("network_accuracy".to_owned()),
        style: Style::Points,
        width: 1.6,
        mark: Mark::role(Role::First).pale(0.8),
        ..Series::default()
    };
    let y = Axis { unit: Unit::Percent, to: Some(1.0), ..Axis::from_zero("") };
    let lines = Body::Lines(Lines { series: vec![looks], x: Axis::steps(), y });
    let blocks = vec![
        Block::new("", Body::Bars(bars)).share(0.54),
        Block::new("Accuracy of the network of each step", lines).share(0.46).least(0.0, LOW),
    ];
    Page { hint, blocks, ..queue_info().page(caption) }
}

/// When something changes next, in words.
fn next(step: u64, spec: &QueueSpec) -> String {
    let left = |every: u64| every - step % every;
    let young = format!("a young one comes in {} steps", left(spec.push_every));
    let every = (spec.forget_every > 0).then(|| left(spec.forget_every));
    let at = spec.forget_at.iter().filter(|&&at| at > step).map(|at| at - step);
    match every.into_iter().chain(at).min() {
        None => young,
        Some(left) => format!("{young}, heights begin anew in {left}"),
    }
}

/// A network: a bar as high as its accuracy, an eye where the next step looks through it, a dot where it learns.
fn bar(one: &QueuedNetwork) -> Bar {
    let name = format!("network {}", one.serial + 1);
    let hover = std::iter::once(name.clone()).chain(words(one)).collect::<Vec<_>>().join("\n");
    let eye = one.looks.then_some(Sign::Eye);
    let mark = if one.looks { Mark::role(Role::First) } else { Mark::role(Role::Second).pale(0.8) };
    Bar {
        name,
        value: one.accuracy,
        figure: one.batches.to_string(),
        signs: eye.into_iter().chain(one.learns.then_some(Sign::Dot)).collect(),
        mark: mark.saying(hover),
        ..Bar::default()
    }
}

/// What is known of a network.
fn words(one: &QueuedNetwork) -> Vec<String> {
    let mut lines = vec![match one.batches {
        0 => "has learned nothing yet".to_owned(),
        batches => format!("has learned from {batches} batches of real images"),
    }];
    lines.push(match one.accuracy {
        Some(accuracy) => format!("predicted {:.1} % of them rightly before it learned from them", 100.0 * accuracy),
        None => "has not learned since heights began anew".to_owned(),
    });
    lines.extend(one.looks.then(|| "the next step looks through it".to_owned()));
    lines.extend(one.learns.then(|| "learns after the next step".to_owned()));
    lines
}
