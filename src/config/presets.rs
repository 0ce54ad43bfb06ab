//! The presets that are part of the program: a file in `configs/` and its name here.

/// A preset that is part of the program.
pub struct Preset {
    /// The name that is typed.
    pub name: &'static str,
    /// The text of its file in `configs/`.
    pub text: &'static str,
}

macro_rules! presets {
    ($($name:literal)*) => {
        &[$(Preset { name: $name, text: include_str!(concat!("../../configs/", $name, ".toml")) }),*]
    };
}

/// Every preset, in the order in which they are listed.
pub const PRESETS: &[Preset] = presets! {
    "digits"
    "plane"
    "dm"
    "dm-cpu"
    "iid"
    "iid-digits"
    "iid-cpu"
    "cmi"
    "cmi-digits"
    "cmi-cpu"
    "idm"
    "idm-digits"
    "idm-cpu"
    "idm-iid"
    "idm-iid-digits"
    "idm-iid-cpu"
    "idm-cmi"
    "idm-cmi-digits"
    "idm-cmi-cpu"
    "pemdd-digits"
    "pemdd-cpu"
    "ddoq-digits"
    "ddoq-cpu"
    "d4m-digits"
    "d4m-cpu"
    "ddoq-medoid-digits"
    "ddoq-medoid-cpu"
    "kmeans-digits"
    "kmeans-cpu"
};
