//! A fader with a logarithmic scale and a true zero at its left end, or an even scale where values end somewhere.

use egui::{
    EventFilter, Id, Key, Modifiers, Rect, Response, Sense, Shape, Stroke, Ui, WidgetInfo,
    accesskit::{Action as Access, ActionData},
    pos2, vec2,
};

use crate::app::theme;

/// Share of the way that belongs to zero.
const ZERO: f32 = 0.06;
/// What an arrow key changes; with Shift the smaller one.
const NUDGES: [f64; 2] = [1.05, 1.01];

/// The scale of a fader: from zero over `low` to `high`; evenly divided where `low` is zero.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Scale {
    low: f64,
    high: f64,
}

/// Parts of an even scale by which arrow keys move; with Shift the smaller ones.
const PARTS: [f64; 2] = [40.0, 200.0];

impl Scale {
    /// Whole decades: three below and two above what matters.
    pub(crate) fn around(values: impl IntoIterator<Item = f64>) -> Self {
        let logs: Vec<f64> =
            values.into_iter().filter(|value| *value > 0.0 && value.is_finite()).map(f64::log10).collect();
        let low = logs.iter().copied().fold(f64::INFINITY, f64::min);
        let high = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        if logs.is_empty() {
            return Self { low: 1e-3, high: 1e2 };
        }
        Self { low: 10_f64.powf(low.floor() - 3.0), high: 10_f64.powf(high.ceil() + 2.0) }
    }

    /// From zero to the most that means something.
    pub(crate) fn even(most: f64) -> Self {
        Self { low: 0.0, high: most }
    }

    /// Where a value stands, from 0 to 1.
    pub(crate) fn position(&self, value: f64) -> f32 {
        if self.low == 0.0 {
            return (value / self.high).clamp(0.0, 1.0) as f32;
        }
        if value <= 0.0 {
            return 0.0;
        }
        let share = ((value / self.low).ln() / (self.high / self.low).ln()) as f32;
        ZERO + (1.0 - ZERO) * share.clamp(0.0, 1.0)
    }

    /// The value at a place, in three digits so that it can be read and typed again.
    pub(crate) fn value(&self, position: f32) -> f64 {
        if self.low == 0.0 {
            return (f64::from(position.clamp(0.0, 1.0)) * 100.0).round() / 100.0 * self.high;
        }
        if position < 0.5 * ZERO {
            return 0.0;
        }
        let share = f64::from(((position - ZERO) / (1.0 - ZERO)).clamp(0.0, 1.0));
        rounded(self.low * (self.high / self.low).powf(share))
    }

    /// One key press up or down.
    pub(crate) fn nudged(&self, value: f64, up: bool, fine: bool) -> f64 {
        if self.low == 0.0 {
            let part = self.high / PARTS[usize::from(fine)];
            return (value + if up { part } else { -part }).clamp(0.0, self.high);
        }
        let factor = NUDGES[usize::from(fine)];
        match (up, value) {
            (true, value) if value < self.low => self.low,
            (true, value) => value * factor,
            (false, value) if value / factor < self.low => 0.0,
            (false, value) => value / factor,
        }
    }

    /// The powers of ten on the scale, or its quarters.
    fn ticks(&self) -> Vec<f64> {
        if self.low == 0.0 {
            return (1..=4).map(|quarter| self.high * f64::from(quarter) / 4.0).collect();
        }
        let (low, high) = (self.low.log10().round() as i32, self.high.log10().round() as i32);
        (low..=high).map(|power| 10_f64.powi(power)).collect()
    }
}

fn rounded(value: f64) -> f64 {
    let unit = 10_f64.powf(value.log10().floor() - 2.0);
    let text = format!("{:.2e}", (value / unit).round() * unit);
    text.parse().unwrap_or(value)
}

/// What a fader shows.
pub(crate) struct Fader<'a> {
    /// What a screen reader says.
    pub(crate) name: &'a str,
    /// Where it stands.
    pub(crate) value: f64,
    /// The value of the preset.
    pub(crate) default: f64,
    /// The value of the paper.
    pub(crate) paper: Option<f64>,
    /// The largest value that means something: the scale is even then.
    pub(crate) most: Option<f64>,
    /// Drawn without its colour: the strip is silent.
    pub(crate) silent: bool,
    /// Its colour.
    pub(crate) color: egui::Color32,
}

impl Fader<'_> {
    /// Draws it; returns the response and a new value, where somebody moved it.
    pub(crate) fn show(&self, ui: &mut Ui, id: Id) -> (Response, Option<f64>) {
        let scale = match self.most {
            Some(most) => Scale::even(most),
            None => Scale::around([self.default].into_iter().chain(self.paper)),
        };
        let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), 30.0), Sense::hover());
        let response = ui.interact(rect, id, Sense::click_and_drag());
        let rail = Rect::from_min_max(pos2(rect.left() + 9.0, rect.top()), pos2(rect.right() - 9.0, rect.bottom()));
        let mut moved = self.dragged(&response, rail, scale);
        moved = moved.or_else(|| self.pressed(ui, id, &response, scale));
        response.widget_info(|| WidgetInfo::slider(ui.is_enabled(), self.value, self.name));
        ui.ctx().accesskit_node_builder(id, |node| {
            node.set_min_numeric_value(0.0);
            node.set_max_numeric_value(scale.high);
            [Access::SetValue, Access::Increment, Access::Decrement].into_iter().for_each(|act| node.add_action(act));
        });
        if ui.is_rect_visible(rect) {
            self.paint(ui, rail, &response, scale, moved.unwrap_or(self.value));
        }
        (response, moved.filter(|value| *value != self.value))
    }

    fn dragged(&self, response: &Response, rail: Rect, scale: Scale) -> Option<f64> {
        if response.double_clicked() {
            return Some(self.default);
        }
        let pointer = response.interact_pointer_pos().filter(|_| response.dragged() || response.clicked())?;
        response.request_focus();
        Some(scale.value((pointer.x - rail.left()) / rail.width()))
    }

    /// Arrow keys nudge, 0 goes back to the default; screen readers may set a value.
    fn pressed(&self, ui: &Ui, id: Id, response: &Response, scale: Scale) -> Option<f64> {
        let mut value = self.value;
        if response.has_focus() {
            let keep = EventFilter { horizontal_arrows: true, vertical_arrows: true, ..EventFilter::default() };
            ui.memory_mut(|memory| memory.set_focus_lock_filter(id, keep));
            ui.input_mut(|input| {
                for (key, up) in [(Key::ArrowRight, true), (Key::ArrowLeft, false)] {
                    for (modifiers, fine) in [(Modifiers::SHIFT, true), (Modifiers::NONE, false)] {
                        for _ in 0..input.count_and_consume_key(modifiers, key) {
                            value = scale.nudged(value, up, fine);
                        }
                    }
                }
                if input.consume_key(Modifiers::NONE, Key::Num0) {
                    value = self.default;
                }
            });
        }
        ui.input(|input| {
            for (action, up) in [(Access::Increment, true), (Access::Decrement, false)] {
                for _ in 0..input.num_accesskit_action_requests(id, action) {
                    value = scale.nudged(value, up, false);
                }
            }
            for request in input.accesskit_action_requests(id, Access::SetValue) {
                if let Some(ActionData::NumericValue(wanted)) = request.data {
                    value = wanted.max(0.0);
                }
            }
        });
        (value != self.value).then_some(value)
    }

    fn paint(&self, ui: &Ui, rail: Rect, response: &Response, scale: Scale, value: f64) {
        let theme = theme::of(ui);
        let painter = ui.painter();
        let x = |value: f64| rail.left() + rail.width() * scale.position(value);
        let y = rail.center().y - 3.0;
        let color = if self.silent || !ui.is_enabled() { theme.faint } else { self.color };
        let groove = Rect::from_min_max(pos2(rail.left(), y - 2.0), pos2(rail.right(), y + 2.0));
        painter.rect_filled(groove, 2.0, theme.line);
        for tick in scale.ticks() {
            painter.vline(x(tick), y + 5.0..=y + 8.0, Stroke::new(1.0, theme.faint));
        }
        // Zero is a place of its own: a small well at the left end.
        painter.circle(pos2(rail.left(), y), 3.5, theme.panel, Stroke::new(1.0, theme.faint));
        let handle = pos2(x(value), y);
        painter.rect_filled(
            Rect::from_min_max(groove.min, pos2(handle.x, groove.max.y)),
            2.0,
            theme::fade(color, 0.75),
        );
        // A filled wedge below the rail is the default, an open diamond the paper's value.
        let mark = pos2(x(self.default), y + 6.0);
        let wedge = vec![mark, mark + vec2(4.0, 7.0), mark + vec2(-4.0, 7.0)];
        painter.add(Shape::convex_polygon(wedge, theme.dim, Stroke::NONE));
        if let Some(paper) = self.paper {
            let centre = pos2(x(paper), y + 11.0);
            let corners = [vec2(0.0, -4.5), vec2(4.5, 0.0), vec2(0.0, 4.5), vec2(-4.5, 0.0)];
            let points = corners.iter().map(|corner| centre + *corner).collect();
            painter.add(Shape::closed_line(points, Stroke::new(1.2, theme.accent)));
        }
        let knob = Rect::from_center_size(handle, vec2(11.0, 20.0));
        let held = response.hovered() || response.dragged();
        painter.rect(
            knob,
            3.0,
            if held { theme.text } else { color },
            Stroke::new(1.5, theme.panel),
            egui::StrokeKind::Outside,
        );
        painter.vline(handle.x, y - 6.0..=y + 6.0, Stroke::new(1.5, theme.panel));
        if response.has_focus() {
            painter.rect_stroke(knob.expand(2.5), 4.0, Stroke::new(1.5, theme.text), egui::StrokeKind::Outside);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zero_is_a_place_of_its_own() {
        let scale = Scale::around([1.0]);
        assert_eq!(scale.value(0.0), 0.0);
        assert_eq!(scale.position(0.0), 0.0);
        assert!(scale.position(1e-9) >= ZERO, "a tiny weight is not shown as none");
    }

    #[test]
    fn places_and_values_agree() {
        let scale = Scale::around([0.01, 1.0]);
        for value in [1e-5, 0.01, 0.5, 1.0, 37.0, 100.0] {
            let back = scale.value(scale.position(value));
            assert!((back / value - 1.0).abs() < 0.01, "{value} became {back}");
        }
    }

    #[test]
    fn an_even_scale_ends_where_values_do() {
        let scale = Scale::even(2.0);
        assert_eq!((scale.value(0.0), scale.value(0.5), scale.value(1.0)), (0.0, 1.0, 2.0));
        assert_eq!((scale.position(1.0), scale.position(9.0)), (0.5, 1.0));
        assert_eq!((scale.nudged(2.0, true, false), scale.nudged(0.01, false, false)), (2.0, 0.0));
        assert!((scale.nudged(1.0, true, false) - 1.05).abs() < 1e-12);
    }

    #[test]
    fn keys_leave_zero_and_reach_it() {
        let scale = Scale::around([1.0]);
        assert!(scale.nudged(0.0, true, false) > 0.0);
        assert_eq!(scale.nudged(1e-3, false, false), 0.0);
        assert!((scale.nudged(1.0, true, true) - 1.01).abs() < 1e-12);
    }
}
