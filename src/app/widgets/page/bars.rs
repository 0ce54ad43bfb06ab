//! Bars: lying below each other, or upright beside each other.

use egui::{Align2, FontId, Painter, Rect, Sense, Stroke, Ui, pos2, vec2};

use super::{Canvas, color, line};
use crate::{
    app::{
        theme::{self, Theme},
        widgets::icon::{self, Icon},
    },
    report::page::{Bar, Bars, Sign},
};

/// Height of what stands above the bars.
const HEAD: f32 = 16.0;
/// Height of a row at most, and at least where bars have names; those that have no room are left out.
const ROWS: [f32; 2] = [18.0, 15.0];
/// Below this height of a row nothing is written.
const WRITTEN: f32 = 11.0;
/// An upright bar is never wider or narrower.
const WIDEST: f32 = 46.0;
const NARROWEST: f32 = 7.0;
/// Below this width nothing is written under an upright bar.
const WITH_TEXT: f32 = 26.0;

fn full(bars: &Bars) -> f64 {
    let values = bars.items.iter().flat_map(|bar| bar.value.into_iter().chain(bar.ticks.iter().map(|tick| tick.0)));
    bars.full.unwrap_or_else(|| values.fold(f64::MIN_POSITIVE, f64::max)).max(f64::MIN_POSITIVE)
}

/// Draws bars below each other: names to the left, figures to the right.
pub(super) fn lying(ui: &Ui, bars: &Bars, rect: Rect, canvas: &mut Canvas<'_>) {
    let theme = theme::of(ui);
    let painter = ui.painter().with_clip_rect(rect.expand(1.0));
    let response = ui.interact(rect, ui.scope_id().with("bars"), Sense::hover());
    let font = FontId::proportional(10.5);
    let wide = |text: &str| painter.layout_no_wrap(text.to_owned(), font.clone(), theme.dim).size().x;
    let widest = |texts: &mut dyn Iterator<Item = &String>| texts.map(|text| wide(text)).fold(0.0, f32::max);
    let has_names = bars.items.iter().any(|bar| !bar.name.is_empty());
    let has_heads = bars.heads.iter().any(|head| !head.is_empty());
    let area = Rect::from_min_max(rect.min + vec2(0.0, if has_heads { HEAD } else { 0.0 }), rect.max);
    let least = if has_names { ROWS[1] } else { 0.0 };
    let row = (area.height() / bars.items.len().max(1) as f32).clamp(least.min(ROWS[0]), ROWS[0]);
    let (mut left, mut right) = (area.left(), area.right());
    if row >= WRITTEN {
        let names = widest(&mut bars.items.iter().map(|bar| &bar.name).chain([&bars.heads[0]]));
        left += if names > 0.0 { names + 6.0 } else { 0.0 };
        let figures = widest(&mut bars.items.iter().map(|bar| &bar.figure).chain([&bars.heads[2]]));
        right -= if figures > 0.0 { figures + 6.0 } else { 0.0 };
    }
    let x = |value: f64| left + (right - left).max(4.0) * (value / full(bars)).clamp(0.0, 1.0) as f32;
    if has_heads {
        painter.text(rect.left_top(), Align2::LEFT_TOP, &bars.heads[0], font.clone(), theme.dim);
        line(&painter, pos2(left, rect.top()), Align2::LEFT_TOP, &bars.heads[1], font.clone(), theme.dim, right - left);
        painter.text(rect.right_top(), Align2::RIGHT_TOP, &bars.heads[2], font.clone(), theme.dim);
    }
    let mut order: Vec<&Bar> = bars.items.iter().collect();
    if bars.sorted {
        order.sort_by(|a, b| b.value.unwrap_or(0.0).total_cmp(&a.value.unwrap_or(0.0)));
    }
    let shown = order.len().min((area.height() / row.max(0.1) + 0.01) as usize);
    for (at, bar) in order.iter().take(shown).enumerate() {
        let place = Rect::from_min_size(pos2(area.left(), area.top() + row * at as f32), vec2(area.width(), row));
        let middle = place.center().y;
        if canvas.is_marked(&bar.mark) {
            painter.rect_filled(place, 2.0, theme.raised);
        }
        let half = (0.36 * row).max(0.5);
        let filled = Rect::from_min_max(pos2(left, middle - half), pos2(x(bar.value.unwrap_or(0.0)), middle + half));
        painter.rect_filled(filled, 1.5, color(theme, &bar.mark));
        for (value, mark) in &bar.ticks {
            let is_marked = canvas.is_marked(mark);
            let stroke = if is_marked { Stroke::new(2.5, theme.text) } else { Stroke::new(1.2, color(theme, mark)) };
            painter.vline(x(*value), egui::Rangef::new(middle - half - 0.5, middle + half + 0.5), stroke);
        }
        if row >= WRITTEN {
            painter.text(pos2(area.left(), middle), Align2::LEFT_CENTER, &bar.name, font.clone(), theme.dim);
            painter.text(pos2(area.right(), middle), Align2::RIGHT_CENTER, &bar.figure, font.clone(), theme.dim);
        }
        if response.hover_pos().is_some_and(|pointer| place.contains(pointer)) {
            let pointer = response.hover_pos().unwrap_or_default();
            let near = bar.ticks.iter().map(|(value, mark)| ((x(*value) - pointer.x).abs(), mark));
            let near = near.min_by(|a, b| a.0.total_cmp(&b.0)).filter(|(distance, _)| *distance < 5.0);
            canvas.point(&response, near.map_or(&bar.mark, |(_, mark)| mark));
        }
    }
    for guide in &bars.guides {
        let ends = area.top()..=area.top() + row * shown as f32;
        painter.vline(x(guide.value), ends, Stroke::new(1.2, color(theme, &guide.mark)));
    }
}

/// Draws bars beside each other: signs above, figures below.
pub(super) fn upright(ui: &Ui, bars: &Bars, rect: Rect, canvas: &mut Canvas<'_>) {
    let theme = theme::of(ui);
    let painter = ui.painter().with_clip_rect(rect);
    let response = ui.interact(rect, ui.scope_id().with("bars"), Sense::hover());
    let across = (rect.width() / bars.items.len().max(1) as f32).clamp(NARROWEST, WIDEST);
    // Where not all have room, the last ones are shown.
    let shown = bars.items.len().min((rect.width() / across) as usize);
    let texts = if across >= WITH_TEXT { 15.0 } else { 2.0 };
    let area = Rect::from_min_max(rect.min + vec2(0.0, 16.0), pos2(rect.right(), rect.bottom() - texts));
    for guide in &bars.guides {
        let y = area.bottom() - (guide.value / full(bars)) as f32 * area.height();
        painter.hline(
            rect.left()..=rect.left() + across * shown as f32,
            y,
            Stroke::new(1.0, color(theme, &guide.mark)),
        );
    }
    for (at, bar) in bars.items.iter().skip(bars.items.len() - shown).enumerate() {
        let left = rect.left() + across * at as f32;
        let column = Rect::from_min_max(pos2(left, rect.top()), pos2(left + across, rect.bottom()));
        let gap = (0.12 * across).clamp(1.0, 4.0);
        let frame = Rect::from_min_max(pos2(left + gap, area.top()), pos2(left + across - gap, area.bottom()));
        painter.rect_filled(frame, 2.0, theme.raised);
        let top = area.bottom() - (bar.value.unwrap_or(0.0) / full(bars)).clamp(0.0, 1.0) as f32 * area.height();
        painter.rect_filled(Rect::from_min_max(pos2(frame.left(), top), frame.max), 2.0, color(theme, &bar.mark));
        signs(&painter, column, &bar.signs, theme);
        if across >= WITH_TEXT {
            let font = FontId::proportional(10.5);
            painter.text(column.center_bottom(), Align2::CENTER_BOTTOM, &bar.figure, font, theme.dim);
        }
        if response.hover_pos().is_some_and(|pointer| column.contains(pointer)) {
            canvas.point(&response, &bar.mark);
        }
    }
}

fn signs(painter: &Painter, column: Rect, signs: &[Sign], theme: &Theme) {
    let mut x = column.center().x;
    for sign in signs {
        match sign {
            Sign::Eye => {
                let eye = Rect::from_center_size(pos2(x, column.top() + 7.0), vec2(14.0, 9.0));
                icon::paint(painter, Icon::Eye, eye, theme.accent);
            }
            Sign::Dot => drop(painter.circle_filled(pos2(x, column.top() + 8.0), 2.5, theme.second)),
        }
        x += 11.0;
    }
}
