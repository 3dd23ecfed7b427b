//! `frostline token`.

use crate::lake::TestLake;

#[test]
fn a_token_is_printed_once_and_listed_without_its_secret() {
    let lake = TestLake::create();
    let made = lake.run(&["token", "create", "ann", "--rights", "write", "--expires", "30d"]).succeeds();
    let token = made.stdout.trim().to_owned();
    assert_eq!(made.stderr, "version 2: create token ann, write\n");
    assert_eq!(token.len(), "fl_".len() + 16 + 1 + 64, "{token}");

    let list = lake.run(&["token", "list"]).succeeds().stdout;
    let mut lines = list.lines();
    assert_eq!(lines.next(), Some("name,rights,status,created_at,expires_at,id"));
    assert!(lines.next().is_some_and(|line| line.starts_with("ann,write,valid,")), "{list}");
    let (id, secret) = token.trim_start_matches("fl_").split_once('_').expect("an id and a secret");
    assert!(list.contains(id) && !list.contains(secret), "{list}");
    let show = lake.run(&["show", "2"]).succeeds().stdout;
    assert!(show.contains("create token") && !show.contains("sha256"), "{show}");
}

#[test]
fn a_revoked_token_is_history() {
    let lake = TestLake::create();
    lake.run(&["token", "create", "ann", "--rights", "read"]).succeeds();
    lake.run(&["token", "create", "ann", "--rights", "read"]).fails(1).mentions(&["there is a token `ann` already"]);
    lake.run(&["token", "revoke", "ann", "-m", "left"]).succeeds().says("version 3: revoke token ann\n");
    lake.run(&["token", "revoke", "ann"]).fails(1).mentions(&["there is no token `ann`"]);
    let list = lake.run(&["token", "list"]).succeeds().stdout;
    assert!(list.contains("ann,read,revoked,"), "{list}");
    let log = "SELECT author, message, operation FROM system.commits WHERE version = 3";
    lake.sql(log).succeeds().prints("author,message,operation\ntester,left,revoke token\n");
}

#[test]
fn sql_does_not_show_what_is_kept_of_tokens() {
    let lake = TestLake::create();
    lake.run(&["token", "create", "ann", "--rights", "read"]).succeeds();
    lake.sql("SELECT count(*) AS n FROM system.settings WHERE source = 'lake'").succeeds().prints("n\n0\n");
}

#[test]
fn a_wrong_command_line_makes_no_token() {
    let lake = TestLake::create();
    lake.run(&["token", "create", "ann", "--rights", "all"]).fails(2);
    lake.run(&["token", "create", "ann"]).fails(2);
    lake.run(&["token", "create", "ann", "--rights", "read", "--expires", "soon"]).fails(2);
    lake.run(&["token", "create", "an n", "--rights", "read"]).fails(1);
    lake.run(&["token", "list"]).succeeds().prints("name,rights,status,created_at,expires_at,id\n");
}
