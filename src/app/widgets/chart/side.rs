//! One side of a chart: the lines of the grid, which the plot asks for, and the labels. The plot's own labels stand at their lines even
//! where an edge cuts them.

use std::cell::OnceCell;

use egui::{Align2, FontId, Painter, Rangef, Rect, pos2};
use egui_plot::{GridInput, GridMark};

use super::{
    BELOW,
    axis::{Room, Ruler, Tick, ticks},
    items::Rulers,
};
use crate::{
    app::theme::Theme,
    report::page::{Axis, Unit},
};

/// The plot makes a line fainter the smaller its step is, in points: 1 is full strength.
pub(super) const SPACING: Rangef = Rangef { min: 0.0, max: 1.0 };
/// Strength of lines without labels.
const MINOR: f64 = 0.44;
/// Free room between two labels, beside and above each other.
const GAPS: [f32; 2] = [20.0, 13.0];
const FONT: FontId = FontId::proportional(11.0);

/// A side of a chart.
pub(super) struct Side<'a> {
    is_upright: bool,
    ruler: Ruler,
    unit: Unit,
    outer: Rect,
    frame: Rect,
    painter: &'a Painter,
    ticks: OnceCell<Vec<Tick>>,
}

impl<'a> Side<'a> {
    /// The lower side and the left one.
    pub(super) fn both(
        rulers: &Rulers,
        axes: [&Axis; 2],
        [outer, frame]: [Rect; 2],
        painter: &'a Painter,
    ) -> [Self; 2] {
        [(rulers.x, axes[0].unit, false), (rulers.y, axes[1].unit, true)].map(|(ruler, unit, is_upright)| Self {
            is_upright,
            ruler,
            unit,
            outer,
            frame,
            painter,
            ticks: OnceCell::new(),
        })
    }

    /// The lines of the grid between the ends that the plot shows.
    pub(super) fn grid(&self, input: &GridInput) -> Vec<GridMark> {
        let (low, high) = input.bounds;
        let length = if self.is_upright { self.frame.height() } else { self.frame.width() };
        let point = (high - low) / f64::from(length);
        let ticks = self.ticks.get_or_init(|| self.decide(self.ruler.spanning([low, high]), length));
        let mark = |tick: &Tick| GridMark {
            value: low + point * f64::from(tick.at),
            step_size: point * if tick.text.is_empty() { MINOR } else { 1.0 },
        };
        ticks.iter().map(mark).collect()
    }

    fn decide(&self, ruler: Ruler, length: f32) -> Vec<Tick> {
        let (outer, frame) = (self.outer, self.frame);
        let size = |text: &str| {
            let size = self.painter.layout_no_wrap(text.to_owned(), FONT, egui::Color32::PLACEHOLDER).size();
            if self.is_upright { size.y } else { size.x }
        };
        let bounds = match self.is_upright {
            false => (outer.left() - frame.left(), outer.right() - frame.left()),
            true => (frame.bottom() - outer.bottom() + BELOW - 0.5 * size("0"), frame.bottom() - outer.top()),
        };
        let gap = GAPS[usize::from(self.is_upright)];
        ticks(&ruler, self.unit, &Room { length, bounds, size: &size, gap })
    }

    /// Writes the labels of the lines that were drawn.
    pub(super) fn write(&self, theme: &Theme) {
        let labels = self.ticks.get().into_iter().flatten().filter(|tick| !tick.text.is_empty());
        for tick in labels {
            let (at, align) = match self.is_upright {
                false => (pos2(self.frame.left() + tick.label, self.frame.bottom() + 3.0), Align2::CENTER_TOP),
                true => (pos2(self.frame.left() - 5.0, self.frame.bottom() - tick.label), Align2::RIGHT_CENTER),
            };
            self.painter.text(at, align, &tick.text, FONT, theme.dim);
        }
    }
}
