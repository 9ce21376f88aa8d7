//! Changing files in place.

use std::path::{Path, PathBuf};

use crate::error::Result;
use crate::ffi::{self, Sized0};
use crate::limits::Limits;
use crate::open_options::OpenOptions;
use crate::texts::{c_path, pointer_of, CTexts};
use crate::tools::{call_tool, Lines};
use crate::write_options::{ChecksumAlgorithm, Encoding, WriterOptions};

/// How [`append`] writes what it takes.
#[derive(Clone, Debug, Default)]
pub struct AppendOptions {
    writer: WriterOptions,
    open: OpenOptions,
    encoding: Option<Encoding>,
    replace: bool,
    skip_unreadable: bool,
}

setters! { AppendOptions:
    /// How the target is written. Its encoding must be unset, and its mode has no effect. Call this before
    /// [`format`](Self::format), [`checksum`](Self::checksum) and [`durable`](Self::durable), which change single
    /// options of it.
    writer: &WriterOptions => writer.clone();

    /// How the sources and the target are opened.
    open: &OpenOptions => open.clone();

    /// The encoding of every part. By default, what the target can hold stays as it is.
    encoding: Encoding => Some(encoding);

    /// Whether a tensor takes the place of one that the target has under its name. By default, that is an error.
    replace: bool => replace;

    /// Whether tensors that cannot be read are left out. By default, they are an error.
    skip_unreadable: bool => skip_unreadable;
}

impl AppendOptions {
    /// The format of a target that is made: `"1.2"` or `"2"`. A target that grows must have it.
    pub fn format(&mut self, format: &str) -> &mut AppendOptions {
        self.writer.format(format);
        self
    }

    /// The digest of parts that are stored anew.
    pub fn checksum(&mut self, checksum: ChecksumAlgorithm) -> &mut AppendOptions {
        self.writer.checksum(checksum);
        self
    }

    /// Whether each step is synced, so that the target outlives a loss of power.
    pub fn durable(&mut self, durable: bool) -> &mut AppendOptions {
        self.writer.durable(durable);
        self
    }
}

/// How [`remove`] works.
#[derive(Clone, Debug, Default)]
pub struct RemoveOptions {
    output: Option<PathBuf>,
    overwrite: bool,
    durable: bool,
    limits: Limits,
}

setters! { RemoveOptions:
    /// Where a compact copy without the tensors is written. The file itself then stays as it is. By default, the file
    /// is changed in place.
    output: impl Into<PathBuf> => Some(output.into());

    /// Whether an existing output is replaced. The file itself never is.
    overwrite: bool => overwrite;

    /// Whether each step is synced, so that the file outlives a loss of power.
    durable: bool => durable;

    /// What the file may ask for.
    limits: &Limits => *limits;
}

/// What [`append`] or [`remove`] has done.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ChangeReport {
    /// Tensors that were appended, or removed.
    pub tensors: u64,
    /// How many of the appended tensors took the place of another.
    pub replaced: u64,
    /// The size of what was read: of the sources of `append`, or of the file.
    pub bytes_in: u64,
    /// The size of the target.
    pub bytes_out: u64,
    /// Bytes of the target that no tensor uses, and that [`compact`](crate::compact()) gives back.
    pub reclaimable: u64,
    /// `"name: cause"` of each tensor that was left out.
    pub skipped: Vec<String>,
    /// What a user should know, but is no error.
    pub notes: Vec<String>,
}

impl ChangeReport {
    fn from_ffi(report: ffi::zt_change_report, lines: Lines) -> ChangeReport {
        ChangeReport {
            tensors: report.tensors,
            replaced: report.replaced,
            bytes_in: report.bytes_in,
            bytes_out: report.bytes_out,
            reclaimable: report.reclaimable,
            skipped: lines.skipped,
            notes: lines.notes,
        }
    }
}

/// Puts all tensors of other files, of any format, into a `.zt` file, which grows in place or is made. Costs what is
/// appended, and one index: tensors that the target has do not move.
///
/// `progress` is called with bytes done and bytes to do, and stops the work by returning `false`. If anything fails,
/// the target is as it was. Errors: [`Usage`](crate::ErrorCode::Usage) for a name that the target has and that is not
/// to be replaced, and for a name that two sources have; [`Unsupported`](crate::ErrorCode::Unsupported) for a target
/// whose format does not grow; [`Io`](crate::ErrorCode::Io) while somebody else writes to the target.
pub fn append<P: AsRef<Path>>(
    target: impl AsRef<Path>,
    sources: &[P],
    options: &AppendOptions,
    progress: impl FnMut(u64, u64) -> bool,
) -> Result<ChangeReport> {
    let target = c_path(target.as_ref())?;
    let sources = CTexts::of_paths(sources)?;
    let open = options.open.as_ffi();
    let (encoding, level) = Encoding::as_ffi(options.encoding);
    let mut report = ffi::zt_change_report::sized();
    let mut append = |writer: &ffi::zt_writer_options, progress, lines, error| {
        let wanted = ffi::zt_append_options {
            writer,
            open: &open,
            encoding,
            level,
            replace: options.replace,
            skip_unreadable: options.skip_unreadable,
            progress,
            lines,
            ..ffi::zt_append_options::sized()
        };
        // SAFETY: all pointers are those of values that live during the call.
        unsafe { ffi::zt_append(target.as_ptr(), sources.as_ptr(), sources.len(), &wanted, &mut report, error) }
    };
    let lines = options
        .writer
        .with_ffi(|writer| call_tool(progress, |progress, lines, error| append(writer, progress, lines, error)))?;
    Ok(ChangeReport::from_ffi(report, lines))
}

/// Takes tensors out of a `.zt` file. Costs one index: the bytes of the tensors stay in the file until
/// [`compact`](crate::compact()) gives them back. With [`RemoveOptions::output`], costs a copy of what stays.
///
/// `progress` is called with bytes done and bytes to do of a copy, and stops the work by returning `false`. If anything
/// fails, the file is as it was. Errors: [`NotFound`](crate::ErrorCode::NotFound) for a name that the file does not
/// have, [`Unsupported`](crate::ErrorCode::Unsupported) for a format that does not grow, and
/// [`Io`](crate::ErrorCode::Io) while somebody else writes to the file.
pub fn remove<S: AsRef<str>>(
    path: impl AsRef<Path>,
    names: &[S],
    options: &RemoveOptions,
    progress: impl FnMut(u64, u64) -> bool,
) -> Result<ChangeReport> {
    let path = c_path(path.as_ref())?;
    let names = CTexts::new(names.iter().map(|name| name.as_ref()), "name")?;
    let output = options.output.as_deref().map(c_path).transpose()?;
    let mut report = ffi::zt_change_report::sized();
    let lines = call_tool(progress, |progress, lines, error| {
        let wanted = ffi::zt_remove_options {
            output: pointer_of(&output),
            overwrite: options.overwrite,
            durable: options.durable,
            limits: options.limits.as_ffi(),
            progress,
            lines,
            ..ffi::zt_remove_options::sized()
        };
        // SAFETY: all pointers are those of values that live during the call.
        unsafe { ffi::zt_remove(path.as_ptr(), names.as_ptr(), names.len(), &wanted, &mut report, error) }
    })?;
    Ok(ChangeReport::from_ffi(report, lines))
}
