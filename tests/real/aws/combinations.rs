//! Which key is chosen, by Keyrule and by the `aws` command: a table of
//! variables, profiles and files. What goes in is each of its rows; what comes
//! out is how many agree, and where they do not, why that is as documented.

use serde_json::{Map, Value};

use super::cloud::Cloud;
use crate::machine::Machine;

/// A row: its name, variables, the two files, and why the two differ, where
/// they do.
struct Row {
    name: &'static str,
    variables: &'static [(&'static str, &'static str)],
    config: &'static str,
    credentials: &'static str,
    differs: Option<&'static str>,
}

/// The figure that was asked for.
const ENOUGH: usize = 40;

/// Stands for the folder of the row, and for the fake of AWS.
const HOME: &str = "$HOME";
const CLOUD: &str = "$CLOUD";

pub(super) fn compare() {
    super::python("python");
    let cloud = Cloud::start();
    let machine = Machine::new();
    machine.users("home/.config/keyrule/aws.toml", super::POLICY);
    let mut environments = Vec::new();
    let mut ours = Vec::new();
    for (number, row) in ROWS.iter().enumerate() {
        let folder = format!("home/rows/{number}");
        let home = machine.path(&folder).to_str().unwrap().to_owned();
        let filled = |text: &str| text.replace(HOME, &home).replace(CLOUD, &cloud.origin());
        files(&machine, &folder, row, &filled);
        let mut variables = vec![
            ("HOME", home.clone()),
            ("PATH", "/usr/bin:/bin".to_owned()),
            ("AWS_ENDPOINT_URL", cloud.origin()),
            // The SDK for Python wants one before it asks for a role.
            ("AWS_DEFAULT_REGION", "us-east-1".to_owned()),
        ];
        if !row
            .variables
            .iter()
            .any(|(name, _)| name.contains("METADATA"))
        {
            variables.push(("AWS_EC2_METADATA_DISABLED", "true".to_owned()));
        }
        for (name, value) in row.variables {
            variables.push((name, filled(value)));
        }
        let mut run = machine.keyrule(&["--policy", "aws", "token", "--format", "aws-process"]);
        run = run.variable("XDG_CONFIG_HOME", machine.path("home/.config"));
        for (name, value) in &variables {
            run = run.variable(name, value);
        }
        let ended = run.end();
        ours.push(match ended.exit {
            Some(0) => super::id(&ended),
            // The policy lists where the key may be fetched from.
            Some(3) if ended.code() == Some("endpoint-not-allowed") => {
                "error: endpoint-not-allowed".to_owned()
            }
            _ => format!("error: {}", super::said(&ended)),
        });
        let pairs = variables.into_iter();
        let pairs = pairs.map(|(name, value)| (name.to_owned(), Value::from(value)));
        environments.push(Value::Object(pairs.collect::<Map<_, _>>()));
    }
    let theirs = super::script("chosen.py", &Value::from(environments));
    let theirs: Vec<&str> = theirs
        .as_array()
        .unwrap()
        .iter()
        .flat_map(Value::as_str)
        .collect();
    assert_eq!(theirs.len(), ROWS.len());
    judge(&ours, &theirs);
}

fn judge(ours: &[String], theirs: &[&str]) {
    let mut agree = 0;
    let mut keys = 0;
    let mut wrong = Vec::new();
    for ((row, ours), theirs) in ROWS.iter().zip(ours).zip(theirs) {
        let fails = |text: &str| text == "none" || text.starts_with("error");
        let same = ours == theirs || (fails(ours) && fails(theirs));
        match (same, row.differs) {
            (true, None) => {
                agree += 1;
                keys += usize::from(!fails(ours));
            }
            (false, Some(why)) => eprintln!("{}: {ours}, not {theirs}: {why}", row.name),
            (true, Some(_)) => wrong.push(format!("{}: both {ours}", row.name)),
            (false, None) => wrong.push(format!("{}: {ours}, not {theirs}", row.name)),
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    let all = ROWS.len();
    eprintln!("{agree} of {all} combinations agree; in {keys} of them it is a key");
    assert!(keys >= ENOUGH, "{keys}");
}

/// The files of a row, beside those that every row has.
fn files(machine: &Machine, folder: &str, row: &Row, filled: &dyn Fn(&str) -> String) {
    let write = |below: &str, text: &str| machine.users(&format!("{folder}/{below}"), filled(text));
    write(".aws/config", row.config);
    write(".aws/credentials", row.credentials);
    write("token", "identity");
    write("authorization", "s3cr3t-authorization");
    write(
        "other-config",
        "[default]\naws_access_key_id = AKIAOTHERCONFIG1\naws_secret_access_key = s3cr3t\n",
    );
    write(
        "other-credentials",
        "[default]\naws_access_key_id = AKIAOTHERCREDS01\naws_secret_access_key = s3cr3t\n",
    );
    write(
        "process",
        "#!/bin/sh\necho '{\"Version\": 1, \"AccessKeyId\": \"ASIAPROCESS00001\", \"SecretAccessKey\": \"s3cr3t\", \"SessionToken\": \"s3cr3t\", \"Expiration\": \"2100-01-01T00:00:00Z\"}'\n",
    );
    machine.mode(&format!("{folder}/process"), 0o755);
    // Their names are the SHA-1 of the start URL and of the session's name.
    let token = r#"{"accessToken": "s3cr3t-sso", "expiresAt": "2100-01-01T00:00:00Z", "region": "us-east-1", "startUrl": "https://x.test/start"}"#;
    for name in [
        "eae8136ad6a82c4f401ea67d0c124fa226b99c12",
        "71b21161ffa1e6516bcc072aaf5ef38cbe85b511",
    ] {
        write(&format!(".aws/sso/cache/{name}.json"), token);
    }
}

const STATIC: &str = "[default]\naws_access_key_id = AKIADEFAULT00001\naws_secret_access_key = s3cr3t\n[work]\naws_access_key_id = AKIAWORK00000001\naws_secret_access_key = s3cr3t\naws_session_token = s3cr3t\n[base]\naws_access_key_id = AKIABASE00000001\naws_secret_access_key = s3cr3t\n";

const ROWS: &[Row] = &[
    Row {
        name: "nothing at all",
        variables: &[],
        config: "",
        credentials: "",
        differs: None,
    },
    Row {
        name: "a key in variables",
        variables: &[
            ("AWS_ACCESS_KEY_ID", "AKIAVARIABLE0001"),
            ("AWS_SECRET_ACCESS_KEY", "s3cr3t-variable"),
        ],
        config: "",
        credentials: "",
        differs: None,
    },
    Row {
        name: "a temporary key in variables",
        variables: &[
            ("AWS_ACCESS_KEY_ID", "AKIAVARIABLE0001"),
            ("AWS_SECRET_ACCESS_KEY", "s3cr3t-variable"),
            ("AWS_SESSION_TOKEN", "s3cr3t"),
        ],
        config: "",
        credentials: "",
        differs: None,
    },
    Row {
        name: "a key in variables and the default profile",
        variables: &[
            ("AWS_ACCESS_KEY_ID", "AKIAVARIABLE0001"),
            ("AWS_SECRET_ACCESS_KEY", "s3cr3t-variable"),
        ],
        config: "",
        credentials: STATIC,
        differs: None,
    },
    Row {
        name: "a key in variables and a profile by variable",
        variables: &[
            ("AWS_ACCESS_KEY_ID", "AKIAVARIABLE0001"),
            ("AWS_SECRET_ACCESS_KEY", "s3cr3t-variable"),
            ("AWS_PROFILE", "work"),
        ],
        config: "",
        credentials: STATIC,
        differs: None,
    },
    Row {
        name: "a key in variables and a role's profile",
        variables: &[
            ("AWS_ACCESS_KEY_ID", "AKIAVARIABLE0001"),
            ("AWS_SECRET_ACCESS_KEY", "s3cr3t-variable"),
            ("AWS_PROFILE", "r"),
        ],
        config: "[profile r]\nrole_arn = arn:aws:iam::123456789012:role/one\nsource_profile = base\n",
        credentials: STATIC,
        differs: None,
    },
    Row {
        name: "a key in variables and web identity",
        variables: &[
            ("AWS_ACCESS_KEY_ID", "AKIAVARIABLE0001"),
            ("AWS_SECRET_ACCESS_KEY", "s3cr3t-variable"),
            ("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/web"),
            ("AWS_WEB_IDENTITY_TOKEN_FILE", "$HOME/token"),
        ],
        config: "",
        credentials: "",
        differs: None,
    },
    Row {
        name: "a key in variables and a container",
        variables: &[
            ("AWS_ACCESS_KEY_ID", "AKIAVARIABLE0001"),
            ("AWS_SECRET_ACCESS_KEY", "s3cr3t-variable"),
            ("AWS_CONTAINER_CREDENTIALS_FULL_URI", "$CLOUD/container"),
        ],
        config: "",
        credentials: "",
        differs: None,
    },
    Row {
        name: "a key in variables and an instance",
        variables: &[
            ("AWS_ACCESS_KEY_ID", "AKIAVARIABLE0001"),
            ("AWS_SECRET_ACCESS_KEY", "s3cr3t-variable"),
            ("AWS_EC2_METADATA_SERVICE_ENDPOINT", "$CLOUD"),
        ],
        config: "",
        credentials: "",
        differs: None,
    },
    Row {
        name: "blank variables and the default profile",
        variables: &[("AWS_ACCESS_KEY_ID", ""), ("AWS_SECRET_ACCESS_KEY", "")],
        config: "",
        credentials: STATIC,
        differs: None,
    },
    Row {
        name: "a blank session token",
        variables: &[
            ("AWS_ACCESS_KEY_ID", "AKIAVARIABLE0001"),
            ("AWS_SECRET_ACCESS_KEY", "s3cr3t-variable"),
            ("AWS_SESSION_TOKEN", ""),
        ],
        config: "",
        credentials: "",
        differs: None,
    },
    Row {
        name: "an id without its secret",
        variables: &[("AWS_ACCESS_KEY_ID", "AKIAVARIABLE0001")],
        config: "",
        credentials: STATIC,
        differs: None,
    },
    Row {
        name: "a secret without its id",
        variables: &[("AWS_SECRET_ACCESS_KEY", "s3cr3t")],
        config: "",
        credentials: STATIC,
        differs: Some("half a key is refused here, and passed by there"),
    },
    Row {
        name: "the default profile of the credentials file",
        variables: &[],
        config: "",
        credentials: STATIC,
        differs: None,
    },
    Row {
        name: "the default profile of the config file",
        variables: &[],
        config: "[default]\naws_access_key_id = AKIACONFIG000001\naws_secret_access_key = s3cr3t\n",
        credentials: "",
        differs: None,
    },
    Row {
        name: "the default profile in both files",
        variables: &[],
        config: "[default]\naws_access_key_id = AKIACONFIG000001\naws_secret_access_key = s3cr3t\n",
        credentials: STATIC,
        differs: None,
    },
    Row {
        name: "a profile named `profile default`",
        variables: &[],
        config: "[profile default]\naws_access_key_id = AKIACONFIG000001\naws_secret_access_key = s3cr3t\n",
        credentials: "",
        differs: None,
    },
    Row {
        name: "both ways to name the default",
        variables: &[],
        config: "[default]\naws_access_key_id = AKIAPLAIN0000001\naws_secret_access_key = s3cr3t\n[profile default]\naws_access_key_id = AKIAPREFIXED0001\naws_secret_access_key = s3cr3t\n",
        credentials: "",
        differs: None,
    },
    Row {
        name: "a profile by variable",
        variables: &[("AWS_PROFILE", "work")],
        config: "",
        credentials: STATIC,
        differs: None,
    },
    Row {
        name: "a profile of the config file by variable",
        variables: &[("AWS_PROFILE", "conf")],
        config: "[profile conf]\naws_access_key_id = AKIACONFIG000001\naws_secret_access_key = s3cr3t\n",
        credentials: STATIC,
        differs: None,
    },
    Row {
        name: "a profile without its prefix",
        variables: &[("AWS_PROFILE", "conf")],
        config: "[conf]\naws_access_key_id = AKIACONFIG000001\naws_secret_access_key = s3cr3t\n",
        credentials: STATIC,
        differs: None,
    },
    Row {
        name: "a profile that is not there",
        variables: &[("AWS_PROFILE", "gone")],
        config: "",
        credentials: STATIC,
        differs: None,
    },
    Row {
        name: "a profile that is not there, and a key in variables",
        variables: &[
            ("AWS_ACCESS_KEY_ID", "AKIAVARIABLE0001"),
            ("AWS_SECRET_ACCESS_KEY", "s3cr3t-variable"),
            ("AWS_PROFILE", "gone"),
        ],
        config: "",
        credentials: STATIC,
        differs: Some(
            "a key in variables needs no profile, as in the SDK for Rust; the command looks for the profile first",
        ),
    },
    Row {
        name: "a profile that is not there, and an instance",
        variables: &[
            ("AWS_PROFILE", "gone"),
            ("AWS_EC2_METADATA_SERVICE_ENDPOINT", "$CLOUD"),
        ],
        config: "",
        credentials: STATIC,
        differs: None,
    },
    Row {
        name: "the old name of the variable",
        variables: &[("AWS_DEFAULT_PROFILE", "work")],
        config: "",
        credentials: STATIC,
        differs: Some("`AWS_DEFAULT_PROFILE` is read by the command and the SDK for Python alone"),
    },
    Row {
        name: "a blank profile",
        variables: &[("AWS_PROFILE", "")],
        config: "",
        credentials: STATIC,
        differs: Some("a variable that is blank is not set, here as everywhere in Keyrule"),
    },
    Row {
        name: "a profile with a space",
        variables: &[("AWS_PROFILE", "my work")],
        config: "[profile \"my work\"]\naws_access_key_id = AKIASPACE0000001\naws_secret_access_key = s3cr3t\n",
        credentials: "",
        differs: Some("the SDK for Rust reads no quotes around the name of a profile"),
    },
    Row {
        name: "a half profile",
        variables: &[],
        config: "",
        credentials: "[default]\naws_access_key_id = AKIAHALF00000001\n",
        differs: None,
    },
    Row {
        name: "a profile with a region alone, and an instance",
        variables: &[("AWS_EC2_METADATA_SERVICE_ENDPOINT", "$CLOUD")],
        config: "[default]\nregion = eu-west-1\n",
        credentials: "",
        differs: None,
    },
    Row {
        name: "another credentials file",
        variables: &[("AWS_SHARED_CREDENTIALS_FILE", "$HOME/other-credentials")],
        config: "",
        credentials: STATIC,
        differs: None,
    },
    Row {
        name: "another config file",
        variables: &[("AWS_CONFIG_FILE", "$HOME/other-config")],
        config: "",
        credentials: "",
        differs: None,
    },
    Row {
        name: "another config file and the usual credentials",
        variables: &[("AWS_CONFIG_FILE", "$HOME/other-config")],
        config: "",
        credentials: STATIC,
        differs: None,
    },
    Row {
        name: "a credentials file by ~",
        variables: &[("AWS_SHARED_CREDENTIALS_FILE", "~/other-credentials")],
        config: "",
        credentials: STATIC,
        differs: None,
    },
    Row {
        name: "a config file that is not there",
        variables: &[("AWS_CONFIG_FILE", "$HOME/nowhere")],
        config: "",
        credentials: STATIC,
        differs: None,
    },
    Row {
        name: "comments and white space",
        variables: &[],
        config: "",
        credentials: "# a comment\n[default] ; another\naws_access_key_id=AKIASPACED000001\n  \naws_secret_access_key   =   s3cr3t   \n",
        differs: None,
    },
    Row {
        name: "a key in capitals",
        variables: &[],
        config: "",
        credentials: "[default]\nAWS_ACCESS_KEY_ID = AKIACAPITAL00001\nAWS_SECRET_ACCESS_KEY = s3cr3t\n",
        differs: None,
    },
    Row {
        name: "a role with a source profile",
        variables: &[("AWS_PROFILE", "r")],
        config: "[profile r]\nrole_arn = arn:aws:iam::123456789012:role/one\nsource_profile = base\n",
        credentials: STATIC,
        differs: None,
    },
    Row {
        name: "a role with the default as its source",
        variables: &[("AWS_PROFILE", "r")],
        config: "[profile r]\nrole_arn = arn:aws:iam::123456789012:role/one\nsource_profile = default\n",
        credentials: STATIC,
        differs: None,
    },
    Row {
        name: "a role with itself as its source",
        variables: &[("AWS_PROFILE", "r")],
        config: "[profile r]\nrole_arn = arn:aws:iam::123456789012:role/one\nsource_profile = r\naws_access_key_id = AKIASELF00000001\naws_secret_access_key = s3cr3t\n",
        credentials: STATIC,
        differs: None,
    },
    Row {
        name: "a role over a role",
        variables: &[("AWS_PROFILE", "r2")],
        config: "[profile r]\nrole_arn = arn:aws:iam::123456789012:role/one\nsource_profile = base\n[profile r2]\nrole_arn = arn:aws:iam::123456789012:role/two\nsource_profile = r\n",
        credentials: STATIC,
        differs: None,
    },
    Row {
        name: "a role of the default profile",
        variables: &[],
        config: "[default]\nrole_arn = arn:aws:iam::123456789012:role/one\nsource_profile = base\n",
        credentials: "[base]\naws_access_key_id = AKIABASE00000001\naws_secret_access_key = s3cr3t\n",
        differs: None,
    },
    Row {
        name: "a role over a source that has a key and a role",
        variables: &[("AWS_PROFILE", "r2")],
        config: "[profile r]\nrole_arn = arn:aws:iam::123456789012:role/one\nsource_profile = work\n[profile r2]\nrole_arn = arn:aws:iam::123456789012:role/two\nsource_profile = r\n",
        credentials: "[work]\naws_access_key_id = AKIAWORK00000001\naws_secret_access_key = s3cr3t\n[r]\naws_access_key_id = AKIAKEYANDROLE01\naws_secret_access_key = s3cr3t\n",
        differs: None,
    },
    Row {
        name: "a role with a key in variables as its source",
        variables: &[
            ("AWS_ACCESS_KEY_ID", "AKIAVARIABLE0001"),
            ("AWS_SECRET_ACCESS_KEY", "s3cr3t-variable"),
            ("AWS_PROFILE", "r"),
        ],
        config: "[profile r]\nrole_arn = arn:aws:iam::123456789012:role/one\ncredential_source = Environment\n",
        credentials: STATIC,
        differs: None,
    },
    Row {
        name: "a role with a container as its source",
        variables: &[
            ("AWS_PROFILE", "r"),
            ("AWS_CONTAINER_CREDENTIALS_FULL_URI", "$CLOUD/container"),
        ],
        config: "[profile r]\nrole_arn = arn:aws:iam::123456789012:role/one\ncredential_source = EcsContainer\n",
        credentials: STATIC,
        differs: None,
    },
    Row {
        name: "a role with an instance as its source",
        variables: &[
            ("AWS_PROFILE", "r"),
            ("AWS_EC2_METADATA_SERVICE_ENDPOINT", "$CLOUD"),
        ],
        config: "[profile r]\nrole_arn = arn:aws:iam::123456789012:role/one\ncredential_source = Ec2InstanceMetadata\n",
        credentials: STATIC,
        differs: None,
    },
    Row {
        name: "a role with an unknown source",
        variables: &[("AWS_PROFILE", "r")],
        config: "[profile r]\nrole_arn = arn:aws:iam::123456789012:role/one\ncredential_source = Moon\n",
        credentials: STATIC,
        differs: None,
    },
    Row {
        name: "a role without a source",
        variables: &[("AWS_PROFILE", "r")],
        config: "[profile r]\nrole_arn = arn:aws:iam::123456789012:role/one\n",
        credentials: STATIC,
        differs: None,
    },
    Row {
        name: "a role whose source is not there",
        variables: &[("AWS_PROFILE", "r")],
        config: "[profile r]\nrole_arn = arn:aws:iam::123456789012:role/one\nsource_profile = gone\n",
        credentials: STATIC,
        differs: None,
    },
    Row {
        name: "a role whose source is not there, and an instance",
        variables: &[
            ("AWS_PROFILE", "r"),
            ("AWS_EC2_METADATA_SERVICE_ENDPOINT", "$CLOUD"),
        ],
        config: "[profile r]\nrole_arn = arn:aws:iam::123456789012:role/one\nsource_profile = gone\n",
        credentials: STATIC,
        differs: None,
    },
    Row {
        name: "roles in a circle",
        variables: &[("AWS_PROFILE", "r")],
        config: "[profile r]\nrole_arn = arn:aws:iam::123456789012:role/one\nsource_profile = r2\n[profile r2]\nrole_arn = arn:aws:iam::123456789012:role/two\nsource_profile = r\n",
        credentials: "",
        differs: None,
    },
    Row {
        name: "a role that is refused",
        variables: &[("AWS_PROFILE", "r")],
        config: "[profile r]\nrole_arn = arn:aws:iam::123456789012:role/denied\nsource_profile = base\n",
        credentials: STATIC,
        differs: None,
    },
    Row {
        name: "a role with its session's name and an external id",
        variables: &[("AWS_PROFILE", "r")],
        config: "[profile r]\nrole_arn = arn:aws:iam::123456789012:role/one\nsource_profile = base\nrole_session_name = session\nexternal_id = outside\n",
        credentials: STATIC,
        differs: None,
    },
    Row {
        name: "a role over a process",
        variables: &[("AWS_PROFILE", "r")],
        config: "[profile r]\nrole_arn = arn:aws:iam::123456789012:role/one\nsource_profile = p\n[profile p]\ncredential_process = $HOME/process\n",
        credentials: STATIC,
        differs: None,
    },
    Row {
        name: "a process",
        variables: &[("AWS_PROFILE", "p")],
        config: "[profile p]\ncredential_process = $HOME/process\n",
        credentials: STATIC,
        differs: None,
    },
    Row {
        name: "a process of the default profile",
        variables: &[],
        config: "[default]\ncredential_process = $HOME/process\n",
        credentials: "",
        differs: None,
    },
    Row {
        name: "a process with an argument in quotes",
        variables: &[],
        config: "[default]\ncredential_process = \"$HOME/process\" 'a b'\n",
        credentials: "",
        differs: None,
    },
    Row {
        name: "a process and a key in the credentials file",
        variables: &[],
        config: "[default]\ncredential_process = $HOME/process\n",
        credentials: STATIC,
        differs: None,
    },
    Row {
        name: "a process that fails",
        variables: &[],
        config: "[default]\ncredential_process = /bin/false\n",
        credentials: "",
        differs: None,
    },
    Row {
        name: "a process that fails, and an instance",
        variables: &[("AWS_EC2_METADATA_SERVICE_ENDPOINT", "$CLOUD")],
        config: "[default]\ncredential_process = /bin/false\n",
        credentials: "",
        differs: None,
    },
    Row {
        name: "web identity by variables",
        variables: &[
            ("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/web"),
            ("AWS_WEB_IDENTITY_TOKEN_FILE", "$HOME/token"),
        ],
        config: "",
        credentials: "",
        differs: None,
    },
    Row {
        name: "web identity with its session's name",
        variables: &[
            ("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/web"),
            ("AWS_WEB_IDENTITY_TOKEN_FILE", "$HOME/token"),
            ("AWS_ROLE_SESSION_NAME", "session"),
        ],
        config: "",
        credentials: "",
        differs: None,
    },
    Row {
        name: "web identity and a container",
        variables: &[
            ("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/web"),
            ("AWS_WEB_IDENTITY_TOKEN_FILE", "$HOME/token"),
            ("AWS_CONTAINER_CREDENTIALS_FULL_URI", "$CLOUD/container"),
        ],
        config: "",
        credentials: "",
        differs: None,
    },
    Row {
        name: "web identity by variables, and the default profile",
        variables: &[
            ("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/web"),
            ("AWS_WEB_IDENTITY_TOKEN_FILE", "$HOME/token"),
        ],
        config: "",
        credentials: STATIC,
        differs: Some(
            "the profile goes first in the SDKs for JavaScript and Rust, and web identity in the command",
        ),
    },
    Row {
        name: "web identity by variables, and a profile by variable",
        variables: &[
            ("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/web"),
            ("AWS_WEB_IDENTITY_TOKEN_FILE", "$HOME/token"),
            ("AWS_PROFILE", "work"),
        ],
        config: "",
        credentials: STATIC,
        differs: Some(
            "the profile goes first in the SDKs for JavaScript and Rust, and web identity in the command",
        ),
    },
    Row {
        name: "web identity of a profile",
        variables: &[("AWS_PROFILE", "w")],
        config: "[profile w]\nrole_arn = arn:aws:iam::123456789012:role/web\nweb_identity_token_file = $HOME/token\n",
        credentials: STATIC,
        differs: None,
    },
    Row {
        name: "a role over web identity of a profile",
        variables: &[("AWS_PROFILE", "r")],
        config: "[profile r]\nrole_arn = arn:aws:iam::123456789012:role/one\nsource_profile = w\n[profile w]\nrole_arn = arn:aws:iam::123456789012:role/web\nweb_identity_token_file = $HOME/token\n",
        credentials: "",
        differs: None,
    },
    Row {
        name: "web identity without a file",
        variables: &[
            ("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/web"),
            ("AWS_WEB_IDENTITY_TOKEN_FILE", "$HOME/nowhere"),
        ],
        config: "",
        credentials: "",
        differs: None,
    },
    Row {
        name: "SSO as it was",
        variables: &[("AWS_PROFILE", "s")],
        config: "[profile s]\nsso_start_url = https://x.test/start\nsso_region = us-east-1\nsso_account_id = 123456789012\nsso_role_name = reader\n",
        credentials: "",
        differs: None,
    },
    Row {
        name: "SSO with a session",
        variables: &[("AWS_PROFILE", "s")],
        config: "[profile s]\nsso_session = company\nsso_account_id = 123456789012\nsso_role_name = reader\n[sso-session company]\nsso_start_url = https://x.test/start\nsso_region = us-east-1\nsso_registration_scopes = sso:account:access\n",
        credentials: "",
        differs: None,
    },
    Row {
        name: "SSO of a profile that has a key too",
        variables: &[("AWS_PROFILE", "s")],
        config: "[profile s]\nsso_start_url = https://x.test/start\nsso_region = us-east-1\nsso_account_id = 123456789012\nsso_role_name = reader\n",
        credentials: "[s]\naws_access_key_id = AKIAKEYANDSSO001\naws_secret_access_key = s3cr3t\n",
        differs: None,
    },
    Row {
        name: "a role over SSO",
        variables: &[("AWS_PROFILE", "r")],
        config: "[profile s]\nsso_session = company\nsso_account_id = 123456789012\nsso_role_name = reader\n[sso-session company]\nsso_start_url = https://x.test/start\nsso_region = us-east-1\nsso_registration_scopes = sso:account:access\n[profile r]\nrole_arn = arn:aws:iam::123456789012:role/one\nsource_profile = s\n",
        credentials: "",
        differs: None,
    },
    Row {
        name: "SSO without a token",
        variables: &[("AWS_PROFILE", "s")],
        config: "[profile s]\nsso_start_url = https://y.test/start\nsso_region = us-east-1\nsso_account_id = 123456789012\nsso_role_name = reader\n",
        credentials: "",
        differs: None,
    },
    Row {
        name: "SSO without an account, and an instance",
        variables: &[
            ("AWS_PROFILE", "s"),
            ("AWS_EC2_METADATA_SERVICE_ENDPOINT", "$CLOUD"),
        ],
        config: "[profile s]\nsso_start_url = https://x.test/start\nsso_region = us-east-1\nsso_role_name = reader\n",
        credentials: "",
        differs: None,
    },
    Row {
        name: "SSO with a session that is not there",
        variables: &[("AWS_PROFILE", "s")],
        config: "[profile s]\nsso_session = company\nsso_account_id = 123456789012\nsso_role_name = reader\n[sso-session other]\nsso_start_url = https://x.test/start\nsso_region = us-east-1\nsso_registration_scopes = sso:account:access\n",
        credentials: "",
        differs: None,
    },
    Row {
        name: "a container",
        variables: &[("AWS_CONTAINER_CREDENTIALS_FULL_URI", "$CLOUD/container")],
        config: "",
        credentials: "",
        differs: None,
    },
    Row {
        name: "a container with a token",
        variables: &[
            ("AWS_CONTAINER_CREDENTIALS_FULL_URI", "$CLOUD/container"),
            ("AWS_CONTAINER_AUTHORIZATION_TOKEN", "s3cr3t-authorization"),
        ],
        config: "",
        credentials: "",
        differs: None,
    },
    Row {
        name: "a container with a token in a file",
        variables: &[
            ("AWS_CONTAINER_CREDENTIALS_FULL_URI", "$CLOUD/container"),
            (
                "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
                "$HOME/authorization",
            ),
        ],
        config: "",
        credentials: "",
        differs: None,
    },
    Row {
        name: "a container and the default profile",
        variables: &[("AWS_CONTAINER_CREDENTIALS_FULL_URI", "$CLOUD/container")],
        config: "",
        credentials: STATIC,
        differs: None,
    },
    Row {
        name: "a container and an instance",
        variables: &[
            ("AWS_CONTAINER_CREDENTIALS_FULL_URI", "$CLOUD/container"),
            ("AWS_EC2_METADATA_SERVICE_ENDPOINT", "$CLOUD"),
        ],
        config: "",
        credentials: "",
        differs: None,
    },
    Row {
        name: "a container elsewhere over plain HTTP",
        variables: &[("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://192.0.2.1/x")],
        config: "",
        credentials: "",
        differs: None,
    },
    Row {
        name: "an instance",
        variables: &[("AWS_EC2_METADATA_SERVICE_ENDPOINT", "$CLOUD")],
        config: "",
        credentials: "",
        differs: None,
    },
    Row {
        name: "an instance and the default profile",
        variables: &[("AWS_EC2_METADATA_SERVICE_ENDPOINT", "$CLOUD")],
        config: "",
        credentials: STATIC,
        differs: None,
    },
    Row {
        name: "an instance that is disabled",
        variables: &[
            ("AWS_EC2_METADATA_SERVICE_ENDPOINT", "$CLOUD"),
            ("AWS_EC2_METADATA_DISABLED", "true"),
        ],
        config: "",
        credentials: "",
        differs: None,
    },
    Row {
        name: "a file that does not parse",
        variables: &[],
        config: "[default\n",
        credentials: STATIC,
        differs: None,
    },
    Row {
        name: "a process and a key, both in the config file",
        variables: &[],
        config: "[default]\ncredential_process = $HOME/process\naws_access_key_id = AKIACONFIG000001\naws_secret_access_key = s3cr3t\n",
        credentials: "",
        differs: Some(
            "a key goes before a process, as in the SDK for JavaScript; in the command it does so in the credentials file alone",
        ),
    },
];
