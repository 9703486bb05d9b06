//! Servers with TLS, and a proxy that opens it, as large networks have them.
//! What goes in are certificates, which are made here and now; what comes out
//! is what was asked. All of it listens on loopback until the process ends.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::server::WebPkiClientVerifier;
use rustls::{
    ClientConfig, ClientConnection, RootCertStore, ServerConfig, ServerConnection, StreamOwned,
};

/// A certificate authority.
#[derive(Debug)]
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: rcgen::Certificate,
}

/// A certificate with its key.
#[derive(Debug)]
pub(crate) struct Identity {
    certificate: rcgen::Certificate,
    key: KeyPair,
}

impl Authority {
    /// One of this name that nobody believes yet.
    pub(crate) fn new(name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        let issuer = Issuer::new(params, key);
        Self {
            issuer,
            certificate,
        }
    }

    /// Its certificate, which is no secret.
    pub(crate) fn pem(&self) -> String {
        self.certificate.pem()
    }

    /// A certificate for this name.
    pub(crate) fn identity(&self, name: &str) -> Identity {
        self.until(name, 2100)
    }

    /// A certificate for this name that ends with the year before.
    pub(crate) fn until(&self, name: &str, year: i32) -> Identity {
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(year, 1, 1);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        Identity { certificate, key }
    }

    fn roots(&self) -> RootCertStore {
        let mut roots = RootCertStore::empty();
        roots.add(self.certificate.der().clone()).unwrap();
        roots
    }
}

impl Identity {
    /// The certificate, in PEM.
    pub(crate) fn certificate(&self) -> String {
        self.certificate.pem()
    }

    /// The private key, in PEM.
    pub(crate) fn key(&self) -> String {
        self.key.serialize_pem()
    }

    fn chain(&self) -> Vec<CertificateDer<'static>> {
        vec![self.certificate.der().clone()]
    }

    fn private_key(&self) -> PrivateKeyDer<'static> {
        PrivateKeyDer::try_from(self.key.serialize_der()).unwrap()
    }
}

/// A server with TLS before one without.
#[derive(Debug)]
pub(crate) struct Server {
    address: SocketAddr,
    connections: Arc<Mutex<usize>>,
}

impl Server {
    /// It gives what it is asked to the server at `behind`, and wants a
    /// certificate of that authority from who asks.
    pub(crate) fn start(identity: &Identity, clients: Option<&Authority>, behind: &str) -> Self {
        let config = ServerConfig::builder_with_provider(cryptography())
            .with_safe_default_protocol_versions()
            .unwrap();
        let config = match clients {
            None => config.with_no_client_auth(),
            Some(authority) => {
                let roots = Arc::new(authority.roots());
                let verifier = WebPkiClientVerifier::builder_with_provider(roots, cryptography());
                config.with_client_cert_verifier(verifier.build().unwrap())
            }
        };
        let config = config
            .with_single_cert(identity.chain(), identity.private_key())
            .unwrap();
        let config = Arc::new(config);
        let behind: SocketAddr = behind.trim_start_matches("http://").parse().unwrap();
        let connections = Arc::new(Mutex::new(0));
        let counted = Arc::clone(&connections);
        // Not 127.0.0.1, so that whoever looks the name up in the hosts file
        // of a test comes here and to nobody else.
        let address = listen("127.0.0.2:0", move |stream| {
            *counted.lock().unwrap() += 1;
            let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
            let mut asked = StreamOwned::new(connection, stream);
            let Some(request) = read_request(&mut asked) else {
                linger(&asked.sock);
                return;
            };
            let answer = ask(&mut TcpStream::connect(behind).unwrap(), &request);
            finish(&mut asked, &answer);
        });
        Self {
            address,
            connections,
        }
    }

    /// The port it listens on, at 127.0.0.2.
    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }

    /// How many connections it had.
    pub(crate) fn connections(&self) -> usize {
        *self.connections.lock().unwrap()
    }
}

/// A proxy, which knows one machine: 127.0.0.2, whatever its name is.
#[derive(Debug)]
pub(crate) struct Proxy {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Proxy {
    /// One that opens TLS: it shows a certificate of its own authority for
    /// every name, reads along, and asks the server in TLS again, whose
    /// authority is `theirs`.
    pub(crate) fn opening(own: &Authority, theirs: &Authority) -> Self {
        let name = "login.test";
        let identity = own.identity(name);
        let config = ServerConfig::builder_with_provider(cryptography())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(identity.chain(), identity.private_key())
            .unwrap();
        let config = Arc::new(config);
        let onwards = ClientConfig::builder_with_provider(cryptography())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(theirs.roots())
            .with_no_client_auth();
        let onwards = Arc::new(onwards);
        Self::start(move |port, mut stream| {
            stream
                .write_all(b"HTTP/1.1 200 Connection established\r\n\r\n")
                .unwrap();
            let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
            let mut asked = StreamOwned::new(connection, stream);
            let Some(request) = read_request(&mut asked) else {
                return;
            };
            let name = ServerName::try_from(name).unwrap();
            let connection = ClientConnection::new(Arc::clone(&onwards), name).unwrap();
            let server = TcpStream::connect(("127.0.0.2", port)).unwrap();
            let answer = ask(&mut StreamOwned::new(connection, server), &request);
            finish(&mut asked, &answer);
        })
    }

    /// One that says this to everybody.
    pub(crate) fn saying(answer: &'static str) -> Self {
        Self::start(move |_, mut stream| {
            let _ = stream.write_all(answer.as_bytes());
        })
    }

    fn start(serve: impl Fn(u16, TcpStream) + Send + Sync + 'static) -> Self {
        let asked = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&asked);
        let address = listen("127.0.0.1:0", move |mut stream| {
            let Some(head) = read_request(&mut stream) else {
                return;
            };
            let head = String::from_utf8(head).unwrap();
            let line = head.lines().next().unwrap_or_default();
            let port = line.split([':', ' ']).nth(2).unwrap_or_default();
            let port = port.parse().unwrap_or(0);
            seen.lock().unwrap().push(head);
            serve(port, stream);
        });
        Self { address, asked }
    }

    /// Host and port.
    pub(crate) fn address(&self) -> String {
        self.address.to_string()
    }

    /// What it was asked, before TLS.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

fn cryptography() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

fn listen(at: &str, serve: impl Fn(TcpStream) + Send + Sync + 'static) -> SocketAddr {
    let listener = TcpListener::bind(at).unwrap();
    let address = listener.local_addr().unwrap();
    let serve = Arc::new(serve);
    thread::spawn(move || {
        for stream in listener.incoming() {
            let serve = Arc::clone(&serve);
            thread::spawn(move || serve(stream.unwrap()));
        }
    });
    address
}

/// A request with its body, or none where the other side goes away first.
fn read_request(stream: &mut impl Read) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let text = String::from_utf8_lossy(&bytes);
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.to_ascii_lowercase();
            let length = length
                .split("content-length: ")
                .nth(1)
                .and_then(|rest| rest.lines().next()?.parse().ok())
                .unwrap_or(0);
            if body.len() >= length {
                return Some(bytes);
            }
        }
        match stream.read(&mut buffer) {
            Ok(0) | Err(_) => return None,
            Ok(count) => bytes.extend_from_slice(&buffer[..count]),
        }
    }
}

/// Sends a request, and reads until the other side closes the connection,
/// which it is asked to do.
fn ask(stream: &mut (impl Read + Write), request: &[u8]) -> Vec<u8> {
    let end = request.iter().position(|byte| *byte == b'\n').unwrap() + 1;
    stream.write_all(&request[..end]).unwrap();
    stream.write_all(b"Connection: close\r\n").unwrap();
    stream.write_all(&request[end..]).unwrap();
    stream.flush().unwrap();
    let mut answer = Vec::new();
    // An end without a goodbye is an end.
    let _ = stream.read_to_end(&mut answer);
    answer
}

/// Lets the other side read why it was refused: to close a connection with
/// something unread resets it.
fn linger(mut stream: &TcpStream) {
    let _ = stream.shutdown(Shutdown::Write);
    let _ = stream.set_read_timeout(Some(Duration::from_secs(5)));
    let _ = std::io::copy(&mut stream, &mut std::io::sink());
}

fn finish(stream: &mut StreamOwned<ServerConnection, TcpStream>, answer: &[u8]) {
    let _ = stream.write_all(answer);
    stream.conn.send_close_notify();
    let _ = stream.flush();
}
