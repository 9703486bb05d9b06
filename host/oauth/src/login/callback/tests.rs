use super::*;
use keyrule_contract::samples;
use keyrule_credential::secret::Secret;
use keyrule_system::runtime::block_on;

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
        assert_eq!(keyrule_credential::handout::to_send(&code.0), "s3cr3t-code");
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
fn any_number_of_silent_connections_leaves_room_for_the_answer() {
    block_on(async {
        let (mut callback, port) = open("127.0.0.1", None).await.unwrap();
        let mut silent = Vec::new();
        for _ in 0..3 * CONNECTIONS {
            silent.push(
                TcpStream::connect((Ipv4Addr::LOCALHOST, port))
                    .await
                    .unwrap(),
            );
        }
        assert_eq!(asked(port, &format!("GET {GOOD}"), "").await, 200);
        assert!(callback.answered().await.is_ok());
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
            // Somebody else may have that port of the other address, so only
            // this one is asked.
            let stream = TcpStream::connect((Ipv6Addr::LOCALHOST, port)).await;
            assert!(stream.is_ok());
        }
    });
}
