//! Tells the binary which commit it is built from: `FROSTLINE_COMMIT` if it is set, else what git says, else `unknown`.

use std::env;
use std::path::Path;
use std::process::Command;

const VARIABLE: &str = "FROSTLINE_COMMIT";

fn main() {
    println!("cargo:rerun-if-env-changed={VARIABLE}");
    // A commit appends to this file. A path that is not there would make every build run this again.
    if Path::new("../.git/logs/HEAD").exists() {
        println!("cargo:rerun-if-changed=../.git/logs/HEAD");
    }
    let commit = given_commit().or_else(head_commit).unwrap_or_else(|| "unknown".to_owned());
    println!("cargo:rustc-env={VARIABLE}={commit}");
}

fn given_commit() -> Option<String> {
    let commit = env::var(VARIABLE).ok()?;
    let commit = commit.trim();
    (!commit.is_empty()).then(|| commit.to_owned())
}

/// The commit that is checked out. A copy without a repository of its own must not take the commit of one around it.
fn head_commit() -> Option<String> {
    if !Path::new("../.git").exists() {
        return None;
    }
    let output = Command::new("git").args(["rev-parse", "--short=12", "HEAD"]).output().ok()?;
    if !output.status.success() {
        return None;
    }
    let commit = String::from_utf8(output.stdout).ok()?;
    let commit = commit.trim();
    (!commit.is_empty()).then(|| commit.to_owned())
}
