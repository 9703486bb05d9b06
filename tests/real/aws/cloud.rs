//! A fake of AWS, for what no real part says on demand: keys that tell how
//! they were got, refusals, clocks that are wrong, metadata. What goes in is a
//! request to STS, SSO, a container's endpoint or an instance's metadata; what
//! comes out is an access key whose id names the role, and the key that the
//! request was signed with.

use serde_json::json;

use crate::fake::{self, Asked, Fake, Say};

/// A fake of all of AWS that a search asks.
#[derive(Debug)]
pub(crate) struct Cloud(Fake);

impl Cloud {
    pub(crate) fn start() -> Self {
        Self(Fake::start(answer))
    }

    /// One that accepts connections and says nothing.
    pub(crate) fn hanging() -> Self {
        Self(Fake::start(|_| Say::Hang))
    }

    /// Scheme, host and port.
    pub(crate) fn origin(&self) -> String {
        self.0.origin()
    }

    /// The roles that were assumed, in all.
    pub(crate) fn assumed(&self) -> Vec<Asked> {
        let mut asked = self.0.asked("/");
        asked.retain(|asked| asked.body.contains("Action=AssumeRole"));
        asked
    }
}

fn answer(asked: &Asked) -> Say {
    let path = asked.path.split('?').next().unwrap_or_default();
    let begins = |start: &str| path.starts_with(start);
    if asked.body.contains("Action=AssumeRoleWithWebIdentity") {
        let token = field(&asked.body, "WebIdentityToken");
        sts(
            "AssumeRoleWithWebIdentity",
            &id(&["WEB", &role(asked), &token]),
        )
    } else if asked.body.contains("Action=AssumeRole") {
        match role(asked).as_str() {
            "denied" => refusal(403, "", "AccessDenied"),
            "skewed" => refusal(
                403,
                "Date: Thu, 01 Jan 2015 00:00:00 GMT\r\n",
                "SignatureDoesNotMatch",
            ),
            role => sts("AssumeRole", &id(&[role, &signer(asked)])),
        }
    } else if begins("/federation/credentials") {
        sso(asked)
    } else if begins("/latest/api/token") {
        let ttl = "X-Aws-Ec2-Metadata-Token-Ttl-Seconds: 21600\r\n";
        Say::Answer(200, ttl, "s3cr3t-metadata".to_owned())
    } else if path.ends_with("/security-credentials/") {
        Say::Answer(200, "Content-Type: text/plain\r\n", "instance".to_owned())
    } else if path.contains("/security-credentials/") {
        handed("ASIAINSTANCE0001")
    } else if begins("/container") {
        let sent = asked.head.contains("authorization: s3cr3t-authorization");
        handed(&id(&["CONTAINER", if sent { "sent" } else { "bare" }]))
    } else {
        Say::Answer(404, "", String::new())
    }
}

/// What a role of a container or an instance is handed.
fn handed(id: &str) -> Say {
    let body = json!({
        "Code": "Success", "Type": "AWS-HMAC", "AccessKeyId": id,
        "SecretAccessKey": "s3cr3t-role", "Token": "s3cr3t-token",
        "LastUpdated": "2026-01-01T00:00:00Z", "Expiration": "2100-01-01T00:00:00Z",
    });
    fake::json(200, &body.to_string())
}

fn sts(action: &str, id: &str) -> Say {
    Say::Answer(
        200,
        "Content-Type: text/xml\r\n",
        format!(
            "<{action}Response xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><{action}Result>\
             <AssumedRoleUser><AssumedRoleId>AROA:s</AssumedRoleId>\
             <Arn>arn:aws:sts::123456789012:assumed-role/r/s</Arn></AssumedRoleUser>\
             <Credentials><AccessKeyId>{id}</AccessKeyId>\
             <SecretAccessKey>s3cr3t-role</SecretAccessKey><SessionToken>s3cr3t-token</SessionToken>\
             <Expiration>2100-01-01T00:00:00Z</Expiration></Credentials></{action}Result>\
             <ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></{action}Response>"
        ),
    )
}

fn refusal(status: u16, headers: &'static str, code: &str) -> Say {
    Say::Answer(
        status,
        headers,
        format!(
            "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error>\
             <Type>Sender</Type><Code>{code}</Code><Message>s3cr3t-message</Message></Error>\
             <RequestId>r</RequestId></ErrorResponse>"
        ),
    )
}

fn sso(asked: &Asked) -> Say {
    let header = "x-amz-sso_bearer_token: ";
    let token = asked.head.split(header).nth(1);
    let token = token.and_then(|rest| rest.lines().next());
    if token != Some("s3cr3t-sso") {
        let body = json!({ "message": "s3cr3t-message", "__type": "UnauthorizedException" });
        return fake::json(401, &body.to_string());
    }
    let role = field(&asked.path, "role_name");
    let body = json!({ "roleCredentials": {
        "accessKeyId": id(&["SSO", &role]), "secretAccessKey": "s3cr3t-role",
        "sessionToken": "s3cr3t-token", "expiration": 4_102_444_800_000_u64,
    }});
    fake::json(200, &body.to_string())
}

/// An id that names these, in letters and digits.
fn id(parts: &[&str]) -> String {
    let text = parts.concat().to_ascii_uppercase();
    let text: String = text.chars().filter(char::is_ascii_alphanumeric).collect();
    format!("ASIA{text:0<12}")
}

/// The last part of the role's name.
fn role(asked: &Asked) -> String {
    let arn = field(&asked.body, "RoleArn");
    arn.rsplit("%2F").next().unwrap_or_default().to_owned()
}

/// A field of a form or a query.
fn field(text: &str, name: &str) -> String {
    let mut pairs = text.split(['&', '?']);
    let found = pairs.find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
    found.unwrap_or_default().to_owned()
}

/// The id of the key that the request is signed with.
fn signer(asked: &Asked) -> String {
    let rest = asked.head.split("credential=").nth(1).unwrap_or_default();
    rest.split('/').next().unwrap_or_default().to_owned()
}
