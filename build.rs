//! Tells the program from which sources it is made: the commit, and what was changed since. Without git it says nothing.

use std::{path::Path, process::Command};

/// What the program is made of.
const SOURCES: [&str; 6] = ["src", "configs", "assets", "Cargo.toml", "Cargo.lock", "build.rs"];

fn main() {
    SOURCES.iter().filter(|source| Path::new(source).exists()).for_each(|source| watch(source));
    println!("cargo::rerun-if-env-changed=SPIRITSAFE_COMMIT");
    // Who packs the sources without their history may name the commit.
    let given = std::env::var("SPIRITSAFE_COMMIT").ok();
    let Some(commit) = given.or_else(|| git(&["rev-parse", "HEAD"])) else { return };
    println!("cargo::rustc-env=SPIRITSAFE_COMMIT={commit}");
    // A line is added with every commit, and with every move to another one.
    if let Some(moves) = git(&["rev-parse", "--git-path", "logs/HEAD"]).filter(|path| Path::new(path).exists()) {
        watch(&moves);
    }
    if let Some(changes) = changes() {
        println!("cargo::rustc-env=SPIRITSAFE_CHANGES={changes}");
    }
}

fn watch(path: &str) {
    println!("cargo::rerun-if-changed={path}");
}

/// A sum over what differs from the commit, and over the files that it does not know; none where nothing does.
fn changes() -> Option<String> {
    let with_sources = |arguments: &[&'static str]| git(&[arguments, &["--"], &SOURCES].concat());
    let differences = with_sources(&["diff", "HEAD"])?;
    let unknown = with_sources(&["ls-files", "--others", "--exclude-standard"])?;
    let unknown: Vec<String> = unknown.lines().filter_map(|path| git(&["hash-object", path])).collect();
    let all = [differences, unknown.join("\n")].concat();
    (!all.is_empty()).then(|| sum(&all))
}

/// FNV-1a, 64 bits: it has to tell builds of one person apart, nothing more.
fn sum(text: &str) -> String {
    let step = |sum: u64, byte: u8| (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    format!("{:016x}", text.bytes().fold(0xcbf2_9ce4_8422_2325, step))
}

/// What git answers, in the history that begins in this folder; none where there is none.
fn git(arguments: &[&str]) -> Option<String> {
    if !Path::new(".git").exists() {
        return None; // A history further up is that of something else.
    }
    let output = Command::new("git").args(arguments).env("GIT_OPTIONAL_LOCKS", "0").output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
