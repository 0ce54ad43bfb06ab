//! The draft of the next run: what people have set, and what the preset says of the rest.

use std::path::{Path, PathBuf};

use crate::{
    app::opening,
    config::{PRESETS, RunConfig},
    engine::{JudgeAtEnd, Start, free_folder},
};

/// Presets whose networks fit their own small data, and the one that takes pictures of any kind.
const MADE_FOR: [&str; 4] = ["digits", "plane", "iid-digits", "cmi-digits"];
const FOR_PICTURES: &str = "iid-cpu";

/// What is judged when all steps are done, with words for the choice.
pub(super) const JUDGED_AT_END: [(JudgeAtEnd, &str, &str); 4] = [
    (
        JudgeAtEnd::Usual,
        "usual",
        "The distilled images, as many random ones and medoids; the whole set where that is known or little work",
    ),
    (JudgeAtEnd::All, "all", "The same, and the whole set however long it takes"),
    (JudgeAtEnd::Images, "images", "The distilled images alone"),
    (JudgeAtEnd::Nothing, "none", "Nothing; the test split is not used"),
];

/// The draft of the next run.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Draft {
    pub(super) base: RunConfig,
    pub(super) data: String,
    pub(super) per_class: usize,
    pub(super) seed: u64,
    pub(super) steps: u64,
    pub(super) device: String,
    pub(super) out: String,
    pub(super) judge: JudgeAtEnd,
    /// Labels of the classes to distil; empty for all.
    pub(super) classes: Vec<u32>,
}

impl Draft {
    pub(super) fn of(config: &RunConfig, out: &Path, judge: JudgeAtEnd) -> Self {
        Self {
            data: config.data.to_string(),
            per_class: config.images.per_class,
            seed: config.seed,
            steps: config.steps,
            device: device_name(config),
            out: out.display().to_string(),
            judge,
            classes: config.classes.clone(),
            base: config.clone(),
        }
    }

    /// The draft of a preset as it comes.
    fn preset(name: &str, out: &Path) -> Option<Self> {
        RunConfig::preset(name, &[]).ok().map(|config| Self::of(&config, out, JudgeAtEnd::default()))
    }

    /// Another preset. What somebody has set stays; what stands as the old preset has it follows the new one.
    pub(super) fn turned_to(&self, name: &str) -> Option<Self> {
        let mut out = PathBuf::from(&self.out);
        // A folder that is named after the preset follows it.
        if out.file_name().is_some_and(|folder| folder.to_string_lossy().starts_with(&self.base.name)) {
            out.set_file_name(name);
        }
        let mut next = Self::preset(name, &out)?;
        let old = Self::preset(&self.base.name, &out).unwrap_or_else(|| Self::of(&self.base, &out, self.judge));
        macro_rules! keep {
            ($($field:ident),*) => { $(if self.$field != old.$field { next.$field.clone_from(&self.$field); })* };
        }
        keep!(data, per_class, seed, steps, device, judge, classes);
        if next.base.joins_classes().is_some() {
            next.classes.clear();
        }
        Some(next)
    }

    /// The draft with the data that lies at a path, by a preset that can take it; or why it cannot be.
    pub(super) fn with_data(&self, path: &Path) -> Result<Self, String> {
        let fits = !MADE_FOR.contains(&self.base.name.as_str());
        let mut next = if fits { Some(self.clone()) } else { self.turned_to(FOR_PICTURES) }.unwrap_or(self.clone());
        next.data = path.display().to_string();
        next.classes.clear();
        next.data = next.config()?.data.to_string();
        Ok(next)
    }

    /// Side to which pictures are made, where another can be chosen.
    pub(super) fn size(&self) -> Option<usize> {
        self.config().ok()?.data.size()
    }

    /// Makes pictures to another side.
    pub(super) fn resize(&mut self, side: usize) {
        if let Some(Ok(data)) = self.config().ok().map(|config| config.data.with_size(side)) {
            self.data = data.to_string();
        }
    }

    /// The config that the draft stands for, or what is wrong with it.
    pub(super) fn config(&self) -> Result<RunConfig, String> {
        let mut config = self.base.clone();
        config.data = opening::cleaned(&self.data).parse().map_err(|error| format!("data set: {error}"))?;
        config.device = toml::Value::from(self.device.as_str())
            .try_into()
            .map_err(|_| format!("there is no device \"{}\"", self.device))?;
        config.images.per_class = self.per_class;
        config.seed = self.seed;
        config.steps = self.steps;
        config.classes.clone_from(&self.classes);
        Ok(config)
    }

    /// The run that the draft stands for.
    pub(super) fn start(&self) -> Result<Start, String> {
        let out = free_folder(Path::new(&opening::cleaned(&self.out)));
        Ok(Start { judge: self.judge, ..Start::new(self.config()?, out) })
    }

    /// What differs from what runs, in words.
    pub(super) fn changes(&self, now: &Start) -> Vec<String> {
        let mut changes = Vec::new();
        let mut compare = |name: &str, old: String, new: String| {
            if old != new {
                changes.push(format!("{name} {old} to {new}"));
            }
        };
        let Start { config, judge, .. } = now;
        compare("preset", config.name.clone(), self.base.name.clone());
        compare("data set", config.data.to_string(), self.data.clone());
        compare("classes", class_words(&config.classes), class_words(&self.classes));
        compare("images per class", config.images.per_class.to_string(), self.per_class.to_string());
        compare("seed", config.seed.to_string(), self.seed.to_string());
        compare("steps", config.steps.to_string(), self.steps.to_string());
        compare("device", device_name(config), self.device.clone());
        compare("judged at the end", judged_word(*judge).to_owned(), judged_word(self.judge).to_owned());
        changes
    }
}

fn class_words(classes: &[u32]) -> String {
    match classes {
        [] => "all".to_owned(),
        [one] => format!("{one} alone"),
        many if many.len() <= 6 => many.iter().map(u32::to_string).collect::<Vec<_>>().join(", "),
        many => format!("{} of them", many.len()),
    }
}

/// The word for what is judged at the end.
pub(super) fn judged_word(judge: JudgeAtEnd) -> &'static str {
    JUDGED_AT_END.iter().find(|(known, ..)| *known == judge).map_or("usual", |(_, word, _)| word)
}

/// The device as it stands in a config file.
fn device_name(config: &RunConfig) -> String {
    let value = toml::Value::try_from(config.device).ok();
    value.and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_else(|| "auto".to_owned())
}

/// Names of the presets.
pub(super) fn preset_names() -> impl Iterator<Item = &'static str> {
    PRESETS.iter().map(|preset| preset.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft(name: &str) -> Draft {
        Draft::preset(name, Path::new("runs").join(name).as_path()).unwrap()
    }

    #[test]
    fn a_draft_is_the_config_until_something_is_changed() {
        for name in preset_names() {
            let config = RunConfig::preset(name, &[]).unwrap();
            let start = Start::new(config.clone(), "run".into());
            let mut draft = Draft::of(&config, Path::new("run"), JudgeAtEnd::Usual);
            assert_eq!(draft.config().unwrap(), config, "{name}");
            assert!(draft.changes(&start).is_empty());
            draft.per_class += 1;
            draft.judge = JudgeAtEnd::Images;
            assert_eq!(draft.config().unwrap().images.per_class, config.images.per_class + 1);
            assert_eq!(draft.start().unwrap().judge, JudgeAtEnd::Images);
            assert_eq!(draft.changes(&start).len(), 2);
        }
    }

    #[test]
    fn a_wrong_data_set_is_named_without_words_of_the_command_line() {
        let fault = Draft { data: "mnits".to_owned(), ..draft("digits") }.config().unwrap_err();
        assert!(fault.contains("mnits") && !fault.contains("--set"), "{fault}");
    }

    #[test]
    fn a_preset_keeps_what_was_set_and_brings_the_rest() {
        let mut set = draft("digits");
        (set.seed, set.per_class, set.judge) = (7, 3, JudgeAtEnd::All);
        let turned = set.turned_to("plane").unwrap();
        let plane = draft("plane");
        assert_eq!((turned.seed, turned.per_class, turned.judge), (7, 3, JudgeAtEnd::All));
        assert_eq!((&turned.data, turned.steps, turned.out.as_str()), (&plane.data, plane.steps, "runs/plane"));
        let folder = tempfile::tempdir().unwrap();
        let pictures = draft("dm-cpu").with_data(folder.path()).unwrap();
        for name in preset_names() {
            assert_eq!(pictures.turned_to(name).unwrap().data, pictures.data, "{name}");
        }
    }

    #[test]
    fn classes_are_chosen_only_where_they_go_their_own_way() {
        let some = Draft { classes: vec![1, 2], ..draft("digits") };
        for name in preset_names() {
            let turned = some.turned_to(name).unwrap();
            let joined = turned.base.joins_classes();
            assert_eq!(turned.classes.is_empty(), joined.is_some(), "{name}");
            assert_eq!(joined.is_some(), name.starts_with("pemdd"), "{name}: {joined:?}");
        }
    }

    #[test]
    fn data_that_cannot_be_read_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let set = draft("digits");
        assert!(set.with_data(&folder.path().join("nothing")).unwrap_err().contains("nothing"));
        let taken = set.with_data(folder.path()).unwrap();
        assert_eq!((taken.base.name.as_str(), taken.per_class), (FOR_PICTURES, draft(FOR_PICTURES).per_class));
        assert_eq!(taken.out, "runs/iid-cpu");
    }

    #[test]
    fn a_new_run_gets_a_folder_of_its_own() {
        let root = tempfile::tempdir().unwrap();
        let out = root.path().join("digits-4");
        assert_eq!(free_folder(&out), out);
        std::fs::create_dir(&out).unwrap();
        assert_eq!(free_folder(&out), root.path().join("digits-2"));
    }
}
