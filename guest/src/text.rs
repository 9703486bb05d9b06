//! Turns byte offsets in a document, as the TOML parser gives them, into lines
//! and columns, as people read them.

use std::ops::Range;

use crate::wit;

/// A location in one of the documents that were loaded. Small and `Copy`; it
/// becomes a [`wit::Location`] only when it leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct At {
    /// The document's index in the list of documents.
    pub document: u16,
    /// Line, from 1.
    pub line: u32,
    /// Column, from 1, in characters.
    pub column: u32,
    /// Byte offset.
    pub offset: u32,
    /// Length in bytes.
    pub length: u32,
}

impl At {
    /// Names the document by its path.
    pub(crate) fn in_paths(self, paths: &[String]) -> wit::Location {
        wit::Location {
            path: paths
                .get(usize::from(self.document))
                .cloned()
                .unwrap_or_default(),
            line: self.line,
            column: self.column,
            offset: self.offset,
            length: self.length,
        }
    }
}

/// Where the lines of one document begin.
#[derive(Debug)]
pub(crate) struct Lines<'t> {
    document: u16,
    text: &'t str,
    starts: Vec<usize>,
}

impl<'t> Lines<'t> {
    pub(crate) fn new(document: u16, text: &'t str) -> Self {
        let mut starts = vec![0];
        starts.extend(
            text.bytes()
                .enumerate()
                .filter(|(_, byte)| *byte == b'\n')
                .map(|(offset, _)| offset + 1),
        );
        Self {
            document,
            text,
            starts,
        }
    }

    /// Turns a range of bytes into a location.
    pub(crate) fn at(&self, span: &Range<usize>) -> At {
        let line = self.starts.partition_point(|start| *start <= span.start);
        let start = self
            .starts
            .get(line.saturating_sub(1))
            .copied()
            .unwrap_or_default();
        let column = self
            .text
            .get(start..span.start)
            .map_or(0, |before| before.chars().count());
        At {
            document: self.document,
            line: narrow(line.max(1)),
            column: narrow(column + 1),
            offset: narrow(span.start),
            length: narrow(span.end.saturating_sub(span.start)),
        }
    }

    /// The start of the document.
    pub(crate) fn start(&self) -> At {
        self.at(&(0..0))
    }
}

fn narrow(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_counted_in_characters() {
        let lines = Lines::new(3, "a = 1\né = \"ü\" # x\n");
        let at = lines.at(&(11..15));
        assert_eq!((at.document, at.line, at.column), (3, 2, 5));
    }

    #[test]
    fn an_empty_document_begins_at_line_one() {
        let at = Lines::new(0, "").start();
        assert_eq!((at.line, at.column), (1, 1));
    }
}
