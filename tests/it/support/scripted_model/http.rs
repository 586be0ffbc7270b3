//! As much of HTTP/1.1 as a model server needs, with control over every byte and over how it ends.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use std::{io, thread};

use serde_json::Value;

/// A request as it came in.
#[derive(Clone, Debug)]
pub struct Received {
    pub method: String,
    pub path: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: Value,
}

impl Received {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }
}

/// A response ready to be sent.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    /// The body, one write each.
    pub pieces: Vec<Vec<u8>>,
    pub ending: Ending,
    /// Before anything is sent.
    pub wait: Duration,
}

/// What follows the last piece.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The end that HTTP prescribes.
    Complete,
    /// The connection closes though more was announced.
    Cut,
    /// A close that looks like a regular end, as of a server that announces no length.
    QuietClose,
    /// Nothing, until the client goes away.
    Silence,
}

/// How sending went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sent {
    All,
    /// The client went away before the end.
    HungUp,
}

impl Answer {
    pub fn document(status: u16, body: Vec<u8>) -> Self {
        let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
        Self { status, headers, pieces: vec![body], ending: Ending::Complete, wait: Duration::ZERO }
    }
}

/// Reads one request; `None` when the connection was only opened.
pub fn receive(connection: &mut TcpStream) -> io::Result<Option<Received>> {
    let mut reader = BufReader::new(connection);
    let mut line = String::new();
    if reader.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let mut words = line.split_whitespace().map(str::to_owned);
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let length = headers.iter().find(|(name, _)| name == "content-length").and_then(|(_, value)| value.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    reader.read_exact(&mut body)?;
    let body = serde_json::from_slice(&body).unwrap_or(Value::Null);
    Ok(Some(Received { method, path, headers, body }))
}

/// Sends an answer and closes.
pub fn send(connection: &mut TcpStream, answer: &Answer, pace: Duration, stopping: &AtomicBool) -> io::Result<Sent> {
    connection.set_nodelay(true)?;
    if !answer.wait.is_zero() {
        thread::sleep(answer.wait);
    }
    let is_chunked = answer.ending != Ending::QuietClose;
    let mut head = format!("HTTP/1.1 {} Scripted\r\nconnection: close\r\n", answer.status);
    for (name, value) in &answer.headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str(if is_chunked { "transfer-encoding: chunked\r\n\r\n" } else { "\r\n" });
    connection.write_all(head.as_bytes())?;
    for piece in answer.pieces.iter().filter(|piece| !piece.is_empty()) {
        if !pace.is_zero() {
            thread::sleep(pace);
        }
        let mut bytes = piece.clone();
        if is_chunked {
            bytes = [format!("{:x}\r\n", piece.len()).into_bytes(), bytes, b"\r\n".to_vec()].concat();
        }
        connection.write_all(&bytes)?;
    }
    match answer.ending {
        Ending::Complete => connection.write_all(b"0\r\n\r\n")?,
        Ending::Cut | Ending::QuietClose => {}
        Ending::Silence => return wait_for_close(connection, stopping),
    }
    Ok(Sent::All)
}

/// Until the client closes, or the server is to stop.
fn wait_for_close(connection: &mut TcpStream, stopping: &AtomicBool) -> io::Result<Sent> {
    connection.set_read_timeout(Some(Duration::from_millis(20)))?;
    while !stopping.load(Ordering::SeqCst) {
        match connection.read(&mut [0; 64]) {
            Ok(0) => return Ok(Sent::HungUp),
            Ok(_) => {}
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {}
            Err(_) => return Ok(Sent::HungUp),
        }
    }
    Ok(Sent::All)
}
