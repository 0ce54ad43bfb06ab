//! The walls of the house: which module may import which (`ARCHITECTURE.md` says why).

use std::{collections::BTreeSet, fs, path::Path};

/// Modules in layer order; a module may import those named beside it, and itself.
const ALLOWED: [(&str, &[&str]); 21] = [
    ("error", &[]),
    ("fingerprint", &[]),
    ("folders", &[]),
    ("memory", &[]),
    ("names", &[]),
    ("random", &[]),
    ("report", &[]),
    ("slices", &["error"]),
    ("words", &[]),
    ("data", &["error", "fingerprint", "folders", "random", "report"]),
    ("nn", &["error", "random", "data"]),
    ("latent", &["error", "random", "data", "nn"]),
    ("distill", &["error", "random", "report", "data", "nn", "latent"]),
    ("evaluate", &["error", "random", "report", "slices", "words", "data", "nn", "distill"]),
    ("benchmark", &["error", "random", "data", "nn", "distill", "evaluate"]),
    ("explain", &["error", "report", "data", "distill"]),
    ("store", &["error", "fingerprint", "folders", "names", "report", "data", "distill"]),
    ("config", &["error", "data", "nn", "latent", "distill", "evaluate"]),
    (
        "engine",
        &[
            "error",
            "fingerprint",
            "memory",
            "names",
            "random",
            "report",
            "slices",
            "data",
            "nn",
            "latent",
            "distill",
            "evaluate",
            "explain",
            "store",
            "config",
            "words",
        ],
    ),
    (
        "cli",
        &[
            "error",
            "memory",
            "names",
            "report",
            "data",
            "nn",
            "distill",
            "evaluate",
            "benchmark",
            "store",
            "config",
            "engine",
            "words",
        ],
    ),
    ("app", &["error", "memory", "report", "evaluate", "config", "engine", "words"]),
];

/// Words that must not stand in files under a path.
const FORBIDDEN: [(&str, &[&str]); 9] = [
    ("src/app", &["candle", "crate::nn", "crate::distill", "crate::data"]),
    ("src/app/state", &["egui::", "use egui", "eframe"]),
    ("src/report", &["candle"]),
    ("src/distill", &["std::thread", "crossbeam", "std::fs", "Instant", "egui"]),
    ("src/distill/terms", &["crate::nn", "crate::data", "crate::config", "crate::engine"]),
    ("src/engine", &["egui", "eframe"]),
    ("src/latent", &["std::thread", "crossbeam", "std::fs", "Instant", "egui"]),
    ("src/explain", &["candle", "std::fs", "std::thread"]),
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

/// The top modules that a file imports by `crate::name` or within `crate::{name::..., ...}`.
fn imports(text: &str) -> BTreeSet<&str> {
    let mut found = BTreeSet::new();
    for rest in text.split("crate::").skip(1) {
        if let Some(group) = rest.strip_prefix('{') {
            let mut depth = 1;
            let mut name_start = Some(0);
            for (position, character) in group.char_indices() {
                match character {
                    '{' => depth += 1,
                    '}' => depth -= 1,
                    ',' if depth == 1 => name_start = Some(position + 1),
                    ':' if depth == 1 => {
                        if let Some(start) = name_start.take() {
                            found.insert(group[start..position].trim());
                        }
                    }
                    _ => {}
                }
                if depth == 0 {
                    break;
                }
            }
        } else {
            let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
            found.insert(&rest[..end]);
        }
    }
    found
}

#[test]
fn imports_only_point_down() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let known: BTreeSet<&str> = ALLOWED.iter().map(|(module, _)| *module).collect();
    for (module, allowed) in ALLOWED {
        let mut files = files_under(&root.join("src").join(module));
        files.extend(files_under(&root.join(format!("src/{module}.rs"))));
        assert!(!files.is_empty() || module == "app", "there is no module {module}; mend the table");
        for (name, text) in files {
            for import in imports(&code(&text)) {
                let fine = import == module || allowed.contains(&import) || !known.contains(import);
                assert!(fine, "{name} imports {import}, which {module} may not know");
            }
        }
    }
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
