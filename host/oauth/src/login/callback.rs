//! Waits for the browser on a loopback port (RFC 8252, section 7.3). What
//! goes in is what the answer must have in it; what comes out is the first
//! answer that has it. Everything else that connects gets a page and changes
//! nothing. The port is closed when it is dropped.

use std::collections::VecDeque;
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

use keyrule_contract as wit;

use super::Error;
use super::page::Page;
use super::redirect::{Code, Expected, Judged};

/// How long one connection may take. Browsers open some that they never use.
const TIME: Duration = Duration::from_secs(10);
/// How long the head of a request may be.
const LONGEST: usize = 16 * 1024;
/// How many headers it may have.
const HEADERS: usize = 100;
/// How many connections are served at once; the next one ends the oldest.
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
    let mut oldest_first: VecDeque<AbortHandle> = VecDeque::new();
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
        oldest_first.retain(|connection| !connection.is_finished());
        if oldest_first.len() >= CONNECTIONS
            && let Some(oldest) = oldest_first.pop_front()
        {
            oldest.abort();
        }
        match accepted {
            Ok((stream, _)) => {
                let desk = Arc::clone(&desk);
                oldest_first.push_back(connections.spawn(async move {
                    let _ = tokio::time::timeout(TIME, desk.serve(stream)).await;
                }));
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
mod tests;
