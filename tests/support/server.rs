//! A test's own server on the loopback, which answers as it is told.

#![allow(dead_code, reason = "every test uses its own part")]
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

/// A request to the server.
#[derive(Debug, Clone)]
pub struct Asked {
    /// The path, with its leading slash.
    pub path: String,
    /// The first byte that is wanted; `None` without a range.
    pub from: Option<usize>,
    /// The number of this request to this server, from 0.
    pub nth: usize,
}

/// A server that runs until the test ends.
pub struct Server {
    port: u16,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Server {
    /// Answers every request by calling `answer`.
    pub fn new(answer: impl Fn(&Asked, &mut TcpStream) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (answer, seen) = (Arc::new(answer), Arc::clone(&asked));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (answer, seen) = (Arc::clone(&answer), Arc::clone(&seen));
                thread::spawn(move || serve(stream, &*answer, &seen));
            }
        });
        Self { port, asked }
    }

    /// Serves these bytes, and ranges of them.
    pub fn of(bytes: &[u8]) -> Self {
        let bytes = bytes.to_owned();
        Self::new(move |asked, to| send(asked, &bytes, to))
    }

    /// The address of a file on this server.
    pub fn address(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// The requests so far.
    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

/// Serves one connection with one request; after a CONNECT, the request that follows.
fn serve(mut stream: TcpStream, answer: &dyn Fn(&Asked, &mut TcpStream), seen: &Mutex<Vec<Asked>>) {
    let Some(mut head) = head(&mut stream) else { return };
    if head.starts_with("CONNECT ") {
        put(&mut stream, b"HTTP/1.1 200 OK\r\n\r\n");
        let Some(next) = self::head(&mut stream) else { return };
        head = next;
    }
    let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
    let lower = head.to_lowercase();
    let range = lower.lines().find_map(|line| line.strip_prefix("range: bytes="));
    let from = range.and_then(|range| range.trim().trim_end_matches('-').parse().ok());
    let mut all = seen.lock().unwrap();
    let asked = Asked { path, from, nth: all.len() };
    all.push(asked.clone());
    drop(all);
    answer(&asked, &mut stream);
}

fn head(stream: &mut TcpStream) -> Option<String> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).ok()?;
        head.push(byte[0]);
    }
    String::from_utf8(head).ok()
}

/// Writes bytes, if the client still listens.
pub fn put(to: &mut TcpStream, bytes: &[u8]) {
    let _ = to.write_all(bytes);
}

/// Sends the head of an answer.
pub fn start(to: &mut TcpStream, status: &str, headers: &str) {
    put(to, format!("HTTP/1.1 {status}\r\nconnection: close\r\n{headers}\r\n").as_bytes());
}

/// Sends the head of an answer with these bytes or a range. Returns where it begins.
pub fn start_file(asked: &Asked, bytes: &[u8], to: &mut TcpStream) -> usize {
    let (from, all) = (asked.from.unwrap_or(0), bytes.len());
    match asked.from {
        None => start(to, "200 OK", &format!("content-length: {all}\r\n")),
        Some(_) => {
            let range = format!("content-range: bytes {from}-{}/{all}\r\n", all - 1);
            let length = format!("content-length: {}\r\n", all - from);
            start(to, "206 Partial Content", &(range + &length));
        }
    }
    from
}

/// Sends a correct answer.
pub fn send(asked: &Asked, bytes: &[u8], to: &mut TcpStream) {
    let from = start_file(asked, bytes, to);
    put(to, &bytes[from..]);
}

/// Sends a correct answer, slowly.
pub fn send_slowly(asked: &Asked, bytes: &[u8], chunk: usize, to: &mut TcpStream) {
    let from = start_file(asked, bytes, to);
    for part in bytes[from..].chunks(chunk) {
        if to.write_all(part).is_err() {
            return;
        }
        thread::sleep(Duration::from_millis(50));
    }
}
