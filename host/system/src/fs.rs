//! Small files, read and written with care. `read` is for what a person
//! writes, `contents` for what programs keep; `atomic` writes both.

pub mod atomic;
pub mod contents;
mod error;
pub mod read;

pub use error::{FileError, words};
