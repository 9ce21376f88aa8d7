//! Files of what changed.

use std::path::Path;

use crate::error::Result;
use crate::ffi::{self, Sized0};
use crate::limits::Limits;
use crate::open_options::OpenOptions;
use crate::reader::ZTensorReader;
use crate::texts::{c_path, optional_c_text, pointer_of, CTexts};
use crate::tools::{call_tool, Lines};
use crate::write_options::WriterOptions;

/// How [`write_delta`] and [`fold_deltas`] write their file.
#[derive(Clone, Debug, Default)]
pub struct DeltaOptions {
    writer: WriterOptions,
    open: OpenOptions,
    hint: Option<String>,
    patch: bool,
    overwrite: bool,
}

setters! { DeltaOptions:
    /// How the file is written: in format 1.2 or 2, not canonical, and without shards.
    writer: &WriterOptions => writer.clone();

    /// How [`fold_deltas`] opens the files.
    open: &OpenOptions => open.clone();

    /// The name of the base beside the new file. By default, the name of the base, if it is one file on disk.
    hint: impl Into<String> => Some(hint.into());

    /// Whether new elements are listed, not differences: longer, but the changes can be read without the base.
    patch: bool => patch;

    /// Whether an existing file is replaced.
    overwrite: bool => overwrite;
}

/// What [`write_delta`] or [`fold_deltas`] has written.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct DeltaReport {
    /// The tensors of the file.
    pub tensors: u64,
    /// How many of them are stored as what changed.
    pub deltas: u64,
    /// How many of these do not differ from the base at all.
    pub same: u64,
    /// The decoded bytes of the new tensors.
    pub bytes_in: u64,
    /// The size of the file.
    pub bytes_out: u64,
    /// What a user should know, but is no error.
    pub notes: Vec<String>,
}

/// How [`apply_delta`] works.
#[derive(Clone, Debug, Default)]
pub struct ApplyOptions {
    verify: bool,
    durable: bool,
    threads: u32,
    limits: Limits,
}

setters! { ApplyOptions:
    /// Whether all of the changes are decoded with the file first. By default, one piece of each tensor is.
    verify: bool => verify;

    /// Whether each step is synced, so that the file outlives a loss of power.
    durable: bool => durable;

    /// How many threads the call may use. 0: `ZTENSOR_THREADS` if it is set, else the cores of this process.
    threads: u32 => threads;

    /// What the files may ask for.
    limits: &Limits => *limits;
}

/// What [`apply_delta`] has done.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ApplyReport {
    /// The tensors of the file.
    pub tensors: u64,
    /// How many of them are now stored as what changed since what they were.
    pub deltas: u64,
    /// How many were added as they are.
    pub whole: u64,
    /// How many were removed.
    pub removed: u64,
    /// The size of the file before.
    pub bytes_in: u64,
    /// The size of the file now.
    pub bytes_out: u64,
    /// What a user should know, but is no error.
    pub notes: Vec<String>,
}

impl DeltaReport {
    fn from_ffi(report: ffi::zt_delta_report, lines: Lines) -> DeltaReport {
        DeltaReport {
            tensors: report.tensors,
            deltas: report.deltas,
            same: report.same,
            bytes_in: report.bytes_in,
            bytes_out: report.bytes_out,
            notes: lines.notes,
        }
    }
}

impl DeltaOptions {
    /// Calls a tool with these options.
    fn call(
        &self,
        progress: impl FnMut(u64, u64) -> bool,
        tool: impl Fn(&ffi::zt_delta_options, &mut ffi::zt_delta_report, *mut ffi::zt_error) -> ffi::zt_code,
    ) -> Result<DeltaReport> {
        let hint = optional_c_text(self.hint.as_deref(), "hint")?;
        let open = self.open.as_ffi();
        let mut report = ffi::zt_delta_report::sized();
        let lines = self.writer.with_ffi(|writer| {
            call_tool(progress, |progress, lines, error| {
                let wanted = ffi::zt_delta_options {
                    writer,
                    open: &open,
                    hint: pointer_of(&hint),
                    patch: self.patch,
                    overwrite: self.overwrite,
                    progress,
                    lines,
                    ..ffi::zt_delta_options::sized()
                };
                tool(&wanted, &mut report, error)
            })
        })?;
        Ok(DeltaReport::from_ffi(report, lines))
    }
}

/// Writes a file with the tensors of `next`, in which each dense tensor is stored as what changed since that of the same
/// name and dtype in `base`, exactly, where that is shorter. Reads all of `base` twice, and holds one stored tensor in
/// memory. A reader of the file finds the base beside it.
///
/// `progress` is called with bytes done and bytes to do, and stops the work by returning `false`. If anything fails,
/// there is no new file. Errors: [`Usage`](crate::ErrorCode::Usage) for a format that has no such tensors and for a path
/// of `base` or `next`, [`Io`](crate::ErrorCode::Io) for a file that exists.
pub fn write_delta(
    base: &ZTensorReader,
    next: &ZTensorReader,
    path: impl AsRef<Path>,
    options: &DeltaOptions,
    progress: impl FnMut(u64, u64) -> bool,
) -> Result<DeltaReport> {
    let path = c_path(path.as_ref())?;
    options.call(progress, |wanted, report, error| {
        // SAFETY: all pointers are those of values that live during the call.
        unsafe { ffi::zt_write_delta(base.as_ptr(), next.as_ptr(), path.as_ptr(), wanted, report, error) }
    })
}

/// Writes one file that reads as the last of several files of what changed, each of which is over the one before it. The
/// new file is over the base of the first one. Reads the base and the result. Otherwise as [`write_delta`].
pub fn fold_deltas<P: AsRef<Path>>(
    deltas: &[P],
    path: impl AsRef<Path>,
    options: &DeltaOptions,
    progress: impl FnMut(u64, u64) -> bool,
) -> Result<DeltaReport> {
    let (deltas, path) = (CTexts::of_paths(deltas)?, c_path(path.as_ref())?);
    options.call(progress, |wanted, report, error| {
        // SAFETY: all pointers are those of values that live during the call.
        unsafe { ffi::zt_fold_deltas(deltas.as_ptr(), deltas.len(), path.as_ptr(), wanted, report, error) }
    })
}

/// Makes a file what a file of changes over it stands for, by appending: a tensor that changed is stored over its former
/// self, which stays in the file and is hidden. Costs about what is appended. Readers that have the file open keep what
/// they see.
///
/// `progress` stops the work by returning `false`. If anything fails, the file is as it was. Errors:
/// [`Mismatch`](crate::ErrorCode::Mismatch) if the changes were made over another file,
/// [`Unsupported`](crate::ErrorCode::Unsupported) for a format that does not grow, [`Usage`](crate::ErrorCode::Usage)
/// for a file without changes, [`Io`](crate::ErrorCode::Io) while somebody else writes to the file.
pub fn apply_delta(
    path: impl AsRef<Path>,
    delta: impl AsRef<Path>,
    options: &ApplyOptions,
    progress: impl FnMut(u64, u64) -> bool,
) -> Result<ApplyReport> {
    let (path, delta) = (c_path(path.as_ref())?, c_path(delta.as_ref())?);
    let mut report = ffi::zt_apply_report::sized();
    let lines = call_tool(progress, |progress, lines, error| {
        let wanted = ffi::zt_apply_options {
            verify: options.verify,
            durable: options.durable,
            threads: options.threads,
            limits: options.limits.as_ffi(),
            progress,
            lines,
            ..ffi::zt_apply_options::sized()
        };
        // SAFETY: all pointers are those of values that live during the call.
        unsafe { ffi::zt_apply_delta(path.as_ptr(), delta.as_ptr(), &wanted, &mut report, error) }
    })?;
    Ok(ApplyReport {
        tensors: report.tensors,
        deltas: report.deltas,
        whole: report.whole,
        removed: report.removed,
        bytes_in: report.bytes_in,
        bytes_out: report.bytes_out,
        notes: lines.notes,
    })
}
