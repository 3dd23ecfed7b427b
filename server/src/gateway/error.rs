//! Why a request is refused or fails, and what its sender is told.

use std::error::Error as StdError;
use std::time::Duration;

use arrow::error::ArrowError;
use frostline_sql::{Error as SqlError, ErrorKind};
use thiserror::Error;
use tonic::{Code, Status};

use super::handles::HandleError;
use super::sessions::SessionError;
use super::tickets::TicketError;
use super::transactions::TransactionError;
use crate::identity::{IdentityError, Rights};
use crate::limits::LimitError;

/// What to do about a statement that needs more memory or disk than it may use.
const MORE_RESOURCES: &str = "filter earlier or ask for fewer columns; the server's settings \
                              `limits.statement_memory`, `limits.memory` and `limits.spill` allow more";

/// Why a request is refused or fails.
///
/// * What its sender did wrong is never an internal error.
#[derive(Debug, Error)]
pub(crate) enum GatewayError {
    /// Nobody knows who asks.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// The server has no room.
    #[error(transparent)]
    Limit(#[from] LimitError),
    /// The statement, the lake or the store.
    #[error(transparent)]
    Statement(#[from] SqlError),
    /// A ticket does not open.
    #[error(transparent)]
    Ticket(#[from] TicketError),
    /// A handle does not open.
    #[error(transparent)]
    Handle(#[from] HandleError),
    /// A transaction takes no statement.
    #[error(transparent)]
    Transaction(#[from] TransactionError),
    /// A session is over, or an option of one is wrong.
    #[error(transparent)]
    Session(#[from] SessionError),
    /// The token does not allow it.
    #[error("token `{name}` has the right to {has}; this needs the right to {needs}")]
    Forbidden {
        /// The token's name.
        name: String,
        /// What it may do.
        has: Rights,
        /// What is needed.
        needs: Rights,
    },
    /// The statement's text is too long.
    #[error("the statement has {bytes} bytes, and the server takes {most}; bind values as parameters, or ingest them")]
    StatementLength {
        /// How long it is.
        bytes: usize,
        /// How long it may be.
        most: usize,
    },
    /// The rows are too many.
    #[error("the result has more than {most} bytes, which is as much as the server sends; ask for less at a time")]
    ResultSize {
        /// How many bytes a result may have.
        most: u64,
    },
    /// It took too long.
    #[error("the statement took more than {} s and was broken off", most.as_secs_f64())]
    TimedOut {
        /// How long it may take.
        most: Duration,
    },
    /// What was sent is not what it should be.
    #[error("{what} cannot be read: {detail}")]
    Malformed {
        /// What it should be.
        what: &'static str,
        /// What is wrong with it.
        detail: String,
    },
    /// A query does not give the same for every row of values that is bound to it.
    #[error(
        "row {row} of the values reads another version than the first row, or gives other columns; run the query for \
         each by itself"
    )]
    OtherRow {
        /// Which row it is, from 1 on.
        row: usize,
    },
    /// Something that there is not.
    #[error("{what} is not supported; {instead}")]
    Unsupported {
        /// What was asked for.
        what: String,
        /// What to do instead.
        instead: &'static str,
    },
    /// The sender broke off in the middle.
    #[error("the client's stream broke off")]
    BrokenOff(#[source] Box<Status>),
    /// Rows do not become the columns that were promised, or a task died: our own fault.
    #[error("the server failed; its log may say more")]
    Internal(#[source] Box<dyn StdError + Send + Sync>),
}

impl GatewayError {
    /// What was sent is not what it should be.
    pub(crate) fn malformed(what: &'static str, detail: impl ToString) -> Self {
        Self::Malformed { what, detail: detail.to_string() }
    }

    /// Something that there is not.
    pub(crate) fn unsupported(what: impl Into<String>, instead: &'static str) -> Self {
        Self::Unsupported { what: what.into(), instead }
    }

    /// Everything that is to be said: the message, its causes and the hint.
    pub(crate) fn full_text(&self) -> String {
        let mut text = self.to_string();
        let mut cause = self.source();
        while let Some(found) = cause {
            let more = found.to_string();
            if !text.contains(&more) {
                text = format!("{text}: {more}");
            }
            cause = found.source();
        }
        match self {
            Self::Statement(error) if error.kind() == ErrorKind::Resources => format!("{text}; {MORE_RESOURCES}"),
            Self::Statement(error) => match error.hint() {
                Some(hint) => format!("{text}; hint: {hint}"),
                None => text,
            },
            _ => text,
        }
    }

    /// The kind in a word, for metrics and logs.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Identity(_) => "identity",
            Self::Limit(_) => "limit",
            Self::Statement(error) => match error.kind() {
                ErrorKind::Statement | ErrorKind::Usage => "statement",
                ErrorKind::Resources => "resources",
                ErrorKind::Conflict => "conflict",
                ErrorKind::Unknown => "unknown",
                ErrorKind::Stopped => "cancelled",
                ErrorKind::Lake => "lake",
                ErrorKind::Store => "store",
            },
            Self::Ticket(_) | Self::Handle(_) | Self::Transaction(_) | Self::Session(_) => "handle",
            Self::Forbidden { .. } => "forbidden",
            Self::StatementLength { .. } | Self::ResultSize { .. } => "size",
            Self::TimedOut { .. } => "timeout",
            Self::Malformed { .. } | Self::OtherRow { .. } | Self::Unsupported { .. } => "request",
            Self::BrokenOff(_) => "cancelled",
            Self::Internal(_) => "internal",
        }
    }

    /// What gRPC calls it.
    pub(crate) fn code(&self) -> Code {
        match self {
            Self::Identity(IdentityError::Unavailable(_)) => Code::Unavailable,
            Self::Identity(_) => Code::Unauthenticated,
            Self::Limit(LimitError::Closed) => Code::Unavailable,
            Self::Limit(_) => Code::ResourceExhausted,
            Self::Statement(error) => match error.kind() {
                ErrorKind::Statement | ErrorKind::Usage => Code::InvalidArgument,
                ErrorKind::Resources => Code::ResourceExhausted,
                ErrorKind::Conflict => Code::Aborted,
                ErrorKind::Unknown => Code::Unknown,
                ErrorKind::Stopped => Code::Cancelled,
                ErrorKind::Lake => Code::DataLoss,
                ErrorKind::Store => Code::Unavailable,
            },
            Self::Ticket(TicketError::Forged) | Self::Handle(HandleError::Forged) => Code::Unauthenticated,
            Self::Ticket(TicketError::Foreign) | Self::Handle(HandleError::Foreign) => Code::PermissionDenied,
            Self::Ticket(TicketError::Expired) | Self::Handle(HandleError::Closed) => Code::NotFound,
            Self::Handle(HandleError::TooMany { .. }) => Code::ResourceExhausted,
            Self::Transaction(TransactionError::Forged) => Code::Unauthenticated,
            Self::Transaction(TransactionError::Foreign) => Code::PermissionDenied,
            Self::Transaction(TransactionError::TooMany) => Code::ResourceExhausted,
            Self::Transaction(TransactionError::Several) => Code::InvalidArgument,
            Self::Transaction(_) => Code::NotFound,
            Self::Session(SessionError::Over | SessionError::Foreign) => Code::Unauthenticated,
            Self::Session(SessionError::NotKept | SessionError::NoTransaction) => Code::FailedPrecondition,
            Self::Session(SessionError::TooMany) => Code::ResourceExhausted,
            Self::Session(_) => Code::InvalidArgument,
            Self::Forbidden { .. } => Code::PermissionDenied,
            Self::StatementLength { .. } | Self::Malformed { .. } | Self::OtherRow { .. } => Code::InvalidArgument,
            Self::ResultSize { .. } => Code::ResourceExhausted,
            Self::TimedOut { .. } => Code::DeadlineExceeded,
            Self::Unsupported { .. } => Code::Unimplemented,
            Self::BrokenOff(_) => Code::Cancelled,
            Self::Internal(_) => Code::Internal,
        }
    }

    /// What HTTP calls it.
    pub(crate) fn http_status(&self) -> u16 {
        match self.code() {
            Code::InvalidArgument | Code::FailedPrecondition | Code::OutOfRange => 400,
            Code::Unauthenticated => 401,
            Code::PermissionDenied => 403,
            Code::NotFound => 404,
            Code::Aborted | Code::AlreadyExists => 409,
            Code::ResourceExhausted => 429,
            Code::Cancelled => 499,
            Code::Unimplemented => 501,
            Code::Unavailable => 503,
            Code::DeadlineExceeded => 504,
            _ => 500,
        }
    }

    /// What gRPC sends.
    pub(crate) fn status(&self) -> Status {
        if let Self::Internal(source) = self {
            tracing::error!(target: "frostline::serve", %source, "internal error");
            return Status::new(Code::Internal, self.to_string());
        }
        Status::new(self.code(), shortened(self.full_text()))
    }
}

/// How many bytes the message of a status has at most. It travels as a header, in which escapes take up to three times
/// as many, and clients take headers of 8 KiB and no more.
const MESSAGE_BYTES_MAX: usize = 2048;

/// A text that clients take as the message of a status.
fn shortened(mut text: String) -> String {
    if text.len() > MESSAGE_BYTES_MAX {
        text.truncate(text.floor_char_boundary(MESSAGE_BYTES_MAX));
        text.push('…');
    }
    text
}

impl From<GatewayError> for Status {
    fn from(error: GatewayError) -> Self {
        error.status()
    }
}

impl From<ArrowError> for GatewayError {
    /// Only of batches that the server itself puts together: what comes from outside is [`GatewayError::Malformed`].
    fn from(error: ArrowError) -> Self {
        Self::Internal(Box::new(error))
    }
}

impl From<frostline_sql::parse::ParseError> for GatewayError {
    fn from(error: frostline_sql::parse::ParseError) -> Self {
        Self::Statement(error.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistake_is_never_an_internal_error() {
        let parse = frostline_sql::parse::parse_one("SELECT 1; SELECT 2").unwrap_err();
        let mistakes = [
            GatewayError::from(parse),
            GatewayError::from(TicketError::Forged),
            GatewayError::from(HandleError::Closed),
            GatewayError::from(SessionError::NotKept),
            GatewayError::malformed("a command", "it is empty"),
            GatewayError::unsupported("this", "do that"),
            GatewayError::StatementLength { bytes: 2, most: 1 },
        ];
        for mistake in mistakes {
            assert!(!matches!(mistake.code(), Code::Internal | Code::Unknown), "{mistake}");
            assert!((400..=501).contains(&mistake.http_status()), "{mistake}");
        }
    }

    #[test]
    fn a_message_fits_into_the_headers_that_clients_take() {
        let status = GatewayError::malformed("the command", "é".repeat(100_000)).status();
        assert!(status.message().starts_with("the command cannot be read: é") && status.message().ends_with('…'));
        assert!(status.message().len() <= MESSAGE_BYTES_MAX + '…'.len_utf8(), "{}", status.message().len());
    }

    #[test]
    fn what_broke_inside_is_not_told() {
        let status = GatewayError::Internal("a secret".into()).status();
        assert_eq!((status.code(), status.message()), (Code::Internal, "the server failed; its log may say more"));
    }
}
