//! The file dialog of the system, on a thread of its own, and a word where it does not answer.

use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

use crossbeam_channel::{Receiver, TryRecvError, bounded};

/// What a dialog lets people choose.
#[derive(Clone, Copy)]
pub(super) enum Pick {
    Folder,
    Files,
}

/// Nobody closes a dialog so soon: it was never there.
const NEVER_THERE: Duration = Duration::from_millis(400);
/// A dialog stands on the screen after so long.
const PATIENCE: Duration = Duration::from_secs(2);

/// What came of a dialog: the paths, or none.
type Chosen = Option<Vec<PathBuf>>;

/// A dialog.
#[derive(Default)]
pub(super) struct Picker {
    open: Option<(Receiver<Chosen>, Instant)>,
    has_failed: bool,
}

impl Picker {
    /// Opens the dialog of the system, unless one is open.
    pub(super) fn open(&mut self, ctx: &egui::Context, what: Pick) {
        let ask = move || {
            let dialog = rfd::FileDialog::new();
            match what {
                Pick::Folder => dialog
                    .set_title("Open a folder of pictures, a data set or an exported set")
                    .pick_folder()
                    .map(|folder| vec![folder]),
                Pick::Files => dialog.set_title("Open a distilled set, a data set or a comparison").pick_files(),
            }
        };
        self.open_with(ctx, ask);
    }

    fn open_with(&mut self, ctx: &egui::Context, ask: impl FnOnce() -> Chosen + Send + 'static) {
        if self.open.is_some() {
            return;
        }
        let (told, chosen) = bounded(1);
        let again = ctx.clone();
        let spawned = std::thread::Builder::new().name("file dialog".to_owned()).spawn(move || {
            let _ = told.send(ask());
            again.request_repaint();
        });
        self.has_failed = spawned.is_err();
        self.open = spawned.is_ok().then(|| (chosen, Instant::now()));
        ctx.request_repaint_after(PATIENCE);
    }

    /// What somebody has chosen, once.
    pub(super) fn chosen(&mut self) -> Chosen {
        let (chosen, since) = self.open.as_ref()?;
        let outcome = match chosen.try_recv() {
            Err(TryRecvError::Empty) => return None,
            Err(TryRecvError::Disconnected) => None,
            Ok(paths) => paths,
        };
        self.has_failed = outcome.is_none() && since.elapsed() < NEVER_THERE;
        self.open = None;
        outcome
    }

    /// What to do where no dialog shows.
    pub(super) fn word(&self) -> Option<&'static str> {
        match &self.open {
            None if self.has_failed => {
                Some("No file dialog answers on this system (it needs a desktop portal). Type or paste a path above")
            }
            Some((_, since)) if since.elapsed() >= PATIENCE => {
                Some("A file dialog was asked for. If none shows, type or paste a path above")
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn until(picker: &mut Picker, is_true: impl Fn(&Picker, &Chosen) -> bool) -> Chosen {
        let begun = Instant::now();
        loop {
            let chosen = picker.chosen();
            if is_true(picker, &chosen) {
                return chosen;
            }
            assert!(begun.elapsed() < Duration::from_secs(20), "never");
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    #[test]
    fn a_dialog_that_does_not_answer_leads_to_a_word() {
        let (ctx, mut picker) = (egui::Context::default(), Picker::default());
        assert_eq!(picker.word(), None);
        // No portal: it comes back at once with nothing.
        picker.open_with(&ctx, || None);
        until(&mut picker, |picker, _| picker.word().is_some_and(|word| word.contains("portal")));
        // A portal that is silent.
        let (keep, silent) = bounded::<Chosen>(1);
        picker.open_with(&ctx, move || silent.recv().ok().flatten());
        assert_eq!(picker.word(), None, "a dialog is given time");
        until(&mut picker, |picker, _| picker.word().is_some_and(|word| word.contains("If none shows")));
        drop(keep);
        until(&mut picker, |picker, _| picker.open.is_none());
        // One that somebody closes after a while is no failure, and one that answers is heard.
        picker.open_with(&ctx, || {
            std::thread::sleep(NEVER_THERE * 2);
            None
        });
        until(&mut picker, |picker, _| picker.open.is_none());
        assert_eq!(picker.word(), None);
        picker.open_with(&ctx, || Some(vec![PathBuf::from("a"), PathBuf::from("b")]));
        assert_eq!(until(&mut picker, |_, chosen| chosen.is_some()).unwrap().len(), 2);
    }
}
