//! The command `keyrule`. Everything happens in `keyrule_cli`, where tests
//! can drive it.

fn main() {
    std::process::exit(keyrule_cli::run(
        std::env::args_os(),
        keyrule_system::environment::Ambient::of_process(),
        &mut keyrule_cli::Streams::of_process(
            &mut std::io::stdout().lock(),
            &mut std::io::stderr(),
        ),
    ))
}
