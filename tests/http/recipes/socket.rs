//! A socket that ends with its session.

use starsessions::{Detached, Session, SessionError};

// async fn socket(upgrade: WebSocketUpgrade, shop: Session<Shop>) -> Result<Response, SessionError> {
//     let shop = shop.detach()?;
//     Ok(upgrade.on_upgrade(|socket| serve(socket, shop)))
// }

async fn serve((mut read, write): Socket, shop: Detached<Shop>) -> Result<(), SessionError> {
    let mut watch = shop.watch();
    loop {
        tokio::select! {
            now = watch.next() => match now {
                Some(shop) => drop(write.send(shop.cart.len()).await), // another tab has changed the cart
                None => return Ok(()),                                 // logged out, revoked or expired
            },
            article = read.recv() => {
                let Some(article) = article else { return Ok(()) };
                shop.touch().await?; // the user is active; an open socket alone is not activity
                shop.update(|shop| shop.cart.push(article)).await?;
            }
        }
    }
}

// What the page leaves out.

use tokio::sync::mpsc::{Receiver, Sender, channel};

/// Stands for the two halves of a WebSocket; the chat example uses real ones.
type Socket = (Receiver<String>, Sender<usize>);

#[derive(Session)]
struct Shop {
    cart: Vec<String>,
}

#[tokio::test]
async fn a_socket_changes_the_cart_hears_of_changes_and_ends_with_the_session() {
    use std::sync::{Arc, Mutex};
    use std::time::Duration;

    use axum::Router;
    use axum::extract::State;
    use axum::routing::post;
    use starsessions::CurrentSession;
    use starsessions_tests::site::Site;
    use tokio::time::timeout;

    let add = async |mut shop: Session<Shop>| shop.cart.push("tea".to_owned());
    let open = async |State(socket): State<Arc<Mutex<Option<Socket>>>>, shop: Session<Shop>| {
        let shop = shop.detach()?;
        let socket = socket.lock().unwrap().take().unwrap();
        tokio::spawn(serve(socket, shop));
        Ok::<_, SessionError>(())
    };
    let end = async |session: CurrentSession| session.destroy();
    let (say, read) = channel(1);
    let (write, mut hear) = channel(1);
    let routes = Router::new()
        .route("/add", post(add))
        .route("/open", post(open))
        .route("/end", post(end))
        .with_state(Arc::new(Mutex::new(Some((read, write)))));
    let mut tab = Site::new().serve(routes);
    tab.post("/add").await;
    assert_eq!(tab.post("/open").await.status, 200);
    say.send("cup".to_owned()).await.unwrap();
    let patience = Duration::from_secs(20);
    while timeout(patience, hear.recv()).await.unwrap() != Some(2) {}
    tab.post("/add").await;
    while timeout(patience, hear.recv()).await.unwrap() != Some(3) {}
    tab.post("/end").await;
    while timeout(patience, hear.recv()).await.unwrap().is_some() {}
}
