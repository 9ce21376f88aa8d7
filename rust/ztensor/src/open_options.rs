//! How a file is opened.

use std::path::Path;
use std::ptr::{null, null_mut};

use crate::callbacks::{call_with_context, release};
use crate::error::{call, Result};
use crate::ffi::{self, Sized0};
use crate::limits::Limits;
use crate::reader::ZTensorReader;
use crate::texts::{c_path, CTexts};

/// Which digests a read checks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verify {
    /// CRC-32C and XXH3 of whole parts, in the pass that reads them.
    #[default]
    Standard,
    /// Also SHA-256. Before a view or a slice, the digest of the whole part, once.
    Always,
    /// None.
    Never,
}

/// How a file is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Backend {
    /// Maps a file where it can be mapped, and reads a file behind a network or in FUSE.
    #[default]
    Auto,
    /// Maps a file, and fails where it cannot be mapped.
    Mmap,
    /// Maps nothing.
    Read,
}

/// How a file is opened.
///
/// ```no_run
/// use ztensor::{OpenOptions, Verify};
/// let reader = OpenOptions::new().verify(Verify::Always).open("model.zt")?;
/// # Ok::<(), ztensor::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct OpenOptions {
    backend: Backend,
    verify: Verify,
    threads: u32,
    limits: Limits,
}

setters! { OpenOptions:
    /// How the file is read.
    backend: Backend => backend;

    /// Which digests the reads check.
    verify: Verify => verify;

    /// How many threads one call may use. 0: `ZTENSOR_THREADS` if it is set, else the cores of this process.
    threads: u32 => threads;

    /// What the file may ask for.
    limits: &Limits => *limits;
}

impl OpenOptions {
    /// Opens a file, as [`ZTensorReader::open`] does.
    pub fn open(&self, path: impl AsRef<Path>) -> Result<ZTensorReader> {
        let path = c_path(path.as_ref())?;
        let mut handle = null_mut();
        // SAFETY: the pointers are those of values that live during the call.
        call(|error| unsafe { ffi::zt_open(path.as_ptr(), &self.as_ffi(), &mut handle, error) })?;
        ZTensorReader::from_handle(handle, None)
    }

    /// Opens several files as one, as [`ZTensorReader::open_many`] does.
    pub fn open_many<P: AsRef<Path>>(&self, paths: &[P]) -> Result<ZTensorReader> {
        let paths = CTexts::of_paths(paths)?;
        let mut handle = null_mut();
        // SAFETY: all pointers are those of values that live during the call.
        call(|error| unsafe { ffi::zt_open_many(paths.as_ptr(), paths.len(), &self.as_ffi(), &mut handle, error) })?;
        ZTensorReader::from_handle(handle, None)
    }

    /// Opens a file in memory, as [`ZTensorReader::open_bytes`] does.
    pub fn open_bytes<B: AsRef<[u8]> + Send + Sync + 'static>(&self, bytes: B) -> Result<ZTensorReader> {
        let mut handle = null_mut();
        call_with_context(bytes, |owner, error| {
            // SAFETY: the owner stays where it is, and unchanged, until the library calls `release`.
            unsafe {
                let bytes = (*owner).as_ref();
                ffi::zt_open_memory(
                    bytes.as_ptr().cast(),
                    bytes.len(),
                    null(),
                    Some(release::<B>),
                    owner.cast(),
                    &self.as_ffi(),
                    &mut handle,
                    error,
                )
            }
        })?;
        ZTensorReader::from_handle(handle, None)
    }

    pub(crate) fn as_ffi(&self) -> ffi::zt_open_options {
        let backend = match self.backend {
            Backend::Auto => ffi::ZT_BACKEND_AUTO,
            Backend::Mmap => ffi::ZT_BACKEND_MMAP,
            Backend::Read => ffi::ZT_BACKEND_READ,
        };
        let verify = match self.verify {
            Verify::Standard => ffi::ZT_VERIFY_STANDARD,
            Verify::Always => ffi::ZT_VERIFY_ALWAYS,
            Verify::Never => ffi::ZT_VERIFY_NEVER,
        };
        ffi::zt_open_options {
            backend,
            verify,
            threads: self.threads,
            limits: self.limits.as_ffi(),
            ..ffi::zt_open_options::sized()
        }
    }
}
