//! Converting whole files.

use std::path::Path;

use crate::error::Result;
use crate::ffi::{self, Sized0};
use crate::open_options::OpenOptions;
use crate::texts::{c_path, optional_c_text, pointer_of, CTexts};
use crate::tools::call_tool;
use crate::write_options::{ChecksumAlgorithm, Encoding, WriterOptions};

/// What [`convert`] takes, and how it writes that.
#[derive(Clone, Debug, Default)]
pub struct ConvertOptions {
    writer: WriterOptions,
    open: OpenOptions,
    encoding: Option<Encoding>,
    from: Option<String>,
    include: Vec<String>,
    exclude: Vec<String>,
    names: Option<Vec<String>>,
    with_config: bool,
    overwrite: bool,
    skip_unreadable: bool,
    check_output: bool,
    delete_originals: bool,
}

setters! { ConvertOptions:
    /// How the output is written. Its encoding must be unset, and its mode has no effect: [`encoding`](Self::encoding)
    /// and [`overwrite`](Self::overwrite) are those of the conversion. Call this before [`format`](Self::format) and
    /// [`checksum`](Self::checksum), which change single options of it.
    writer: &WriterOptions => writer.clone();

    /// How the inputs are opened.
    open: &OpenOptions => open.clone();

    /// The encoding of every part. By default, what the output can hold stays as it is, except byte
    /// planes, which become raw.
    encoding: Encoding => Some(encoding);

    /// The format that the inputs must have. By default, any.
    from: &str => Some(from.to_string());

    /// Whether the small JSON files beside each input become attributes of the output.
    with_config: bool => with_config;

    /// Whether an existing output is replaced. An input never is.
    overwrite: bool => overwrite;

    /// Whether tensors that cannot be read are left out. By default, they are an error.
    skip_unreadable: bool => skip_unreadable;

    /// Whether the output is read back and compared.
    check_output: bool => check_output;

    /// Whether the inputs are deleted once the output is complete, synced, read back and compared.
    delete_originals: bool => delete_originals;
}

impl ConvertOptions {
    /// The format of the output, as in [`WriterOptions::format`].
    pub fn format(&mut self, format: &str) -> &mut ConvertOptions {
        self.writer.format(format);
        self
    }

    /// The digest of parts that are stored anew.
    pub fn checksum(&mut self, checksum: ChecksumAlgorithm) -> &mut ConvertOptions {
        self.writer.checksum(checksum);
        self
    }

    /// Globs over the names of the tensors to take. By default, all.
    pub fn include<S: Into<String>>(&mut self, globs: impl IntoIterator<Item = S>) -> &mut ConvertOptions {
        self.include = globs.into_iter().map(Into::into).collect();
        self
    }

    /// Globs over the names of the tensors to leave out. They outweigh [`include`](Self::include).
    pub fn exclude<S: Into<String>>(&mut self, globs: impl IntoIterator<Item = S>) -> &mut ConvertOptions {
        self.exclude = globs.into_iter().map(Into::into).collect();
        self
    }

    /// The tensors to take of those that the globs leave. By default, all; an empty list is an error.
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
    let from = optional_c_text(options.from.as_deref(), "format")?;
    let include = CTexts::new(options.include.iter().map(String::as_str), "glob")?;
    let exclude = CTexts::new(options.exclude.iter().map(String::as_str), "glob")?;
    let names = CTexts::new(options.names.iter().flatten().map(String::as_str), "name")?;
    let open = options.open.as_ffi();
    let (encoding, level) = Encoding::as_ffi(options.encoding);
    let mut report = ffi::zt_convert_report::sized();
    let mut convert = |writer: &ffi::zt_writer_options, progress, lines, error| {
        let wanted = ffi::zt_convert_options {
            writer,
            open: &open,
            encoding,
            level,
            from: pointer_of(&from),
            include: include.as_ptr(),
            include_count: include.len(),
            exclude: exclude.as_ptr(),
            exclude_count: exclude.len(),
            names: if options.names.is_some() { names.as_ptr() } else { std::ptr::null() },
            names_count: names.len(),
            with_config: options.with_config,
            skip_unreadable: options.skip_unreadable,
            overwrite: options.overwrite,
            check_output: options.check_output,
            delete_originals: options.delete_originals,
            progress,
            lines,
            ..ffi::zt_convert_options::sized()
        };
        // SAFETY: all pointers are those of values that live during the call.
        unsafe { ffi::zt_convert(inputs.as_ptr(), inputs.len(), output.as_ptr(), &wanted, &mut report, error) }
    };
    let lines = options
        .writer
        .with_ffi(|writer| call_tool(progress, |progress, lines, error| convert(writer, progress, lines, error)))?;
    Ok(ConvertReport {
        tensors: report.tensors,
        bytes_in: report.bytes_in,
        bytes_out: report.bytes_out,
        skipped: lines.skipped,
        losses: lines.losses,
        notes: lines.notes,
    })
}
