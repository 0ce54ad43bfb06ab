//! Which part of a data set something belongs to, by the words that people use, in any case.

/// A part of a data set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Part {
    Train,
    Validation,
    Test,
}

impl Part {
    /// The part that a word means.
    pub(super) fn named(word: &str) -> Option<Self> {
        match word.trim().to_lowercase().as_str() {
            "train" | "training" => Some(Self::Train),
            "val" | "valid" | "validation" | "dev" => Some(Self::Validation),
            "test" | "testing" => Some(Self::Test),
            _ => None,
        }
    }

    /// The part that a name says somewhere, and the other words of the name: `x_train`, `train-00000-of-00002`, `trainX`.
    pub(super) fn within(name: &str) -> (Option<Self>, String) {
        let lower = name.to_lowercase();
        let (mut part, mut others) = (None, Vec::new());
        for word in lower.split(['_', '-', '.', ' ']).filter(|word| !word.is_empty()) {
            let sides = ["x", "y"].into_iter().find_map(|role| {
                let rest = word.strip_prefix(role).or_else(|| word.strip_suffix(role))?;
                Some((Self::named(rest)?, role))
            });
            match (part, Self::named(word), sides) {
                (None, Some(named), _) => part = Some(named),
                (None, None, Some((named, role))) => {
                    part = Some(named);
                    others.push(role);
                }
                _ => others.push(word),
            }
        }
        (part, others.join("_"))
    }
}
