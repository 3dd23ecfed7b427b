//! Checks on calls of functions and on windows.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    Expr, Function, FunctionArguments, Visit, WindowSpec, WindowType, visit_expressions,
};

use crate::parse::error::ParseError;

/// What to write instead of a window's name.
const WRITTEN_OUT: &str = "write the window out: `OVER (PARTITION BY … ORDER BY …)`";

/// Refuses what the planner would drop of a call, whatever the function. The rest depends on the function, and is
/// judged where functions are known.
pub(super) fn check_expr(expr: &Expr) -> Result<(), ParseError> {
    let Expr::Function(function) = expr else { return Ok(()) };
    let Function { name, uses_odbc_syntax: _, parameters, args, filter: _, null_treatment: _, over, within_group: _ } =
        function;
    if *parameters != FunctionArguments::None {
        return Err(ParseError::unsupported(format!("`{name}` with two lists of arguments"), "write one list"));
    }
    if matches!(args, FunctionArguments::Subquery(_)) {
        return Err(ParseError::unsupported(
            format!("a query as the argument of `{name}`"),
            format!("put it into parentheses of its own: `{name}((SELECT …))`"),
        ));
    }
    match over {
        Some(WindowType::WindowSpec(window)) => check_window(window),
        Some(WindowType::NamedWindow(_)) | None => Ok(()),
    }
}

/// Refuses a window that builds on another one.
pub(super) fn check_window(window: &WindowSpec) -> Result<(), ParseError> {
    let WindowSpec { window_name, partition_by: _, order_by: _, window_frame: _ } = window;
    match window_name {
        Some(name) => Err(ParseError::unsupported(format!("a window that builds on `{name}`"), WRITTEN_OUT)),
        None => Ok(()),
    }
}

/// Whether a call in a piece of the syntax tree names its window.
pub(super) fn names_window<N: Visit>(node: &N) -> bool {
    let found: ControlFlow<()> = visit_expressions(node, |expr: &Expr| match expr {
        Expr::Function(Function { over: Some(WindowType::NamedWindow(_)), .. }) => ControlFlow::Break(()),
        _ => ControlFlow::Continue(()),
    });
    found.is_break()
}

/// The error about a window that is named where the planner would take its call for an aggregate.
pub(super) fn unnamed_windows_only(is_named: bool) -> Result<(), ParseError> {
    match is_named {
        true => Err(ParseError::unsupported("a window's name outside of the list of SELECT", WRITTEN_OUT)),
        false => Ok(()),
    }
}
