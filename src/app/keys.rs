//! The keyboard, as far as it belongs to no panel.

use egui::{Context, Key, Modifiers};

use super::{App, action::Action, layout::Preset, widgets::chart};

impl App {
    /// Keys that work everywhere. They are read after the panels, so that a control with the focus has them first.
    pub(super) fn keys(&mut self, ctx: &Context) {
        // Keys that were typed into a field go nowhere else, though Enter may have closed it in the same frame; and where the focus
        // has just moved, nobody can say for whom they were.
        let focused = ctx.memory(egui::Memory::focused);
        if self.typing || ctx.text_edit_focused() || focused.is_some() && focused != self.focused {
            return;
        }
        let pressed = |key: Key| ctx.input_mut(|input| input.consume_key(Modifiers::NONE, key));
        // Where frames are slow, a key may come twice in one.
        let presses = |key: Key| ctx.input_mut(|input| input.count_and_consume_key(Modifiers::NONE, key));
        if (focused.is_none() || chart::leaves_space(ctx, focused)) && pressed(Key::Space) {
            self.actions.push(Action::ToggleRun);
        }
        if self.run.phase.is_live() {
            self.actions.extend((0..presses(Key::S)).map(|_| Action::Step));
        }
        for (key, preset) in [Key::Num1, Key::Num2, Key::Num3, Key::Num4].into_iter().zip(Preset::ALL) {
            if pressed(key) {
                self.actions.push(Action::UseLayout(preset));
            }
        }
        for (key, slower) in [(Key::Comma, true), (Key::Period, false)] {
            self.actions.extend((0..presses(key)).map(|_| Action::ShiftPace { slower }));
        }
        let view = &mut self.view;
        if pressed(Key::L) {
            view.turn_loss_axis(&self.run.history);
        }
        if pressed(Key::G) {
            view.turn_gallery();
        }
        for (key, choice) in [(Key::W, &mut view.weighted), (Key::P, &mut view.pictures), (Key::A, &mut view.apart)] {
            *choice ^= pressed(key);
        }
        if pressed(Key::T) {
            let dark = ctx.global_style().visuals.dark_mode;
            ctx.set_theme(if dark { egui::Theme::Light } else { egui::Theme::Dark });
        }
        let question = ctx.input_mut(|input| {
            let count = input.count_and_consume_key(Modifiers::SHIFT, Key::Questionmark);
            count
                + input.count_and_consume_key(Modifiers::NONE, Key::Questionmark)
                + usize::from(input.consume_key(Modifiers::NONE, Key::F1))
        });
        view.help ^= question > 0;
    }
}
