//! A server on loopback that answers whom it knows. What goes in are the
//! answers to paths; what comes out is what was asked with which
//! `Authorization`.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// What was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Asked {
    /// Such as `GET`.
    pub method: String,
    /// The path, with what follows it.
    pub path: String,
    /// Host and port, as they were asked for.
    pub host: String,
    /// The header, where there was one.
    pub authorization: Option<String>,
    /// What came with it.
    pub body: Vec<u8>,
}

/// A server that runs until the process ends.
#[derive(Debug)]
pub(crate) struct Server {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<Asked>>>,
}

/// A status, a type and a body.
pub(crate) type Answer = (u16, &'static str, Vec<u8>);

impl Server {
    /// It gives what `answer` says to who comes with this `Authorization`,
    /// and 401 with this challenge to everybody else.
    pub(crate) fn start(
        authorization: &str,
        challenge: &'static str,
        answer: impl Fn(&Asked) -> Answer + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let asked = Arc::<Mutex<Vec<Asked>>>::default();
        let (log, answer) = (Arc::clone(&asked), Arc::new(answer));
        let expected = authorization.to_owned();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (log, answer) = (Arc::clone(&log), Arc::clone(&answer));
                let expected = expected.clone();
                thread::spawn(move || {
                    let stream = stream.unwrap();
                    let Some(asked) = read(&stream) else {
                        return;
                    };
                    log.lock().unwrap().push(asked.clone());
                    let known = asked.authorization.as_ref() == Some(&expected);
                    let (status, kind, body) = match known {
                        true => answer(&asked),
                        false => (401, "text/plain", b"who are you?\n".to_vec()),
                    };
                    let head = format!(
                        "HTTP/1.1 {status} -\r\nWWW-Authenticate: {challenge}\r\n\
                         Content-Type: {kind}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                        body.len()
                    );
                    let _ = (&stream).write_all(head.as_bytes());
                    let _ = (&stream).write_all(&body);
                });
            }
        });
        Self { address, asked }
    }

    /// Such as `http://127.0.0.1:34567`.
    pub(crate) fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What was asked so far.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    /// The `Authorization` that came last.
    pub(crate) fn last(&self) -> Option<String> {
        self.asked().last()?.authorization.clone()
    }
}

fn read(stream: &TcpStream) -> Option<Asked> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let mut words = line.split_whitespace();
    let (method, path) = (words.next()?.to_owned(), words.next()?.to_owned());
    let (mut host, mut authorization, mut length) = (String::new(), None, 0);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(':') else {
            break;
        };
        match name.to_ascii_lowercase().as_str() {
            "host" => host = value.trim().to_owned(),
            "authorization" => authorization = Some(value.trim().to_owned()),
            "content-length" => length = value.trim().parse().ok()?,
            _ => {}
        }
    }
    let mut body = Vec::new();
    reader.take(length).read_to_end(&mut body).ok()?;
    Some(Asked {
        method,
        path,
        host,
        authorization,
        body,
    })
}
