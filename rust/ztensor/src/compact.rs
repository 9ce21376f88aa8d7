//! Giving unused bytes back.

use std::path::Path;

use crate::error::Result;
use crate::ffi::{self, Sized0};
use crate::limits::Limits;
use crate::texts::c_path;
use crate::tools::call_tool;

/// How [`compact`] works.
#[derive(Clone, Debug, Default)]
pub struct CompactOptions {
    durable: bool,
    limits: Limits,
}

setters! { CompactOptions:
    /// Whether the folder is synced, too. The file always is.
    durable: bool => durable;

    /// What the file may ask for.
    limits: &Limits => *limits;
}

/// What [`compact`] has done.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct CompactReport {
    /// Whether there was something to give back. If not, the file is as it was.
    pub changed: bool,
    /// The tensors of the file.
    pub tensors: u64,
    /// The size of the file before.
    pub size_before: u64,
    /// The size of the file now.
    pub size_after: u64,
    /// What a user should know, but is no error.
    pub notes: Vec<String>,
}

/// Writes a file anew without the bytes that no tensor uses, and puts the new file in its place. Reads and writes every
/// byte that stays, and reads the new file back. Readers that have the old file open keep it.
///
/// `progress` is called with bytes done and bytes to do, and stops the work by returning `false`. If anything fails,
/// the file is as it was. Errors: [`Unsupported`](crate::ErrorCode::Unsupported) for a format that does not grow and
/// for a file with unreadable tensors, [`Mismatch`](crate::ErrorCode::Mismatch) where a digest is wrong,
/// [`Io`](crate::ErrorCode::Io) while somebody writes to the file.
pub fn compact(
    path: impl AsRef<Path>,
    options: &CompactOptions,
    progress: impl FnMut(u64, u64) -> bool,
) -> Result<CompactReport> {
    let path = c_path(path.as_ref())?;
    let mut report = ffi::zt_compact_report::sized();
    let lines = call_tool(progress, |progress, lines, error| {
        let wanted = ffi::zt_compact_options {
            durable: options.durable,
            limits: options.limits.as_ffi(),
            progress,
            lines,
            ..ffi::zt_compact_options::sized()
        };
        // SAFETY: all pointers are those of values that live during the call.
        unsafe { ffi::zt_compact(path.as_ptr(), &wanted, &mut report, error) }
    })?;
    Ok(CompactReport {
        changed: report.changed,
        tensors: report.tensors,
        size_before: report.size_before,
        size_after: report.size_after,
        notes: lines.notes,
    })
}
