//! The mixer: a strip for each term of the loss and one for the learning rate. What is moved here is heard at the next step.

use egui::{
    Align, Color32, DragValue, Frame, Id, Key, Layout, Margin, Modifiers, Rect, RichText, Role, ScrollArea, Sense,
    Stroke, Ui, WidgetInfo, pos2, vec2,
};

use crate::{
    app::{
        action::Action,
        state::{Phase, Progress, RunState, Strip, in_words, short},
        theme,
        view::Scene,
        widgets::fader::Fader,
    },
    report::{Control, ControlKind, LEARNING_RATE},
    words,
};

/// What a strip needs to know beside itself.
struct Meters {
    index: usize,
    /// Number of strips.
    count: usize,
    silent: bool,
    solo: bool,
    loss: Option<f64>,
    pull: Option<f64>,
    color: Color32,
}

/// Draws the panel.
pub(crate) fn show(ui: &mut Ui, scene: &mut Scene<'_>) {
    let mixer = &scene.run.mixer;
    if mixer.strips.is_empty() {
        super::empty(ui, "No run yet", "Every term of the loss gets a strip here");
        return;
    }
    let live = scene.run.can_change();
    let shares = scene.run.history.loss_shares();
    let pulls = scene.run.pictures.pulls.as_ref().map(|(_, pulls)| pulls.as_slice()).unwrap_or_default();
    ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
        super::caption(ui, hint(scene.run));
        ui.add_enabled_ui(live, |ui| {
            for (index, one) in mixer.strips.iter().enumerate() {
                let is_rate = one.control.id == LEARNING_RATE;
                let meters = Meters {
                    index,
                    count: mixer.strips.len(),
                    silent: mixer.is_silent(index),
                    solo: mixer.solo == Some(index),
                    loss: shares.get(index).copied(),
                    pull: pulls.get(index).copied(),
                    color: if is_rate { theme::of(ui).accent } else { theme::of(ui).term(index) },
                };
                let training = scene.run.pretraining.as_ref().filter(|_| one.control.needs_pool);
                let response = strip(ui, scene.actions, one, &meters, training);
                let term = scene.run.history.terms.iter().position(|term| term.id == one.control.id);
                if response.contains_pointer() {
                    scene.view.hovering.term = term;
                }
                if term.is_some() && scene.view.hover.term == term {
                    let stroke = Stroke::new(1.0, theme::fade(meters.color, 0.6));
                    ui.painter().rect_stroke(response.rect, 5.0, stroke, egui::StrokeKind::Inside);
                }
            }
        });
        legend(ui);
    });
}

/// What moving something would do now, or what to do so that it does something.
fn hint(run: &RunState) -> &'static str {
    match &run.phase {
        Phase::Preparing(_) => "A run is being made ready. Its weights can be moved once it stands ready",
        _ if run.can_change() => "Live: each change takes effect at the next step and is recorded",
        _ if run.is_complete() => {
            "All steps are done, so a change would be felt by none. Start a new run with more steps to go on steering"
        }
        Phase::Finished { .. } => "The run is stopped. Resume it to move its weights",
        _ => "Weights can be moved while a run stands ready",
    }
}

fn strip(
    ui: &mut Ui,
    actions: &mut Vec<Action>,
    strip: &Strip,
    meters: &Meters,
    training: Option<&Progress>,
) -> egui::Response {
    let theme = theme::of(ui);
    let Strip { control, .. } = strip;
    let frame = Frame::new().fill(theme.raised).corner_radius(5).inner_margin(Margin::symmetric(9, 7));
    let shown = frame.show(ui, |ui| {
        ui.spacing_mut().item_spacing = vec2(6.0, 3.0);
        let numbers = |ui: &mut Ui, actions: &mut Vec<Action>| {
            let name = if strip.is_loss() { format!("{} weight", in_words(&control.id)) } else { spoken(strip) };
            if let Some(value) = typed(ui, &format!("{name} as a number"), strip.fader) {
                actions.push(set(control, strip.fader, value));
            }
            if strip.is_loss() {
                buttons(ui, actions, strip, meters);
            }
        };
        let narrow = ui.available_width() < 200.0;
        ui.horizontal(|ui| {
            pending_dot(ui, strip, meters.color);
            let name = RichText::new(in_words(&control.id)).color(if meters.silent { theme.dim } else { theme.text });
            ui.add(egui::Label::new(name).truncate()).on_hover_text(&control.meaning);
            if !narrow {
                ui.with_layout(Layout::right_to_left(Align::Center), |ui| numbers(ui, actions));
            }
        });
        if narrow {
            ui.with_layout(Layout::left_to_right(Align::Min), |ui| numbers(ui, actions));
        } else {
            let meaning = RichText::new(&control.meaning).small().color(theme.dim);
            ui.add(egui::Label::new(meaning).wrap());
        }
        ui.add_space(2.0);
        let response = fader(ui, actions, strip, meters, fader_id(meters.index));
        keys(ui, actions, &response, strip, meters);
        response.on_hover_text(fader_hint(strip));
        for (at, other) in strip.others.iter().enumerate() {
            knob(ui, actions, other, meters, at);
        }
        note(ui, strip, training);
        // A term that nobody uses takes less room, and what is no part of the loss has no share in it.
        if strip.is_loss() && (strip.fader > 0.0 || control.default > 0.0) {
            ui.horizontal(|ui| {
                let width = 0.5 * (ui.available_width() - 8.0);
                let names = if narrow { ["loss", "pull"] } else { ["of the loss", "of the pull"] };
                meter(ui, width, names[0], &control.id, meters.loss, meters.color);
                meter(ui, width, names[1], &control.id, meters.pull, theme.second);
            });
        }
    });
    shown.response
}

/// What a screen reader says of a control.
fn spoken(strip: &Strip) -> String {
    let words = in_words(&strip.control.id);
    match strip.control.belongs_to() {
        _ if strip.is_loss() => format!("Weight of {words}"),
        Some(_) => words,
        None => words[..1].to_uppercase() + &words[1..],
    }
}

/// A fader and what comes of moving it.
fn fader(ui: &mut Ui, actions: &mut Vec<Action>, strip: &Strip, meters: &Meters, id: Id) -> egui::Response {
    let Strip { control, fader, .. } = strip;
    let fader = Fader {
        name: &spoken(strip),
        value: *fader,
        default: control.default,
        paper: control.paper.first().map(|mark| mark.value),
        most: control.kind.most(),
        silent: meters.silent,
        color: if control.belongs_to().is_some() { theme::of(ui).dim } else { meters.color },
    };
    let (response, moved) = fader.show(ui, id);
    actions.extend(moved.map(|value| set(control, strip.fader, value)));
    response
}

/// The wish to set a control that stands at `now`. Where whole numbers are meant, a nudge that is smaller than one is one.
fn set(control: &Control, now: f64, value: f64) -> Action {
    let value = match control.kind {
        ControlKind::Value { whole: true, least, .. } if value.round() == now => {
            (value + (value - now).signum()).round().max(least)
        }
        ControlKind::Value { whole: true, least, .. } => value.round().max(least),
        _ => value,
    };
    Action::Set { control: control.id.clone(), value }
}

/// The fader of what belongs to a strip.
fn knob(ui: &mut Ui, actions: &mut Vec<Action>, other: &Strip, meters: &Meters, at: usize) {
    let control = &other.control;
    ui.horizontal(|ui| {
        pending_dot(ui, other, theme::of(ui).dim);
        ui.label(control.name().replace('_', " ")).on_hover_text(&control.meaning);
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            if let Some(value) = typed(ui, &format!("{} as a number", spoken(other)), other.fader) {
                actions.push(set(control, other.fader, value));
            }
        });
    });
    let response = fader(ui, actions, other, meters, Id::unique(("parameter", meters.index, at)));
    super::space_runs(ui, &response, actions);
    response.on_hover_text(format!("{}\n{}", control.meaning, fader_hint(other)));
}

/// What keeps a term from counting.
fn note(ui: &mut Ui, strip: &Strip, training: Option<&Progress>) {
    if let Some(why) = &strip.control.no_effect {
        super::caption(ui, why.as_str());
    } else if let Some(Progress { what, done, secs_left }) = training.filter(|_| strip.is_pending() || strip.sent > 0.0)
    {
        let left =
            if secs_left.is_finite() { format!(", {} left", words::duration(*secs_left)) } else { String::new() };
        super::caption(ui, format!("Joins when its networks are trained: {what}, {:.0} %{left}", 100.0 * done));
    }
}

fn fader_id(row: usize) -> Id {
    Id::unique(("fader", row))
}

fn fader_hint(strip: &Strip) -> String {
    let paper = match strip.control.paper.first() {
        Some(mark) if mark.fits => format!(" · paper {} (diamond)", short(mark.value)),
        Some(mark) => format!(" · paper {} (diamond), for other data", short(mark.value)),
        None => String::new(),
    };
    let settings = strip.control.paper.iter().filter(|mark| !mark.setting.is_empty());
    let table: Vec<String> = settings.map(|mark| format!("{}: {}", mark.setting, short(mark.value))).collect();
    format!(
        "Default {} (wedge){paper}\nArrows nudge, Shift fine, 0 default, double click default\n{}",
        short(strip.control.default),
        table.join("\n")
    )
    .trim_end()
    .to_owned()
}

/// Hollow until the engine has acknowledged the value.
fn pending_dot(ui: &mut Ui, strip: &Strip, color: Color32) {
    let (rect, response) = ui.allocate_exact_size(vec2(10.0, 10.0), Sense::hover());
    let pending = strip.is_pending();
    if pending {
        ui.painter().circle_stroke(rect.center(), 4.0, Stroke::new(1.5, color));
    } else {
        ui.painter().circle_filled(rect.center(), 4.5, color);
    }
    let state = if pending { "waits for the next step" } else { "in force" };
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, format!("{} {state}", in_words(&strip.control.id))));
    response.on_hover_text(format!("{} {state}", short(strip.sent)));
}

/// A number that can be typed or dragged; the new value where it was changed.
fn typed(ui: &mut Ui, name: &str, shown: f64) -> Option<f64> {
    let mut value = shown;
    let speed = (value.abs() * 0.01).max(1e-5);
    // A number that is half typed is not meant yet.
    let drag = DragValue::new(&mut value).range(0.0..=f64::MAX).speed(speed).update_while_editing(false);
    let drag = drag.custom_formatter(|value, _| short(value));
    ui.style_mut().override_font_id = Some(theme::digits(12.0));
    let response = ui.add_sized([64.0, 22.0], drag);
    ui.style_mut().override_font_id = None;
    response.widget_info(|| WidgetInfo { label: Some(name.to_owned()), ..WidgetInfo::drag_value(true, value) });
    (response.changed() && value.is_finite() && value != shown).then_some(value)
}

fn buttons(ui: &mut Ui, actions: &mut Vec<Action>, strip: &Strip, meters: &Meters) {
    let name = in_words(&strip.control.id);
    let toggle = |ui: &mut Ui, on: bool, text: &str, name: String, hint: &str| {
        let response = ui.add(egui::Button::new(text).selected(on).min_size(vec2(24.0, 22.0)));
        response.widget_info(|| WidgetInfo::selected(Role::Button, ui.is_enabled(), on, &name));
        response.on_hover_text(hint).clicked()
    };
    if toggle(ui, meters.solo, "S", format!("Solo {name}"), "Solo: only this term counts") {
        actions.push(Action::ToggleSolo(meters.index));
    }
    if toggle(ui, strip.muted, "M", format!("Mute {name}"), "Mute: weight 0, the fader stays") {
        actions.push(Action::ToggleMute(meters.index));
    }
}

/// Keys of a strip that has the focus: up and down choose another, M mutes, S plays it alone.
fn keys(ui: &Ui, actions: &mut Vec<Action>, response: &egui::Response, strip: &Strip, meters: &Meters) {
    if !response.has_focus() {
        return;
    }
    super::space_runs(ui, response, actions);
    let pressed = |key: Key| ui.input_mut(|input| input.consume_key(Modifiers::NONE, key));
    let next = match (pressed(Key::ArrowUp), pressed(Key::ArrowDown)) {
        (true, _) => Some((meters.index + meters.count - 1) % meters.count),
        (_, true) => Some((meters.index + 1) % meters.count),
        _ => None,
    };
    if let Some(next) = next {
        ui.memory_mut(|memory| memory.request_focus(fader_id(next)));
    }
    if strip.is_loss() {
        if pressed(Key::M) {
            actions.push(Action::ToggleMute(meters.index));
        }
        if pressed(Key::S) {
            actions.push(Action::ToggleSolo(meters.index));
        }
    }
}

/// A share as a bar and a number.
fn meter(ui: &mut Ui, width: f32, what: &str, term: &str, share: Option<f64>, color: Color32) {
    let theme = theme::of(ui);
    let (rect, response) = ui.allocate_exact_size(vec2(width, 20.0), Sense::hover());
    let text = share.map_or("–".to_owned(), |share| format!("{:.0} %", 100.0 * share));
    response.widget_info(|| WidgetInfo::labeled(Role::Meter, true, format!("{term}: {text} {what}")));
    let bar = Rect::from_min_max(pos2(rect.left(), rect.bottom() - 4.0), rect.max);
    ui.painter().rect_filled(bar, 2.0, theme.line);
    if let Some(share) = share {
        let full = Rect::from_min_size(bar.min, vec2(bar.width() * share.clamp(0.0, 1.0) as f32, bar.height()));
        ui.painter().rect_filled(full, 2.0, color);
    }
    let small = egui::FontId::proportional(theme::SMALL);
    ui.painter().text(rect.left_top(), egui::Align2::LEFT_TOP, what, small, theme.dim);
    ui.painter().text(rect.right_top(), egui::Align2::RIGHT_TOP, text, theme::digits(11.0), theme.text);
    response.on_hover_text(match what.ends_with("loss") {
        true => "Weight times value of this term, over the sum of all",
        false => "Norm of the weighted gradient of this term on the pixels, over the sum of those norms",
    });
}

fn legend(ui: &mut Ui) {
    super::caption(ui, "Hollow dot: not in force yet · wedge: default · diamond: paper");
}
