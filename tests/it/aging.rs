//! IDM as people run it: mosaics, a queue of networks that learn beside the run, class-by-class updates. What is kept in a
//! checkpoint, what parts share, what a stop in the middle leaves behind.

use std::{fs, sync::Arc};

use crate::support::{
    TINY_DIGITS, assert_equal_images, assert_equal_runs, checkpoints,
    driving::{begin, folder, start, undisturbed, wait, wait_applied, wait_finished, wait_step},
    program::{distill, refuse, spiritsafe, succeed},
    settings,
};
use spiritsafe::{
    config::RunConfig,
    data::Dataset,
    distilled::{Blobs, Saved},
    engine::{Command, Event, Start},
    evaluate::{Examples, Images},
    methods::{Matching, Method as _, Setup, matching::QueuedNetwork},
    nn::Device,
    report::{GalleryView, PageWanted, Wants},
    store::RunFolder,
};

const TINY_QUEUE: [&str; 7] = [
    "images.packing=2",
    "queue.push_every=4",
    "queue.most=5",
    "queue.batches=2",
    "queue.batch=16",
    "queue.forget_every=9",
    "terms.cross_entropy.weight=0.05",
];

fn config(more: &[&str]) -> RunConfig {
    let all: Vec<&str> = TINY_DIGITS.iter().chain(&TINY_QUEUE).chain(more).copied().collect();
    RunConfig::preset("idm-digits", &settings(&all, &[])).unwrap()
}

fn method(config: &RunConfig) -> (Arc<Dataset>, Matching) {
    let data = Arc::new(config.data.load(config.seed).unwrap().with_holdout(config.holdout, config.seed));
    config.check(&data).unwrap();
    let images = config.start_images(&data).unwrap();
    let learning_rate = config.optimizer.learning_rate;
    let method = Matching::new(
        config.matching(&data),
        Setup { data: data.clone(), device: Device::CPU, seed: config.seed, images, learning_rate },
    )
    .unwrap();
    (data, method)
}

fn seen(method: &Matching) -> Vec<QueuedNetwork> {
    method.queue().unwrap().view(method.state().step + 1)
}

#[test]
fn networks_come_learn_forget_and_leave_as_configured() {
    let (_, mut method) = method(&config(&[]));
    assert_eq!(seen(&method).len(), 3);
    let mut came = 3;
    for step in 1..=30 {
        let before = seen(&method);
        let report = method.step(&|| false).unwrap();
        let looked = before.iter().find(|one| one.looks).unwrap();
        assert_eq!(report.network, Some(looked.serial), "step {step}");
        assert_eq!(report.network_accuracy, Some(looked.accuracy.unwrap_or(0.0)));
        let after = seen(&method);
        came += u64::from(step % 4 == 0);
        let serials: Vec<u64> = after.iter().map(|one| one.serial).collect();
        assert_eq!(serials, (came.saturating_sub(5)..came).collect::<Vec<_>>(), "step {step}");
        for one in &after {
            let Some(old) = before.iter().find(|old| old.serial == one.serial) else {
                assert_eq!((one.batches, one.accuracy), (0, None), "a young one");
                continue;
            };
            assert_eq!(one.batches, old.batches + if old.learns { 2 } else { 0 });
            match step % 9 {
                0 => assert_eq!(one.accuracy, None, "accuracies begin anew"),
                _ if old.learns => assert!(one.accuracy.is_some()),
                _ => assert_eq!(one.accuracy, old.accuracy),
            }
        }
        assert_eq!(before.iter().filter(|one| one.learns).count(), 2);
    }
}

#[test]
fn networks_of_the_queue_learn_what_the_real_images_are() {
    let more = ["queue.start=1", "queue.most=1", "queue.trained=1", "queue.batches=10", "queue.batch=64"];
    let (_, mut method) = method(&config(&[&more[..], &["queue.forget_every=10", "queue.push_every=1000"]].concat()));
    (1..=10).for_each(|_| drop(method.step(&|| false).unwrap()));
    (11..=19).for_each(|_| drop(method.step(&|| false).unwrap()));
    let accuracy = seen(&method)[0].accuracy.unwrap();
    assert!(accuracy > 0.6, "{accuracy}");
}

#[test]
fn a_step_that_is_given_up_anywhere_leaves_nothing_behind() {
    let (_, mut whole) = method(&config(&["real.chunk=3"]));
    let (_, mut disturbed) = method(&config(&["real.chunk=3"]));
    for round in 0..12 {
        // Four chunks of classes and four batches of the queue ask whether to go on.
        let asked = std::cell::Cell::new(0);
        let refused = disturbed.step(&|| {
            asked.set(asked.get() + 1);
            asked.get() > round % 8
        });
        assert!(refused.is_err(), "round {round}");
        let [one, other] = [&mut whole, &mut disturbed].map(|method| method.step(&|| false).unwrap());
        assert_eq!(one, other, "round {round}");
    }
    assert_eq!(whole.state(), disturbed.state());
    assert_eq!(seen(&whole), seen(&disturbed));
}

#[test]
fn runs_with_a_queue_resume_and_replay_to_the_bit() {
    let (config, out) = (config(&[]), folder());
    let engine = begin(start(&config, out.path()));
    engine.send(Command::Watch(Wants {
        gallery: Some(GalleryView::Now),
        page: Some(PageWanted { id: "queue".to_owned(), class: 0 }),
        apart: true,
        ..Wants::default()
    }));
    wait_step(&engine, 7);
    engine.send(Command::Set { control: "cross_entropy".to_owned(), value: 0.02 });
    let change = wait_applied(&engine);
    wait_step(&engine, change.step + 3);
    engine.send(Command::Stop);
    wait_finished(&engine);
    drop(engine);
    // As after a power cut: the newest checkpoint is gone, the steps after it are done again.
    fs::remove_file(checkpoints(out.path()).last().unwrap()).unwrap();
    assert!(wait_finished(&begin(Start { resume: true, ..start(&config, out.path()) })).1);
    let again = folder();
    let script = RunFolder::interventions(out.path()).unwrap();
    assert_eq!(script, [change]);
    assert!(wait_finished(&begin(Start { script, ..start(&config, again.path()) })).1);
    assert_equal_runs(out.path(), again.path());
}

#[test]
fn a_checkpoint_without_its_networks_is_refused_in_words() {
    let (_, mut method) = method(&config(&[]));
    let state = method.state().clone();
    let error = method.restore(Saved { state, blobs: Blobs::default() }).unwrap_err().to_string();
    assert!(error.contains("queue"), "{error}");
}

#[test]
fn chunks_and_threads_never_change_a_bit() {
    let place = folder();
    let run = |threads: &str, chunk: &str| {
        let out = place.path().join(format!("{threads}-{chunk}"));
        let chunk = format!("real.chunk={chunk}");
        let all: Vec<&str> = TINY_DIGITS.iter().chain(&TINY_QUEUE).copied().collect();
        let mut command = distill("idm-digits", &all, &out);
        succeed(command.env("RAYON_NUM_THREADS", threads).args(["--set", "steps=8", "--set", &chunk]));
        out
    };
    let first = run("1", "0");
    for (threads, chunk) in [("2", "1"), ("2", "3")] {
        assert_equal_runs(&first, &run(threads, chunk));
    }
}

#[test]
fn parts_play_the_momentum_of_absent_classes_and_share_the_queue() {
    let place = folder();
    let at = |name: &str| place.path().join(name);
    let all: Vec<&str> = TINY_DIGITS.iter().chain(&TINY_QUEUE).copied().collect();
    succeed(&mut distill("idm-digits", &all, &at("whole")));
    succeed(distill("idm-digits", &all, &at("low")).args(["--classes", "0-3"]));
    succeed(distill("idm-digits", &all, &at("high")).args(["--classes", "4-9"]));
    succeed(
        spiritsafe().arg("merge").args([at("high"), at("low")]).args(["--judge", "none", "--out"]).arg(at("merged")),
    );
    assert_equal_images(&at("whole"), &at("merged"));
    // The merged run has the queue too, and goes on.
    let mut longer = spiritsafe();
    longer.args(["distill", "--resume", "--steps", "33", "--out"]);
    succeed(longer.arg(at("merged")));
    let mut whole = spiritsafe();
    whole.args(["distill", "--resume", "--steps", "33", "--out"]);
    succeed(whole.arg(at("whole")));
    assert_equal_images(&at("whole"), &at("merged"));
}

#[test]
fn bytes_count_what_is_stored_and_images_what_is_trained_on() {
    let out = undisturbed(&config(&["steps=3"]));
    let evaluations = RunFolder::evaluations(out.path()).unwrap();
    let of = |name: &str| evaluations.iter().find(|one| one.subject.name() == name).unwrap();
    assert_eq!((of("synthetic").images, of("synthetic").bytes), (80, 20 * 64));
    assert_eq!((of("random").images, of("random").bytes), (20, 20 * 64));
    assert_eq!(of("synthetic").called.len(), 80);
}

#[test]
fn what_is_exported_is_read_and_judged_as_mosaics() {
    let (config, out) = (config(&["steps=3", "evaluation.last=\"dm@3x1\""]), folder());
    let engine = begin(start(&config, out.path()));
    wait_finished(&engine);
    let exported = out.path().join("set");
    engine.send(Command::Export(exported.clone()));
    let judged = wait(&engine, |event| match event {
        Event::Evaluated(evaluation) if evaluation.subject.name() == "exported" => Some(evaluation.clone()),
        _ => None,
    });
    assert_eq!((judged.images, judged.bytes), (80, 20 * 64));
    let card: serde_json::Value = serde_json::from_slice(&fs::read(exported.join("card.json")).unwrap()).unwrap();
    assert_eq!(card["packing"], 2);
}

#[test]
fn parts_are_told_apart_by_networks_in_the_order_of_the_gallery() {
    let (data, method) = method(&config(&["steps=3"]));
    let set = &method.state().images;
    let (whole, apart) = (Images::of(set), set.expanded());
    assert_eq!(whole.labels(), apart.labels());
    assert_eq!((apart.per_class, apart.packing, whole.stored()), (8, 1, 20));
    let mut image = vec![0.0; data.shape().len()];
    for index in [0, 7, 41] {
        whole.fetch(index, &mut image);
        assert_eq!(image, apart.values[index * 64..(index + 1) * 64]);
    }
}

#[test]
fn what_cannot_be_is_refused_with_what_to_do() {
    let place = folder();
    let out = place.path().join("no");
    for (setting, words) in [
        ("images.packing=5", "4 parts at most"),
        ("queue.start=9", "more than queue.most"),
        ("queue.momentum=1.5", "queue.momentum is below 1"),
        ("network={kind=\"identity\"}", "choose another network"),
    ] {
        let all: Vec<&str> = TINY_QUEUE.iter().copied().chain([setting]).collect();
        refuse(&mut distill("idm-digits", &all, &out), 2, &[words]);
    }
    let more = "images.per_class=40";
    refuse(
        &mut distill("idm-digits", &["images.packing=2", more], &out),
        3,
        &["160 asked for", "images.start=\"noise\""],
    );
}
