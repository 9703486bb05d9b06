//! Files of receipts, one a line. What goes in are paths, or `-` for standard
//! input; what comes out are all the receipts in them, or the one place where
//! something else stands: half of what was decided would say too little.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read as _};
use std::path::{Path, PathBuf};

use crate::errors::{Failure, os_words};
use keyrule::receipt::{LONGEST, ParseError, Receipt};
use keyrule_system::text::{shown, typed};

/// More than so many bytes are not held in memory.
const ALL: u64 = 256 << 20;

/// A receipt and where it stands: `FILE:LINE`.
#[derive(Debug)]
pub(super) struct Found {
    pub at: String,
    pub receipt: Receipt,
}

/// Reads every receipt.
pub(super) fn read(paths: &[PathBuf]) -> Result<Vec<Found>, Failure> {
    let mut found = Vec::new();
    let mut left = ALL;
    for path in paths {
        if path.as_os_str() == "-" {
            lines(io::stdin().lock(), "-", &mut left, &mut found)?;
        } else {
            let name = shown(path);
            let file = File::open(path).map_err(|error| unreadable(path, &error))?;
            lines(BufReader::new(file), &name, &mut left, &mut found)?;
        }
    }
    if found.is_empty() {
        return Err(
            Failure::new("no-receipts", 5, "there is no receipt to replay")
                .hint("record decisions with `--receipt FILE`, as in `keyrule token --receipt decisions.jsonl`"),
        );
    }
    Ok(found)
}

fn lines(
    mut reader: impl BufRead,
    name: &str,
    left: &mut u64,
    found: &mut Vec<Found>,
) -> Result<(), Failure> {
    let mut bytes = Vec::new();
    for line in 1_u64.. {
        bytes.clear();
        let at = || format!("{name}:{line}");
        let taken = reader
            .by_ref()
            .take(LONGEST + 1)
            .read_until(b'\n', &mut bytes);
        let taken = taken.map_err(|error| unreadable(Path::new(name), &error))?;
        let taken = u64::try_from(taken).unwrap_or(u64::MAX);
        if taken == 0 {
            break;
        }
        if taken > LONGEST {
            return Err(bad(&at(), "the line is longer than any receipt"));
        }
        *left = left.checked_sub(taken).ok_or_else(|| {
            bad(
                &at(),
                &format!("these are more than {} MiB of receipts", ALL >> 20),
            )
            .hint("replay them in several runs, for example by `split -l 10000`")
        })?;
        let Ok(text) = std::str::from_utf8(&bytes) else {
            return Err(bad(&at(), "this is not text"));
        };
        let text = text.trim_end_matches(['\n', '\r']);
        if text.trim().is_empty() {
            continue;
        }
        let receipt = Receipt::parse(text).map_err(|error| {
            let failure = bad(&at(), &error.to_string());
            match error {
                ParseError::Version { .. } => {
                    failure.hint("replay it with the Keyrule that wrote it, or leave it out")
                }
                _ => failure,
            }
        })?;
        found.push(Found { at: at(), receipt });
    }
    Ok(())
}

fn bad(at: &str, what: &str) -> Failure {
    Failure::new(
        "bad-receipt",
        5,
        format!("`{at}`: {what}; nothing was replayed"),
    )
    .hint("take the line out; `keyrule policy schema --receipt` prints what a receipt is")
}

fn unreadable(path: &Path, error: &io::Error) -> Failure {
    let mut failure = Failure::new(
        "receipts-unreadable",
        5,
        format!("the receipts in `{}` cannot be read", shown(path)),
    )
    .hint(format!("see whether it is there: `ls -l {}`", typed(path)));
    failure.said.causes.push(os_words(error));
    failure
}
