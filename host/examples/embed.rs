//! A tool that takes its credential from Keyrule, under the policy that this
//! machine has for it. Run it with `cargo run --example embed`.

#![expect(clippy::print_stdout, reason = "an example shows what it got")]

use keyrule::{Error, Resolver};

fn main() -> Result<(), Error> {
    let mut resolver = Resolver::new("claude-code").build()?;
    let credential = resolver.resolve_blocking()?.credential;
    let names: Vec<_> = credential
        .headers()
        .into_iter()
        .map(|(name, _)| name)
        .collect();
    println!(
        "send {names:?} of `{}` to {:?}",
        credential.source, credential.endpoint
    );
    Ok(())
}
