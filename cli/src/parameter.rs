//! `--param NAME=VALUE`: values for the parameters of statements.
//!
//! | VALUE | becomes |
//! |---|---|
//! | `7`, `-7` | an integer of 64 bits |
//! | `2.50`, `-0.5` | a decimal with the digits as written, at most 38 |
//! | `true`, `false`, `null`, in any case | itself |
//! | `'7'`, `"7"` | the text between the quotes; a doubled quote within is one |
//! | anything else, such as `2013-07-10`, `007`, `1e5` | text; SQL casts it where a column asks for another type |
//!
//! NAME stands for `$name` in statements, and a number for `$1`, `$2` and so on, without gaps.

use std::collections::{BTreeMap, BTreeSet};

use frostline_sql::parse::Script;
use frostline_sql::{Parameters, ScalarValue};

use crate::exit::Failure;
use crate::script::Text;

/// The digits that a decimal has at most.
const DECIMAL_DIGITS_MAX: usize = 38;

/// A value as its text tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Value {
    Null,
    Boolean(bool),
    Integer(i64),
    Decimal { unscaled: i128, precision: u8, scale: i8 },
    Text(String),
}

/// Reads the parameters of a command line.
pub(crate) fn collect(arguments: &[String]) -> Result<Parameters, Failure> {
    let mut named: Vec<(String, ScalarValue)> = Vec::new();
    let mut numbered: BTreeMap<usize, ScalarValue> = BTreeMap::new();
    for argument in arguments {
        let (name, value) = split(argument)?;
        let value = scalar(Value::guess(value));
        let is_new = match name.parse::<usize>() {
            Ok(number) => numbered.insert(number, value).is_none(),
            Err(_) => {
                let is_new = named.iter().all(|(known, _)| known != name);
                named.push((name.to_owned(), value));
                is_new
            }
        };
        if !is_new {
            return Err(Failure::usage(format!("--param {name} is given twice; give every parameter once")));
        }
    }
    if let Some(missing) = (1..=numbered.len()).find(|number| !numbered.contains_key(number)) {
        return Err(Failure::usage(format!(
            "--param {missing} is missing; numbered parameters count from 1 without gaps"
        )));
    }
    Ok(Parameters { positional: numbered.into_values().collect(), named })
}

/// Refuses a value that no statement asks for: it would be ignored. A mistake in a statement is told in its turn.
pub(crate) fn check_used(parameters: &Parameters, texts: &[Text]) -> Result<(), Failure> {
    if parameters.is_empty() {
        return Ok(());
    }
    let mut used: BTreeSet<String> = BTreeSet::new();
    for parsed in texts.iter().flat_map(|text| Script::new(&text.sql)) {
        match parsed {
            Ok(parsed) => used.extend(parsed.parameters),
            Err(_) => return Ok(()),
        }
    }
    let last = used.iter().filter_map(|name| name.parse::<usize>().ok()).max().unwrap_or(0);
    let unused = match parameters.named.iter().find(|(name, _)| !used.contains(name)) {
        Some((name, _)) => name.clone(),
        // Those below the last one that is used may not be left out.
        None if parameters.positional.len() > last => (last + 1).to_string(),
        None => return Ok(()),
    };
    Err(Failure::usage(format!("--param {unused} is used by no statement; write ${unused} where its value belongs")))
}

/// The name and the value of an argument.
fn split(argument: &str) -> Result<(&str, &str), Failure> {
    let Some((name, value)) = argument.split_once('=') else {
        return Err(Failure::usage(format!("--param {argument} has no value; write --param {argument}=VALUE")));
    };
    let name = name.trim().trim_start_matches('$');
    let is_name = !name.is_empty() && name.chars().all(|character| character.is_alphanumeric() || character == '_');
    if !is_name {
        return Err(Failure::usage(format!(
            "--param {argument} has no name of letters, digits and `_`; write --param NAME=VALUE for $NAME"
        )));
    }
    Ok((name, value))
}

impl Value {
    fn guess(text: &str) -> Self {
        if let Some(quoted) = unquoted(text) {
            return Self::Text(quoted);
        }
        match text.to_ascii_lowercase().as_str() {
            "null" => return Self::Null,
            "true" => return Self::Boolean(true),
            "false" => return Self::Boolean(false),
            _ => {}
        }
        Self::number(text).unwrap_or_else(|| Self::Text(text.to_owned()))
    }

    /// The number that a text spells in the plain way: a sign, digits without needless zeros, a point and digits.
    fn number(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('-').unwrap_or(text);
        let (whole, fraction) = match digits.split_once('.') {
            Some((whole, fraction)) => (whole, Some(fraction)),
            None => (digits, None),
        };
        let all_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        let has_needless_zero = whole.len() > 1 && whole.starts_with('0');
        let has_digits_only = all_digits(whole) && fraction.is_none_or(all_digits);
        if !has_digits_only || has_needless_zero {
            return None;
        }
        let fraction = fraction.unwrap_or("");
        if fraction.is_empty()
            && let Ok(integer) = text.parse::<i64>()
        {
            return Some(Self::Integer(integer));
        }
        let precision = whole.len() + fraction.len();
        if precision > DECIMAL_DIGITS_MAX {
            return None;
        }
        let sign = if text.starts_with('-') { "-" } else { "" };
        let unscaled: i128 = format!("{sign}{whole}{fraction}").parse().ok()?;
        let precision = u8::try_from(precision).ok()?;
        let scale = i8::try_from(fraction.len()).ok()?;
        Some(Self::Decimal { unscaled, precision, scale })
    }
}

/// The text between quotes, if the whole of it stands between quotes.
fn unquoted(text: &str) -> Option<String> {
    for quote in ['\'', '"'] {
        let inner = text.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote));
        if let Some(inner) = inner {
            let doubled = format!("{quote}{quote}");
            return Some(inner.replace(&doubled, &quote.to_string()));
        }
    }
    None
}

fn scalar(value: Value) -> ScalarValue {
    match value {
        Value::Null => ScalarValue::Null,
        Value::Boolean(value) => ScalarValue::Boolean(Some(value)),
        Value::Integer(value) => ScalarValue::Int64(Some(value)),
        Value::Decimal { unscaled, precision, scale } => ScalarValue::Decimal128(Some(unscaled), precision, scale),
        Value::Text(value) => ScalarValue::Utf8(Some(value)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Value) {
        assert_eq!(Value::guess(text), expected, "{text}");
    }

    fn text(text: &str) -> Value {
        Value::Text(text.to_owned())
    }

    fn refused(arguments: &[&str]) -> String {
        let arguments: Vec<String> = arguments.iter().map(|argument| (*argument).to_owned()).collect();
        match collect(&arguments) {
            Ok(_) => String::new(),
            Err(failure) => failure.describe(),
        }
    }

    #[test]
    fn a_value_is_what_it_reads_as() {
        check("7", Value::Integer(7));
        check("-7", Value::Integer(-7));
        check("0", Value::Integer(0));
        check("2.50", Value::Decimal { unscaled: 250, precision: 3, scale: 2 });
        check("-0.5", Value::Decimal { unscaled: -5, precision: 2, scale: 1 });
        check("9223372036854775808", Value::Decimal { unscaled: 9_223_372_036_854_775_808, precision: 19, scale: 0 });
        check("TRUE", Value::Boolean(true));
        check("false", Value::Boolean(false));
        check("Null", Value::Null);
    }

    #[test]
    fn what_reads_as_nothing_else_is_text() {
        for other in ["", "ann", "2013-07-10", "007", "1e5", ".5", "5.", "+5", "-", "1_000", "'"] {
            check(other, text(other));
        }
        let too_long = "9".repeat(39);
        check(&too_long, text(&too_long));
    }

    #[test]
    fn quotes_force_text() {
        check("'7'", text("7"));
        check("\"null\"", text("null"));
        check("'it''s'", text("it's"));
        check("''", text(""));
    }

    #[test]
    fn a_name_stands_once_and_numbers_have_no_gaps() {
        assert_eq!(refused(&["a=1", "$b=2", "1=x", "2=y"]), "");
        assert_eq!(refused(&["a=1", "a=2"]), "--param a is given twice; give every parameter once");
        assert_eq!(refused(&["1=x", "3=y"]), "--param 2 is missing; numbered parameters count from 1 without gaps");
        assert_eq!(refused(&["a"]), "--param a has no value; write --param a=VALUE");
        assert_eq!(
            refused(&["a b=1"]),
            "--param a b=1 has no name of letters, digits and `_`; write --param NAME=VALUE for $NAME"
        );
    }
}
