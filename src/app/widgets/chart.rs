//! What charts share: logarithmic axes over egui_plot, which has none, and a sentence for those who cannot see.

use std::ops::RangeInclusive;

use egui::{Id, Rect, Role, Sense, Ui, WidgetInfo};
use egui_plot::{GridInput, GridMark, Plot};

use crate::{
    app::{state::short, theme::Theme},
    words::grouped,
};

/// Gives a picture a name and a sentence that a screen reader says.
pub(crate) fn summary(ui: &Ui, rect: Rect, name: &str, text: &str) {
    let response = ui.interact(rect, Id::unique(("summary", name)), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, format!("{name}: {text}")));
}

/// Grid lines at powers of ten, and between them where there is room; values are logarithms.
pub(crate) fn log_grid(input: GridInput) -> Vec<GridMark> {
    let (low, high) = input.bounds;
    let decades = high - low;
    if !decades.is_finite() || decades > 200.0 {
        return Vec::new();
    }
    let stride = (decades / 8.0).ceil().max(1.0);
    let mut marks = Vec::new();
    let mut power = (low / stride).floor() * stride;
    while power <= high {
        marks.push(GridMark { value: power, step_size: 1.0 });
        if decades < 4.0 {
            let between = if decades < 0.7 { 11..100 } else { 2..10 };
            let unit = if decades < 0.7 { 10.0 } else { 1.0 };
            for part in between {
                marks.push(GridMark { value: power + (f64::from(part) / unit).log10(), step_size: 0.3 });
            }
        }
        power += stride;
    }
    // A line beyond the edge would still write its label there.
    marks.retain(|mark| (low..=high).contains(&mark.value));
    marks
}

/// The text at a place on a logarithmic axis; only round numbers get one.
pub(crate) fn log_label(mark: GridMark) -> String {
    let value = 10_f64.powf(mark.value);
    let lead = value / 10_f64.powf(mark.value.floor());
    let round = [1.0, 2.0, 5.0].iter().any(|digit| (lead - digit).abs() < 1e-6);
    if round || mark.step_size >= 1.0 { short(value) } else { String::new() }
}

/// False for a mark so near the edge of its axis that its label would be cut.
pub(crate) fn has_room(mark: GridMark, range: &RangeInclusive<f64>) -> bool {
    range.end() - mark.value > 0.02 * (range.end() - range.start())
}

/// A small picture to be read and not to be moved.
pub(crate) fn still(name: &'static str, theme: &Theme) -> Plot<'static> {
    Plot::new(name)
        .show_background(false)
        .grid_color(theme.line)
        .show_x(false)
        .show_y(false)
        .allow_drag(false)
        .allow_zoom(false)
        .allow_scroll(false)
        .y_axis_min_width(40.0)
}

/// The same over the steps of a run.
pub(crate) fn over_steps(name: &'static str, theme: &Theme) -> Plot<'static> {
    still(name, theme).x_axis_formatter(step_label).include_y(0.0)
}

/// The text at a place on an axis of steps.
pub(crate) fn step_label(mark: GridMark, range: &RangeInclusive<f64>) -> String {
    let shown = mark.value >= 0.0 && has_room(mark, range);
    if shown { grouped(mark.value as u64) } else { String::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn powers_of_ten_are_marked_once() {
        let marks = log_grid(GridInput { bounds: (-2.5, 1.5), base_step_size: 0.1 });
        for power in [-2.0, -1.0, 0.0, 1.0] {
            assert_eq!(marks.iter().filter(|mark| (mark.value - power).abs() < 1e-9).count(), 1, "{power}");
        }
        assert_eq!(log_label(GridMark { value: -2.0, step_size: 1.0 }), "0.01");
    }
}
