//! The one renderer of pages: it draws whatever stands in a page, and knows nothing of what that means.

mod bars;
mod choice;
mod heat;
mod images;
mod lines;
mod plane;
mod table;

use egui::{
    Align2, Color32, FontId, Painter, Pos2, Rect, Response, RichText, Sense, Ui, UiBuilder, pos2, text::LayoutJob, vec2,
};

use super::{atlas::Atlas, chart};
use crate::{
    app::{
        theme::{self, Theme},
        view::Pointed,
    },
    report::page::{Block, Body, Mark, Page, Role, Tint, csv},
    words::grouped,
};

/// Between blocks.
const GAP: f32 = 8.0;
/// A row stands upright where it is less wide than high, by this factor.
const WIDE: f32 = 1.15;

/// Gives the points of a series by its name: of a part of the axis, for so many columns of the screen.
pub(crate) type Trace<'a> = dyn Fn(&str, Option<(f64, f64)>, usize) -> Vec<[f64; 2]> + 'a;

/// What a page is drawn with.
pub(crate) struct Canvas<'a> {
    /// Series that have no points of their own.
    pub(crate) trace: &'a Trace<'a>,
    /// What was under the pointer in the last frame, in whatever panel.
    pub(crate) hover: Pointed,
    /// What is under the pointer now.
    pub(crate) hovering: &'a mut Pointed,
    /// The textures of pictures.
    pub(crate) atlas: &'a mut Atlas,
}

/// Draws a page; the class that was chosen, where somebody chose one.
pub(crate) fn show(ui: &mut Ui, page: &Page, step: u64, canvas: &mut Canvas<'_>) -> Option<usize> {
    let caption = format!("Step {} · {}", grouped(step), page.caption);
    let trace = canvas.trace;
    let tables = || page.tables(&|name| trace(name, None, 60));
    chart::told(ui, ui.available_rect_before_wrap(), &page.title, &caption, tables);
    let text = RichText::new(caption).small().color(theme::of(ui).dim);
    let label = ui.add(egui::Label::new(text).wrap().sense(Sense::click()));
    let label = label.on_hover_text(format!("{}\n\nA right click copies the numbers", page.hint).trim_start());
    label.context_menu(|ui| {
        if ui.button("Copy the numbers as CSV").clicked() {
            ui.ctx().copy_text(csv(&tables()));
            ui.close();
        }
    });
    let (rect, _) = ui.allocate_exact_size(ui.available_size(), Sense::hover());
    let mut body = rect;
    let mut chosen = None;
    if let Some(choice) = &page.choice {
        let list = choice::room(choice, rect);
        chosen = choice::show(ui, list, choice, canvas);
        body.min.x = list.right() + GAP;
    }
    let size = rect.size();
    stack(ui, &page.blocks, body, size, false, canvas);
    chosen
}

/// Draws blocks alone, one below the other.
pub(crate) fn blocks(ui: &mut Ui, blocks: &[Block], rect: Rect, canvas: &mut Canvas<'_>) {
    stack(ui, blocks, rect, rect.size(), false, canvas);
}

/// Blocks in a row or one below the other, by their shares; `size` is that of the page, by which some are left out.
fn stack(ui: &mut Ui, blocks: &[Block], rect: Rect, size: egui::Vec2, beside: bool, canvas: &mut Canvas<'_>) {
    let shown: Vec<&Block> =
        blocks.iter().filter(|block| size.x >= block.least[0] && size.y >= block.least[1]).collect();
    let shares: Vec<f32> = shown.iter().map(|block| block.share).collect();
    for (block, place) in shown.into_iter().zip(split(rect, &shares, beside)) {
        let mut builder = UiBuilder::new().max_rect(place);
        builder = builder.id_salt((place.min.x as i32, place.min.y as i32, block.title.as_str()));
        ui.scope_builder(builder, |ui| {
            ui.set_clip_rect(ui.clip_rect().intersect(place.expand(2.0)));
            draw(ui, block, place, size, canvas);
        });
    }
}

/// Parts of a rectangle by their shares, with gaps between them.
fn split(rect: Rect, shares: &[f32], beside: bool) -> Vec<Rect> {
    let sum: f32 = shares.iter().sum();
    let gaps = GAP * shares.len().saturating_sub(1) as f32;
    let room = (if beside { rect.width() } else { rect.height() } - gaps).max(0.0);
    let mut from = 0.0;
    let part = |share: &f32| {
        let length = room * share / sum.max(f32::MIN_POSITIVE);
        let part = match beside {
            true => Rect::from_min_size(rect.min + vec2(from, 0.0), vec2(length, rect.height())),
            false => Rect::from_min_size(rect.min + vec2(0.0, from), vec2(rect.width(), length)),
        };
        from += length + GAP;
        part
    };
    shares.iter().map(part).collect()
}

fn draw(ui: &mut Ui, block: &Block, rect: Rect, size: egui::Vec2, canvas: &mut Canvas<'_>) {
    let mut rect = rect;
    if !block.title.is_empty() {
        let (font, color) = (FontId::proportional(10.5), theme::of(ui).dim);
        let mut job = LayoutJob::simple(block.title.clone(), font, color, rect.width());
        job.wrap.max_rows = 2;
        let galley = ui.painter().layout_job(job);
        let head = Rect::from_min_size(rect.min, galley.size());
        ui.painter().galley(rect.min, galley, color);
        let response = ui.interact(head, ui.scope_id().with("title"), Sense::hover());
        response.on_hover_text(if block.hint.is_empty() { &block.title } else { &block.hint });
        rect.min.y += head.height() + 3.0;
    }
    if rect.width() < 8.0 || rect.height() < 8.0 {
        return;
    }
    match &block.body {
        Body::Row(blocks) => stack(ui, blocks, rect, size, rect.width() > WIDE * rect.height(), canvas),
        Body::Text(text) => drop(ui.put(rect, egui::Label::new(RichText::new(text).small()).wrap())),
        Body::Table(table) => table::show(ui, table, rect, canvas),
        Body::Bars(bars) if bars.upright => bars::upright(ui, bars, rect, canvas),
        Body::Bars(bars) => bars::lying(ui, bars, rect, canvas),
        Body::Lines(lines) => lines::show(ui, lines, rect, canvas),
        Body::Heat(heat) => heat::show(ui, heat, rect),
        Body::Plane(plane) => plane::show(ui, plane, rect, canvas),
        Body::Images(images) => images::show(ui, images, rect, canvas),
    }
}

/// The colour of a tint.
fn tint(theme: &Theme, tint: Tint) -> Color32 {
    match tint {
        Tint::Class(class) => theme.class(class),
        Tint::Item(item) => theme.item(item),
        Tint::Role(Role::Text) => theme.text,
        Tint::Role(Role::Dim) => theme.dim,
        Tint::Role(Role::Faint) => theme.faint,
        Tint::Role(Role::First) => theme.accent,
        Tint::Role(Role::Second) => theme.second,
        Tint::Role(Role::Bad) => theme.bad,
    }
}

/// The colour of a mark.
fn color(theme: &Theme, mark: &Mark) -> Color32 {
    theme::fade(tint(theme, mark.tint), mark.opacity)
}

impl Canvas<'_> {
    /// True for a mark about what is under the pointer, in whatever panel.
    fn is_marked(&self, mark: &Mark) -> bool {
        mark.about.as_ref().is_some_and(|about| self.hover.is(about))
    }

    /// The pointer is over a mark: all panels are told, and it says what it has to say.
    fn point(&mut self, response: &Response, mark: &Mark) {
        if let Some(about) = &mark.about {
            self.hovering.point(about);
        }
        if !mark.hover.is_empty() {
            card(response, &mark.hover);
        }
    }
}

/// A card beside the pointer; its first line stands out.
fn card(response: &Response, text: &str) {
    egui::Tooltip::for_widget(response).at_pointer().gap(14.0).show(|ui| {
        for (at, line) in text.lines().enumerate() {
            let text = RichText::new(line);
            ui.label(if at == 0 { text.strong() } else { text.small().weak() });
        }
    });
}

/// A line of text that is cut with dots where it has no room; its rectangle.
fn line(painter: &Painter, at: Pos2, align: Align2, text: &str, font: FontId, color: Color32, width: f32) -> Rect {
    let mut job = LayoutJob::simple_singleline(text.to_owned(), font, color);
    job.wrap = egui::text::TextWrapping::truncate_at_width(width);
    let galley = painter.layout_job(job);
    let rect = align.anchor_size(at, galley.size());
    painter.galley(rect.min, galley, color);
    rect
}

/// Upright and level arms of a cross.
fn cross(painter: &Painter, at: Pos2, arm: f32, stroke: egui::Stroke) {
    painter.line_segment([pos2(at.x - arm, at.y), pos2(at.x + arm, at.y)], stroke);
    painter.line_segment([pos2(at.x, at.y - arm), pos2(at.x, at.y + arm)], stroke);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_fill_the_room_with_gaps_between() {
        let rect = Rect::from_min_size(pos2(10.0, 20.0), vec2(308.0, 100.0));
        let parts = split(rect, &[2.0, 1.0], true);
        assert_eq!((parts[0].width(), parts[1].width()), (200.0, 100.0));
        assert_eq!((parts[0].left(), parts[1].right(), parts[1].height()), (10.0, 318.0, 100.0));
        let parts = split(rect, &[1.0, 1.0], false);
        assert_eq!((parts[0].top(), parts[1].bottom()), (20.0, 120.0));
        assert!(split(rect, &[], true).is_empty());
    }
}
