//! Messages of Flight and Flight SQL that `arrow-flight` does not have.

use std::collections::HashMap;

use bytes::Bytes;
use prost::{Enumeration, Message, Oneof};

/// A value of a session's option.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct SessionOptionValue {
    #[prost(oneof = "OptionValue", tags = "1, 2, 3, 4, 5")]
    pub(crate) option_value: Option<OptionValue>,
}

/// What a value of an option may be. None of them takes the option away.
#[derive(Clone, PartialEq, Oneof)]
pub(crate) enum OptionValue {
    #[prost(string, tag = "1")]
    Text(String),
    #[prost(bool, tag = "2")]
    Bool(bool),
    #[prost(sfixed64, tag = "3")]
    Whole(i64),
    #[prost(double, tag = "4")]
    Double(f64),
    #[prost(message, tag = "5")]
    Texts(Texts),
}

/// A list of texts.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Texts {
    #[prost(string, repeated, tag = "1")]
    pub(crate) values: Vec<String>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct SetSessionOptionsRequest {
    #[prost(map = "string, message", tag = "1")]
    pub(crate) session_options: HashMap<String, SessionOptionValue>,
}

/// Nothing: an option that cannot be set is an error of the call, which says why.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct SetSessionOptionsResult {}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct GetSessionOptionsResult {
    #[prost(map = "string, message", tag = "1")]
    pub(crate) session_options: HashMap<String, SessionOptionValue>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct CloseSessionResult {
    #[prost(enumeration = "CloseStatus", tag = "1")]
    pub(crate) status: i32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Enumeration)]
#[repr(i32)]
pub(crate) enum CloseStatus {
    Unspecified = 0,
    Closed = 1,
}

/// `ActionCreatePreparedStatementResult` with the field that newer clients read.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct PreparedResult {
    #[prost(bytes = "bytes", tag = "1")]
    pub(crate) prepared_statement_handle: Bytes,
    /// The columns as an IPC message; empty if the statement gives no rows.
    #[prost(bytes = "bytes", tag = "2")]
    pub(crate) dataset_schema: Bytes,
    /// The parameters as an IPC message; empty if there are none.
    #[prost(bytes = "bytes", tag = "3")]
    pub(crate) parameter_schema: Bytes,
    #[prost(bool, optional, tag = "4")]
    pub(crate) is_update: Option<bool>,
}

impl SessionOptionValue {
    /// A text.
    pub(crate) fn of_text(text: String) -> Self {
        Self { option_value: Some(OptionValue::Text(text)) }
    }

    /// The value as a text; empty to take the option away.
    pub(crate) fn into_text(self) -> String {
        match self.option_value {
            None => String::new(),
            Some(OptionValue::Text(text)) => text,
            Some(OptionValue::Bool(value)) => value.to_string(),
            Some(OptionValue::Whole(value)) => value.to_string(),
            Some(OptionValue::Double(value)) => value.to_string(),
            Some(OptionValue::Texts(texts)) => texts.values.join(","),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_written_as_the_protocol_says() {
        let value = SessionOptionValue { option_value: Some(OptionValue::Whole(42)) };
        let request = SetSessionOptionsRequest { session_options: HashMap::from([("as_of".to_owned(), value)]) };
        // A map is a list of pairs; a whole number takes 8 bytes, the least first.
        let expected = b"\x0a\x12\x0a\x05as_of\x12\x09\x19\x2a\0\0\0\0\0\0\0";
        assert_eq!(request.encode_to_vec(), expected);
        assert_eq!(SetSessionOptionsRequest::decode(expected.as_slice()).unwrap(), request);
    }

    #[test]
    fn every_value_has_a_text() {
        let text = |value| SessionOptionValue { option_value: value }.into_text();
        assert_eq!(text(None), "");
        assert_eq!(text(Some(OptionValue::Whole(42))), "42");
        assert_eq!(text(Some(OptionValue::Texts(Texts { values: vec!["a".to_owned(), "b".to_owned()] }))), "a,b");
    }
}
