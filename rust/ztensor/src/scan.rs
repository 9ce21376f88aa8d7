//! Looking into pickles.

use std::path::Path;

use crate::error::{call, Result};
use crate::ffi;
use crate::texts::c_path;
use crate::view::Bytes;

/// What a file or a folder would run if Python loaded it, as the JSON document that `ztensor scan --json` prints. Runs
/// nothing. Reads the pickles, and no elements.
pub fn scan(path: impl AsRef<Path>) -> Result<String> {
    let path = c_path(path.as_ref())?;
    let mut json = Bytes::empty();
    // SAFETY: all pointers are those of values that live during the call.
    call(|error| unsafe { ffi::zt_scan_json(path.as_ptr(), json.as_out(), error) })?;
    Ok(json.to_text())
}
