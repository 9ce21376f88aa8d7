//! Calling the tools of the library, which work on whole files, show progress and have something to say.

use std::os::raw::c_void;

use crate::callbacks::Progress;
use crate::error::{call, Result};
use crate::ffi;
use crate::reader::slice;

/// Lines that the library has to say beside a result.
#[derive(Default)]
pub(crate) struct Lines {
    pub(crate) notes: Vec<String>,
    pub(crate) skipped: Vec<String>,
    pub(crate) losses: Vec<String>,
}

impl Lines {
    /// For a call during which `self` neither moves nor is used otherwise.
    pub(crate) fn as_ffi(&mut self) -> ffi::zt_lines {
        ffi::zt_lines { call: Some(Self::call), context: (self as *mut Self).cast() }
    }

    // It calls no code of a user, and nothing in it panics.
    unsafe extern "C" fn call(context: *mut c_void, kind: ffi::zt_line_kind, line: ffi::zt_text) {
        // SAFETY: the context is that of `as_ffi`, and the text lives during the call.
        let (lines, line) = unsafe { (&mut *context.cast::<Self>(), lossy_text(line)) };
        match kind {
            ffi::ZT_LINE_SKIPPED => lines.skipped.push(line),
            ffi::ZT_LINE_LOSS => lines.losses.push(line),
            _ => lines.notes.push(line),
        }
    }
}

/// Calls a tool. A panic of `progress` goes on here.
pub(crate) fn call_tool(
    progress: impl FnMut(u64, u64) -> bool,
    tool: impl FnOnce(ffi::zt_progress, ffi::zt_lines, *mut ffi::zt_error) -> ffi::zt_code,
) -> Result<Lines> {
    let mut progress = Progress::new(progress);
    let mut lines = Lines::default();
    let (given_progress, given_lines) = (progress.as_ffi(), lines.as_ffi());
    let result = call(|error| tool(given_progress, given_lines, error));
    progress.resume();
    result.map(|()| lines)
}

/// # Safety
/// The text lives during the call.
pub(crate) unsafe fn lossy_text(text: ffi::zt_text) -> String {
    // SAFETY: the text lives during the call.
    String::from_utf8_lossy(unsafe { slice(text.data.cast(), text.length) }).into_owned()
}
