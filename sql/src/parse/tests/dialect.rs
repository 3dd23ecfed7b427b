//! The dialect answers as DataFusion's default one does.

use datafusion::sql::sqlparser::dialect::{Dialect, GenericDialect};

use super::read;
use crate::parse::FrostlineDialect;

#[test]
fn only_table_versions_differ_from_the_generic_dialect() {
    let (ours, base) = (FrostlineDialect, GenericDialect);
    assert!(ours.supports_table_versioning());
    assert!(!base.supports_table_versioning());
    for (ours, base) in [
        (ours.supports_filter_during_aggregation(), base.supports_filter_during_aggregation()),
        (ours.supports_from_first_select(), base.supports_from_first_select()),
        (ours.supports_group_by_expr(), base.supports_group_by_expr()),
        (ours.supports_explain_with_utility_options(), base.supports_explain_with_utility_options()),
        (ours.supports_nested_comments(), base.supports_nested_comments()),
        (ours.supports_select_wildcard_exclude(), base.supports_select_wildcard_exclude()),
        (ours.supports_string_escape_constant(), base.supports_string_escape_constant()),
        (ours.supports_parens_around_table_factor(), base.supports_parens_around_table_factor()),
        (ours.supports_map_literal_with_angle_brackets(), base.supports_map_literal_with_angle_brackets()),
        (ours.is_identifier_start('@'), base.is_identifier_start('@')),
        (ours.is_identifier_part('$'), base.is_identifier_part('$')),
        (ours.is_delimited_identifier_start('`'), base.is_delimited_identifier_start('`')),
    ] {
        assert_eq!(ours, base);
    }
}

#[test]
fn the_parser_takes_it_for_the_generic_dialect() {
    let dialect: &dyn Dialect = &FrostlineDialect;
    assert!(dialect.is::<GenericDialect>());
}

#[test]
fn queries_of_datafusions_default_dialect_are_read() {
    for sql in [
        "SELECT * EXCLUDE (a) FROM t",
        "SELECT * REPLACE (a + 1 AS a) FROM t",
        "SELECT sum(a) FILTER (WHERE b) FROM t",
        "SELECT a, count(*) FROM t GROUP BY ROLLUP (a)",
        "SELECT [1, 2, 3], {'a': 1}, E'a\\n', a::INT[] FROM t",
        "SELECT * FROM unnest([1, 2]) AS u(a)",
        "SELECT * FROM generate_series(1, 10)",
        "VALUES (1, 'a'), (2, 'b')",
        "SELECT row_number() OVER (PARTITION BY a ORDER BY b) FROM t QUALIFY a = 1",
        "SELECT a FROM t WHERE a BETWEEN 1 AND 2 AND b LIKE 'x%' OR c IS NOT NULL",
        "WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r) SELECT * FROM r",
    ] {
        read(sql);
    }
}
