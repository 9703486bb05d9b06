//! The way to an issuer over a network as it is in large companies: a proxy
//! that opens TLS, authorities and client certificates of one's own. What
//! goes in is a login that is due, at the real provider; what comes out is
//! whether it was renewed, over which way.

use std::process::Command;

use crate::machine::{CANARY, Ended, Machine, Run, skip};
use crate::provider::{Provider, STORE};
use crate::tls::{Authority, Proxy, Server};

crate::tests![
    a_login_is_renewed_through_a_proxy_that_opens_tls,
    a_certificate_of_an_unknown_authority_ends_it,
    authorities_of_the_system_are_believed,
    what_no_proxy_names_goes_past_the_proxy,
    a_proxy_that_refuses_is_named_without_its_password,
    a_proxy_may_have_tls_of_its_own,
    names_are_those_of_the_system_but_for_this_machine_itself,
    a_certificate_is_for_its_name_and_its_time,
    a_client_certificate_is_shown_to_who_wants_one,
    what_needs_no_network_opens_no_socket,
];

/// A user with a login that has to be renewed, at an issuer whose token
/// endpoint is behind TLS.
struct Network {
    provider: Provider,
    machine: Machine,
    server: Server,
}

impl Network {
    fn with(server: impl FnOnce(&str) -> Server) -> Self {
        let provider = Provider::start();
        let machine = Machine::new();
        let server = server(provider.issuer());
        let token = format!(
            "endpoints = {{ token = \"https://login.test:{}/token\" }}",
            server.port()
        );
        let policy = provider.policy(&token, "");
        machine.users("home/.config/keyrule/test-login.toml", policy);
        machine.managed("etc/hosts", "127.0.0.2 login.test\n");
        let network = Self {
            provider,
            machine,
            server,
        };
        let origin = format!("https://login.test:{}", network.server.port());
        network.due(&origin);
        network
    }

    /// Puts a login into the store that has to be renewed at this origin.
    fn due(&self, origin: &str) {
        let name = format!("{} @ {origin}", self.provider.kept_as("work"));
        self.provider.insert_as(&name, &self.machine, "alice", -1);
    }

    /// Behind a server whose authority is this one.
    fn of(authority: &Authority) -> Self {
        let identity = authority.identity("login.test");
        Self::with(|behind| Server::start(&identity, None, behind))
    }

    fn token(&self) -> Run<'_> {
        self.machine.keyrule(&["--policy", "test-login", "token"])
    }

    /// Puts a file where the user can read it, and returns its path.
    fn file(&self, name: &str, text: &str) -> String {
        let below = format!("home/{name}");
        self.machine.users(&below, text);
        self.machine.path(&below).to_str().unwrap().to_owned()
    }

    /// It was renewed: the provider takes the token.
    #[track_caller]
    fn renewed(&self, ended: &Ended) {
        assert_eq!((ended.exit, ended.stderr.as_str()), (Some(0), ""));
        assert!(self.provider.accepts(ended.stdout.trim_end()));
        assert_eq!(self.provider.refreshes(), "ok 1");
    }

    /// It was not: nobody has seen the refresh token, what is kept is what
    /// was kept, and the user is told this.
    #[track_caller]
    fn failed(&self, ended: &Ended, why: &str) {
        let origin = format!("`https://login.test:{}`", self.server.port());
        let said = ended.stderr.replace(&origin, "ORIGIN");
        let flat = said.split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!((ended.exit, ended.stdout.as_str()), (Some(1), ""), "{said}");
        assert!(flat.contains(&format!("ORIGIN {why}")), "{said}");
        ended.keeps_secrets();
        assert_eq!(self.provider.refreshes(), "");
        assert!(self.machine.read(STORE).contains("refresh_token"));
    }
}

fn a_login_is_renewed_through_a_proxy_that_opens_tls() {
    let (own, theirs) = (Authority::new("own"), Authority::new("theirs"));
    let network = Network::of(&theirs);
    let proxy = Proxy::opening(&own, &theirs);
    let authorities = network.file("authorities.pem", &own.pem());
    let ended = network
        .token()
        .variable("HTTPS_PROXY", format!("http://{}", proxy.address()))
        .variable("KEYRULE_CA_FILE", authorities)
        .end();
    network.renewed(&ended);
    let asked = proxy.asked();
    let target = format!("CONNECT login.test:{} HTTP/1.1\r\n", network.server.port());
    assert_eq!((asked.len(), network.server.connections()), (1, 1));
    assert!(asked[0].starts_with(&target), "{}", asked[0]);
    assert!(!asked[0].contains(CANARY), "{}", asked[0]);
}

fn a_certificate_of_an_unknown_authority_ends_it() {
    let (own, theirs) = (Authority::new("own"), Authority::new("theirs"));
    let network = Network::of(&theirs);
    let proxy = Proxy::opening(&own, &theirs);
    let url = format!("http://{}", proxy.address());
    let none = network.token().variable("HTTPS_PROXY", &url).end();
    network.failed(
        &none,
        "has a certificate, and this system knows no certificate authority: install the package \
         `ca-certificates`, or set `KEYRULE_CA_FILE` to a PEM file of authorities",
    );
    // The server's authority is not the proxy's.
    let authorities = network.file("authorities.pem", &theirs.pem());
    let other = network
        .token()
        .variable("HTTPS_PROXY", &url)
        .variable("KEYRULE_CA_FILE", authorities)
        .end();
    network.failed(
        &other,
        "has a certificate that is not trusted: where the network has a certificate authority of \
         its own, set `KEYRULE_CA_FILE` to its PEM file",
    );
    // Nor is an older one of the same name.
    let authorities = network.file("older.pem", &Authority::new("own").pem());
    let older = network
        .token()
        .variable("HTTPS_PROXY", &url)
        .variable("KEYRULE_CA_FILE", authorities)
        .end();
    network.failed(&older, "has a certificate that is not trusted");
    assert_eq!(network.server.connections(), 0);
}

fn authorities_of_the_system_are_believed() {
    let authority = Authority::new("theirs");
    let network = Network::of(&authority);
    let file = "etc/ssl/certs/ca-certificates.crt";
    network.machine.managed(file, authority.pem());
    network.renewed(&network.token().end());
}

fn what_no_proxy_names_goes_past_the_proxy() {
    let authority = Authority::new("theirs");
    let network = Network::of(&authority);
    let proxy = Proxy::saying("HTTP/1.1 502 Bad Gateway\r\n\r\n");
    let authorities = network.file("authorities.pem", &authority.pem());
    let by = |variables: &[(&str, &str)]| {
        let token = network.token().variable("KEYRULE_CA_FILE", &authorities);
        let address = format!("http://{}", proxy.address());
        let token = token.variable("HTTPS_PROXY", address);
        let set = variables.iter();
        set.fold(token, |run, (name, value)| run.variable(name, *value))
            .end()
    };
    let refuses = format!(
        "cannot be reached through the proxy `http://{}`, which refuses to connect to it",
        proxy.address()
    );
    for other in [
        "",
        "other.test",
        "ogin.test",
        "127.0.0.2",
        "login.test.example",
    ] {
        network.failed(&by(&[("NO_PROXY", other)]), &refuses);
    }
    assert_eq!((proxy.asked().len(), network.server.connections()), (5, 0));
    network.renewed(&by(&[("NO_PROXY", "other.example, login.test")]));
    for named in [".test", "test", "*.test", "*", "LOGIN.TEST other"] {
        // Due again, and known to nobody.
        network.due(&format!("https://login.test:{}", network.server.port()));
        network.provider.forget_counts();
        network.renewed(&by(&[("no_proxy", named)]));
    }
    assert_eq!((proxy.asked().len(), network.server.connections()), (5, 6));
}

fn a_proxy_that_refuses_is_named_without_its_password() {
    let network = Network::of(&Authority::new("theirs"));
    let wants = Proxy::saying("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n");
    let garbage = Proxy::saying("");
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let nowhere = nobody.local_addr().unwrap().to_string();
    drop(nobody);
    let cases = [
        (
            wants.address(),
            "wants a user and a password: put them into its URL",
        ),
        (garbage.address(), "does not answer as a proxy"),
        (nowhere, "refuses the connection: nobody listens there"),
    ];
    for (address, why) in cases {
        let ended = network
            .token()
            .variable("ALL_PROXY", format!("http://user:{CANARY}@{address}"))
            .end();
        let why = format!("cannot be reached through the proxy `http://{address}`, which {why}");
        network.failed(&ended, &why);
    }
    // `user:s3cr3t`, in the one place where it belongs.
    let asked = wants.asked();
    let header = "\r\nproxy-authorization: basic dxnlcjpzm2nym3q=\r\n";
    assert!(
        asked[0].to_ascii_lowercase().contains(header),
        "{}",
        asked[0]
    );
}

fn a_proxy_may_have_tls_of_its_own() {
    let authority = Authority::new("theirs");
    let network = Network::of(&authority);
    let refuses = Proxy::saying("HTTP/1.1 403 Forbidden\r\n\r\n");
    let proxy = Server::start(&authority.identity("127.0.0.2"), None, &refuses.address());
    let url = format!("https://127.0.0.2:{}", proxy.port());
    let token = || network.token().variable("HTTPS_PROXY", &url);
    let authorities = network.file("authorities.pem", &authority.pem());
    let ended = token().variable("KEYRULE_CA_FILE", authorities).end();
    let why =
        format!("cannot be reached through the proxy `{url}`, which refuses to connect to it");
    network.failed(&ended, &why);
    assert!(refuses.asked()[0].starts_with("CONNECT login.test:"));
    let whose = format!("or the proxy `{url}` has a certificate, and this system knows no");
    network.failed(&token().end(), &whose);
}

fn names_are_those_of_the_system_but_for_this_machine_itself() {
    let network = Network::of(&Authority::new("theirs"));
    let machine = &network.machine;
    machine.managed("etc/nsswitch.conf", "hosts: files\n");
    machine.managed("etc/hosts", "192.0.2.1 localhost\n");
    network.failed(&network.token().end(), "has a name that cannot be resolved");
    let local = network.provider.issuer().replace("127.0.0.1", "localhost");
    let token = format!("endpoints = {{ token = \"{local}/token\" }}");
    let policy = network.provider.policy(&token, "");
    machine.users("home/.config/keyrule/test-login.toml", policy);
    network.due(&local);
    network.provider.forget_counts();
    let proxy = "http://192.0.2.1:1";
    let ended = network.token().variable("ALL_PROXY", proxy).end();
    network.renewed(&ended);
}

fn a_certificate_is_for_its_name_and_its_time() {
    let authority = Authority::new("theirs");
    let cases = [
        (
            authority.identity("other.test"),
            "has a certificate for another name: see whether the URL in the policy is right; else \
             the server's owner has to mend it",
        ),
        (
            authority.until("login.test", 2021),
            "has a certificate that has expired: see whether the clock of this machine is right; \
             else the server's owner has to renew it",
        ),
    ];
    for (identity, why) in cases {
        let network = Network::with(|behind| Server::start(&identity, None, behind));
        let authorities = network.file("authorities.pem", &authority.pem());
        let ended = network.token().variable("KEYRULE_CA_FILE", authorities);
        network.failed(&ended.end(), why);
    }
}

fn a_client_certificate_is_shown_to_who_wants_one() {
    let (authority, clients) = (Authority::new("servers"), Authority::new("clients"));
    let identity = authority.identity("login.test");
    let network = Network::with(|behind| Server::start(&identity, Some(&clients), behind));
    let authorities = network.file("authorities.pem", &authority.pem());
    let token = || network.token().variable("KEYRULE_CA_FILE", &authorities);
    let hint = "set `KEYRULE_CLIENT_CERTIFICATE` and `KEYRULE_CLIENT_KEY` to PEM files that the \
                server accepts";
    network.failed(
        &token().end(),
        &format!("wants a client certificate: {hint}"),
    );
    let with = |authority: &Authority| {
        let identity = authority.identity("alice");
        let certificate = network.file("client.pem", &identity.certificate());
        let key = network.file("client-key.pem", &identity.key());
        token()
            .variable("KEYRULE_CLIENT_CERTIFICATE", certificate)
            .variable("KEYRULE_CLIENT_KEY", key)
            .end()
    };
    let refused = format!("refuses the client certificate: {hint}");
    network.failed(&with(&Authority::new("others")), &refused);
    network.renewed(&with(&clients));
}

/// Nor does it read what only the network needs: a file that is not there
/// fails nothing.
fn what_needs_no_network_opens_no_socket() {
    if Command::new("strace").arg("-V").output().is_err() {
        skip("`strace` is missing");
    }
    let network = Network::of(&Authority::new("theirs"));
    for command in ["status", "explain", "policy check", "consent list"] {
        let line = format!(
            "exec strace -f -q -e trace=network,clone,clone3,fork,vfork -o ~/trace \
             keyrule --policy test-login {command}"
        );
        let ended = network
            .machine
            .shell(&line)
            .variable("HTTPS_PROXY", "socks5://127.0.0.1:1")
            .variable("KEYRULE_CA_FILE", "/no/such/file")
            .end();
        assert_ne!(ended.stdout, "", "{command}: {}", ended.stderr);
        let trace = network.machine.read("home/trace");
        let calls: Vec<_> = trace.lines().filter(|line| line.contains('(')).collect();
        assert_eq!(calls, [""; 0], "{command}");
        assert!(trace.contains("exited with"), "{trace}");
    }
}
