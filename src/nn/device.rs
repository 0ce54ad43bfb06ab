//! Where tensors live.

use candle_core::Device;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

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
            Self::Auto => Ok(Self::Cuda.open().or_else(|_| Self::Metal.open()).unwrap_or(Device::Cpu)),
            Self::Cpu => Ok(Device::Cpu),
            Self::Cuda => Device::new_cuda(0).map_err(|error| missing("cuda", "an NVIDIA GPU and its driver", &error)),
            Self::Metal => Device::new_metal(0).map_err(|error| missing("metal", "an Apple GPU", &error)),
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

/// What the bits of a result depend on besides the program: the kind of device and the instructions that kernels and libraries use,
/// but not the number of threads.
pub fn instructions(device: &Device) -> String {
    match device {
        Device::Cpu => {
            let [own, best] = [super::kernels::instruction_set(), super::kernels::best_instruction_set()];
            format!("CPU, {}, kernels {own}, libraries {best}", std::env::consts::ARCH)
        }
        Device::Cuda(_) => "CUDA".to_owned(),
        Device::Metal(_) => "Metal".to_owned(),
    }
}

/// The device in words, for example `CPU, 2 threads, avx512`.
pub fn describe(device: &Device) -> String {
    match device {
        Device::Cpu => {
            format!("CPU, {} threads, {}", rayon::current_num_threads(), super::kernels::instruction_set())
        }
        Device::Cuda(_) => "CUDA".to_owned(),
        Device::Metal(_) => "Metal".to_owned(),
    }
}
