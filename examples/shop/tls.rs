//! TLS with a self-signed certificate, to try features that browsers offer over TLS only. A real site has a trusted
//! certificate, usually in its proxy.

use std::error::Error;
use std::sync::Arc;

use axum::Router;
use axum_server::tls_rustls::RustlsConfig;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rcgen::PublicKeyData;
use rustls::ServerConfig;
use rustls::crypto::ring::default_provider;
use rustls::pki_types::PrivateKeyDer;
use sha2::{Digest, Sha256};
use tokio::net::TcpListener;

/// Serves the shop at `localhost`, with a new certificate at each start. Prints a command that starts Chromium so that
/// it accepts the certificate and can bind sessions on a machine without a hardware key store.
#[expect(clippy::print_stdout, reason = "it is for the person who starts it")]
pub(super) async fn serve(listener: TcpListener, app: Router) -> Result<(), Box<dyn Error>> {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()])?;
    let hash = Sha256::digest(made.signing_key.subject_public_key_info());
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der())?;
    let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)?;
    let port = listener.local_addr()?.port();
    println!(
        "Open https://localhost:{port}, for example with: chromium \
         --enable-features=DeviceBoundSessions,EnableBoundSessionCredentialsSoftwareKeysForManualTesting \
         --user-data-dir=shop-profile --ignore-certificate-errors-spki-list={}",
        STANDARD.encode(hash)
    );
    let listener = listener.into_std()?;
    let server = axum_server::from_tcp_rustls(listener, RustlsConfig::from_config(config.into()))?;
    server.serve(app.into_make_service()).await?;
    Ok(())
}
