//! Object stores, DataFusion and gRPC are used where they belong, so that the rest can be read without them.
//!
//! * `object_store`: in folders named `io/`, in `testkit/`, in tests, and in files that say why with a line
//!   `// tidy: object_store because …`.
//! * DataFusion: in `sql/` and `benches/`, and in tests.
//! * tonic and Arrow Flight: in `server/` and `benches/`.

use super::finding::Finding;
use super::source::{code_lines, is_rust, is_test, path_roots, reason};

pub(crate) fn check(path: &str, text: &str) -> Vec<Finding> {
    if !is_rust(path) {
        return Vec::new();
    }
    let code = if is_test(path) { Vec::new() } else { code_lines(text) };
    let mut findings = check_stores(path, text, &code);
    let all: Vec<(usize, &str)> = (1..).zip(text.lines()).collect();
    for home in [Home::DataFusion, Home::Grpc] {
        let lines = if home.may_be_in_tests() { &code } else { &all };
        findings.extend(check_home(path, lines, home));
    }
    findings
}

fn check_stores(path: &str, text: &str, code: &[(usize, &str)]) -> Vec<Finding> {
    let in_place = path.split('/').any(|folder| folder == "io") || path.starts_with("testkit/");
    if in_place || reason(text, "object_store").is_some() {
        return Vec::new();
    }
    let message = "`object_store` belongs in folders named `io/`; move the code there, or say why with a line \
                   `// tidy: object_store because …`";
    code.iter()
        .filter(|(_, line)| path_roots(line).contains(&"object_store"))
        .map(|(number, _)| Finding::error(path, Some(*number), message))
        .collect()
}

fn check_home(path: &str, lines: &[(usize, &str)], home: Home) -> Vec<Finding> {
    if home.holds(path) {
        return Vec::new();
    }
    lines
        .iter()
        .filter_map(|(number, line)| {
            let root = path_roots(line).into_iter().find(|root| Home::of(root) == Some(home))?;
            Some(Finding::error(path, Some(*number), home.objection(root)))
        })
        .collect()
}

/// A group of foreign crates that has its folders.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Home {
    DataFusion,
    Grpc,
}

impl Home {
    /// The group of a crate, by its name in code.
    pub(crate) fn of(crate_name: &str) -> Option<Self> {
        if crate_name == "datafusion" || crate_name.starts_with("datafusion_") {
            Some(Self::DataFusion)
        } else if crate_name == "tonic" || crate_name.starts_with("tonic_") || crate_name == "arrow_flight" {
            Some(Self::Grpc)
        } else {
            None
        }
    }

    pub(crate) fn may_be_in_tests(self) -> bool {
        self == Self::DataFusion
    }

    /// Whether the group may be used in this file.
    pub(crate) fn holds(self, path: &str) -> bool {
        match self {
            Self::DataFusion => path.starts_with("sql/") || path.starts_with("benches/"),
            Self::Grpc => path.starts_with("server/") || path.starts_with("benches/"),
        }
    }

    pub(crate) fn objection(self, crate_name: &str) -> String {
        match self {
            Self::DataFusion => format!("`{crate_name}` belongs in sql/ or benches/, or in tests"),
            Self::Grpc => format!("`{crate_name}` belongs in server/ or benches/"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::finding::assert_found;
    use super::*;

    const STORE: &str = "use object_store::ObjectStore;\n";

    #[test]
    fn object_stores_are_used_in_io_only() {
        let expected =
            ["error: engine/src/verify.rs:1: `object_store` belongs in folders named `io/`; move the code there, or \
             say why with a line `// tidy: object_store because …`"];
        assert_found(&check("engine/src/verify.rs", STORE), &expected);
        for path in ["engine/src/io/read.rs", "testkit/src/faulty.rs", "engine/tests/verify.rs"] {
            assert_found(&check(path, STORE), &[]);
        }
    }

    #[test]
    fn object_stores_are_used_elsewhere_by_files_that_say_why() {
        let text = format!("// tidy: object_store because DataFusion wants one registered\n{STORE}");
        assert_found(&check("sql/src/session.rs", &text), &[]);
    }

    #[test]
    fn datafusion_is_used_in_sql_and_in_tests() {
        let text = "use datafusion_expr::Expr;\n";
        let expected = ["error: engine/src/scan.rs:1: `datafusion_expr` belongs in sql/ or benches/, or in tests"];
        assert_found(&check("engine/src/scan.rs", text), &expected);
        assert_found(&check("sql/src/planner.rs", text), &[]);
        assert_found(&check("benches/src/main.rs", text), &[]);
        assert_found(&check("cli/tests/shell.rs", text), &[]);
        assert_found(&check("engine/src/scan.rs", &format!("#[cfg(test)]\nmod tests {{\n    {text}}}\n")), &[]);
    }

    #[test]
    fn grpc_is_used_in_the_server_and_its_benchmarks_only_even_by_tests() {
        let text = ["let status = ton", "ic::Status::ok(\"\");\n"].concat();
        let text = text.as_str();
        assert_found(&check("server/src/flight.rs", text), &[]);
        assert_found(&check("benches/src/flight_client.rs", text), &[]);
        let expected = ["error: cli/tests/serve.rs:1: `tonic` belongs in server/ or benches/"];
        assert_found(&check("cli/tests/serve.rs", text), &expected);
    }

    #[test]
    fn what_only_mentions_a_crate_is_no_use_of_it() {
        assert_found(&check("engine/src/a.rs", "//! Not with object_store::path or datafusion::prelude.\n"), &[]);
        assert_found(&check("sql/src/a.rs", "use datafusion::execution::object_store::ObjectStoreUrl;\n"), &[]);
    }
}
