//! What is done to whole files.

use std::ffi::CString;
use std::os::raw::{c_char, c_void};
use std::path::Path;

use crate::callbacks::Progress;
use crate::error::{c_path, c_text, call, optional_c_text, pointer_of, Error, Result};
use crate::ffi::{self, Sized0};
use crate::reader::{slice, ZTensorReader};
use crate::write_options::{ChecksumAlgorithm, Encoding};

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
        let lines = &mut *context.cast::<Self>();
        let line = lossy_text(line);
        match kind {
            ffi::ZT_LINE_SKIPPED => lines.skipped.push(line),
            ffi::ZT_LINE_LOSS => lines.losses.push(line),
            _ => lines.notes.push(line),
        }
    }
}

/// # Safety
/// The text lives during the call.
unsafe fn lossy_text(text: ffi::zt_text) -> String {
    String::from_utf8_lossy(slice(text.data.cast(), text.length)).into_owned()
}

/// One thing that is wrong in a file.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Finding {
    /// The name of the tensor; empty for a shard.
    pub tensor: String,
    /// What is wrong.
    pub error: Error,
}

/// What [`ZTensorReader::verify`] has found.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct VerifyReport {
    /// Tensors whose digests and contents are right.
    pub checked: u64,
    /// Tensors whose contents are right, but some part has no digest that is known.
    pub undigested: u64,
    /// Tensors that cannot be read.
    pub unreadable: u64,
    /// What is wrong.
    pub findings: Vec<Finding>,
}

unsafe extern "C" fn add_finding(context: *mut c_void, tensor: ffi::zt_text, error: *const ffi::zt_error) {
    // It calls no code of a user, and nothing in it panics.
    let findings = &mut *context.cast::<Vec<Finding>>();
    findings.push(Finding { tensor: lossy_text(tensor), error: Error::from_ffi(&*error) });
}

impl ZTensorReader {
    /// Reads everything, and checks digests and contents. What is wrong is in the report, and no error.
    pub fn verify(&self) -> Result<VerifyReport> {
        self.verify_with(|_, _| true)
    }

    /// The same. `progress` is called with bytes done and bytes to do, and stops the work by returning `false`.
    pub fn verify_with(&self, progress: impl FnMut(u64, u64) -> bool) -> Result<VerifyReport> {
        let mut progress = Progress::new(progress);
        let mut findings: Vec<Finding> = Vec::new();
        let mut report = ffi::zt_verify_report::sized();
        let options = ffi::zt_verify_options {
            progress: progress.as_ffi(),
            finding: Some(add_finding),
            context: (&mut findings as *mut Vec<Finding>).cast(),
            ..ffi::zt_verify_options::sized()
        };
        let result = call(|error| unsafe { ffi::zt_verify(self.as_ptr(), &options, &mut report, error) });
        progress.resume();
        result?;
        Ok(VerifyReport {
            checked: report.checked,
            undigested: report.undigested,
            unreadable: report.unreadable,
            findings,
        })
    }
}

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
    let mut progress = Progress::new(progress);
    let mut lines = Lines::default();
    let (encoding, level) = Encoding::as_ffi(options.encoding);
    let wanted = ffi::zt_convert_options {
        writer: &writer,
        encoding,
        level,
        names: if options.names.is_some() { name_pointers.as_ptr() } else { std::ptr::null() },
        names_count: name_pointers.len(),
        skip_unreadable: options.skip_unreadable,
        overwrite: options.overwrite,
        check_output: options.check_output,
        progress: progress.as_ffi(),
        lines: lines.as_ffi(),
        ..ffi::zt_convert_options::sized()
    };
    let mut report = ffi::zt_convert_report::sized();
    let result = call(|error| unsafe {
        ffi::zt_convert(input_pointers.as_ptr(), input_pointers.len(), output.as_ptr(), &wanted, &mut report, error)
    });
    progress.resume();
    result?;
    Ok(ConvertReport {
        tensors: report.tensors,
        bytes_in: report.bytes_in,
        bytes_out: report.bytes_out,
        skipped: lines.skipped,
        losses: lines.losses,
        notes: lines.notes,
    })
}

fn pointers_of(texts: &[CString]) -> Vec<*const c_char> {
    texts.iter().map(|text| text.as_ptr()).collect()
}
