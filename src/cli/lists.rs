//! `data` and `presets`: what there is.

use crate::{
    config::{PRESETS, RunConfig},
    data::DataSpec,
    error::Result,
};

/// Says what is in a data set.
pub(super) fn data(spec: &DataSpec) -> Result<()> {
    let data = spec.load(0)?;
    let info = data.info();
    let [channels, height, width] = info.shape;
    println!("{}: {}", info.name, info.origin);
    println!("images       {channels} x {height} x {width} (channels, height, width)");
    println!("training     {} in {} classes", info.train + info.holdout, info.class_names.len());
    println!("test         {}", info.test);
    println!("mean         {:?}", data.normalisation().mean);
    println!("deviation    {:?}", data.normalisation().std);
    println!("fingerprint  {}", info.fingerprint);
    println!("class        training images");
    for (class, name) in info.class_names.iter().enumerate() {
        println!("{class:>3}  {name:<12} {}", data.train().of_class(class as u32).len());
    }
    Ok(())
}

/// Lists the presets with the sentence that explains them.
pub(super) fn presets() -> Result<()> {
    for preset in PRESETS {
        let config = RunConfig::preset(preset.name, &[])?;
        println!("{:<10} {}", preset.name, config.about);
    }
    Ok(())
}
