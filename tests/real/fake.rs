//! Fake issuers of tokens: servers on loopback that say what a test wants
//! them to, as no real cloud would, and keep what they were asked. What goes
//! in is a function from requests to answers; they listen until the process
//! ends.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// A fake issuer.
#[derive(Debug)]
pub(crate) struct Fake {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<Asked>>>,
}

/// A request.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    /// Path and query.
    pub path: String,
    /// The first line and the headers, in small letters.
    pub head: String,
    /// The body.
    pub body: String,
}

/// What a fake says.
#[derive(Debug, Clone)]
pub(crate) enum Say {
    /// A status, more headers, and a body.
    Answer(u16, &'static str, String),
    /// Nothing, for a minute.
    Hang,
}

/// An answer with JSON in it.
pub(crate) fn json(status: u16, body: &str) -> Say {
    Say::Answer(
        status,
        "Content-Type: application/json\r\n",
        body.to_owned(),
    )
}

impl Fake {
    /// One that answers by this function.
    pub(crate) fn start(answer: impl Fn(&Asked) -> Say + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (seen, answer) = (Arc::clone(&asked), Arc::new(answer));
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (seen, answer) = (Arc::clone(&seen), Arc::clone(&answer));
                thread::spawn(move || {
                    let mut stream = stream.unwrap();
                    let Some(request) = read(&mut stream) else {
                        return;
                    };
                    seen.lock().unwrap().push(request.clone());
                    say(&mut stream, answer(&request));
                });
            }
        });
        Self { address, asked }
    }

    /// Scheme, host and port.
    pub(crate) fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Host and port.
    pub(crate) fn host(&self) -> String {
        self.address.to_string()
    }

    /// All requests so far, but those of a path that begins otherwise.
    pub(crate) fn asked(&self, path: &str) -> Vec<Asked> {
        let asked = self.asked.lock().unwrap();
        let wanted = asked.iter().filter(|asked| asked.path.starts_with(path));
        wanted.cloned().collect()
    }
}

fn say(stream: &mut TcpStream, said: Say) {
    // Who asked may have had enough.
    match said {
        Say::Hang => thread::sleep(Duration::from_secs(60)),
        Say::Answer(status, headers, body) => {
            let _ = write!(
                stream,
                "HTTP/1.1 {status} Status\r\nContent-Length: {}\r\nConnection: close\r\n{headers}\r\n",
                body.len()
            );
            let _ = stream.write_all(body.as_bytes());
        }
    }
}

fn read(stream: &mut TcpStream) -> Option<Asked> {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let small = head.to_ascii_lowercase();
            let length = small.split("content-length: ").nth(1);
            let length = length.and_then(|rest| rest.lines().next()?.parse().ok());
            if body.len() >= length.unwrap_or(0) {
                return Some(Asked {
                    path: head.split(' ').nth(1)?.to_owned(),
                    head: small,
                    body: body.to_owned(),
                });
            }
        }
        match stream.read(&mut buffer) {
            Ok(0) | Err(_) => return None,
            Ok(count) => bytes.extend_from_slice(&buffer[..count]),
        }
    }
}

/// A fake metadata server for a network of its own: it says these answers, by
/// the beginning of the path.
pub(crate) fn metadata(answers: &serde_json::Value) -> String {
    format!(
        "const answers = {answers};\n\
         require('http').createServer((request, response) => {{\n\
           const found = answers.find(([path, header]) =>\n\
             request.url.startsWith(path) && (!header || request.headers[header]));\n\
           const [, , status, headers, body] = found ?? ['', '', 404, {{}}, ''];\n\
           response.writeHead(status, headers).end(body);\n\
         }}).listen(80, '169.254.169.254');\n"
    )
}
