//! The one chart: egui_plot draws, moves and zooms; what is decided here is what its axes span and where their labels stand.
//!
//! Drag moves, the wheel zooms, a double click or Home shows everything again. A view that reaches the newest value goes on with it. What
//! has no place on an axis (zero on a logarithmic one) breaks a line.

mod axis;
mod items;
mod labels;
mod side;
#[cfg(test)]
mod tests;

use std::{fmt::Debug, hash::Hash};

use egui::{
    Align2, Color32, Context, FontId, Id, Key, Modifiers, Painter, Pos2, Rect, Response, Role, Sense, Stroke, Ui,
    UiBuilder, Vec2, Vec2b, WidgetInfo, pos2, vec2,
};
use egui_plot::{Plot, PlotMemory, PlotPoint, PlotTransform, PlotUi};

pub(crate) use self::{
    axis::Extent,
    items::Spot,
    labels::{Placed, place},
};
use self::{
    axis::Ruler,
    items::{Item, Rulers},
    side::Side,
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
/// Room beyond the ends of an axis, so that a line at an end is seen in its whole width.
const EDGE: f64 = 1.0;
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

/// True where the view of a chart goes on with the newest value. What people look at is remembered by the plot; that it was shown since the
/// window was opened is remembered with this, for a view of the last time would be one of another run.
#[derive(Clone, Copy, Default)]
struct Follows(bool);

/// A chart that is about to be drawn: its horizontal axis is known, so that values can be thinned for it.
pub(crate) struct Chart<'a> {
    id: Id,
    axes: [&'a Axis; 2],
    x: Ruler,
    /// The ends of each axis that people look at, along the axis; everything where there is none.
    parts: [Option<[f64; 2]>; 2],
    newest: f64,
    follows: Option<Follows>,
    zooms_both: bool,
    items: Vec<Item>,
}

impl<'a> Chart<'a> {
    /// A chart whose horizontal values span `extent`.
    pub(crate) fn new(ui: &Ui, name: impl Hash + Debug, x: &'a Axis, y: &'a Axis, extent: Extent) -> Self {
        // Places along axes of different scales are no places of each other.
        let id = ui.scope_id().with(("chart", name, x.scale as u8));
        let follows = ui.data(|data| data.get_temp::<Follows>(id));
        let memory = follows.and_then(|_| PlotMemory::load(ui.ctx(), id));
        let part = |axis: usize| {
            let memory = memory.as_ref().filter(|memory| !memory.auto_bounds[axis])?;
            Some([memory.bounds().min()[axis], memory.bounds().max()[axis]])
        };
        let mut chart = Self {
            id,
            axes: [x, y],
            x: Ruler::fit(x, extent),
            parts: [part(0), part(1)],
            newest: extent.high,
            follows,
            zooms_both: false,
            items: Vec::new(),
        };
        if let Some(part) = chart.parts[0] {
            chart.x = chart.x.spanning(part);
            let [low, high] = chart.x.ends();
            let ahead = chart.x.along(extent.high).map_or(0.0, |newest| newest - high);
            if follows.is_some_and(|follows| follows.0) && ahead > 0.0 {
                chart.x = chart.x.spanning([low + ahead, high + ahead]);
            }
        }
        chart
    }

    /// The wheel stretches both axes.
    pub(crate) fn zooming_both(self) -> Self {
        Self { zooms_both: true, ..self }
    }

    /// The part of the horizontal axis that people look at; none where all is shown.
    pub(crate) fn part(&self) -> Option<(f64, f64)> {
        self.parts[0].map(|_| self.x.range())
    }

    /// Adds a line through some points; one that has no place on the axes leaves a gap, one that stands alone is a dot.
    pub(crate) fn line(&mut self, points: impl IntoIterator<Item = [f64; 2]>, stroke: Stroke, dashed: bool) {
        self.items.push(Item::Line { points: points.into_iter().collect(), stroke, dashed });
    }

    /// Adds a level line.
    pub(crate) fn level(&mut self, y: f64, stroke: Stroke) {
        self.items.push(Item::Level(y, stroke));
    }

    /// Adds an upright line.
    pub(crate) fn upright(&mut self, x: f64, stroke: Stroke) {
        self.items.push(Item::Upright(x, stroke));
    }

    /// Adds points, `raised` on the screen.
    pub(crate) fn points(&mut self, points: &[[f64; 2]], radius: f32, color: Color32, raised: f32) {
        self.items.push(Item::Points { points: points.to_vec(), radius, color, raised });
    }

    /// Adds a marker with its spread.
    pub(crate) fn spot(&mut self, spot: Spot) {
        self.items.push(Item::Spot(spot));
    }

    /// Draws everything over all the room that there is; the values span `extent` upwards.
    pub(crate) fn show(self, ui: &mut Ui, extent: Extent) -> Area {
        let theme = theme::of(ui);
        let (outer, _) = ui.allocate_exact_size(ui.available_size(), Sense::hover());
        let frame = self.frame(outer);
        let fitted = Ruler::fit(self.axes[1], extent);
        let y = self.parts[1].map_or(fitted, |part| fitted.spanning(part));
        let rulers = Rulers { x: self.x, y, clipped: self.axes[1].clipped };
        let ends = self.ends(&rulers, frame);
        let painter = ui.painter().with_clip_rect(outer.intersect(ui.clip_rect()));
        let sides = Side::both(&rulers, self.axes, [outer, frame], &painter);
        let items: Vec<_> = self.items.iter().flat_map(|item| item.placed(&rulers, frame)).collect();
        let plot = self.plot(&sides, frame, ends, theme);
        let mut inside = ui.new_child(UiBuilder::new().max_rect(frame));
        let shown = plot.show(&mut inside, |plot| {
            self.steer(plot, ends);
            items.into_iter().for_each(|item| plot.add_item(item));
        });
        sides.iter().for_each(|side| side.write(theme));
        if has_names(outer) {
            let small = FontId::proportional(10.5);
            let [x, y] = self.axes.map(|axis| axis.label.clone());
            painter.text(pos2(frame.right(), outer.bottom()), Align2::RIGHT_BOTTOM, x, small.clone(), theme.dim);
            painter.text(outer.min, Align2::LEFT_TOP, y, small, theme.dim);
        }
        let area = Area::new(shown.transform, shown.response, &rulers, ui);
        self.remember(ui, ends[0], &area.rulers.x);
        area
    }

    /// How the plot looks, and what people may do with it. The wheel would move it, so that is not its own.
    fn plot<'p>(&self, sides: &'p [Side<'_>; 2], frame: Rect, [x, y]: [[f64; 2]; 2], theme: &Theme) -> Plot<'p> {
        let free = Vec2b::new(true, self.zooms_both || self.parts[1].is_some());
        Plot::new(self.id)
            .id(self.id)
            .width(frame.width())
            .height(frame.height())
            .default_x_bounds(x[0], x[1])
            .default_y_bounds(y[0], y[1])
            .allow_drag(free)
            .allow_zoom(Vec2b::new(true, self.zooms_both))
            .allow_scroll(false)
            .allow_boxed_zoom(false)
            .show_background(false)
            .show_axes(false)
            .show_x(false)
            .show_y(false)
            .grid_color(theme::fade(theme.line, 0.8))
            .grid_spacing(side::SPACING)
            .grid_fade(1.0)
            .x_grid_spacer(|input| sides[0].grid(&input))
            .y_grid_spacer(|input| sides[1].grid(&input))
    }

    /// Between the axes.
    fn frame(&self, outer: Rect) -> Rect {
        let name = |axis: usize| {
            if has_names(outer) && !self.axes[axis].label.is_empty() { 13.0 } else { 0.0 }
        };
        let least = outer.min + vec2(LEFT + 1.0, ABOVE + 1.0);
        let corner = (outer.max - vec2(RIGHT, BELOW + name(0))).max(least);
        Rect::from_min_max((outer.min + vec2(LEFT, ABOVE + name(1))).min(corner - Vec2::splat(1.0)), corner)
    }

    /// The ends of both axes as the plot is given them.
    fn ends(&self, rulers: &Rulers, frame: Rect) -> [[f64; 2]; 2] {
        let of = |ruler: &Ruler, part: Option<[f64; 2]>, length: f32| {
            let [low, high] = ruler.ends();
            let edge = EDGE * (high - low) / f64::from(length.max(1.0));
            if part.is_some() { [low, high] } else { [low - edge, high + edge] }
        };
        [of(&rulers.x, self.parts[0], frame.width()), of(&rulers.y, self.parts[1], frame.height())]
    }

    /// What the plot does not do by itself: it is told what to show, follows the newest value, and zooms by the wheel and by keys.
    fn steer(&self, plot: &mut PlotUi<'_>, ends: [[f64; 2]; 2]) {
        let response = plot.response().clone();
        let ctx = plot.ctx().clone();
        if response.clicked() {
            response.request_focus();
        }
        if response.has_focus() {
            ctx.data_mut(|data| data.insert_temp(leaver(), response.id));
        }
        let pressed = |key| response.has_focus() && ctx.input_mut(|input| input.consume_key(Modifiers::NONE, key));
        if self.follows.is_none() || response.double_clicked() || pressed(Key::Home) {
            plot.set_auto_bounds(true);
            return;
        }
        let [[left, right], [low, high]] = ends;
        let mut factor = 1.0;
        let mut about = PlotPoint::new(right, 0.5 * (low + high));
        if let Some(pointer) = response.hovered().then(|| plot.pointer_coordinate()).flatten() {
            factor *= ctx.input(|input| (0.003 * input.smooth_scroll_delta().y).exp());
            about = pointer;
        }
        for (key, by) in [(Key::Plus, 1.25), (Key::Equals, 1.25), (Key::Minus, 0.8)] {
            factor *= if pressed(key) { by } else { 1.0 };
        }
        if self.parts[0].is_some() {
            plot.set_plot_bounds_x(left..=right);
        }
        if self.parts[1].is_some() {
            plot.set_plot_bounds_y(low..=high);
        }
        let zooms = factor != 1.0;
        if zooms {
            plot.zoom_bounds(vec2(factor, if self.zooms_both { factor } else { 1.0 }), about);
        }
        // An axis that people left alone goes on showing everything.
        let [x, y] = self.parts.map(|part| part.is_none());
        plot.set_auto_bounds(Vec2b::new(x && !zooms, y && !(zooms && self.zooms_both)));
    }

    /// A view that was moved goes on with the newest value where that stands in its right half.
    fn remember(&self, ui: &Ui, asked: [f64; 2], x: &Ruler) {
        let follows = match self.follows {
            Some(follows) if asked == x.ends() => follows,
            _ => Follows(x.share(self.newest).is_some_and(|share| (0.5..=1.0).contains(&share))),
        };
        ui.data_mut(|data| data.insert_temp(self.id, follows));
    }
}

/// True where there is room for the names of the axes.
fn has_names(outer: Rect) -> bool {
    outer.height() > WITH_NAMES
}

/// True where a chart has the focus: it is no button and leaves the space bar to the run.
pub(crate) fn leaves_space(ctx: &Context, focused: Option<Id>) -> bool {
    focused.is_some() && ctx.data(|data| data.get_temp::<Id>(leaver())) == focused
}

/// Under which the chart is remembered that has the focus.
fn leaver() -> Id {
    Id::unique("chart with the focus")
}

/// A chart that was drawn: where its values stand.
pub(crate) struct Area {
    /// Between the axes.
    pub(crate) frame: Rect,
    /// The pointer over it.
    pub(crate) response: Response,
    /// Draws between the axes only.
    pub(crate) painter: Painter,
    transform: PlotTransform,
    rulers: Rulers,
}

impl Area {
    fn new(transform: PlotTransform, response: Response, rulers: &Rulers, ui: &Ui) -> Self {
        let frame = *transform.frame();
        let painter = ui.painter().with_clip_rect(frame.intersect(ui.clip_rect()));
        let ([left, low], [right, high]) = (transform.bounds().min(), transform.bounds().max());
        let (x, y) = (rulers.x.spanning([left, right]), rulers.y.spanning([low, high]));
        Self { frame, response, painter, transform, rulers: Rulers { x, y, ..*rulers } }
    }

    /// Where a value stands on the screen; none where it has no place on an axis.
    pub(crate) fn place(&self, value: [f64; 2]) -> Option<Pos2> {
        Some(self.transform.position_from_point(&self.rulers.point(value)?))
    }

    /// The horizontal value under a place of the screen.
    pub(crate) fn x_at(&self, at: Pos2) -> f64 {
        self.rulers.x.back(self.transform.value_from_position(at).x)
    }

    /// Where a horizontal value stands on the screen, if it is seen.
    pub(crate) fn x_of(&self, x: f64) -> Option<f32> {
        let x = self.transform.position_from_point_x(self.rulers.x.along(x)?);
        self.frame.x_range().contains(x).then_some(x)
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
            // A line that passes would strike the name through.
            self.painter.rect_filled(rect, 2.0, theme::fade(theme.panel, 0.85));
            self.painter.galley(rect.min, galley, theme.dim);
        }
        if !left_out.is_empty() {
            let text = format!("also: {}", left_out.join(", "));
            self.painter.text(self.frame.right_top(), Align2::RIGHT_TOP, text, font, theme.dim);
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
