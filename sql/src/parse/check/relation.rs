//! Checks on what stands behind FROM: tables, functions, subqueries and joins.

use datafusion::sql::sqlparser::ast::{
    FunctionArg, Join, JoinConstraint, JoinOperator, ObjectName, TableAlias, TableAliasColumnDef, TableFactor,
    TableFunctionArgs, TableVersion,
};

use crate::parse::error::{ParseError, Position};
use crate::parse::version_clause::version_clause;

/// Refuses what the planner would drop of a relation, and the kinds that it does not know.
pub(super) fn check_table_factor(factor: &TableFactor) -> Result<(), ParseError> {
    match factor {
        TableFactor::Table {
            name,
            alias,
            args,
            with_hints,
            version,
            with_ordinality,
            partitions,
            json_path,
            sample,
            index_hints,
        } => {
            if sample.is_some() {
                return Err(sampled(name));
            }
            if !with_hints.is_empty() || !index_hints.is_empty() {
                return Err(ParseError::unsupported(
                    format!("a hint on table `{name}`"),
                    "leave it out: plans follow statistics",
                ));
            }
            if !partitions.is_empty() || json_path.is_some() {
                return Err(ParseError::unsupported(format!("a part of table `{name}`"), "filter its rows with WHERE"));
            }
            check_ordinality(*with_ordinality)?;
            if let Some(args) = args {
                check_function(name, args)?;
            }
            check_version(name, args.is_some(), version.as_ref())?;
            check_optional_alias(alias.as_ref())
        }
        TableFactor::Derived { lateral: _, subquery: _, alias, sample } => {
            if sample.is_some() {
                return Err(ParseError::unsupported(
                    "TABLESAMPLE",
                    "filter the rows, as in `WHERE random() < 0.1`, or take the first with LIMIT",
                ));
            }
            check_optional_alias(alias.as_ref())
        }
        TableFactor::Function { lateral: _, name, args, with_ordinality, alias } => {
            check_ordinality(*with_ordinality)?;
            // The planner takes their values by position, whatever they are called.
            if args.iter().any(|arg| !matches!(arg, FunctionArg::Unnamed(_))) {
                return Err(ParseError::unsupported(
                    format!("named arguments of `{name}` behind LATERAL"),
                    "give them by position",
                ));
            }
            check_optional_alias(alias.as_ref())
        }
        // The planner refuses offsets and ordinality of UNNEST.
        TableFactor::UNNEST { alias, array_exprs: _, with_offset: _, with_offset_alias: _, with_ordinality: _ } => {
            check_optional_alias(alias.as_ref())
        }
        TableFactor::NestedJoin { table_with_joins, alias } => {
            table_with_joins.joins.iter().try_for_each(check_join)?;
            check_optional_alias(alias.as_ref())
        }
        other => Err(unknown_kind(other)),
    }
}

fn unknown_kind(factor: &TableFactor) -> ParseError {
    let (what, instead) = match factor {
        TableFactor::TableFunction { .. } => ("TABLE(…)", "name the function alone: `FROM generate_series(1, 3)`"),
        TableFactor::JsonTable { .. } | TableFactor::OpenJsonTable { .. } => {
            ("JSON_TABLE", "read a file with read_json, and take lists apart with unnest")
        }
        TableFactor::Pivot { .. } => ("PIVOT", "write an aggregate for each column: `sum(a) FILTER (WHERE b = 1)`"),
        TableFactor::Unpivot { .. } => ("UNPIVOT", "write a SELECT for each column, with UNION ALL between them"),
        TableFactor::MatchRecognize { .. } => ("MATCH_RECOGNIZE", "use window functions"),
        _ => ("this behind FROM", "name a table, a file, a function or a subquery"),
    };
    ParseError::unsupported(what, instead)
}

/// Refuses what the planner would drop of a join, and the kinds that it does not know.
pub(super) fn check_join(join: &Join) -> Result<(), ParseError> {
    let Join { relation: _, global, join_operator } = join;
    if *global {
        return Err(ParseError::unsupported("GLOBAL JOIN", "leave GLOBAL out"));
    }
    let (what, instead) = match join_operator {
        // The planner takes the left side's column for the one of both.
        JoinOperator::FullOuter(JoinConstraint::Using(_) | JoinConstraint::Natural) => (
            "FULL JOIN by the names of columns",
            "write `ON a.k = b.k`, and `coalesce(a.k, b.k)` for the column of both",
        ),
        JoinOperator::Right(JoinConstraint::Using(_) | JoinConstraint::Natural)
        | JoinOperator::RightOuter(JoinConstraint::Using(_) | JoinConstraint::Natural) => {
            ("RIGHT JOIN by the names of columns", "write `b LEFT JOIN a USING (k)`, or `ON a.k = b.k`")
        }
        JoinOperator::Join(_)
        | JoinOperator::Inner(_)
        | JoinOperator::Left(_)
        | JoinOperator::LeftOuter(_)
        | JoinOperator::Right(_)
        | JoinOperator::RightOuter(_)
        | JoinOperator::FullOuter(_)
        | JoinOperator::LeftSemi(_)
        | JoinOperator::RightSemi(_)
        | JoinOperator::LeftAnti(_)
        | JoinOperator::RightAnti(_)
        | JoinOperator::CrossJoin(JoinConstraint::None) => return Ok(()),
        JoinOperator::CrossJoin(_) => ("CROSS JOIN with a condition", "write `JOIN … ON …`"),
        JoinOperator::Semi(_) => ("SEMI JOIN without a side", "write LEFT SEMI JOIN or RIGHT SEMI JOIN"),
        JoinOperator::Anti(_) => ("ANTI JOIN without a side", "write LEFT ANTI JOIN or RIGHT ANTI JOIN"),
        JoinOperator::CrossApply | JoinOperator::OuterApply => ("APPLY", "write `JOIN LATERAL (…) ON true`"),
        JoinOperator::AsOf { .. } => {
            ("ASOF JOIN", "join with `<=`, and keep the latest row of each with `QUALIFY row_number() OVER (…) = 1`")
        }
        JoinOperator::StraightJoin(_) => ("STRAIGHT_JOIN", "write JOIN: plans follow statistics"),
        JoinOperator::ArrayJoin | JoinOperator::LeftArrayJoin | JoinOperator::InnerArrayJoin => {
            ("ARRAY JOIN", "take lists apart with unnest")
        }
    };
    Err(ParseError::unsupported(what, instead))
}

/// Refuses types in an alias, and a name for positions.
pub(super) fn check_alias(alias: &TableAlias) -> Result<(), ParseError> {
    let TableAlias { explicit: _, name, columns, at } = alias;
    if at.is_some() {
        return Err(ParseError::unsupported(format!("AT behind the alias `{name}`"), "number rows with row_number()"));
    }
    for TableAliasColumnDef { name: column, data_type } in columns {
        if data_type.is_some() {
            return Err(ParseError::unsupported(
                format!("a type for `{column}` in the alias `{name}`"),
                "leave it out, and CAST the column where it is read",
            ));
        }
    }
    Ok(())
}

fn check_optional_alias(alias: Option<&TableAlias>) -> Result<(), ParseError> {
    alias.map_or(Ok(()), check_alias)
}

fn check_ordinality(with_ordinality: bool) -> Result<(), ParseError> {
    match with_ordinality {
        true => Err(ParseError::unsupported("WITH ORDINALITY", "number the rows: `row_number() OVER ()`")),
        false => Ok(()),
    }
}

fn check_function(name: &ObjectName, args: &TableFunctionArgs) -> Result<(), ParseError> {
    let TableFunctionArgs { args: _, settings } = args;
    if settings.is_some() {
        return Err(ParseError::unsupported(format!("SETTINGS of `{name}`"), "leave them out"));
    }
    if name.0.len() > 1 {
        return Err(ParseError::unsupported(
            format!("the table function `{name}`"),
            "functions stand in no schema: write the name alone",
        ));
    }
    Ok(())
}

fn check_version(name: &ObjectName, is_function: bool, version: Option<&TableVersion>) -> Result<(), ParseError> {
    let Some(version) = version else {
        return Ok(());
    };
    version_clause(version)?;
    if is_function {
        return Err(ParseError::version_form(
            Position::of_name(name),
            format!("the table function `{name}` has a version clause"),
            "leave the clause out, or read a table: `t AS OF VERSION 42`",
        ));
    }
    Ok(())
}

fn sampled(name: &ObjectName) -> ParseError {
    ParseError::version_form(
        Position::of_name(name),
        format!("TABLESAMPLE on `{name}` is not supported"),
        format!("read the whole table and filter it: `SELECT * FROM {name} WHERE random() < 0.1`"),
    )
}
