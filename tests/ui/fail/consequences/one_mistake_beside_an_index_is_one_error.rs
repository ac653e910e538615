use starsessions::{CurrentSession, Session};

#[derive(Session)]
struct Login {
    #[session(index, exipres = "10m")]
    user: u64,
}

async fn devices(session: CurrentSession) {
    let _ = session.list::<Login>().await;
}

fn main() {}
