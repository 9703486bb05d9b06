//! Other tools that get their credential from Keyrule in their own protocols:
//! Git, cargo, kubectl, the AWS command, each as it is. And the protocols by
//! their published examples and schemas, and asked badly.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::machine::{Ended, Machine, Run, skip};
use crate::tls::{self, Authority};

#[path = "formats/server.rs"]
mod server;

use server::{Answer, Asked, Server};

crate::tests![
    git_sends_the_credential_with_its_scheme,
    git_sends_a_password_where_it_knows_no_schemes,
    git_gets_nothing_for_another_server_and_asks_its_next_helper,
    git_clones_with_the_credential_of_the_policy,
    git_says_that_a_credential_was_refused_and_it_is_got_anew,
    git_credential_fill_is_a_source,
    cargo_takes_its_token_from_stdout,
    kubectl_takes_its_token_from_the_exec_plugin,
    the_aws_command_takes_its_key_from_the_credential_process,
    bazels_examples_are_answered_by_its_schema,
    bazels_examples_are_read_as_a_source,
    the_published_example_of_kubernetes_is_answered_in_kind,
    a_question_that_is_none_hands_nothing_out,
    what_a_form_cannot_say_is_an_error_and_no_output,
    a_form_goes_with_the_other_options,
];

const TOKEN: &str = "s3cr3t-token";
const BEARER: &str = "Bearer s3cr3t-token";

/// A policy of one source: a variable, sent as a bearer token to there.
fn policy(machine: &Machine, endpoint: &str) {
    let policy = format!(
        r#"
name = "tool"
[[source]]
id = "token"
kind = "environment"
variable = "TOOL_TOKEN"
headers = {{ Authorization = "Bearer {{secret}}" }}
endpoint = {{ default = "{endpoint}" }}
surfaces = ["terminal"]
"#
    );
    machine.users("home/.config/keyrule/tool.toml", policy);
}

/// A policy of one helper that speaks this format.
fn helper(machine: &Machine, format: &str, endpoint: &str, script: &str) {
    machine.users("home/bin/helper", format!("#!/bin/sh\n{script}\n"));
    machine.mode("home/bin/helper", 0o755);
    let headers = match format {
        "git" => "headers = { Authorization = \"Bearer {secret}\" }",
        _ => "",
    };
    let policy = format!(
        r#"
name = "tool"
[[source]]
id = "helper"
kind = "helper"
command = ["{}", "get"]
format = "{format}"
{headers}
endpoint = {{ default = "{endpoint}" }}
surfaces = ["terminal"]
"#,
        machine.path("home/bin/helper").display()
    );
    machine.users("home/.config/keyrule/tool.toml", policy);
}

/// The program, told this.
fn told(run: Run<'_>, machine: &Machine, input: &[u8]) -> Ended {
    let mut command = run.command();
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // One that ends before it has read everything has heard enough.
    let _ = stdin.write_all(input);
    drop(stdin);
    Ended::of(machine, child.wait_with_output().unwrap())
}

fn ask(machine: &Machine, arguments: &[&str], input: &str) -> Ended {
    let arguments = [&["--policy", "tool", "token"], arguments].concat();
    let run = machine.keyrule(&arguments).variable("TOOL_TOKEN", TOKEN);
    told(run, machine, input.as_bytes())
}

/// A Git of this machine.
#[derive(Debug, Clone, Copy)]
struct Git {
    folder: &'static str,
    /// Whether it knows credentials with a scheme: from version 2.46 on.
    schemes: bool,
}

/// Every Git that is here: the system's, and one that somebody installed.
fn gits() -> Vec<Git> {
    let here = ["/usr/bin", "/usr/local/bin"].into_iter();
    let gits: Vec<_> = here
        .filter(|folder| Path::new(folder).join("git").exists())
        .map(|folder| {
            let mut command = Command::new(Path::new(folder).join("git"));
            let said = command.args(["credential", "capability"]).output().unwrap();
            let said = String::from_utf8_lossy(&said.stdout).into_owned();
            Git {
                folder,
                schemes: said.contains("capability authtype"),
            }
        })
        .collect();
    if gits.is_empty() {
        skip("`git` is not here");
    }
    gits
}

impl Git {
    /// Runs it with Keyrule as its only helper.
    fn run<'m>(self, machine: &'m Machine, line: &str) -> Run<'m> {
        let script = format!(
            "PATH={}:$PATH; git -c credential.helper= \
             -c 'credential.helper=!keyrule token --policy tool --format git' {line}",
            self.folder
        );
        machine
            .shell(&script)
            .variable("GIT_TERMINAL_PROMPT", "0")
            .variable("GIT_CONFIG_NOSYSTEM", "1")
            .variable("TOOL_TOKEN", TOKEN)
    }
}

fn git_sends_the_credential_with_its_scheme() {
    let Some(git) = gits().into_iter().find(|git| git.schemes) else {
        skip("every `git` here is older than 2.46");
    };
    let machine = Machine::new();
    policy(&machine, "https://git.test:8443/acme");
    let question = b"capability[]=authtype\nprotocol=https\nhost=git.test:8443\n\n";
    let ended = told(git.run(&machine, "credential fill"), &machine, question);
    ended.gives(
        "capability[]=authtype\nauthtype=Bearer\ncredential=s3cr3t-token\nephemeral=1\n\
         protocol=https\nhost=git.test:8443\n",
    );
}

fn git_sends_a_password_where_it_knows_no_schemes() {
    let machine = Machine::new();
    policy(&machine, "https://git.test");
    let question = b"protocol=https\nhost=git.test\n\n";
    for git in gits() {
        let fill = |line: &str| told(git.run(&machine, line), &machine, question);
        fill("credential fill")
            .gives("protocol=https\nhost=git.test\nusername=keyrule\npassword=s3cr3t-token\n");
        let named = "-c credential.https://git.test.username=ada credential fill";
        fill(named).gives("protocol=https\nhost=git.test\nusername=ada\npassword=s3cr3t-token\n");
    }
    // A version of Git from before there were schemes asks like this.
    let ended = ask(
        &machine,
        &["--format", "git", "--username", "bob", "get"],
        "protocol=https\nhost=git.test\nwwwauth[]=Basic realm=\"x\"\nnot-known=1\n",
    );
    ended.gives("username=bob\npassword=s3cr3t-token\n");
}

fn git_gets_nothing_for_another_server_and_asks_its_next_helper() {
    let machine = Machine::new();
    policy(&machine, "https://git.test");
    for host in ["git.test:8443", "evil.test", "git.test.evil.test"] {
        let question = format!("protocol=https\nhost={host}\n\n");
        let ended = ask(&machine, &["--format", "git", "get"], &question);
        ended.gives("");
        let next = "-c 'credential.helper=!echo username=next; echo password=other;:' \
                    credential fill";
        for git in gits() {
            let ended = told(git.run(&machine, next), &machine, question.as_bytes());
            assert!(ended.stdout.contains("username=next"), "{}", ended.stdout);
            ended.keeps_secrets();
        }
    }
    let plain = "protocol=http\nhost=git.test\n\n";
    ask(&machine, &["--format", "git", "get"], plain).gives("");
    // Words and attributes that are not known are passed over.
    for word in ["store", "erase", "capability"] {
        let question = "protocol=https\nhost=git.test\nusername=x\npassword=y\n\n";
        ask(&machine, &["--format", "git", word], question).gives("");
    }
}

/// Serves a repository by Git's own protocol, in which a header goes with
/// every request; what fetches single files sends passwords alone.
fn repository(git: Git, machine: &Machine) -> impl Fn(&Asked) -> Answer + Send + Sync + use<> {
    let made = machine
        .shell(
            "set -e; git init -q -b main ~/made; cd ~/made; echo content > file; git add file; \
             git -c user.name=a -c user.email=a@a.test commit -q -m first; \
             git clone -q --bare . ~/served.git",
        )
        .end();
    made.gives("");
    let root = machine.path("home/served.git");
    move |asked: &Asked| {
        let pack = |more: &[&str], input: &[u8]| {
            let mut command = Command::new(Path::new(git.folder).join("git"));
            command
                .args(["-c", "safe.directory=*", "upload-pack", "--stateless-rpc"])
                .args(more)
                .arg(&root)
                .stdin(Stdio::piped())
                .stdout(Stdio::piped());
            let mut child = command.spawn().unwrap();
            child.stdin.take().unwrap().write_all(input).unwrap();
            child.wait_with_output().unwrap().stdout
        };
        match asked.path.as_str() {
            "/served.git/info/refs?service=git-upload-pack" => {
                let mut body = b"001e# service=git-upload-pack\n0000".to_vec();
                body.extend(pack(&["--advertise-refs"], b""));
                (200, "application/x-git-upload-pack-advertisement", body)
            }
            "/served.git/git-upload-pack" => {
                let body = pack(&[], &asked.body);
                (200, "application/x-git-upload-pack-result", body)
            }
            _ => (404, "text/plain", Vec::new()),
        }
    }
}

fn git_clones_with_the_credential_of_the_policy() {
    // `keyrule:s3cr3t-token`, in Base64.
    let basic = "Basic a2V5cnVsZTpzM2NyM3QtdG9rZW4=";
    for git in gits() {
        let (authorization, challenge) = match git.schemes {
            true => (BEARER, "Bearer"),
            false => (basic, "Basic realm=\"test\""),
        };
        let machine = Machine::new();
        let server = Server::start(authorization, challenge, repository(git, &machine));
        policy(&machine, &server.origin());
        let url = format!("{}/served.git", server.origin());
        let listed = git.run(&machine, &format!("ls-remote {url} main")).end();
        assert!(
            listed.stdout.ends_with("refs/heads/main\n"),
            "{}",
            listed.stderr
        );
        git.run(&machine, &format!("clone -q {url} ~/cloned"))
            .end()
            .gives("");
        assert_eq!(machine.read("home/cloned/file"), "content\n");
        assert_eq!(server.last().as_deref(), Some(authorization));
        // Nothing of it stays in what was cloned.
        let kept = machine
            .shell("grep -r s3cr3t ~/cloned ~/.gitconfig ~/.git-credentials")
            .end();
        assert_eq!(kept.stdout, "");
    }
}

fn git_says_that_a_credential_was_refused_and_it_is_got_anew() {
    for git in gits() {
        let machine = Machine::new();
        // `ada:s3cr3t-2`, in Base64: the second one that the helper says.
        let basic = "Basic YWRhOnMzY3IzdC0y";
        let server = Server::start(basic, "Basic realm=\"test\"", repository(git, &machine));
        let script = "echo x >> ~/runs; cat > /dev/null\n\
                      echo username=ada; echo password=s3cr3t-$(wc -l < ~/runs)";
        helper(&machine, "git", &server.origin(), script);
        // Without a header there is no scheme, and a password is told.
        let file = "home/.config/keyrule/tool.toml";
        let text = machine.read(file);
        machine.users(
            file,
            text.replace("Authorization = \"Bearer ", "X-Api-Key = \""),
        );
        let url = format!("{}/served.git", server.origin());
        let list = || git.run(&machine, &format!("ls-remote {url} main")).end();
        let refused = list();
        assert_eq!((refused.exit, refused.stdout.as_str()), (Some(128), ""));
        refused.keeps_secrets();
        let taken = list();
        assert!(taken.stdout.contains("refs/heads/main"), "{}", taken.stderr);
        assert_eq!(machine.read("home/runs").lines().count(), 2);
        // One that is good stays.
        list();
        assert_eq!(machine.read("home/runs").lines().count(), 2);
    }
}

fn git_credential_fill_is_a_source() {
    let machine = Machine::new();
    machine.users(
        "home/.gitconfig",
        "[credential]\n\thelper = store\n\tuseHttpPath = true\n",
    );
    machine.users(
        "home/.git-credentials",
        "https://ada:s3cr3t-stored@git.test/acme\n",
    );
    helper(
        &machine,
        "git",
        "https://git.test/acme/",
        "exec git credential fill",
    );
    let ask = |arguments: &[&str]| {
        let arguments = [&["--policy", "tool"], arguments].concat();
        machine
            .keyrule(&arguments)
            .variable("GIT_CONFIG_NOSYSTEM", "1")
            .end()
    };
    ask(&["token"]).gives("s3cr3t-stored\n");
    ask(&["headers"]).gives("Authorization: Bearer s3cr3t-stored\n");
    // Where Git in turn asks Keyrule first, that one does not ask Git again.
    let plain = machine.read("home/.gitconfig");
    let both = "[credential]\n\thelper = !keyrule token --policy tool --format git\n";
    machine.users("home/.gitconfig", format!("{both}{plain}"));
    let nested = ask(&["token", "--rejected"]);
    assert_eq!(
        (nested.exit, nested.stdout.as_str()),
        (Some(0), "s3cr3t-stored\n"),
        "{}",
        nested.stderr
    );
    machine.users("home/.gitconfig", plain);
    // Where Git knows none it would ask at the terminal: it is told not to.
    machine.users("home/.git-credentials", "");
    let refused = ask(&["token", "--rejected"]);
    assert_eq!(
        (refused.exit, refused.code()),
        (Some(1), Some("source-failed"))
    );
    refused.keeps_secrets();
}

/// `cargo`, as this test was built by, where the user can run it. It cannot
/// be run from the home of root.
fn cargo(machine: &Machine) {
    let from = std::env::var_os("CARGO").unwrap_or_else(|| env!("CARGO").into());
    if !Path::new(&from).exists() {
        skip("`cargo` is not here");
    }
    machine.folder("home/bin", machine.user, 0o755);
    let to = machine.path("home/bin/cargo");
    fs::copy(from, &to).unwrap();
    chown(&to, Some(machine.user), Some(machine.user)).unwrap();
    fs::set_permissions(&to, fs::Permissions::from_mode(0o755)).unwrap();
}

fn cargo_takes_its_token_from_stdout() {
    let machine = Machine::new();
    cargo(&machine);
    // Cargo sends a token as it is, without a scheme.
    let server = Server::start(TOKEN, "Cargo", |asked| match asked.path.as_str() {
        "/index/config.json" => {
            let origin = format!("http://{}", asked.host);
            let config = serde_json::json!({
                "dl": format!("{origin}/dl"),
                "api": origin,
                "auth-required": true,
            });
            (200, "application/json", config.to_string().into_bytes())
        }
        "/api/v1/crates/hello/owners" => {
            let text = br#"{"users": [{"id": 1, "login": "ada", "name": "Ada"}]}"#;
            (200, "application/json", text.to_vec())
        }
        _ => (404, "text/plain", Vec::new()),
    });
    policy(&machine, &server.origin());
    let config = format!(
        "[registries.acme]\nindex = \"sparse+{}/index/\"\n\
         credential-provider = [\"cargo:token-from-stdout\", \"keyrule\", \"token\", \"--policy\", \"tool\"]\n",
        server.origin()
    );
    machine.users("home/.cargo/config.toml", config);
    let listed = machine
        .shell("~/bin/cargo owner --list hello --registry acme")
        .variable("TOOL_TOKEN", TOKEN)
        .end();
    assert_eq!(listed.exit, Some(0), "{}", listed.stderr);
    assert_eq!(listed.stdout, "ada (Ada)\n");
    assert_eq!(server.last().as_deref(), Some(TOKEN));
    let without = machine
        .shell("~/bin/cargo owner --list hello --registry acme")
        .end();
    assert_ne!(without.exit, Some(0));
    assert!(
        without.stderr.contains("error[nothing-usable]"),
        "{}",
        without.stderr
    );
}

/// The versions of the protocol that `kubectl` knows: the first one came with
/// its version 1.22.
fn versions_of_kubectl() -> &'static [&'static str] {
    let mut command = Command::new("/usr/bin/kubectl");
    let said = command.args(["version", "--client", "--output", "json"]);
    let said: Value = serde_json::from_slice(&said.output().unwrap().stdout).unwrap();
    let minor = said["clientVersion"]["minor"].as_str().unwrap();
    let minor: u32 = minor.trim_end_matches('+').parse().unwrap();
    if minor < 22 {
        return &["v1beta1"];
    }
    &["v1", "v1beta1"]
}

fn kubectl_takes_its_token_from_the_exec_plugin() {
    let machine = Machine::new();
    if !Path::new("/usr/bin/kubectl").exists() {
        skip("`kubectl` is not here");
    }
    let server = Server::start(BEARER, "Bearer", |asked| match asked.path.as_str() {
        path if path.starts_with("/api/v1/namespaces/default/configmaps/hello") => {
            let text = br#"{"kind": "ConfigMap", "apiVersion": "v1", "metadata": {"name": "hello"}, "data": {"a": "content"}}"#;
            (200, "application/json", text.to_vec())
        }
        "/api?timeout=32s" | "/api" => {
            let text = br#"{"kind": "APIVersions", "versions": ["v1"]}"#;
            (200, "application/json", text.to_vec())
        }
        "/apis?timeout=32s" | "/apis" => {
            let text = br#"{"kind": "APIGroupList", "apiVersion": "v1", "groups": []}"#;
            (200, "application/json", text.to_vec())
        }
        path if path.starts_with("/api/v1") => {
            let text = br#"{"kind": "APIResourceList", "groupVersion": "v1", "resources": [{"name": "configmaps", "singularName": "configmap", "namespaced": true, "kind": "ConfigMap", "verbs": ["get"]}]}"#;
            (200, "application/json", text.to_vec())
        }
        _ => (404, "text/plain", Vec::new()),
    });
    // Where there is no TLS, `kubectl` asks no plugin.
    let own = Authority::new("own");
    let tls = tls::Server::start(&own.identity("k8s.test"), None, &server.origin());
    let origin = format!("https://k8s.test:{}", tls.port());
    machine.managed("etc/hosts", "127.0.0.2 k8s.test\n");
    machine.users("home/authority.pem", own.pem());
    let authority = machine.path("home/authority.pem");
    let authority = authority.display();
    let configure = |version: &str| {
        let config = format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: test\n\
             clusters: [{{name: test, cluster: {{server: '{origin}', \
             certificate-authority: '{authority}'}}}}]\n\
             contexts: [{{name: test, context: {{cluster: test, user: test}}}}]\n\
             users:\n- name: test\n  user:\n    exec:\n\
             \x20     apiVersion: client.authentication.k8s.io/{version}\n\
             \x20     command: keyrule\n\
             \x20     args: [token, --policy, tool, --format, kubernetes]\n\
             \x20     interactiveMode: IfAvailable\n\
             \x20     provideClusterInfo: true\n"
        );
        machine.users("home/.kube/config", config);
    };
    let get = || {
        machine
            .shell("kubectl get configmap hello -o 'jsonpath={.data.a}'")
            .variable("TOOL_TOKEN", TOKEN)
            .end()
    };
    policy(&machine, &origin);
    for version in versions_of_kubectl() {
        configure(version);
        let got = get();
        assert_eq!(
            (got.exit, got.stdout.as_str()),
            (Some(0), "content"),
            "{}",
            got.stderr
        );
        assert_eq!(server.last().as_deref(), Some(BEARER));
    }
    // For another cluster there is no token.
    policy(&machine, "https://k8s.test:6443");
    let asked = server.asked().len();
    let got = get();
    assert_ne!(got.exit, Some(0));
    assert!(
        got.stderr.contains("error[not-its-endpoint]"),
        "{}",
        got.stderr
    );
    got.keeps_secrets();
    let later = server.asked();
    assert!(
        later
            .iter()
            .skip(asked)
            .all(|asked| asked.authorization.is_none())
    );
}

const KEY: &str = r#"{"Version": 1, "AccessKeyId": "AKIDEXAMPLE00042", "SecretAccessKey": "s3cr3t-key", "SessionToken": "s3cr3t-session", "Expiration": "2100-01-01T00:00:00Z"}"#;

fn the_aws_command_takes_its_key_from_the_credential_process() {
    let machine = Machine::new();
    if !Path::new("/usr/bin/aws").exists() {
        skip("`/usr/bin/aws` is not here");
    }
    helper(
        &machine,
        "aws-process",
        "https://gateway.test",
        &format!("echo '{KEY}'"),
    );
    machine.users(
        "home/.aws/config",
        "[profile acme]\ncredential_process = keyrule token --policy tool --format aws-process\n",
    );
    let export = machine
        .shell("/usr/bin/aws configure export-credentials --profile acme --format process")
        .variable("AWS_EC2_METADATA_DISABLED", "true")
        .variable("AWS_PAGER", "")
        .end();
    assert_eq!(export.exit, Some(0), "{}", export.stderr);
    let taken: Value = serde_json::from_str(&export.stdout).unwrap();
    let given: Value = serde_json::from_str(KEY).unwrap();
    for field in ["Version", "AccessKeyId", "SecretAccessKey", "SessionToken"] {
        assert_eq!(taken[field], given[field], "{field}");
    }
}

/// Samples of the specification, each with what it is: see their `README.md`.
fn samples(folder: &str) -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("protocols");
    let mut samples: Vec<_> = fs::read_dir(root.join(folder))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| {
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            (name, fs::read_to_string(path).unwrap())
        })
        .collect();
    samples.sort();
    assert!(!samples.is_empty());
    samples
}

fn schema(name: &str) -> jsonschema::Validator {
    let samples = samples("bazel-schemas");
    let (_, text) = samples.iter().find(|(known, _)| known == name).unwrap();
    jsonschema::validator_for(&serde_json::from_str(text).unwrap()).unwrap()
}

fn bazels_examples_are_answered_by_its_schema() {
    let machine = Machine::new();
    let (request, response) = (
        schema("get-credentials-request.schema"),
        schema("get-credentials-response.schema"),
    );
    for (name, question) in samples("bazel-requests") {
        assert!(
            request.is_valid(&serde_json::from_str(&question).unwrap()),
            "{name}"
        );
        for (endpoint, headers) in [
            ("https://example.com", "grpcs-method"),
            ("https://api.example.org/v2", "https-endpoint"),
        ] {
            policy(&machine, endpoint);
            let ended = ask(&machine, &["--format", "bazel", "get"], &question);
            assert_eq!(ended.exit, Some(0), "{}", ended.stderr);
            let answer: Value = serde_json::from_str(&ended.stdout).unwrap();
            assert!(response.is_valid(&answer), "{answer}");
            if name == headers {
                let expected = serde_json::json!({"headers": {"Authorization": [BEARER]}});
                assert_eq!((answer, ended.stderr.as_str()), (expected, ""));
            } else {
                assert_eq!(answer, serde_json::json!({"headers": {}}));
                let origin = endpoint.trim_end_matches("/v2");
                let flat = ended
                    .stderr
                    .split_whitespace()
                    .collect::<Vec<_>>()
                    .join(" ");
                assert!(
                    flat.ends_with(&format!("`token` is for `{origin}`")),
                    "{flat}"
                );
            }
        }
    }
    let store = ask(&machine, &["--format", "bazel", "store"], "{}");
    store.fails(2, "usage", "the one that there is is `get`");
}

fn bazels_examples_are_read_as_a_source() {
    let schema = schema("get-credentials-response.schema");
    for (name, answer) in samples("bazel-responses") {
        let machine = Machine::new();
        assert!(
            schema.is_valid(&serde_json::from_str(&answer).unwrap()),
            "{name}"
        );
        machine.users("home/answer.json", &answer);
        helper(&machine, "bazel", "https://api.test", "cat ~/answer.json");
        let ended = machine
            .keyrule(&["--policy", "tool", "token", "--format", "headers"])
            .end();
        if name.starts_with("none") {
            assert_eq!(
                (ended.exit, ended.code()),
                (Some(1), Some("source-failed")),
                "{name}"
            );
            continue;
        }
        let headers: Value = serde_json::from_str(&ended.stdout).unwrap();
        let expected = match name.as_str() {
            "authorization" => serde_json::json!({"Authorization": "Bearer <token...>"}),
            _ => serde_json::json!({
                "x-custom-auth-type": "proprietary-auth",
                "x-custom-auth-token": "<token...>",
            }),
        };
        assert_eq!(headers, expected, "{name}: {}", ended.stderr);
    }
}

fn the_published_example_of_kubernetes_is_answered_in_kind() {
    let machine = Machine::new();
    policy(&machine, "https://172.17.4.100:6443");
    let samples = samples("kubernetes");
    let sample = |name: &str| &samples.iter().find(|(known, _)| known == name).unwrap().1;
    let get = |question: &str| {
        machine
            .keyrule(&["--policy", "tool", "token", "--format", "kubernetes"])
            .variable("TOOL_TOKEN", TOKEN)
            .variable("KUBERNETES_EXEC_INFO", question)
            .end()
    };
    let answered = get(sample("request"));
    assert_eq!((answered.exit, answered.stderr.as_str()), (Some(0), ""));
    let answer: Value = serde_json::from_str(&answered.stdout).unwrap();
    let mut example: Value = serde_json::from_str(sample("response")).unwrap();
    example["status"]["token"] = TOKEN.into();
    assert_eq!(answer, example);
    let other = get(&sample("request").replace("172.17.4.100", "172.17.4.101"));
    other.fails(
        3,
        "not-its-endpoint",
        "name another policy with `--policy`, or let this one's source have that endpoint",
    );
    let later = get(&sample("request").replace("k8s.io/v1", "k8s.io/v2"));
    assert_eq!(
        (later.exit, later.code()),
        (Some(1), Some("protocol-input"))
    );
    assert!(
        later.stderr.contains("client.authentication.k8s.io/v2"),
        "{}",
        later.stderr
    );
}

fn a_question_that_is_none_hands_nothing_out() {
    let machine = Machine::new();
    policy(&machine, "https://api.test");
    let huge = "x".repeat(70_000);
    let deep = "[".repeat(10_000);
    for question in [
        "",
        "{\"uri\": \"https://api.test",
        "{\"uri\": 1}",
        "{\"uri\": \"https://api.test\\n.evil.test\"}",
        "{\"uri\": \"https://api.test@evil.test\"}",
        &deep,
        &huge,
    ] {
        let ended = ask(&machine, &["--format", "bazel", "get"], question);
        assert_eq!((ended.exit, ended.stdout.as_str()), (Some(1), ""));
        assert_eq!(ended.code(), Some("protocol-input"));
        ended.keeps_secrets();
    }
    for question in [
        "protocol=https\nhost=evil.test\nhost=api.test\n",
        "protocol=https\nhost=api.test\0\n",
        "protocol=https\nhost=api.test\rhost=evil.test\n",
        &huge,
    ] {
        let ended = ask(&machine, &["--format", "git", "get"], question);
        assert_eq!((ended.exit, ended.stdout.as_str()), (Some(1), ""));
        assert_eq!(ended.code(), Some("protocol-input"));
        ended.keeps_secrets();
    }
    for question in [
        "protocol=https\nhost=evil.test/api.test\n",
        "protocol=https\n",
        "\n",
        "",
    ] {
        ask(&machine, &["--format", "git", "get"], question).gives("");
    }
}

fn what_a_form_cannot_say_is_an_error_and_no_output() {
    let machine = Machine::new();
    helper(
        &machine,
        "aws-process",
        "https://api.test",
        &format!("echo '{KEY}'"),
    );
    let key =
        "`--format aws-process` prints it; `keyrule headers --url URL` signs a request with it";
    for format in ["bare", "json", "headers", "kubernetes"] {
        let ended = ask(&machine, &["--format", format], "");
        ended.fails(4, "format-not-possible", key);
    }
    for (format, question) in [
        ("bazel", "{\"uri\": \"https://api.test/x\"}"),
        ("git", "protocol=https\nhost=api.test\n"),
    ] {
        let ended = ask(&machine, &["--format", format, "get"], question);
        ended.fails(4, "format-not-possible", key);
    }
    let given: Value = serde_json::from_str(KEY).unwrap();
    let ended = ask(&machine, &["--format", "aws-process"], "");
    let printed: Value = serde_json::from_str(&ended.stdout).unwrap();
    for field in ["Version", "AccessKeyId", "SecretAccessKey", "SessionToken"] {
        assert_eq!(printed[field], given[field]);
    }
    policy(&machine, "https://api.test");
    let ended = ask(&machine, &["--format", "aws-process"], "");
    assert_eq!(
        (ended.exit, ended.code()),
        (Some(4), Some("format-not-possible"))
    );
    assert_eq!(ended.stdout, "");
    // The tool's own login is nobody's to print, in any form.
    machine.users(
        "home/.claude/.credentials.json",
        r#"{"claudeAiOauth": {"accessToken": "s3cr3t-login"}}"#,
    );
    for format in ["bare", "json", "headers", "aws-process", "kubernetes"] {
        let ended = machine.keyrule(&["token", "--format", format]).end();
        assert_eq!(
            (ended.exit, ended.code()),
            (Some(4), Some("tool-login")),
            "{format}"
        );
        assert_eq!(ended.stdout, "");
        ended.keeps_secrets();
    }
}

fn a_form_goes_with_the_other_options() {
    let machine = Machine::new();
    let script = "echo x >> ~/runs; cat > /dev/null\n\
                  echo \"{\\\"headers\\\": {\\\"Authorization\\\": [\\\"Bearer s3cr3t-$(wc -l < ~/runs)\\\"]}}\"";
    helper(&machine, "bazel", "https://api.test", script);
    let question = "{\"uri\": \"https://api.test/x\"}";
    let headers = |number: u32| {
        format!("{{\"headers\":{{\"Authorization\":[\"Bearer s3cr3t-{number}\"]}}}}\n")
    };
    let get = |more: &[&str], question: &str| {
        ask(
            &machine,
            &[&["--format", "bazel"], more, &["get"]].concat(),
            question,
        )
    };
    get(&[], question).gives(&headers(1));
    get(&[], question).gives(&headers(1));
    get(&["--rejected"], question).gives(&headers(2));
    let receipt = machine.path("home/receipts");
    get(&["--receipt", receipt.to_str().unwrap()], question).gives(&headers(2));
    let line: Value = serde_json::from_str(machine.read("home/receipts").trim()).unwrap();
    assert_eq!(line["command"], "token");
    assert!(!machine.read("home/receipts").contains("s3cr3t"));
    // For another address the helper is not even run.
    let other = get(&["--rejected"], "{\"uri\": \"https://other.test\"}");
    assert_eq!(other.stdout, "{\"headers\":{}}\n");
    assert_eq!(machine.read("home/runs").lines().count(), 2);
    for (arguments, message) in [
        (&["--format", "git", "--json", "get"][..], "is not JSON"),
        (&["--format", "bare", "get"], "takes no word"),
        (&["--format", "git"], "needs the word"),
    ] {
        let ended = ask(&machine, arguments, "");
        assert_eq!((ended.exit, ended.stdout.as_str()), (Some(2), ""));
        assert!(ended.stderr.contains(message), "{}", ended.stderr);
    }
}
