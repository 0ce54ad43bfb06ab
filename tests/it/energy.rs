//! PEMDD as people run it: what falls and what rises, what is picked, and what gives the same bits.

use std::fs;

use crate::support::{
    assert_equal_runs, checkpoints,
    driving::{begin, folder, start, undisturbed, wait, wait_applied, wait_finished, wait_refused, wait_step},
    lines,
    program::{distill, last_json, refuse, spiritsafe, succeed},
    settings,
};
use spiritsafe::{
    config::RunConfig,
    engine::{Command, Event, Start},
    report::{Form, LEARNING_RATE, OnMap},
    store::RunFolder,
};

/// Pixels as features, so that nothing has to be trained first.
const TINY: [&str; 6] = [
    "energy.features=\"pixels\"",
    "energy.samples=40",
    "steps=30",
    "images.per_class=3",
    "evaluation.last=\"dm@1x1\"",
    "checkpoint.every=5",
];

fn config(more: &[&str]) -> RunConfig {
    RunConfig::preset("pemdd-digits", &settings(&TINY, more)).unwrap()
}

#[test]
fn energy_falls_classes_part_and_picks_stand_for_them() {
    let out = undisturbed(&config(&["steps=301", "energy.samples=80", "images.per_class=10"]));
    let scalars = RunFolder::scalars(out.path()).unwrap();
    let energy = |at: usize| scalars[at].terms[0].raw + scalars[at].terms[1].raw;
    assert!(energy(300) < 0.0 && energy(300) < 0.1 * energy(0), "from {} to {}", energy(0), energy(300));
    let judged: OnMap = serde_json::from_slice(&fs::read(out.path().join("map.json")).unwrap()).unwrap();
    assert!(judged.spread[1] > 1.5 * judged.spread[0], "{:?}", judged.spread);
    let of = |form: Form| judged.rows.iter().find(|row| row.form == form).unwrap();
    assert!(of(Form::Samples).logistic.mean > 0.8, "{:?}", of(Form::Samples));
    assert!(of(Form::Picks).logistic.mean > 0.7, "{:?}", of(Form::Picks));
    assert_eq!((of(Form::Picks).points, of(Form::Picks).image_bytes, of(Form::Picks).bytes), (10, 6400, 4000));
    assert_eq!(of(Form::Moments).bytes, 10 * (10 + 55) * 4);
    assert_eq!((judged.map_bytes, judged.index_bytes), (10 * 64 * 4, 400));
}

#[test]
fn what_is_picked_are_real_images_of_the_class() {
    let config = config(&[]);
    let out = undisturbed(&config);
    let data = config.data.load(0).unwrap();
    let mut pictures = std::collections::HashSet::new();
    for class in 0..10 {
        let folder = out.path().join("synthetic").join(data.class_name(class));
        for entry in fs::read_dir(folder).unwrap() {
            let picture = image::open(entry.unwrap().path()).unwrap().to_luma8().into_raw();
            let mut values = vec![0.0; 64];
            let is_it = |&index: &u32| {
                data.fetch(data.train(), index, &mut values);
                data.normalisation().denormalise(&mut values);
                values.iter().zip(&picture).all(|(value, &byte)| (value * 255.0).round() as u8 == byte)
            };
            assert!(data.train().of_class(class).iter().any(is_it), "a picture of class {class} is no real image");
            assert!(pictures.insert(picture), "picked twice");
        }
    }
    assert_eq!(pictures.len(), 30);
}

#[test]
fn runs_resume_and_replay_to_the_bit_with_every_knob_turned() {
    let (config, out) = (config(&["steps=60"]), folder());
    let engine = begin(start(&config, out.path()));
    wait_step(&engine, 4);
    for (term, parameter, value) in
        [("between", "ratio", 0.2), ("within", "offset", 0.4), ("decay", "dropout", 0.1), ("decay", "dimensions", 4.0)]
    {
        engine.send(Command::Set { control: format!("{term}.{parameter}"), value });
        wait_applied(&engine);
    }
    engine.send(Command::Set { control: "within".to_owned(), value: 0.5 });
    wait_applied(&engine);
    engine.send(Command::Set { control: LEARNING_RATE.to_owned(), value: 0.05 });
    let last = wait_applied(&engine);
    wait_step(&engine, last.step + 6);
    engine.send(Command::Stop);
    wait_finished(&engine);
    drop(engine);
    // As after a power cut.
    fs::remove_file(checkpoints(out.path()).last().unwrap()).unwrap();
    assert!(wait_finished(&begin(Start { resume: true, ..start(&config, out.path()) })).1);
    let again = folder();
    let script = RunFolder::interventions(out.path()).unwrap();
    assert_eq!(script.len(), 6);
    assert!(wait_finished(&begin(Start { script, ..start(&config, again.path()) })).1);
    assert_equal_runs(out.path(), again.path());
    assert_eq!(lines(&out.path().join("scalars.jsonl"))[59]["terms"][2]["parameters"]["dimensions"], 4.0);
}

#[test]
fn threads_never_change_a_bit() {
    let place = folder();
    let run = |threads: &str| {
        let out = place.path().join(threads);
        succeed(distill("pemdd-digits", &TINY, &out).env("RAYON_NUM_THREADS", threads));
        out
    };
    let first = run("1");
    assert_equal_runs(&first, &run("2"));
    assert_eq!(fs::read(first.join("map.json")).unwrap(), fs::read(place.path().join("2/map.json")).unwrap());
}

#[test]
fn a_run_with_trained_features_is_judged_on_its_map_again() {
    let place = folder();
    let out = place.path().join("run");
    let more =
        ["energy.features=\"network\"", "pool.epochs=2", "pool.network={kind=\"convnet\",width=8,depth=2,padding=1}"];
    let all: Vec<&str> = TINY.iter().chain(&more).copied().collect();
    let first = last_json(&succeed(distill("pemdd-digits", &all, &out).arg("--json")));
    let again = last_json(&succeed(spiritsafe().arg("analyse").arg(&out).args(["on_map", "--json"])));
    assert_eq!(first["on_map"], again);
    assert!(again["features"].as_str().unwrap().contains("width 8"));
}

#[test]
fn every_source_of_features_runs() {
    for more in [&["energy.features=\"components\"", "energy.components=12"][..], &["energy.power=0.8"]] {
        let out = undisturbed(&config(more));
        assert_eq!(RunFolder::scalars(out.path()).unwrap().len(), 30);
    }
    let engine = begin(start(&config(&["energy.features=\"components\"", "energy.power=0.5"]), folder().path()));
    let message = wait(&engine, |event| match event {
        Event::Failed { message, .. } => Some(message.clone()),
        _ => None,
    });
    assert!(message.contains("energy.power=1"), "{message}");
}

#[test]
fn wrong_wishes_are_refused_with_what_to_do() {
    let place = folder();
    let out = place.path().join("no");
    for (more, words) in [
        ("images.per_class=22", "21 sigma points"),
        ("energy.samples=20", "need 21 samples"),
        ("energy.dropout=1", "energy.dropout"),
        ("energy.offset=0", "energy.offset"),
        ("terms.mean={weight=1}", "no [terms]"),
    ] {
        let all: Vec<&str> = TINY.iter().copied().chain([more]).collect();
        refuse(&mut distill("pemdd-digits", &all, &out), 2, &[words]);
    }
    refuse(distill("pemdd-digits", &TINY, &out).args(["--classes", "0-4"]), 2, &["all classes are made together"]);
    let engine = begin(start(&config(&["steps=1000000"]), &place.path().join("run")));
    wait_step(&engine, 2);
    for (term, parameter, value, words) in [
        ("decay", "dimensions", 40.0, "sigma points"),
        ("decay", "dropout", 1.0, "below 1"),
        ("within", "ratio", 1.0, "there is no control"),
    ] {
        engine.send(Command::Set { control: format!("{term}.{parameter}"), value });
        assert!(wait_refused(&engine).0.contains(words));
    }
}

/// Digits of some classes as a folder of pictures.
fn pictures_of(classes: std::ops::Range<u32>, folder: &std::path::Path) {
    let data = config(&[]).data.load(0).unwrap();
    for (split, name) in [(data.train(), "train"), (data.test(), "test")] {
        for class in classes.clone() {
            let place = folder.join(name).join(format!("digit {class}"));
            fs::create_dir_all(&place).unwrap();
            for (number, &index) in split.of_class(class).iter().take(60).enumerate() {
                let mut values = vec![0.0; 64];
                data.fetch(split, index, &mut values);
                data.normalisation().denormalise(&mut values);
                let bytes = values.iter().map(|value| (value * 255.0).round() as u8).collect();
                let picture = image::GrayImage::from_raw(8, 8, bytes).unwrap();
                picture.save(place.join(format!("{number}.png"))).unwrap();
            }
        }
    }
}

#[test]
fn new_classes_are_fused_with_what_is_left_of_the_old_ones() {
    let place = folder();
    let at = |name: &str| place.path().join(name);
    pictures_of(0..7, &at("old"));
    pictures_of(6..10, &at("new"));
    let run = at("run");
    let old = at("old").display().to_string();
    let mut distil = distill("pemdd-digits", &TINY, &run);
    succeed(distil.args([
        "--data",
        &old,
        "--set",
        "steps=150",
        "--set",
        "images.per_class=8",
        "--set",
        "network.kind=convnet",
    ]));
    let fuse = |out: &str| {
        let mut command = spiritsafe();
        command
            .arg("analyse")
            .arg(&run)
            .args(["fusion", "--with"])
            .arg(at("new"))
            .arg("--out")
            .arg(at(out))
            .arg("--json");
        command
    };
    let fused = last_json(&succeed(&mut fuse("fused")));
    assert_eq!((fused["classes"].as_array().unwrap().len(), fused["merged"].as_u64()), (10, Some(1)));
    let right = |row: usize, of: &str| fused["rows"][row][of].as_f64().unwrap();
    assert!(right(0, "old") > 0.6, "{fused}");
    assert!(right(0, "new") < 0.4, "before the fusion three of four classes are unknown: {fused}");
    assert!(right(2, "old") > 0.5 && right(2, "new") > 0.6, "{fused}");
    assert_eq!(fused["moved_bytes"], 7 * 8 * 10 * 4);
    let again = last_json(&succeed(&mut fuse("again")));
    assert_eq!(fused, again);
    assert_eq!(fs::read(at("fused/second-map.npz")).unwrap(), fs::read(at("again/second-map.npz")).unwrap());
    refuse(&mut fuse("fused"), 3, &["is not empty"]);
    let mut other = spiritsafe();
    other.arg("analyse").arg(&run).args(["fusion", "--with", "plane:moons", "--out"]).arg(at("no"));
    refuse(&mut other, 3, &["only equal sizes"]);
}
