//! Whole commands, driven in this process: arguments and a world go in, an
//! exit code and what was written come out.

use std::ffi::OsString;
use std::io::{self, Write};

use super::*;

/// What a command left behind.
#[derive(Debug, PartialEq, Eq)]
struct Left {
    code: i32,
    output: String,
    words: String,
}

/// Runs a command where nothing is a terminal.
fn drive(arguments: &[&str], ambient: Ambient) -> Left {
    let mut output = Vec::new();
    let (code, words) = drive_into(&mut output, arguments, ambient);
    Left {
        code,
        output: String::from_utf8(output).unwrap(),
        words,
    }
}

fn drive_into(output: &mut dyn Write, arguments: &[&str], ambient: Ambient) -> (i32, String) {
    let mut words = Vec::new();
    let arguments = std::iter::once("keyrule").chain(arguments.iter().copied());
    let code = run(
        arguments.map(OsString::from),
        ambient,
        &mut Streams {
            input_is_terminal: false,
            output,
            output_is_terminal: false,
            words: &mut words,
            words_is_terminal: false,
            width: None,
        },
    );
    (code, String::from_utf8(words).unwrap())
}

/// A stream that takes nothing.
struct Refusing(io::ErrorKind);

impl Write for Refusing {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(self.0.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn help_is_data_and_a_mistake_is_words() {
    let help = drive(&["--help"], Ambient::empty());
    assert_eq!((help.code, help.words), (0, String::new()));
    assert!(help.output.contains("keyrule doctor"));

    let mistake = drive(&["staus"], Ambient::empty());
    assert_eq!((mistake.code, mistake.output), (2, String::new()));
    assert!(
        mistake
            .words
            .contains("a similar subcommand exists: 'status'")
    );
}

#[test]
fn help_in_colour_says_the_same() {
    let plain = drive(&["--help"], Ambient::empty());
    let forced = Ambient::empty().with_variable("CLICOLOR_FORCE", "1");
    let painted = drive(&["--help"], forced);
    assert!(painted.output.contains("\x1b[1;36mstatus\x1b[0m"));
    assert!(!plain.output.contains('\x1b'));
}

#[test]
fn the_version_is_that_of_the_crate() {
    let version = concat!("keyrule ", env!("CARGO_PKG_VERSION"), "\n");
    assert_eq!(drive(&["--version"], Ambient::empty()).output, version);
}

#[test]
fn completions_know_every_command() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = drive(&["completions", shell], Ambient::empty());
        assert_eq!((script.code, script.words), (0, String::new()));
        assert!(script.output.contains("explain"), "{shell}");
    }
}

#[test]
fn a_reader_that_has_left_ends_a_command_quietly() {
    let mut gone = Refusing(io::ErrorKind::BrokenPipe);
    assert_eq!(
        drive_into(&mut gone, &["completions", "bash"], Ambient::empty()),
        (1, String::new())
    );
}

#[test]
fn a_full_disk_ends_a_command_with_an_error() {
    let mut full = Refusing(io::ErrorKind::StorageFull);
    assert_eq!(
        drive_into(&mut full, &["completions", "bash"], Ambient::empty()),
        (
            1,
            "error[output]: the output could not be written\ncaused by: no storage space\n".into()
        )
    );
}
