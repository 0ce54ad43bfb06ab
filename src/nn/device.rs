//! Where tensors live.

use std::ops::Deref;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// Where tensors live and how they are computed. Everything above this module holds it, and knows no device of the tensor library; where that
/// library asks for one, it is lent.
#[derive(Clone, Debug)]
pub struct Device(candle_core::Device);

impl Device {
    /// The processor.
    pub const CPU: Self = Self(candle_core::Device::Cpu);

    /// True for the processor, which people who look on need too.
    pub fn is_cpu(&self) -> bool {
        self.0.is_cpu()
    }

    /// In words, for example `CPU, 2 threads, avx512`.
    pub fn describe(&self) -> String {
        match &self.0 {
            candle_core::Device::Cpu => {
                format!("CPU, {} threads, {}", rayon::current_num_threads(), super::kernels::instruction_set())
            }
            candle_core::Device::Cuda(_) => "CUDA".to_owned(),
            candle_core::Device::Metal(_) => "Metal".to_owned(),
        }
    }

    /// What the bits of a result depend on besides the program: the kind of device and the instructions that kernels and libraries use,
    /// but not the number of threads.
    pub fn instructions(&self) -> String {
        match &self.0 {
            candle_core::Device::Cpu => {
                let [own, best] = [super::kernels::instruction_set(), super::kernels::best_instruction_set()];
                format!("CPU, {}, kernels {own}, libraries {best}", std::env::consts::ARCH)
            }
            candle_core::Device::Cuda(_) => "CUDA".to_owned(),
            candle_core::Device::Metal(_) => "Metal".to_owned(),
        }
    }
}

impl Deref for Device {
    type Target = candle_core::Device;

    fn deref(&self) -> &candle_core::Device {
        &self.0
    }
}

/// A device by name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DeviceSpec {
    /// The first GPU that this program was built for and that answers, otherwise the CPU.
    #[default]
    Auto,
    /// The processor.
    Cpu,
    /// The first NVIDIA GPU.
    Cuda,
    /// The first Apple GPU.
    Metal,
}

impl DeviceSpec {
    /// Opens the device, or says how to get it.
    pub fn open(self) -> Result<Device> {
        match self {
            Self::Auto => Ok(Self::Cuda.open().or_else(|_| Self::Metal.open()).unwrap_or(Device::CPU)),
            Self::Cpu => Ok(Device::CPU),
            Self::Cuda => candle_core::Device::new_cuda(0)
                .map(Device)
                .map_err(|error| missing("cuda", "an NVIDIA GPU and its driver", &error)),
            Self::Metal => {
                candle_core::Device::new_metal(0).map(Device).map_err(|error| missing("metal", "an Apple GPU", &error))
            }
        }
    }
}

fn missing(feature: &str, needs: &str, error: &candle_core::Error) -> Error {
    let built = match feature {
        "cuda" => cfg!(feature = "cuda"),
        _ => cfg!(feature = "metal"),
    };
    Error::Device(if built {
        format!("the device \"{feature}\" does not answer ({error}). It needs {needs}. Use --device cpu")
    } else {
        format!(
            "this program was built without the device \"{feature}\". Build it with \
             `cargo build --release --features {feature}` on a machine with {needs}, or use --device cpu"
        )
    })
}

/// The version of the arithmetic: equal versions give equal bits on equal instructions.
///
/// Raise it by one whenever the bits of a trained network change: its kernels, layers, initialisation, optimisers, augmentation, the
/// order of batches, or a library that computes. `tests/it/arithmetic.rs` fails where that was forgotten.
pub const ARITHMETIC: u32 = 2;
