//! Networks by the names that the field gives them, in small letters: `convnet`, `convnetbn`, `convnetw32`, `alexnetbn`.
//!
//! The variants of ConvNet change one thing each (`get_network` of VICO-UoE/DatasetCondensation): depth `d1` to `d4`,
//! width `w32` to `w256`, activation `as`, `ar`, `al`, `aswish`, norm `nn`, `bn`, `ln`, `in`, `gn`, pooling `np`, `mp`,
//! `ap`; and `aswishbn` two.

use std::str::FromStr;

use super::{Activation, ConvNetSpec, MlpSpec, NetworkSpec, Norm, Pooling};
use crate::error::{Error, Result};

impl FromStr for NetworkSpec {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        let unknown = || {
            Error::Config(format!(
                "there is no network \"{name}\". Use mlp, lenet, alexnet, alexnetbn, vgg11, vgg11bn, resnet18, resnet18bn, \
                 convnet, or a variant such as convnetbn, convnetw32, convnetd4, convnetmp"
            ))
        };
        Ok(match name {
            "mlp" => Self::Mlp(MlpSpec::default()),
            "lenet" => Self::LeNet {},
            "alexnet" => Self::AlexNet { norm: Norm::None },
            "alexnetbn" => Self::AlexNet { norm: Norm::Batch },
            "vgg11" => Self::Vgg11 { norm: Norm::Instance },
            "vgg11bn" => Self::Vgg11 { norm: Norm::Batch },
            "resnet18" => Self::ResNet18 { norm: Norm::Instance },
            "resnet18bn" => Self::ResNet18 { norm: Norm::Batch },
            _ => Self::ConvNet(name.strip_prefix("convnet").and_then(convnet).ok_or_else(unknown)?),
        })
    }
}

fn convnet(variant: &str) -> Option<ConvNetSpec> {
    let published = ConvNetSpec::default();
    let within = |text: &str, least: usize, most: usize| text.parse().ok().filter(|n| (least..=most).contains(n));
    Some(match variant {
        "" | "ar" | "in" | "ap" => published,
        "as" => ConvNetSpec { activation: Activation::Sigmoid, ..published },
        "al" => ConvNetSpec { activation: Activation::Leaky, ..published },
        "aswish" => ConvNetSpec { activation: Activation::Swish, ..published },
        "aswishbn" => ConvNetSpec { activation: Activation::Swish, norm: Norm::Batch, ..published },
        "nn" => ConvNetSpec { norm: Norm::None, ..published },
        "bn" => ConvNetSpec { norm: Norm::Batch, ..published },
        "ln" => ConvNetSpec { norm: Norm::Layer, ..published },
        "gn" => ConvNetSpec { norm: Norm::Group, ..published },
        "np" => ConvNetSpec { pooling: Pooling::None, ..published },
        "mp" => ConvNetSpec { pooling: Pooling::Max, ..published },
        _ => match variant.split_at_checked(1)? {
            ("d", depth) => ConvNetSpec { depth: within(depth, 1, 6)?, ..published },
            ("w", width) => ConvNetSpec { width: within(width, 1, 1024)?, ..published },
            _ => return None,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_names_are_understood_and_others_refused_with_a_list() {
        for name in ["convnet", "convnetd4", "convnetw32", "convnetaswishbn", "convnetnp", "lenet", "vgg11bn", "mlp"] {
            assert!(name.parse::<NetworkSpec>().is_ok(), "{name}");
        }
        for name in ["", "convnetd9", "convnetw", "resnet50", "ConvNet"] {
            let error = name.parse::<NetworkSpec>().unwrap_err().to_string();
            assert!(error.contains("alexnet"), "{error}");
        }
    }
}
