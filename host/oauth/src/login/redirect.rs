//! What the issuer sends back with the browser (RFC 6749, section 4.1.2; RFC
//! 9207). What goes in is a query, from the browser itself or pasted; what
//! comes out is the code, or why it is not the answer to this login.

use keyrule_credential::secret::Secret;

use super::{Error, answer};

/// The longest text that is read at all.
const LONGEST: usize = 16 * 1024;

/// The code that the issuer sent back.
#[derive(Debug)]
pub struct Code(pub(super) Secret);

/// What the answer to this login must have in it.
#[derive(Debug)]
pub(super) struct Expected {
    /// What we sent along.
    pub(super) state: Secret,
    /// The identifier of the issuer.
    pub(super) issuer: String,
    /// Whether the issuer says that its answers name it.
    pub(super) names_itself: bool,
}

/// What a query is to this login.
#[derive(Debug)]
pub(super) enum Judged {
    /// Nothing: it has another state or none, so anybody can have made it.
    NotOurs,
    /// Its answer, and whether that is a good one.
    Ours(Result<Code, Error>),
}

impl Expected {
    /// Judges a query.
    pub(super) fn judge(&self, query: &str) -> Judged {
        let Ok(Some(state)) = one(query, "state") else {
            return Judged::NotOurs;
        };
        if !self.is_ours(&state) {
            return Judged::NotOurs;
        }
        Judged::Ours(self.code(query))
    }

    /// Reads what somebody pasted: the whole address, its query, or
    /// `code#state`. Quotes and line breaks come from terminals and chats.
    pub(super) fn pasted(&self, text: &str) -> Result<Code, Error> {
        let say = |words: &str| Err(Error::Callback(words.to_owned()));
        if text.len() > LONGEST {
            return say("what was pasted is too long for an address");
        }
        let text: String = text.split_whitespace().collect();
        let text = text.trim_matches(|it| "\"'`<>".contains(it));
        if text.is_empty() {
            return say("nothing was pasted");
        }
        let query = if text.starts_with("http://") || text.starts_with("https://") {
            match url::Url::parse(text) {
                Ok(address) => address.query().unwrap_or_default().to_owned(),
                Err(_) => return say("what was pasted is no whole address"),
            }
        } else if ["?", "code=", "state=", "error=", "iss="]
            .iter()
            .any(|start| text.starts_with(start))
        {
            text.trim_start_matches('?').to_owned()
        } else if let Some((code, state)) = text.split_once('#') {
            url::form_urlencoded::Serializer::new(String::new())
                .append_pair("code", code)
                .append_pair("state", state)
                .finish()
        } else {
            return say(
                "that is a code without its `state`; paste the whole address that the browser \
                 ended at, or `code#state`",
            );
        };
        if !matches!(one(&query, "code_challenge"), Ok(None)) {
            return say("that is the address to open; paste the one that the browser ended at");
        }
        match self.judge(&query) {
            Judged::Ours(judged) => judged,
            Judged::NotOurs => say(
                "what was pasted does not belong to this login; open the address that is shown \
                 now, and paste the whole address that the browser ends at",
            ),
        }
    }

    fn is_ours(&self, state: &Secret) -> bool {
        use keyrule_credential::handout::to_keep;
        to_keep(state) == to_keep(&self.state)
    }

    fn code(&self, query: &str) -> Result<Code, Error> {
        let words = |words: &str| Error::Callback(words.to_owned());
        let twice = |_: Twice| words("the answer says something twice, which no issuer does");
        let [code, error, named] = ["code", "error", "iss"].map(|name| one(query, name));
        let (code, error, named) = (
            code.map_err(twice)?,
            error.map_err(twice)?,
            named.map_err(twice)?,
        );
        // Before anything else is believed: an answer of another issuer would
        // bring its code to ours (RFC 9207, section 2.4).
        match &named {
            Some(named)
                if keyrule_credential::handout::to_keep(named) != self.issuer.as_bytes() =>
            {
                return Err(words(
                    "the answer comes from another issuer than the login was started with",
                ));
            }
            None if self.names_itself => {
                return Err(words(
                    "the answer does not name its issuer, which this issuer always does; paste \
                     the whole address that the browser ended at",
                ));
            }
            _ => {}
        }
        if let Some(error) = error {
            return Err(answer::refused(
                &self.issuer,
                keyrule_credential::handout::to_send(&error),
            ));
        }
        match code {
            Some(code) if !code.is_blank() => Ok(Code(code)),
            _ => Err(words("the answer has neither a code nor an error")),
        }
    }
}

/// A parameter that is there more than once.
#[derive(Debug)]
struct Twice;

/// The one value of a parameter. None may be there twice (RFC 6749, section
/// 3.1).
fn one(query: &str, name: &str) -> Result<Option<Secret>, Twice> {
    let mut values = url::form_urlencoded::parse(query.as_bytes())
        .filter(|(it, _)| it == name)
        .map(|(_, value)| Secret::new(value));
    match (values.next(), values.next()) {
        (value, None) => Ok(value),
        (_, Some(_)) => Err(Twice),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use keyrule_credential::handout;

    fn expected(names_itself: bool) -> Expected {
        Expected {
            state: Secret::new("s3cr3t-state"),
            issuer: "https://login.test".to_owned(),
            names_itself,
        }
    }

    fn pasted(text: &str) -> Result<String, String> {
        match expected(false).pasted(text) {
            Ok(code) => {
                assert!(!format!("{code:?}").contains("s3cr3t"));
                Ok(handout::to_send(&code.0).to_owned())
            }
            Err(error) => {
                assert!(!format!("{error} {error:?}").contains("s3cr3t"), "{error}");
                Err(error.to_string())
            }
        }
    }

    #[test]
    fn an_address_can_be_pasted_as_terminals_and_chats_leave_it() {
        let address = "http://127.0.0.1:9/callback?code=s3cr3t%2Bcode&state=s3cr3t-state";
        for text in [
            address.to_owned(),
            format!("  {address}\r\n"),
            format!("\"{address}\""),
            format!("<{address}>"),
            address.replace("code&", "co\n  de&"),
            format!("{address}&iss=https%3A%2F%2Flogin.test"),
            "code=s3cr3t%2Bcode&state=s3cr3t-state".to_owned(),
            "?state=s3cr3t-state&code=s3cr3t%2Bcode".to_owned(),
            "s3cr3t+code#s3cr3t-state".to_owned(),
            "'s3cr3t+code#s3cr3t-state'\n".to_owned(),
        ] {
            assert_eq!(pasted(&text), Ok("s3cr3t+code".to_owned()), "{text}");
        }
    }

    #[test]
    fn what_cannot_be_used_is_refused_with_what_to_do() {
        for (text, why) in [
            ("", "nothing was pasted"),
            (" \"\" ", "nothing was pasted"),
            (
                "s3cr3t-code",
                "that is a code without its `state`; paste the whole address",
            ),
            (
                "s3cr3t-code#other",
                "what was pasted does not belong to this login",
            ),
            (
                "s3cr3t-code#",
                "what was pasted does not belong to this login",
            ),
            (
                "http://127.0.0.1/callback?code=s3cr3t",
                "what was pasted does not belong",
            ),
            (
                "https://login.test/authorize?state=s3cr3t-state&code_challenge=s3cr3t",
                "that is the address to open; paste the one",
            ),
            ("http://[s3cr3t", "what was pasted is no whole address"),
            (
                &"s3cr3t".repeat(9999),
                "what was pasted is too long for an address",
            ),
            (
                "http://127.0.0.1/?code=s3cr3t&state=s3cr3t-state&iss=https://other.test/s3cr3t",
                "the answer comes from another issuer than the login was started with",
            ),
        ] {
            let error = pasted(text).unwrap_err();
            assert!(error.starts_with(why), "{error}");
        }
    }

    #[test]
    fn an_issuer_that_names_itself_must_do_so() {
        let expected = expected(true);
        let error = expected.pasted("s3cr3t-code#s3cr3t-state").unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with("the answer does not name its issuer")
        );
        let named = "code=c&state=s3cr3t-state&iss=https%3A%2F%2Flogin.test";
        assert!(matches!(expected.judge(named), Judged::Ours(Ok(_))));
        // Byte for byte: no address is read out of it.
        let slash = "code=c&state=s3cr3t-state&iss=https%3A%2F%2Flogin.test%2F";
        assert!(matches!(
            expected.judge(slash),
            Judged::Ours(Err(Error::Callback(_)))
        ));
    }

    #[test]
    fn an_answer_without_our_state_is_nobodys() {
        for query in [
            "code=s3cr3t",
            "code=s3cr3t&state=",
            "code=s3cr3t&state=s3cr3t",
            "error=access_denied",
            "error=access_denied&state=other",
            "code=s3cr3t&state=s3cr3t-state&state=s3cr3t-state",
        ] {
            assert!(
                matches!(expected(false).judge(query), Judged::NotOurs),
                "{query}"
            );
        }
    }

    #[test]
    fn an_answer_with_our_state_ends_the_login_even_where_it_is_a_bad_one() {
        for (query, why) in [
            (
                "state=s3cr3t-state",
                "the answer has neither a code nor an error",
            ),
            (
                "state=s3cr3t-state&code=+",
                "the answer has neither a code nor an error",
            ),
            (
                "state=s3cr3t-state&code=s3cr3t&code=s3cr3t",
                "the answer says something twice, which no issuer does",
            ),
            (
                "state=s3cr3t-state&error=access_denied&error_description=s3cr3t",
                "the issuer refused: the login was declined (`access_denied`)",
            ),
            (
                "state=s3cr3t-state&error=s3cr3t",
                "`https://login.test` refuses with something that is no code of OAuth",
            ),
        ] {
            let Judged::Ours(Err(error)) = expected(false).judge(query) else {
                panic!("{query}");
            };
            assert_eq!(error.to_string(), why);
        }
    }
}
