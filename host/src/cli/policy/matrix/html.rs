//! placeholder
use super::Decided;
use std::path::Path;
pub(super) fn page(_decided: &Decided, _home: Option<&Path>) -> String {
    String::new()
}
