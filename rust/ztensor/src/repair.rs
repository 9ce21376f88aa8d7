//! Going back to the last whole version of a file.

use std::path::{Path, PathBuf};

use crate::error::{Error, ErrorCode, Result};
use crate::ffi::{self, Sized0};
use crate::limits::Limits;
use crate::texts::{c_path, pointer_of};
use crate::tools::call_tool;

/// How [`repair`] works.
#[derive(Clone, Debug, Default)]
pub struct RepairOptions {
    output: Option<PathBuf>,
    dry_run: bool,
    overwrite: bool,
    durable: bool,
    limits: Limits,
}

setters! { RepairOptions:
    /// Where the repaired file is written, also if the file is healthy. The file itself then stays as it is.
    /// By default, the file is cut.
    output: impl Into<PathBuf> => Some(output.into());

    /// Whether nothing is changed, so that the report says what would be done.
    dry_run: bool => dry_run;

    /// Whether an existing output is replaced.
    overwrite: bool => overwrite;

    /// Whether new files and their folder are synced, too.
    durable: bool => durable;

    /// What the file may ask for.
    limits: &Limits => *limits;
}

/// How [`repair`] has found the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RepairState {
    /// There is nothing to repair.
    Healthy,
    /// The file is whole, and a killed append has left unused bytes at its end.
    Unfinished,
    /// The end of the file is damaged, and the file contains an earlier whole version.
    Torn,
}

/// What [`repair`] has done.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RepairReport {
    /// How the file was found.
    pub state: RepairState,
    /// The tensors of the version that was found.
    pub tensors: u64,
    /// The size of the file before.
    pub size_before: u64,
    /// The size of the repaired file.
    pub size_after: u64,
    /// What a user should know, but is no error.
    pub notes: Vec<String>,
}

/// Finds the last whole version in a `.zt` file whose end is damaged, and cuts off what follows that version. Reads the
/// file from its end, and every byte of the version that it finds.
///
/// `progress` is called with bytes done and bytes to do, and stops the work by returning `false`. If anything fails,
/// the file is as it was. Errors: [`Malformed`](crate::ErrorCode::Malformed) where no version is whole, or where the
/// version may not be that of this file (see [`Error::rule`]), and [`Unsupported`](crate::ErrorCode::Unsupported) for
/// other formats.
pub fn repair(
    path: impl AsRef<Path>,
    options: &RepairOptions,
    progress: impl FnMut(u64, u64) -> bool,
) -> Result<RepairReport> {
    let path = c_path(path.as_ref())?;
    let output = options.output.as_deref().map(c_path).transpose()?;
    let mut report = ffi::zt_repair_report::sized();
    let lines = call_tool(progress, |progress, lines, error| {
        let wanted = ffi::zt_repair_options {
            output: pointer_of(&output),
            dry_run: options.dry_run,
            overwrite: options.overwrite,
            durable: options.durable,
            limits: options.limits.as_ffi(),
            progress,
            lines,
            ..ffi::zt_repair_options::sized()
        };
        // SAFETY: all pointers are those of values that live during the call.
        unsafe { ffi::zt_repair(path.as_ptr(), &wanted, &mut report, error) }
    })?;
    let state = match report.state {
        ffi::ZT_REPAIR_HEALTHY => RepairState::Healthy,
        ffi::ZT_REPAIR_UNFINISHED => RepairState::Unfinished,
        ffi::ZT_REPAIR_TORN => RepairState::Torn,
        _ => return Err(Error::new(ErrorCode::Internal, "the library repaired a file, but gave no state of it")),
    };
    Ok(RepairReport {
        state,
        tensors: report.tensors,
        size_before: report.size_before,
        size_after: report.size_after,
        notes: lines.notes,
    })
}
