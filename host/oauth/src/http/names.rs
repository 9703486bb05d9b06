//! The names of machines. What goes in is a name; what comes out are its
//! addresses, or that it has none. `localhost` is this machine and is never
//! looked up (RFC 6761, section 6.3): plain HTTP is for it alone, and a line
//! of a hosts file must not send that elsewhere.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::sync::oneshot;
use url::{Host, Url};

/// Looks names up as the system does.
#[derive(Debug, Clone, Copy)]
pub(super) struct Names;

/// A name has no address, as far as this machine can tell.
#[derive(Debug, thiserror::Error)]
#[error("the name cannot be resolved")]
pub(super) struct Unknown;

impl Resolve for Names {
    fn resolve(&self, name: Name) -> Resolving {
        let name = name.as_str().to_owned();
        Box::pin(async move {
            let addresses = addresses(name).await.filter(|found| !found.is_empty());
            let addresses: Addrs = Box::new(addresses.ok_or(Unknown)?.into_iter());
            Ok(addresses)
        })
    }
}

/// The system call blocks, for minutes where a name server is silent. It has
/// a thread of its own and not one of the runtime, which would wait for it
/// when it is dropped.
async fn addresses(name: String) -> Option<Vec<SocketAddr>> {
    if is_localhost(&name) {
        let both = [
            IpAddr::from(Ipv4Addr::LOCALHOST),
            IpAddr::from(Ipv6Addr::LOCALHOST),
        ];
        return Some(both.map(|address| SocketAddr::new(address, 0)).to_vec());
    }
    if let Some(fixed) = super::metadata::addresses(&name) {
        return Some(fixed.map(|address| SocketAddr::new(address, 0)).to_vec());
    }
    let (found, answer) = oneshot::channel();
    let look_up = move || {
        let addresses = (name.as_str(), 0).to_socket_addrs().ok();
        // Nobody waits any more where the time was over.
        let _ = found.send(addresses.map(Iterator::collect));
    };
    let thread = std::thread::Builder::new().name("names".to_owned());
    thread.spawn(look_up).ok()?;
    answer.await.ok()?
}

/// Whether it is this machine itself that is asked.
pub(super) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => is_localhost(name),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

fn is_localhost(name: &str) -> bool {
    name.eq_ignore_ascii_case("localhost")
}
