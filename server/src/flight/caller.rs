//! Who makes a call, in which session, and what they set for this call alone.

use std::sync::Arc;

use frostline_catalog::Version;
use frostline_sql::Session;
use tonic::Response;
use tonic::metadata::{AsciiMetadataValue, MetadataMap};

use crate::gateway::{Gateway, GatewayError, SessionError, SessionId, SessionOptions};
use crate::identity::{Principal, presented_token};

/// The header that says at which version a result was read, or which one a statement made.
pub(crate) const VERSION_HEADER: &str = "x-frostline-version";

/// The header with which a client names an execution of a statement that writes: the same name gets the same outcome.
pub(crate) const EXECUTION_HEADER: &str = "x-frostline-execution-id";

/// The header by which gRPC's own retries say that they are one.
const ATTEMPTS_HEADER: &str = "grpc-previous-rpc-attempts";

/// The cookie that holds a session's id.
const COOKIE: &str = "frostline_session";

/// What stands between a token and a session's id.
const SEPARATOR: char = '~';

/// The bearer value of a client that has no token, where none is asked for.
const NO_TOKEN: &str = "none";

/// Who makes a call.
#[derive(Debug)]
pub(crate) struct Caller {
    pub(crate) principal: Principal,
    /// The token that was sent, to be sent back with a session's id.
    token: String,
    session: SessionId,
    /// Whether the session's id was drawn for this call, because none was sent.
    is_new: bool,
    /// What holds for this call alone.
    headers: SessionOptions,
    /// Whether gRPC sends this call again.
    pub(crate) is_retry: bool,
    /// How the client calls the execution.
    pub(crate) execution_id: Option<String>,
}

impl Caller {
    /// Who makes a call with these headers.
    ///
    /// # Errors
    /// If it is nobody, or a header cannot be read.
    pub(crate) async fn of(gateway: &Gateway, metadata: &MetadataMap) -> Result<Self, GatewayError> {
        let authorization = text(metadata, "authorization")?;
        let (authorization, behind_token) = match authorization {
            None => (None, None),
            Some(sent) => {
                let (authorization, id) = without_session(&sent);
                (Some(authorization), id)
            }
        };
        let principal = gateway.principal(authorization.as_deref()).await?;
        let token = authorization.as_deref().and_then(presented_token).unwrap_or_else(|| NO_TOKEN.to_owned());
        let cookie = text(metadata, "cookie")?.and_then(|cookies| session_cookie(&cookies));
        let sent = behind_token.or(cookie);
        let mut headers = SessionOptions::default();
        for name in crate::gateway::OPTIONS {
            if let Some(value) = text(metadata, name)?.or(binary_text(metadata, name)?) {
                headers.set(name, value)?;
            }
        }
        Ok(Self {
            principal,
            token,
            session: sent.unwrap_or_else(|| gateway.sessions.draw()),
            is_new: sent.is_none(),
            headers,
            is_retry: metadata.contains_key(ATTEMPTS_HEADER),
            execution_id: text(metadata, EXECUTION_HEADER)?,
        })
    }

    /// The same caller, who connects again: in a new session if the one that they brought along is over.
    pub(crate) fn connecting(self, gateway: &Gateway) -> Self {
        match gateway.sessions.find(self.session, self.owner()) {
            Ok(_) => self,
            Err(_) => Self { session: gateway.sessions.draw(), ..self },
        }
    }

    /// Whose the call's tickets, handles and sessions are.
    pub(crate) fn owner(&self) -> &Arc<str> {
        &self.principal.token_id
    }

    /// The id of the caller's session.
    pub(crate) fn session_id(&self) -> SessionId {
        self.session
    }

    /// The id of the session that the caller brought along; `None` if it was drawn for this call.
    pub(crate) fn brought_session(&self) -> Option<SessionId> {
        (!self.is_new).then_some(self.session)
    }

    /// The session that the call's statements run in: what was set before, and what the call's headers set.
    ///
    /// # Errors
    /// If the session is over, or a header does not take its value.
    pub(crate) async fn session(&self, gateway: &Gateway) -> Result<Session, GatewayError> {
        let kept = gateway.sessions.find(self.session, self.owner())?;
        let session = kept.unwrap_or_else(|| gateway.new_session(&self.principal));
        if self.headers.is_empty() {
            return Ok(session);
        }
        let session = session.fork();
        self.headers.apply(&session).await?;
        Ok(session)
    }

    /// The session in which a statement sets something for the calls that follow.
    ///
    /// # Errors
    /// If the client brought no session along: what it sets would be forgotten at once.
    pub(crate) fn lasting_session(&self, gateway: &Gateway) -> Result<Session, GatewayError> {
        match self.is_new {
            true => Err(SessionError::NotKept.into()),
            false => self.begin_session(gateway),
        }
    }

    /// The session in which a statement begins a transaction for the calls that follow.
    ///
    /// # Errors
    /// If the client brought no session along: the transaction would be over at once.
    pub(crate) fn session_to_begin_in(&self, gateway: &Gateway) -> Result<Session, GatewayError> {
        match self.is_new {
            true => Err(SessionError::NoTransaction.into()),
            false => self.begin_session(gateway),
        }
    }

    /// The session in which an action sets something. A client that asks for that keeps the id that it is answered.
    ///
    /// # Errors
    /// If the session is over.
    pub(crate) fn begin_session(&self, gateway: &Gateway) -> Result<Session, GatewayError> {
        let begin = || gateway.new_session(&self.principal);
        Ok(gateway.sessions.keep(self.session, self.owner(), begin)?)
    }

    /// The value that a client sends as its bearer from now on.
    fn bearer(&self) -> String {
        format!("Bearer {}{SEPARATOR}{}", self.token, self.session.text())
    }

    /// An answer, with the version that it is of. A client without a session is told the id of one.
    pub(crate) fn reply<T>(&self, message: T, version: Option<Version>) -> Response<T> {
        let mut response = Response::new(message);
        if self.is_new {
            self.add_session(response.metadata_mut());
        }
        if let Some(version) = version {
            response.metadata_mut().insert(VERSION_HEADER, AsciiMetadataValue::from(version.number()));
        }
        response
    }

    /// An answer that tells the session's id to whoever sent it, too.
    pub(crate) fn reply_with_session<T>(&self, message: T) -> Response<T> {
        let mut response = Response::new(message);
        self.add_session(response.metadata_mut());
        response
    }

    fn add_session(&self, metadata: &mut MetadataMap) {
        let cookie = format!("{COOKIE}={}; Path=/; HttpOnly", self.session.text());
        // A token that a header cannot hold was not sent in one.
        if let Ok(bearer) = AsciiMetadataValue::try_from(self.bearer()) {
            metadata.insert("authorization", bearer);
        }
        if let Ok(cookie) = AsciiMetadataValue::try_from(cookie) {
            metadata.insert("set-cookie", cookie);
        }
    }
}

/// A header as text; headers may hold UTF-8.
fn text(metadata: &MetadataMap, name: &'static str) -> Result<Option<String>, GatewayError> {
    let Some(value) = metadata.get(name) else { return Ok(None) };
    let text = std::str::from_utf8(value.as_encoded_bytes());
    text.map(|text| Some(text.to_owned())).map_err(|error| GatewayError::malformed(name, error))
}

/// A header whose name ends in `-bin` as text: so clients of gRPC send what is not ASCII.
fn binary_text(metadata: &MetadataMap, name: &'static str) -> Result<Option<String>, GatewayError> {
    let Some(value) = metadata.get_bin(format!("{name}-bin")) else { return Ok(None) };
    let bytes = value.to_bytes().map_err(|error| GatewayError::malformed(name, error))?;
    let text = String::from_utf8(bytes.to_vec());
    text.map(Some).map_err(|error| GatewayError::malformed(name, error))
}

/// An authorization header without the session's id behind its token, and the id.
fn without_session(authorization: &str) -> (String, Option<SessionId>) {
    let is_bearer = authorization.get(..7).is_some_and(|scheme| scheme.eq_ignore_ascii_case("bearer "));
    if is_bearer
        && let Some((front, back)) = authorization.trim_end().rsplit_once(SEPARATOR)
        && let Some(id) = SessionId::parse(back)
    {
        return (front.to_owned(), Some(id));
    }
    (authorization.to_owned(), None)
}

/// The session's id among cookies.
fn session_cookie(cookies: &str) -> Option<SessionId> {
    let values = cookies.split(';').filter_map(|cookie| cookie.trim().split_once('='));
    values.filter(|(name, _)| *name == COOKIE).find_map(|(_, value)| SessionId::parse(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "00112233445566778899aabbccddeeff";

    #[test]
    fn a_session_is_found_behind_the_token() {
        let (token, id) = without_session(&format!("Bearer fl_1_2~{ID}"));
        assert_eq!((token.as_str(), id), ("Bearer fl_1_2", SessionId::parse(ID)));
        for other in ["Bearer fl_1_2", "Bearer a~b", "Basic YTpi", "", "Bearer", &format!("Basic a~{ID}")] {
            assert_eq!(without_session(other), (other.to_owned(), None), "{other}");
        }
    }

    #[test]
    fn a_session_is_found_among_cookies() {
        assert_eq!(session_cookie(&format!("a=b; frostline_session={ID}; c=d")), SessionId::parse(ID));
        assert_eq!(session_cookie("a=b"), None);
        assert_eq!(session_cookie("frostline_session=x"), None);
    }
}
