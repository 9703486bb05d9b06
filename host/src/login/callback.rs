//! Waits for the browser on a loopback port (RFC 8252, section 7.3). What
//! goes in is what the answer must have in it; what comes out is the first
//! answer that has it. Everything else that connects gets a page and changes
//! nothing. The port is closed when it is dropped.

use std::future::poll_fn;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::{AbortHandle, JoinSet};

use crate::engine::bindings as wit;

use super::Error;
use super::page::Page;
use super::redirect::{Code, Expected, Judged};

/// How long one connection may take. Browsers open some that they never use.
const TIME: Duration = Duration::from_secs(10);
/// How long the head of a request may be.
const LONGEST: usize = 16 * 1024;
/// How many headers it may have.
const HEADERS: usize = 100;
/// How many connections are served at once; the next one waits.
const CONNECTIONS: usize = 64;
/// How often another port is tried, where one must be free twice.
const TRIES: usize = 16;

/// A port that a browser can come back to.
#[derive(Debug)]
pub(super) struct Callback {
    address: String,
    answers: mpsc::Receiver<Result<Code, Error>>,
    server: AbortHandle,
}

impl Callback {
    /// Listens where the issuer's `redirect` says.
    pub(super) async fn open(issuer: &wit::Issuer, expected: Arc<Expected>) -> Result<Self, Error> {
        let (sockets, port) = bound(&issuer.redirect_host, issuer.redirect_port)
            .await
            .map_err(Error::Listen)?;
        let (answer, answers) = mpsc::channel(1);
        let desk = Arc::new(Desk {
            port,
            path: issuer.redirect_path.clone(),
            expected,
            finished: AtomicBool::new(false),
            answer,
        });
        Ok(Self {
            address: format!(
                "http://{}:{port}{}",
                issuer.redirect_host, issuer.redirect_path
            ),
            answers,
            server: tokio::spawn(serve(sockets, desk)).abort_handle(),
        })
    }

    /// Where the browser is to be sent back to.
    pub(super) fn address(&self) -> &str {
        &self.address
    }

    /// Waits for the answer. It can be dropped and called again.
    pub(super) async fn answered(&mut self) -> Result<Code, Error> {
        match self.answers.recv().await {
            Some(answer) => answer,
            None => Err(Error::Listen(io::Error::other(
                "the login is already finished",
            ))),
        }
    }
}

impl Drop for Callback {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// The sockets for a host of a `redirect`, all on one port. `localhost` is
/// both addresses, because browsers differ in which they take; a machine may
/// lack one of them.
async fn bound(host: &str, port: Option<u16>) -> io::Result<(Vec<TcpListener>, u16)> {
    const V4: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
    const V6: IpAddr = IpAddr::V6(Ipv6Addr::LOCALHOST);
    match host {
        "[::1]" => together(&[V6], port).await,
        "localhost" => {
            let mut tries = TRIES;
            loop {
                match together(&[V4, V6], port).await {
                    Err(error)
                        if error.kind() == io::ErrorKind::AddrInUse
                            && port.is_none()
                            && tries > 0 =>
                    {
                        tries -= 1;
                    }
                    result => return result,
                }
            }
        }
        _ => together(&[V4], port).await,
    }
}

async fn together(ips: &[IpAddr], port: Option<u16>) -> io::Result<(Vec<TcpListener>, u16)> {
    let mut sockets = Vec::new();
    let mut chosen = port;
    let mut missing = None;
    for ip in ips {
        match TcpListener::bind((*ip, chosen.unwrap_or(0))).await {
            Ok(socket) => {
                chosen = Some(socket.local_addr()?.port());
                sockets.push(socket);
            }
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
                return Err(told(error, port));
            }
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                return Err(told(error, port));
            }
            Err(error) => missing = Some(error),
        }
    }
    match (chosen, missing) {
        (Some(port), _) if !sockets.is_empty() => Ok((sockets, port)),
        (_, Some(error)) => Err(error),
        (_, None) => Err(io::ErrorKind::AddrNotAvailable.into()),
    }
}

/// The same fault with the port that the policy asks for.
fn told(error: io::Error, port: Option<u16>) -> io::Error {
    let Some(port) = port else {
        return error;
    };
    let words = match error.kind() {
        io::ErrorKind::AddrInUse => format!(
            "port `{port}` of the policy's `redirect` is in use; end the program that has it, \
             which may be another login"
        ),
        _ => format!("port `{port}` of the policy's `redirect` is not for this user"),
    };
    io::Error::new(error.kind(), words)
}

async fn serve(sockets: Vec<TcpListener>, desk: Arc<Desk>) {
    let mut connections = JoinSet::new();
    loop {
        let accepted = poll_fn(|context| {
            sockets
                .iter()
                .find_map(|socket| match socket.poll_accept(context) {
                    Poll::Ready(accepted) => Some(accepted),
                    Poll::Pending => None,
                })
                .map_or(Poll::Pending, Poll::Ready)
        })
        .await;
        while connections.try_join_next().is_some() {}
        if connections.len() >= CONNECTIONS {
            connections.join_next().await;
        }
        match accepted {
            Ok((stream, _)) => {
                let desk = Arc::clone(&desk);
                connections.spawn(async move {
                    let _ = tokio::time::timeout(TIME, desk.serve(stream)).await;
                });
            }
            // Too many open files, or a connection that has gone already.
            Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
        }
    }
}

/// What all connections of one login share.
#[derive(Debug)]
struct Desk {
    port: u16,
    path: String,
    expected: Arc<Expected>,
    finished: AtomicBool,
    answer: mpsc::Sender<Result<Code, Error>>,
}

/// What matters of a request.
#[derive(Debug)]
struct Request {
    method: String,
    target: String,
    hosts: Vec<String>,
    ahead_of_the_user: bool,
}

impl Desk {
    async fn serve(&self, mut stream: TcpStream) -> io::Result<()> {
        let (page, answer, with_body) = match received(&mut stream).await? {
            Ok(request) => {
                let (page, answer) = self.judge(&request);
                (page, answer, request.method != "HEAD")
            }
            Err(page) => (page, None, true),
        };
        // The page goes first: when the answer is known, the program goes on,
        // and may end.
        let written = async {
            stream.write_all(&page.response(with_body)).await?;
            stream.shutdown().await
        }
        .await;
        if let Some(answer) = answer {
            // There is room for the one answer, and where nobody waits any
            // more, nobody has to know it.
            let _ = self.answer.try_send(answer);
        }
        written?;
        // What is still unread would reset the connection, and the browser
        // would show that in place of the page.
        let mut rest = [0; 4096];
        for _ in 0..16 {
            if stream.read(&mut rest).await? == 0 {
                break;
            }
        }
        Ok(())
    }

    fn judge(&self, request: &Request) -> (Page, Option<Result<Code, Error>>) {
        // A page on the web can make a browser ask here under a name of its
        // own, and read the answer.
        let [host] = request.hosts.as_slice() else {
            return (Page::Misdirected, None);
        };
        if !self.is_here(host) {
            return (Page::Misdirected, None);
        }
        if request.method != "GET" {
            return (Page::NotGet, None);
        }
        let (path, query) = request
            .target
            .split_once('?')
            .unwrap_or((&request.target, ""));
        if path != self.path {
            return (Page::NotFound, None);
        }
        if request.ahead_of_the_user {
            return (Page::Prefetched, None);
        }
        match self.expected.judge(query) {
            Judged::NotOurs => (Page::NotOurs, None),
            Judged::Ours(_) if self.finished.swap(true, Ordering::SeqCst) => (Page::Finished, None),
            Judged::Ours(answer) => {
                let page = match answer {
                    Ok(_) => Page::Answered,
                    Err(_) => Page::Failed,
                };
                (page, Some(answer))
            }
        }
    }

    fn is_here(&self, host: &str) -> bool {
        let (name, port) = match host.rsplit_once(':') {
            Some((name, port)) if !port.ends_with(']') => (name, port.parse().ok()),
            _ => (host, Some(80)),
        };
        port == Some(self.port)
            && ["127.0.0.1", "[::1]", "localhost"]
                .iter()
                .any(|it| it.eq_ignore_ascii_case(name))
    }
}

/// Reads the head of one request, or says which page answers what is none.
async fn received(stream: &mut TcpStream) -> io::Result<Result<Request, Page>> {
    let mut head = Vec::new();
    let mut chunk = [0; 4096];
    loop {
        let read = stream.read(&mut chunk).await?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        head.extend_from_slice(chunk.get(..read).unwrap_or_default());
        let mut headers = [httparse::EMPTY_HEADER; HEADERS];
        let mut request = httparse::Request::new(&mut headers);
        match request.parse(&head) {
            Ok(httparse::Status::Complete(length)) if length <= LONGEST => {
                return Ok(Ok(Request::of(&request)));
            }
            Ok(httparse::Status::Partial) if head.len() < LONGEST => {}
            Ok(_) | Err(httparse::Error::TooManyHeaders) => return Ok(Err(Page::TooLong)),
            Err(_) => return Ok(Err(Page::Garbage)),
        }
    }
}

impl Request {
    fn of(request: &httparse::Request<'_, '_>) -> Self {
        let values = |name: &str| -> Vec<String> {
            request
                .headers
                .iter()
                .filter(|header| header.name.eq_ignore_ascii_case(name))
                .map(|header| String::from_utf8_lossy(header.value).into_owned())
                .collect()
        };
        Self {
            method: request.method.unwrap_or_default().to_owned(),
            target: request.path.unwrap_or_default().to_owned(),
            hosts: values("host"),
            ahead_of_the_user: ["purpose", "sec-purpose", "x-purpose", "x-moz"]
                .iter()
                .flat_map(|name| values(name))
                .any(|value| {
                    let value = value.to_ascii_lowercase();
                    ["prefetch", "prerender", "preview"]
                        .iter()
                        .any(|word| value.contains(word))
                }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Secret;
    use crate::sources::{block_on, samples};

    const GOOD: &str = "/callback?code=s3cr3t-code&state=s3cr3t-state";

    fn expected() -> Arc<Expected> {
        Arc::new(Expected {
            state: Secret::new("s3cr3t-state"),
            issuer: "https://login.test".to_owned(),
            names_itself: false,
        })
    }

    async fn open(host: &str, port: Option<u16>) -> Result<(Callback, u16), Error> {
        let issuer = wit::Issuer {
            redirect_host: host.to_owned(),
            redirect_port: port,
            ..samples::issuer("https://login.test")
        };
        let callback = Callback::open(&issuer, expected()).await?;
        let address = url::Url::parse(callback.address()).unwrap();
        Ok((callback, address.port().unwrap()))
    }

    async fn said(port: u16, text: &[u8]) -> String {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))
            .await
            .unwrap();
        stream.write_all(text).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        let answer = String::from_utf8(answer).unwrap();
        assert!(!answer.contains("s3cr3t"), "{answer}");
        answer
    }

    /// The status that a request gets.
    async fn asked(port: u16, line: &str, headers: &str) -> u16 {
        let text = format!("{line} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n{headers}\r\n");
        status(&said(port, text.as_bytes()).await)
    }

    fn status(answer: &str) -> u16 {
        answer.split(' ').nth(1).unwrap().parse().unwrap()
    }

    /// Whether nothing has been answered yet.
    async fn still_waits(callback: &mut Callback) -> bool {
        tokio::time::timeout(Duration::from_millis(1), callback.answered())
            .await
            .is_err()
    }

    #[test]
    fn the_first_good_answer_counts_and_a_second_is_told_so() {
        block_on(async {
            let (mut callback, port) = open("127.0.0.1", None).await.unwrap();
            assert_eq!(
                callback.address(),
                format!("http://127.0.0.1:{port}/callback")
            );
            assert!(still_waits(&mut callback).await);
            assert_eq!(asked(port, &format!("GET {GOOD}"), "").await, 200);
            assert_eq!(asked(port, &format!("GET {GOOD}"), "").await, 409);
            let code = callback.answered().await.unwrap();
            assert_eq!(crate::handout::to_send(&code.0), "s3cr3t-code");
            assert!(still_waits(&mut callback).await);
            assert_eq!(asked(port, &format!("GET {GOOD}"), "").await, 409);
        });
    }

    #[test]
    fn what_is_not_the_answer_changes_nothing() {
        block_on(async {
            let (mut callback, port) = open("127.0.0.1", None).await.unwrap();
            for (line, headers, expected) in [
                (format!("HEAD {GOOD}"), "", 405),
                (format!("POST {GOOD}"), "Content-Length: 0\r\n", 405),
                (format!("OPTIONS {GOOD}"), "", 405),
                (format!("GET {GOOD}"), "Purpose: prefetch\r\n", 503),
                (
                    format!("GET {GOOD}"),
                    "Sec-Purpose: prefetch;prerender\r\n",
                    503,
                ),
                (format!("GET {GOOD}"), "X-Moz: prefetch\r\n", 503),
                (format!("GET {GOOD}"), "Host: 127.0.0.1\r\n", 421),
                ("GET /favicon.ico".to_owned(), "", 404),
                (format!("GET /{GOOD}"), "", 404),
                (format!("GET {}", GOOD.replace('?', "/?")), "", 404),
                (format!("GET http://127.0.0.1{GOOD}"), "", 404),
                ("GET /callback".to_owned(), "", 400),
                ("GET /callback?code=s3cr3t".to_owned(), "", 400),
                (format!("GET {GOOD}x"), "", 400),
                (format!("GET {GOOD}&state=s3cr3t-state"), "", 400),
                (
                    "GET /callback?error=access_denied&state=x".to_owned(),
                    "",
                    400,
                ),
            ] {
                assert_eq!(
                    asked(port, &line, headers).await,
                    expected,
                    "{line} {headers}"
                );
            }
            assert!(still_waits(&mut callback).await);
            assert_eq!(asked(port, &format!("GET {GOOD}"), "").await, 200);
            assert!(callback.answered().await.is_ok());
        });
    }

    #[test]
    fn a_name_of_the_web_that_leads_here_gets_nothing() {
        block_on(async {
            let (mut callback, port) = open("127.0.0.1", None).await.unwrap();
            for host in [
                "evil.test".to_owned(),
                format!("evil.test:{port}"),
                format!("127.0.0.1.evil.test:{port}"),
                format!("127.0.0.2:{port}"),
                "127.0.0.1".to_owned(),
                "127.0.0.1:1".to_owned(),
                String::new(),
            ] {
                let text = format!("GET {GOOD} HTTP/1.1\r\nHost: {host}\r\n\r\n");
                assert_eq!(status(&said(port, text.as_bytes()).await), 421, "{host}");
            }
            let text = format!("GET {GOOD} HTTP/1.0\r\n\r\n");
            assert_eq!(status(&said(port, text.as_bytes()).await), 421);
            assert!(still_waits(&mut callback).await);
            for host in ["LOCALHOST", "[::1]"] {
                let text = format!("GET /x HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n");
                assert_eq!(status(&said(port, text.as_bytes()).await), 404, "{host}");
            }
        });
    }

    #[test]
    fn what_is_too_long_or_no_http_is_not_waited_for() {
        block_on(async {
            let (mut callback, port) = open("127.0.0.1", None).await.unwrap();
            let long = format!("GET /callback?{} HTTP/1.1\r\n\r\n", "s".repeat(LONGEST));
            let many = format!("GET / HTTP/1.1\r\n{}\r\n", "A: b\r\n".repeat(HEADERS + 1));
            for (text, expected) in [
                (long.as_bytes(), 431),
                (many.as_bytes(), 431),
                (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
                (b"s3cr3t\0\r\n\r\n", 400),
            ] {
                assert_eq!(status(&said(port, text).await), expected);
            }
            // A browser that has gone again, and one that never says anything.
            drop(
                TcpStream::connect((Ipv4Addr::LOCALHOST, port))
                    .await
                    .unwrap(),
            );
            let _silent = TcpStream::connect((Ipv4Addr::LOCALHOST, port))
                .await
                .unwrap();
            assert!(still_waits(&mut callback).await);
            assert_eq!(asked(port, &format!("GET {GOOD}"), "").await, 200);
        });
    }

    #[test]
    fn an_answer_in_pieces_is_one_answer() {
        block_on(async {
            let (mut callback, port) = open("127.0.0.1", None).await.unwrap();
            let text = format!("GET {GOOD} HTTP/1.1\r\nHost: localhost:{port}\r\n\r\n");
            let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))
                .await
                .unwrap();
            stream.set_nodelay(true).unwrap();
            for piece in text.as_bytes().chunks(7) {
                stream.write_all(piece).await.unwrap();
                tokio::task::yield_now().await;
            }
            assert!(callback.answered().await.is_ok());
        });
    }

    #[test]
    fn an_issuer_that_says_no_ends_the_login() {
        block_on(async {
            let (mut callback, port) = open("127.0.0.1", None).await.unwrap();
            let no = "GET /callback?error=access_denied&state=s3cr3t-state";
            assert_eq!(asked(port, no, "").await, 400);
            let error = callback.answered().await.unwrap_err();
            assert!(matches!(error, Error::Refused { code, .. } if code == "access_denied"));
        });
    }

    #[test]
    fn the_port_is_closed_afterwards() {
        block_on(async {
            let (callback, port) = open("127.0.0.1", None).await.unwrap();
            drop(callback);
            tokio::task::yield_now().await;
            let late = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await;
            assert_eq!(late.unwrap_err().kind(), io::ErrorKind::ConnectionRefused);
        });
    }

    #[test]
    fn a_port_that_is_in_use_is_named() {
        block_on(async {
            let (_callback, port) = open("127.0.0.1", None).await.unwrap();
            for host in ["127.0.0.1", "localhost"] {
                let error = open(host, Some(port)).await.unwrap_err();
                assert_eq!(
                    error.to_string(),
                    format!(
                        "nothing can listen for the browser: port `{port}` of the policy's \
                         `redirect` is in use; end the program that has it, which may be another \
                         login"
                    )
                );
            }
        });
    }

    #[test]
    fn localhost_is_both_addresses() {
        block_on(async {
            let (mut callback, port) = open("localhost", None).await.unwrap();
            assert_eq!(
                callback.address(),
                format!("http://localhost:{port}/callback")
            );
            assert_eq!(asked(port, "GET /", "").await, 404);
            // A machine can lack IPv6.
            if TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).await.is_ok() {
                let text = format!("GET {GOOD} HTTP/1.1\r\nHost: localhost:{port}\r\n\r\n");
                let mut stream = TcpStream::connect((Ipv6Addr::LOCALHOST, port))
                    .await
                    .unwrap();
                stream.write_all(text.as_bytes()).await.unwrap();
                assert!(callback.answered().await.is_ok());
                let (callback, port) = open("[::1]", None).await.unwrap();
                assert_eq!(callback.address(), format!("http://[::1]:{port}/callback"));
                assert!(
                    TcpStream::connect((Ipv4Addr::LOCALHOST, port))
                        .await
                        .is_err()
                );
            }
        });
    }
}
