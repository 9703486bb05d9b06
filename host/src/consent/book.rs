//! The book of consents: `consents.json` in our state folder. What goes in is
//! an answer and what it was about; what comes out later is that answer, for
//! exactly the same policy, source, origin and value. The file holds names,
//! origins and keyed hashes, no value. It is read anew for each question, so
//! that what another process wrote counts.

use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::files::{Entry, Files, Kept, Matter, set_aside};
use super::key::Key;
use super::{Answer, Error};
use crate::ambient::Ambient;
use crate::secret::Secret;
use keyrule_contract::Consent;

/// How many answers are kept for one source and origin, the newest ones:
/// keys are rotated, and the answers to old ones serve nobody.
const MOST: usize = 32;

/// The consents of one user.
#[derive(Debug, Clone)]
pub struct ConsentBook {
    folder: Option<PathBuf>,
}

/// One remembered answer, without what only its hash knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remembered {
    /// The policy's name.
    pub policy: String,
    /// The source's id.
    pub source: String,
    /// Where it would be sent; none where that is nowhere in particular.
    pub origin: Option<String>,
    /// Whether it was approved; else it was declined.
    pub approved: bool,
    /// When.
    pub when: SystemTime,
}

/// Which answers to forget.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Forget<'a> {
    /// Those about one source of one policy.
    Source {
        /// The policy's name.
        policy: &'a str,
        /// The source's id.
        source: &'a str,
    },
    /// All, also where the files are damaged.
    All,
}

/// What was forgotten.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Forgotten {
    /// How many answers.
    pub count: usize,
    /// Files that could not be believed, under their new names.
    pub set_aside: Vec<PathBuf>,
}

impl ConsentBook {
    /// The book in the user's state folder. Opens no file: there may be none.
    #[must_use]
    pub fn open(ambient: &Ambient) -> Self {
        Self {
            folder: ambient.state_folder(),
        }
    }

    /// What the user has said about this source, sent there, with this value.
    ///
    /// # Errors
    ///
    /// Where the book is there and cannot be read, parsed or believed. Then
    /// nothing is known, and the source must not be used.
    pub fn recall(
        &self,
        policy: &str,
        source: &str,
        origin: Option<&str>,
        subject: &Secret,
    ) -> Result<Consent, Error> {
        let Some(files) = self.files() else {
            return Ok(Consent::Undecided);
        };
        let matter = Matter {
            policy,
            source,
            origin,
            subject,
        };
        let Some(text) = files.read()? else {
            return Ok(Consent::Undecided);
        };
        let about: Vec<_> = text.about(&matter).collect();
        if about.is_empty() {
            return Ok(Consent::Undecided);
        }
        let key = files.key()?;
        let mut consent = Consent::Undecided;
        for entry in about {
            // Were there both, the one that hands nothing out would hold.
            if consent != Consent::Declined
                && key.verifies(&matter, entry.answer.consent(), &entry.hash)?
            {
                consent = entry.answer.consent();
            }
        }
        Ok(consent)
    }

    /// Remembers an answer in place of an older one. A cancelled question
    /// leaves everything as it is.
    ///
    /// # Errors
    ///
    /// Where the book cannot be read, parsed, believed or written. Then it is
    /// as it was, and the answer serves this once.
    pub fn remember(
        &self,
        policy: &str,
        source: &str,
        origin: Option<&str>,
        subject: &Secret,
        answer: Answer,
    ) -> Result<(), Error> {
        let answer = match answer {
            Answer::Use | Answer::UseAndKeep => Kept::Approved,
            Answer::Decline => Kept::Declined,
            Answer::Cancel => return Ok(()),
        };
        let files = self.files().ok_or(Error::NoPlace)?;
        let matter = Matter {
            policy,
            source,
            origin,
            subject,
        };
        let _lock = files.lock()?;
        let mut text = files.read()?.unwrap_or_default();
        let key = if text.consents.is_empty() {
            Key::create(&files.key_path())?
        } else {
            files.key()?
        };
        let mut kept = Vec::with_capacity(text.consents.len() + 1);
        let mut room = MOST - 1;
        for entry in text.consents.into_iter().rev() {
            if entry.is_about(&matter) {
                if room == 0 || key.verifies(&matter, entry.answer.consent(), &entry.hash)? {
                    continue;
                }
                room -= 1;
            }
            kept.push(entry);
        }
        kept.reverse();
        kept.push(Entry {
            policy: policy.to_owned(),
            source: source.to_owned(),
            origin: origin.map(str::to_owned),
            answer,
            when: SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .map_or(0, |since| since.as_secs()),
            hash: key.hash(&matter, answer.consent())?,
        });
        text.consents = kept;
        files.write(&text)
    }

    /// Every answer, in the order in which they were given.
    ///
    /// # Errors
    ///
    /// Where the book is there and cannot be read, parsed or believed.
    pub fn list(&self) -> Result<Vec<Remembered>, Error> {
        let text = self.files().map(|files| files.read()).transpose()?;
        let consents = text.flatten().unwrap_or_default().consents;
        Ok(consents.into_iter().map(Remembered::from).collect())
    }

    /// Forgets answers. What is there and cannot be believed is set aside
    /// under another name where all is to be forgotten, and else an error.
    ///
    /// # Errors
    ///
    /// Where the book cannot be read, parsed or believed (unless all is to be
    /// forgotten), or cannot be written.
    pub fn forget(&self, what: Forget<'_>) -> Result<Forgotten, Error> {
        let mut forgotten = Forgotten::default();
        let Some(files) = self.files() else {
            return Ok(forgotten);
        };
        // Nothing is made where there is nothing to forget.
        if !files.exist()? {
            return Ok(forgotten);
        }
        let _lock = files.lock()?;
        let text = match (files.read(), what) {
            (Ok(text), _) => text,
            (Err(_), Forget::All) => {
                forgotten.set_aside.push(set_aside(&files.book_path())?);
                None
            }
            (Err(error), Forget::Source { .. }) => return Err(error),
        };
        if what == Forget::All && Key::read(&files.key_path()).is_err() {
            forgotten.set_aside.push(set_aside(&files.key_path())?);
        }
        let Some(mut text) = text else {
            return Ok(forgotten);
        };
        let before = text.consents.len();
        text.consents.retain(|entry| match what {
            Forget::All => false,
            Forget::Source { policy, source } => entry.policy != policy || entry.source != source,
        });
        forgotten.count = before - text.consents.len();
        if forgotten.count > 0 {
            files.write(&text)?;
        }
        Ok(forgotten)
    }

    fn files(&self) -> Option<Files<'_>> {
        let folder = self.folder.as_deref()?;
        Some(Files::new(folder))
    }
}

impl From<Entry> for Remembered {
    fn from(entry: Entry) -> Self {
        Self {
            policy: entry.policy,
            source: entry.source,
            origin: entry.origin,
            approved: matches!(entry.answer, Kept::Approved),
            when: UNIX_EPOCH
                .checked_add(Duration::from_secs(entry.when))
                .unwrap_or(UNIX_EPOCH),
        }
    }
}

#[cfg(test)]
mod tests;
