//! Logs in from a program of one's own, and uses the login. What goes in is
//! the name of a policy that names an issuer, such as
//! `tests/provider/policy.toml` after `tests/provider/start`; what comes out,
//! on stderr, is where to go and whose login it is then.
//!
//! ```text
//! cargo run --example login -- test-login
//! ```

use keyrule::resolver::LoginOptions;
use keyrule::{LoginUi, Resolver, Visit, Way};

/// Says where to go, and leaves the rest to the user.
#[derive(Debug)]
struct Lines;

impl LoginUi for Lines {
    fn show(&self, visit: &Visit) {
        match &visit.way {
            Way::Browser { url } => eprintln!("visit {url}"),
            Way::Device { url, code, .. } => eprintln!("visit {url} and enter {code}"),
        }
    }
}

fn main() -> Result<(), keyrule::Error> {
    let policy = std::env::args().nth(1).unwrap_or_default();
    let mut resolver = Resolver::new(&policy).interactive(true).build()?;
    let login = resolver.login_blocking(None, &LoginOptions::default(), &Lines)?;
    eprintln!("logged in as {}", login.account.unwrap_or_default());
    // The same resolver hands out the credential, and renews it when it ends.
    let credential = resolver.resolve_blocking()?.credential;
    eprintln!("{} headers to send", credential.headers().len());
    let done = resolver.logout_blocking(None, None)?;
    eprintln!("ended at the issuer: {}", done.ended);
    Ok(())
}
