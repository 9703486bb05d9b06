//! A login where nobody sits at a terminal: the address goes to stderr, the
//! browser is waited for, and a line on stdin is taken for what the browser
//! ended at. What goes in is where to go; what comes out is what was piped in.

use std::future::Future;
use std::io::{self, BufRead, Read as _, Write as _};
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};

use tokio::sync::Mutex as Waiting;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use zeroize::Zeroizing;

use crate::output::{Look, clean};
use keyrule::{Input, LoginUi, Visit, Way};
use keyrule_credential::secret::Secret;

use super::browser::Browser;
use super::screen;

/// The most that is read of stdin.
const MOST: u64 = 1024 * 1024;

/// Shows a login as lines of text.
#[derive(Debug)]
pub(super) struct PipedUi {
    look: Look,
    browser: Option<Browser>,
    /// Taken by whoever reads stdin.
    sender: Mutex<Option<UnboundedSender<Input>>>,
    lines: Waiting<UnboundedReceiver<Input>>,
}

impl PipedUi {
    /// `reads` says whether stdin can have a line for us.
    pub(super) fn new(look: Look, browser: Option<Browser>, reads: bool) -> Self {
        let (sender, lines) = unbounded_channel();
        Self {
            look,
            browser,
            sender: Mutex::new(Some(sender).filter(|_| reads)),
            lines: Waiting::new(lines),
        }
    }
}

impl LoginUi for PipedUi {
    fn show(&self, visit: &Visit) {
        let opened = match (&visit.way, &self.browser) {
            (Way::Browser { url }, Some(browser)) => browser.open(url),
            (Way::Browser { .. }, None) | (Way::Device { .. }, _) => false,
        };
        say(&screen::text(visit, opened, "use `--device`", self.look));
        let mut sender = self.sender.lock().unwrap_or_else(PoisonError::into_inner);
        if let (Way::Browser { .. }, Some(sender)) = (&visit.way, sender.take()) {
            say("If it cannot come back here, the address that it ends at is read from stdin.\n");
            // It ends with the process: nothing can wake who reads stdin.
            std::thread::spawn(move || {
                read(io::BufReader::new(io::stdin().take(MOST)), &sender, note);
            });
        }
    }

    fn input(&self) -> Pin<Box<dyn Future<Output = Input> + Send + '_>> {
        Box::pin(async {
            match self.lines.lock().await.recv().await {
                Some(input) => input,
                // Nothing more will come; the browser still can.
                None => std::future::pending().await,
            }
        })
    }

    fn note(&self, words: &str) {
        note(words);
    }
}

/// Takes each line that is text; the others are noted.
fn read(mut input: impl BufRead, sender: &UnboundedSender<Input>, note: impl Fn(&str)) {
    loop {
        let mut line = Zeroizing::new(Vec::new());
        match input.read_until(b'\n', &mut line) {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
        let Ok(line) = std::str::from_utf8(&line) else {
            note("a line on stdin is not UTF-8, so it is not the address: paste it again");
            continue;
        };
        let line = line.trim();
        if !line.is_empty() && sender.send(Input::Pasted(Secret::new(line))).is_err() {
            return;
        }
    }
}

fn note(words: &str) {
    say(&format!("{}\n", clean(words)));
}

/// Words that cannot be written have nowhere else to go.
fn say(text: &str) {
    let mut words = io::stderr().lock();
    let _ = words.write_all(text.as_bytes());
    let _ = words.flush();
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;
    use keyrule_credential::handout;

    #[test]
    fn a_line_that_is_no_text_is_noted_and_the_next_one_is_taken() {
        let (sender, mut lines) = unbounded_channel();
        let noted = Cell::new(0);
        read(&b"\xff\xfe\n\ns3cr3t-code\n"[..], &sender, |words| {
            assert!(words.contains("not UTF-8"), "{words}");
            noted.set(noted.get() + 1);
        });
        assert_eq!(noted.get(), 1);
        match lines.try_recv() {
            Ok(Input::Pasted(line)) => assert_eq!(handout::to_send(&line), "s3cr3t-code"),
            other => panic!("{other:?}"),
        }
        assert!(lines.try_recv().is_err());
    }
}
