//! The walls of the house: which module may import which (`ARCHITECTURE.md` says why).

mod imports;

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

/// Modules in layer order; a module may import those named beside it, and itself.
const ALLOWED: [(&str, &[&str]); 23] = [
    ("error", &[]),
    ("fingerprint", &[]),
    ("folders", &[]),
    ("memory", &[]),
    ("names", &[]),
    ("program", &[]),
    ("random", &[]),
    ("report", &[]),
    ("slices", &["error"]),
    ("words", &[]),
    ("math", &["error", "random", "report"]),
    ("data", &["error", "fingerprint", "folders", "random", "report"]),
    ("nn", &["error", "random", "math", "data"]),
    ("latent", &["error", "random", "data", "nn"]),
    ("distilled", &["error", "random", "report", "data"]),
    ("evaluate", &["error", "random", "report", "slices", "words", "math", "data", "nn", "distilled"]),
    (
        "methods",
        &["error", "random", "report", "slices", "words", "math", "data", "nn", "latent", "distilled", "evaluate"],
    ),
    ("benchmark", &["error", "random", "data", "nn", "distilled", "evaluate", "methods"]),
    ("store", &["error", "fingerprint", "folders", "names", "program", "report", "data", "nn", "distilled"]),
    ("config", &["error", "data", "nn", "latent", "distilled", "evaluate", "methods"]),
    (
        "engine",
        &[
            "error",
            "fingerprint",
            "folders",
            "memory",
            "names",
            "program",
            "random",
            "report",
            "slices",
            "words",
            "math",
            "data",
            "nn",
            "latent",
            "distilled",
            "evaluate",
            "methods",
            "store",
            "config",
        ],
    ),
    (
        "cli",
        &[
            "error",
            "memory",
            "names",
            "program",
            "report",
            "words",
            "data",
            "nn",
            "distilled",
            "evaluate",
            "methods",
            "benchmark",
            "store",
            "config",
            "engine",
        ],
    ),
    ("app", &["error", "memory", "report", "evaluate", "config", "engine", "words"]),
];

/// What files under a path may not import although their top module may.
const WITHIN: [(&str, &[&str]); 6] = [
    ("methods/matching/terms", &["nn", "data", "evaluate"]),
    ("methods/matching", &["methods::quantization", "methods::energy"]),
    ("methods/energy", &["methods::quantization", "methods::matching"]),
    ("methods/quantization", &["methods::energy", "methods::matching"]),
    ("nn/layers", &["nn::networks"]),
    ("app/state", &["app::panels", "app::widgets", "app::theme"]),
];

/// Words that must not stand in files under a path.
const FORBIDDEN: [(&str, &[&str]); 10] = [
    ("src/app", &["candle", "crate::nn", "crate::distilled", "crate::methods", "crate::data"]),
    ("src/app/state", &["egui::", "use egui", "eframe"]),
    ("src/report", &["candle"]),
    ("src/distilled", &["std::thread", "crossbeam", "std::fs", "Instant", "egui"]),
    ("src/math", &["candle", "std::thread", "std::fs", "Instant"]),
    ("src/methods", &["std::thread", "crossbeam", "std::fs", "Instant", "egui"]),
    ("src/methods/matching/terms", &["crate::nn", "crate::data", "crate::config", "crate::engine"]),
    ("src/engine", &["egui", "eframe"]),
    ("src/latent", &["std::thread", "crossbeam", "std::fs", "Instant", "egui"]),
    ("src/nn", &["egui", "std::fs", "crossbeam"]),
];

fn files_under(path: &Path) -> Vec<(String, String)> {
    if path.is_file() {
        return vec![(path.display().to_string(), fs::read_to_string(path).unwrap())];
    }
    let Ok(entries) = fs::read_dir(path) else { return Vec::new() };
    let mut files: Vec<_> = entries.flat_map(|entry| files_under(&entry.unwrap().path())).collect();
    files.retain(|(name, _)| Path::new(name).extension().is_some_and(|extension| extension == "rs"));
    files
}

/// Code without its comments, in which a word may well stand.
fn code(text: &str) -> String {
    text.lines().map(|line| line.split("//").next().unwrap_or_default()).collect::<Vec<_>>().join("\n")
}

/// Reads the library file by file: its place below `src`, its top module and its text.
fn library() -> Vec<(PathBuf, String, String)> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let place = |(name, text): (String, String)| {
        let place = Path::new(&name).strip_prefix(&source).unwrap().to_owned();
        let top = place.iter().next().unwrap().to_string_lossy().trim_end_matches(".rs").to_owned();
        (place, top, text)
    };
    files_under(&source).into_iter().map(place).collect()
}

/// What a file names that stands beside or above it, or that its module may not know.
fn breaches(place: &Path, top: &str, text: &str) -> Vec<String> {
    let known: BTreeSet<&str> = ALLOWED.iter().map(|(module, _)| *module).collect();
    let Some((_, allowed)) = ALLOWED.iter().find(|(module, _)| *module == top) else { return Vec::new() };
    let paths = imports::of_file(place, text);
    let modules = paths.iter().filter_map(|path| path.first()).map(String::as_str);
    let mut told: Vec<String> = modules
        .filter(|module| *module != top && known.contains(module) && !allowed.contains(module))
        .map(|module| format!("{} imports {module}, which {top} may not know", place.display()))
        .collect();
    for (within, walls) in WITHIN {
        if place.starts_with(within) {
            let names = |wall: &&str| {
                let wall: Vec<&str> = wall.split("::").collect();
                paths.iter().any(|path| path.iter().map(String::as_str).take(wall.len()).eq(wall.iter().copied()))
            };
            let breached = walls.iter().filter(|wall| names(wall));
            told.extend(
                breached.map(|wall| format!("{} imports {wall}, which {within} may not know", place.display())),
            );
        }
    }
    told.dedup();
    told
}

#[test]
fn imports_only_point_down() {
    let files = library();
    for (module, _) in ALLOWED {
        let has_files = files.iter().any(|(_, top, _)| top == module);
        assert!(has_files || module == "app", "there is no module {module}; mend the table");
    }
    for (place, top, text) in files {
        let breaches = breaches(&place, &top, &text);
        assert!(breaches.is_empty(), "{}", breaches.join("\n"));
    }
}

#[test]
fn a_breach_is_seen_however_it_is_written() {
    let term = Path::new("methods/matching/terms/mean.rs");
    let clean =
        "use crate::{error::Result, report};\nuse super::Term;\npub(in crate::methods) fn f() -> Result<()> { Ok(()) }";
    assert_eq!(breaches(term, "methods", clean), Vec::<String>::new());
    for code in [
        "use crate::{error::Result, store};",
        "use crate::{error::{Error, Result}, report, store::{self, files}};",
        "use super::super::super::super::store;",
        "use super::super::super::super::{error::Result, store::RunFolder as R};",
        "pub(crate) use crate::store::*;",
        "fn f() { crate::store::export(); }",
        "fn f(x: crate::store::RunFolder) {}",
        "fn f() { assert!(crate::store::is_there(), \"no\"); }",
        "mod tests { use super::super::super::super::super::store; }",
        "#[cfg(test)] mod tests { fn f() { let _ = crate :: store :: X; } }",
    ] {
        let told = breaches(term, "methods", code);
        assert!(told.len() == 1 && told[0].contains("imports store"), "{code}: {told:?}");
    }
    for code in
        ["use crate::nn::Network;", "use super::super::super::super::data;", "use crate::methods::quantization::slope;"]
    {
        assert_eq!(breaches(term, "methods", code).len(), 1, "{code}");
    }
    // Words in comments and texts import nothing.
    assert!(breaches(term, "methods", "// crate::store\nconst A: &str = \"crate::store\";").is_empty());
}

#[test]
fn every_module_stands_in_the_table() {
    let lib = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/src/lib.rs")).unwrap();
    for line in lib.lines().filter_map(|line| line.strip_prefix("pub mod ")) {
        let module = line.trim_end_matches(';');
        assert!(ALLOWED.iter().any(|(known, _)| *known == module), "{module} has no row in the table");
    }
}

#[test]
fn no_module_says_what_it_must_not_know() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for (place, words) in FORBIDDEN {
        for (name, text) in files_under(&root.join(place)) {
            let code = code(&text);
            for word in words {
                assert!(!code.contains(word), "{name} says {word}");
            }
        }
    }
}

#[test]
fn randomness_comes_from_named_streams_only() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for (name, text) in files_under(&root.join("src")) {
        for word in ["rand::rng()", "from_os_rng", "thread_rng", "Tensor::rand", "Var::rand", "from_entropy"] {
            assert!(!code(&text).contains(word), "{name} uses {word}");
        }
    }
}
