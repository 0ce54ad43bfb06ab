//! Weights of the papers: released for a data set, a number of images in each class and a base, and looked up for a run.
//!
//! Sources: IID, VincenDen/IID; CMI, comments of ndhg1213/CMIDD; IDM, `command.txt` of uitrbn/IDM.

use super::Base;
use crate::report::PaperMark;

/// The run that a weight is looked up for.
#[derive(Clone, Copy, Debug)]
pub struct PaperCase<'a> {
    /// Name of the data set.
    pub data: &'a str,
    /// Classes of the data set, whichever the run distils.
    pub classes: usize,
    /// Images in each class, as they are stored.
    pub per_class: usize,
    /// What the terms come on top of.
    pub base: Base,
}

/// A released weight: base, data set, images in each class, weight.
pub(super) type Row = (Base, &'static str, usize, f64);

/// Names as papers write them, and classes.
const SETS: [(&str, &str, usize); 4] = [
    ("cifar10", "CIFAR-10", 10),
    ("cifar100", "CIFAR-100", 100),
    ("svhn", "SVHN", 10),
    ("tiny-imagenet", "Tiny ImageNet", 200),
];

/// All rows as marks, the one for the run first, otherwise the one nearest to it: the same base, then the same data, then the
/// nearest number of images. `by_classes`: the released weight is that of a mean over all classes, where a term here is a sum
/// over them, so that it is divided by the classes of the data; for other data than released, by those of the run's.
pub(super) fn marks(rows: &[Row], case: PaperCase<'_>, by_classes: bool) -> Vec<PaperMark> {
    let distance = |&(base, data, per_class, _): &Row| {
        let images = (per_class as f64 / case.per_class.max(1) as f64).ln().abs();
        // CIFAR-10 is what papers tune on: it stands for other data.
        let data = if data == case.data {
            0.0
        } else if data == "cifar10" {
            100.0
        } else {
            200.0
        };
        images + data + if base == case.base { 0.0 } else { 1000.0 }
    };
    let mut rows = rows.to_vec();
    rows.sort_by(|a, b| distance(a).total_cmp(&distance(b)));
    let mark = |row: Row| {
        let (base, data, per_class, weight) = row;
        let (_, name, classes) = SETS.into_iter().find(|known| known.0 == data).expect("every row has a known set");
        let classes = if data == case.data { case.classes } else { classes };
        PaperMark {
            value: if by_classes { weight / classes as f64 } else { weight },
            setting: format!("{name}, {per_class} per class, on {}", base.describe()),
            fits: distance(&row) == 0.0,
        }
    };
    rows.into_iter().map(mark).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::methods::matching::terms::{Centralization, Covariance, CrossEntropy, Information, Mean, Term};

    fn case(data: &str, classes: usize, per_class: usize, base: Base) -> PaperCase<'_> {
        PaperCase { data, classes, per_class, base }
    }

    /// The released weights, one by one.
    #[test]
    fn every_setting_has_the_weight_of_its_authors() {
        let (dm, idm) = (Base::Dm, Base::Idm);
        let information: &dyn Term = &Information;
        let (cross_entropy, covariance, centralization): (&dyn Term, &dyn Term, &dyn Term) =
            (&CrossEntropy, &Covariance, &Centralization);
        for (term, data, classes, per_class, base, weight) in [
            (information, "cifar10", 10, 10, dm, 800.0),
            (information, "cifar10", 10, 50, dm, 200.0),
            (information, "cifar100", 100, 10, dm, 20.0),
            (information, "cifar100", 100, 50, dm, 5.0),
            (information, "svhn", 10, 10, dm, 1800.0),
            (information, "svhn", 10, 50, dm, 50.0),
            (covariance, "cifar10", 10, 10, dm, 0.01),
            (centralization, "cifar10", 10, 10, dm, 0.05),
            (covariance, "cifar10", 10, 10, idm, 0.03),
            (centralization, "cifar10", 10, 10, idm, 0.01),
            (cross_entropy, "cifar10", 10, 1, idm, 0.5),
            (cross_entropy, "cifar10", 10, 10, idm, 0.5),
            (cross_entropy, "cifar10", 10, 50, idm, 0.1),
            (cross_entropy, "cifar100", 100, 1, idm, 0.5),
            (cross_entropy, "cifar100", 100, 10, idm, 0.1),
            (cross_entropy, "cifar100", 100, 50, idm, 0.1),
            (cross_entropy, "tiny-imagenet", 200, 1, idm, 0.5),
            (cross_entropy, "tiny-imagenet", 200, 10, idm, 0.5),
            (cross_entropy, "tiny-imagenet", 200, 50, idm, 0.8),
        ] {
            let marks = term.paper(case(data, classes, per_class, base));
            let what = format!("{} on {data} with {per_class}", term.id());
            assert!(marks[0].fits && (marks[0].value - weight).abs() < 1e-12, "{what}: {marks:?}");
            assert_eq!(marks.iter().filter(|mark| mark.fits).count(), 1, "{what}");
        }
    }

    #[test]
    fn where_none_fits_the_nearest_says_for_what_it_is() {
        for (data, classes, per_class, base, weight) in [
            ("digits", 10, 10, Base::Dm, 800.0),
            ("digits", 10, 40, Base::Dm, 200.0),
            ("cifar10", 10, 20, Base::Dm, 800.0),
            ("cifar100", 100, 1, Base::Dm, 20.0),
            ("cifar10", 10, 10, Base::Idm, 800.0),
        ] {
            let marks = Information.paper(case(data, classes, per_class, base));
            assert!(!marks[0].fits && (marks[0].value - weight).abs() < 1e-12, "{data} {per_class}: {marks:?}");
            assert!(marks[0].setting.contains("CIFAR-10"), "{marks:?}");
        }
        assert!(Mean.paper(case("plane", 2, 5, Base::Dm))[0].fits, "the mean has the weight 1 everywhere");
        assert!(CrossEntropy.paper(case("cifar10", 10, 10, Base::Dm)).iter().all(|mark| !mark.fits));
    }
}
