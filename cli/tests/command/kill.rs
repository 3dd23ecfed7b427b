//! Processes that are killed at any moment: what they acknowledged is there, and nothing is half there.
//!
//! `FROSTLINE_KILLS` is how many are killed, `FROSTLINE_SEED` draws other moments.

use std::env;
use std::fmt::Write as _;
use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStderr};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use crate::lake::{Outcome, TestLake};

/// How many processes are killed on one lake.
const KILLS_PER_LAKE: u64 = 20;

/// How many statements a script has: more than are ever waited for.
const STATEMENTS: u64 = 200;

/// The most commits that are waited for before a kill.
const COMMITS_MAX: u64 = 12;

/// The longest time between the last commit that is waited for and the kill: about as long as a commit takes.
const COMMIT_DELAY_MAX: Duration = Duration::from_millis(4);

/// The longest time before the kill where no commit is waited for: about as long as the command takes to begin.
const START_DELAY_MAX: Duration = Duration::from_millis(120);

/// The longest time that is waited before an import is killed: about as long as one takes.
const IMPORT_DELAY_MAX: Duration = Duration::from_millis(300);

/// The rows of an import: more bytes than a slot carries, so that they are frozen.
const IMPORTED_ROWS: u64 = 60_000;

/// A process that hangs is an error, not a kill.
const PATIENCE: Duration = Duration::from_secs(60);

/// Draws numbers from a seed, as `splitmix64` does.
struct Draw(u64);

impl Draw {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }

    fn delay(&mut self, longest: Duration) -> Duration {
        Duration::from_micros(self.below(u64::try_from(longest.as_micros()).unwrap_or(1)))
    }
}

/// A number from the environment.
fn from_environment(name: &str, usual: u64) -> u64 {
    env::var(name).map_or(usual, |text| text.parse().unwrap_or_else(|_| unreachable!("{name}={text} is no number")))
}

/// A process whose standard error is read line by line.
struct Running {
    child: Child,
    lines: Receiver<String>,
    said: Vec<String>,
}

/// What a killed process had said.
struct Killed {
    /// Whether the kill came before its end.
    was_running: bool,
    said: Vec<String>,
}

impl Running {
    fn start(lake: &TestLake, arguments: &[&str]) -> Self {
        let mut child = lake.command(arguments).spawn().expect("the command starts");
        let stderr: ChildStderr = child.stderr.take().expect("standard error is a pipe");
        let (sender, lines) = mpsc::channel();
        thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        Self { child, lines, said: Vec::new() }
    }

    /// Waits until so many lines were said, or the process has ended.
    fn wait_for(&mut self, lines: u64) {
        while (self.said.len() as u64) < lines {
            match self.lines.recv_timeout(PATIENCE) {
                Ok(line) => self.said.push(line),
                Err(RecvTimeoutError::Disconnected) => return,
                Err(RecvTimeoutError::Timeout) => unreachable!("the process hangs: {:?}", self.said),
            }
        }
    }

    /// Waits for the next line, but not longer than this.
    fn wait_at_most(&mut self, delay: Duration) {
        self.said.extend(self.lines.recv_timeout(delay));
    }

    /// Kills the process as `kill -9` does, and gives every line that it had said.
    fn kill(mut self) -> Killed {
        // It may have ended by itself.
        let _ = self.child.kill();
        let status = self.child.wait().expect("the process ends");
        self.said.extend(self.lines.iter());
        Killed { was_running: status.code().is_none(), said: self.said }
    }
}

impl Killed {
    /// The versions that were acknowledged. A warning may stand between them, an error may not.
    fn versions(&self) -> Vec<u64> {
        assert!(!self.said.iter().any(|line| line.starts_with("error")), "{:?}", self.said);
        let version = |line: &String| line.strip_prefix("version ")?.split_once(": ")?.0.parse::<u64>().ok();
        self.said.iter().filter_map(version).collect()
    }
}

/// A lake on which processes are killed, and what must be there.
struct Victim {
    lake: TestLake,
    newest: u64,
}

impl Victim {
    fn create(csv: &str) -> Self {
        let lake = TestLake::create();
        lake.write("rows.csv", csv);
        lake.sql("CREATE TABLE runs (run BIGINT, number BIGINT)").succeeds();
        Self { lake, newest: 2 }
    }

    /// Kills a process that inserts numbers from 0 on, one a commit.
    fn kill_inserts(&mut self, run: u64, draw: &mut Draw) -> bool {
        let mut script = String::new();
        for number in 0..STATEMENTS {
            writeln!(script, "INSERT INTO runs VALUES ({run}, {number});").expect("a string takes everything");
        }
        self.lake.write("inserts.sql", &script);
        let mut running = Running::start(&self.lake, &["sql", "-f", "inserts.sql"]);
        let commits = draw.below(COMMITS_MAX + 1);
        running.wait_for(commits);
        running.wait_at_most(draw.delay(if commits == 0 { START_DELAY_MAX } else { COMMIT_DELAY_MAX }));
        let killed = running.kill();
        let acknowledged = self.check_versions(&killed);
        let sql = format!(
            "SELECT count(*) AS n, count(DISTINCT number) AS different, coalesce(max(number) + 1, 0) AS behind \
             FROM runs WHERE run = {run}"
        );
        let found = numbers(&self.lake.sql(&sql).succeeds());
        assert!(found.iter().all(|number| *number == found[0]), "run {run} left gaps: {found:?}");
        let made = found[0];
        assert!(
            made == acknowledged || made == acknowledged + 1,
            "run {run} acknowledged {acknowledged} inserts, and {made} are there"
        );
        self.check_newest(made);
        killed.was_running
    }

    /// Kills a process that imports a file into a new table.
    fn kill_import(&mut self, run: u64, draw: &mut Draw) -> bool {
        let table = format!("load_{run}");
        let mut running = Running::start(&self.lake, &["import", &table, "rows.csv"]);
        running.wait_at_most(draw.delay(IMPORT_DELAY_MAX));
        let killed = running.kill();
        let acknowledged = self.check_versions(&killed);
        let sql = format!(
            "SELECT count(*) AS n, coalesce(max(\"rows\"), 0) AS total FROM system.tables WHERE table_name = '{table}'"
        );
        let found = numbers(&self.lake.sql(&sql).succeeds());
        assert!(found == [0, 0] || found == [1, IMPORTED_ROWS], "import {run} is half there: {found:?}");
        assert!(found[0] >= acknowledged, "import {run} was acknowledged and is not there");
        if found[0] == 1 {
            let sum = IMPORTED_ROWS * (IMPORTED_ROWS - 1) / 2;
            let sql = format!("SELECT count(*) AS n, sum(id) AS total FROM {table}");
            assert_eq!(numbers(&self.lake.sql(&sql).succeeds()), [IMPORTED_ROWS, sum]);
        }
        self.check_newest(found[0]);
        killed.was_running
    }

    /// How many commits were acknowledged: one version after the other from the newest on.
    fn check_versions(&self, killed: &Killed) -> u64 {
        let versions = killed.versions();
        let expected: Vec<u64> = (self.newest + 1..).take(versions.len()).collect();
        assert_eq!(versions, expected);
        versions.len() as u64
    }

    /// Checks that so many versions were made and no other.
    fn check_newest(&mut self, made: u64) {
        self.newest += made;
        let sql = "SELECT count(*) AS n, max(version) AS newest FROM system.commits";
        assert_eq!(numbers(&self.lake.sql(sql).succeeds()), [self.newest, self.newest]);
    }
}

/// The only row of a result, which has whole numbers.
fn numbers(outcome: &Outcome) -> Vec<u64> {
    let row = outcome.stdout.lines().nth(1).unwrap_or_default();
    row.split(',').map(|number| number.parse().unwrap_or_else(|_| unreachable!("{outcome:#?}"))).collect()
}

/// Rows that do not shrink away.
fn noisy_csv() -> String {
    let mut csv = "id,text\n".to_owned();
    for id in 0..IMPORTED_ROWS {
        let noise = id.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        writeln!(csv, "{id},{noise:016x}{:016x}", noise.rotate_left(29)).expect("a string takes everything");
    }
    csv
}

#[test]
fn a_killed_process_leaves_what_it_acknowledged_or_one_commit_more() {
    let kills = from_environment("FROSTLINE_KILLS", 100);
    let mut draw = Draw(from_environment("FROSTLINE_SEED", 1));
    let csv = noisy_csv();
    let mut victim = Victim::create(&csv);
    let mut struck = 0;
    for run in 0..kills {
        let was_running = match run % 4 {
            3 => victim.kill_import(run, &mut draw),
            _ => victim.kill_inserts(run, &mut draw),
        };
        struck += u64::from(was_running);
        if (run + 1).is_multiple_of(KILLS_PER_LAKE) || run + 1 == kills {
            victim.lake.run(&["verify", "--deep"]).succeeds();
            if run + 1 < kills {
                victim = Victim::create(&csv);
            }
        }
    }
    assert!(struck * 4 >= kills * 3, "only {struck} of {kills} processes were killed before their end");
}

#[test]
fn a_creation_that_was_killed_is_completed_by_the_next() {
    let mut draw = Draw(from_environment("FROSTLINE_SEED", 2));
    for _ in 0..15 {
        let lake = TestLake::missing();
        let mut running = Running::start(&lake, &["init"]);
        running.wait_at_most(draw.delay(Duration::from_millis(80)));
        let acknowledged = running.kill().said.len();
        let again = lake.run(&["init"]);
        if acknowledged > 0 {
            again.fails(4);
        } else {
            // It may have been killed between its commit and its word.
            assert!(matches!(again.code, Some(0 | 4)), "{again:#?}");
        }
        lake.sql("SELECT count(*) AS n FROM system.commits").succeeds().prints("n\n1\n");
        lake.run(&["verify"]).succeeds();
    }
}
