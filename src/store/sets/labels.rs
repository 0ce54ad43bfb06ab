//! Labels as files have them: a class each, rows with a single 1, or a share of every class.

use super::Numbers;

/// Shares of a row may add up to 1 so nearly, as half precision does.
const NEARLY: f32 = 0.02;

/// Labels of a set.
pub(super) struct Labels {
    /// The class of each image, the likeliest where it has shares of several: `(n,)`.
    pub(super) classes: Vec<u32>,
    /// Shares of all classes, which add up to 1 for each image: `(n, classes)`; none where each image has one class.
    pub(super) shares: Option<Vec<f32>>,
    /// What is to be said about them.
    pub(super) note: Option<String>,
}

impl Labels {
    /// One class for each image.
    pub(super) fn hard(classes: Vec<u32>) -> Self {
        Self { classes, shares: None, note: None }
    }

    /// Reads the numbers of a file; a data set has so many `classes`.
    pub(super) fn of(numbers: &Numbers, classes: usize) -> Result<Self, String> {
        match numbers.sizes[..] {
            [] | [_] | [_, 1] => {
                numbers.values.iter().map(|&value| label(value)).collect::<Result<_, _>>().map(Self::hard)
            }
            [1, count] if count != classes => {
                numbers.values.iter().map(|&value| label(value)).collect::<Result<_, _>>().map(Self::hard)
            }
            [_, columns] if columns == classes => Self::soft(&numbers.values, classes),
            [_, columns] => Err(format!("its soft labels have {columns} classes, the data set has {classes}")),
            _ => Err(format!(
                "its labels have the sizes {:?}; one class for each image (n,), or a share of each class (n, {classes}) is needed",
                numbers.sizes
            )),
        }
    }

    fn soft(values: &[f32], classes: usize) -> Result<Self, String> {
        if values.iter().any(|value| !value.is_finite()) {
            return Err("a soft label has a value that is no number".to_owned());
        }
        let rows = values.chunks_exact(classes);
        let likeliest: Vec<u32> = rows.clone().map(argmax).collect();
        let is_hot = |row: &[f32]| {
            row.iter().filter(|share| **share == 1.0).count() == 1
                && row.iter().filter(|share| **share == 0.0).count() + 1 == row.len()
        };
        if rows.clone().all(is_hot) {
            return Ok(Self::hard(likeliest));
        }
        let are_shares =
            |row: &[f32]| row.iter().all(|share| *share >= 0.0) && (row.iter().sum::<f32>() - 1.0).abs() <= NEARLY;
        let (shares, what) = if rows.clone().all(are_shares) {
            (
                values.to_vec(),
                "soft labels, which networks are trained on by soft cross-entropy (--argmax takes the likeliest class)",
            )
        } else {
            let what = "soft labels that are no shares: they are taken as scores, whose softmax networks are trained on by soft \
                        cross-entropy (--argmax takes the likeliest class)";
            (rows.flat_map(softmax).collect(), what)
        };
        Ok(Self { classes: likeliest, shares: Some(shares), note: Some(what.to_owned()) })
    }
}

fn label(value: f32) -> Result<u32, String> {
    if value.fract() == 0.0 && (0.0..1e6).contains(&value) {
        return Ok(value as u32);
    }
    Err(format!("a label is {value}; whole numbers from 0 are needed, or a share of each class for each image"))
}

/// The first of the highest.
pub(super) fn argmax(row: &[f32]) -> u32 {
    let mut best = 0;
    row.iter().enumerate().for_each(|(at, value)| {
        if *value > row[best] {
            best = at;
        }
    });
    best as u32
}

fn softmax(row: &[f32]) -> Vec<f32> {
    let most = row.iter().copied().fold(f32::MIN, f32::max);
    let exponents: Vec<f32> = row.iter().map(|score| (score - most).exp()).collect();
    let sum: f32 = exponents.iter().sum();
    exponents.into_iter().map(|one| one / sum).collect()
}

/// Which class each name of a folder or an entry stands for: by its name, else by its number where numbers are 0 to n - 1. Returns
/// what has to be said, too.
pub(super) fn classes_of(
    names: &[String],
    known: impl Fn(&str) -> Option<u32>,
    classes: usize,
) -> Result<(Vec<u32>, Option<String>), String> {
    let by_name: Vec<Option<u32>> = names.iter().map(|name| known(name)).collect();
    if by_name.iter().all(Option::is_some) {
        return Ok((by_name.into_iter().flatten().collect(), None));
    }
    let numbers: Option<Vec<u32>> = names.iter().map(|name| number(name)).collect();
    if let Some(numbers) = numbers {
        let mut sorted = numbers.clone();
        sorted.sort_unstable();
        if sorted.len() <= classes && sorted.iter().enumerate().all(|(at, number)| at as u32 == *number) {
            let last = sorted.len().saturating_sub(1);
            return Ok((
                numbers,
                Some(format!("classes are taken by the numbers 0 to {last} of their names, in this order")),
            ));
        }
    }
    let odd = names.iter().zip(&by_name).find_map(|(name, class)| class.is_none().then_some(name));
    Err(odd.cloned().unwrap_or_default())
}

/// The number at the end of a name, with words before it only: `7`, `00007`, `new007`, `class_7`.
fn number(name: &str) -> Option<u32> {
    let words = name.trim_end_matches(|letter: char| letter.is_ascii_digit());
    let plain = words.chars().all(|letter| letter.is_alphabetic() || matches!(letter, '_' | '-' | ' ' | '.'));
    name[words.len()..].parse().ok().filter(|_| plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_classes_by_name_else_by_number_from_0() {
        let known = |name: &str| ["cat", "dog", "1", "0"].iter().position(|one| *one == name).map(|at| at as u32);
        let of =
            |names: &[&str]| classes_of(&names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>(), known, 4);
        assert_eq!(of(&["dog", "cat"]).unwrap(), (vec![1, 0], None));
        assert_eq!(of(&["0", "1"]).unwrap(), (vec![3, 2], None), "a name that is known is no number");
        for names in [
            ["00000", "00001", "00002"],
            ["new000", "new001", "new002"],
            ["class_0", "class_1", "class_2"],
            ["0", "1", "2"],
        ] {
            let (classes, note) = of(&names).unwrap();
            assert!(classes == [0, 1, 2] && note.unwrap().contains("0 to 2"), "{names:?}");
        }
        assert_eq!(of(&["c10", "c9"]).unwrap_err(), "c10", "numbers do not begin with 0");
        assert_eq!(of(&["cat", "3"]).unwrap_err(), "3");
        assert_eq!(of(&["0", "1", "2", "3", "4"]).unwrap_err(), "2", "more than there are classes");
    }
}
