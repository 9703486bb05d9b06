//! `--format aws-process`: what the AWS tools take from a
//! `credential_process`, and Claude Code from `awsCredentialExport`. What goes
//! in is an AWS access key; what comes out is one line of JSON. Without
//! `Expiration` a tool takes the key for one that lasts.
//! <https://docs.aws.amazon.com/sdkref/latest/guide/feature-process-credentials.html>

use serde::Serialize;

use keyrule_credential::credential::Credential;

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Answer<'c> {
    version: u8,
    access_key_id: &'c str,
    secret_access_key: &'c str,
    #[serde(skip_serializing_if = "Option::is_none")]
    session_token: Option<&'c str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expiration: Option<String>,
}

/// The answer; empty where the credential is no access key, which is checked
/// before.
pub(super) fn answer(credential: &Credential) -> String {
    let Some(key) = credential.aws_key() else {
        return String::new();
    };
    let answer = Answer {
        version: 1,
        access_key_id: key.id,
        secret_access_key: key.secret,
        session_token: key.session_token,
        expiration: super::end(credential),
    };
    // Texts alone: this cannot fail.
    serde_json::to_string(&answer).unwrap_or_default() + "\n"
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::*;
    use crate::commands::token::samples;

    #[test]
    fn a_key_is_one_line_in_the_form_of_aws() {
        let mut credential = samples::credential(Some(samples::key()));
        assert_eq!(
            answer(&credential),
            "{\"Version\":1,\"AccessKeyId\":\"AKIDEXAMPLE\",\"SecretAccessKey\":\"s3cr3t-key\",\"SessionToken\":\"s3cr3t-session\"}\n"
        );
        credential.expires_at = Some(SystemTime::UNIX_EPOCH + Duration::from_secs(4_102_444_800));
        assert!(answer(&credential).ends_with(",\"Expiration\":\"2100-01-01T00:00:00Z\"}\n"));
    }
}
