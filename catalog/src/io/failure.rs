//! What an error of the store means to the one who has to act on it.

use std::error::Error;
use std::io::{self, ErrorKind};

use object_store::client::{HttpError, HttpErrorKind};

/// The kinds of failure that call for different acts.
///
/// * Found by type, anywhere in the chain of causes; no text is compared.
/// * A failed put may still have landed, whatever the kind. Only reading the key tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StoreFailure {
    /// There is no object of this key.
    NotFound,
    /// The key is taken, or a condition on the object did not hold.
    AlreadyExists,
    /// The credentials or the file's owner and mode do not allow it.
    Permission,
    /// The disk, a quota or the largest size of a file is exhausted. What was there stays readable.
    Full,
    /// The file system takes no writes.
    ReadOnly,
    /// The store was not reached, or the answer was lost. Trying again may help.
    Network,
    /// None of these.
    Other,
}

impl StoreFailure {
    /// The kind of an error. The outermost cause that has a kind decides.
    pub fn of(error: &object_store::Error) -> Self {
        let mut cause: Option<&(dyn Error + 'static)> = Some(error);
        while let Some(current) = cause {
            if let Some(kind) = kind_of(current) {
                return kind;
            }
            cause = next_cause(current);
        }
        Self::Other
    }
}

/// What an error of a store says, without markup: in the place of an answer of XML stand its code and message.
///
/// ```
/// let said = "404 Not Found: <?xml version=\"1.0\"?><Error><Code>NoSuchBucket</Code><Message>gone</Message></Error>";
/// assert_eq!(frostline_catalog::io::plain_answer(said), "404 Not Found: NoSuchBucket: gone");
/// ```
pub fn plain_answer(text: &str) -> String {
    const END: &str = "</Error>";
    let Some(begin) = text.find("<?xml").or_else(|| text.find("<Error>")) else { return text.to_owned() };
    let answer = &text[begin..];
    let end = answer.find(END).map_or(answer.len(), |at| at + END.len());
    let (answer, rest) = answer.split_at(end);
    match (element(answer, "Code"), element(answer, "Message")) {
        (Some(code), Some(message)) => format!("{}{code}: {message}{rest}", &text[..begin]),
        (Some(code), None) => format!("{}{code}{rest}", &text[..begin]),
        (None, _) => text.to_owned(),
    }
}

/// What stands in an element of XML; `None` if nothing does.
fn element<'a>(xml: &'a str, name: &str) -> Option<&'a str> {
    let (_, behind) = xml.split_once(format!("<{name}>").as_str())?;
    let (content, _) = behind.split_once(format!("</{name}>").as_str())?;
    let content = content.trim();
    (!content.is_empty()).then_some(content)
}

fn kind_of(error: &(dyn Error + 'static)) -> Option<StoreFailure> {
    if let Some(error) = error.downcast_ref::<object_store::Error>() {
        return kind_of_store(error);
    }
    if let Some(error) = error.downcast_ref::<io::Error>() {
        return kind_of_io(error.kind());
    }
    error.downcast_ref::<HttpError>().and_then(|error| kind_of_http(error.kind()))
}

fn kind_of_store(error: &object_store::Error) -> Option<StoreFailure> {
    use object_store::Error as Store;
    match error {
        Store::NotFound { .. } => Some(StoreFailure::NotFound),
        Store::AlreadyExists { .. } | Store::Precondition { .. } => Some(StoreFailure::AlreadyExists),
        Store::PermissionDenied { .. } | Store::Unauthenticated { .. } => Some(StoreFailure::Permission),
        _ => None,
    }
}

fn kind_of_io(kind: ErrorKind) -> Option<StoreFailure> {
    match kind {
        // ENOSPC, EDQUOT, EFBIG
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => Some(StoreFailure::Full),
        // EACCES, EPERM
        ErrorKind::PermissionDenied => Some(StoreFailure::Permission),
        // EROFS
        ErrorKind::ReadOnlyFilesystem => Some(StoreFailure::ReadOnly),
        ErrorKind::TimedOut
        | ErrorKind::ConnectionRefused
        | ErrorKind::ConnectionReset
        | ErrorKind::ConnectionAborted
        | ErrorKind::NotConnected
        | ErrorKind::BrokenPipe
        | ErrorKind::HostUnreachable
        | ErrorKind::NetworkUnreachable
        | ErrorKind::NetworkDown => Some(StoreFailure::Network),
        _ => None,
    }
}

fn kind_of_http(kind: HttpErrorKind) -> Option<StoreFailure> {
    match kind {
        HttpErrorKind::Connect
        | HttpErrorKind::Request
        | HttpErrorKind::Timeout
        | HttpErrorKind::Interrupted
        | HttpErrorKind::Decode => Some(StoreFailure::Network),
        _ => None,
    }
}

/// The cause of an error. An [`io::Error`] that carries another one leaves it out of its own `source`.
fn next_cause<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a (dyn Error + 'static)> {
    if let Some(carried) = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        return Some(carried);
    }
    error.source()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn generic(source: impl Error + Send + Sync + 'static) -> object_store::Error {
        object_store::Error::Generic { store: "test", source: Box::new(source) }
    }

    fn check(error: object_store::Error, expected: StoreFailure) {
        assert_eq!(StoreFailure::of(&error), expected, "{error}");
    }

    #[test]
    fn numbers_of_the_operating_system_tell_the_kind() {
        let cases = [
            (rustix::io::Errno::NOSPC, StoreFailure::Full),
            (rustix::io::Errno::DQUOT, StoreFailure::Full),
            (rustix::io::Errno::FBIG, StoreFailure::Full),
            (rustix::io::Errno::ACCESS, StoreFailure::Permission),
            (rustix::io::Errno::PERM, StoreFailure::Permission),
            (rustix::io::Errno::ROFS, StoreFailure::ReadOnly),
            (rustix::io::Errno::TIMEDOUT, StoreFailure::Network),
            (rustix::io::Errno::CONNREFUSED, StoreFailure::Network),
            (rustix::io::Errno::IO, StoreFailure::Other),
        ];
        for (number, expected) in cases {
            check(generic(io::Error::from(number)), expected);
        }
    }

    #[test]
    fn a_cause_inside_an_io_error_is_found() {
        let full = io::Error::from(rustix::io::Errno::NOSPC);
        check(generic(io::Error::other(full)), StoreFailure::Full);
    }

    #[test]
    fn a_store_inside_a_store_is_found() {
        let missing = object_store::Error::NotFound { path: "log/0/1".to_owned(), source: "gone".into() };
        check(generic(missing), StoreFailure::NotFound);
    }

    #[test]
    fn the_outermost_kind_decides() {
        let taken = object_store::Error::AlreadyExists {
            path: "log/0/1".to_owned(),
            source: Box::new(io::Error::from(ErrorKind::TimedOut)),
        };
        check(taken, StoreFailure::AlreadyExists);
    }

    #[test]
    fn a_broken_connection_is_the_network() {
        let cut = HttpError::new(HttpErrorKind::Interrupted, io::Error::from(ErrorKind::UnexpectedEof));
        check(generic(cut), StoreFailure::Network);
    }

    #[test]
    fn an_answer_of_xml_is_told_by_its_code_and_message() {
        let check = |text: &str, expected: &str| assert_eq!(plain_answer(text), expected);
        let answer = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>AccessDenied</Code>\
                      <Message>Access Denied.</Message><RequestId>17</RequestId></Error>";
        check(&format!("403 Forbidden: {answer}"), "403 Forbidden: AccessDenied: Access Denied.");
        check(&format!("read `a`: {answer}, twice"), "read `a`: AccessDenied: Access Denied., twice");
        check("<Error><Code>NoSuchBucket</Code><Message></Message>", "NoSuchBucket");
        check("<?xml version=\"1.0\"?><Other/>", "<?xml version=\"1.0\"?><Other/>");
        check("the connection was reset", "the connection was reset");
    }

    #[test]
    fn a_text_has_no_kind() {
        let error = object_store::Error::Generic { store: "test", source: "no space left on device".into() };
        check(error, StoreFailure::Other);
    }
}
