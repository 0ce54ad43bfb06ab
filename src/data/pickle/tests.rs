//! Words by hand: what real programs write stands in `tests/it/sets.rs` and in the tests of the loaders.

use std::time::Instant;

use super::*;

fn value_of(words: &[u8]) -> Result<Pickle, String> {
    read(words, words.len() as u64)
}

/// A text as Python 2 pickled it.
fn old(text: &[u8]) -> Vec<u8> {
    [&[b'U', text.len() as u8][..], text].concat()
}

/// An array of NumPy as Python 2 pickled it.
fn old_array(kind: &[u8], order: &[u8], sizes: &[u8], fortran: bool, content: &[u8]) -> Vec<u8> {
    let sizes: Vec<u8> = sizes.iter().flat_map(|&size| [b'K', size]).collect();
    let mut words = b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(K\x00t".to_vec();
    words.extend(old(b"b"));
    words.extend(b"tR(K\x01(");
    words.extend([&sizes[..], b"tcnumpy\ndtype\n(", &old(kind), b"K\x00K\x01tR(K\x03", &old(order)].concat());
    words.extend(b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb");
    words.push(if fortran { 0x88 } else { 0x89 });
    words.extend(old(content));
    words.extend(b"tb");
    words
}

#[test]
fn arrays_and_scalars_of_both_numpys_are_numbers() {
    for module in ["numpy.core", "numpy._core"] {
        let words = String::from_utf8(old_array(b"i2", b"<", &[2, 3], true, b"\x01\0\x02\0\x03\0\x04\0\x05\0\x06\0"))
            .unwrap_err();
        let words = String::from_utf8_lossy(words.as_bytes()).into_owned();
        assert!(words.contains("numpy.core"));
        let mut bytes = b"\x80\x02".to_vec();
        let plain = old_array(b"i2", b"<", &[2, 3], true, b"\x01\0\x02\0\x03\0\x04\0\x05\0\x06\0");
        let start = b"cnumpy.core".len();
        bytes.extend([format!("c{module}").as_bytes(), &plain[start..], b"."].concat());
        let pickle = value_of(&bytes).unwrap();
        let array = pickle.array(&pickle.value).unwrap();
        assert_eq!(
            (array.kind, &array.sizes[..], array.fortran, array.big_endian),
            (Some(Kind::Short), &[2, 3][..], true, false)
        );
        let view = View::whole(Kind::Short, &array.sizes, array.fortran).unwrap();
        assert_eq!(view.gather(&array.bytes).unwrap(), [1.0, 3.0, 5.0, 2.0, 4.0, 6.0]);
    }
    // A scalar, the largest byte first.
    let words = b"\x80\x02cnumpy.core.multiarray\nscalar\n(cnumpy\ndtype\n(U\x02f8K\x00K\x01tR(K\x03U\x01>NNNK\x00K\x00K\x00tbU\x08\x3f\xe0\0\0\0\0\0\0tR.";
    assert_eq!(value_of(words).unwrap().value, Value::Float(0.5));
    let big = [b"\x80\x02", &old_array(b"f4", b">", &[1], false, b"\x3f\0\0\0")[..], b"."].concat();
    let pickle = value_of(&big).unwrap();
    assert!(pickle.array(&pickle.value).unwrap().big_endian);
}

#[test]
fn bytes_of_python_3_in_the_old_protocol_are_bytes() {
    let words = "\u{2}c_codecs\nencode\n(X\u{4}\0\0\0\u{ff}\u{c3}X\u{6}\0\0\0latin1tR.".as_bytes();
    let words = [&[0x80][..], words].concat();
    assert_eq!(value_of(&words).unwrap().value, Value::Bytes(Rc::from([0xff, 0xc3])));
}

#[test]
fn containers_of_collections_are_containers() {
    let words = b"\x80\x02ccollections\ndefaultdict\nc__builtin__\nlist\n\x85R(U\x01aK\x07U\x01aK\x08u.";
    let pickle = value_of(words).unwrap();
    assert_eq!(pickle.entry(&pickle.value, "a"), Some(&Value::Int(8)), "the last of several counts");
    let pairs = b"\x80\x02ccollections\nOrderedDict\n](](U\x01aK\x07eea\x85R.";
    assert!(value_of(pairs).is_err(), "a pair of pairs is none");
    let pairs = b"\x80\x02ccollections\nOrderedDict\n]](U\x01aK\x07ea\x85R.";
    let pickle = value_of(pairs).unwrap();
    assert_eq!(pickle.entry(&pickle.value, "a"), Some(&Value::Int(7)));
    let deque = b"\x80\x04\x8c\x0bcollections\x8c\x05deque\x93)\x85R(K\x01K\x02e.";
    let pickle = value_of(deque).unwrap();
    assert_eq!(pickle.list(&pickle.value), Some(&[Value::Int(1), Value::Int(2)][..]));
}

#[test]
fn nothing_is_called_that_the_table_does_not_know() {
    for words in [
        "cos\nsystem\n(U\u{4}echotR.",
        "cbuiltins\neval\n(U\u{1}1tR.",
        "ctorch.serialization\nload\n)R.",
        "cnumpy\nload\n)R.",
    ] {
        let error = value_of(words.as_bytes()).err().unwrap();
        assert!(error.contains("nothing is executed"), "{error}");
    }
}

#[test]
fn work_follows_the_size_of_the_file() {
    // A hundred thousand small lists, each remembered.
    let mut words = b"\x80\x04](".to_vec();
    (0..100_000).for_each(|_| words.extend(b"](K\x01K\x02e\x94"));
    words.extend(b"e.");
    let clock = Instant::now();
    let pickle = value_of(&words).unwrap();
    assert_eq!(pickle.list(&pickle.value).unwrap().len(), 100_000);
    assert!(clock.elapsed().as_secs_f64() < 0.5, "{:?}", clock.elapsed());
    // A file that unpacks to far more words than it has bytes is a trap, and so is one that copies the same list again and again.
    assert!(read(&words, 1000).err().unwrap().contains("trap"));
    let mut copies = b"\x80\x02](".to_vec();
    (0..60_000).for_each(|_| copies.push(b'N'));
    copies.extend(b"eq\x00");
    (0..60_000).for_each(|_| copies.extend(b"ctorch\nSize\nh\x00\x85R0"));
    assert!(value_of(&copies).err().unwrap().contains("trap"));
}

#[test]
fn views_stay_inside_and_repeat_in_reason() {
    let record: Vec<u8> = (0..24).collect();
    let view = |offset, sizes: &[usize], strides: &[usize]| View {
        kind: Kind::Byte,
        offset,
        sizes: sizes.to_vec(),
        strides: strides.to_vec(),
    };
    assert_eq!(view(1, &[2, 3], &[1, 4]).gather(&record).unwrap(), [1.0, 5.0, 9.0, 2.0, 6.0, 10.0]);
    assert_eq!(view(5, &[3], &[0]).gather(&record).unwrap(), [5.0; 3], "expanded");
    assert_eq!(view(7, &[], &[]).gather(&record).unwrap(), [7.0], "one number has no axis");
    assert!(view(0, &[0, 9], &[9, 1]).gather(&record).unwrap().is_empty());
    assert!(view(20, &[5], &[1]).gather(&record).unwrap_err().contains("beyond"));
    assert!(view(0, &[usize::MAX, 2], &[1, 1]).gather(&record).unwrap_err().contains("beyond"));
    assert!(view(0, &[1 << 30], &[0]).gather(&record).unwrap_err().contains("trap"));
}
