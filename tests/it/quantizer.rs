//! Quantizers: exact distances, masses that travel, and the promises of every run: equal to the bit after a lost checkpoint, in a replay
//! with live changes, on any number of threads, and in parts.

use std::{fs, sync::Arc};

use crate::support::{
    assert_equal_images, assert_equal_runs,
    driving::{begin, folder, start, undisturbed, wait, wait_finished, wait_step},
    lines,
    program::{self, distill, refuse, spiritsafe, succeed},
    settings,
};
use spiritsafe::{
    config::RunConfig,
    data::{DataSpec, Dataset},
    engine::{Asked, Command, Event, Start, Trial},
    evaluate::{Examples, Images, Recipe, Training},
    latent::{Latent, LatentTraining},
    math::{shared_out, transport},
    methods::{Method as _, Quantizer, QuantizerSpec, Setup},
    nn::Device,
    report::{Distances, GalleryView, LEARNING_RATE, PageWanted, Wants, page::Body},
    store::sets,
};

/// A space that is trained in a second.
const SMALL: [&str; 5] = [
    "latent.batches=40",
    "latent.prior_batches=40",
    "latent.width=4",
    "latent.prior_width=16",
    "evaluation.last=\"whole@1\"",
];

fn config(preset: &str, more: &[&str]) -> RunConfig {
    RunConfig::preset(preset, &settings(&SMALL, more)).unwrap()
}

fn loaded(config: &RunConfig) -> Arc<Dataset> {
    Arc::new(config.data.load(config.seed).unwrap().with_holdout(config.holdout, config.seed))
}

fn latent(config: &RunConfig, data: &Arc<Dataset>) -> Arc<Latent> {
    let mut training = LatentTraining::new(&config.latent, data, &Device::CPU, config.seed).unwrap();
    while training.advance().unwrap() {}
    let parameters = training.parameters().unwrap();
    Arc::new(Latent::new(&config.latent, data, parameters, &Device::CPU).unwrap())
}

/// A method that stands ready.
fn method(config: &RunConfig) -> Quantizer {
    let data = loaded(config);
    let images = config.start_images(&data).unwrap();
    let spec: QuantizerSpec = config.sections["quantizer"].clone().try_into().unwrap();
    let learning_rate = config.optimizer.learning_rate;
    let setup = Setup { data: data.clone(), device: Device::CPU, seed: config.seed, images, learning_rate };
    let mut method = Quantizer::new(spec, setup).unwrap();
    if method.lacks_latent() {
        method.set_latent(latent(config, &data)).unwrap();
    }
    method
}

#[test]
fn free_masses_are_never_farther_than_equal_ones_on_any_class() {
    for (settings, points) in [(&["quantizer.space=\"pixels\"", "quantizer.time=0"][..], 7), (&[], 10)] {
        let mut run = config("ddoq-digits", settings);
        run.images.per_class = points;
        let mut method = method(&run);
        for step in 1..=30 {
            let report = method.step(&|| false).unwrap();
            assert_eq!((report.step, report.cells.len()), (step, 10));
            for one in &report.cells {
                assert!(one.free <= one.uniform.unwrap() + 1e-9, "step {step}: {one:?}");
                assert!((1.0..=points as f64 + 1e-6).contains(&one.effective), "step {step}: {one:?}");
            }
        }
        let falls = {
            let before = method.distances();
            (0..60).for_each(|_| drop(method.step(&|| false).unwrap()));
            let after = method.distances();
            after.iter().map(|one| one.free).sum::<f64>() <= before.iter().map(|one| one.free).sum::<f64>() * 1.01
        };
        assert!(falls, "competition brings points nearer");
    }
}

/// Any masses cost at least what the masses of the cells do.
#[test]
fn no_masses_are_better_than_those_of_the_cells() {
    let noise = |at: usize| ((at * 7919 + 13) % 9973) as f64 / 9973.0;
    for seed in 0..20 {
        let points = 2 + seed % 6;
        let costs: Vec<f64> = (0..60 * points).map(|at| noise(at * 3 + seed * 1000)).collect();
        let nearest: f64 =
            costs.chunks_exact(points).map(|row| row.iter().copied().fold(f64::INFINITY, f64::min)).sum();
        let cells = costs.chunks_exact(points).fold(vec![0; points], |mut cells, row| {
            cells[(0..points).min_by(|&a, &b| row[a].total_cmp(&row[b])).unwrap()] += 1;
            cells
        });
        assert!((transport(&costs, &cells) - nearest).abs() < 1e-9);
        let masses: Vec<f64> = (0..points).map(|at| 0.05 + noise(at + seed * 77)).collect();
        assert!(transport(&costs, &shared_out(&masses, 60)) >= nearest - 1e-9, "seed {seed}");
    }
}

#[test]
fn faders_do_what_they_say() {
    let mut method = method(&config("ddoq-digits", &["quantizer.time=0"]));
    method.step(&|| false).unwrap();
    let decoded = method.state().images.clone();
    assert!(decoded.factors().unwrap().iter().any(|factor| (factor - 1.0).abs() > 0.1));
    // At the right end of "medoid" every image is a real one; half way it is half of each.
    for name in ["distortion", "masses"] {
        method.set(name, 0.0).unwrap();
    }
    method.set("medoid", 1.0).unwrap();
    let report = method.step(&|| false).unwrap();
    assert_eq!(report.gradient_norm, 0.0, "points stand still");
    let real = method.state().images.clone();
    assert!(real.masses.is_none() && real.factors().is_none(), "all images count alike");
    let data = loaded(&config("ddoq-digits", &[]));
    for (class, image) in real.labels().iter().zip(real.values.chunks_exact(64)) {
        let known = data.usable(*class).iter().any(|&index| data.gather(data.train(), &[index]) == image);
        assert!(known, "an image of class {class} is no training image");
    }
    method.set("medoid", 0.5).unwrap();
    method.step(&|| false).unwrap();
    let half = &method.state().images;
    for ((half, decoded), real) in half.values.iter().zip(&decoded.values).zip(&real.values) {
        assert!((half - 0.5 * (decoded + real)).abs() < 1e-5);
    }
    // Points come and go from the next step on, and every list of images follows.
    method.set("distortion.points", 13.0).unwrap();
    assert_eq!(method.state().images.per_class, 10);
    let report = method.step(&|| false).unwrap();
    assert_eq!((method.state().images.per_class, report.cells.len()), (13, 10));
    assert_eq!(method.state().images.values.len(), 13 * 10 * 64);
    method.set("distortion.points", 3.0).unwrap();
    method.step(&|| false).unwrap();
    assert_eq!(method.state().images.per_class, 3);
    // The prior moves what it is asked to move.
    method.set("medoid", 0.0).unwrap();
    method.set("prior", 0.5).unwrap();
    let report = method.step(&|| false).unwrap();
    assert!(report.terms.iter().any(|term| term.term == "prior" && term.raw > 0.0));
    for (term, value) in [("prior", 1.5), ("medoid", 1.01), ("masses", -1.0)] {
        assert!(method.set(term, value).is_err(), "{term} {value}");
    }
    assert!(method.set("distortion.points", 0.0).is_err());
    assert!(method.set("distortion.points", 1e6).is_err());
}

#[test]
fn every_space_gives_images() {
    for (space, dimensions) in [("pixels", 64), ("components", 20)] {
        let settings = [
            format!("quantizer.space=\"{space}\""),
            "quantizer.components=20".to_owned(),
            "quantizer.time=0".to_owned(),
        ];
        let settings: Vec<&str> = settings.iter().map(String::as_str).collect();
        let mut method = method(&config("ddoq-digits", &settings));
        method.step(&|| false).unwrap();
        let (_, book, _) = method.class(0).unwrap();
        assert_eq!(book.dimensions, dimensions);
        assert!(method.state().images.values.iter().all(|value| value.is_finite()));
        assert!(method.set("prior", 0.1).is_err(), "{space} has no prior");
    }
}

#[test]
fn wrong_settings_are_refused_with_what_to_do() {
    let cases: [(&[&str], &str); 7] = [
        (&["quantizer.time=1.2"], "quantizer.time is from 0 to 1"),
        (&["quantizer.medoid=-1"], "quantizer.medoid is from 0 to 1"),
        (&["quantizer.tempering=-1"], "quantizer.tempering must be 0 or more"),
        (&["quantizer.space=\"pixels\"", "quantizer.time=0.2"], "needs a prior"),
        (&["images.per_class=500"], "Ask for fewer with --ipc"),
        (&["terms.mean.weight=1"], "[quantizer] has no [terms]"),
        (&["latent.dimensions=0"], "latent.dimensions must be at least 2"),
    ];
    for (settings, text) in cases {
        let run = config("ddoq-digits", settings);
        let error = run.check(&loaded(&run)).unwrap_err().to_string();
        assert!(error.contains(text), "{settings:?}: {error}");
    }
    let plane = RunConfig { data: "plane:blobs".parse::<DataSpec>().unwrap(), ..config("ddoq-digits", &[]) };
    assert!(plane.check(&loaded(&plane)).unwrap_err().to_string().contains("quantizer.space=\"pixels\""));
}

/// An image that counts twice moves a network as two equal images do; equal factors change nothing.
#[test]
fn factors_weigh_the_losses() {
    let data = loaded(&config("ddoq-digits", &[]));
    let images = |count: usize| -> (Vec<f32>, Vec<u32>) {
        let chosen: Vec<u32> = (0..10).flat_map(|class| data.usable(class)[..count].to_vec()).collect();
        let labels = chosen.iter().map(|&index| data.train().labels()[index as usize]).collect();
        (data.gather(data.train(), &chosen), labels)
    };
    let trained = |values: Vec<f32>, labels: Vec<u32>, factors: Option<Vec<f32>>| {
        let network = config("ddoq-digits", &[]).network;
        let examples: Arc<dyn Examples> = Arc::new(Images::new(data.shape(), values, labels).counting(factors));
        let mut training = Training::new(Recipe::pretraining(network, 3), examples, 10, &Device::CPU, 0, 0).unwrap();
        while training.advance().unwrap() {}
        let parameters = training.snapshot().variables;
        parameters
            .iter()
            .flat_map(|tensor| tensor.flatten_all().unwrap().to_vec1::<f32>().unwrap())
            .collect::<Vec<f32>>()
    };
    let far = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    let (values, labels) = images(2);
    let plain = trained(values.clone(), labels.clone(), None);
    assert!(far(&plain, &trained(values.clone(), labels.clone(), Some(vec![1.0; 20]))) < 1e-5);
    // The second image of every class counts nothing, the first twice: as if the first stood there twice.
    let twice: Vec<f32> = values.chunks_exact(128).flat_map(|pair| [&pair[..64], &pair[..64]].concat()).collect();
    let counted = trained(values, labels.clone(), Some([2.0, 0.0].repeat(10)));
    assert!(far(&counted, &trained(twice, labels, None)) < 1e-4);
    assert!(far(&counted, &plain) > 1e-3);
}

#[test]
fn masses_travel_with_every_form_of_a_set() {
    let run = config("ddoq-digits", &["quantizer.tempering=0.5"]);
    let data = loaded(&run);
    let mut method = method(&run);
    (0..5).for_each(|_| drop(method.step(&|| false).unwrap()));
    let set = method.state().images.clone();
    let factors = set.factors().unwrap();
    for class in factors.chunks_exact(10) {
        assert!((class.iter().sum::<f32>() / 10.0 - 1.0).abs() < 1e-5, "their mean is 1");
    }
    let shares = &set.masses.as_ref().unwrap().shares;
    assert!((factors[0] / factors[1] - (shares[0] / shares[1]).sqrt()).abs() < 1e-5, "the exponent is a half");
    let out = folder();
    let place = out.path().join("set");
    sets::write(&set, &data, &sets::Card::of(&set, &data), &place).unwrap();
    let names = ["synthetic.npz", "synthetic.safetensors", "data.pt", "res__digits_ConvNet_10ipc.pt", "images"];
    for name in names {
        let read = sets::read(&place.join(name), &data).unwrap();
        let found = read.factors.unwrap_or_else(|| panic!("{name} has lost its masses"));
        assert!(found.iter().zip(&factors).all(|(a, b)| (a - b).abs() < 1e-5), "{name}");
    }
    // Arrays know it themselves; a card of other images is refused.
    let alone = out.path().join("alone.npz");
    fs::copy(place.join("synthetic.npz"), &alone).unwrap();
    assert_eq!(sets::read(&alone, &data).unwrap().factors, Some(factors));
    fs::copy(place.join("images/0/000.png"), place.join("images/0/010.png")).unwrap();
    let error = sets::read(&place, &data).err().unwrap().to_string();
    assert!(error.contains("masses of other images") && error.contains("take the card away"), "{error}");
    // A card that lacks the masses of a class is refused, too, and arrays with weights of their own do not ask it.
    let path = place.join("card.json");
    let mut card: serde_json::Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    card["masses"].as_array_mut().unwrap().pop();
    fs::write(&path, card.to_string()).unwrap();
    assert!(sets::read(&place.join("data.pt"), &data).is_err());
    assert!(sets::read(&place.join("synthetic.npz"), &data).is_ok());
}

#[test]
fn live_changes_are_replayed_and_lost_checkpoints_made_up_to_the_bit() {
    let config = config("ddoq-digits", &["steps=60", "checkpoint.every=20"]);
    let (first, again) = (folder(), folder());
    let engine = begin(start(&config, first.path()));
    engine.send(Command::SetPace(Some(60.0)));
    wait_step(&engine, 5);
    let weight = |term: &str, weight| Command::Set { control: term.to_owned(), value: weight };
    engine.send(weight("masses", 0.5));
    engine.send(weight("prior", 0.6));
    wait_step(&engine, 12);
    let points = |value| Command::Set { control: "distortion.points".to_owned(), value };
    engine.send(points(14.0));
    let resized = wait(&engine, |event| match event {
        Event::Resized { per_class, bytes } => Some((*per_class, *bytes)),
        _ => None,
    });
    assert_eq!(resized, (14, 14 * 10 * (64 + 4)));
    engine.send(weight("medoid", 0.25));
    engine.send(Command::Set { control: LEARNING_RATE.to_owned(), value: 0.5 });
    wait_step(&engine, 30);
    engine.send(points(6.0));
    engine.send(Command::SetPace(None));
    wait_finished(&engine);
    drop(engine);
    let script = spiritsafe::store::RunFolder::interventions(first.path()).unwrap();
    assert_eq!(script.len(), 6);
    let engine = begin(Start { script, ..start(&config, again.path()) });
    wait_finished(&engine);
    drop(engine);
    assert_equal_runs(first.path(), again.path());
    // The last checkpoints are lost: the run goes on from an earlier one and makes the same.
    for step in [40, 60] {
        fs::remove_file(again.path().join(format!("checkpoints/step-{step:010}.safetensors"))).unwrap();
    }
    let engine = begin(Start { resume: true, ..start(&config, again.path()) });
    wait_finished(&engine);
    assert_equal_runs(first.path(), again.path());
    assert_eq!(lines(&first.path().join("scalars.jsonl")).len(), 60);
}

#[test]
fn a_class_is_the_same_in_a_part_of_the_run() {
    let whole = config("ddoq-digits", &["steps=25"]);
    let part = RunConfig { classes: vec![3, 8], ..whole.clone() };
    let [mut whole, mut part] = [whole, part].map(|run| method(&run));
    for _ in 0..25 {
        whole.step(&|| false).unwrap();
        part.step(&|| false).unwrap();
    }
    for (position, class) in [3, 8].into_iter().enumerate() {
        assert_eq!(whole.state().images.of_class(class), part.state().images.of_class(position));
    }
}

#[test]
fn another_number_of_threads_gives_the_same_bits() {
    let run = config("ddoq-digits", &["steps=15"]);
    let with = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let mut method = method(&run);
            (0..15).for_each(|_| drop(method.step(&|| false).unwrap()));
            method.state().images.clone()
        })
    };
    assert_eq!(with(1), with(2));
}

#[test]
fn the_autoencoder_beats_principal_components_of_its_size() {
    let run = config("ddoq-digits", &["latent.batches=600", "latent.width=8", "latent.dimensions=8", "steps=3"]);
    let out = undisturbed(&run);
    let engine = begin(Start { resume: true, paused: true, ..start(&run, out.path()) });
    engine.send(Command::Analyse(Asked::of("distances")));
    let measured: Distances = wait(&engine, |event| match event {
        Event::Analysed(artifact) => Some(serde_json::from_value(artifact.json.clone()).unwrap()),
        _ => None,
    });
    let [through, components] = measured.reconstruction.unwrap();
    assert!(through < components, "{through} against {components}");
    assert!(measured.slope.unwrap() < -0.2 && measured.curve.len() >= 3);
    assert_eq!((measured.classes.len(), measured.points), (10, 10));
    assert_eq!(measured.images.len(), 8, "decoded, six times, nearest real images");
    assert!(measured.images.iter().all(|one| one.pixels > 0.0 && one.features > 0.0));
    assert!(out.path().join("distances.json").is_file());
}

#[test]
fn parts_of_a_run_are_merged_and_gone_on_with() {
    let out = folder();
    let at = |name: &str| out.path().join(name);
    let all = [&SMALL[..], &["steps=12", "checkpoint.every=5"]].concat();
    succeed(&mut distill("ddoq-digits", &all, &at("whole")));
    succeed(distill("ddoq-digits", &all, &at("low")).args(["--classes", "0-3"]));
    succeed(distill("ddoq-digits", &all, &at("high")).args(["--classes", "4-9"]));
    succeed(
        spiritsafe().arg("merge").args([at("high"), at("low")]).args(["--judge", "none", "--out"]).arg(at("merged")),
    );
    assert_equal_images(&at("whole"), &at("merged"));
    for name in ["merged", "whole"] {
        succeed(spiritsafe().args(["distill", "--resume", "--steps", "20", "--out"]).arg(at(name)));
    }
    assert_equal_images(&at("whole"), &at("merged"));
    // What no other method has is refused with what to do.
    succeed(&mut program::plane(&at("plane")));
    refuse(spiritsafe().arg("analyse").arg(at("plane")).arg("distances"), 2, &["no \"distances\"", "nothing"]);
}

#[test]
fn looking_changes_nothing_and_shows_cells_masses_and_images() {
    let config = config("ddoq-digits", &["steps=40"]);
    let (seen, unseen) = (folder(), undisturbed(&config));
    let engine = begin(Start { paused: true, ..start(&config, seen.path()) });
    let wanted = |id: &str| Some(PageWanted { id: id.to_owned(), class: 4 });
    engine.send(Command::Watch(Wants { page: wanted("cells"), gallery: Some(GalleryView::Start), ..Wants::default() }));
    engine.send(Command::SetViewShare(1.0));
    engine.send(Command::Resume);
    wait_finished(&engine);
    let frame = engine.frame().expect("a picture");
    let [page] = frame.pages.as_slice() else { panic!("one page: {:?}", frame.pages) };
    assert!(page.hint.contains("16 dimensions") && page.caption.starts_with("4: 10 points"), "{}", page.caption);
    let choice = page.choice.as_ref().expect("classes");
    assert_eq!((choice.chosen, choice.options.len()), (4, 10));
    let Body::Row(row) = &page.blocks[0].body else { panic!("a row") };
    let [Body::Plane(plane), Body::Bars(bars)] = [&row[0].body, &row[1].body] else { panic!("a plane and bars") };
    let masses: f64 = bars.items.iter().filter_map(|bar| bar.value).sum();
    assert!((masses - 1.0).abs() < 1e-5 && bars.items.len() == 10, "{masses}");
    assert_eq!(plane.discs.len(), 10);
    assert!(plane.polygons.iter().any(|cell| cell.corners.len() > 2), "the plane meets cells");
    assert!(plane.points.len() > 50 && plane.points.len() == plane.segments.len());
    let ends: Vec<[f32; 2]> = plane.discs.iter().map(|disc| disc.at).collect();
    assert!(plane.segments.iter().all(|segment| ends.contains(&segment.to)), "samples go to points");
    assert!(page.tables(&|_| Vec::new()).iter().all(|table| !table.rows.is_empty()));
    engine.send(Command::Watch(Wants {
        page: wanted("images"),
        gallery: Some(GalleryView::Start),
        ..Wants::default()
    }));
    let frame = loop {
        let frame = engine.frame().expect("a picture");
        if frame.pages.first().is_some_and(|page| page.id == "images") {
            break frame;
        }
        std::thread::sleep(std::time::Duration::from_millis(5));
    };
    let Body::Images(images) = &frame.pages[0].blocks[0].body else { panic!("images") };
    assert_eq!((images.atlas.grid, images.heads.len(), images.rows.len()), ([6 + 1 + 3, 10], 6 + 2, 10));
    // The start is that of the points, as many as there are images.
    let gallery = frame.gallery.as_ref().expect("the gallery");
    assert_eq!((gallery.view, gallery.factors.len()), (GalleryView::Start, 100));
    drop(engine);
    assert_equal_runs(seen.path(), unseen.path());
}

#[test]
fn selections_are_judged_anew_when_a_live_change_makes_them_fewer() {
    let (config, out) =
        (config("ddoq-digits", &["steps=40", "quantizer.space=\"pixels\"", "quantizer.time=0"]), folder());
    let engine = begin(Start { paused: true, ..start(&config, out.path()) });
    let random_images = || {
        engine.send(Command::Step);
        wait_step(&engine, 1);
        engine.send(Command::Evaluate(Trial { protocol: "quick@1x1".to_owned(), ..Trial::default() }));
        let mut images = None;
        wait(&engine, |event| match event {
            Event::Evaluated(evaluation) if evaluation.subject.name() == "random" => {
                images = Some(evaluation.images);
                None
            }
            Event::EvaluationsDone => Some(()),
            _ => None,
        });
        images
    };
    assert_eq!((random_images(), random_images()), (Some(100), None), "once is enough");
    engine.send(Command::Set { control: "distortion.points".to_owned(), value: 4.0 });
    assert_eq!(random_images(), Some(40));
}

/// The gallery compares with the images before the first step, of which there may be more or fewer than now.
#[test]
fn a_run_with_fewer_points_than_it_began_with_is_opened_and_looked_at() {
    let (config, out) = (config("kmeans-digits", &["steps=3"]), folder());
    let engine = begin(Start { paused: true, ..start(&config, out.path()) });
    engine.send(Command::Set { control: "distortion.points".to_owned(), value: 4.0 });
    engine.send(Command::Resume);
    wait_finished(&engine);
    drop(engine);
    for view in [GalleryView::Start, GalleryView::Difference, GalleryView::Now] {
        let engine = begin(Start { resume: true, paused: true, ..start(&config, out.path()) });
        engine.send(Command::Watch(Wants { gallery: Some(view), ..Wants::default() }));
        engine.send(Command::Checkpoint);
        wait(&engine, |event| matches!(event, Event::Checkpointed { .. }).then_some(()));
        let until = std::time::Instant::now() + std::time::Duration::from_secs(20);
        let gallery = loop {
            if let Some(gallery) = engine.frame().and_then(|frame| frame.gallery.clone()) {
                break gallery;
            }
            assert!(std::time::Instant::now() < until, "no picture of {view:?}");
            std::thread::sleep(std::time::Duration::from_millis(5));
        };
        assert_eq!((gallery.view, gallery.grid), (view, [4, 10]));
    }
}

/// With more points than can be measured at every step, equal masses are left out; everything else goes on.
#[test]
fn very_many_points_do_not_stop_a_run() {
    let data = "quantizer.samples=0";
    let mut run =
        config("kmeans-digits", &["data=\"plane:blobs\"", "augmentation.families=[]", "network.kind=\"mlp\"", data]);
    let smallest = loaded(&run).smallest_class();
    run.images.per_class = smallest.min(250);
    let report = method(&run).step(&|| false).unwrap();
    assert!(report.cells.iter().all(|one| one.uniform.is_some() == (run.images.per_class <= 200)));
    assert!(report.total.is_finite());
}
