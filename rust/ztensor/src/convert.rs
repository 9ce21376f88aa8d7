//! Converting whole files.

use std::path::Path;

use crate::error::Result;
use crate::ffi::{self, Sized0};
use crate::texts::{c_path, optional_c_text, pointer_of, CTexts};
use crate::tools::call_tool;
use crate::write_options::{ChecksumAlgorithm, Encoding};

/// What [`convert`] takes, and how it writes that.
#[derive(Clone, Debug, Default)]
pub struct ConvertOptions {
    format: Option<String>,
    encoding: Option<Encoding>,
    checksum: Option<ChecksumAlgorithm>,
    names: Option<Vec<String>>,
    overwrite: bool,
    skip_unreadable: bool,
    check_output: bool,
}

setters! { ConvertOptions:
    /// The format of the output, as in [`WriterOptions::format`](crate::WriterOptions::format).
    format: &str => Some(format.to_string());

    /// The encoding of every part. By default, what the output can hold stays as it is.
    encoding: Encoding => Some(encoding);

    /// The digest of parts that are stored anew.
    checksum: ChecksumAlgorithm => Some(checksum);

    /// Whether an existing output is replaced. An input never is.
    overwrite: bool => overwrite;

    /// Whether tensors that cannot be read are left out. By default, they are an error.
    skip_unreadable: bool => skip_unreadable;

    /// Whether the output is read back and compared.
    check_output: bool => check_output;
}

impl ConvertOptions {
    /// The tensors to take. By default, all; an empty list is an error.
    pub fn names<S: Into<String>>(&mut self, names: impl IntoIterator<Item = S>) -> &mut ConvertOptions {
        self.names = Some(names.into_iter().map(Into::into).collect());
        self
    }
}

/// What [`convert`] has done.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ConvertReport {
    /// Tensors that were written.
    pub tensors: u64,
    /// The size of the inputs.
    pub bytes_in: u64,
    /// The size of the output.
    pub bytes_out: u64,
    /// `"name: cause"` of each tensor that was left out.
    pub skipped: Vec<String>,
    /// What the format could not hold.
    pub losses: Vec<String>,
    /// What a user should know, but is no error.
    pub notes: Vec<String>,
}

/// Puts the tensors of all inputs, of any format, into one new file. `progress` is called with bytes done and bytes to
/// do, and stops the work by returning `false`. It is called last when the output is in place, and then stops nothing.
pub fn convert<P: AsRef<Path>>(
    inputs: &[P],
    output: impl AsRef<Path>,
    options: &ConvertOptions,
    progress: impl FnMut(u64, u64) -> bool,
) -> Result<ConvertReport> {
    let inputs = CTexts::of_paths(inputs)?;
    let output = c_path(output.as_ref())?;
    let format = optional_c_text(options.format.as_deref(), "format")?;
    let names = CTexts::new(options.names.iter().flatten().map(String::as_str), "name")?;
    let writer = ffi::zt_writer_options {
        format: pointer_of(&format),
        checksum: ChecksumAlgorithm::as_ffi(options.checksum),
        ..ffi::zt_writer_options::sized()
    };
    let (encoding, level) = Encoding::as_ffi(options.encoding);
    let mut report = ffi::zt_convert_report::sized();
    let lines = call_tool(progress, |progress, lines, error| {
        let wanted = ffi::zt_convert_options {
            writer: &writer,
            encoding,
            level,
            names: if options.names.is_some() { names.as_ptr() } else { std::ptr::null() },
            names_count: names.len(),
            skip_unreadable: options.skip_unreadable,
            overwrite: options.overwrite,
            check_output: options.check_output,
            progress,
            lines,
            ..ffi::zt_convert_options::sized()
        };
        // SAFETY: all pointers are those of values that live during the call.
        unsafe { ffi::zt_convert(inputs.as_ptr(), inputs.len(), output.as_ptr(), &wanted, &mut report, error) }
    })?;
    Ok(ConvertReport {
        tensors: report.tensors,
        bytes_in: report.bytes_in,
        bytes_out: report.bytes_out,
        skipped: lines.skipped,
        losses: lines.losses,
        notes: lines.notes,
    })
}
