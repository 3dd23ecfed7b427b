//! What the command line asks for.

use crate::benchmark::Benchmark;
use crate::workbench::Size;

/// How the program is used.
pub(crate) const HELP: &str = "\
usage: cargo run --profile dist -p frostline-benches -- [--quick] [name…]

  Runs the benchmarks with these names, or all, and prints a table of claims. Build the program that some of them start
  first: cargo build --profile dist

  --quick   small sizes, to see that everything runs; the figures are no evidence
  --list    the names
  --help    this
";

/// What the command line asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Request {
    /// How the program is used.
    Help,
    /// The names of the benchmarks.
    List,
    /// Benchmarks, in the order of the table.
    Run { benchmarks: Vec<Benchmark>, size: Size },
}

impl Request {
    /// Reads the words behind the program's name. The error is a line for the user.
    pub(crate) fn parse(words: &[String]) -> Result<Self, String> {
        let mut named: Vec<Benchmark> = Vec::new();
        let mut size = Size::Full;
        for word in words {
            match word.as_str() {
                "--help" | "-h" => return Ok(Self::Help),
                "--list" => return Ok(Self::List),
                "--quick" => size = Size::Quick,
                name => match Benchmark::named(name) {
                    Some(benchmark) => named.push(benchmark),
                    None => return Err(format!("there is no benchmark `{name}`; --list shows the names")),
                },
            }
        }
        let is_asked = |benchmark: &Benchmark| named.is_empty() || named.contains(benchmark);
        let benchmarks = Benchmark::ALL.into_iter().filter(is_asked).collect();
        Ok(Self::Run { benchmarks, size })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Request, String> {
        let words: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
        Request::parse(&words)
    }

    #[test]
    fn no_name_means_all() {
        let all = Request::Run { benchmarks: Benchmark::ALL.to_vec(), size: Size::Full };
        assert_eq!(parse(""), Ok(all));
    }

    #[test]
    fn names_select_and_the_table_keeps_its_order() {
        let benchmarks = vec![Benchmark::CommitLatency, Benchmark::Tpch];
        assert_eq!(parse("tpch --quick commit-latency"), Ok(Request::Run { benchmarks, size: Size::Quick }));
    }

    #[test]
    fn an_unknown_name_is_an_error() {
        assert_eq!(parse("tpcds"), Err("there is no benchmark `tpcds`; --list shows the names".to_owned()));
    }

    #[test]
    fn every_benchmark_is_found_by_its_name() {
        for benchmark in Benchmark::ALL {
            assert_eq!(Benchmark::named(benchmark.name()), Some(benchmark));
        }
    }
}
