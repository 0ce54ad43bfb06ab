//! The networks of the field, as `networks.py` of VICO-UoE/DatasetCondensation defines them.

mod classic;
mod convnet;
mod head;
mod identity;
mod mlp;
mod names;
mod resnet;
mod spec;
mod unit;

pub use classic::Classic;
pub use convnet::{Activation, ConvNet, ConvNetSpec, Pooling};
pub use head::Head;
pub use identity::Identity;
pub use mlp::{Mlp, MlpSpec};
pub use resnet::ResNet18;
pub use spec::NetworkSpec;
pub use unit::Norm;
pub(super) use unit::{Unit, Window};
