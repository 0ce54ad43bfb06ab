//! Charts under a pointer.

use std::{cell::RefCell, rc::Rc};

use egui::{Event, Key, Modifiers, PointerButton, Pos2, pos2, vec2};
use egui_kittest::Harness;

use super::*;
use crate::report::page::Scale;

/// What was shown last.
#[derive(Clone, Copy, Default)]
struct Seen {
    newest: f64,
    part: Option<(f64, f64)>,
    /// Values under two places of the screen.
    under: [f64; 2],
    /// Where a value stands upwards.
    high: f32,
}

const PLACES: [Pos2; 2] = [pos2(150.0, 100.0), pos2(250.0, 100.0)];

fn chart(scale: Scale, zooms_both: bool) -> (Harness<'static>, Rc<RefCell<Seen>>) {
    let seen = Rc::new(RefCell::new(Seen { newest: 1000.0, ..Seen::default() }));
    let shown = Rc::clone(&seen);
    let builder = Harness::builder().with_size(vec2(400.0, 300.0)).with_step_dt(1.0 / 60.0);
    let mut window = builder.build_ui(move |ui| {
        let mut seen = shown.borrow_mut();
        let (x, y) = (Axis { scale, ..Axis::steps() }, Axis::default());
        let mut chart = Chart::new(ui, "test", &x, &y, Extent::of([1.0, seen.newest]));
        if zooms_both {
            chart = chart.zooming_both();
        }
        seen.part = chart.part();
        chart.line([[1.0, 3.0], [10.0, f64::NAN], [seen.newest, 8.0]], Stroke::NONE, false);
        let area = chart.show(ui, Extent::of([3.0, 8.0]));
        seen.under = PLACES.map(|place| area.x_at(place));
        seen.high = area.place([10.0, 4.0]).unwrap().y;
    });
    window.run_steps(2);
    (window, seen)
}

fn wheel(window: &mut Harness<'_>, by: f32) {
    window.hover_at(PLACES[0]);
    let (unit, phase) = (egui::MouseWheelUnit::Point, egui::TouchPhase::Move);
    let source = egui::MouseWheelSource::Wheel;
    window.event(Event::MouseWheel { unit, delta: vec2(0.0, by), phase, source, modifiers: Modifiers::NONE });
    window.run_steps(30);
}

fn button(window: &mut Harness<'_>, pos: Pos2, pressed: bool) {
    window.event(Event::PointerButton { pos, button: PointerButton::Primary, pressed, modifiers: Modifiers::NONE });
    window.step();
}

fn drag(window: &mut Harness<'_>, from: Pos2, to: Pos2) {
    window.hover_at(from);
    button(window, from, true);
    window.hover_at(to);
    window.step();
    button(window, to, false);
    window.run_steps(30);
}

#[test]
fn the_wheel_zooms_about_the_pointer_and_a_double_click_shows_all_again() {
    for scale in [Scale::Linear, Scale::Log] {
        let (mut window, seen) = chart(scale, false);
        let before = *seen.borrow();
        assert_eq!(before.part, None);
        wheel(&mut window, 100.0);
        let zoomed = *seen.borrow();
        assert!((zoomed.under[0] / before.under[0] - 1.0).abs() < 1e-3, "{scale:?}: what was under the pointer stays");
        assert!(zoomed.under[1] < before.under[1], "{scale:?}");
        assert_eq!(zoomed.high, before.high, "the upright axis goes on showing everything");
        assert!(zoomed.part.is_some());
        for pressed in [true, false, true, false] {
            button(&mut window, PLACES[0], pressed);
        }
        window.run_steps(2);
        let all = *seen.borrow();
        assert_eq!((all.part, all.under), (None, before.under), "{scale:?}");
    }
}

#[test]
fn a_drag_moves_the_axes_and_home_shows_all_again() {
    for zooms_both in [false, true] {
        let (mut window, seen) = chart(Scale::Linear, zooms_both);
        let before = *seen.borrow();
        drag(&mut window, PLACES[0], PLACES[1] + vec2(0.0, 20.0));
        let moved = *seen.borrow();
        assert!((moved.under[1] - before.under[0]).abs() < 1.0, "the value goes with the pointer");
        assert_eq!(moved.high != before.high, zooms_both);
        for pressed in [true, false] {
            button(&mut window, PLACES[0], pressed);
        }
        window.key_press(Key::Home);
        window.run_steps(3);
        assert_eq!(seen.borrow().part, None);
    }
}

#[test]
fn a_view_of_the_newest_value_goes_on_with_it() {
    let (mut window, seen) = chart(Scale::Linear, false);
    wheel(&mut window, 30.0);
    drag(&mut window, PLACES[1], PLACES[0]);
    let (low, high) = seen.borrow().part.unwrap();
    seen.borrow_mut().newest = 3000.0;
    window.run_steps(2);
    let part = seen.borrow().part.unwrap();
    assert!((part.1 - 3000.0).abs() < 1e-6 && (part.1 - part.0 - high + low).abs() < 1e-6, "{part:?}");
    drag(&mut window, PLACES[0], PLACES[1]);
    drag(&mut window, PLACES[0], PLACES[1]);
    drag(&mut window, PLACES[0], PLACES[1]);
    let part = seen.borrow().part;
    seen.borrow_mut().newest = 4000.0;
    window.run_steps(2);
    assert_eq!(seen.borrow().part, part, "a view of the past stays there");
}

#[test]
fn no_zoom_goes_where_numbers_end() {
    for (scale, by) in [(Scale::Linear, 4000.0), (Scale::Log, -4000.0), (Scale::Linear, -4000.0)] {
        let (mut window, seen) = chart(scale, true);
        for _ in 0..30 {
            wheel(&mut window, by);
            assert!(seen.borrow().under.iter().all(|value| value.is_finite()), "{scale:?} {by}");
        }
    }
}
