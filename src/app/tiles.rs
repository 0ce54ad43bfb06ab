//! How panels lie in the window: rounded sheets under quiet tabs, with gaps that can be dragged.

use egui::{Color32, CornerRadius, Frame, Margin, Stroke, Style, Ui, Visuals, WidgetText};
use egui_tiles::{Behavior, ResizeState, SimplificationOptions, TabState, TileId, Tiles, UiResponse};

use super::{layout::Pane, panels::Panels, theme, view::Scene};

/// Draws the panels into their tiles.
pub(super) struct Desk<'a, 'b> {
    /// What the panels keep.
    pub(super) panels: &'a mut Panels,
    /// What they are given.
    pub(super) scene: &'a mut Scene<'b>,
}

impl Behavior<Pane> for Desk<'_, '_> {
    fn pane_ui(&mut self, ui: &mut Ui, _tile: TileId, pane: &mut Pane) -> UiResponse {
        let theme = theme::of(ui);
        let round = CornerRadius { nw: 0, ne: theme::ROUND, sw: theme::ROUND, se: theme::ROUND };
        let frame = Frame::new().fill(theme.panel).corner_radius(round).inner_margin(Margin::symmetric(10, 8));
        frame.show(ui, |ui| {
            ui.set_min_size(ui.available_size());
            ui.set_clip_rect(ui.clip_rect().intersect(ui.max_rect().expand(6.0)));
            ui.push_id(pane.title(), |ui| self.panels.show(*pane, ui, self.scene));
        });
        UiResponse::None
    }

    fn tab_title_for_pane(&mut self, pane: &Pane) -> WidgetText {
        pane.title().into()
    }

    fn simplification_options(&self) -> SimplificationOptions {
        SimplificationOptions { all_panes_must_have_tabs: true, ..Default::default() }
    }

    fn gap_width(&self, _style: &Style) -> f32 {
        theme::GAP
    }

    fn min_size(&self) -> f32 {
        120.0
    }

    fn tab_bar_height(&self, _style: &Style) -> f32 {
        27.0
    }

    fn tab_title_spacing(&self, _visuals: &Visuals) -> f32 {
        11.0
    }

    fn tab_bar_color(&self, visuals: &Visuals) -> Color32 {
        theme::of_visuals(visuals).ground
    }

    fn tab_bar_hline_stroke(&self, _visuals: &Visuals) -> Stroke {
        Stroke::NONE
    }

    fn tab_outline_stroke(&self, _visuals: &Visuals, _tiles: &Tiles<Pane>, _tile: TileId, _state: &TabState) -> Stroke {
        Stroke::NONE
    }

    fn tab_bg_color(&self, visuals: &Visuals, _tiles: &Tiles<Pane>, _tile: TileId, state: &TabState) -> Color32 {
        let theme = theme::of_visuals(visuals);
        if state.active { theme.panel } else { theme.ground }
    }

    fn tab_text_color(&self, visuals: &Visuals, _tiles: &Tiles<Pane>, _tile: TileId, state: &TabState) -> Color32 {
        let theme = theme::of_visuals(visuals);
        if state.active { theme.text } else { theme.dim }
    }

    fn resize_stroke(&self, style: &Style, state: ResizeState) -> Stroke {
        let theme = theme::of_visuals(&style.visuals);
        match state {
            ResizeState::Idle => Stroke::NONE,
            ResizeState::Hovering => Stroke::new(2.0, theme.faint),
            ResizeState::Dragging => Stroke::new(2.0, theme.accent),
        }
    }
}
