//! `frostline tls`.

use crate::lake::TestLake;
use crate::lake::server::Server;

#[test]
fn a_self_signed_certificate_serves_and_is_not_written_over() {
    let lake = TestLake::create();
    lake.run(&["tls", "self-signed", "--host", "localhost", "--out", "tls"]).succeeds().prints("");
    lake.run(&["tls", "self-signed", "--out", "tls"]).fails(2).mentions(&["nothing is written over"]);
    let flags = ["--tls-cert", "tls/frostline-cert.pem", "--tls-key", "tls/frostline-key.pem"];
    let server = Server::start(&lake, &flags);
    assert!(server.told("Flight SQL").is_some_and(|url| url.starts_with("grpc+tls://")));
    assert!(server.told("HTTP").is_some_and(|url| url.starts_with("https://")));
    let pem = String::from_utf8(lake.read("tls/frostline-cert.pem")).expect("PEM is text");
    assert!(pem.starts_with("-----BEGIN CERTIFICATE-----"), "{pem}");
}
