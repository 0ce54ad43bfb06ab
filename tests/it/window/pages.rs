//! The pages that the scripted engine makes up, of made-up points, by the code of the methods.

use spiritsafe::{
    config::RunConfig,
    distilled::strips,
    math::{Codebook, Moments, Projection, SigmaPoints, Transform},
    methods::{
        energy::{self, Assignment, ClassSummary, Cloud, Law, assign},
        matching::{
            ClassInformation, INFORMATION, QueuedNetwork, information, information_info, information_page, queue_info,
            queue_page,
        },
        quantization::{self, Diagram, curve},
    },
    random::{Purpose, stream},
    report::{
        CellDistances, PageWanted, RunInfo,
        page::{Page, PageInfo},
    },
};

use super::{Actor, made::noise};

/// The pages of a run by this config.
pub(super) fn pages(config: &RunConfig) -> Vec<PageInfo> {
    let mut pages = Vec::new();
    pages.extend(config.sections.get("energy").iter().flat_map(|_| energy::pages::infos()));
    pages.extend(config.sections.get("quantizer").iter().flat_map(|_| quantization::pages::infos()));
    pages.extend(config.queue.iter().map(|_| queue_info()));
    pages.push(information_info());
    pages
}

fn names() -> Vec<String> {
    (0..10).map(|class: usize| class.to_string()).collect()
}

impl Actor {
    /// A page of the run.
    pub(super) fn page(&self, run: &RunInfo, wanted: &PageWanted) -> Option<Page> {
        let PageWanted { id, class } = wanted;
        let info = run.pages.iter().find(|page| page.id == *id)?.clone();
        match id.as_str() {
            INFORMATION => Self::information(run, *class),
            "queue" => Some(self.queue(run)),
            "energy" | "sigma-points" => Self::energy(run, id, *class),
            _ => Some(self.quantizer(run, info, *class)),
        }
    }

    /// Features that lie the nearer to each other the longer the run.
    fn information(run: &RunInfo, class: usize) -> Option<Page> {
        const DIMENSIONS: usize = 24;
        let spread = 0.6 + 2.0 * (-(run.step as f32) / 90.0).exp();
        let of_class = |class: usize| {
            let feature = |at: usize| {
                let (image, feature) = (at / DIMENSIONS, at % DIMENSIONS);
                2.0 * noise((class * 100 + feature) as u64)
                    + spread * noise((class * 9000 + image * 40 + feature) as u64)
            };
            let features: Vec<f32> = (0..run.per_class * DIMENSIONS).map(feature).collect();
            ClassInformation { real: Some((0.9, 0.1)), ..information(&features, DIMENSIONS) }
        };
        let probe = "ConvNet, depth 2, width 32, trained for 40 epochs";
        let classes: Vec<ClassInformation> = (0..10).map(of_class).collect();
        information_page((probe, DIMENSIONS), &classes, &names(), class, run.packing * run.packing)
    }

    /// Networks that know the more the older they are.
    fn queue(&self, run: &RunInfo) -> Page {
        let count = 3 + run.step / 30;
        let network = |serial: u64| QueuedNetwork {
            serial,
            batches: 4 * (count - serial - 1),
            accuracy: (serial % 5 != 4 && serial + 1 < count).then(|| 1.0 - 0.8 / (count - serial) as f64),
            looks: serial == 1,
            learns: serial == 2 || serial == 4,
        };
        let networks: Vec<QueuedNetwork> = (0..count).map(network).collect();
        queue_page(&self.queue.clone().expect("a run with a queue"), run.step, &networks)
    }

    /// Balls that part while the run goes on.
    fn energy(run: &RunInfo, id: &str, class: usize) -> Option<Page> {
        const DIMENSIONS: usize = 4;
        const POINTS: usize = 40;
        let apart = 12.0 * (1.0 - (-(run.step as f32) / 90.0).exp());
        let value = |class: usize, point: usize, axis: usize| {
            let corner = noise((class * 17 + axis * 3 + 5) as u64);
            apart * corner + 0.4 * noise((class * 4000 + point * 8 + axis) as u64)
        };
        let values = (0..10 * POINTS * DIMENSIONS).map(|at| {
            let (class, point, axis) = (at / POINTS / DIMENSIONS, at / DIMENSIONS % POINTS, at % DIMENSIONS);
            value(class, point, axis)
        });
        let cloud = Cloud {
            values: values.collect(),
            dimensions: DIMENSIONS,
            starts: (0..=10).map(|class| class * POINTS).collect(),
        };
        let summary = |class: usize| {
            let points = cloud.of_class(class);
            let moments = Moments::of(points, DIMENSIONS);
            let sigma = moments.sigma_points(Transform::Exact, 1.0, 2.0).unwrap();
            let near = |point: &Vec<f64>| {
                let samples = points.chunks_exact(DIMENSIONS);
                samples.map(|sample| SigmaPoints::nearness(Transform::Exact, point, sample)).collect()
            };
            let distances: Vec<Vec<f64>> = sigma.points.iter().map(near).collect();
            ClassSummary { picks: assign(&distances, Assignment::Greedy), moments, sigma }
        };
        let summaries: Vec<ClassSummary> = (0..10).map(summary).collect();
        let law = Law { offset: 0.3, ratio: 0.1 };
        let names = names();
        let shown = energy::pages::Shown { cloud: &cloud, law, summaries: &summaries, per_class: 6, names: &names };
        energy::pages::page(&shown, id, class, &mut None)
    }

    /// Points that find the middles of their cells while the run goes on.
    fn quantizer(&self, run: &RunInfo, info: PageInfo, class: usize) -> Page {
        const DIMENSIONS: usize = 4;
        let wide = [3.0, 2.0, 1.0, 0.7];
        let value = |at: usize| wide[at % DIMENSIONS] * (noise(at as u64) + noise(at as u64 * 3 + 1));
        let samples: Vec<f32> = (0..200 * DIMENSIONS).map(value).collect();
        let mut rng = stream(0, Purpose::QuantizerStart, 0, 0);
        let book =
            Codebook::start(&samples, DIMENSIONS, run.per_class, &mut rng).lloyd(&samples, run.step as usize / 40);
        let found = book.cells(&samples);
        let plane = Projection::fit(&samples, DIMENSIONS).unwrap();
        let masses = found.masses.clone();
        match info.id.as_str() {
            "cells" => {
                let drawn = Diagram::of(&plane, &samples, &found.nearest, &book.points);
                let (space, cells) = ("an autoencoder with 4 dimensions", vec![found; 10]);
                let about = (names(), plane.kept_variance());
                quantization::pages::cells_page(info, &drawn, &book, (&cells, class), (&about.0, space, about.1))
            }
            "distances" => {
                let own = [book.len() as f64, found.distortion];
                let curve = curve(&samples, DIMENSIONS, 0, 0);
                quantization::pages::distances(info, &distances(run.step), &names(), class, (&curve, own))
            }
            _ => {
                let members = self.data.train().of_class(class as u32);
                let chosen: Vec<u32> = members.iter().copied().take(100).collect();
                let atlas = strips(self.data.gather(self.data.train(), &chosen), 10, &self.data);
                quantization::pages::images(info, atlas, &names(), class, (&[0.0, 0.2, 0.4, 0.6, 0.8, 1.0], &masses))
            }
        }
    }
}

/// Distances that fall while points settle.
pub(super) fn distances(step: u64) -> Vec<CellDistances> {
    let of_class = |class: u32| {
        let free = 1.0 + 0.06 * f64::from(class) + (-(step as f64) / 40.0).exp();
        CellDistances { free, uniform: Some(1.2 * free), effective: 5.0 + 0.05 * f64::from(class) }
    };
    (0..10).map(of_class).collect()
}
