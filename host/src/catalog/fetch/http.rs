//! Downloads a file whose size and SHA-256 are known, and resumes after what is
//! already there.

use super::why::{Why, other_hash, other_size};
use crate::{
    catalog::{
        error::Fault,
        files::{self, CHUNK},
    },
    progress::{Event, Reporter},
    stop::Stop,
};
use std::{
    fs::{self, File},
    io::{self, Read, Write},
    path::Path,
    sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel},
    thread,
    time::{Duration, Instant},
};
use ureq::{
    Agent,
    tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem},
};

const CONNECT: Duration = Duration::from_secs(20);
const POLL: Duration = Duration::from_millis(100);
/// Attempts without progress before a download fails.
const TRIES: u32 = 5;

/// A file to download.
#[derive(Debug)]
pub struct Download<'a> {
    pub address: &'a str,
    /// The partial file, which becomes the whole one.
    pub part: &'a Path,
    pub bytes: u64,
    pub sha256: &'a str,
    pub patience: Duration,
    pub stop: &'a Stop,
    pub reporter: &'a dyn Reporter,
}

/// The result of one answer of a server.
enum Received {
    /// The answer came to its end.
    Answer,
    /// The answer broke off, for this reason.
    BrokenOff(String),
    /// What is already there is not the beginning of the server's file.
    OtherRange,
}

/// A message from the thread that reads.
enum Message {
    Head { status: u16, length: Option<u64>, range: Option<String> },
    Chunk(Vec<u8>),
    End,
    Silent,
    Failed(String),
}

impl Download<'_> {
    /// Downloads the file; on success the partial file is complete.
    pub fn run(&self) -> Result<(), Why> {
        // The part may be from another source or process.
        let mut foreign = self.there()? > 0;
        let mut tries = 0;
        loop {
            let there = self.there()?;
            if there == self.bytes {
                let (_, found) = files::digest(self.part, self.stop, io::sink())?;
                if found == self.sha256 {
                    return Ok(());
                }
                files::remove(self.part)?;
                if foreign {
                    foreign = false;
                    continue;
                }
                return Err(Why::Failed(other_hash(&found, self.sha256)));
            }
            let received = self.receive(there)?;
            match received {
                Received::Answer => continue,
                Received::OtherRange => {
                    files::remove(self.part)?;
                    foreign = false;
                    tries += 1;
                    if tries >= TRIES {
                        return Err(Why::Failed(
                            "answers with another part of the file".to_owned(),
                        ));
                    }
                }
                Received::BrokenOff(why) => {
                    let now = self.there()?;
                    // A server that makes progress is never given up.
                    tries = if now > there { 1 } else { tries + 1 };
                    if tries >= TRIES {
                        let total = self.bytes;
                        return Err(Why::Failed(format!(
                            "broke off after {now} of {total} bytes: {why}"
                        )));
                    }
                    self.wait(POLL * 2u32.pow(tries))?;
                }
            }
        }
    }

    /// Size of the partial file; one that is too large is removed.
    fn there(&self) -> Result<u64, Fault> {
        match fs::metadata(self.part) {
            Ok(facts) if facts.len() <= self.bytes => Ok(facts.len()),
            Ok(_) => files::remove(self.part).map(|()| 0),
            Err(_) => Ok(0),
        }
    }

    fn wait(&self, time: Duration) -> Result<(), Why> {
        let end = Instant::now() + time;
        while Instant::now() < end {
            if self.stop.is_set() {
                return Err(Why::Stopped);
            }
            thread::sleep(POLL.min(time));
        }
        Ok(())
    }

    /// Asks for the missing bytes, and writes them as they arrive.
    fn receive(&self, there: u64) -> Result<Received, Why> {
        let (sender, messages) = sync_channel(8);
        let agent = agent(self.patience)?;
        let address = self.address.to_owned();
        // A thread of its own reads, so that a silent server can be abandoned.
        thread::spawn(move || read(&agent, &address, there, &sender));
        let from = match self.next(&messages)? {
            Message::Head { status: 206, range, .. } if there > 0 => match self.begins(&range)? {
                Some(begin) if begin == there => there,
                _ => return Ok(Received::OtherRange),
            },
            Message::Head { status: 416, .. } if there > 0 => return Ok(Received::OtherRange),
            Message::Head { status: 200, length, .. } => match length {
                Some(length) if length != self.bytes => {
                    return Err(Why::Failed(other_size(length, self.bytes)));
                }
                _ => 0,
            },
            Message::Head { status, .. } => return Err(Why::Failed(answered(status))),
            Message::Failed(why) => return Err(Why::Failed(why)),
            Message::Silent => return Err(Why::Failed(silent(self.patience))),
            Message::Chunk(_) | Message::End => {
                return Err(Why::Failed("does not answer in HTTP".to_owned()));
            }
        };
        self.write(from, &messages)
    }

    /// Start of the range that was sent, if the whole file has the right size.
    fn begins(&self, range: &Option<String>) -> Result<Option<u64>, Why> {
        let parse = |range: &str| {
            let (part, total) = range.strip_prefix("bytes ")?.split_once('/')?;
            Some((part.split_once('-')?.0.parse().ok()?, total.parse::<u64>().ok()))
        };
        match range.as_deref().and_then(parse) {
            Some((_, Some(total))) if total != self.bytes => {
                Err(Why::Failed(other_size(total, self.bytes)))
            }
            Some((begin, _)) => Ok(Some(begin)),
            None => Ok(None),
        }
    }

    fn write(&self, from: u64, messages: &Receiver<Message>) -> Result<Received, Why> {
        let here = |source| Why::Here(Fault::io("write", self.part)(source));
        let mut options = File::options();
        match from {
            0 => options.write(true).create(true).truncate(true),
            _ => options.append(true),
        };
        let mut part = options.open(self.part).map_err(here)?;
        let mut at = from;
        loop {
            self.reporter.tell(Event::DownloadStep { bytes: at });
            match self.next(messages)? {
                Message::Chunk(chunk) => {
                    at += chunk.len() as u64;
                    if at > self.bytes {
                        files::remove(self.part)?;
                        let wanted = self.bytes;
                        return Err(Why::Failed(format!(
                            "has more than the {wanted} bytes that are expected"
                        )));
                    }
                    part.write_all(&chunk).map_err(here)?;
                }
                Message::End if at < self.bytes => {
                    return Ok(Received::BrokenOff("it ended".to_owned()));
                }
                Message::End => return Ok(Received::Answer),
                Message::Failed(why) => return Ok(Received::BrokenOff(why)),
                Message::Silent => return Err(Why::Failed(silent(self.patience))),
                Message::Head { .. } => {}
            }
        }
    }

    /// Waits for the next message, at most for `patience`.
    fn next(&self, messages: &Receiver<Message>) -> Result<Message, Why> {
        let begin = Instant::now();
        loop {
            if self.stop.is_set() {
                return Err(Why::Stopped);
            }
            match messages.recv_timeout(POLL) {
                Ok(message) => return Ok(message),
                Err(RecvTimeoutError::Timeout) if begin.elapsed() < self.patience + CONNECT => {}
                Err(RecvTimeoutError::Timeout) => return Err(Why::Failed(silent(self.patience))),
                Err(RecvTimeoutError::Disconnected) => return Ok(Message::End),
            }
        }
    }
}

fn silent(patience: Duration) -> String {
    format!("sent nothing for {} s", patience.as_secs())
}

fn answered(status: u16) -> String {
    let what = match status {
        401 | 403 => "it denies access to the file",
        404 | 410 => "the file is not there",
        429 => "too many requests",
        500.. => "the server failed",
        _ => "which is not a file",
    };
    format!("answers {status}: {what}")
}

/// Reads an answer and sends it on; ends early when nobody listens.
fn read(agent: &Agent, address: &str, from: u64, to: &SyncSender<Message>) {
    let mut request = agent.get(address).header("accept-encoding", "identity");
    if from > 0 {
        request = request.header("range", format!("bytes={from}-"));
    }
    let answer = match request.call() {
        Ok(answer) => answer,
        Err(error) => {
            // Sending fails if nobody listens any more.
            let _ = to.send(Message::Failed(words(&error)));
            return;
        }
    };
    let header = |name: &str| Some(answer.headers().get(name)?.to_str().ok()?.to_owned());
    let head = Message::Head {
        status: answer.status().as_u16(),
        length: header("content-length").and_then(|it| it.parse().ok()),
        range: header("content-range"),
    };
    if to.send(head).is_err() {
        return;
    }
    let mut body = answer.into_body().into_reader();
    loop {
        let mut chunk = vec![0; CHUNK];
        let message = match body.read(&mut chunk) {
            Ok(0) => Message::End,
            Ok(count) => {
                chunk.truncate(count);
                Message::Chunk(chunk)
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => match ureq::Error::from(error) {
                ureq::Error::Timeout(_) => Message::Silent,
                error => Message::Failed(words(&error)),
            },
        };
        let last = !matches!(message, Message::Chunk(_));
        if to.send(message).is_err() || last {
            return;
        }
    }
}

fn words(error: &ureq::Error) -> String {
    match error {
        ureq::Error::HostNotFound => "the host is not known; is there a network?".to_owned(),
        ureq::Error::TooManyRedirects => "redirects too often".to_owned(),
        ureq::Error::Io(error) => error.to_string(),
        ureq::Error::Timeout(what) => format!("took too long ({what})"),
        error => error.to_string(),
    }
}

/// Uses the proxies of the environment. `SSL_CERT_FILE` names certificates to trust
/// in place of Mozilla's.
fn agent(patience: Duration) -> Result<Agent, Why> {
    let mut config = Agent::config_builder()
        .http_status_as_error(false)
        .user_agent(concat!("osee-host/", env!("CARGO_PKG_VERSION")))
        .timeout_resolve(Some(CONNECT))
        .timeout_connect(Some(CONNECT))
        .timeout_per_read(Some(patience));
    if let Some(path) = std::env::var_os("SSL_CERT_FILE").filter(|it| !it.is_empty()) {
        let pem = fs::read(&path).map_err(Fault::io("read", &path))?;
        let certificates: Vec<Certificate<'static>> = parse_pem(&pem)
            .filter_map(|item| match item {
                Ok(PemItem::Certificate(certificate)) => Some(certificate),
                _ => None,
            })
            .collect();
        let roots = RootCerts::new_with_certs(&certificates);
        config = config.tls_config(TlsConfig::builder().root_certs(roots).build());
    }
    Ok(config.build().new_agent())
}
