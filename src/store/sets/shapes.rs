//! Where the images and labels of a pickle stand: the shapes in which people save sets.

use super::{Found, Numbers, labels::classes_of, numbers::count, range::Said, torch::Archive};
use crate::{
    data::{
        ImageShape,
        pickle::{Pickle, Value, text},
    },
    report::ValueRange,
};
use std::io::{Read, Seek};

/// Names of the entries that hold images, the likeliest first.
pub(super) const IMAGES: [&str; 16] = [
    "images",
    "image",
    "imgs",
    "img",
    "x",
    "x_train",
    "train_images",
    "image_syn",
    "images_syn",
    "syn_images",
    "x_syn",
    "syn_data",
    "synthetic_images",
    "images_train",
    "samples",
    "data",
];
/// Names of the entries that hold labels; soft ones come first, since they say more.
pub(super) const LABELS: [&str; 15] = [
    "soft_labels",
    "soft_label",
    "labels",
    "label",
    "y",
    "targets",
    "target",
    "y_train",
    "train_labels",
    "label_syn",
    "labels_syn",
    "syn_labels",
    "y_syn",
    "labels_train",
    "classes",
];
/// Containers within each other.
const DEEPEST: usize = 8;

/// What is known about the data set that a file belongs to.
#[derive(Clone, Copy)]
pub(super) struct Belongs<'a> {
    pub(super) shape: ImageShape,
    /// Names of the classes.
    pub(super) names: &'a [String],
}

impl Belongs<'_> {
    pub(super) fn class(&self, name: &str) -> Option<u32> {
        self.names.iter().position(|known| known == name).map(|at| at as u32)
    }
}

/// Looks through a pickle whose tensors lie in an archive.
pub(super) struct Search<'a, 'b, R> {
    pub(super) file: &'a mut Archive<'b, R>,
    pub(super) pickle: &'a Pickle,
    pub(super) belongs: Belongs<'a>,
}

type Faulty<T> = Result<T, String>;

impl<'a, R: Read + Seek> Search<'a, '_, R> {
    /// The images and what belongs to them; none where nothing has a known shape.
    pub(super) fn find(&mut self) -> Faulty<Option<Found>> {
        let pickle = self.pickle;
        self.at(&pickle.value, DEEPEST)
    }

    fn at(&mut self, value: &Value, depth: usize) -> Faulty<Option<Found>> {
        if depth == 0 {
            return Ok(None);
        }
        let pickle = self.pickle;
        if self.is_images(value) {
            return Ok(Some(Found::of(self.need(value)?)));
        }
        if let Some(items) = pickle.list(value) {
            return self.in_list(items, depth);
        }
        match pickle.dict(value) {
            Some(_) => self.in_dict(value, depth),
            None => Ok(None),
        }
    }

    /// `[images, labels]`, a list of `(image, label)`, one tensor a class, or a list of images.
    fn in_list(&mut self, items: &[Value], depth: usize) -> Faulty<Option<Found>> {
        if let Some(found) = self.pair(items)? {
            return Ok(Some(found));
        }
        let pickle = self.pickle;
        let pairs: Option<Vec<&[Value]>> = items.iter().map(|item| pickle.list(item)).collect();
        if let Some(pairs) = pairs.filter(|pairs| pairs.iter().all(|pair| pair.len() >= 2 && self.is_images(&pair[0])))
        {
            return self.pairs(&pairs);
        }
        match items {
            [only] => return self.at(only, depth - 1),
            [] => return Ok(None),
            _ if items.iter().any(|item| !self.is_images(item)) => return Ok(None),
            _ => {}
        }
        let counts: Vec<usize> = items.iter().filter_map(|item| self.count(item)).collect();
        let parts = items.iter().map(|item| self.need(item)).collect::<Faulty<Vec<_>>>()?;
        let images = Numbers::joined(parts, self.belongs.shape)?;
        let mut found = Found::of(images);
        if items.len() == self.belongs.names.len()
            && items.iter().all(|item| self.sizes(item).is_some_and(|sizes| sizes.len() >= 4))
        {
            found.labels = Some(by_class(counts.iter().enumerate().map(|(class, &count)| (class as u32, count))));
            found.notes.push("one tensor a class, in their order".to_owned());
        }
        Ok(Some(found))
    }

    /// Images and labels that stand beside each other.
    fn pair(&mut self, items: &[Value]) -> Faulty<Option<Found>> {
        let [images, labels, ..] = items else { return Ok(None) };
        let Some(count) = self.count(images).filter(|_| self.is_images(images)) else { return Ok(None) };
        let fits = match self.sizes(labels).as_deref() {
            Some([] | [1]) => count == 1,
            Some([rows] | [rows, _]) => *rows == count || !self.is_images(labels),
            _ => false,
        };
        if !fits {
            return Ok(None);
        }
        let mut found = Found::of(self.need(images)?);
        found.labels = Some(self.need(labels)?);
        Ok(Some(found))
    }

    fn pairs(&mut self, pairs: &[&[Value]]) -> Faulty<Option<Found>> {
        let (mut images, mut labels) = (Vec::new(), Vec::new());
        let mut width = None;
        for pair in pairs {
            let part = self.need(&pair[0])?;
            let count = part.count(self.belongs.shape).unwrap_or(1);
            let Some(label) = self.numbers(&pair[1])? else { return Ok(None) };
            // A label for each image, or a row of shares for each.
            let each = label.values.len() / count.max(1);
            if each * count != label.values.len() || *width.get_or_insert(each) != each {
                return Err(format!("an image has {} labels", label.values.len()));
            }
            images.push(part);
            labels.extend(label.values);
        }
        let width = width.unwrap_or(1);
        let sizes = vec![labels.len() / width.max(1), width];
        let mut found = Found::of(Numbers::joined(images, self.belongs.shape)?);
        found.labels = Some(Numbers { sizes, values: labels, whole: false });
        Ok(Some(found))
    }

    /// Entries by the usual names, or one tensor for each class.
    fn in_dict(&mut self, value: &Value, depth: usize) -> Faulty<Option<Found>> {
        if let Some(runs) = self.named(value, &["data"])
            && let Some(items) = self.pickle.list(runs)
        {
            let mut found = self.runs(items, depth)?;
            if let Some(found) = &mut found {
                found.weights = self.weights(value)?;
            }
            return Ok(found);
        }
        let Some(images) = self.named(value, &IMAGES) else { return self.class_by_class(value) };
        let Some(mut found) = self.at(images, depth - 1)? else { return Ok(None) };
        if let Some(labels) = self.named(value, &LABELS) {
            found.labels = Some(self.need(labels)?);
        }
        found.weights = self.weights(value)?;
        Ok(Some(found))
    }

    /// What `res_*.pt` holds under `data`: a list of runs, each `[images, labels]`, or one such pair.
    fn runs(&mut self, items: &[Value], depth: usize) -> Faulty<Option<Found>> {
        let pickle = self.pickle;
        let first = items.first().and_then(|item| pickle.list(item));
        let is_run = |this: &Self, pair: &[Value]| {
            pair.len() >= 2 && this.is_images(&pair[0]) && this.sizes(&pair[0]).is_some_and(|sizes| sizes.len() >= 4)
        };
        let found = match first {
            Some(pair) if is_run(self, pair) => self.pair(pair)?,
            _ => self.in_list(items, depth)?,
        };
        Ok(found.map(|mut found| {
            found.range = Some(Said::Usually(ValueRange::Normalised));
            if items.len() > 1 && first.is_some() {
                found.notes.push(format!("the first of {} runs", items.len()));
            }
            found
        }))
    }

    /// `{class: tensor}`.
    fn class_by_class(&mut self, value: &Value) -> Faulty<Option<Found>> {
        let Some(entries) = self.pickle.dict(value) else { return Ok(None) };
        let name = |key: &Value| match key {
            Value::Int(number) => Some(number.to_string()),
            key => text(key).map(std::borrow::Cow::into_owned),
        };
        let names: Option<Vec<String>> = entries.iter().map(|(key, _)| name(key)).collect();
        let all_images = !entries.is_empty() && entries.iter().all(|(_, value)| self.is_images(value));
        let Some(names) = names.filter(|_| all_images) else { return Ok(None) };
        let belongs = self.belongs;
        let (classes, note) = classes_of(&names, |name| belongs.class(name), belongs.names.len())
            .map_err(|odd| format!("the data set has no class \"{odd}\", and its entries are not numbered from 0"))?;
        let mut parts = Vec::new();
        for (class, (_, value)) in classes.into_iter().zip(entries) {
            parts.push((class, self.need(value)?));
        }
        parts.sort_by_key(|(class, _)| *class);
        let counts: Vec<_> =
            parts.iter().map(|(class, part)| (*class, part.count(belongs.shape).unwrap_or(0))).collect();
        let images = parts.into_iter().map(|(_, part)| part).collect();
        let mut found = Found::of(Numbers::joined(images, belongs.shape)?);
        found.labels = Some(by_class(counts.into_iter()));
        found.notes.push("one tensor a class".to_owned());
        found.notes.extend(note);
        Ok(Some(found))
    }

    /// The first entry that has one of these names, in any case.
    fn named(&self, value: &Value, names: &[&str]) -> Option<&'a Value> {
        let entries = self.pickle.dict(value)?;
        let is = |key: &Value, name: &str| text(key).is_some_and(|key| key.eq_ignore_ascii_case(name));
        names.iter().find_map(|name| entries.iter().rev().find(|(key, _)| is(key, name)).map(|(_, value)| value))
    }

    fn weights(&mut self, value: &Value) -> Faulty<Option<Vec<f32>>> {
        let Some(weights) = self.pickle.entry(value, "weights") else { return Ok(None) };
        Ok(self.numbers(weights)?.filter(|numbers| numbers.sizes.len() == 1).map(|numbers| numbers.values))
    }

    fn need(&mut self, value: &Value) -> Faulty<Numbers> {
        self.numbers(value)?
            .ok_or_else(|| "its labels are no numbers; a tensor or a list of numbers is needed".to_owned())
    }

    /// The numbers of a tensor, an array, a number, or a list of those.
    fn numbers(&mut self, value: &Value) -> Faulty<Option<Numbers>> {
        let single = |value: f32, whole| Some(Numbers { sizes: Vec::new(), values: vec![value], whole });
        Ok(match value {
            Value::Tensor(tensor) => Some(self.file.tensor(tensor)?),
            Value::Int(number) => single(*number as f32, true),
            Value::Bool(is) => single(f32::from(u8::from(*is)), true),
            Value::Float(number) => single(*number as f32, false),
            value => {
                if let Some(array) = self.pickle.array(value)
                    && array.objects.is_none()
                {
                    return super::torch::array(array).map(Some);
                }
                let Some(items) = self.pickle.list(value) else { return Ok(None) };
                let mut all = Numbers { sizes: Vec::new(), values: Vec::new(), whole: true };
                for item in items {
                    // Lists of rows, no deeper: labels and weights are never more.
                    let Some(one) = self.row(item)? else { return Ok(None) };
                    if !all.values.is_empty() && all.sizes != one.sizes {
                        return Ok(None);
                    }
                    all.whole &= one.whole;
                    all.values.extend(one.values);
                    all.sizes = one.sizes;
                }
                all.sizes.insert(0, items.len());
                Some(all)
            }
        })
    }

    /// A number, or a row of numbers.
    fn row(&mut self, value: &Value) -> Faulty<Option<Numbers>> {
        let Some(items) = self.pickle.list(value) else { return self.numbers(value) };
        let number = |value: &Value| match value {
            Value::Int(number) => Some(*number as f32),
            Value::Float(number) => Some(*number as f32),
            _ => None,
        };
        let values: Option<Vec<f32>> = items.iter().map(number).collect();
        Ok(values.map(|values| Numbers { sizes: vec![values.len()], values, whole: false }))
    }

    /// The sizes of what could be numbers, without reading them.
    fn sizes(&self, value: &Value) -> Option<Vec<usize>> {
        match value {
            Value::Tensor(tensor) => Some(tensor.view.sizes.clone()),
            Value::Int(_) | Value::Float(_) => Some(Vec::new()),
            value => {
                if let Some(array) = self.pickle.array(value).filter(|array| array.objects.is_none()) {
                    return Some(array.sizes.clone());
                }
                let items = self.pickle.list(value)?;
                let row = match items.first() {
                    Some(Value::Int(_) | Value::Float(_)) | None => Vec::new(),
                    Some(Value::Tensor(tensor)) => tensor.view.sizes.clone(),
                    Some(first) => vec![self.pickle.list(first)?.len()],
                };
                (row.len() < 2).then(|| [vec![items.len()], row].concat())
            }
        }
    }

    fn is_tensor(&self, value: &Value) -> bool {
        matches!(value, Value::Tensor(_)) || self.pickle.array(value).is_some_and(|array| array.objects.is_none())
    }

    /// True for a tensor that has the form of images, be it of another data set.
    fn is_images(&self, value: &Value) -> bool {
        self.is_tensor(value)
            && self.sizes(value).is_some_and(|sizes| sizes.len() >= 3 || count(&sizes, self.belongs.shape).is_some())
    }

    fn count(&self, value: &Value) -> Option<usize> {
        let sizes = self.sizes(value)?;
        count(&sizes, self.belongs.shape).or_else(|| sizes.first().copied())
    }

    /// Labels that stand alone in a file, or under their name.
    pub(super) fn labels(&mut self) -> Faulty<Option<Numbers>> {
        let pickle = self.pickle;
        let value = self.named(&pickle.value, &LABELS).unwrap_or(&pickle.value).clone();
        self.numbers(&value)
    }
}

/// Labels of images that stand class after class.
fn by_class(counts: impl Iterator<Item = (u32, usize)>) -> Numbers {
    let values: Vec<f32> = counts.flat_map(|(class, count)| std::iter::repeat_n(class as f32, count)).collect();
    Numbers { sizes: vec![values.len()], values, whole: true }
}
