use super::*;
use keyrule_contract::samples;
use keyrule_credential::material::Material;
use keyrule_system::runtime::block_on;

fn world(variables: &[(&str, &str)]) -> Ambient {
    variables
        .iter()
        .fold(Ambient::empty(), |world, (name, value)| {
            world.with_variable(*name, *value)
        })
}

const APPLICATION: [(&str, &str); 3] = [
    ("AZURE_TENANT_ID", "acme.example"),
    ("AZURE_CLIENT_ID", "00000000-0000-0000-0000-00000000000a"),
    ("AZURE_CLIENT_SECRET", "s3cr3t-client"),
];

/// The ways, each as it is spoken of.
fn ways(variables: &[(&str, &str)]) -> Vec<String> {
    let ways = way::ways(&world(variables)).unwrap();
    assert!(!format!("{ways:?}").contains("s3cr3t"));
    ways.iter().map(Way::words).collect()
}

fn refused(variables: &[(&str, &str)]) -> (wit::FailureKind, String, String) {
    let failure = way::ways(&world(variables)).unwrap_err();
    assert!(!format!("{failure:?}").contains("s3cr3t"));
    let detail = failure.detail.unwrap();
    (failure.trouble, detail, failure.found_in.unwrap())
}

fn and<'a>(more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    [&APPLICATION[..], more].concat()
}

#[test]
fn what_the_variables_name_counts_and_nothing_after_it() {
    assert_eq!(ways(&APPLICATION), ["by `AZURE_CLIENT_SECRET`"]);
    let file = ("AZURE_FEDERATED_TOKEN_FILE", "/run/token");
    assert_eq!(ways(&and(&[file])), ["by `AZURE_CLIENT_SECRET`"]);
    let without = [APPLICATION[0], APPLICATION[1], file];
    assert_eq!(ways(&without), ["by `AZURE_FEDERATED_TOKEN_FILE`"]);
    let app = [
        ("IDENTITY_ENDPOINT", "http://127.0.0.1:1/msi"),
        ("IDENTITY_HEADER", "s3cr3t-header"),
    ];
    assert_eq!(ways(&app), ["by `IDENTITY_ENDPOINT`"]);
    let tried = ["by the metadata server", "by `az`", "by `azd`"];
    assert_eq!(ways(&[]), tried);
    assert_eq!(ways(&[("AZURE_CLIENT_SECRET", " ")]), tried);
    // In Cloud Shell `az` is the same user.
    assert_eq!(
        ways(&[("MSI_ENDPOINT", "http://x")]),
        ["by `az`", "by `azd`"]
    );
}

#[test]
fn a_variable_picks_some_of_the_ways_as_it_does_in_azures_sdks() {
    let pick = |value| and(&[("AZURE_TOKEN_CREDENTIALS", value)]);
    assert_eq!(ways(&pick("dev")), ["by `az`", "by `azd`"]);
    assert_eq!(ways(&pick("PROD")), ["by `AZURE_CLIENT_SECRET`"]);
    assert_eq!(ways(&pick("azureclicredential")), ["by `az`"]);
    assert_eq!(
        ways(&pick("ManagedIdentityCredential")),
        ["by the metadata server"]
    );
    let (trouble, words, place) = refused(&pick("WorkloadIdentityCredential"));
    assert_eq!(trouble, wit::FailureKind::NoCredentials);
    assert_eq!(
        words,
        "the variables of the credential that `AZURE_TOKEN_CREDENTIALS` names are not set"
    );
    assert_eq!(place, "AZURE_TOKEN_CREDENTIALS");
    let (trouble, words, _) = refused(&pick("VisualStudioCredential"));
    assert_eq!(trouble, wit::FailureKind::Invalid);
    assert!(words.contains("`VisualStudioCredential`"), "{words}");
    let (trouble, words, _) = refused(&pick("s3cr3t-mistake"));
    assert_eq!(trouble, wit::FailureKind::Invalid);
    assert!(words.starts_with("`AZURE_TOKEN_CREDENTIALS` is not `prod`, `dev`"));
}

#[test]
fn half_an_application_is_an_error_and_nobody_else() {
    let (trouble, words, place) = refused(&APPLICATION[1..]);
    assert_eq!(trouble, wit::FailureKind::Invalid);
    assert_eq!(
        words,
        "`AZURE_CLIENT_SECRET` is set, and `AZURE_TENANT_ID` is not: set both, or neither"
    );
    assert_eq!(place, "AZURE_TENANT_ID");
    let (_, words, _) = refused(&and(&[("AZURE_TENANT_ID", "s3cr3t/../x")]));
    assert_eq!(
        words,
        "`AZURE_TENANT_ID` is not an id or the name of a domain"
    );
}

#[test]
fn what_cannot_be_asked_here_is_said_by_its_variable() {
    for (variables, what) in [
        (
            vec![("AZURE_CLIENT_CERTIFICATE_PATH", "/c.pem")],
            "a client certificate is not supported",
        ),
        (
            vec![("IDENTITY_ENDPOINT", "http://x"), ("IMDS_ENDPOINT", "y")],
            "a managed identity of Azure Arc is not supported",
        ),
        (
            vec![("MSI_ENDPOINT", "http://x"), ("MSI_SECRET", "s3cr3t")],
            "a managed identity of Azure ML is not supported",
        ),
    ] {
        let failure = search_in(&world(&variables)).unwrap_err();
        assert_eq!(failure.trouble, wit::FailureKind::Invalid);
        assert_eq!(failure.detail.as_deref(), Some(what));
    }
}

#[test]
fn entra_id_is_asked_over_tls_alone() {
    let plain = and(&[("AZURE_AUTHORITY_HOST", "http://login.test")]);
    let failure = search_in(&world(&plain)).unwrap_err();
    assert_eq!(failure.trouble, wit::FailureKind::Invalid);
    assert_eq!(
        failure.detail.as_deref(),
        Some("`AZURE_AUTHORITY_HOST` is not an `https://` URL")
    );
    let host = world(&[("AZURE_AUTHORITY_HOST", "login.test")]);
    assert_eq!(authority(&host).unwrap().as_str(), "https://login.test/");
}

#[test]
fn what_the_variables_say_is_seen_without_asking_anybody() {
    let facts = peek(&world(&APPLICATION));
    assert_eq!(facts.account.as_deref(), Some(APPLICATION[1].1));
    assert_eq!(facts.detail.as_deref(), Some("by `AZURE_CLIENT_SECRET`"));
    assert_eq!(peek(&world(&[])), Facts::default());
}

fn search_in(world: &Ambient) -> Result<Kept, Failure> {
    let mut info = samples::info();
    info.hidden_variables = vec!["KEY".to_owned()];
    let asker = Asker {
        source: samples::source(wit::Kind::Cloud(samples::cloud("foundry", None))),
        info,
        owns_signals: false,
    };
    block_on(search(&asker, world))
}

#[cfg(unix)]
mod tools {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    /// A world whose `az` and `azd` are these scripts.
    fn with(folder: &std::path::Path, scripts: &[(&str, &str)]) -> Ambient {
        for (name, script) in scripts {
            let path = folder.join(name);
            std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        }
        world(&[
            ("AZURE_TOKEN_CREDENTIALS", "dev"),
            ("PATH", &format!("{}:/usr/bin:/bin", folder.display())),
            ("KEY", "s3cr3t-key"),
        ])
    }

    const AZ: &str =
        r#"echo '{"accessToken":"s3cr3t-az","expires_on":4102444800,"tokenType":"Bearer"}'"#;

    #[test]
    fn az_prints_a_token_and_sees_no_credential_of_the_contract() {
        let folder = tempfile::tempdir().unwrap();
        let world = with(
            folder.path(),
            &[(
                "az",
                &format!(
                    "[ -z \"$KEY\" ] || exit 9\necho \"$@\" >{}/asked\n{AZ}",
                    folder.path().display()
                ),
            )],
        );
        let kept = search_in(&world).unwrap();
        assert!(!format!("{kept:?}").contains("s3cr3t"));
        let Material::Carried(secret, headers) = &kept.material else {
            panic!("{kept:?}")
        };
        assert!(handout::same(secret, &Secret::new("s3cr3t-az")));
        assert_eq!(headers[0].text, "Bearer {secret}");
        assert_eq!(kept.facts.account.as_deref(), Some("Azure CLI"));
        assert_eq!(kept.facts.detail.as_deref(), Some("by `az`"));
        let end = UNIX_EPOCH + Duration::from_secs(4_102_444_800);
        assert_eq!(kept.expires_at, Some(end));
        let asked = std::fs::read_to_string(folder.path().join("asked")).unwrap();
        assert_eq!(
            asked.trim(),
            format!("account get-access-token -o json --scope {SCOPE}")
        );
    }

    #[test]
    fn azd_is_asked_where_nobody_is_logged_in_with_az() {
        let folder = tempfile::tempdir().unwrap();
        let azd = r#"echo '{"token":"s3cr3t-azd","expiresOn":"2100-01-01T00:00:00Z"}'"#;
        let world = with(folder.path(), &[("az", "exit 1"), ("azd", azd)]);
        let kept = search_in(&world).unwrap();
        assert_eq!(kept.facts.detail.as_deref(), Some("by `azd`"));
    }

    #[test]
    fn all_that_was_missed_is_said() {
        let folder = tempfile::tempdir().unwrap();
        let world = with(folder.path(), &[("az", "exit 1")]);
        let failure = search_in(&world).unwrap_err();
        assert_eq!(failure.trouble, wit::FailureKind::NoCredentials);
        assert_eq!(
            failure.detail.as_deref(),
            Some("`az` brings no token (exit status 1); `azd` is not on `PATH`")
        );
    }

    #[test]
    fn what_is_no_token_fails_and_is_not_quoted() {
        for script in [
            "echo s3cr3t-words",
            r#"echo '{"accessToken":"","expires_on":4102444800,"tokenType":"Bearer"}'"#,
            r#"echo '{"accessToken":"s3cr3t az","expires_on":4102444800,"tokenType":"Bearer"}'"#,
        ] {
            let folder = tempfile::tempdir().unwrap();
            let world = with(folder.path(), &[("az", script)]);
            let failure = search_in(&world).unwrap_err();
            assert_eq!(failure.trouble, wit::FailureKind::MalformedAnswer);
            assert!(!format!("{failure:?}").contains("s3cr3t"), "{failure:?}");
        }
    }
}
