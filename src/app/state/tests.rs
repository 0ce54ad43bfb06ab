//! The fold of events, without a window.

use std::sync::Arc;

use super::*;
use crate::engine::Answer;
use crate::report::{
    AnalysisInfo, Control, ControlKind, DataInfo, Gallery, GalleryView, Intervention, StepReport, TermValue,
};

fn info() -> RunInfo {
    let data = DataInfo {
        name: "digits".to_owned(),
        origin: String::new(),
        class_names: vec!["zero".to_owned(), "one".to_owned()],
        shape: [1, 8, 8],
        train: 10,
        holdout: 2,
        test: 3,
        fingerprint: String::new(),
    };
    let term = Control::new("mean", "", ControlKind::LossWeight, 1.0, 1.0);
    RunInfo {
        name: "digits".to_owned(),
        about: String::new(),
        data,
        classes: vec![1],
        per_class: 2,
        packing: 1,
        scope: String::new(),
        seed: 0,
        steps: 100,
        step: 0,
        device: "CPU".to_owned(),
        controls: vec![term],
        out: "run".into(),
        bytes: 128,
        pages: Vec::new(),
    }
}

fn stepped(step: u64) -> Event {
    let terms = vec![TermValue {
        term: "mean".to_owned(),
        raw: 0.5,
        weight: 1.0,
        parameters: std::collections::BTreeMap::new(),
    }];
    let report = StepReport {
        step,
        total: 0.5,
        learning_rate: 1.0,
        gradient_norm: 0.0,
        network: None,
        network_accuracy: None,
        cells: Vec::new(),
        terms,
    };
    Event::Stepped { report, secs: 0.5 }
}

fn running() -> RunState {
    let mut state = RunState::default();
    state.fold(Event::Started(Box::new(info())));
    (1..=10).for_each(|step| state.fold(stepped(step)));
    state
}

#[test]
fn a_run_is_folded_step_by_step() {
    let state = running();
    assert_eq!((state.phase.clone(), state.step, state.history.len()), (Phase::Running, 10, 10));
    assert_eq!(state.class_name(0), "one");
    assert!((state.secs_left(None).unwrap() - 45.0).abs() < 1e-9);
    assert!((state.secs_left(Some(1.0)).unwrap() - 90.0).abs() < 1e-9, "a pace holds it back");
    assert!((state.secs_left(Some(10.0)).unwrap() - 45.0).abs() < 1e-9, "a pace does not make it faster");
}

#[test]
fn a_refused_request_is_told_and_leaves_the_run_as_it_was() {
    let mut state = running();
    state.mixer.strips[0].fader = 0.5;
    assert_eq!(state.mixer.unsent().len(), 1);
    let answer = Answer::Refused { message: "cannot write".to_owned(), code: 3 };
    state.fold(Event::Answered { request: 7, answer });
    assert_eq!(state.phase, Phase::Running);
    assert_eq!(state.failure.as_deref(), Some("cannot write"));
    assert_eq!((state.mixer.strips[0].fader, state.mixer.strips[0].is_pending()), (1.0, false));
}

#[test]
fn a_failed_run_is_broken_unless_the_engine_still_holds_it() {
    let mut state = running();
    state.fold(Event::Failed { message: "cannot write".to_owned(), code: 3 });
    assert_eq!(state.phase, Phase::Failed);
    state.fold(Event::Paused { step: 10, reason: Some("something failed".to_owned()) });
    assert!(matches!(state.phase, Phase::Paused { .. }));
}

#[test]
fn an_engine_that_is_gone_leaves_its_pictures() {
    let mut state = running();
    let gallery = Gallery {
        view: GalleryView::Now,
        cell: [1, 1],
        grid: [1, 1],
        packing: 1,
        rgba: Arc::from([0u8, 0, 0, 255].as_slice()),
        moved: vec![0.0],
        factors: Vec::new(),
        clipped: vec![0.0],
    };
    let frame = Arc::new(Frame { step: 10, gallery: Some(gallery), ..Frame::default() });
    assert!(state.take(frame.clone()));
    assert!(!state.take(frame), "the same frame is not new");
    state.lost();
    assert_eq!(state.phase, Phase::Failed);
    assert!(state.pictures.gallery(GalleryView::Now).is_some());
}

#[test]
fn an_acknowledged_change_leaves_a_mark() {
    let mut state = running();
    let control = "mean".to_owned();
    state.fold(Event::Applied(Intervention { step: 11, control, old: 1.0, new: 0.5 }));
    assert_eq!(state.marks.len(), 1);
    assert_eq!(state.mixer.strips[0].applied, 0.5);
}

#[test]
fn a_picture_that_overtakes_its_run_is_not_lost() {
    let mut state = running();
    let frame = Arc::new(Frame { step: 0, pulls: Some(vec![1.0]), ..Frame::default() });
    assert!(state.take(frame.clone()));
    state.fold(Event::Started(Box::new(info())));
    assert!(state.pictures.pulls.is_none());
    assert!(state.take(frame));
    assert!(state.pictures.pulls.is_some());
}

#[test]
fn a_pool_in_training_is_shown_until_it_is_there() {
    let mut state = running();
    state.fold(Event::Pretraining { what: "network 1 of 2".to_owned(), done: 0.25, secs_left: 9.0 });
    assert_eq!(state.pretraining.as_ref().map(|progress| progress.what.as_str()), Some("training network 1 of 2"));
    state.fold(Event::Pretrained { what: "2 networks: ConvNet".to_owned() });
    assert!(state.pretraining.is_none());
    assert!(
        state
            .journal
            .entries
            .iter()
            .any(|entry| entry.text.contains("Trained on the real images: 2 networks: ConvNet"))
    );
}

#[test]
fn what_was_worked_out_beside_a_run_is_a_page_until_the_next_run() {
    let mut run = RunState::default();
    run.fold(Event::Started(Box::new(info())));
    let artifact = |step: u64| {
        let page = PageInfo::new("measured", "Measured", "Distances").page(format!("of step {step}"));
        let info =
            AnalysisInfo { id: "measured", title: "", file: "", needs_probe: false, needs_other: false, at_end: false };
        Event::Analysed(Box::new(Artifact::new(&info, step, &(), page)))
    };
    run.fold(artifact(5));
    run.fold(artifact(9));
    assert_eq!(run.pages().len(), 1);
    assert_eq!(run.page("measured").map(|(step, page)| (step, page.caption.as_str())), Some((9, "of step 9")));
    run.fold(Event::Started(Box::new(info())));
    assert!(run.pages().is_empty() && run.page("measured").is_none());
}
