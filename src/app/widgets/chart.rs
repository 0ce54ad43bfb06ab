//! What charts share: logarithmic axes over egui_plot, which has none, and a sentence for those who cannot see.

use egui::{Id, Rect, Role, Sense, Ui, WidgetInfo};
use egui_plot::{GridInput, GridMark};

use crate::app::state::short;

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

/// Bytes in words.
pub(crate) fn bytes(count: f64) -> String {
    let units = ["B", "kB", "MB", "GB", "TB"];
    let mut value = count;
    let mut unit = 0;
    while value >= 1000.0 && unit + 1 < units.len() {
        value /= 1000.0;
        unit += 1;
    }
    if unit == 0 || value >= 100.0 {
        format!("{value:.0} {}", units[unit])
    } else {
        format!("{value:.1} {}", units[unit])
    }
}

/// A span of time in words.
pub(crate) fn duration(secs: f64) -> String {
    let whole = secs.round().max(0.0) as u64;
    match whole {
        0..60 => format!("{whole} s"),
        60..3600 => format!("{} min {:02} s", whole / 60, whole % 60),
        _ => format!("{} h {:02} min", whole / 3600, whole / 60 % 60),
    }
}

/// A count with thin groups of three digits.
pub(crate) fn grouped(count: u64) -> String {
    let text = count.to_string();
    let mut out = String::new();
    for (position, digit) in text.chars().enumerate() {
        if position > 0 && (text.len() - position).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
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

    #[test]
    fn words_are_short() {
        assert_eq!(bytes(6400.0), "6.4 kB");
        assert_eq!(duration(125.0), "2 min 05 s");
        assert_eq!(grouped(1_234_567), "1,234,567");
    }
}
