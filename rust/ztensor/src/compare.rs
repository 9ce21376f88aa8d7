//! Comparing files.

use crate::error::Result;
use crate::ffi;
use crate::reader::ZTensorReader;
use crate::tools::call_tool;
use crate::view::Bytes;

/// What [`ZTensorReader::diff`] has found.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Diff {
    /// Whether both files hold the same.
    pub same: bool,
    /// The differences, as the JSON document that `ztensor diff --json` prints.
    pub json: String,
}

impl ZTensorReader {
    /// Compares the tensors and attributes of two files of any formats, bit for bit. How the files store them makes no
    /// difference. Reads every byte of both, and checks the digests. A tensor that cannot be read is a difference, and
    /// no error.
    pub fn diff(&self, other: &ZTensorReader) -> Result<Diff> {
        self.diff_with(other, |_, _| true)
    }

    /// The same. `progress` is called with bytes done and bytes to do, and stops the work by returning `false`.
    pub fn diff_with(&self, other: &ZTensorReader, progress: impl FnMut(u64, u64) -> bool) -> Result<Diff> {
        let mut json = Bytes::empty();
        let same = self.compare(other, progress, json.as_out())?;
        Ok(Diff { same, json: json.to_text() })
    }

    /// Whether two files hold the same, as [`diff`](Self::diff) tells it. Stops at the first difference.
    pub fn same_as(&self, other: &ZTensorReader) -> Result<bool> {
        self.compare(other, |_, _| true, std::ptr::null_mut())
    }

    /// `"sha256:"` and 64 hex digits over the names, shapes, dtypes, layouts, attributes and contents of the tensors.
    /// Files with the same id hold the same, whatever their formats are. Reads every byte.
    pub fn content_id(&self) -> Result<String> {
        self.content_id_with(false, |_, _| true)
    }

    /// The same. If `trust_digests` is set, parts of a file of format 2 that have a SHA-256 are not read. `progress` is
    /// called with bytes done and bytes to do, and stops the work by returning `false`.
    pub fn content_id_with(&self, trust_digests: bool, progress: impl FnMut(u64, u64) -> bool) -> Result<String> {
        let mut id = Bytes::empty();
        let made = call_tool(progress, |progress, _, error| {
            // SAFETY: all pointers are those of values that live during the call.
            unsafe { ffi::zt_content_id(self.as_ptr(), trust_digests, progress, id.as_out(), error) }
        });
        self.resume_if_failed(made)?;
        Ok(id.to_text())
    }

    fn compare(
        &self,
        other: &ZTensorReader,
        progress: impl FnMut(u64, u64) -> bool,
        json: *mut ffi::zt_bytes,
    ) -> Result<bool> {
        let mut same = false;
        let compared = call_tool(progress, |progress, _, error| {
            // SAFETY: all pointers are those of values that live during the call, and `json` may be null.
            unsafe { ffi::zt_diff(self.as_ptr(), other.as_ptr(), progress, &mut same, json, error) }
        });
        // A read that fails is a difference, and no error.
        self.resume();
        other.resume();
        compared.map(|_| same)
    }
}
