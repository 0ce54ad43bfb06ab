//! How a set of somebody else is read: what was found, and what people decide instead.

use egui::{ComboBox, Role, Ui, WidgetInfo};

use crate::{
    app::action::Action,
    report::{OpenedSet, Reading, ValueRange},
};

/// Parts along each side into which images can be cut.
const PACKINGS: [usize; 3] = [1, 2, 3];

/// The choices beside a set that was opened; each reads it anew and judges it so.
pub(crate) fn show(ui: &mut Ui, set: &OpenedSet, actions: &mut Vec<Action>) {
    let OpenedSet { path, reading, read_as } = set;
    let mut next = *reading;
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing.x = 4.0;
        let found = format!("found: {}", read_as.range);
        let shown = reading.range.map_or_else(|| found.clone(), |range| range.to_string());
        choice(ui, "Range of the values", &shown, |ui| {
            ui.selectable_value(&mut next.range, None, "By its values");
            for range in ValueRange::ALL {
                ui.selectable_value(&mut next.range, Some(range), format!("{range}: {}", range.describe()));
            }
        });
        let parts = |packing: usize| match packing {
            1 => "whole images".to_owned(),
            packing => format!("{packing} x {packing} parts"),
        };
        choice(ui, "Parts of an image", &parts(reading.packing.unwrap_or(read_as.packing)), |ui| {
            for packing in PACKINGS {
                let is_chosen = reading.packing.unwrap_or(read_as.packing) == packing;
                if ui.selectable_label(is_chosen, parts(packing)).clicked() && !is_chosen {
                    next.packing = Some(packing);
                }
            }
        });
        if read_as.soft_labels || reading.argmax {
            let hint = "Take the likeliest class of each image instead of its shares of several";
            ui.checkbox(&mut next.argmax, "Likeliest class").on_hover_text(hint);
        }
        if *reading != Reading::default() && ui.small_button("As found").clicked() {
            next = Reading::default();
        }
    });
    super::caption(ui, without_options(&read_as.note));
    if next != *reading {
        actions.push(Action::OpenSet(path.clone(), next));
    }
}

fn choice(ui: &mut Ui, name: &str, shown: &str, add: impl FnOnce(&mut Ui)) {
    let combo = ComboBox::from_id_salt(name).selected_text(shown).show_ui(ui, add);
    combo.response.on_hover_text(name).widget_info(|| WidgetInfo::labeled(Role::ComboBox, true, name));
}

/// What was found, without the options of the command line: the choices for them stand above.
fn without_options(note: &str) -> String {
    let is_said = |part: &&str| !part.starts_with("--");
    let plain = |part: &str| match part.split_once(" (--") {
        Some((before, rest)) => format!("{before}{}", rest.split_once(')').map_or("", |(_, after)| after)),
        None => part.to_owned(),
    };
    note.split("; ").filter(is_said).map(plain).collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_does_not_speak_of_the_command_line() {
        for (note, said) in [
            ("judged as whole images; --packing 2 cuts each into four", "judged as whole images"),
            ("2 lie outside and are clamped (--range unit keeps them); 3 x 3", "2 lie outside and are clamped; 3 x 3"),
            (
                "range unit (0 is black, 1 is white): as its form says",
                "range unit (0 is black, 1 is white): as its form says",
            ),
            ("by soft cross-entropy (--argmax takes the likeliest class)", "by soft cross-entropy"),
        ] {
            assert_eq!(without_options(note), said);
        }
    }
}
