//! Every preset is a file in `configs/` that runs.

use std::{collections::BTreeSet, fs, path::Path};

use crate::support::settings;
use spiritsafe::{
    config::{PRESETS, RunConfig},
    engine::{Answer, Command, Engine, Event, Start},
    store::RunFolder,
};

fn configs() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("configs")
}

#[test]
fn the_presets_are_exactly_the_files_in_configs() {
    let files: BTreeSet<String> =
        fs::read_dir(configs()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    let presets: BTreeSet<String> = PRESETS.iter().map(|preset| format!("{}.toml", preset.name)).collect();
    assert_eq!(presets, files);
    assert_eq!(presets.len(), PRESETS.len(), "no name is given twice");
    for preset in PRESETS {
        let path = configs().join(format!("{}.toml", preset.name));
        assert_eq!(preset.text, fs::read_to_string(&path).unwrap(), "{}", preset.name);
        assert_eq!(RunConfig::preset(preset.name, &[]).unwrap(), RunConfig::read(&path, &[]).unwrap());
    }
}

#[test]
fn every_preset_parses_checks_and_says_what_it_is() {
    for preset in PRESETS {
        let config = RunConfig::preset(preset.name, &[]).unwrap();
        assert_eq!(config.name, preset.name);
        assert!(!config.about.is_empty() && !config.about.ends_with('.'), "{}", preset.name);
        let data = config.data.load(config.seed).unwrap().with_holdout(config.holdout, config.seed);
        config.check(&data).unwrap_or_else(|error| panic!("{}: {error}", preset.name));
    }
}

#[test]
fn every_preset_survives_being_written_and_read() {
    for preset in PRESETS {
        let config = RunConfig::preset(preset.name, &[]).unwrap();
        let text = toml::to_string(&config).unwrap();
        assert_eq!(RunConfig::parse(&text, &[], preset.name).unwrap(), config);
    }
}

#[test]
fn every_preset_runs_two_steps_on_a_tiny_set() {
    const TINY: [&str; 7] = [
        "steps=2",
        "images.per_class=1",
        "real.batch=4",
        "evaluation.every=0",
        "evaluation.last=\"dm@1x1\"",
        // Mosaics have several images in each class even here, so that their presets train a pool.
        "pool.epochs=1",
        "pool.network={kind=\"convnet\",width=4,depth=1,padding=1}",
    ];
    for preset in PRESETS {
        let config = RunConfig::preset(preset.name, &[]).unwrap();
        // A width is laid over only where the network has one.
        let wide = toml::Table::try_from(&config).unwrap()["network"].get("width").is_some();
        let config = RunConfig::preset(preset.name, &settings(&TINY, if wide { &["network.width=4"] } else { &[] }));
        let out = tempfile::tempdir().unwrap();
        let start = Start::new(config.unwrap(), out.path().to_owned());
        let engine = Engine::spawn(|| {});
        engine.send(Command::Start(Box::new(start)));
        for event in engine.events() {
            match event {
                Event::Finished { step, complete } => {
                    assert_eq!((step, complete), (2, true), "{}", preset.name);
                    break;
                }
                Event::Answered { answer: Answer::Refused { message, .. }, .. } | Event::Failed { message, .. } => {
                    panic!("{}: {message}", preset.name)
                }
                _ => {}
            }
        }
        let scalars = RunFolder::scalars(out.path()).unwrap();
        assert_eq!(scalars.len(), 2, "{}", preset.name);
        assert!(scalars.iter().all(|line| line.total.is_finite() && line.gradient_norm > 0.0), "{}", preset.name);
        assert!(out.path().join("synthetic.npz").exists());
    }
}
