//! How a file and its tensors are written.

use std::path::Path;
use std::ptr::{null, null_mut};

use crate::error::{call, Result};
use crate::ffi::{self, Sized0};
use crate::limits::Limits;
use crate::texts::{c_path, optional_c_text, pointer_of};
use crate::writer::ZTensorWriter;

/// How elements become stored bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Encoding {
    /// As they are. Such a tensor can be mapped.
    Raw,
    /// Compressed, at level 3.
    Zstd,
    /// Compressed, at a level from 1 to 22.
    ZstdLevel(i32),
    /// As byte planes, which make weights smaller than zstd does: bfloat16 by a third. Formats 1.2 and 2.
    Planes,
    /// For each part what is smallest by a sample: planes, zstd or raw. Formats 1.2 and 2.
    Auto,
}

impl Encoding {
    /// The encoding and its level.
    pub(crate) fn as_ffi(this: Option<Encoding>) -> (ffi::zt_encoding, i32) {
        match this {
            None => (ffi::ZT_ENCODING_DEFAULT, 0),
            Some(Encoding::Raw) => (ffi::ZT_ENCODING_RAW, 0),
            Some(Encoding::Zstd) => (ffi::ZT_ENCODING_ZSTD, 0),
            Some(Encoding::ZstdLevel(level)) => (ffi::ZT_ENCODING_ZSTD, level),
            Some(Encoding::Auto) => (ffi::ZT_ENCODING_AUTO, 0),
            Some(Encoding::Planes) => (ffi::ZT_ENCODING_PLANES, 0),
        }
    }
}

/// Which digest is stored with each part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ChecksumAlgorithm {
    /// No digest.
    None,
    /// CRC-32C.
    Crc32c,
    /// SHA-256.
    Sha256,
    /// XXH3 with 64 bits.
    Xxh3,
}

impl ChecksumAlgorithm {
    pub(crate) fn as_ffi(this: Option<ChecksumAlgorithm>) -> ffi::zt_checksum {
        match this {
            None => ffi::ZT_CHECKSUM_DEFAULT,
            Some(ChecksumAlgorithm::None) => ffi::ZT_CHECKSUM_NONE,
            Some(ChecksumAlgorithm::Crc32c) => ffi::ZT_CHECKSUM_CRC32C,
            Some(ChecksumAlgorithm::Sha256) => ffi::ZT_CHECKSUM_SHA256,
            Some(ChecksumAlgorithm::Xxh3) => ffi::ZT_CHECKSUM_XXH3,
        }
    }
}

/// What happens to a file that is there already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum WriteMode {
    /// The new file replaces it when the new file is complete.
    #[default]
    Replace,
    /// It is an error.
    Create,
    /// It grows. If there is none, a new file is made.
    Append,
}

/// How a file is written.
///
/// ```no_run
/// use ztensor::{WriteMode, WriterOptions};
/// let writer = WriterOptions::new().format("2").mode(WriteMode::Create).create("model.zt")?;
/// # Ok::<(), ztensor::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct WriterOptions {
    pub(crate) mode: WriteMode,
    format: Option<String>,
    encoding: Option<Encoding>,
    checksum: Option<ChecksumAlgorithm>,
    alignment: u64,
    max_shard_size: u64,
    attributes: Option<String>,
    threads: u32,
    durable: bool,
    canonical: Option<bool>,
    lossy: bool,
    limits: Limits,
}

setters! { WriterOptions:
    /// What happens to a file that is there already.
    mode: WriteMode => mode;

    /// `"1.0"`, `"1.2"`, `"2"`, `"safetensors"`, `"gguf"` or `"npz"`. By default, the suffix of the path tells it.
    format: &str => Some(format.to_string());

    /// How elements become stored bytes where a call does not say it. By default, raw.
    encoding: Encoding => Some(encoding);

    /// Which digest is stored where a call does not say it. By default, that of the format.
    checksum: ChecksumAlgorithm => Some(checksum);

    /// A power of two up to 2 MiB: each part begins at a multiple of this many bytes. By default, that of the format.
    alignment: u64 => alignment;

    /// Format 2 and safetensors: the most bytes of one file; more data goes to several files beside the target. By
    /// default, the target is the only file.
    max_shard_size: u64 => max_shard_size;

    /// The attributes of the file: a JSON object.
    attributes: &str => Some(attributes.to_string());

    /// How many threads one call may use. 0: `ZTENSOR_THREADS` if it is set, else the cores of this process.
    threads: u32 => threads;

    /// Whether new files and their folder are synced, too.
    durable: bool => durable;

    /// Format 2: whether the same tensors give the same bytes. Such a file holds only raw parts with XXH3 digests. By
    /// default, a file is canonical unless another of these options rules that out.
    canonical: bool => Some(canonical);

    /// Whether [`ZTensorWriter::add_stored`] leaves out what the format cannot hold, which
    /// [`WriteReport::losses`](crate::WriteReport::losses) then lists. By default, that is an error.
    lossy: bool => lossy;

    /// What the file may ask for: its tensors, and its index if it grows.
    limits: &Limits => *limits;
}

impl WriterOptions {
    /// Begins the file. It appears at `path` in [`ZTensorWriter::finalize`].
    pub fn create(&self, path: impl AsRef<Path>) -> Result<ZTensorWriter> {
        let path = c_path(path.as_ref())?;
        let mode = match self.mode {
            WriteMode::Replace => ffi::ZT_MODE_REPLACE,
            WriteMode::Create => ffi::ZT_MODE_CREATE,
            WriteMode::Append => ffi::ZT_MODE_APPEND,
        };
        let mut handle = null_mut();
        self.with_ffi(|options| {
            // SAFETY: the pointers are those of values that live during the call.
            call(|error| unsafe { ffi::zt_writer_create(path.as_ptr(), mode, options, &mut handle, error) })
        })?;
        ZTensorWriter::from_handle(handle, None)
    }

    pub(crate) fn with_ffi<R>(&self, work: impl FnOnce(&ffi::zt_writer_options) -> Result<R>) -> Result<R> {
        let format = optional_c_text(self.format.as_deref(), "format")?;
        let attributes = optional_c_text(self.attributes.as_deref(), "JSON")?;
        let (encoding, level) = Encoding::as_ffi(self.encoding);
        work(&ffi::zt_writer_options {
            format: pointer_of(&format),
            encoding,
            level,
            checksum: ChecksumAlgorithm::as_ffi(self.checksum),
            alignment: self.alignment,
            max_shard_size: self.max_shard_size,
            limits: self.limits.as_ffi(),
            threads: self.threads,
            attributes: json_attributes(pointer_of(&attributes)),
            durable: self.durable,
            canonical: self.canonical == Some(true),
            lossy: self.lossy,
            not_canonical: self.canonical == Some(false),
            ..ffi::zt_writer_options::sized()
        })
    }
}

/// How one tensor is added.
#[derive(Clone, Debug, Default)]
pub struct AddOptions {
    encoding: Option<Encoding>,
    checksum: Option<ChecksumAlgorithm>,
    attributes: Option<String>,
    replace: bool,
}

setters! { AddOptions:
    /// How its elements become stored bytes. By default, as the writer does.
    encoding: Encoding => Some(encoding);

    /// Which digest is stored with each of its parts. By default, that of the writer.
    checksum: ChecksumAlgorithm => Some(checksum);

    /// The attributes of the tensor: a JSON object.
    attributes: &str => Some(attributes.to_string());

    /// In a file that grows: whether it takes the place of a tensor of this name, if there is one.
    replace: bool => replace;
}

impl AddOptions {
    pub(crate) fn with_ffi<R>(&self, work: impl FnOnce(&ffi::zt_add_options) -> Result<R>) -> Result<R> {
        let attributes = optional_c_text(self.attributes.as_deref(), "JSON")?;
        let (encoding, level) = Encoding::as_ffi(self.encoding);
        work(&ffi::zt_add_options {
            encoding,
            level,
            checksum: ChecksumAlgorithm::as_ffi(self.checksum),
            replace: self.replace,
            attributes: json_attributes(pointer_of(&attributes)),
            ..ffi::zt_add_options::sized()
        })
    }
}

pub(crate) fn options_of(encoding: Encoding, checksum: ChecksumAlgorithm) -> AddOptions {
    AddOptions { encoding: Some(encoding), checksum: Some(checksum), ..AddOptions::default() }
}

pub(crate) fn json_attributes(json: *const std::os::raw::c_char) -> ffi::zt_attributes {
    ffi::zt_attributes { json, cbor: null(), cbor_length: 0 }
}
