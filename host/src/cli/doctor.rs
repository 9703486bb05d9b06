//! To be written.
use super::Context;
use super::args::Doctor;
use super::errors::Failure;

pub(super) fn run(_context: &mut Context<'_, '_>, _arguments: &Doctor) -> Result<i32, Failure> {
    Err(Failure::new("unsupported", 1, "to be written"))
}
