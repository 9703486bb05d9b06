//! What somebody who logs in sees, and says. What goes in is where to go and
//! until when; what comes out is what the user does meanwhile. Whether a login
//! is permitted, and what becomes of it, is not said here.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::time::Instant;

use crate::secret::Secret;

/// Shows a login to the user. [`crate::Resolver::login`] calls `show` once for
/// each way that is tried, then waits for the issuer and for `input` at once,
/// and calls `done` however it ends.
pub trait LoginUi: Send + Sync + fmt::Debug {
    /// The user is to go there: show it, open it.
    fn show(&self, visit: &Visit);

    /// What the user does while the issuer is waited for. Unless said
    /// otherwise that is nothing, and the future never ends.
    fn input(&self) -> Pin<Box<dyn Future<Output = Input> + Send + '_>> {
        Box::pin(std::future::pending())
    }

    /// What was pasted is not the answer to this login, and why; the login
    /// goes on.
    fn note(&self, _words: &str) {}

    /// The issuer has answered and is asked for the rest, or it is over.
    fn done(&self) {}
}

/// Where the user is to go.
#[derive(Debug, Clone)]
pub struct Visit {
    /// The source's id.
    pub source: String,
    /// The identifier of the issuer.
    pub issuer: String,
    /// How.
    pub way: Way,
    /// Whether [`Input::Device`] would do something.
    pub offers_device: bool,
    /// When nobody waits any more.
    pub until: Instant,
}

/// How the user logs in.
#[derive(Clone)]
pub enum Way {
    /// In a browser, which then comes back to this machine (RFC 8252).
    Browser {
        /// What the browser is to open.
        url: String,
    },
    /// On any device, with a code (RFC 8628).
    Device {
        /// Where the code is entered.
        url: String,
        /// The same with the code in it, where the issuer has that.
        complete: Option<String>,
        /// What is entered there. It is shown even where the address has it:
        /// that it is the same is how the user knows that nobody else's login
        /// is being confirmed.
        code: String,
    },
}

/// Prints no address and no code.
impl fmt::Debug for Way {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Browser { .. } => "Browser",
            Self::Device { .. } => "Device",
        })
    }
}

/// What the user does while the issuer is waited for.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Input {
    /// Pastes the address that the browser ended at, or the code in it.
    Pasted(Secret),
    /// Wants to use a code on another device.
    Device,
    /// Leaves.
    Cancel,
}
