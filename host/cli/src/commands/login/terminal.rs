//! A login at a terminal: the address, a line with the time that is left, and
//! keys. What goes in is where to go; what comes out is what the user does.
//! The terminal is in raw mode only while somebody is waited for, and comes
//! out of it whatever happens: at the end, at a panic, at a signal.

use std::future::{Future, poll_fn};
use std::io::{self, Write as _};
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crossterm::event::{
    self, DisableBracketedPaste, EnableBracketedPaste, Event, KeyCode, KeyEvent, KeyEventKind,
    KeyModifiers,
};
use crossterm::{execute, terminal};
use tokio::sync::Mutex as Waiting;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use zeroize::Zeroizing;

use crate::output::{Look, clean, wrap};
use keyrule::{Input, LoginUi, Visit, Way};
use keyrule_credential::secret::Secret;
use keyrule_system::signals::Signals;

use super::browser::Browser;
use super::{clipboard, screen};

/// How often the line is drawn.
const TURN: Duration = Duration::from_millis(100);

/// How long a word about a key stays.
const WORD: Duration = Duration::from_secs(3);

/// The most that is taken from the keyboard.
const MOST: usize = 64 * 1024;

/// Shows a login at the terminal of this process.
#[derive(Debug)]
pub(super) struct TerminalUi {
    look: Look,
    browser: Option<Browser>,
    clipboard: Vec<&'static [&'static str]>,
    sender: UnboundedSender<Input>,
    inputs: Waiting<UnboundedReceiver<Input>>,
    watch: Mutex<Option<Watch>>,
    note: Arc<Mutex<Option<String>>>,
}

/// Whoever watches the keyboard.
#[derive(Debug)]
struct Watch {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl TerminalUi {
    pub(super) fn new(
        look: Look,
        browser: Option<Browser>,
        clipboard: Vec<&'static [&'static str]>,
    ) -> Self {
        let (sender, inputs) = unbounded_channel();
        Self {
            look,
            browser,
            clipboard,
            sender,
            inputs: Waiting::new(inputs),
            watch: Mutex::default(),
            note: Arc::default(),
        }
    }

    fn stop(&self) {
        let watch = self
            .watch
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(Watch { stop, thread }) = watch {
            stop.store(true, Ordering::SeqCst);
            // Not longer than it can take: crossterm reads a terminal that
            // has gone away for ever.
            let until = Instant::now() + 5 * TURN;
            while !thread.is_finished() && Instant::now() < until {
                std::thread::sleep(TURN / 10);
            }
            if thread.is_finished() {
                let _ = thread.join();
            } else {
                Raw::off();
            }
        }
    }
}

impl LoginUi for TerminalUi {
    fn show(&self, visit: &Visit) {
        self.stop();
        let opened = match (&visit.way, &self.browser) {
            (Way::Browser { url }, Some(browser)) => browser.open(url),
            (Way::Browser { .. }, None) | (Way::Device { .. }, _) => false,
        };
        let mut text = screen::text(visit, opened, "press d", self.look);
        text.push_str(&screen::keys(visit, self.look));
        say(&text);
        let stop = Arc::new(AtomicBool::new(false));
        let keyboard = Keyboard {
            visit: visit.clone(),
            look: self.look,
            clipboard: self.clipboard.clone(),
            sender: self.sender.clone(),
            stop: Arc::clone(&stop),
            note: Arc::clone(&self.note),
            word: None,
            pasting: None,
        };
        let thread = std::thread::spawn(move || keyboard.watch());
        *self.watch.lock().unwrap_or_else(PoisonError::into_inner) = Some(Watch { stop, thread });
    }

    fn input(&self) -> Pin<Box<dyn Future<Output = Input> + Send + '_>> {
        Box::pin(async {
            let mut inputs = self.inputs.lock().await;
            let mut signals = Signals::listen(true);
            let came = {
                let mut input = pin!(inputs.recv());
                let mut signal = pin!(signals.next());
                poll_fn(|context| match input.as_mut().poll(context) {
                    Poll::Ready(input) => Poll::Ready(Ok(input)),
                    Poll::Pending => signal.as_mut().poll(context).map(Err),
                })
                .await
            };
            match came {
                Ok(input) => input.unwrap_or(Input::Cancel),
                Err(signal) => {
                    self.stop();
                    signals.die_of(signal);
                    Input::Cancel
                }
            }
        })
    }

    fn note(&self, words: &str) {
        *self.note.lock().unwrap_or_else(PoisonError::into_inner) = Some(clean(words));
    }

    fn done(&self) {
        self.stop();
    }
}

impl Drop for TerminalUi {
    fn drop(&mut self) {
        self.stop();
    }
}

/// The keyboard, and the line that moves.
struct Keyboard {
    visit: Visit,
    look: Look,
    clipboard: Vec<&'static [&'static str]>,
    sender: UnboundedSender<Input>,
    stop: Arc<AtomicBool>,
    /// What is to be said above the line.
    note: Arc<Mutex<Option<String>>>,
    /// What is said in place of the time that is left, and until when.
    word: Option<(&'static str, Instant)>,
    /// What was typed so far of an address that is not shown.
    pasting: Option<Zeroizing<String>>,
}

impl Keyboard {
    fn watch(mut self) {
        let Some(_raw) = Raw::on() else {
            return;
        };
        let mut turn = 0;
        while !self.stop.load(Ordering::SeqCst) {
            if let Some(note) = self.note() {
                let lines = wrap(&note, self.look.width.saturating_sub(2));
                say(&format!("\r\x1b[K{}\r\n", lines.join("\r\n")));
            }
            let now = Instant::now();
            let line = match (&self.pasting, self.word) {
                (_, Some((word, until))) if now < until => word.to_owned(),
                (Some(pasted), _) => screen::pasting(pasted.chars().count()),
                (None, _) => {
                    let left = self.visit.until.saturating_duration_since(now);
                    screen::status(&self.visit, left, turn, self.look)
                }
            };
            draw(&line);
            turn = turn.wrapping_add(1);
            let input = match pressed(TURN) {
                Ok(false) => None,
                Ok(true) => match event::read() {
                    Ok(event) => self.heard(event),
                    Err(_) => Some(Input::Cancel),
                },
                // The terminal is gone: nobody will answer.
                Err(_) => Some(Input::Cancel),
            };
            let leaves = matches!(input, Some(Input::Cancel));
            if let Some(input) = input {
                let _ = self.sender.send(input);
            }
            if leaves {
                return;
            }
        }
    }

    fn note(&self) -> Option<String> {
        let mut note = self.note.lock().unwrap_or_else(PoisonError::into_inner);
        note.take()
    }

    fn heard(&mut self, event: Event) -> Option<Input> {
        match event {
            Event::Paste(text) if matches!(self.visit.way, Way::Browser { .. }) => {
                self.pasting = None;
                taken(&Zeroizing::new(text))
            }
            Event::Key(key) if key.kind != KeyEventKind::Release => self.pressed(key),
            _ => None,
        }
    }

    fn pressed(&mut self, key: KeyEvent) -> Option<Input> {
        let control = key.modifiers.contains(KeyModifiers::CONTROL);
        match (key.code, &mut self.pasting) {
            (KeyCode::Char('c' | 'd'), _) if control => Some(Input::Cancel),
            (KeyCode::Esc, Some(_)) => {
                self.pasting = None;
                None
            }
            (KeyCode::Esc, None) => Some(Input::Cancel),
            (KeyCode::Enter, Some(_)) => {
                let pasted = self.pasting.take()?;
                taken(&pasted)
            }
            (KeyCode::Backspace, Some(pasted)) => {
                pasted.pop();
                None
            }
            (KeyCode::Char(character), Some(pasted)) if !control => {
                if pasted.len() < MOST {
                    pasted.push(character);
                }
                None
            }
            (KeyCode::Char('c'), None) => {
                let url = clean(address(&self.visit));
                say(&clipboard::sequence(&url));
                clipboard::copy(&self.clipboard, &url);
                let until = Instant::now() + WORD;
                self.word = Some(("sent the address to the clipboard", until));
                None
            }
            (KeyCode::Char('p'), None) if matches!(self.visit.way, Way::Browser { .. }) => {
                // Room for all of it: text that grows leaves copies behind.
                self.pasting = Some(Zeroizing::new(String::with_capacity(MOST + 4)));
                self.word = None;
                None
            }
            (KeyCode::Char('d'), None) if self.visit.offers_device => Some(Input::Device),
            _ => None,
        }
    }
}

/// Whether there is something to read from the terminal within this time. The
/// error says that the terminal is gone, which crossterm takes for something
/// to read, again and again.
#[cfg(unix)]
fn pressed(within: Duration) -> io::Result<bool> {
    // What crossterm has read already and not yet told.
    readable(Duration::ZERO)?;
    if event::poll(Duration::ZERO)? {
        return Ok(true);
    }
    Ok(readable(within)? && event::poll(Duration::ZERO)?)
}

#[cfg(unix)]
fn readable(within: Duration) -> io::Result<bool> {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};

    let input = io::stdin();
    let mut descriptors = [PollFd::new(&input, PollFlags::IN)];
    let within = Timespec::try_from(within).map_err(io::Error::other)?;
    match poll(&mut descriptors, Some(&within)) {
        // A signal, such as that the window has another size.
        Err(rustix::io::Errno::INTR) => return Ok(false),
        result => result?,
    };
    let [descriptor] = descriptors;
    let came = descriptor.revents();
    if came.intersects(PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL) {
        return Err(io::ErrorKind::BrokenPipe.into());
    }
    Ok(came.contains(PollFlags::IN))
}

#[cfg(not(unix))]
fn pressed(within: Duration) -> io::Result<bool> {
    event::poll(within)
}

/// What was pasted, unless it is nothing. A terminal that cannot tell a paste
/// from keys has taken the `http` of an address for the key `p`.
fn taken(text: &str) -> Option<Input> {
    let text = text.trim();
    let text = if text.starts_with("://") {
        Zeroizing::new(format!("http{text}"))
    } else {
        Zeroizing::new(text.to_owned())
    };
    (!text.is_empty()).then(|| Input::Pasted(Secret::new(text.as_str())))
}

/// What is copied: the address that takes the fewest keys.
fn address(visit: &Visit) -> &str {
    match &visit.way {
        Way::Browser { url } => url,
        Way::Device { url, complete, .. } => complete.as_ref().unwrap_or(url),
    }
}

/// Raw mode, until it is dropped.
struct Raw;

impl Raw {
    fn on() -> Option<Self> {
        /// A panic that aborts drops nothing.
        static HOOK: std::sync::Once = std::sync::Once::new();
        HOOK.call_once(|| {
            let before = std::panic::take_hook();
            std::panic::set_hook(Box::new(move |panic| {
                Self::off();
                before(panic);
            }));
        });
        terminal::enable_raw_mode().ok()?;
        let _ = execute!(io::stderr(), EnableBracketedPaste);
        Some(Self)
    }

    fn off() {
        if matches!(terminal::is_raw_mode_enabled(), Ok(true)) {
            draw("");
            let _ = execute!(io::stderr(), DisableBracketedPaste);
            let _ = terminal::disable_raw_mode();
        }
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        Self::off();
    }
}

/// Draws the line in place of what stood there.
fn draw(line: &str) {
    let width = terminal::size().map_or(80, |(width, _)| usize::from(width));
    let line = screen::fit(line, width.saturating_sub(1));
    say(&format!("\r\x1b[K{line}"));
}

/// Words that cannot be written have nowhere else to go.
fn say(text: &str) {
    let mut words = io::stderr().lock();
    let _ = words.write_all(text.as_bytes());
    let _ = words.flush();
}
