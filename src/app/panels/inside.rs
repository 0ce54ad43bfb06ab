//! What is in a data set, before a run begins with it: opened by a dialog, dropped on the window, or typed.

use std::path::{Path, PathBuf};

use crossbeam_channel::{Receiver, TryRecvError, bounded};
use egui::{RichText, Ui};

use crate::{
    app::theme,
    report::DataSummary,
    words::{bytes, duration, grouped},
};

/// Classes that are named one by one.
const NAMED: usize = 6;

/// What a dialog lets people choose.
#[derive(Clone, Copy)]
pub(super) enum Pick {
    Folder,
    File,
}

/// What a path leads to.
pub(super) enum Kind {
    /// What `spiritsafe compare` has written.
    Comparison,
    /// A distilled set.
    Set,
    /// Data for a run.
    Data,
}

/// Told by names alone; what is no comparison and no set may be data.
pub(super) fn kind(path: &Path) -> Kind {
    const COMPARISON: &str = "comparison.json";
    let is = |ending: &str| path.extension().is_some_and(|found| found.eq_ignore_ascii_case(ending));
    if path.ends_with(COMPARISON) || path.join(COMPARISON).is_file() {
        return Kind::Comparison;
    }
    let beside_card = path.join("card.json").is_file() || path.with_file_name("card.json").is_file();
    if beside_card || is("pt") || is("pth") || is("safetensors") { Kind::Set } else { Kind::Data }
}

/// A dialog that is open on a thread of its own.
#[derive(Default)]
pub(super) struct Picker(Option<Receiver<Option<PathBuf>>>);

impl Picker {
    /// Opens the dialog of the system, unless one is open.
    pub(super) fn open(&mut self, ctx: &egui::Context, what: Pick) {
        if self.0.is_some() {
            return;
        }
        let (told, chosen) = bounded(1);
        let ctx = ctx.clone();
        let spawned = std::thread::Builder::new().name("file dialog".to_owned()).spawn(move || {
            let dialog = rfd::FileDialog::new();
            let _ = told.send(match what {
                Pick::Folder => {
                    dialog.set_title("Open a folder of pictures, a data set or an exported set").pick_folder()
                }
                Pick::File => dialog.set_title("Open a distilled set, a data set or a comparison").pick_file(),
            });
            ctx.request_repaint();
        });
        self.0 = spawned.is_ok().then_some(chosen);
    }

    /// The folder that somebody has chosen, once.
    pub(super) fn chosen(&mut self) -> Option<PathBuf> {
        match self.0.as_ref()?.try_recv() {
            Err(TryRecvError::Empty) => None,
            Err(TryRecvError::Disconnected) => {
                self.0 = None;
                None
            }
            Ok(path) => {
                self.0 = None;
                path
            }
        }
    }
}

/// A data set in words, with what a run would cost.
pub(super) fn summary(ui: &mut Ui, summary: &DataSummary) {
    let theme = theme::of(ui);
    let DataSummary { info, counts, .. } = summary;
    let [channels, height, width] = info.shape;
    let kind = if channels == 1 { "grey" } else { "colour" };
    let mut lines = vec![
        format!(
            "{}: {} training and {} test images, {width} x {height}, {kind}, {}",
            info.name,
            grouped((info.train + info.holdout) as u64),
            grouped(info.test as u64),
            bytes(summary.pixel_bytes as f64)
        ),
        classes(&info.class_names, counts),
        format!(
            "A step takes {:.2} s here, the whole run about {} (networks and judging on top)",
            summary.step_secs,
            duration(summary.run_secs)
        ),
    ];
    if let Some(memory) = summary.memory_bytes {
        lines.push(format!("Memory of this program with it: {}", bytes(memory as f64)));
    }
    for line in lines {
        ui.label(RichText::new(line).small());
    }
    for note in &summary.notes {
        ui.label(RichText::new(note).small().color(theme.warn));
    }
}

fn classes(names: &[String], counts: &[usize]) -> String {
    let class = |(name, count): (&String, &usize)| format!("{name} {}", grouped(*count as u64));
    let named: Vec<String> = names.iter().zip(counts).take(NAMED).map(class).collect();
    let more = names.len().saturating_sub(NAMED);
    let tail = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{} classes: {}{tail}", names.len(), named.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_classes_are_counted_not_listed() {
        let names: Vec<String> = (0..8).map(|class| format!("c{class}")).collect();
        assert_eq!(
            classes(&names, &[1200; 8]),
            "8 classes: c0 1,200, c1 1,200, c2 1,200, c3 1,200, c4 1,200, c5 1,200 and 2 more"
        );
        assert_eq!(classes(&names[..1], &[3]), "1 classes: c0 3");
    }
}
