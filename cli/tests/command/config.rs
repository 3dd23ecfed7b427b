//! `frostline config`, and the layers that settings come from.

use crate::lake::TestLake;

#[test]
fn settings_say_where_they_come_from() {
    let lake = TestLake::missing();
    lake.write("frostline.toml", "[serve]\nlisten = \"127.0.0.1:4000\"\ndrain = \"7s\"\n");
    let mut command = lake.command(&["config", "show", "--origin", "--listen", "127.0.0.1:5000"]);
    command.env("FROSTLINE_LIMITS_MEMORY", "2GiB");
    let shown = crate::lake::Outcome::of(command.output().expect("the command starts")).succeeds().stdout;
    for line in [
        "serve.listen = \"127.0.0.1:5000\"  # flag --listen",
        "limits.memory = \"2GiB\"  # variable FROSTLINE_LIMITS_MEMORY",
        "limits.statement_memory = \"1GiB\"  # default",
        "serve.drain = \"7s\"  # file frostline.toml",
        "serve.no_auth = false  # default",
    ] {
        assert!(shown.lines().any(|found| found == line), "{line} is missing:\n{shown}");
    }
}

#[test]
fn what_is_shown_can_be_given_back() {
    let lake = TestLake::missing();
    let shown = lake.run(&["config", "show", "--drain", "7s"]).succeeds().stdout;
    lake.write("again.toml", &shown);
    let again = lake.run(&["--config", "again.toml", "config", "show"]).succeeds();
    assert_eq!(again.stdout, shown);
}

#[test]
fn the_lake_may_stand_in_the_file() {
    let lake = TestLake::with_orders();
    lake.write("frostline.toml", "lake = \"lake\"\n");
    let mut command = lake.command(&["sql", "-c", "SELECT count(*) AS n FROM orders"]);
    command.env_remove("FROSTLINE_LAKE");
    crate::lake::Outcome::of(command.output().expect("the command starts")).succeeds().prints("n\n3\n");
}

#[test]
fn a_file_that_is_wrong_is_no_settings() {
    let lake = TestLake::missing();
    lake.write("frostline.toml", "[serve]\nlisten_on = \"127.0.0.1:1\"\n");
    lake.run(&["config", "show"]).fails(2).mentions(&["line 2, sets `serve.listen_on`, which is no"]);
    lake.write("frostline.toml", "[serve\n");
    lake.run(&["config", "show"]).fails(2).mentions(&["`frostline.toml`, line ", "is not TOML"]);
    lake.run(&["--config", "none.toml", "config", "show"]).fails(2).mentions(&["`none.toml` cannot be read"]);
}
