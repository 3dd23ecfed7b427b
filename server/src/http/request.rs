//! What `POST /sql` is sent: a statement as plain text, or as JSON with values for its parameters.

use frostline_sql::{Parameters, ScalarValue};
use serde_json::{Number, Value};

/// A statement and the values of its parameters.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct SqlRequest {
    pub(super) sql: String,
    pub(super) parameters: Parameters,
}

/// Why a body is no request.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum RequestError {
    /// Not text.
    #[error("the body is not text in UTF-8")]
    NotText,
    /// Not JSON, though it says so.
    #[error("the body is not JSON: {0}")]
    NotJson(String),
    /// JSON of another shape.
    #[error("the body is not {{\"sql\": \"…\", \"params\": […] or {{…}}}}; {0}")]
    Shape(String),
}

impl SqlRequest {
    /// Reads a body. It is JSON if its media type says so.
    pub(super) fn read(media_type: Option<&str>, body: &[u8]) -> Result<Self, RequestError> {
        let text = std::str::from_utf8(body).map_err(|_| RequestError::NotText)?;
        let name = media_type.unwrap_or_default().split(';').next().unwrap_or_default().trim();
        if !name.eq_ignore_ascii_case("application/json") {
            return Ok(Self { sql: text.to_owned(), parameters: Parameters::none() });
        }
        let value: Value = serde_json::from_str(text).map_err(|error| RequestError::NotJson(error.to_string()))?;
        let Value::Object(members) = value else { return Err(shape("it is no object")) };
        let mut sql: Option<String> = None;
        let mut parameters = Parameters::none();
        for (name, value) in members {
            match (name.as_str(), value) {
                ("sql", Value::String(text)) => sql = Some(text),
                ("params", Value::Array(values)) => {
                    parameters.positional = values.into_iter().map(scalar).collect::<Result<_, _>>()?;
                }
                ("params", Value::Object(values)) => {
                    for (name, value) in values {
                        parameters.named.push((name, scalar(value)?));
                    }
                }
                ("params", Value::Null) => {}
                ("sql" | "params", _) => return Err(shape(&format!("`{name}` has another type"))),
                _ => return Err(shape(&format!("there is no `{name}`"))),
            }
        }
        let sql = sql.ok_or_else(|| shape("`sql` is missing"))?;
        Ok(Self { sql, parameters })
    }
}

fn shape(problem: &str) -> RequestError {
    RequestError::Shape(problem.to_owned())
}

fn scalar(value: Value) -> Result<ScalarValue, RequestError> {
    match value {
        Value::Null => Ok(ScalarValue::Null),
        Value::Bool(value) => Ok(ScalarValue::Boolean(Some(value))),
        Value::Number(number) => Ok(number_of(&number)),
        Value::String(text) => Ok(ScalarValue::Utf8(Some(text))),
        Value::Array(_) | Value::Object(_) => Err(shape("a parameter is null, true, false, a number or a text")),
    }
}

/// An integer where the number is one, else a double.
fn number_of(number: &Number) -> ScalarValue {
    match (number.as_i64(), number.as_u64()) {
        (Some(integer), _) => ScalarValue::Int64(Some(integer)),
        (None, Some(integer)) => ScalarValue::UInt64(Some(integer)),
        (None, None) => ScalarValue::Float64(number.as_f64()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(body: &str) -> Result<SqlRequest, RequestError> {
        SqlRequest::read(Some("application/json; charset=utf-8"), body.as_bytes())
    }

    #[test]
    fn plain_text_is_the_statement() {
        let request = SqlRequest::read(Some("text/plain"), b"SELECT 1").unwrap();
        assert_eq!((request.sql.as_str(), request.parameters.is_empty()), ("SELECT 1", true));
        assert_eq!(SqlRequest::read(None, b"\xff"), Err(RequestError::NotText));
    }

    #[test]
    fn json_brings_values_along() {
        let request = json(r#"{"sql": "SELECT $1, $2", "params": [7, "a"]}"#).unwrap();
        let values = [ScalarValue::Int64(Some(7)), ScalarValue::Utf8(Some("a".to_owned()))];
        assert_eq!(request.parameters.positional, values);
        let request = json(r#"{"sql": "SELECT $x", "params": {"x": 1.5}}"#).unwrap();
        assert_eq!(request.parameters.named, [("x".to_owned(), ScalarValue::Float64(Some(1.5)))]);
    }

    #[test]
    fn json_of_another_shape_is_refused() {
        for body in ["[]", "{}", r#"{"sql": 1}"#, r#"{"sql": "x", "params": [[]]}"#, r#"{"sql": "x", "as_of": 1}"#] {
            assert!(matches!(json(body), Err(RequestError::Shape(_))), "{body}");
        }
        assert!(matches!(json("{"), Err(RequestError::NotJson(_))));
        assert_eq!(
            json("{}").unwrap_err().to_string(),
            "the body is not {\"sql\": \"…\", \"params\": […] or {…}}; `sql` is missing"
        );
    }
}
