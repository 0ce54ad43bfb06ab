//! Judging as people do it: other networks, other protocols, baselines, scores, presets beside each other.

use std::sync::Arc;

use crate::support::{
    driving::folder,
    program::{digits, last_json, refuse, spiritsafe, succeed},
};
use serde_json::Value;
use spiritsafe::{
    config::RunConfig,
    data::DataSpec,
    evaluate::{How, Judge, Outcome, Progress, Protocol},
    nn::Device,
    nn::NetworkSpec,
    report::Subject,
};

/// Distilled images and what `evaluate` makes of them.
fn evaluate(out: &std::path::Path, arguments: &[&str]) -> Value {
    last_json(&succeed(spiritsafe().arg("evaluate").arg(out).args(arguments).arg("--json")))
}

fn entries<'a>(json: &'a Value, key: &str) -> Vec<&'a str> {
    json["evaluations"].as_array().unwrap().iter().map(|one| one[key].as_str().unwrap()).collect()
}

#[test]
fn other_networks_judge_the_same_images() {
    let out = folder();
    succeed(&mut digits(out.path()));
    let json = evaluate(out.path(), &["--arch", "convnet,lenet,resnet18", "--protocol", "dm@1x1"]);
    let networks = entries(&json, "network");
    assert!(networks.contains(&"LeNet") && networks.contains(&"ResNet18, instance norm"), "{networks:?}");
    for one in json["evaluations"].as_array().unwrap() {
        let counts = one["confusion"].as_array().unwrap();
        let tested: u64 = counts.iter().flat_map(|row| row.as_array().unwrap()).map(|n| n.as_u64().unwrap()).sum();
        assert_eq!(tested, 500 * one["accuracy"]["repeats"].as_u64().unwrap(), "every test image is counted: {one}");
    }
    // What is known is not measured again.
    let again = evaluate(out.path(), &["--arch", "convnet,lenet,resnet18", "--protocol", "dm@1x1"]);
    assert_eq!(json, again);
    refuse(spiritsafe().arg("evaluate").arg(out.path()).args(["--arch", "resnet50"]), 2, &["resnet50", "alexnet"]);
}

#[test]
fn baselines_choose_as_many_images_and_are_judged_alike() {
    let out = folder();
    succeed(&mut digits(out.path()));
    let json = evaluate(out.path(), &["--against", "all", "--protocol", "dm@2x1"]);
    let subjects = entries(&json, "subject");
    for subject in Subject::SELECTIONS {
        assert!(subjects.contains(&subject.name()), "{} is missing: {subjects:?}", subject.name());
    }
    let text =
        succeed(spiritsafe().arg("evaluate").arg(out.path()).args(["--against", "whole", "--protocol", "dm@2x1"]));
    let text = String::from_utf8_lossy(&text.stdout).into_owned();
    let whole = text.lines().find(|line| line.starts_with("whole training set")).expect("a line for the whole set");
    assert!(whole.contains("(whole@"), "its protocol is another one, and stands beside it: {text}");
    let images = json["evaluations"][0]["images"].as_u64();
    assert!(json["evaluations"].as_array().unwrap().iter().all(|one| one["images"].as_u64() == images), "{json}");
    refuse(spiritsafe().arg("evaluate").arg(out.path()).args(["--against", "hering"]), 2, &["hering", "herding"]);
}

#[test]
fn every_protocol_trains_and_says_its_name() {
    let out = folder();
    succeed(&mut digits(out.path()));
    for protocol in [
        "idc@2x1",
        "dance@2x1",
        "ncfm@2x1",
        "ncfm@3x1+soft",
        "ncfm@3x1+soft+hard2",
        "fkd@2x1",
        "fkd@2x1+hard",
        "dm@2x1+soft",
        "dm@2x1+plain",
        "quick@1x1",
    ] {
        let json = evaluate(out.path(), &["--protocol", protocol]);
        assert_eq!(json["accuracy"]["protocol"], protocol);
        assert!(json["accuracy"]["mean"].as_f64().unwrap() > 0.0, "{protocol}: {json}");
    }
}

#[test]
fn scores_follow_from_what_was_measured() {
    let out = folder();
    succeed(&mut digits(out.path()));
    let json = evaluate(out.path(), &["--scores", "--protocol", "dm@2x1+soft"]);
    assert_eq!(json["measured_by"]["hard"], "dm@2x1");
    assert_eq!(json["measured_by"]["plain"], "dm@2x1+soft+plain");
    let alpha =
        (json["improvement_over_random"].as_f64().unwrap() - json["hard_label_recovery"].as_f64().unwrap()) / 2.0;
    let e = std::f64::consts::E;
    let expected = (alpha.exp() - 1.0 / e) / (e - 1.0 / e);
    assert!((json["label_robust"].as_f64().unwrap() - expected).abs() < 1e-9, "{json}");
    assert!((0.0..=1.0).contains(&json["augmentation_robust"].as_f64().unwrap()), "{json}");
}

#[test]
fn presets_are_compared_by_one_protocol_with_one_network_and_runs_are_used_again() {
    let out = folder();
    let compare = || {
        let mut command = spiritsafe();
        command.args(["compare", "--presets", "digits,iid-digits,random,herding", "--data", "digits", "--seeds", "2"]);
        command.args([
            "--steps",
            "2",
            "--ipc",
            "2",
            "--protocol",
            "dm@1x2",
            "--set",
            "pool.epochs=1",
            "--json",
            "--out",
        ]);
        command.arg(out.path());
        command
    };
    let json = last_json(&succeed(&mut compare()));
    let rows = json["rows"].as_array().unwrap();
    let names: Vec<&str> = rows.iter().map(|row| row["preset"].as_str().unwrap()).collect();
    assert_eq!(names, ["digits", "iid-digits", "random", "herding"]);
    for row in rows {
        assert_eq!(row["accuracy"]["protocol"], "dm@1x2");
        assert_eq!(row["bytes"], 2 * 10 * 64);
        let is_made = row["preset"].as_str().unwrap().contains("digits");
        assert_eq!(row["accuracy"]["repeats"], if row["preset"] == "random" { 10 } else { 4 }, "{row}");
        assert_eq!(row["secs"].is_f64(), is_made, "{row}");
    }
    let scalars = std::fs::metadata(out.path().join("digits-0/scalars.jsonl")).unwrap().modified().unwrap();
    assert_eq!(last_json(&succeed(&mut compare())), json);
    let later = std::fs::metadata(out.path().join("digits-0/scalars.jsonl")).unwrap().modified().unwrap();
    assert_eq!(scalars, later, "a run that is done is not done again");
    // Other settings need another folder; other networks do not compare.
    refuse(compare().args(["--set", "real.batch=3"]), 2, &["other settings"]);
    let mut mixed = spiritsafe();
    mixed.args(["compare", "--presets", "digits,iid-cpu", "--data", "digits", "--out"]).arg(out.path());
    refuse(&mut mixed, 2, &["depth 2", "depth 3", "network.width"]);
}

fn judged(judge: Judge) -> Outcome {
    let mut judge = judge;
    loop {
        if let Progress::Done(outcome) = judge.advance().unwrap() {
            return outcome;
        }
    }
}

/// The whole of the digits, by the network of the demo.
#[test]
fn the_whole_set_of_digits_is_learned_to_ninety_seven_per_cent() {
    let config = RunConfig::preset("digits", &[]).unwrap();
    let data = Arc::new("digits".parse::<DataSpec>().unwrap().load(0).unwrap());
    let classes: Vec<u32> = (0..10).collect();
    let how = How {
        protocol: "whole@60".parse::<Protocol>().unwrap(),
        network: &config.network,
        augmentation: config.augmentation.of(&data),
        device: &Device::CPU,
        seed: 0,
    };
    let whole = judged(Judge::selection(&data, Subject::Whole, (&classes, 0), how).unwrap());
    assert!(whole.accuracy.mean >= 0.97, "{:?}", whole.accuracy);
}

#[test]
fn networks_call_the_images_that_they_learned_from_by_their_classes() {
    let out = folder();
    succeed(&mut digits(out.path()));
    let json = evaluate(out.path(), &["--arch", "mlp", "--protocol", "dm@100x1"]);
    let one = json["evaluations"].as_array().unwrap().iter().find(|one| one["network"] == "MLP, width 128").unwrap();
    let called = one["called"].as_array().unwrap();
    assert_eq!(called.len() as u64, one["images"].as_u64().unwrap());
    let per_class = called.len() / 10;
    let right = called.iter().enumerate().filter(|(at, one)| one["class"] == at / per_class).count();
    assert!(right * 10 >= called.len() * 9, "{right} of {}", called.len());
    assert!(called.iter().all(|one| (0.0..=1.0).contains(&one["probability"].as_f64().unwrap())));
}

#[test]
fn a_network_that_is_too_large_for_the_images_is_refused_with_a_reason() {
    let data = Arc::new("plane:moons".parse::<DataSpec>().unwrap().load(0).unwrap());
    let network = "vgg11".parse::<NetworkSpec>().unwrap();
    let protocol = "dm@1x1".parse::<Protocol>().unwrap();
    let how = How { protocol, network: &network, augmentation: &[], device: &Device::CPU, seed: 0 };
    let error = Judge::selection(&data, Subject::Random, (&[0, 1], 3), how).err().unwrap().to_string();
    assert!(error.contains("VGG11") && error.contains("28 pixels"), "{error}");
}
