//! The same within a runtime: a request that is answered with HTTP 401 is
//! sent once more, with another credential where there is one.

#![expect(clippy::print_stdout, reason = "an example shows what it did")]

use keyrule::{Credential, Error, Resolver};

async fn run() -> Result<(), Error> {
    let mut resolver = Resolver::new("claude-code").build()?;
    let mut status = send(&resolver.resolve().await?.credential).await;
    if status == 401 {
        resolver.invalidate();
        status = send(&resolver.resolve().await?.credential).await;
    }
    println!("answered with {status}");
    Ok(())
}

/// Where your HTTP client goes.
async fn send(credential: &Credential) -> u16 {
    if credential.headers().is_empty() {
        401
    } else {
        200
    }
}

fn main() -> Result<(), Error> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(Error::Runtime)?;
    runtime.block_on(run())
}
