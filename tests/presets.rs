//! Every preset parses, checks, and does two steps on a tiny set.

use std::{collections::BTreeSet, fs, sync::Arc};

use candle_core::Device;
use spiritsafe::{
    config::{PRESETS, RunConfig},
    data::DataSpec,
    distill::Matching,
};

#[test]
fn the_program_carries_every_config_of_the_folder() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/configs");
    let files: BTreeSet<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned())
        .collect();
    let presets: BTreeSet<String> = PRESETS.iter().map(|preset| preset.name.to_owned()).collect();
    assert_eq!(files, presets);
}

#[test]
fn every_preset_runs_two_steps() {
    for preset in PRESETS {
        let config = RunConfig::preset(preset.name, &["real.batch=4".to_owned(), "images.per_class=1".to_owned()]);
        let config = config.unwrap();
        assert_eq!(config.name, preset.name);
        assert!(!config.about.is_empty(), "{} says nothing about itself", preset.name);
        let data = Arc::new(config.data.load(0).unwrap().with_holdout(config.holdout, 0));
        config.check(&data).unwrap();
        let images = config.images.start.images(&data, &config.chosen_classes(&data), 1, 0).unwrap();
        let mut run = Matching::new(config.matching(), data, Device::Cpu, 0, images, config.optimizer.learning_rate);
        for step in 1..=2 {
            assert_eq!(run.step(&|| false).unwrap().step, step);
        }
    }
}

#[test]
fn the_published_preset_has_the_published_settings() {
    let dm = RunConfig::preset("dm", &[]).unwrap();
    assert_eq!((dm.steps, dm.real.batch, dm.images.per_class), (20_000, 256, 10));
    assert_eq!((dm.optimizer.learning_rate, dm.optimizer.momentum), (1.0, 0.5));
    assert_eq!(dm.augmentation.families.len(), 6);
    assert_eq!(dm.holdout, 0.0);
}

#[test]
fn digits_have_the_published_split_and_a_known_pixel() {
    let data = DataSpec::Digits.load(0).unwrap();
    assert_eq!((data.train().len(), data.test().len(), data.classes()), (1297, 500, 10));
    assert_eq!(data.train().labels()[..10], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    let mut image = data.gather(data.train(), &[0]);
    data.normalisation().denormalise(&mut image);
    // The first row of the first digit: 0 0 5 13 9 1 0 0, of 16.
    let row: Vec<i32> = image[..8].iter().map(|value| (value * 16.0).round() as i32).collect();
    assert_eq!(row, [0, 0, 5, 13, 9, 1, 0, 0]);
}
