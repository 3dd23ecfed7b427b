//! Commands and actions as they are sent.

use arrow_flight::sql::{Any, Command, ProstMessageExt};
use prost::Message;

use crate::gateway::GatewayError;

/// How the types of messages are named.
const TYPES: &str = "type.googleapis.com/";

/// A command of Flight SQL.
///
/// # Errors
/// If the bytes are none.
pub(crate) fn command(bytes: &[u8]) -> Result<Command, GatewayError> {
    if bytes.is_empty() {
        return Err(GatewayError::malformed("the command", "it is empty; this server speaks Flight SQL"));
    }
    let any = Any::decode(bytes).map_err(|error| GatewayError::malformed("the command", error))?;
    match Command::try_from(any).map_err(|error| GatewayError::malformed("the command", error))? {
        Command::Unknown(any) if any.type_url.is_empty() => {
            Err(GatewayError::malformed("the command", "it names no type; this server speaks Flight SQL"))
        }
        Command::Unknown(any) => Err(unknown(&any.type_url)),
        command => Ok(command),
    }
}

/// The error for a command that does not belong where it was sent, or that there is not.
pub(crate) fn unknown(type_url: &str) -> GatewayError {
    let name = type_url.rsplit(['.', '/']).next().unwrap_or(type_url);
    GatewayError::unsupported(format!("`{name}` in this place"), "see the list of commands in the server's manual")
}

/// The message of an action. Clients wrap it or send it as it is.
///
/// # Errors
/// If the bytes are neither.
pub(crate) fn action_body<M: ProstMessageExt>(what: &'static str, bytes: &[u8]) -> Result<M, GatewayError> {
    if let Ok(any) = Any::decode(bytes)
        && any.type_url.starts_with(TYPES)
    {
        if any.type_url != M::type_url() {
            return Err(GatewayError::malformed(what, format!("it is a `{}`", any.type_url)));
        }
        return M::decode(any.value).map_err(|error| GatewayError::malformed(what, error));
    }
    M::decode(bytes).map_err(|error| GatewayError::malformed(what, error))
}

/// The message of one of Flight's own actions, which are sent as they are. Some clients wrap them all the same.
///
/// # Errors
/// If the bytes are neither.
pub(crate) fn plain_body<M: Message + Default>(what: &'static str, bytes: &[u8]) -> Result<M, GatewayError> {
    if let Ok(any) = Any::decode(bytes)
        && any.type_url.starts_with(TYPES)
    {
        return M::decode(any.value).map_err(|error| GatewayError::malformed(what, error));
    }
    M::decode(bytes).map_err(|error| GatewayError::malformed(what, error))
}

#[cfg(test)]
mod tests {
    use arrow_flight::sql::{ActionClosePreparedStatementRequest, CommandGetCatalogs, CommandStatementQuery};
    use bytes::Bytes;
    use tonic::Code;

    use super::*;

    #[test]
    fn a_command_that_cannot_be_read_is_the_senders_mistake() {
        let good = CommandStatementQuery { query: "SELECT 1".to_owned(), transaction_id: None };
        assert_eq!(command(&good.as_any().encode_to_vec()).unwrap(), Command::CommandStatementQuery(good));
        let damaged = Any { type_url: CommandGetCatalogs::type_url().to_owned(), value: Bytes::from_static(b"\xff") };
        for bytes in [b"".to_vec(), b"\xff\xff".to_vec(), b"\x12\x01x".to_vec(), damaged.encode_to_vec()] {
            let error = command(&bytes).unwrap_err();
            assert_eq!(error.code(), Code::InvalidArgument, "{error}");
        }
        let strange = Any { type_url: format!("{TYPES}some.Thing"), value: Bytes::new() };
        assert_eq!(command(&strange.encode_to_vec()).unwrap_err().code(), Code::Unimplemented);
    }

    #[test]
    fn an_action_may_be_wrapped_or_not() {
        let request = ActionClosePreparedStatementRequest { prepared_statement_handle: Bytes::from_static(b"h") };
        for bytes in [request.as_any().encode_to_vec(), request.encode_to_vec()] {
            let read: ActionClosePreparedStatementRequest = action_body("it", &bytes).unwrap();
            assert_eq!(read, request);
        }
        let other = CommandGetCatalogs {}.as_any().encode_to_vec();
        assert!(action_body::<ActionClosePreparedStatementRequest>("it", &other).is_err());
    }
}
