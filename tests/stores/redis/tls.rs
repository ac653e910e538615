//! A server behind TLS.

use ::redis::{Client, TlsCertificates};
use starsessions::store::RedisStore;
use starsessions::testing::conformance;
use starsessions_tests::servers::redis::{AUTHORITY, Version, with_tls};

#[tokio::test(flavor = "multi_thread")]
async fn keeps_the_contract_behind_tls_and_trusts_no_other_authority() {
    let server = with_tls(Version::System);
    let url = format!("rediss://{}/", server.address());
    let authority = std::fs::read(server.folder().join(AUTHORITY)).unwrap();
    let trusting = TlsCertificates {
        client_tls: None,
        root_cert: Some(authority),
    };
    let client = Client::build_with_tls(url.as_str(), trusting).unwrap();
    conformance::run(&RedisStore::connect(client).await.unwrap()).await;

    let stranger = Client::open(url).unwrap();
    assert!(RedisStore::connect(stranger).await.is_err());
}
