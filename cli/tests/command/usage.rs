//! What the command says of itself.

use crate::lake::TestLake;

#[test]
fn the_version_names_release_commit_and_format() {
    let version = TestLake::missing().run(&["--version"]).succeeds().says("").stdout;
    let begins = format!("frostline {} (commit ", env!("CARGO_PKG_VERSION"));
    assert!(version.starts_with(&begins) && version.ends_with(") format 1\n"), "{version}");
}

#[test]
fn help_lists_every_command() {
    let help = TestLake::missing().run(&["--help"]).succeeds().stdout;
    for command in
        ["init", "sql", "import", "log", "show", "diff", "tag", "verify", "serve", "token", "config", "tls", "demo"]
    {
        assert!(help.lines().any(|line| line.trim_start().starts_with(command)), "{command} is missing:\n{help}");
    }
}
