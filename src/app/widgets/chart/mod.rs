//! The one chart: it decides axes, lets people zoom and pan, and draws lines and points between them.
//!
//! Drag moves, the wheel zooms, a double click or Home shows everything again. A view that reaches the newest value goes on with it. What
//! has no place on an axis (zero on a logarithmic one) breaks a line.

mod axis;
mod labels;

use std::{fmt::Debug, hash::Hash};

use egui::{
    Align2, Context, FontId, Id, Key, Modifiers, Painter, Pos2, Rect, Response, Role, Sense, Shape, Stroke, Ui, Vec2,
    WidgetInfo, pos2, vec2,
};

use self::axis::{Room, Ruler, Tick, ticks};
pub(crate) use self::{
    axis::Extent,
    labels::{Placed, place},
};
use crate::{
    app::theme::{self, Theme},
    report::page::{Axis, Table},
};

/// Room for the numbers to the left, so that the edge of a chart does not jump while they change.
const LEFT: f32 = 44.0;
/// Room below, and above.
const BELOW: f32 = 17.0;
const ABOVE: f32 = 7.0;
/// What a label at the right end may stand out.
const RIGHT: f32 = 8.0;
/// Charts that are lower have no names on their axes.
const WITH_NAMES: f32 = 150.0;
/// Free room between two labels, beside and above each other.
const GAPS: [f32; 2] = [20.0, 13.0];
/// Rows of a table that a screen reader is given.
const ROWS_TOLD: usize = 24;

/// Gives a picture a name and a sentence that a screen reader says.
pub(crate) fn summary(ui: &Ui, rect: Rect, name: &str, text: &str) -> Response {
    let response = ui.interact(rect, Id::unique(("summary", name)), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, format!("{name}: {text}")));
    response
}

/// The same with tables that a screen reader finds behind the sentence.
pub(crate) fn told(ui: &Ui, rect: Rect, name: &str, text: &str, tables: impl FnOnce() -> Vec<Table>) {
    let response = summary(ui, rect, name, text);
    ui.ctx().accesskit_node_builder(response.id, |node| {
        let tables = tables();
        let rows = tables.iter().flat_map(|table| {
            let head = std::iter::once(format!("{}: {}", table.title, table.columns.join(", ")));
            head.chain(table.rows.iter().take(ROWS_TOLD).map(|row| row.cells.join(", ")))
        });
        node.set_description(rows.collect::<Vec<_>>().join("\n"));
    });
}

/// What people made of a chart: the part of each axis that they look at, everything where there is none.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Look {
    parts: [Option<(f64, f64)>; 2],
    /// The horizontal part goes on with the newest value.
    follows: bool,
}

/// A chart that is about to be drawn: its horizontal axis is known, so that values can be thinned for it.
pub(crate) struct Chart<'a> {
    id: Id,
    axes: [&'a Axis; 2],
    x: Ruler,
    newest: f64,
    look: Look,
    zooms_both: bool,
}

impl<'a> Chart<'a> {
    /// A chart whose horizontal values span `extent`.
    pub(crate) fn new(ui: &Ui, name: impl Hash + Debug, x: &'a Axis, y: &'a Axis, extent: Extent) -> Self {
        let id = ui.scope_id().with(("chart", name));
        let mut look = ui.data(|data| data.get_temp::<Look>(id)).unwrap_or_default();
        let fitted = Ruler::fit(x, extent);
        let mut ruler = fitted;
        if let Some((low, high)) = look.parts[0] {
            ruler = fitted.between(low, high);
            let end = fitted.share(extent.high).zip(ruler.share(extent.high));
            if let (true, Some((_, share))) = (look.follows, end)
                && share > 1.0
            {
                ruler = ruler.turned(share - 1.0, 1.0, 0.0);
                look.parts[0] = Some(ruler.range());
            }
        }
        Self { id, axes: [x, y], x: ruler, newest: extent.high, look, zooms_both: false }
    }

    /// The wheel stretches both axes.
    pub(crate) fn zooming_both(self) -> Self {
        Self { zooms_both: true, ..self }
    }

    /// The part of the horizontal axis that people look at; none where all is shown.
    pub(crate) fn part(&self) -> Option<(f64, f64)> {
        self.look.parts[0].map(|_| self.x.range())
    }

    /// Draws grid and labels over all the room that there is; the values that will be drawn span `extent` upwards.
    pub(crate) fn show(self, ui: &mut Ui, extent: Extent) -> Area {
        let (outer, response) = ui.allocate_exact_size(ui.available_size(), Sense::click_and_drag());
        let names = if outer.height() > WITH_NAMES { 13.0 } else { 0.0 };
        let has_name = |axis: usize| if self.axes[axis].label.is_empty() { 0.0 } else { names };
        let frame = Rect::from_min_max(
            outer.min + vec2(LEFT, ABOVE + has_name(1)),
            (outer.max - vec2(RIGHT, BELOW + has_name(0))).max(outer.min + vec2(LEFT + 1.0, ABOVE + 1.0)),
        );
        let mut y = Ruler::fit(self.axes[1], extent);
        if let Some((low, high)) = self.look.parts[1] {
            y = y.between(low, high);
        }
        let (x, y) = self.turned(ui, &response, frame, y);
        let painter = ui.painter().with_clip_rect(outer.intersect(ui.clip_rect()));
        let theme = theme::of(ui);
        let area = Area {
            frame,
            response,
            x,
            y,
            clipped: self.axes[1].clipped,
            painter: painter.with_clip_rect(frame.expand(1.0).intersect(ui.clip_rect())),
        };
        area.grid(&painter, outer, self.axes, theme);
        if names > 0.0 {
            let small = FontId::proportional(10.5);
            let [x, y] = self.axes.map(|axis| axis.label.clone());
            painter.text(pos2(frame.right(), outer.bottom()), Align2::RIGHT_BOTTOM, x, small.clone(), theme.dim);
            painter.text(outer.min, Align2::LEFT_TOP, y, small, theme.dim);
        }
        area
    }

    /// What the pointer and the keys make of the axes; it is remembered.
    fn turned(&self, ui: &Ui, response: &Response, frame: Rect, y: Ruler) -> (Ruler, Ruler) {
        let (mut x, mut y, mut look) = (self.x, y, self.look);
        if response.double_clicked() || response.has_focus() && pressed(ui, Key::Home) {
            ui.data_mut(|data| data.remove::<Look>(self.id));
            return (x, y);
        }
        let drag = response.drag_delta() / frame.size();
        if drag != Vec2::ZERO {
            x = x.turned(f64::from(-drag.x), 1.0, 0.0);
            look.parts[0] = Some(x.range());
            if self.zooms_both || look.parts[1].is_some() {
                y = y.turned(f64::from(drag.y), 1.0, 0.0);
                look.parts[1] = Some(y.range());
            }
        }
        if response.clicked() {
            response.request_focus();
        }
        if response.has_focus() {
            ui.data_mut(|data| data.insert_temp(leaver(), response.id));
        }
        let mut factor = 1.0;
        let mut about = vec2(1.0, 0.5);
        if let Some(pointer) = response.hover_pos() {
            factor *= ui.input(|input| input.zoom_delta() * (0.003 * input.smooth_scroll_delta().y).exp());
            about = (pointer - frame.min) / frame.size();
        }
        if response.has_focus() {
            for (key, by) in [(Key::Plus, 1.25), (Key::Equals, 1.25), (Key::Minus, 0.8)] {
                factor *= if pressed(ui, key) { by } else { 1.0 };
            }
        }
        if factor != 1.0 {
            x = x.turned(0.0, f64::from(1.0 / factor), about.x.clamp(0.0, 1.0).into());
            look.parts[0] = Some(x.range());
            if self.zooms_both {
                y = y.turned(0.0, f64::from(1.0 / factor), f64::from(1.0 - about.y.clamp(0.0, 1.0)));
                look.parts[1] = Some(y.range());
            }
        }
        if drag != Vec2::ZERO || factor != 1.0 {
            look.follows = x.share(self.newest).is_some_and(|share| (0.5..=1.0).contains(&share));
        }
        if look != Look::default() {
            ui.data_mut(|data| data.insert_temp(self.id, look));
        }
        (x, y)
    }
}

/// True where a chart has the focus: it is no button and leaves the space bar to the run.
pub(crate) fn leaves_space(ctx: &Context, focused: Option<Id>) -> bool {
    focused.is_some() && ctx.data(|data| data.get_temp::<Id>(leaver())) == focused
}

/// Under which the chart is remembered that has the focus.
fn leaver() -> Id {
    Id::unique("chart with the focus")
}

fn pressed(ui: &Ui, key: Key) -> bool {
    ui.input_mut(|input| input.consume_key(Modifiers::NONE, key))
}

/// A chart with its axes, to be drawn upon.
pub(crate) struct Area {
    /// Between the axes.
    pub(crate) frame: Rect,
    /// The pointer over it.
    pub(crate) response: Response,
    /// Draws between the axes only.
    pub(crate) painter: Painter,
    x: Ruler,
    y: Ruler,
    clipped: bool,
}

impl Area {
    /// Where a value stands on the screen; none where it has no place on an axis.
    pub(crate) fn place(&self, [x, y]: [f64; 2]) -> Option<Pos2> {
        let (x, mut y) = (self.x.share(x)?, self.y.share(y)?);
        if self.clipped {
            y = y.clamp(0.0, 1.0);
        }
        // Far outside, numbers of the screen would lose their digits.
        let at = |share: f64, from: f32, length: f32| from + length * share.clamp(-20.0, 21.0) as f32;
        Some(pos2(at(x, self.frame.left(), self.frame.width()), at(y, self.frame.bottom(), -self.frame.height())))
    }

    /// The horizontal value under a place of the screen.
    pub(crate) fn x_at(&self, at: Pos2) -> f64 {
        self.x.value(f64::from((at.x - self.frame.left()) / self.frame.width()))
    }

    /// Where a horizontal value stands on the screen, if it is seen.
    pub(crate) fn x_of(&self, x: f64) -> Option<f32> {
        let share = self.x.share(x).filter(|share| (0.0..=1.0).contains(share))?;
        Some(self.frame.left() + share as f32 * self.frame.width())
    }

    /// A line through some points; one that has no place on the axes leaves a gap, one that stands alone is a dot.
    pub(crate) fn line(&self, points: impl IntoIterator<Item = [f64; 2]>, stroke: Stroke, dashed: bool) {
        let mut piece: Vec<Pos2> = Vec::new();
        let draw = |piece: &mut Vec<Pos2>| match std::mem::take(piece).as_slice() {
            [] => {}
            [alone] => drop(self.painter.circle_filled(*alone, 0.5 * stroke.width + 0.3, stroke.color)),
            line if dashed => self.painter.extend(Shape::dashed_line(line, stroke, 5.0, 4.0)),
            line => drop(self.painter.line(line.to_vec(), stroke)),
        };
        for point in points {
            match self.place(point) {
                Some(at) => piece.push(at),
                None => draw(&mut piece),
            }
        }
        draw(&mut piece);
    }

    /// A level line.
    pub(crate) fn level(&self, y: f64, stroke: Stroke) {
        let [low, high] = [self.x.range().0, self.x.range().1];
        self.line([[low, y], [high, y]], stroke, true);
    }

    /// An upright line.
    pub(crate) fn upright(&self, x: f64, stroke: Stroke) {
        if let Some(x) = self.x_of(x) {
            self.painter.vline(x, self.frame.y_range(), stroke);
        }
    }

    /// Names beside points, none of them upon another; those that find no room stand in a list at the top.
    pub(crate) fn names(&self, names: &[(Pos2, &str)], theme: &Theme) {
        let font = FontId::proportional(10.5);
        let galleys: Vec<_> = names
            .iter()
            .map(|(at, name)| (*at, self.painter.layout_no_wrap((*name).to_owned(), font.clone(), theme.dim)))
            .collect();
        let sizes: Vec<(Pos2, Vec2)> = galleys.iter().map(|(at, galley)| (*at, galley.size())).collect();
        let mut left_out: Vec<&str> = Vec::new();
        for (placed, ((at, galley), (_, name))) in
            place(&sizes, 4.5, self.frame).into_iter().zip(galleys.into_iter().zip(names))
        {
            let Some(Placed { rect, leader }) = placed else {
                left_out.push(name);
                continue;
            };
            if leader {
                let end = if rect.center().x > at.x { rect.left_center() } else { rect.right_center() };
                self.painter.line_segment([at, end], Stroke::new(0.8, theme.faint));
            }
            self.painter.galley(rect.min, galley, theme.dim);
        }
        if !left_out.is_empty() {
            let text = format!("also: {}", left_out.join(", "));
            self.painter.text(self.frame.right_top(), Align2::RIGHT_TOP, text, font, theme.dim);
        }
    }

    fn grid(&self, painter: &Painter, outer: Rect, axes: [&Axis; 2], theme: &Theme) {
        let font = FontId::proportional(11.0);
        let wide = |text: &str| painter.layout_no_wrap(text.to_owned(), font.clone(), theme.dim).size().x;
        let high = painter.layout_no_wrap("0".to_owned(), font.clone(), theme.dim).size().y;
        let frame = self.frame;
        let bounds = (outer.left() - frame.left(), outer.right() - frame.left());
        let room = Room { length: frame.width(), bounds, size: &wide, gap: GAPS[0] };
        let beside = ticks(&self.x, axes[0].unit, &room);
        let size = |_: &str| high;
        let bounds = (frame.bottom() - outer.bottom() + BELOW - 0.5 * high, frame.bottom() - outer.top());
        let room = Room { length: frame.height(), bounds, size: &size, gap: GAPS[1] };
        let above = ticks(&self.y, axes[1].unit, &room);
        let stroke = |tick: &Tick| {
            Stroke::new(
                1.0,
                if tick.text.is_empty() { theme::fade(theme.line, 0.35) } else { theme::fade(theme.line, 0.8) },
            )
        };
        for tick in &beside {
            painter.vline(frame.left() + tick.at, frame.y_range(), stroke(tick));
        }
        for tick in &above {
            painter.hline(frame.x_range(), frame.bottom() - tick.at, stroke(tick));
        }
        let write = |at: Pos2, align: Align2, text: &str| painter.text(at, align, text, font.clone(), theme.dim);
        for tick in beside.iter().filter(|tick| !tick.text.is_empty()) {
            write(pos2(frame.left() + tick.label, frame.bottom() + 3.0), Align2::CENTER_TOP, &tick.text);
        }
        for tick in above.iter().filter(|tick| !tick.text.is_empty()) {
            write(pos2(frame.left() - 5.0, frame.bottom() - tick.label), Align2::RIGHT_CENTER, &tick.text);
        }
    }
}

/// The entry of a line in a legend, in one piece so that it never breaks over two rows.
pub(crate) fn entry(ui: &mut Ui, stroke: Stroke, name: &str, value: &str) -> Response {
    let theme = theme::of(ui);
    let painter = ui.painter();
    let name = painter.layout_no_wrap(name.to_owned(), FontId::proportional(theme::SMALL), theme.dim);
    let value = painter.layout_no_wrap(value.to_owned(), theme::digits(11.5), theme.text);
    let size = vec2(30.0 + name.size().x + value.size().x, 20.0);
    let (rect, response) = ui.allocate_exact_size(size, Sense::hover());
    let middle = rect.center().y;
    let mut left = rect.left();
    ui.painter().hline(left..=left + 14.0, middle, stroke);
    left += 19.0;
    for galley in [name, value] {
        let size = galley.size();
        ui.painter().galley(pos2(left, middle - 0.5 * size.y), galley, theme.text);
        left += size.x + 5.0;
    }
    response
}
