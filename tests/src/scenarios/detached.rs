//! 22. WebSocket and SSE.

use std::convert::Infallible;
use std::time::Duration;

use crate::routing::get;
use axum::Router;
use axum::body::{Body, BodyDataStream};
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::response::{IntoResponse, Response, Sse, sse};
use futures_util::{SinkExt, StreamExt};
use http::{Method, Request, header};
use starsessions::store::Store;
use starsessions::{Detached, Session, SessionError};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message as Sent;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tower::ServiceExt;

use crate::client::Client;
use crate::shop::{self, Shop};
use crate::site::Site;

/// Adds the items that the socket receives, sends every new cart, and closes when the session ends.
async fn serve(mut socket: WebSocket, shop: Detached<Shop>) {
    let mut watch = shop.watch();
    loop {
        tokio::select! {
            now = watch.next() => {
                let Some(shop) = now else { break };
                let cart = shop.cart.join(",");
                socket.send(Message::Text(cart.into())).await.unwrap();
            }
            message = socket.recv() => {
                let Some(Ok(Message::Text(item))) = message else { break };
                let bought = shop.update(|shop| shop.cart.push(item.to_string())).await;
                assert!(matches!(bought, Ok(()) | Err(SessionError::Gone)), "{bought:?}");
            }
        }
    }
    // The browser may have disconnected already.
    drop(socket.send(Message::Close(None)).await);
}

async fn socket(upgrade: WebSocketUpgrade, shop: Session<Shop>) -> Result<Response, SessionError> {
    let shop = shop.detach()?;
    Ok(upgrade.on_upgrade(|socket| serve(socket, shop)))
}

/// Streams every new cart as an event.
async fn events(shop: Session<Shop>) -> Result<Response, SessionError> {
    let carts = shop.detach()?.watch().into_stream().map(|shop| {
        let cart = format!("cart {}", shop.cart.join(","));
        Ok::<_, Infallible>(sse::Event::default().data(cart))
    });
    Ok(Sse::new(carts).into_response())
}

fn routes() -> Router {
    let routes = shop::with_logout();
    routes
        .route("/socket", get(socket))
        .route("/events", get(events))
}

/// Two nodes and one browser. The first node polls its sessions often.
async fn two_nodes<S: Store + Clone>(site: &Site<S>) -> (Router, Client, Client) {
    let here = site.restarted(|layer| layer.watch_interval(Duration::from_millis(50)));
    let app = routes().layer(here.sessions.layer());
    let mut client = Client::new(&app);
    client.post("/login/7").await;
    let elsewhere = client.at(&site.serve(routes()));
    (app, client, elsewhere)
}

/// Opens the socket over the network, as a browser does.
async fn open_socket(app: Router, cookies: &str) -> WebSocketStream<TcpStream> {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await });
    let mut request = format!("ws://{address}/socket")
        .into_client_request()
        .unwrap();
    let cookies = cookies.parse().unwrap();
    request.headers_mut().insert(header::COOKIE, cookies);
    let stream = TcpStream::connect(address).await.unwrap();
    let (socket, _) = tokio_tungstenite::client_async(request, stream)
        .await
        .unwrap();
    socket
}

async fn hear(socket: &mut WebSocketStream<TcpStream>) -> Sent {
    let message = timeout(PATIENCE, socket.next()).await;
    let message = message.expect("nothing comes from the socket");
    message.expect("a message").expect("a whole message")
}

/// The next request sees what the socket writes, and the socket sees what requests write. The socket closes when the
/// session ends, on this node or another.
///
/// # Panics
/// If a write is not seen.
pub async fn a_socket_lives_with_its_session<S: Store + Clone>(site: &Site<S>) {
    for ends_elsewhere in [false, true] {
        let (app, mut client, mut elsewhere) = two_nodes(site).await;
        let mut socket = open_socket(app, &client.cookies().unwrap()).await;
        assert_eq!(hear(&mut socket).await, Sent::text(""));

        socket.send(Sent::text("tea")).await.unwrap();
        assert_eq!(hear(&mut socket).await, Sent::text("tea"));
        assert_eq!(client.get("/cart").await.body, "tea");
        assert_eq!(elsewhere.get("/cart").await.body, "tea");

        client.post("/cart/milk").await;
        assert_eq!(hear(&mut socket).await, Sent::text("tea,milk"));
        elsewhere.post("/cart/figs").await;
        assert_eq!(hear(&mut socket).await, Sent::text("tea,milk,figs"));

        let ending = if ends_elsewhere {
            &mut elsewhere
        } else {
            &mut client
        };
        ending.post("/logout").await;
        assert!(hear(&mut socket).await.is_close());
        assert_eq!(client.get("/me").await.body, "guest");
    }
}

async fn next_event(body: &mut BodyDataStream) -> Option<String> {
    let chunk = timeout(PATIENCE, body.next()).await;
    let chunk = chunk.expect("nothing comes from the stream")?.unwrap();
    Some(String::from_utf8(chunk.to_vec()).unwrap())
}

/// Each event leaves when it happens, and the stream ends with the session.
///
/// # Panics
/// If an event is delayed.
pub async fn an_event_stream_flows<S: Store + Clone>(site: &Site<S>) {
    let (app, mut client, mut elsewhere) = two_nodes(site).await;
    let request = Request::builder()
        .method(Method::GET)
        .uri("/events")
        .header(header::COOKIE, client.cookies().unwrap());
    let Ok(response) = app.oneshot(request.body(Body::empty()).unwrap()).await;
    let mut events = response.into_body().into_data_stream();
    assert_eq!(next_event(&mut events).await.unwrap(), "data: cart \n\n");
    client.post("/cart/tea").await;
    assert_eq!(next_event(&mut events).await.unwrap(), "data: cart tea\n\n");
    elsewhere.post("/cart/milk").await;
    assert_eq!(
        next_event(&mut events).await.unwrap(),
        "data: cart tea,milk\n\n"
    );
    elsewhere.post("/logout").await;
    assert_eq!(next_event(&mut events).await, None);
}

const PATIENCE: Duration = Duration::from_secs(60);
