//! TLS: certificates that are given, and one to begin with.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::{DateTime, Datelike};
use frostline_catalog::Micros;
use rcgen::{CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, KeyPair, KeyUsagePurpose};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use thiserror::Error;

/// The file of a certificate that [`self_signed`] makes.
pub const CERTIFICATE_FILE: &str = "frostline-cert.pem";

/// The file of its key.
pub const KEY_FILE: &str = "frostline-key.pem";

/// How long a self-signed certificate holds. Some clients refuse longer ones.
const SELF_SIGNED_DAYS: i64 = 820;

/// A day, in microseconds.
const DAY: i64 = 86_400_000_000;

/// Where the server's certificate is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificate and those it rests on, in PEM, the server's own first.
    pub certificate: PathBuf,
    /// Its private key, in PEM.
    pub key: PathBuf,
}

/// Why TLS cannot begin.
#[derive(Debug, Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error("`{}` cannot be read; check that it exists and may be read", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A file is not what it should be.
    #[error("`{}` holds no {what} in PEM; --tls-cert takes the certificate, --tls-key its key", path.display())]
    Pem {
        /// The file.
        path: PathBuf,
        /// What it should hold.
        what: &'static str,
    },
    /// The certificate and the key cannot be used.
    #[error("the certificate `{}` cannot be used with the key `{}`", certificate.display(), key.display())]
    Certificate {
        /// The certificate's file.
        certificate: PathBuf,
        /// The key's file.
        key: PathBuf,
        /// Why.
        #[source]
        source: Box<rustls::Error>,
    },
    /// A certificate cannot be made for these hosts.
    #[error("no certificate can be made for {}; give names such as `lake.example.org`, or addresses", hosts.join(", "))]
    Hosts {
        /// The hosts.
        hosts: Vec<String>,
        /// Why.
        #[source]
        source: Box<rcgen::Error>,
    },
    /// A file cannot be written, or is there already.
    #[error("`{}` cannot be written; nothing is written over a file that is there", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// The rustls settings for these files and protocols.
///
/// # Errors
/// If the files cannot be read, or do not fit together.
pub(crate) fn load(files: &TlsFiles, protocol: &[u8]) -> Result<Arc<ServerConfig>, TlsError> {
    let certificates = read_certificates(&files.certificate)?;
    let key = PrivateKeyDer::from_pem_slice(&read(&files.key)?)
        .map_err(|_| TlsError::Pem { path: files.key.clone(), what: "private key" })?;
    let failed = |source: rustls::Error| TlsError::Certificate {
        certificate: files.certificate.clone(),
        key: files.key.clone(),
        source: Box::new(source),
    };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(failed)?
        .with_no_client_auth()
        .with_single_cert(certificates, key)
        .map_err(failed)?;
    config.alpn_protocols = vec![protocol.to_vec()];
    Ok(Arc::new(config))
}

fn read(path: &Path) -> Result<Vec<u8>, TlsError> {
    fs::read(path).map_err(|source| TlsError::Read { path: path.to_owned(), source })
}

fn read_certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let bytes = read(path)?;
    let mut certificates: Vec<CertificateDer<'static>> = Vec::new();
    for certificate in CertificateDer::pem_slice_iter(&bytes) {
        let certificate = certificate.map_err(|_| TlsError::Pem { path: path.to_owned(), what: "certificate" })?;
        certificates.push(certificate);
    }
    if certificates.is_empty() {
        return Err(TlsError::Pem { path: path.to_owned(), what: "certificate" });
    }
    Ok(certificates)
}

/// Makes a certificate for these hosts, signed by itself, and writes it and its key into a folder, which is made if it
/// is not there. Only the user can read the key.
///
/// # Errors
/// If a host is no name, or a file cannot be written or is there already.
pub fn self_signed(folder: &Path, hosts: &[String], now: Micros) -> Result<TlsFiles, TlsError> {
    let failed = |source: rcgen::Error| TlsError::Hosts { hosts: hosts.to_vec(), source: Box::new(source) };
    let mut params = CertificateParams::new(hosts.to_vec()).map_err(failed)?;
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, hosts.first().map_or("frostline", String::as_str));
    params.distinguished_name = name;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    // A client's clock may be behind.
    let (from, to) = (civil(now.plus(-DAY)), civil(now.plus(SELF_SIGNED_DAYS * DAY)));
    params.not_before = rcgen::date_time_ymd(from.0, from.1, from.2);
    params.not_after = rcgen::date_time_ymd(to.0, to.1, to.2);
    let key = KeyPair::generate().map_err(failed)?;
    let certificate = params.self_signed(&key).map_err(failed)?;

    fs::create_dir_all(folder).map_err(|source| TlsError::Write { path: folder.to_owned(), source })?;
    let files = TlsFiles { certificate: folder.join(CERTIFICATE_FILE), key: folder.join(KEY_FILE) };
    write_new(&files.certificate, &certificate.pem(), 0o644)?;
    write_new(&files.key, &key.serialize_pem(), 0o600)?;
    Ok(files)
}

/// The date of an instant: year, month and day.
fn civil(at: Micros) -> (i32, u8, u8) {
    let date = DateTime::from_timestamp_micros(at.get()).unwrap_or_default().date_naive();
    (date.year(), u8::try_from(date.month()).unwrap_or(1), u8::try_from(date.day()).unwrap_or(1))
}

#[cfg_attr(not(unix), expect(unused_variables, reason = "only Unix has modes"))]
fn write_new(path: &Path, text: &str, mode: u32) -> Result<(), TlsError> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(mode);
    }
    let written = options.open(path).and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|source| TlsError::Write { path: path.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Micros = Micros::new(1_704_067_200_000_000);

    fn hosts(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn a_self_signed_certificate_can_be_served_and_is_not_written_over() {
        let folder = tempfile::tempdir().unwrap();
        let files = self_signed(folder.path(), &hosts(&["localhost", "127.0.0.1"]), NOW).unwrap();
        let config = load(&files, b"h2").unwrap();
        assert_eq!(config.alpn_protocols, [b"h2".to_vec()]);
        let again = self_signed(folder.path(), &hosts(&["localhost"]), NOW);
        assert!(matches!(again, Err(TlsError::Write { .. })), "{again:?}");
    }

    #[cfg(unix)]
    #[test]
    fn only_the_user_can_read_the_key() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let files = self_signed(folder.path(), &hosts(&["localhost"]), NOW).unwrap();
        let mode = fs::metadata(&files.key).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{mode:o}");
    }

    #[test]
    fn files_that_do_not_fit_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let one = self_signed(&folder.path().join("one"), &hosts(&["localhost"]), NOW).unwrap();
        let other = self_signed(&folder.path().join("other"), &hosts(&["localhost"]), NOW).unwrap();
        let mixed = TlsFiles { certificate: one.certificate.clone(), key: other.key };
        assert!(matches!(load(&mixed, b"h2"), Err(TlsError::Certificate { .. })));
        let swapped = TlsFiles { certificate: one.key.clone(), key: one.certificate.clone() };
        assert!(matches!(load(&swapped, b"h2"), Err(TlsError::Pem { .. })));
        let missing = TlsFiles { certificate: folder.path().join("none"), key: one.key };
        assert!(matches!(load(&missing, b"h2"), Err(TlsError::Read { .. })));
    }
}
