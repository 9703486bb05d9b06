//! The command `keyrule`. Everything happens in `keyrule::cli`, where tests
//! can drive it.

fn main() {
    std::process::exit(keyrule::cli::run(
        std::env::args_os(),
        keyrule::ambient::Ambient::of_process(),
        &mut keyrule::cli::Streams::of_process(
            &mut std::io::stdout().lock(),
            &mut std::io::stderr(),
        ),
    ))
}
