//! What routes answer to bad input: always something that the document lists, and problems say what is allowed. That each
//! status is in the document, whoever asks sees to (`Http::send`).

use morningai::domain::Role;
use morningai::server::operations;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::post::{Http, Post, TOKEN};

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_sent_the_answer_is_one_of_the_document() {
    let dir = tempfile::tempdir().unwrap();
    let post = Post::open(dir.path()).await;
    post.desk.begin().await;
    post.desk.open_approval().await;
    let own = post.http();
    own_requests(&own).await;
    // The same once there are accounts.
    let token = post.program("ana", Role::Owner).await;
    own_requests(&post.http_with(&token)).await;
    post.end().await;
}

async fn own_requests(http: &Http) {
    let mut seen = 0;
    for operation in operations() {
        let names = if operation.path.contains('{') { &["0", "ffffffff", "ana", "%ff", "%00"][..] } else { &[""] };
        for name in names {
            let path = operation.path.replace("{id}", name).replace("{name}", name);
            for query in ["", "?limit=501", "?limit=1001", "?limit=-1", "?state=odd", "?nonsense=1", "?%ff"] {
                let url = format!("{}{path}{query}", http.base);
                for body in ["", "{", "[]", "{\"nonsense\":1}", "{\"name\":\"x\",\"password\":\"y\"}"] {
                    let request = match operation.method {
                        "GET" => http.client.get(&url),
                        "DELETE" => http.client.delete(&url),
                        _ => http.client.post(&url).header("content-type", "application/json").body(body),
                    };
                    let (status, problem) = http.send(request).await;
                    let is_told = status < 400 || !problem["detail"].as_str().unwrap_or_default().is_empty();
                    assert!(is_told, "{} {path}{query} {body}: {status} {problem}", operation.method);
                    seen += 1;
                    if operation.method != "POST" {
                        break;
                    }
                }
            }
        }
        let url = format!("{}{}", http.base, operation.path.replace(['{', '}'], ""));
        let nobody = Http { base: http.base.clone(), client: http.client.clone(), token: None };
        for header in [("origin", "https://a.page"), ("host", "elsewhere"), ("authorization", "Basic x")] {
            let request = match operation.method {
                "GET" => http.client.get(&url),
                "DELETE" => http.client.delete(&url),
                _ => http.client.post(&url),
            };
            nobody.send(request.header(header.0, header.1)).await;
        }
    }
    assert!(seen > 500, "only {seen} requests were made");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_beyond_what_the_document_allows_is_refused_with_what_it_allows() {
    let dir = tempfile::tempdir().unwrap();
    let post = Post::open(dir.path()).await;
    let http = post.http();
    for (path, most) in [("/v1/runs", 500), ("/v1/approvals", 500), ("/v1/audit", 500), ("/v1/log", 1000)] {
        assert_eq!(http.get(&format!("{path}?limit={most}")).await.0, 200, "{path}");
        for over in [(most + 1).to_string(), "4294967296".to_owned(), u64::MAX.to_string()] {
            let (status, problem) = http.get(&format!("{path}?limit={over}")).await;
            assert_eq!((status, &problem["type"]), (422, &json!("urn:morningai:problem:invalid")), "{path} {over}");
            assert!(problem["hint"].as_str().unwrap().contains(&format!("at most {most}")), "{problem}");
        }
        for wrong in ["limit=-1", "limit=x", "limit=", "limit=1.5", "limt=1", "limit=1&limit=2"] {
            assert_eq!(http.get(&format!("{path}?{wrong}")).await.0, 400, "{path}?{wrong}");
        }
    }
    assert_eq!(http.get("/v1/log?limit=0").await.0, 422);
    assert_eq!(http.get("/v1/agents?limit=1").await.0, 400, "no parameter of that name");
    post.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_may_have_32_kib_and_not_a_byte_more() {
    let dir = tempfile::tempdir().unwrap();
    let post = Post::open(dir.path()).await;
    for (length, status) in [(1_000, "200"), (32_768, "200"), (32_769, "431"), (33_000, "431"), (60_000, "431")] {
        let mut line = TcpStream::connect(post.server.address()).await.unwrap();
        let start = format!("GET /v1/runs HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {TOKEN}\r\nx-long: ");
        let padding = "x".repeat(length - start.len() - "\r\n\r\n".len());
        line.write_all(format!("{start}{padding}\r\n\r\n").as_bytes()).await.unwrap();
        let mut answer = vec![0; 4096];
        let read = line.read(&mut answer).await.unwrap();
        let answer = String::from_utf8_lossy(&answer[..read]).into_owned();
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{length}: {answer}");
        assert_eq!(answer.contains("and may have 32768"), status == "431", "{length}: {answer}");
    }
    post.end().await;
}
