//! What the client does with servers that do not do what they should. The
//! servers are fakes on loopback; TLS and proxies are in `tests/real`.

use std::io::Write;
use std::thread;
use std::time::Duration;

use oauth2::http::{Method, Request};
use oauth2::{HttpRequest, HttpResponse};

use super::fake::{Fake, answer, json};
use super::{Error, Http, Reach};
use keyrule_system::environment::Ambient;
use keyrule_system::runtime::block_on;

fn http() -> Http {
    Http::of(&Ambient::empty()).unwrap()
}

fn get(url: &str) -> HttpRequest {
    Request::builder().uri(url).body(Vec::new()).unwrap()
}

fn post(url: &str) -> HttpRequest {
    Request::builder()
        .method(Method::POST)
        .uri(url)
        .body(b"refresh_token=s3cr3t-refresh".to_vec())
        .unwrap()
}

fn send(request: HttpRequest) -> Result<HttpResponse, Error> {
    block_on(http().send(request))
}

#[test]
fn an_answer_that_is_not_taken_is_no_silence() {
    let away = answer("302 Found", "Location: /s3cr3t\r\n", "");
    let much = "HTTP/1.1 200 OK\r\nContent-Length: 10485760\r\n\r\n".to_owned();
    let garbage = "s3cr3t garbage\r\n\r\n".to_owned();
    for said in [away, much, garbage] {
        let fake = Fake::saying(said);
        let error = send(post(&fake.origin())).unwrap_err();
        assert!(matches!(error, Error::NotTaken { .. }), "{error}");
    }
    let fake = Fake::saying("");
    let error = send(post(&fake.origin())).unwrap_err();
    assert!(matches!(error, Error::Unreachable { .. }), "{error}");
}

/// What is said of a request that fails, without the origin.
fn why(request: HttpRequest, origin: &str) -> String {
    let said = send(request).unwrap_err().to_string();
    said.replace(&format!("`{origin}` "), "")
}

#[test]
fn an_answer_arrives_whole() {
    let fake = Fake::saying(answer("400 Bad Request", "Date: today\r\n", "{}"));
    let response = send(post(&format!("{}/token", fake.origin()))).unwrap();
    let date = response.headers()["date"].to_str().unwrap();
    assert_eq!(
        (response.status().as_u16(), date, response.body().as_slice()),
        (400, "today", b"{}".as_slice())
    );
    let request = &fake.requests()[0];
    assert!(request.starts_with("POST /token HTTP/1.1\r\n"), "{request}");
    assert!(request.contains("user-agent: keyrule/"), "{request}");
    assert!(!request.contains("accept-encoding"), "{request}");
    assert!(
        request.ends_with("refresh_token=s3cr3t-refresh"),
        "{request}"
    );
}

#[test]
fn plain_http_is_for_this_machine_alone() {
    for url in [
        "http://192.0.2.1/token",
        "http://localhost.example/",
        "http://user@127.0.0.1/",
    ] {
        let error = send(get(url)).unwrap_err();
        assert!(matches!(error, Error::Insecure { .. }), "{url}: {error}");
    }
}

#[test]
fn localhost_is_this_machine() {
    let fake = Fake::saying(json("{}"));
    let url = fake.origin().replace("127.0.0.1", "localhost");
    assert_eq!(send(get(&url)).unwrap().status(), 200);
}

#[test]
fn metadata_may_have_moved_within_its_origin() {
    let fake = Fake::with(|request, stream| {
        let text = match request.starts_with("GET /new") {
            true => json("{}"),
            false => answer("308 Permanent Redirect", "Location: /new?a=b\r\n", ""),
        };
        stream.write_all(text.as_bytes()).unwrap();
    });
    assert_eq!(
        send(get(&format!("{}/old", fake.origin())))
            .unwrap()
            .status(),
        200
    );
    assert_eq!(fake.requests().len(), 2);
}

#[test]
fn redirects_end() {
    let fake = Fake::saying(answer("302 Found", "Location: /again\r\n", ""));
    assert_eq!(
        why(get(&fake.origin()), &fake.origin()),
        "redirects more than 3 times"
    );
    assert_eq!(fake.requests().len(), 4);
}

#[test]
fn no_other_origin_is_followed() {
    let other = Fake::saying(json("{}"));
    let other_origin = other.origin();
    let location = format!("Location: {other_origin}/s3cr3t?s3cr3t\r\n");
    let fake = Fake::saying(answer("302 Found", &location, ""));
    assert_eq!(
        why(get(&fake.origin()), &fake.origin()),
        format!("redirects to `{other_origin}`, and only the same origin is followed")
    );
    assert_eq!(other.requests(), [""; 0]);
}

#[test]
fn what_carries_a_credential_is_not_redirected() {
    let fake = Fake::saying(answer("307 Temporary Redirect", "Location: /new\r\n", ""));
    let mut with_token = get(&fake.origin());
    let token = "Bearer s3cr3t".parse().unwrap();
    with_token.headers_mut().insert("authorization", token);
    for request in [post(&fake.origin()), with_token] {
        assert_eq!(
            why(request, &fake.origin()),
            "redirects a request that carries a credential, which is not followed"
        );
    }
    assert_eq!(fake.requests().len(), 2);
}

#[test]
fn an_announced_flood_is_not_read() {
    let head = "HTTP/1.1 200 OK\r\nContent-Length: 10485760\r\n\r\n";
    let fake = Fake::saying(head);
    assert_eq!(
        why(get(&fake.origin()), &fake.origin()),
        "answers with more than 1 MiB"
    );
}

#[test]
fn an_unannounced_flood_ends_early() {
    let fake = Fake::with(|_, stream| {
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").unwrap();
        // Ends by an error when the other side has gone.
        while stream.write_all(&[b'x'; 65536]).is_ok() {}
    });
    assert_eq!(
        why(get(&fake.origin()), &fake.origin()),
        "answers with more than 1 MiB"
    );
}

#[test]
fn a_megabyte_is_not_too_much() {
    let body = "x".repeat(1024 * 1024);
    let fake = Fake::saying(format!("HTTP/1.1 200 OK\r\n\r\n{body}"));
    assert_eq!(send(get(&fake.origin())).unwrap().body().len(), 1024 * 1024);
}

#[test]
fn endless_headers_end() {
    let fake = Fake::with(|_, stream| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nA: ");
        while stream.write_all(&[b'x'; 65536]).is_ok() {}
    });
    assert_eq!(
        why(get(&fake.origin()), &fake.origin()),
        "answers with what is not HTTP, or with too many headers"
    );
}

#[test]
fn garbage_is_not_http() {
    let fake = Fake::saying("s3cr3t garbage\r\n\r\n");
    assert_eq!(
        why(get(&fake.origin()), &fake.origin()),
        "answers with what is not HTTP, or with too many headers"
    );
}

#[test]
fn a_broken_connection_is_tried_once_more_by_get_alone() {
    let fake = Fake::saying("");
    let closes = "closes the connection before it answers";
    assert_eq!(why(get(&fake.origin()), &fake.origin()), closes);
    assert_eq!(fake.requests().len(), 2);
    assert_eq!(why(post(&fake.origin()), &fake.origin()), closes);
    assert_eq!(fake.requests().len(), 3);
}

#[test]
fn half_an_answer_is_none() {
    let fake = Fake::saying("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
    assert_eq!(
        why(post(&fake.origin()), &fake.origin()),
        "closes the connection in the middle of its answer, or garbles it"
    );
}

#[test]
fn nobody_listens() {
    // Bound and dropped: the port is free.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let origin = format!("http://{}", port.local_addr().unwrap());
    drop(port);
    assert_eq!(
        why(post(&origin), &origin),
        "refuses the connection: nobody listens there"
    );
}

#[test]
fn what_speaks_no_tls_is_told() {
    let fake = Fake::saying("HTTP/1.1 400 Bad Request\r\n\r\n");
    let origin = fake.origin().replace("http:", "https:");
    assert_eq!(
        why(post(&origin), &origin),
        "does not speak TLS on this port"
    );
}

#[test]
fn silence_has_an_end() {
    let fake = Fake::with(|_, stream| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\nslow");
        thread::sleep(Duration::from_secs(20));
    });
    let ambient = Ambient::empty().with_variable("KEYRULE_HTTP_TIMEOUT", "1");
    let http = Http::of(&ambient).unwrap();
    assert_eq!(
        block_on(http.send(post(&fake.origin())))
            .unwrap_err()
            .to_string(),
        format!("`{}` has not answered within 1 s", fake.origin())
    );
}

#[test]
fn a_variable_that_is_wrong_is_named_without_its_value() {
    let cases = [
        (
            "KEYRULE_HTTP_TIMEOUT",
            "0",
            "`KEYRULE_HTTP_TIMEOUT` is not a whole number of seconds from 1 to 3600",
        ),
        (
            "KEYRULE_CA_FILE",
            "/no/such",
            "`/no/such`, which `KEYRULE_CA_FILE` names, is not there",
        ),
        (
            "KEYRULE_CLIENT_CERTIFICATE",
            "/",
            "`/`, which `KEYRULE_CLIENT_CERTIFICATE` names, is a folder",
        ),
        (
            "KEYRULE_CLIENT_KEY",
            "/x",
            "`KEYRULE_CLIENT_KEY` is set without `KEYRULE_CLIENT_CERTIFICATE`: set both, or neither",
        ),
        (
            "ALL_PROXY",
            "socks5://user:s3cr3t@127.0.0.1:1",
            "`ALL_PROXY` names a proxy of a kind that is not supported: give an `http://` or `https://` one in `HTTPS_PROXY`",
        ),
        (
            "https_proxy",
            "http://user:s3cr3t@:1",
            "`https_proxy` is not the URL of a proxy, such as `http://proxy.example:3128`",
        ),
    ];
    for (name, value, said) in cases {
        let ambient = Ambient::empty().with_variable(name, value);
        assert_eq!(Http::of(&ambient).unwrap_err().to_string(), said);
    }
}

#[test]
fn debug_prints_no_password_of_a_proxy() {
    let ambient = Ambient::empty().with_variable("HTTPS_PROXY", "http://user:s3cr3t@proxy.example");
    let printed = format!("{:?}", Http::of(&ambient).unwrap());
    assert!(!printed.contains("s3cr3t"), "{printed}");
}

#[test]
fn metadata_is_asked_without_tls_and_by_its_own_client_alone() {
    let metadata = |url: &str| {
        let http = Http::for_metadata(&Ambient::empty(), Duration::from_millis(50)).unwrap();
        block_on(http.send(get(url)))
    };
    let fake = Fake::saying(answer("200 OK", "", "{}"));
    assert!(metadata(&fake.origin()).is_ok());
    for url in [
        "http://169.254.169.254:8080/",
        "http://169.254.169.253/",
        "http://metadata.google.internal.example/",
        "https://sts.amazonaws.com/",
    ] {
        let error = metadata(url).unwrap_err();
        assert!(matches!(error, Error::Insecure { .. }), "{error}");
    }
    let service = url::Url::parse("http://169.254.169.254/latest").unwrap();
    assert!(Reach::Metadata.includes(&service));
    let error = send(get(service.as_str())).unwrap_err();
    assert!(matches!(error, Error::Insecure { .. }), "{error}");
}

#[test]
fn metadata_that_accepts_and_never_answers_is_not_waited_for() {
    let fake = Fake::with(|_, _| thread::sleep(Duration::from_secs(60)));
    let world = Ambient::empty().with_variable("HTTPS_PROXY", "http://127.0.0.1:1");
    let http = Http::for_metadata(&world, Duration::from_millis(50)).unwrap();
    let error = block_on(http.send(get(&fake.origin()))).unwrap_err();
    assert!(matches!(error, Error::Unreachable { .. }), "{error}");
}
