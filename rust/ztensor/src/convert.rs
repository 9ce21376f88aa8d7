//! Converting whole files.

use std::path::Path;

use crate::error::{c_path, c_text, optional_c_text, pointer_of, pointers_of, Result};
use crate::ffi::{self, Sized0};
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

impl ConvertOptions {
    /// The defaults.
    pub fn new() -> ConvertOptions {
        ConvertOptions::default()
    }

    /// The format of the output, as in [`WriterOptions::format`](crate::WriterOptions::format).
    pub fn format(&mut self, format: &str) -> &mut ConvertOptions {
        self.format = Some(format.to_string());
        self
    }

    /// The encoding of every part. By default, what the output can hold stays as it is.
    pub fn encoding(&mut self, encoding: Encoding) -> &mut ConvertOptions {
        self.encoding = Some(encoding);
        self
    }

    /// The digest of parts that are stored anew.
    pub fn checksum(&mut self, checksum: ChecksumAlgorithm) -> &mut ConvertOptions {
        self.checksum = Some(checksum);
        self
    }

    /// The tensors to take. By default, all; an empty list is an error.
    pub fn names<S: Into<String>>(&mut self, names: impl IntoIterator<Item = S>) -> &mut ConvertOptions {
        self.names = Some(names.into_iter().map(Into::into).collect());
        self
    }

    /// Whether an existing output is replaced. An input never is.
    pub fn overwrite(&mut self, overwrite: bool) -> &mut ConvertOptions {
        self.overwrite = overwrite;
        self
    }

    /// Whether tensors that cannot be read are left out. By default, they are an error.
    pub fn skip_unreadable(&mut self, skip: bool) -> &mut ConvertOptions {
        self.skip_unreadable = skip;
        self
    }

    /// Whether the output is read back and compared.
    pub fn check_output(&mut self, check: bool) -> &mut ConvertOptions {
        self.check_output = check;
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
    let inputs = inputs.iter().map(|path| c_path(path.as_ref())).collect::<Result<Vec<_>>>()?;
    let output = c_path(output.as_ref())?;
    let format = optional_c_text(options.format.as_deref(), "format")?;
    let names = options.names.iter().flatten().map(|name| c_text(name, "name")).collect::<Result<Vec<_>>>()?;
    let (input_pointers, name_pointers) = (pointers_of(&inputs), pointers_of(&names));
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
            names: if options.names.is_some() { name_pointers.as_ptr() } else { std::ptr::null() },
            names_count: name_pointers.len(),
            skip_unreadable: options.skip_unreadable,
            overwrite: options.overwrite,
            check_output: options.check_output,
            progress,
            lines,
            ..ffi::zt_convert_options::sized()
        };
        let (inputs, count) = (input_pointers.as_ptr(), input_pointers.len());
        // SAFETY: all pointers are those of values that live during the call.
        unsafe { ffi::zt_convert(inputs, count, output.as_ptr(), &wanted, &mut report, error) }
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
