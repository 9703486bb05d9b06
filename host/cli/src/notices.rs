//! Tells somebody at a terminal that a helper or an issuer is slow: a spinner with the
//! seconds on a terminal, one plain line elsewhere. Words on stderr only.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::output::clean;
use keyrule::Notices;

/// Where notices go.
#[derive(Debug)]
pub(crate) struct Spinner {
    /// Whether stderr is a terminal; else a notice is one line.
    is_terminal: bool,
    /// Whether nobody wants notices.
    quiet: bool,
    shown: Mutex<Option<ProgressBar>>,
}

impl Spinner {
    pub(crate) fn new(is_terminal: bool, quiet: bool) -> Self {
        Self {
            is_terminal,
            quiet,
            shown: Mutex::new(None),
        }
    }
}

impl Spinner {
    fn show(&self, message: String) {
        if self.quiet {
            return;
        }
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(spinner) = shown.as_ref() {
            spinner.set_message(message);
            spinner.tick();
            return;
        }
        let spinner = if self.is_terminal {
            ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr())
        } else {
            eprintln!("{message}");
            ProgressBar::hidden()
        };
        spinner.set_style(ProgressStyle::default_spinner());
        spinner.set_message(message);
        spinner.tick();
        *shown = Some(spinner);
    }
}

impl Notices for Spinner {
    fn slow(&self, source: &str, elapsed: Duration) {
        self.show(words(&format!("the helper of `{source}`"), elapsed));
    }

    fn slow_issuer(&self, issuer: &str, elapsed: Duration) {
        self.show(words(&format!("the issuer `{issuer}`"), elapsed));
    }

    fn done(&self) {
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(spinner) = shown.take() {
            spinner.finish_and_clear();
        }
    }

    /// The command line owns its process: ctrl-C ends a helper and then us.
    fn owns_signals(&self) -> bool {
        true
    }
}

fn words(whom: &str, elapsed: Duration) -> String {
    format!("waiting for {}: {} s", clean(whom), elapsed.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_notice_names_the_source_and_the_seconds() {
        assert_eq!(
            words("the helper of `helper`", Duration::from_millis(12_900)),
            "waiting for the helper of `helper`: 12 s"
        );
    }

    #[test]
    fn a_quiet_spinner_shows_nothing() {
        let spinner = Spinner::new(false, true);
        spinner.slow("helper", Duration::from_secs(11));
        spinner.slow_issuer("https://login.test", Duration::from_secs(3));
        assert!(spinner.shown.lock().unwrap().is_none());
        spinner.done();
    }
}
