//! What must hold of every name, and some that people have.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::*;

/// Pieces of names that have broken programs.
const PIECES: [&str; 60] = [
    "",
    ".",
    "..",
    "../",
    "/",
    "\\",
    "..\\",
    "a",
    "A",
    "b",
    "cat",
    "Cat",
    "CAT",
    "con",
    "CON",
    "NUL",
    "nul.txt",
    "COM1",
    "com¹",
    "LPT9",
    "aux",
    "CONIN$",
    ":",
    "C:",
    "a:b",
    "*",
    "?",
    "<",
    ">",
    "|",
    "\"",
    "\0",
    "\n",
    "\t",
    "\u{7f}",
    "\u{85}",
    " ",
    "  ",
    ". .",
    "~",
    "-",
    "_",
    "-2",
    "é",
    "e\u{301}",
    "É",
    "ß",
    "SS",
    "ss",
    "ſ",
    "İ",
    "i\u{307}",
    "\u{200b}",
    "\u{202e}",
    "\u{feff}",
    "\u{fffe}",
    "漢字",
    "हिन्दी",
    "🦀",
    "\u{1f1e9}",
];

fn any_text(rng: &mut ChaCha8Rng) -> String {
    match rng.random_range(0..4_u32) {
        0 => (0..rng.random_range(0..5)).map(|_| PIECES[rng.random_range(0..PIECES.len())]).collect(),
        1 => (0..rng.random_range(0..12)).filter_map(|_| char::from_u32(rng.random_range(0..0x11_0000))).collect(),
        2 => PIECES[rng.random_range(0..PIECES.len())].repeat(rng.random_range(0..400)),
        _ => (0..rng.random_range(0..300)).map(|_| char::from(rng.random_range(0..=255_u8))).collect(),
    }
}

/// What every file system asks for.
fn assert_valid(name: &str, text: &str) {
    let complain = |what: &str| panic!("{what}: {text:?} became {name:?}");
    if name.is_empty() || name == "." || name == ".." {
        complain("no name");
    }
    if name.len() > 128
        || name.nfd().map(char::len_utf16).sum::<usize>() > 255
        || name.nfd().map(char::len_utf8).sum::<usize>() > 765
    {
        complain("too long");
    }
    if name.chars().any(|letter| letter.is_control() || "<>:\"/\\|?*".contains(letter)) {
        complain("a letter that Windows refuses");
    }
    if name.chars().any(|letter| matches!(letter, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')) {
        complain("a letter that nobody sees");
    }
    if name.ends_with(['.', ' ']) || name.starts_with(['.', ' ']) {
        complain("dots and spaces at an end");
    }
    let stem = name.split('.').next().unwrap().trim_end().to_uppercase();
    let device = |start: &str| {
        stem.strip_prefix(start).is_some_and(|rest| rest.chars().count() == 1 && "0123456789¹²³".contains(rest))
    };
    if ["CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"].contains(&stem.as_str()) || device("COM") || device("LPT") {
        complain("a device of Windows");
    }
    if std::path::Path::new(name).components().count() != 1 || std::path::Path::new(name).is_absolute() {
        complain("more than one name");
    }
}

/// Lists of up to forty texts, until there were `count`.
fn check(count: usize, seed: u64) {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut checked = 0;
    while checked < count {
        let texts: Vec<String> = (0..rng.random_range(1..40_usize)).map(|_| any_text(&mut rng)).collect();
        let names = file_names(&texts);
        assert_eq!(names.len(), texts.len());
        let mut seen = HashSet::new();
        for (name, text) in names.iter().zip(&texts) {
            assert_valid(name, text);
            assert_valid(&file_name(text), text);
            assert_eq!(file_name(name), *name, "a name that was made stays as it is");
            assert!(seen.insert(folded(name)), "{name:?} stands twice in {names:?} for {texts:?}");
            assert!(seen.insert(format!("\0{name}")), "{name:?} twice");
        }
        checked += texts.len();
    }
}

#[test]
fn any_texts_become_names_that_are_valid_everywhere_and_distinct() {
    // More by hand: a million take half a minute.
    let texts = std::env::var("SPIRITSAFE_NAMES").map_or(50_000, |count| count.parse().unwrap());
    check(texts, 1);
}

#[test]
fn ordinary_names_stay_as_they_are() {
    let ordinary = [
        "airplane",
        "n01440764",
        "0",
        "00017",
        "new000",
        "great white shark, white shark, man-eater",
        "T-shirt",
        "bird’s nest",
        "Ørsted",
        "漢字",
        "हिन्दी",
        "e\u{301}te",
        "a.b",
        "console",
        "COM10",
        "nullable.txt",
        "100%",
        "(1) a & b!",
        "-x",
        "Ärzte_2024",
        "m²",
    ];
    assert_eq!(file_names(&ordinary), ordinary);
    let words = ["cat", "Cat", "CAT", "cat-2", "dog"];
    assert_eq!(file_names(&words), ["cat", "Cat-3", "CAT-4", "cat-2", "dog"]);
}

#[test]
fn names_that_break_programs_become_others() {
    for (text, name) in [
        ("", "_"),
        ("..", "__"),
        (".", "_"),
        ("../../../escaped", "_._.._.._escaped"),
        ("/abs", "_abs"),
        ("a/b", "a_b"),
        ("a:b", "a_b"),
        ("CON", "CON_"),
        ("nul.txt", "nul_.txt"),
        ("COM¹", "COM¹_"),
        ("ship.", "ship_"),
        ("q?", "q_"),
        ("a \u{7}b ", "a _b_"),
        ("\u{202e}gpj.exe", "_gpj.exe"),
        (".hidden", "_hidden"),
    ] {
        assert_eq!(file_name(text), name, "{text:?}");
    }
    let long = file_name(&format!("{}.png", "ä".repeat(300)));
    assert!(long.len() <= 120 && long.ends_with("ä.png"), "{long}");
    let twins = file_names(&["x".repeat(300), "x".repeat(301), "é".to_owned(), "e\u{301}".to_owned(), "É".to_owned()]);
    assert!(
        twins[0].len() <= 120 && twins[1].ends_with("-2") && twins[3] == "e\u{301}-2" && twins[4] == "É-3",
        "{twins:?}"
    );
}

#[test]
fn many_equal_texts_are_fast() {
    let names = file_names(&vec!["same"; 100_000]);
    assert_eq!(names[99_999], "same-100000");
}

#[test]
fn fields_of_csv_are_quoted_where_they_have_to_be() {
    assert_eq!(
        [csv_field("a b"), csv_field("a,b"), csv_field("a\"b"), csv_field("a\nb")],
        ["a b", "\"a,b\"", "\"a\"\"b\"", "\"a\nb\""]
    );
}
