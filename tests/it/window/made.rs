//! The pictures and results that the scripted engine makes up.

use std::f32::consts::TAU;

use spiritsafe::{
    data::Dataset,
    report::{
        Accuracy, Ball, Compared, Comparison, Ellipse, FeaturePlane, Gallery, GalleryView, Ground, Point, RunInfo,
    },
};

use super::Actor;

impl Actor {
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
        probe: "ConvNet, depth 2, width 32, trained 5 epochs".to_owned(),
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
