//! The pictures and results that the scripted engine makes up.

use std::f32::consts::TAU;

use spiritsafe::{
    data::Dataset,
    report::{
        Accuracy, Ball, CellDistances, ClassInformation, Compared, Comparison, Ellipse, EnergyView, FeaturePlane,
        Gallery, GalleryView, Ground, InformationView, Point, QuantizerView, QuantizerWants, QueuedNetwork, RunInfo,
    },
};

use super::Actor;

impl Actor {
    /// Features that lie the nearer to each other the longer the run.
    pub(super) fn information(run: &RunInfo) -> InformationView {
        const DIMENSIONS: usize = 24;
        let spread = 0.6 + 2.0 * (-(run.step as f32) / 90.0).exp();
        let of_class = |class: usize| {
            let feature = |at: usize| {
                let (image, feature) = (at / DIMENSIONS, at % DIMENSIONS);
                2.0 * noise((class * 100 + feature) as u64)
                    + spread * noise((class * 9000 + image * 40 + feature) as u64)
            };
            let features: Vec<f32> = (0..run.per_class * DIMENSIONS).map(feature).collect();
            ClassInformation { real: Some((0.9, 0.1)), ..spiritsafe::explain::information(&features, DIMENSIONS) }
        };
        let lens = "ConvNet, depth 2, width 32, trained for 40 epochs".to_owned();
        InformationView { lens, dimensions: DIMENSIONS, classes: (0..10).map(of_class).collect() }
    }

    /// Balls that part while the run goes on.
    pub(super) fn energy(run: &RunInfo) -> EnergyView {
        use spiritsafe::{
            math::{Moments, SigmaPoints, Transform},
            methods::energy::{Assignment, Ballpark, Cloud, Law, assign},
        };
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
        let ballpark = |class: usize| {
            let points = cloud.of_class(class);
            let moments = Moments::of(points, DIMENSIONS);
            let sigma = moments.sigma_points(Transform::Exact, 1.0, 2.0).unwrap();
            let near = |point: &Vec<f64>| {
                let samples = points.chunks_exact(DIMENSIONS);
                samples.map(|sample| SigmaPoints::nearness(Transform::Exact, point, sample)).collect()
            };
            let distances: Vec<Vec<f64>> = sigma.points.iter().map(near).collect();
            Ballpark { picks: assign(&distances, Assignment::Greedy), moments, sigma }
        };
        let ballparks: Vec<Ballpark> = (0..10).map(ballpark).collect();
        spiritsafe::explain::energy(&cloud, Law { offset: 0.3, ratio: 0.1 }, &ballparks, 6, &mut None)
    }

    /// Points that find the middles of their cells while the run goes on.
    pub(super) fn quantizer(&self, run: &RunInfo, wants: QuantizerWants) -> QuantizerView {
        use spiritsafe::{
            explain::{cells, strips},
            math::{Codebook, Projection},
            methods::quantization::{curve, slope},
            random::{Purpose, stream},
        };
        const DIMENSIONS: usize = 4;
        let wide = [3.0, 2.0, 1.0, 0.7];
        let value = |at: usize| wide[at % DIMENSIONS] * (noise(at as u64) + noise(at as u64 * 3 + 1));
        let samples: Vec<f32> = (0..200 * DIMENSIONS).map(value).collect();
        let mut rng = stream(0, Purpose::QuantizerStart, 0, 0);
        let book =
            Codebook::start(&samples, DIMENSIONS, run.per_class, &mut rng).settled(&samples, run.step as usize / 40);
        let found = book.cells(&samples);
        let plane = Projection::fit(&samples, DIMENSIONS).unwrap();
        let (drawn, points) = cells(&plane, &samples, &found.nearest, &book.points, &found.masses);
        let curve = curve(&samples, DIMENSIONS, 0, 0);
        let times = vec![0.0, 0.2, 0.4, 0.6, 0.8, 1.0];
        let members = self.data.train().of_class(wants.class as u32);
        let pictures = wants.pictures.then(|| {
            let chosen: Vec<u32> = members.iter().copied().take(100).collect();
            strips(self.data.gather(self.data.train(), &chosen), 10, &self.data)
        });
        QuantizerView {
            class: wants.class,
            space: "an autoencoder with 4 dimensions".to_owned(),
            dimensions: DIMENSIONS,
            kept_variance: plane.kept_variance(),
            samples: drawn,
            points,
            effective: vec![found.effective_points(); 10],
            masses: vec![found.masses; 10],
            distortions: vec![found.distortion; 10],
            slope: slope(&curve),
            curve,
            pictures,
            strengths: times.clone(),
            times,
        }
    }

    /// Networks that know the more the older they are.
    pub(super) fn queue(run: &RunInfo) -> Vec<QueuedNetwork> {
        let count = 3 + run.step / 30;
        let network = |serial: u64| QueuedNetwork {
            serial,
            batches: 4 * (count - serial - 1),
            accuracy: (serial % 5 != 4 && serial + 1 < count).then(|| 1.0 - 0.8 / (count - serial) as f64),
            looks: serial == 1,
            learns: serial == 2 || serial == 4,
        };
        (0..count).map(network).collect()
    }

    pub(super) fn gallery(&self, run: &RunInfo, view: GalleryView, apart: bool) -> Gallery {
        let packing = if apart { 1 } else { run.packing };
        let (classes, images) = (10, if apart { run.per_class * run.packing * run.packing } else { run.per_class });
        let mut rgba = vec![255; classes * images * 64 * 4];
        let gone = 1.0 - (-(run.step as f32) / 150.0).exp();
        for class in 0..classes {
            let members = self.data.train().of_class(class as u32);
            let many: Vec<Vec<f32>> = members.iter().take(40).map(|&index| self.image(index)).collect();
            for image in 0..images {
                let start = self.image(members[image % members.len()]);
                for pixel in 0..64 {
                    let mean = many.iter().map(|values| values[pixel]).sum::<f32>() / many.len() as f32;
                    let wave = 0.12 * noise((class * 6400 + image * 64 + pixel) as u64);
                    let now = start[pixel] + gone * (0.75 * (mean - start[pixel]) + wave);
                    let value = match view {
                        GalleryView::Start => start[pixel],
                        GalleryView::Now | GalleryView::Opened => now,
                        GalleryView::Difference => 0.5 + 0.5 * (now - start[pixel]),
                    };
                    let (row, column) = (class * 8 + pixel / 8, image * 8 + pixel % 8);
                    let at = 4 * (row * images * 8 + column);
                    rgba[at..at + 3].fill((255.0 * value.clamp(0.0, 1.0)) as u8);
                }
            }
        }
        let count = classes * images;
        Gallery {
            view,
            cell: [8, 8],
            grid: [images, classes],
            packing,
            rgba: rgba.into(),
            moved: (0..count).map(|at| 0.2 * gone * (1.0 + 0.2 * noise(at as u64))).collect(),
            clipped: vec![0.02 * gone; count],
            factors: Vec::new(),
        }
    }

    pub(super) fn image(&self, index: u32) -> Vec<f32> {
        let mut values = vec![0.0; 64];
        self.data.train().pixels_of(&self.data, index, &mut values);
        values
    }

    pub(super) fn plane(&self, run: &RunInfo) -> FeaturePlane {
        let gone = 1.0 - (-(run.step as f32) / 100.0).exp();
        let mut synthetic = Vec::new();
        for class in 0..10 {
            let centre = self.ground.spreads[class].centre;
            for image in 0..run.per_class {
                let seed = (class * 1000 + image * 2) as u64;
                let (x, y) = (noise(seed), noise(seed + 1));
                let wide = 1.4 - 0.9 * gone;
                synthetic.push(Point {
                    at: [centre[0] + wide * x, centre[1] + wide * y],
                    class: class as u16,
                    hidden: 1.0 + noise(seed + 7).abs() * (2.0 - gone),
                });
            }
        }
        let wide = 0.8 - 0.5 * gone;
        let ellipse = |real: &Ellipse| Ellipse { major: [wide, 0.1], minor: [-0.1, wide * 0.7], ..*real };
        FeaturePlane {
            ground: self.ground.clone(),
            synthetic,
            spreads: self.ground.spreads.iter().map(ellipse).collect(),
            balls: self.ground.spreads.iter().map(|real| Ball { centre: real.centre, radius: 1.0 }).collect(),
            threshold: Some(1.2),
        }
    }
}

/// Reads images in their own range.
trait Pixels {
    fn pixels_of(&self, data: &Dataset, index: u32, out: &mut [f32]);
}

impl Pixels for spiritsafe::data::Split {
    fn pixels_of(&self, data: &Dataset, index: u32, out: &mut [f32]) {
        data.fetch(self, index, out);
        data.normalisation().denormalise(out);
    }
}

pub(super) fn ground() -> Ground {
    let centre = |class: usize| {
        let angle = TAU * class as f32 / 10.0;
        let far = if class.is_multiple_of(2) { 5.5 } else { 3.4 };
        [far * angle.cos() * 1.25, far * angle.sin()]
    };
    let spread = |class: usize| {
        let (sin, cos) = (class as f32 * 1.3).sin_cos();
        Ellipse { centre: centre(class), major: [0.9 * cos, 0.9 * sin], minor: [-0.5 * sin, 0.5 * cos] }
    };
    let spreads: Vec<Ellipse> = (0..10).map(spread).collect();
    let real = (0..1500).map(|at| {
        let class = at % 10;
        let Ellipse { centre, major, minor } = spreads[class];
        let (a, b) = (noise(at as u64 * 3) * 1.5, noise(at as u64 * 3 + 1) * 1.5);
        let along = |axis: usize| centre[axis] + a * major[axis] + b * minor[axis];
        Point { at: [along(0), along(1)], class: class as u16, hidden: 1.0 + noise(at as u64).abs() }
    });
    Ground {
        lens: "ConvNet, depth 2, width 32, trained 5 epochs".to_owned(),
        accuracy: Some(0.963),
        pool: 2,
        dimensions: 128,
        kept_variance: 0.41,
        real: real.collect(),
        spreads,
    }
}

/// A steady number around 0, roughly a Gaussian of deviation 0.6.
pub(super) fn noise(seed: u64) -> f32 {
    let mut sum = 0.0;
    for round in 0..4 {
        let mut bits = (seed + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15).wrapping_add(round * 0xBF58_476D_1CE4_E5B9);
        bits ^= bits >> 29;
        bits = bits.wrapping_mul(0x94D0_49BB_1331_11EB);
        bits ^= bits >> 32;
        sum += (bits as f64 / u64::MAX as f64 - 0.5) as f32;
    }
    sum
}

/// Ten classes, of which some are taken for their neighbours.
pub(super) fn confusion(mean: f64) -> Vec<Vec<u32>> {
    let cell = |row: usize, column: usize| match column.abs_diff(row) {
        0 => 300.0 * mean + 10.0 * f64::from(noise(row as u64)),
        1 => 300.0 * (1.0 - mean) * f64::from(noise((row * 10 + column) as u64)).abs(),
        _ => 2.0,
    };
    (0..10).map(|row| (0..10).map(|column| cell(row, column) as u32).collect()).collect()
}

/// What `spiritsafe compare` would have written.
pub(super) fn comparison() -> Comparison {
    let row = |preset: &str, mean: f64, bytes| Compared {
        spread: spiritsafe::report::Spread::default(),
        preset: preset.to_owned(),
        accuracy: Accuracy { mean, std: 0.008, repeats: 15, protocol: "dm@300x3".to_owned() },
        seeds: 5,
        bytes,
        images: 100,
        secs: Some(4.0),
        peak_rss_bytes: Some(22_000_000),
    };
    Comparison {
        data: "digits".to_owned(),
        fingerprint: None,
        per_class: 10,
        protocol: "dm@300x3".to_owned(),
        network: "ConvNet, depth 2, width 32".to_owned(),
        rows: vec![
            row("digits", 0.942, 6400),
            row("iid-digits", 0.957, 6400),
            row("random", 0.917, 6400),
            row("iid-20", 0.963, 12_800),
        ],
        published: Vec::new(),
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
