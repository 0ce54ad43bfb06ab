//! Every crate has a licence that is allowed, and the notices that the program prints are those of the crates it is linked from.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    process::Command,
};

use serde_json::Value;

use crate::support::program::{spiritsafe, succeed};

/// What cargo knows of all packages; of those for this system alone, where the others have never been fetched.
fn metadata() -> Value {
    let ask = |more: &[&str]| {
        let mut command = Command::new(env!("CARGO"));
        command.args(["metadata", "--offline", "--locked", "--format-version", "1"]).args(more);
        command.current_dir(env!("CARGO_MANIFEST_DIR")).output().unwrap()
    };
    let all = ask(&[]);
    let output = if all.status.success() {
        all
    } else {
        let version = Command::new("rustc").arg("-vV").output().unwrap().stdout;
        let version = String::from_utf8(version).unwrap();
        let host = version.lines().find_map(|line| line.strip_prefix("host: ")).unwrap();
        ask(&["--filter-platform", host])
    };
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn file(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/licences").join(name);
    fs::read_to_string(path).unwrap()
}

/// True if a choice that the expression leaves consists of allowed licences alone.
fn is_allowed(expression: &str, allowed: &BTreeSet<&str>) -> bool {
    let words = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ").replace(" WITH ", "~");
    let words: Vec<&str> = words.split_whitespace().collect();
    let mut at = 0;
    let is_allowed = either(&words, &mut at, allowed);
    assert_eq!(at, words.len(), "the licence {expression} is no expression");
    is_allowed
}

fn either(words: &[&str], at: &mut usize, allowed: &BTreeSet<&str>) -> bool {
    let mut any = both(words, at, allowed);
    while words.get(*at) == Some(&"OR") {
        *at += 1;
        any |= both(words, at, allowed);
    }
    any
}

fn both(words: &[&str], at: &mut usize, allowed: &BTreeSet<&str>) -> bool {
    let mut all = one(words, at, allowed);
    while words.get(*at) == Some(&"AND") {
        *at += 1;
        all &= one(words, at, allowed);
    }
    all
}

fn one(words: &[&str], at: &mut usize, allowed: &BTreeSet<&str>) -> bool {
    let word = words.get(*at).copied().unwrap_or_default();
    *at += 1;
    if word != "(" {
        return allowed.contains(word.replace('~', " WITH ").as_str());
    }
    let inner = either(words, at, allowed);
    assert_eq!(words.get(*at), Some(&")"));
    *at += 1;
    inner
}

#[test]
fn every_crate_has_a_licence_that_is_allowed() {
    let text = file("allowed.txt");
    let allowed: BTreeSet<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
    for (expression, fits) in [
        ("MIT", true),
        ("MIT/Apache-2.0", true),
        ("GPL-3.0", false),
        ("MIT OR GPL-3.0", true),
        ("MIT AND GPL-3.0", false),
        ("(MIT OR Apache-2.0) AND Unicode-3.0", true),
        ("(MIT OR GPL-3.0) AND GPL-2.0", false),
        ("Apache-2.0 WITH LLVM-exception", true),
        ("", false),
    ] {
        let found = if expression.is_empty() { false } else { is_allowed(expression, &allowed) };
        assert_eq!(found, fits, "{expression}");
    }
    for package in metadata()["packages"].as_array().unwrap() {
        let licence = package["license"].as_str().unwrap_or_default();
        let fits = !licence.is_empty() && is_allowed(licence, &allowed);
        assert!(fits, "{} has the licence {licence:?}: see assets/licences/allowed.txt", package["name"]);
    }
}

/// Packages that are reached without build scripts and tests.
fn linked(meta: &Value) -> BTreeMap<String, String> {
    let nodes: BTreeMap<&str, &Value> =
        meta["resolve"]["nodes"].as_array().unwrap().iter().map(|node| (node["id"].as_str().unwrap(), node)).collect();
    let root = meta["resolve"]["root"].as_str().unwrap();
    let (mut found, mut waiting) = (BTreeSet::new(), vec![root]);
    while let Some(id) = waiting.pop() {
        for dependency in nodes[id]["deps"].as_array().unwrap() {
            let is_linked = dependency["dep_kinds"].as_array().unwrap().iter().any(|kind| kind["kind"].is_null());
            let id = dependency["pkg"].as_str().unwrap();
            if is_linked && found.insert(id) {
                waiting.push(id);
            }
        }
    }
    let packages = meta["packages"].as_array().unwrap().iter();
    let named = packages.filter(|package| found.contains(package["id"].as_str().unwrap()));
    named
        .map(|package| {
            let text = |key: &str| package[key].as_str().unwrap_or_default().to_owned();
            (format!("{} {}", text("name"), text("version")), text("license"))
        })
        .collect()
}

#[test]
fn the_program_prints_the_notices_of_its_crates() {
    let printed = String::from_utf8(succeed(spiritsafe().arg("licenses")).stdout).unwrap();
    assert_eq!(printed, file("notices.txt"));
    let listed: BTreeSet<&str> = printed.lines().collect();
    for (name, licence) in linked(&metadata()) {
        let line = format!("{name} {licence}");
        assert!(listed.contains(line.as_str()), "{line} is missing: run python3 assets/licences/notices.py");
    }
}
