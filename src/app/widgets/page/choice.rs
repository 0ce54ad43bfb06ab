//! The classes of which one is chosen.

use egui::{Align2, FontId, Rect, Role, ScrollArea, Sense, Stroke, Ui, UiBuilder, WidgetInfo, pos2, vec2};

use super::{Canvas, card, line};
use crate::{
    app::{
        theme::{self, Theme},
        widgets::marker,
    },
    report::page::{Choice, ChoiceOption, Reference},
};

/// Height of a row at least and at most, where all have room; and where they have none and the list scrolls.
const ROWS: [f32; 2] = [10.5, 19.0];
const SCROLLED: f32 = 15.0;
/// Below this width of a page the list is narrow.
const NARROW: f32 = 750.0;

/// The room for the list at the left of a page.
pub(super) fn room(choice: &Choice, rect: Rect) -> Rect {
    let has_bars = choice.options.iter().any(|option| option.bar.is_some());
    let has_figures = choice.options.iter().any(|option| !option.figure.is_empty());
    let width: f32 = match (has_bars, has_figures) {
        (true, _) if rect.width() > NARROW => 190.0,
        (true, _) => 122.0,
        (_, true) => 112.0,
        _ => 92.0,
    };
    Rect::from_min_max(rect.min, pos2(rect.left() + width.min(0.4 * rect.width()), rect.bottom()))
}

/// Draws the list; the class that was clicked.
pub(super) fn show(ui: &mut Ui, rect: Rect, choice: &Choice, canvas: &mut Canvas<'_>) -> Option<usize> {
    let row = (rect.height() / choice.options.len().max(1) as f32 - 0.01).min(ROWS[1]);
    let row = if row < ROWS[0] { SCROLLED } else { row };
    let ends = choice.options.iter().flat_map(|option| [option.bar, option.line]).flatten();
    let longest = ends.fold(f64::MIN_POSITIVE, f64::max);
    let mut clicked = None;
    ui.scope_builder(UiBuilder::new().max_rect(rect).id_salt("choice"), |ui| {
        ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
            ui.spacing_mut().item_spacing.y = 0.0;
            for (class, option) in choice.options.iter().enumerate() {
                let (place, response) = ui.allocate_exact_size(vec2(ui.available_width(), row), Sense::click());
                let name = format!("{} {}", choice.what, option.name);
                response.widget_info(|| WidgetInfo::labeled(Role::Button, true, &name));
                let is_pointed = response.hovered() || canvas.hover.is(&Reference::Class(class));
                draw(ui, place, (option, class), (class == choice.chosen, is_pointed), longest);
                if response.hovered() {
                    canvas.hovering.class = Some(class);
                    if !option.hover.is_empty() {
                        card(&response, &format!("{}: {}", option.name, option.hover));
                    }
                }
                if response.clicked() {
                    clicked = Some(class);
                }
            }
        });
    });
    clicked
}

fn draw(
    ui: &Ui,
    place: Rect,
    (option, class): (&ChoiceOption, usize),
    (is_chosen, is_pointed): (bool, bool),
    longest: f64,
) {
    let theme: &Theme = theme::of(ui);
    let painter = ui.painter();
    if is_chosen || is_pointed {
        painter.rect_filled(place, 3.0, if is_chosen { theme.wash } else { theme.raised });
    }
    let edge = Stroke::new(1.0, theme::fade(theme.ground, 0.6));
    marker::paint(painter, class, place.left_center() + vec2(8.0, 0.0), 3.5, theme.class(class), edge);
    let figure = if option.figure.is_empty() {
        place.right() - 2.0
    } else {
        let at = place.right_center() - vec2(4.0, 0.0);
        painter.text(at, Align2::RIGHT_CENTER, &option.figure, theme::digits(10.0), theme.dim).left() - 7.0
    };
    let font = FontId::proportional(11.0);
    let names = match option.bar {
        Some(_) => {
            if place.width() > 150.0 {
                60.0
            } else {
                26.0
            }
        }
        None => figure - place.left() - 18.0,
    };
    line(painter, place.left_center() + vec2(18.0, 0.0), Align2::LEFT_CENTER, &option.name, font, theme.text, names);
    let Some(value) = option.bar else { return };
    let left = place.left() + 18.0 + names + 4.0;
    let bar = Rect::from_min_max(pos2(left, place.center().y - 3.5), pos2(figure, place.center().y + 3.5));
    if bar.width() < 8.0 {
        return;
    }
    let length = |value: f64| bar.width() * (value / longest).clamp(0.0, 1.0) as f32;
    painter.rect_filled(bar, 2.0, theme.raised);
    painter.rect_filled(Rect::from_min_size(bar.min, vec2(length(value), bar.height())), 2.0, theme.class(class));
    if let Some(value) = option.line {
        painter.vline(bar.left() + length(value), bar.y_range().expand(2.5), Stroke::new(1.5, theme.text));
    }
}
