//! reqwest: the whole application over a socket, and a client that keeps cookies as a browser does.

use axum::Router;
use axum::routing::{get, post};
use starsessions::testing::TestSessions;
use starsessions::{CurrentSession, Session, SessionError};

#[derive(Session)]
struct Login {
    #[session(required, rotate)]
    user: u64,
}

async fn account(login: Session<Login>) -> String {
    format!("user {}", login.user)
}

async fn sign_in(session: CurrentSession) -> Result<(), SessionError> {
    session.insert(Login { user: 7 })
}

/// Serves the application on a free port, and returns its address.
async fn serve(app: Router) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async { axum::serve(listener, app).await });
    format!("http://{address}")
}

#[tokio::test]
async fn a_client_signs_in_and_stays_signed_in() {
    // Without TLS, a client does not keep a `Secure` cookie.
    let test = TestSessions::with(|layer| layer.local_development());
    let app = Router::new()
        .route("/account", get(account))
        .route("/login", post(sign_in))
        .layer(test.layer());
    let site = serve(app).await;
    let client = reqwest::Client::builder()
        .cookie_store(true)
        .build()
        .unwrap();

    let login = client.post(format!("{site}/login")).send().await.unwrap();
    assert_eq!(login.status(), 200);
    let account = client.get(format!("{site}/account")).send().await.unwrap();
    assert_eq!(account.text().await.unwrap(), "user 7");
}
