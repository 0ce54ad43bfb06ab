//! Augmentation against stored PyTorch outputs and gradients, against its own adjoint, and over many draws.

use std::collections::BTreeMap;
use std::f64::consts::PI;

use num_traits::Float;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use safetensors::{Dtype, SafeTensors};
use spiritsafe::{
    data::ImageShape,
    nn::augment::{Draw, Family},
};

const SHAPES: [ImageShape; 7] = [
    shape(1, 8, 8),
    shape(1, 28, 28),
    shape(3, 32, 32),
    shape(3, 9, 7),
    shape(2, 5, 12),
    shape(3, 1, 1),
    shape(1, 2, 3),
];

const fn shape(channels: usize, height: usize, width: usize) -> ImageShape {
    ImageShape { channels, height, width }
}

fn rng(seed: u64) -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(seed)
}

fn numbers(count: usize, rng: &mut impl Rng) -> Vec<f64> {
    (0..count).map(|_| rng.random_range(-2.0..2.0)).collect()
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn apply<T: Float>(draw: Draw, image: &[T], shape: ImageShape) -> Vec<T> {
    let mut out = vec![T::nan(); image.len()];
    draw.apply(image, &mut out, shape);
    out
}

fn adjoint<T: Float>(draw: Draw, gradient: &[T], shape: ImageShape) -> Vec<T> {
    let mut out = vec![T::nan(); gradient.len()];
    draw.adjoint(gradient, &mut out, shape);
    out
}

fn assert_close<T: Float>(got: &[T], want: &[f64], tolerance: f64, what: &str) {
    assert_eq!(got.len(), want.len(), "{what}");
    for (index, (got, &want)) in got.iter().zip(want).enumerate() {
        let got = got.to_f64().unwrap();
        assert!((got - want).abs() <= tolerance * want.abs().max(1.0), "{what}: {got} instead of {want} at {index}");
    }
}

/// Some draws of each family, the edges of its parameters among them.
fn draws(shape: ImageShape) -> Vec<Draw> {
    let mut rng = rng(7);
    let mut draws = vec![Draw::Identity];
    for family in Family::ALL {
        for u in [0.0, 0.25, 0.5, 0.75, 1.0 - f64::EPSILON / 2.0] {
            draws.push(Draw::from_uniform(family, shape, [u, 1.0 - u - 1e-9, u]));
        }
        draws.extend((0..20).map(|_| Draw::of_family(family, shape, &mut rng)));
    }
    draws.extend((0..20).map(|_| Draw::window(shape, &mut rng)));
    draws
}

// ------------------------------------------------------------------------------------------------ PyTorch

struct Entry {
    shape: Vec<usize>,
    values: Vec<f64>,
    /// Stored in single precision and possibly rounded to it.
    single: bool,
}

fn fixtures() -> BTreeMap<String, Entry> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/reference.safetensors");
    let bytes = std::fs::read(path).unwrap();
    let entries = SafeTensors::deserialize(&bytes).unwrap();
    let read = |(name, view): (String, safetensors::tensor::TensorView)| {
        let single = view.dtype() == Dtype::F32;
        let values = if single {
            let numbers = view.data().chunks_exact(4);
            numbers.map(|b| f64::from(f32::from_le_bytes(b.try_into().unwrap()))).collect()
        } else {
            assert_eq!(view.dtype(), Dtype::F64);
            let numbers = view.data().chunks_exact(8);
            numbers.map(|b| f64::from_le_bytes(b.try_into().unwrap())).collect()
        };
        let shape = view.shape().to_vec();
        let entry = Entry { shape, values, single };
        (name, entry)
    };
    entries.tensors().into_iter().map(read).collect()
}

fn stored_draw(family: &str, p: &[f64]) -> Draw {
    match family {
        "color" => Draw::Color { brightness: p[0], saturation: p[1], contrast: p[2] },
        "crop" => Draw::Crop { dx: p[0] as i32, dy: p[1] as i32 },
        "cutout" => Draw::Cutout { x: p[0] as i32, y: p[1] as i32 },
        "flip" => Draw::Flip { flipped: p[0] == 1.0 },
        "scale" => Draw::Scale { sx: p[0], sy: p[1] },
        "rotate" => Draw::Rotate { radians: p[0] },
        other => panic!("{other} is no family"),
    }
}

#[test]
fn every_family_does_what_pytorch_does() {
    let fixtures = fixtures();
    let mut cases = BTreeMap::<_, usize>::new();
    for (name, parameters) in &fixtures {
        let Some(prefix) = name.strip_suffix(".parameters") else {
            continue;
        };
        let [_, family, shape_name, _] = prefix.split('.').collect::<Vec<_>>()[..] else {
            panic!("{name} is no name of a case");
        };
        *cases.entry((family, shape_name)).or_default() += 1;
        let draw = stored_draw(family, &parameters.values);
        let input = &fixtures[&format!("augment.{shape_name}.input")];
        let cotangent = &fixtures[&format!("augment.{shape_name}.cotangent")];
        let output = &fixtures[&format!("{prefix}.output")];
        let gradient = &fixtures[&format!("{prefix}.gradient")];
        let shape = shape(input.shape[1], input.shape[2], input.shape[3]);

        // Large entries were rounded to single precision when they were stored.
        let exact = |entry: &Entry| if entry.single { 1e-7 } else { 1e-12 };
        let got = apply(draw, &input.values, shape);
        assert_close(&got, &output.values, exact(output), name);
        let got = adjoint(draw, &cotangent.values, shape);
        assert_close(&got, &gradient.values, exact(gradient), name);

        let single = |entry: &Entry| entry.values.iter().map(|&x| x as f32).collect::<Vec<_>>();
        let got = apply(draw, &single(input), shape);
        assert_close(&got, &output.values, 1e-5, name);
        let got = adjoint(draw, &single(cotangent), shape);
        assert_close(&got, &gradient.values, 1e-5, name);
    }
    assert_eq!(cases.len(), 6 + 6 + 3, "all families on all shapes: {cases:?}");
}

// ------------------------------------------------------------------------------------------------ by itself

#[test]
fn the_adjoint_is_the_transpose() {
    let mut rng = rng(1);
    for shape in SHAPES {
        for draw in draws(shape) {
            let x = numbers(shape.len(), &mut rng);
            let y = numbers(shape.len(), &mut rng);
            let offset = apply(draw, &vec![0.0; shape.len()], shape);
            let out = apply(draw, &x, shape);
            let linear: Vec<f64> = out.iter().zip(&offset).map(|(a, b)| a - b).collect();
            let forward = dot(&linear, &y);
            let backward = dot(&x, &adjoint(draw, &y, shape));
            let size = dot(&linear, &linear).sqrt() * dot(&y, &y).sqrt();
            assert!(
                (forward - backward).abs() <= 1e-10 * size.max(1.0),
                "{draw:?} on {shape:?}: {forward} and {backward}"
            );
        }
    }
}

#[test]
fn the_gradient_agrees_with_central_differences() {
    let mut rng = rng(2);
    let shape = shape(3, 6, 5);
    for draw in draws(shape) {
        let x = numbers(shape.len(), &mut rng);
        let y = numbers(shape.len(), &mut rng);
        let gradient = adjoint(draw, &y, shape);
        let step = 1e-3;
        let differences: Vec<f64> = (0..shape.len())
            .map(|index| {
                let at = |shift: f64| {
                    let mut x = x.clone();
                    x[index] += shift;
                    dot(&apply(draw, &x, shape), &y)
                };
                (at(step) - at(-step)) / (2.0 * step)
            })
            .collect();
        assert_close(&gradient, &differences, 1e-9, &format!("{draw:?}"));
    }
}

#[test]
fn several_images_are_treated_one_by_one() {
    let mut rng = rng(3);
    for shape in SHAPES {
        for draw in draws(shape) {
            let batch = numbers(3 * shape.len(), &mut rng);
            let prepared = draw.prepare(shape);
            let (mut forward, mut backward) = (vec![0.0; batch.len()], vec![0.0; batch.len()]);
            prepared.apply(&batch, &mut forward);
            prepared.adjoint(&batch, &mut backward);
            for (index, image) in batch.chunks(shape.len()).enumerate() {
                let here = index * shape.len()..(index + 1) * shape.len();
                assert_eq!(forward[here.clone()], apply(draw, image, shape), "{draw:?}");
                assert_eq!(backward[here], adjoint(draw, image, shape), "{draw:?}");
            }
        }
    }
}

#[test]
fn identity_parameters_give_the_image_back_to_the_bit() {
    let mut rng = rng(4);
    let scale = (1.0 - 1.0 / 1.2) / (1.2 - 1.0 / 1.2);
    for shape in SHAPES {
        let x = numbers(shape.len(), &mut rng);
        let single: Vec<f32> = x.iter().map(|&x| x as f32).collect();
        let from = |family, u| Draw::from_uniform(family, shape, [u; 3]);
        let exact = [
            Draw::Identity,
            from(Family::Color, 0.5),
            from(Family::Crop, 0.5),
            from(Family::Flip, 0.5),
            from(Family::Rotate, 0.5),
            Draw::Scale { sx: 1.0, sy: 1.0 },
        ];
        for draw in exact {
            assert_eq!(apply(draw, &x, shape), x, "{draw:?}");
            assert_eq!(adjoint(draw, &x, shape), x, "{draw:?}");
            assert_eq!(apply(draw, &single, shape), single, "{draw:?}");
            assert_eq!(adjoint(draw, &single, shape), single, "{draw:?}");
        }
        let scaled = apply(from(Family::Scale, scale), &x, shape);
        assert_close(&scaled, &x, 1e-12, "scale");
    }
}

#[test]
fn a_grey_image_has_no_saturation() {
    let shape = shape(1, 8, 8);
    let x = numbers(shape.len(), &mut rng(5));
    let with = |saturation| Draw::Color { brightness: 0.2, saturation, contrast: 0.9 };
    assert_eq!(apply(with(0.0), &x, shape), apply(with(0.99), &x, shape));
}

// ------------------------------------------------------------------------------------------------ draws

#[test]
fn drawn_parameters_fill_their_ranges() {
    // Sides, greatest shift, side of the cutout, number of its centres: section "crop" and "cutout" of the formulas.
    let sides =
        [(64, 8, 32, 65), (32, 4, 16, 33), (28, 4, 14, 29), (9, 1, 5, 9), (8, 1, 4, 9), (7, 1, 4, 8), (3, 0, 2, 4)];
    let mut rng = rng(6);
    for (side, shift, cut, centres) in sides {
        let shape = shape(1, side, side);
        let mut shifts = [BTreeMap::<i32, usize>::new(), BTreeMap::new()];
        let mut centre = [BTreeMap::<i32, usize>::new(), BTreeMap::new()];
        for _ in 0..20_000 {
            let Draw::Crop { dx, dy } = Draw::of_family(Family::Crop, shape, &mut rng) else {
                panic!("not a crop");
            };
            *shifts[0].entry(dx).or_default() += 1;
            *shifts[1].entry(dy).or_default() += 1;
            let Draw::Cutout { x, y } = Draw::of_family(Family::Cutout, shape, &mut rng) else {
                panic!("not a cutout");
            };
            *centre[0].entry(x).or_default() += 1;
            *centre[1].entry(y).or_default() += 1;
        }
        for counts in &shifts {
            assert!(counts.keys().copied().eq(-shift..=shift), "{side}: {counts:?}");
            assert_near_uniform(counts);
        }
        for counts in &centre {
            assert!(counts.keys().copied().eq(0..centres), "{side}: {counts:?}");
            assert_near_uniform(counts);
        }
        // In the middle nothing is clamped.
        let middle = side as i32 / 2;
        let cutout = Draw::Cutout { x: middle, y: middle };
        let kept: f64 = apply(cutout, &vec![1.0; side * side], shape).iter().sum();
        assert_eq!(kept as usize, side * side - cut * cut, "{side}");
    }

    let shape = shape(3, 32, 32);
    let mut ranges = BTreeMap::<&str, (f64, f64, f64)>::new();
    let mut flips = 0;
    let count = 20_000;
    for _ in 0..count {
        let mut note = |name, value: f64| {
            let (least, most, sum) = ranges.entry(name).or_insert((f64::MAX, f64::MIN, 0.0));
            *least = least.min(value);
            *most = most.max(value);
            *sum += value;
        };
        for family in Family::ALL {
            match Draw::of_family(family, shape, &mut rng) {
                Draw::Color { brightness, saturation, contrast } => {
                    note("brightness", brightness);
                    note("saturation", saturation);
                    note("contrast", contrast);
                }
                Draw::Scale { sx, sy } => {
                    note("sx", sx);
                    note("sy", sy);
                }
                Draw::Rotate { radians } => note("rotate", radians),
                Draw::Flip { flipped } => flips += usize::from(flipped),
                _ => {}
            }
        }
    }
    assert!((flips as f64 / f64::from(count) - 0.5).abs() < 0.02, "{flips} flips");
    let expected = [
        ("brightness", 0.0, 1.0),
        ("saturation", 0.0, 1.0),
        ("contrast", 0.0, 1.0),
        ("sx", 1.0 / 1.2, 1.2),
        ("sy", 1.0 / 1.2, 1.2),
        ("rotate", -PI / 12.0, PI / 12.0),
    ];
    assert_eq!(ranges.len(), expected.len());
    for (name, low, high) in expected {
        let (least, most, sum) = ranges[name];
        let slack = (high - low) * 2e-3;
        assert!(low <= least && least < low + slack, "{name} from {least}");
        assert!(high - slack < most && most < high, "{name} to {most}");
        let mean = sum / f64::from(count);
        assert!((mean - f64::midpoint(low, high)).abs() < (high - low) * 0.02, "{name}: {mean}");
    }
}

fn assert_near_uniform<K: std::fmt::Debug>(counts: &BTreeMap<K, usize>) {
    let expected = counts.values().sum::<usize>() as f64 / counts.len() as f64;
    for &count in counts.values() {
        // Five standard deviations of a count.
        assert!((count as f64 - expected).abs() < 5.0 * expected.sqrt(), "{counts:?}");
    }
}

#[test]
fn families_are_drawn_alike() {
    let shape = shape(3, 32, 32);
    let mut rng = rng(8);
    for families in [&Family::ALL[..], &Family::WITHOUT_FLIP, &[Family::Cutout]] {
        let mut counts = BTreeMap::<String, usize>::new();
        for _ in 0..30_000 {
            let family = match Draw::sample(families, shape, &mut rng) {
                Draw::Identity => panic!("there were families to draw"),
                Draw::Color { .. } => Family::Color,
                Draw::Crop { .. } => Family::Crop,
                Draw::Cutout { .. } => Family::Cutout,
                Draw::Flip { .. } => Family::Flip,
                Draw::Scale { .. } => Family::Scale,
                Draw::Rotate { .. } => Family::Rotate,
                Draw::Window { .. } => panic!("a window is no family"),
            };
            assert!(families.contains(&family));
            *counts.entry(format!("{family:?}")).or_default() += 1;
        }
        assert_eq!(counts.len(), families.len());
        assert_near_uniform(&counts);
    }
    assert_eq!(Draw::sample(&[], shape, &mut rng), Draw::Identity);
    assert_eq!(Family::choose(&[], &mut rng), None);
}

#[test]
fn a_draw_takes_as_many_numbers_whatever_the_family() {
    let shape = shape(3, 32, 32);
    let next: Vec<u64> = Family::ALL
        .into_iter()
        .map(|family| {
            let mut rng = rng(9);
            Draw::of_family(family, shape, &mut rng);
            rng.random()
        })
        .collect();
    assert!(next.iter().all(|&n| n == next[0]), "{next:?}");
}

#[test]
fn families_are_written_in_lower_case() {
    let text = serde_json::to_string(&Family::ALL).unwrap();
    assert_eq!(text, r#"["color","crop","cutout","flip","scale","rotate"]"#);
    let back: Vec<Family> = serde_json::from_str(&text).unwrap();
    assert_eq!(back, Family::ALL);
}
