//! Reads receipts. What goes in is a line of text from anywhere; what comes
//! out is a receipt that holds together, or what is wrong with the line. The
//! line is never quoted: it can be anything.

use serde::{Deserialize, Deserializer};
use serde_json::error::Category;

use super::{OLDEST, Receipt, Step, VERSION};

/// Why a line is not a receipt.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParseError {
    /// The line ends before the receipt does: what wrote it was stopped, or
    /// the file was cut.
    #[error("the receipt is cut off")]
    CutOff,
    /// It is another file, or two lines that ran into each other.
    #[error("this is not JSON, from column {column} on")]
    NotJson {
        /// The column, from 1.
        column: usize,
    },
    /// It is JSON, and something else than a receipt.
    #[error("this is not a receipt, as column {column} shows")]
    NotAReceipt {
        /// The column, from 1.
        column: usize,
    },
    /// It is of a later Keyrule, or an earlier one.
    #[error(
        "the receipt is of version {version}, and this Keyrule reads versions {OLDEST} to {VERSION}"
    )]
    Version {
        /// Its version.
        version: u64,
    },
    /// It names what it does not describe.
    #[error("the receipt contradicts itself: {0}")]
    Inconsistent(&'static str),
}

#[derive(Deserialize)]
struct Versioned {
    version: u64,
}

impl Receipt {
    /// Reads a line.
    ///
    /// # Errors
    ///
    /// Where it is not a receipt of a version that is read.
    pub fn parse(line: &str) -> Result<Self, ParseError> {
        let Versioned { version } = serde_json::from_str(line).map_err(|error| fault(&error))?;
        if !(u64::from(OLDEST)..=u64::from(VERSION)).contains(&version) {
            return Err(ParseError::Version { version });
        }
        let receipt: Self = serde_json::from_str(line).map_err(|error| fault(&error))?;
        receipt.check()?;
        Ok(receipt)
    }

    fn check(&self) -> Result<(), ParseError> {
        let wrong = |what| Err(ParseError::Inconsistent(what));
        let mut ids: Vec<_> = self.sources.iter().map(|source| &source.id).collect();
        ids.sort_unstable();
        ids.dedup();
        if ids.len() < self.sources.len() {
            return wrong("two sources have the same id");
        }
        let mut seen = self
            .sources
            .iter()
            .flat_map(|source| [&source.look, &source.fetch]);
        let recorded = self.version > OLDEST;
        if seen.any(|seen| {
            seen.as_ref()
                .is_some_and(|seen| seen.redirections.is_some() != recorded)
        }) {
            return wrong(if recorded {
                "an observation without its redirections"
            } else {
                "version 1 has no redirections"
            });
        }
        let verdict = &self.verdict;
        if let Some(id) = &verdict.source
            && self.source(id).is_none()
        {
            return wrong("the verdict is about a source that is not listed");
        }
        match verdict.step {
            Step::Refuse if verdict.refusal.is_none() => wrong("a refusal without a reason"),
            Step::Look | Step::Ask | Step::Fetch | Step::Use if verdict.source.is_none() => {
                wrong("a step without a source")
            }
            Step::Refuse | Step::Consult => Ok(()),
            _ if verdict.refusal.is_some() => wrong("a step with the reason of a refusal"),
            _ => Ok(()),
        }
    }
}

/// The kind of a fix, in today's words.
pub(super) fn fix<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let word = Option::<String>::deserialize(deserializer)?;
    Ok(word.map(|word| match word.as_str() {
        "mend-helper" => "repair-helper".to_owned(),
        "mend-file" => "repair-file".to_owned(),
        "mend-keyring" => "unlock-keyring".to_owned(),
        "mend-network" => "check-network".to_owned(),
        _ => word,
    }))
}

fn fault(error: &serde_json::Error) -> ParseError {
    let column = error.column();
    match error.classify() {
        Category::Eof => ParseError::CutOff,
        Category::Syntax | Category::Io => ParseError::NotJson { column },
        Category::Data => ParseError::NotAReceipt { column },
    }
}
