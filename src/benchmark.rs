//! The works whose speed decides how a run feels, at sizes that others use too.
//!
//! `spiritsafe bench`, `benches/step.rs` and `benches/peers/` all time these. They call the very code that a run calls;
//! pictures are noise, so that nothing has to be downloaded.

use std::{sync::Arc, time::Instant};

use candle_core::{Tensor, Var};

use crate::{
    data::{self, ImageShape},
    distilled::Start,
    error::{Error, Result},
    evaluate::{Images, Recipe, Training},
    methods::{Matching, MatchingSpec, Method as _, Setup, Updates, matching::terms::TermsSpec},
    nn::{ConvNetSpec, Device, Network, NetworkSpec, Norm, augment::Family, init::Init},
    random::{Purpose, stream},
};

/// Edge of the square matrices whose product is the yardstick.
const YARDSTICK: usize = 2048;
/// Real images in each class; a step draws from them.
const PER_CLASS: usize = 512;

/// How large the works are.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    /// What is typed.
    pub name: &'static str,
    /// Images.
    pub shape: ImageShape,
    network: SizedNetwork,
    /// Real images in each class of a step.
    pub real: usize,
    /// Synthetic images in each class.
    pub synthetic: usize,
}

/// The network of a size.
#[derive(Clone, Copy, Debug)]
enum SizedNetwork {
    /// Filters, blocks, padding of the first convolution.
    ConvNet(usize, usize, usize),
    /// With instance norm: plain convolutions of several sides and strides.
    ResNet18,
}

/// Classes in every size.
pub const CLASSES: usize = 10;

const fn square(channels: usize, side: usize) -> ImageShape {
    ImageShape { channels, height: side, width: side }
}

/// The sizes: that of CIFAR-10 in the papers, that of MNIST for laptops, that of the demo, that of the pools of IID.
pub const SIZES: [Size; 4] = [
    Size { name: "cifar", shape: square(3, 32), network: SizedNetwork::ConvNet(128, 3, 1), real: 256, synthetic: 10 },
    Size { name: "mnist", shape: square(1, 28), network: SizedNetwork::ConvNet(32, 3, 3), real: 64, synthetic: 10 },
    Size { name: "digits", shape: square(1, 8), network: SizedNetwork::ConvNet(32, 2, 1), real: 115, synthetic: 10 },
    Size { name: "resnet18", shape: square(3, 32), network: SizedNetwork::ResNet18, real: 32, synthetic: 2 },
];

impl Size {
    /// The size of this name.
    pub fn named(name: &str) -> Result<Self> {
        SIZES.into_iter().find(|size| size.name == name).ok_or_else(|| {
            let names: Vec<_> = SIZES.iter().map(|size| size.name).collect();
            Error::Config(format!("there is no size \"{name}\". Use one of: {}", names.join(", ")))
        })
    }

    /// The network as a config would have it.
    pub fn network(&self) -> NetworkSpec {
        match self.network {
            SizedNetwork::ConvNet(width, depth, padding) => {
                NetworkSpec::ConvNet(ConvNetSpec { width, depth, padding: Some(padding), ..ConvNetSpec::default() })
            }
            SizedNetwork::ResNet18 => NetworkSpec::ResNet18 { norm: Norm::Instance },
        }
    }

    /// Floating point operations of all convolutions of one image through the ConvNet, counted as direct ones, forward.
    fn operations(&self) -> Option<f64> {
        let SizedNetwork::ConvNet(filters, depth, padding) = self.network else { return None };
        let (mut channels, mut height, mut width) = (self.shape.channels, self.shape.height, self.shape.width);
        let mut sum = 0.0;
        for block in 0..depth {
            let grown = if block == 0 { 2 * padding - 2 } else { 0 };
            (height, width) = (height + grown, width + grown);
            sum += (2 * 9 * channels * filters * height * width) as f64;
            (channels, height, width) = (filters, height / 2, width / 2);
        }
        Some(sum)
    }
}

/// What is timed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// The blocks of the ConvNet over as many images as a class has real ones.
    Forward,
    /// The same over all synthetic images, and the gradient of the images; the network is frozen.
    ImageGradient,
    /// The same over the real images of a class, and the gradients of images and parameters.
    AllGradients,
    /// One step of distribution matching over all classes, with augmentation.
    DmStep,
    /// One pass of the training of a judge over all synthetic images, with augmentation.
    EvaluationEpoch,
}

impl Work {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Forward, Self::ImageGradient, Self::AllGradients, Self::DmStep, Self::EvaluationEpoch];

    /// The name in files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Forward => "forward",
            Self::ImageGradient => "image_gradient",
            Self::AllGradients => "all_gradients",
            Self::DmStep => "dm_step",
            Self::EvaluationEpoch => "evaluation_epoch",
        }
    }

    /// Images that go through the network at a size.
    pub fn images(self, size: &Size) -> usize {
        match self {
            Self::Forward | Self::AllGradients => size.real,
            Self::ImageGradient | Self::EvaluationEpoch => CLASSES * size.synthetic,
            Self::DmStep => CLASSES * (size.real + size.synthetic),
        }
    }

    /// Floating point operations of its convolutions in units of 1e9, counted as direct ones; none where more than the
    /// blocks of a ConvNet is timed.
    pub fn giga_operations(self, size: &Size) -> Option<f64> {
        let passes = match self {
            Self::Forward => 1.0,
            Self::ImageGradient => 2.0,
            Self::AllGradients => 3.0,
            Self::DmStep | Self::EvaluationEpoch => return None,
        };
        Some(passes * self.images(size) as f64 * size.operations()? / 1e9)
    }
}

/// A work that is ready to be timed.
pub struct Bench(Ready);

enum Ready {
    Blocks { network: Box<dyn Network>, images: Tensor, gradient: bool },
    Step(Box<Matching>),
    Epoch(Box<Training>),
}

impl Bench {
    /// Makes everything that is not timed.
    pub fn new(work: Work, size: &Size) -> Result<Self> {
        let device = Device::CPU;
        let blocks = |gradient: bool, trainable: bool| -> Result<Ready> {
            let mut rng = stream(0, Purpose::MatchingNetwork, 0, 0);
            let init = if trainable { Init::trainable(&mut rng, &device) } else { Init::frozen(&mut rng, &device) };
            let network = size.network().build(size.shape, CLASSES, init)?;
            let data = data::noise(size.shape, 1, work.images(size), 0)?;
            let indices: Vec<u32> = (0..work.images(size) as u32).collect();
            let [channels, height, width] = size.shape.dims();
            let images = Tensor::from_vec(data.gather(data.train(), &indices), ((), channels, height, width), &device)?;
            let images = if gradient { Var::from_tensor(&images)?.into_inner() } else { images };
            Ok(Ready::Blocks { network, images, gradient })
        };
        Ok(Self(match work {
            Work::Forward => blocks(false, false)?,
            Work::ImageGradient => blocks(true, false)?,
            Work::AllGradients => blocks(true, true)?,
            Work::DmStep => {
                let data = Arc::new(data::noise(size.shape, CLASSES, PER_CLASS, 0)?);
                let classes: Vec<u32> = (0..CLASSES as u32).collect();
                let images = Start::Real.images(&data, &classes, (size.synthetic, 1), 0)?;
                let spec = MatchingSpec {
                    network: size.network(),
                    real_batch: size.real,
                    chunk: 0,
                    augmentation: families(),
                    momentum: 0.5,
                    updates: Updates::Together,
                    queue: None,
                    terms: TermsSpec::of("mean", 1.0),
                };
                Ready::Step(Box::new(Matching::new(spec, Setup { data, device, seed: 0, images, learning_rate: 1.0 })?))
            }
            Work::EvaluationEpoch => {
                let data = data::noise(size.shape, CLASSES, size.synthetic, 0)?;
                let classes: Vec<u32> = (0..CLASSES as u32).collect();
                let images = Start::Real.images(&data, &classes, (size.synthetic, 1), 0)?;
                let recipe = Recipe::dm(size.network(), usize::MAX / 4, families());
                let examples = Arc::new(Images::of(&images));
                Ready::Epoch(Box::new(Training::new(recipe, examples, CLASSES, &device, 0, 0)?))
            }
        }))
    }

    /// Does the work once and returns the seconds that it took.
    pub fn run(&mut self) -> Result<f64> {
        let clock = Instant::now();
        match &mut self.0 {
            Ready::Blocks { network, images, gradient } => {
                let features = network.embed(images)?;
                if *gradient {
                    features.sum_all()?.backward()?;
                }
            }
            Ready::Step(matching) => drop(matching.step(&|| false)?),
            // A hundred images are one batch.
            Ready::Epoch(training) => drop(training.advance()?),
        }
        Ok(clock.elapsed().as_secs_f64())
    }
}

fn families() -> Vec<Family> {
    use Family::{Color, Crop, Cutout, Flip, Rotate, Scale};
    vec![Color, Crop, Cutout, Flip, Scale, Rotate]
}

/// The product of two square matrices, once: its rate in GFLOP/s.
pub fn matrix_product() -> Result<f64> {
    let mut rng = stream(0, Purpose::Noise, 2, 0);
    let values = Init::frozen(&mut rng, &Device::CPU).draw(YARDSTICK * YARDSTICK, 1);
    let matrix = Tensor::from_vec(values, (YARDSTICK, YARDSTICK), &Device::CPU)?;
    let clock = Instant::now();
    matrix.matmul(&matrix)?;
    Ok(2.0 * (YARDSTICK as f64).powi(3) / clock.elapsed().as_secs_f64() / 1e9)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operations_are_those_of_the_published_count() {
        // 50.7 million multiplications and additions for the first size (two operations each).
        let cifar = Size::named("cifar").unwrap();
        let operations = cifar.operations().unwrap();
        assert!((operations / 2.0 / 1e6 - 50.7).abs() < 0.1, "{operations}");
        assert!((Work::Forward.giga_operations(&cifar).unwrap() - 25.98).abs() < 0.05);
    }

    #[test]
    fn every_work_runs_at_the_smallest_size() {
        let digits = Size::named("digits").unwrap();
        for work in Work::ALL {
            let mut bench = Bench::new(work, &digits).unwrap();
            assert!(bench.run().unwrap() > 0.0 && bench.run().unwrap() > 0.0, "{}", work.name());
        }
        assert!(Size::named("imagenet").is_err());
    }
}
