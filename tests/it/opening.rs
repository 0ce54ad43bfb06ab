//! Sets and comparisons that are opened beside a run: shown, judged, and never part of what the run computes.

use std::{fs, time::Duration};

use crate::support::{
    assert_equal_runs,
    driving::{digits, folder, paused, undisturbed, wait, wait_finished, wait_paused, wait_refused},
};
use spiritsafe::{
    engine::{Command, Event},
    report::{Comparison, GalleryView, Reading, Subject, ValueRange, Wants},
};

#[test]
fn an_exported_set_is_opened_shown_and_judged_and_the_run_does_not_notice() {
    let (config, out, elsewhere) = (digits(&[]), folder(), folder());
    let set = elsewhere.path().join("set");
    let engine = paused(&config, out.path());
    wait_paused(&engine);
    let wants = Wants {
        gallery: Some(GalleryView::Opened),
        page: Some(spiritsafe::report::PageWanted { id: "information".to_owned(), class: 0 }),
        ..Wants::default()
    };
    engine.send(Command::Watch(wants));
    engine.send(Command::Export(set.clone()));
    wait(&engine, |event| matches!(event, Event::EvaluationsDone).then_some(()));
    for path in [set.clone(), set.join("data.pt"), set.join("synthetic.safetensors"), set.join("images")] {
        engine.send(Command::OpenSet { path: path.clone(), reading: Reading::default() });
        let (opened, note) = wait(&engine, |event| match event {
            Event::Opened(opened) => Some((opened.path.clone(), opened.describe())),
            _ => None,
        });
        assert!(opened == path && note.contains("images of 10 classes"), "{note}");
        let judged = wait(&engine, |event| match event {
            Event::Evaluated(evaluation) if evaluation.subject == Subject::Exported => Some(evaluation.clone()),
            _ => None,
        });
        assert_eq!(judged.source, Some(path.display().to_string()));
        assert_eq!(judged.images, 10 * config.images.per_class, "{}", path.display());
    }
    // The same set with choices of somebody else.
    let reading = Reading { range: Some(ValueRange::AsIs), packing: Some(2), argmax: false };
    engine.send(Command::OpenSet { path: set.join("data.pt"), reading });
    let opened = wait(&engine, |event| match event {
        Event::Opened(opened) => Some(opened.clone()),
        _ => None,
    });
    assert_eq!((opened.reading, opened.read_as.range, opened.read_as.packing), (reading, ValueRange::AsIs, 2));
    wait(&engine, |event| {
        matches!(event, Event::Evaluated(one) if one.images == 40 * config.images.per_class).then_some(())
    });
    let frame = (0..600)
        .find_map(|_| {
            std::thread::sleep(Duration::from_millis(20));
            engine.frame().filter(|frame| frame.gallery.is_some() && !frame.pages.is_empty())
        })
        .expect("a picture of the opened set");
    let gallery = frame.gallery.as_ref().unwrap();
    assert_eq!((gallery.view, gallery.grid), (GalleryView::Opened, [config.images.per_class, 10]));
    let information = &frame.pages[0];
    let most = (config.images.per_class as f64).ln() + 1e-9;
    assert_eq!((information.id.as_str(), information.gathered.len()), ("information", 10));
    assert!(information.gathered.iter().all(|(_, value)| (0.0..=most).contains(value)));
    engine.send(Command::Resume);
    assert!(wait_finished(&engine).1);
    assert_equal_runs(out.path(), undisturbed(&config).path());
}

#[test]
fn what_cannot_be_opened_is_refused_and_the_run_goes_on() {
    let (config, out, elsewhere) = (digits(&[]), folder(), folder());
    let comparison = elsewhere.path().join("comparison.json");
    let engine = paused(&config, out.path());
    wait_paused(&engine);
    engine.send(Command::OpenSet { path: elsewhere.path().join("nothing.pt"), reading: Reading::default() });
    assert!(wait_refused(&engine).0.contains("nothing.pt"));
    fs::write(&comparison, "{").unwrap();
    engine.send(Command::OpenComparison(comparison.clone()));
    let (message, code) = wait_refused(&engine);
    assert!(message.contains("comparison.json") && message.contains("spiritsafe compare") && code == 3, "{message}");
    let made = Comparison { protocol: "dm@1x1".to_owned(), ..Comparison::default() };
    fs::write(&comparison, serde_json::to_string(&made).unwrap()).unwrap();
    engine.send(Command::OpenComparison(elsewhere.path().to_owned()));
    let read = wait(&engine, |event| match event {
        Event::Compared { comparison, .. } => Some(comparison.as_ref().clone()),
        _ => None,
    });
    assert_eq!(read, made);
    engine.send(Command::Resume);
    assert!(wait_finished(&engine).1);
}
