//! Arrows between crates run one way, and a few foreign crates have one place: read from each `Cargo.toml`.

use super::finding::Finding;
use super::place::Home;

/// The crates in order: each may use those before it.
const ORDER: [&str; 5] = ["frostline-catalog", "frostline-engine", "frostline-sql", "frostline-server", "frostline"];
/// Crates for development, which no crate of the product is built from.
const DEVELOPMENT: [&str; 3] = ["frostline-testkit", "frostline-benches", "xtask"];

pub(crate) fn check(path: &str, text: &str) -> Vec<Finding> {
    if path.rsplit('/').next() != Some("Cargo.toml") {
        return Vec::new();
    }
    let manifest = Manifest::parse(text);
    let Some(package) = manifest.package else { return Vec::new() };
    manifest
        .dependencies
        .iter()
        .filter_map(|dependency| {
            let message = objection(path, package, dependency)?;
            Some(Finding::error(path, Some(dependency.line), message))
        })
        .collect()
}

/// What is wrong with a dependency, if anything.
fn objection(path: &str, package: &str, dependency: &Dependency<'_>) -> Option<String> {
    if let Some(home) = Home::of(&dependency.name.replace('-', "_")) {
        let tests = dependency.of_tests && home.may_be_in_tests();
        return (!tests && !home.holds(path)).then(|| home.objection(dependency.name));
    }
    if dependency.of_tests {
        return None;
    }
    let user = rank(package)?;
    if DEVELOPMENT.contains(&dependency.name) {
        return Some(format!("`{}` is for development; put it under [dev-dependencies]", dependency.name));
    }
    let used = rank(dependency.name)?;
    (used >= user).then(|| {
        let name = dependency.name;
        format!("`{package}` must not use `{name}`; arrows run catalog ← engine ← sql ← server ← cli")
    })
}

fn rank(package: &str) -> Option<usize> {
    ORDER.iter().position(|name| *name == package)
}

/// What a `Cargo.toml` says of its package. Read by hand: tables and keys as people write them, one to a line.
struct Manifest<'a> {
    package: Option<&'a str>,
    dependencies: Vec<Dependency<'a>>,
}

struct Dependency<'a> {
    name: &'a str,
    line: usize,
    /// Whether only tests, examples and benchmarks are built with it.
    of_tests: bool,
}

impl<'a> Manifest<'a> {
    fn parse(text: &'a str) -> Self {
        let mut manifest = Manifest { package: None, dependencies: Vec::new() };
        let mut table = Table::Other;
        for (line_number, line) in (1..).zip(text.lines()) {
            let line = line.trim();
            if let Some(header) = line.strip_prefix('[') {
                table = Table::parse(header.split(']').next().unwrap_or(header));
                if let Table::Dependency { name, of_tests } = table {
                    manifest.dependencies.push(Dependency { name, line: line_number, of_tests });
                }
                continue;
            }
            let Some((key, value)) = key_and_value(line) else { continue };
            match table {
                Table::Package if key == "name" => manifest.package = quoted(value),
                Table::Dependencies { of_tests } => {
                    let name = renamed(value).unwrap_or(key);
                    manifest.dependencies.push(Dependency { name, line: line_number, of_tests });
                }
                Table::Dependency { of_tests, .. } if key == "package" => {
                    if let Some(name) = quoted(value) {
                        manifest.dependencies.push(Dependency { name, line: line_number, of_tests });
                    }
                }
                _ => {}
            }
        }
        manifest
    }
}

#[derive(Clone, Copy)]
enum Table<'a> {
    Package,
    Dependencies {
        of_tests: bool,
    },
    /// `[dependencies.name]`: a table for one dependency.
    Dependency {
        name: &'a str,
        of_tests: bool,
    },
    Other,
}

impl<'a> Table<'a> {
    fn parse(header: &'a str) -> Self {
        if header == "package" {
            return Table::Package;
        }
        if header.starts_with("workspace") {
            return Table::Other;
        }
        for (kind, of_tests) in [("dev-dependencies", true), ("build-dependencies", false), ("dependencies", false)] {
            if header == kind || header.strip_suffix(kind).is_some_and(|target| target.ends_with('.')) {
                return Table::Dependencies { of_tests };
            }
            if let Some((before, name)) = header.rsplit_once('.')
                && (before == kind || before.strip_suffix(kind).is_some_and(|target| target.ends_with('.')))
            {
                return Table::Dependency { name: name.trim_matches('"'), of_tests };
            }
        }
        Table::Other
    }
}

/// The first part of the key, and the value: `arrow` and `true` for `arrow.workspace = true`.
fn key_and_value(line: &str) -> Option<(&str, &str)> {
    let (key, value) = line.split_once('=')?;
    let key = key.split('.').next().unwrap_or(key).trim().trim_matches('"');
    let is_name = !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
    is_name.then_some((key, value.trim()))
}

/// The name behind another one: `arrow` for `{ package = "arrow", version = "59" }`.
fn renamed(value: &str) -> Option<&str> {
    let (_, after) = value.split_once("package")?;
    quoted(after.trim_start().strip_prefix('=')?.trim_start())
}

fn quoted(value: &str) -> Option<&str> {
    value.strip_prefix('"')?.split('"').next()
}

#[cfg(test)]
mod tests {
    use super::super::finding::assert_found;
    use super::*;

    fn check_manifest(folder: &str, package: &str, rest: &str, expected: &[&str]) {
        let text = format!("[package]\nname = \"{package}\"\n\n{rest}");
        assert_found(&check(&format!("{folder}/Cargo.toml"), &text), expected);
    }

    #[test]
    fn a_crate_may_use_those_before_it() {
        check_manifest("sql", "frostline-sql", "[dependencies]\nfrostline-catalog.workspace = true\n", &[]);
        check_manifest("cli", "frostline", "[dependencies]\nfrostline-datasets.workspace = true\n", &[]);
        check_manifest("benches", "frostline-benches", "[dependencies]\nfrostline-sql.workspace = true\n", &[]);
    }

    #[test]
    fn a_crate_must_not_use_those_after_it_however_it_is_written() {
        let expected = ["error: engine/Cargo.toml:5: `frostline-engine` must not use `frostline-sql`; \
             arrows run catalog ← engine ← sql ← server ← cli"];
        for rest in [
            "[dependencies]\nfrostline-sql.workspace = true\n",
            "[dependencies] # in order\nfrostline-sql = { path = \"../sql\" } # soon\n",
            "[dependencies]\nquery = { package = \"frostline-sql\", path = \"../sql\" }\n",
            "[target.'cfg(unix)'.dependencies]\nfrostline-sql = { path = \"../sql\" }\n",
            "[build-dependencies]\nfrostline-sql.workspace = true\n",
            "\n[dependencies.frostline-sql]\npath = \"../sql\"\n",
            "[dependencies.query]\npackage = \"frostline-sql\"\n",
        ] {
            check_manifest("engine", "frostline-engine", rest, &expected);
        }
    }

    #[test]
    fn tests_may_use_what_the_product_must_not() {
        check_manifest("catalog", "frostline-catalog", "[dev-dependencies]\nfrostline-testkit.workspace = true\n", &[]);
        check_manifest("engine", "frostline-engine", "[dev-dependencies]\ndatafusion.workspace = true\n", &[]);
        let expected =
            ["error: catalog/Cargo.toml:5: `frostline-testkit` is for development; put it under [dev-dependencies]"];
        let rest = "[dependencies]\nfrostline-testkit.workspace = true\n";
        check_manifest("catalog", "frostline-catalog", rest, &expected);
    }

    #[test]
    fn datafusion_and_grpc_are_dependencies_where_they_belong() {
        check_manifest("sql", "frostline-sql", "[dependencies]\ndatafusion.workspace = true\n", &[]);
        check_manifest("server", "frostline-server", "[dependencies]\narrow-flight.workspace = true\n", &[]);
        check_manifest(
            "engine",
            "frostline-engine",
            "[dependencies]\ndatafusion-common = \"55\"\n",
            &["error: engine/Cargo.toml:5: `datafusion-common` belongs in sql/ or benches/, or in tests"],
        );
        check_manifest(
            "cli",
            "frostline",
            "[dev-dependencies]\ntonic = \"0.14\"\n",
            &["error: cli/Cargo.toml:5: `tonic` belongs in server/ or benches/"],
        );
    }

    #[test]
    fn lists_of_features_and_the_workspace_are_no_dependencies() {
        let rest = "[dependencies]\nx = { version = \"1\", features = [\n    \"frostline-sql\",\n] }\n";
        check_manifest("engine", "frostline-engine", rest, &[]);
        assert_found(&check("Cargo.toml", "[workspace.dependencies]\ndatafusion = \"55\"\n"), &[]);
    }

    #[test]
    fn the_place_of_object_stores_is_not_told_by_a_manifest() {
        check_manifest("catalog", "frostline-catalog", "[dependencies]\nobject_store.workspace = true\n", &[]);
        assert!(Home::of("object_store").is_none());
    }
}
