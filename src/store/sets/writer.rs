//! Pickles of tensors, written by a fixed recipe.

use crate::data::pickle::Kind;

/// Writes a pickle, word by word.
#[derive(Default)]
pub(super) struct Writer(Vec<u8>);

impl Writer {
    /// A pickle of protocol 2 with what `fill` writes.
    pub(super) fn pickle(fill: impl FnOnce(&mut Self)) -> Vec<u8> {
        let mut writer = Self(vec![0x80, 2]);
        fill(&mut writer);
        writer.0.push(b'.');
        writer.0
    }

    pub(super) fn text(&mut self, text: &str) {
        self.0.push(b'X');
        self.0.extend((text.len() as u32).to_le_bytes());
        self.0.extend(text.as_bytes());
    }

    pub(super) fn float(&mut self, value: f64) {
        self.0.push(b'G');
        self.0.extend(value.to_be_bytes());
    }

    pub(super) fn list(&mut self, fill: impl FnOnce(&mut Self)) {
        self.around(b"](", fill, b'e');
    }

    /// `fill` writes keys and values in turn.
    pub(super) fn dict(&mut self, fill: impl FnOnce(&mut Self)) {
        self.around(b"}(", fill, b'u');
    }

    /// A contiguous tensor whose numbers lie in the record of this name.
    pub(super) fn tensor(&mut self, kind: Kind, record: &str, sizes: &[usize]) {
        let class = if kind == Kind::Long { "LongStorage" } else { "FloatStorage" };
        self.global("torch._utils", "_rebuild_tensor_v2");
        self.0.push(b'(');
        self.tuple(|storage| {
            storage.text("storage");
            storage.global("torch", class);
            storage.text(record);
            storage.text("cpu");
            storage.int(sizes.iter().product());
        });
        self.0.push(b'Q');
        self.int(0);
        self.tuple(|writer| sizes.iter().for_each(|&size| writer.int(size)));
        self.tuple(|writer| (0..sizes.len()).for_each(|axis| writer.int(sizes[axis + 1..].iter().product())));
        self.0.push(0x89);
        self.global("collections", "OrderedDict");
        self.0.extend(b")R");
        self.0.extend(b"tR");
    }

    fn tuple(&mut self, fill: impl FnOnce(&mut Self)) {
        self.around(b"(", fill, b't');
    }

    fn around(&mut self, before: &[u8], fill: impl FnOnce(&mut Self), after: u8) {
        self.0.extend(before);
        fill(self);
        self.0.push(after);
    }

    fn int(&mut self, value: usize) {
        self.0.push(b'J');
        self.0.extend((value as i32).to_le_bytes());
    }

    fn global(&mut self, module: &str, name: &str) {
        self.0.extend(format!("c{module}\n{name}\n").as_bytes());
    }
}
