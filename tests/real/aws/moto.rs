//! moto on loopback, which answers as AWS does; `tests/setup aws-sdk` installs
//! it. It ends with the test, whatever becomes of that.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};

/// A running moto.
#[derive(Debug)]
pub(crate) struct Moto {
    child: Child,
    /// It ends when this is closed.
    _stdin: ChildStdin,
    port: u16,
}

impl Moto {
    pub(crate) fn start() -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("aws/moto_server.py");
        let mut child = Command::new(super::python("python"))
            .arg(script)
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let stdin = child.stdin.take().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        Self {
            child,
            _stdin: stdin,
            port: line.trim().parse().expect("moto starts"),
        }
    }

    /// Scheme, host and port.
    pub(crate) fn origin(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

impl Drop for Moto {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
