//! `frostline tls`: a certificate to begin with.

use frostline_catalog::io::{Clock, SystemClock};
use frostline_server::tls::self_signed;

use crate::args::{TlsAction, TlsArguments};
use crate::exit::Failure;
use crate::message;

/// Makes a certificate.
pub(crate) fn run(arguments: &TlsArguments) -> Result<(), Failure> {
    let TlsAction::SelfSigned { hosts, out } = &arguments.action;
    let usual = || vec!["localhost".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned()];
    let hosts = if hosts.is_empty() { usual() } else { hosts.clone() };
    let files = self_signed(out, &hosts, SystemClock.now())?;
    message::say(&format!("a certificate for {}, signed by itself", hosts.join(", ")));
    message::say(&format!("  certificate  {}", files.certificate.display()));
    message::say(&format!("  key          {}", files.key.display()));
    message::say("clients must be told to trust the certificate; keep the key to yourself");
    Ok(())
}
