//! The metadata services of clouds: plain HTTP by nature, because nobody but
//! the machine itself can reach them. What goes in is a URL; what comes out is
//! whether it is exactly one of those services. Everything else over plain
//! HTTP stays refused.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use url::{Host, Url};

/// Instances of AWS, Azure and Google Cloud.
const INSTANCE: Ipv4Addr = Ipv4Addr::new(169, 254, 169, 254);
/// Containers of AWS: a task of ECS, a pod of EKS.
const TASK: Ipv4Addr = Ipv4Addr::new(169, 254, 170, 2);
const POD: Ipv4Addr = Ipv4Addr::new(169, 254, 170, 23);
/// Instances and pods of AWS, by IPv6.
const INSTANCE_6: Ipv6Addr = Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254);
const POD_6: Ipv6Addr = Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x23);
/// Instances of Google Cloud that have IPv6 alone.
const GOOGLE_6: Ipv6Addr = Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254);

/// Google's name for them. It is not looked up: whoever answers for names
/// must not say where plain HTTP goes.
const GOOGLE: &str = "metadata.google.internal";

/// Whether the URL is that of a metadata service: plain HTTP, one of the fixed
/// addresses, and the port that they have.
pub fn is_metadata(url: &Url) -> bool {
    let is_known = match url.host() {
        Some(Host::Ipv4(address)) => [INSTANCE, TASK, POD].contains(&address),
        Some(Host::Ipv6(address)) => [INSTANCE_6, POD_6, GOOGLE_6].contains(&address),
        Some(Host::Domain(name)) => is_name(name),
        None => false,
    };
    is_known && url.scheme() == "http" && url.port().is_none() && !super::has_user(url)
}

/// Whether the URL is of plain HTTP and of an address that no router passes
/// on.
pub(super) fn is_link_local(url: &Url) -> bool {
    let is_known = match url.host() {
        Some(Host::Ipv4(address)) => address.is_link_local(),
        _ => false,
    };
    is_known && url.scheme() == "http" && !super::has_user(url)
}

/// The addresses of a name that is not looked up.
pub(super) fn addresses(name: &str) -> Option<[IpAddr; 2]> {
    is_name(name).then_some([IpAddr::V4(INSTANCE), IpAddr::V6(GOOGLE_6)])
}

fn is_name(name: &str) -> bool {
    name.eq_ignore_ascii_case(GOOGLE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_services_are_exactly_these() {
        let is = |url: &str| is_metadata(&Url::parse(url).unwrap());
        for url in [
            "http://169.254.169.254/latest/api/token",
            "http://169.254.169.254:80/metadata/identity/oauth2/token",
            "http://169.254.170.2/v2/credentials/0",
            "http://169.254.170.23/v1/credentials",
            "http://[fd00:ec2::254]/latest/api/token",
            "http://[fd00:ec2::23]/v1/credentials",
            "http://metadata.google.internal/computeMetadata/v1/",
        ] {
            assert!(is(url), "{url}");
        }
        for url in [
            "http://169.254.169.254:8080/",
            "https://169.254.169.254/",
            "http://user@169.254.169.254/",
            "http://169.254.169.253/",
            "http://169.254.170.3/",
            "http://[fd00:ec2::255]/",
            "http://[::ffff:169.254.169.254]/",
            "http://127.0.0.1/",
            "http://metadata.google.internal.example/",
            "http://metadata/",
            "ftp://169.254.169.254/",
        ] {
            assert!(!is(url), "{url}");
        }
    }

    #[test]
    fn what_no_router_passes_on_has_such_an_address() {
        let is = |url: &str| is_link_local(&Url::parse(url).unwrap());
        assert!(is("http://169.254.129.3:8081/msi/token"));
        for url in [
            "http://169.253.129.3:8081/",
            "https://169.254.129.3/",
            "http://user@169.254.129.3/",
            "http://10.0.0.1/",
            "http://localhost/",
        ] {
            assert!(!is(url), "{url}");
        }
    }
}
