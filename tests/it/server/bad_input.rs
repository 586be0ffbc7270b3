//! Wrong tokens, other versions, malformed and oversize messages, floods, strange names: said clearly, and survived.

use std::net::SocketAddr;
use std::time::Duration;

use futures::{SinkExt, StreamExt};
use morningai::client::remote::DialErrorKind;
use morningai::ports::Client;
use morningai::protocol;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

use super::post::{Post, TOKEN, attach_to};

type Socket = WebSocketStream<TcpStream>;

/// A bare WebSocket to the feed.
async fn socket(address: SocketAddr) -> Socket {
    socket_with(address, TOKEN).await
}

async fn socket_with(address: SocketAddr, token: &str) -> Socket {
    let mut request = format!("ws://{address}/v1/feed").into_client_request().unwrap();
    request.headers_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
    let line = TcpStream::connect(address).await.unwrap();
    tokio_tungstenite::client_async(request, line).await.unwrap().0
}

/// The same after its hello, reading nothing more.
pub async fn greeted(address: SocketAddr) -> Socket {
    greeted_with(address, TOKEN).await
}

pub async fn greeted_with(address: SocketAddr, token: &str) -> Socket {
    let mut socket = socket_with(address, token).await;
    say(&mut socket, json!({ "say": "hello", "protocol": protocol::VERSION, "program": "test" })).await;
    assert_eq!(hear(&mut socket).await["say"], "welcome");
    socket
}

/// What comes of a wish.
pub async fn wished(socket: &mut Socket, wish: &protocol::Wish) -> Value {
    let id = uuid::Uuid::now_v7();
    say(socket, json!({ "say": "request", "id": id, "wish": wish })).await;
    loop {
        let heard = hear(socket).await;
        if heard["say"] == "reply" && heard["id"] == id.to_string() {
            return heard["outcome"].clone();
        }
    }
}

/// What a console hears that goes on after `mark`, message by message.
pub async fn resumed(address: SocketAddr, mark: protocol::Mark) -> impl AsyncFnMut() -> Value {
    let mut socket = socket(address).await;
    say(&mut socket, json!({ "say": "hello", "protocol": protocol::VERSION, "program": "test", "after": mark })).await;
    assert_eq!(hear(&mut socket).await["say"], "welcome");
    async move || hear(&mut socket).await
}

async fn say(socket: &mut Socket, message: Value) {
    socket.send(Message::text(message.to_string())).await.unwrap();
}

async fn hear(socket: &mut Socket) -> Value {
    match tokio::time::timeout(Duration::from_secs(20), socket.next()).await.unwrap() {
        Some(Ok(Message::Text(text))) => serde_json::from_str(&text).unwrap(),
        Some(Ok(Message::Binary(packed))) => serde_json::from_str(&protocol::unpack(&packed).unwrap()).unwrap(),
        other => panic!("{other:?}"),
    }
}

/// Hears until the server closes; with which code, and why.
pub async fn closed(socket: &mut Socket) -> (u16, String) {
    let close = async {
        loop {
            match socket.next().await {
                Some(Ok(Message::Close(Some(frame)))) => return (u16::from(frame.code), frame.reason.to_string()),
                Some(Ok(_)) => {}
                other => panic!("no farewell: {other:?}"),
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(20), close).await.expect("the server closes")
}

#[tokio::test(flavor = "multi_thread")]
async fn malformed_messages_are_answered_with_a_reason() {
    let dir = tempfile::tempdir().unwrap();
    let post = Post::open(dir.path()).await;
    let address = post.server.address();
    for (what, text) in [
        ("no JSON", "hello".to_owned()),
        ("not of the protocol", json!({ "say": "please" }).to_string()),
        ("a field is missing", json!({ "say": "request", "id": uuid::Uuid::nil() }).to_string()),
        ("a second hello", json!({ "say": "hello", "protocol": 1, "program": "x" }).to_string()),
        ("deep nesting", "[".repeat(100_000)),
    ] {
        let mut socket = greeted(address).await;
        socket.send(Message::text(text)).await.unwrap();
        let (code, reason) = closed(&mut socket).await;
        assert_eq!(code, protocol::close::MALFORMED, "{what}: {reason}");
        assert!(!reason.is_empty(), "{what}");
    }
    let mut early = socket(address).await;
    say(&mut early, json!({ "say": "beat", "number": 1 })).await;
    assert_eq!(closed(&mut early).await, (protocol::close::MALFORMED, "the first message is a hello".to_owned()));
    let mut binary = greeted(address).await;
    binary.send(Message::binary(vec![0xff, 0])).await.unwrap();
    assert_eq!(closed(&mut binary).await.0, protocol::close::MALFORMED);
    post.attach().await.open().await.unwrap();
    post.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_oversize_message_is_refused_before_it_is_read() {
    let dir = tempfile::tempdir().unwrap();
    let post = Post::open(dir.path()).await;
    let mut socket = greeted(post.server.address()).await;
    // The server may close while this is still being written.
    let _ = socket.send(Message::text("x".repeat(protocol::MOST_FROM_CONSOLE + 1))).await;
    let (code, reason) = closed(&mut socket).await;
    assert_eq!((code, reason.as_str()), (protocol::close::TOO_BIG, "a message may have 1024 KB"));
    post.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_requests_ends_one_console_and_no_other() {
    let dir = tempfile::tempdir().unwrap();
    let post = Post::open(dir.path()).await;
    let other = post.attach().await;
    let mut socket = greeted(post.server.address()).await;
    let (mut write, mut read) = {
        let search = json!({ "query": "search", "text": "nothing", "before": u64::MAX, "limit": 1000 });
        for _ in 0..2000 {
            let request =
                json!({ "say": "request", "id": uuid::Uuid::now_v7(), "wish": { "wish": "query", "query": search } });
            if socket.feed(Message::text(request.to_string())).await.is_err() {
                break;
            }
        }
        socket.split()
    };
    let _ = write.flush().await;
    let ended = async {
        loop {
            match read.next().await {
                Some(Ok(Message::Close(Some(frame)))) => return Some(frame.reason.to_string()),
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return None,
            }
        }
    };
    let reason = tokio::time::timeout(Duration::from_secs(20), ended).await.expect("it is left");
    assert!(reason.is_none_or(|reason| reason == "too many requests at once"));
    other.open().await.unwrap();
    assert_eq!(other.offers().await.unwrap().agents.len(), 1);
    post.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_version_of_the_protocol_is_told_so_on_both_sides() {
    let dir = tempfile::tempdir().unwrap();
    let post = Post::open(dir.path()).await;
    let mut socket = socket(post.server.address()).await;
    say(&mut socket, json!({ "say": "hello", "protocol": 99, "program": "later" })).await;
    let refused = hear(&mut socket).await;
    assert!(refused["message"].as_str().unwrap().contains("the console version 99"), "{refused}");
    assert_eq!(closed(&mut socket).await.0, protocol::close::VERSION);
    post.end().await;

    // A server of a later version.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let mut socket = tokio_tungstenite::accept_async(stream).await.unwrap();
        socket.next().await;
        say(&mut socket, json!({ "say": "refused", "message": "version 99 is spoken here", "hint": "get it" })).await;
    });
    let error = attach_to(address, TOKEN).await.err().unwrap();
    server.await.unwrap();
    assert_eq!((error.kind, error.hint.as_str()), (DialErrorKind::Foreign, "get it"));
    assert!(error.message.contains("version 99 is spoken here"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_cannot_be_attached_to_is_said() {
    let dir = tempfile::tempdir().unwrap();
    let post = Post::open(dir.path()).await;
    let wrong = attach_to(post.server.address(), "not-the-token").await.err().unwrap();
    assert_eq!(wrong.kind, DialErrorKind::Refused);
    assert!(wrong.message.ends_with("says: this token is not known here"), "{wrong}");
    assert!(!format!("{wrong:?}").contains("not-the-token"));
    let address = post.server.address();
    post.end().await;
    let gone = attach_to(address, TOKEN).await.err().unwrap();
    assert_eq!(gone.kind, DialErrorKind::Unreachable);
    assert!(gone.message.starts_with("nothing listens at"), "{gone}");

    // Something else answers there.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let other = listener.local_addr().unwrap();
    let answers = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi").await.unwrap();
        assert!(stream.read(&mut [0; 1024]).await.unwrap() > 0);
    });
    let error = attach_to(other, TOKEN).await.err().unwrap();
    answers.await.unwrap();
    assert_eq!(error.kind, DialErrorKind::Foreign, "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn web_pages_and_rebound_names_are_not_answered() {
    let dir = tempfile::tempdir().unwrap();
    let post = Post::open(dir.path()).await;
    let http = post.http();
    let url = format!("{}/v1/runs", http.base);
    let (status, problem) = http.send(http.client.get(&url).header("origin", "https://evil.example")).await;
    assert_eq!((status, problem["type"].as_str()), (403, Some("urn:morningai:problem:from-a-page")));
    for path in ["/v1/runs", "/healthz", "/openapi.json"] {
        let request = http.client.get(format!("{}{path}", http.base)).header("host", "evil.example");
        let (status, problem) = http.send(request).await;
        assert_eq!((status, problem["type"].as_str()), (403, Some("urn:morningai:problem:unknown-host")), "{path}");
    }
    let mut request = format!("ws://{}/v1/feed", post.server.address()).into_client_request().unwrap();
    request.headers_mut().insert("authorization", format!("Bearer {TOKEN}").parse().unwrap());
    request.headers_mut().insert("origin", "http://127.0.0.1".parse().unwrap());
    let line = TcpStream::connect(post.server.address()).await.unwrap();
    assert!(tokio_tungstenite::client_async(request, line).await.is_err());
    post.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_that_never_finishes_its_request_is_cut_off() {
    let dir = tempfile::tempdir().unwrap();
    let post = Post::open(dir.path()).await;
    let mut slow = TcpStream::connect(post.server.address()).await.unwrap();
    slow.write_all(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\nx-slow: ").await.unwrap();
    let mut answer = Vec::new();
    let ended = tokio::time::timeout(Duration::from_secs(15), slow.read_to_end(&mut answer)).await;
    assert!(ended.is_ok(), "it is still waited for");
    let mut long = TcpStream::connect(post.server.address()).await.unwrap();
    let head = format!("GET /healthz HTTP/1.1\r\nhost: localhost\r\nx-long: {}\r\n\r\n", "x".repeat(100_000));
    let _ = long.write_all(head.as_bytes()).await;
    let mut answer = [0; 12];
    let _ = long.read_exact(&mut answer).await;
    assert_eq!(&answer, b"HTTP/1.1 431");
    post.end().await;
}
