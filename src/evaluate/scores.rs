//! The scores of DD-Ranking: how far a set's worth survives without its own tricks.
//!
//! Source: NUS-HPC-AI-Lab/DD-Ranking. Accuracies are fractions of 1, as its formulas need them; release 0.2 of its code
//! feeds per cent, which leaves the range.

/// What has to be measured, as fractions of 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LabelRobust {
    /// The whole training set with hard labels.
    pub real_hard: f64,
    /// The synthetic set with hard labels.
    pub synthetic_hard: f64,
    /// The synthetic set with the labels of its own protocol.
    pub synthetic: f64,
    /// Random selection by that protocol.
    pub random: f64,
}

impl LabelRobust {
    /// Hard label recovery: what is lost against the whole set with hard labels.
    pub fn hard_label_recovery(&self) -> f64 {
        self.real_hard - self.synthetic_hard
    }

    /// Improvement over random.
    pub fn improvement_over_random(&self) -> f64 {
        self.synthetic - self.random
    }

    /// The label-robust score: `alpha = (IOR - HLR) / 2` in `(exp(alpha) - 1/e) / (e - 1/e)`, from 0 to 1.
    pub fn score(&self) -> f64 {
        normalised(0.5 * self.improvement_over_random() - 0.5 * self.hard_label_recovery())
    }
}

/// What has to be measured, as fractions of 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AugmentationRobust {
    /// The synthetic set.
    pub synthetic: f64,
    /// Random selection.
    pub random: f64,
    /// The synthetic set without augmentation.
    pub synthetic_plain: f64,
    /// Random selection without augmentation.
    pub random_plain: f64,
}

impl AugmentationRobust {
    /// The augmentation-robust score: `beta`, the mean of the gains over random with and without augmentation, from 0 to
    /// 1 as the other score.
    pub fn score(&self) -> f64 {
        normalised(0.5 * (self.synthetic - self.random) + 0.5 * (self.synthetic_plain - self.random_plain))
    }
}

fn normalised(x: f64) -> f64 {
    let e = std::f64::consts::E;
    (x.exp() - 1.0 / e) / (e - 1.0 / e)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_are_the_golden_numbers() {
        let close = |a: f64, b: f64| assert!((a - b).abs() < 5e-6, "{a} is not {b}");
        close(normalised(0.0), 0.26894);
        close(normalised(1.0), 1.0);
        close(normalised(-1.0), 0.0);
        let measured = LabelRobust { real_hard: 0.85, synthetic_hard: 0.48, synthetic: 0.48, random: 0.33 };
        close(measured.hard_label_recovery(), 0.37);
        close(measured.improvement_over_random(), 0.15);
        assert!((measured.score() - 0.2246).abs() < 5e-5, "{}", measured.score());
        let same = AugmentationRobust { synthetic: 0.5, random: 0.4, synthetic_plain: 0.3, random_plain: 0.4 };
        close(same.score(), 0.26894);
    }
}
