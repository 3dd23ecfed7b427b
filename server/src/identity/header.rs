//! The authorization header: where clients put a token.
//!
//! * `Bearer <token>`.
//! * `Basic <base64 of user:token>`, with padding or without; any user.
//!
//! The scheme may have any case.

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

/// Some clients leave the padding away.
const ANY_PADDING: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The token that a header holds; `None` if it is no header that holds one.
pub(crate) fn presented_token(authorization: &str) -> Option<String> {
    let (scheme, rest) = authorization.trim().split_once(' ')?;
    let rest = rest.trim();
    if scheme.eq_ignore_ascii_case("bearer") {
        return (!rest.is_empty()).then(|| rest.to_owned());
    }
    if scheme.eq_ignore_ascii_case("basic") {
        let decoded = ANY_PADDING.decode(rest).ok()?;
        let text = String::from_utf8(decoded).ok()?;
        let (_, token) = text.split_once(':')?;
        return (!token.is_empty()).then(|| token.to_owned());
    }
    None
}

/// What follows `Basic ` for a user and a password.
#[cfg(test)]
pub(crate) fn encode_basic(user: &str, password: &str) -> String {
    ANY_PADDING.encode(format!("{user}:{password}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_found_in_either_scheme() {
        assert_eq!(presented_token("Bearer abc").as_deref(), Some("abc"));
        assert_eq!(presented_token("bearer  abc ").as_deref(), Some("abc"));
        let basic = format!("BASIC {}", encode_basic("a", "b:c"));
        assert_eq!(presented_token(&basic).as_deref(), Some("b:c"), "the first colon ends the user");
        assert_eq!(presented_token("Basic YTpiYw").as_deref(), Some("bc"), "without padding");
    }

    #[test]
    fn anything_else_holds_none() {
        for other in ["", "Bearer", "Bearer ", "Basic !!", "Basic YQ==", "Basic YTo=", "Token abc", "abc"] {
            assert_eq!(presented_token(other), None, "{other}");
        }
    }
}
