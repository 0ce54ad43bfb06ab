//! The program as a child process, and what it said.

use std::{
    path::Path,
    process::{Command, Output, Stdio},
};

use serde_json::Value;

use super::{TINY_DIGITS, TINY_PLANE};

pub(crate) fn spiritsafe() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_spiritsafe"));
    command.stdin(Stdio::null());
    command
}

/// `distill` of a preset with settings into a folder.
pub(crate) fn distill(preset: &str, settings: &[&str], out: &Path) -> Command {
    let mut command = spiritsafe();
    command.args(["distill", "--preset", preset]);
    for setting in settings {
        command.args(["--set", setting]);
    }
    command.arg("--out").arg(out);
    command
}

pub(crate) fn digits(out: &Path) -> Command {
    distill("digits", &TINY_DIGITS, out)
}

pub(crate) fn plane(out: &Path) -> Command {
    distill("plane", &TINY_PLANE, out)
}

pub(crate) fn resume(out: &Path) -> Command {
    let mut command = spiritsafe();
    command.args(["distill", "--resume", "--out"]).arg(out);
    command
}

pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Runs a command that succeeds.
pub(crate) fn succeed(command: &mut Command) -> Output {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", stderr(&output));
    output
}

/// Runs a command that fails with this code and a message that holds all these words. Returns the message.
pub(crate) fn refuse(command: &mut Command, code: i32, words: &[&str]) -> String {
    let output = command.output().unwrap();
    let text = stderr(&output);
    assert_eq!(output.status.code(), Some(code), "{command:?}: {text}");
    for word in words {
        assert!(text.contains(word), "{command:?}: no {word:?} in {text:?}");
    }
    assert!(!text.contains("panicked"), "{text}");
    text
}

pub(crate) fn last_json(output: &Output) -> Value {
    let text = String::from_utf8_lossy(&output.stdout);
    serde_json::from_str(text.lines().last().expect("a line")).unwrap()
}
