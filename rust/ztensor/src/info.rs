//! What the index says.

use crate::dtype::DType;
use crate::error::Result;
use crate::ffi::{self, Sized0};
use crate::reader::{slice, text, ZTensorReader};

/// What the index says about a tensor. Borrows from the reader.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct TensorInfo<'a> {
    /// Its name.
    pub name: &'a str,
    /// `"dense"`, `"sparse_csr"`, `"sparse_coo"`, `"quantized_group"`, or any other layout.
    pub layout: &'a str,
    /// The dimensions, outermost first.
    pub shape: &'a [u64],
    /// The product of the shape.
    pub elements: u64,
    /// Decoded bytes of all parts. `None` where the index does not state them.
    pub bytes: Option<u64>,
    /// The dtype of a dense or sparse tensor. `None` for other layouts, and for a tensor that cannot be read.
    pub dtype: Option<DType>,
    /// Whether the tensor can be read. A read of a tensor that cannot be read gives the cause.
    pub readable: bool,
    /// The stored arrays of the tensor.
    pub parts: Vec<PartInfo<'a>>,
}

/// What the index says about a part of a tensor. Borrows from the reader.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PartInfo<'a> {
    /// `"data"`, `"values"`, `"indices"`, `"indptr"`, or any other role.
    pub role: &'a str,
    /// `"raw"`, `"zstd"`, or any other encoding.
    pub encoding: &'a str,
    /// `"crc32c:0x1234ABCD"`, or `""`.
    pub digest: &'a str,
    /// How its elements are stored.
    pub dtype: Option<DType>,
    /// Where its stored bytes begin in their file.
    pub offset: u64,
    /// How many bytes the file has of it.
    pub stored_bytes: u64,
    /// Decoded bytes. `None` where the index does not state them.
    pub bytes: Option<u64>,
}

impl ZTensorReader {
    /// The size of the file, without its shards.
    pub fn stored_size(&self) -> u64 {
        // SAFETY: the source is open.
        unsafe { ffi::zt_source_stored_size(self.as_ptr()) }
    }

    /// What a user should know of the file, but is no error.
    pub fn notes(&self) -> Vec<&str> {
        // SAFETY: the source is open.
        let count = unsafe { ffi::zt_source_notes(self.as_ptr()) };
        // SAFETY: the texts live as long as the source.
        (0..count).filter_map(|note| unsafe { text(ffi::zt_source_note(self.as_ptr(), note)) }.ok()).collect()
    }

    /// What is in the file, as the JSON document that `ztensor info --json` prints.
    pub fn info_json(&self) -> Result<String> {
        // SAFETY: all pointers are those of values that live during the call.
        let json = self.json(|out, error| unsafe { ffi::zt_source_info_json(self.as_ptr(), out, error) })?;
        Ok(json.unwrap_or_default())
    }

    pub(crate) fn describe(&self, tensor: usize) -> Result<TensorInfo<'_>> {
        let info = self.info(tensor)?;
        let parts = (0..info.parts).map(|part| self.describe_part(tensor, part)).collect::<Result<_>>()?;
        // SAFETY: the texts and the shape live as long as the source.
        unsafe {
            Ok(TensorInfo {
                name: text(info.name)?,
                layout: text(info.layout)?,
                shape: slice(info.shape, info.rank),
                elements: info.elements,
                bytes: Some(info.bytes).filter(|bytes| *bytes != u64::MAX),
                dtype: DType::from_number(info.dtype),
                readable: info.readable,
                parts,
            })
        }
    }

    fn describe_part(&self, tensor: usize, part: usize) -> Result<PartInfo<'_>> {
        let mut info = ffi::zt_part_info::sized();
        // SAFETY: all pointers are those of values that live during the call.
        self.call(|error| unsafe { ffi::zt_part_get(self.as_ptr(), tensor, part, &mut info, error) })?;
        // SAFETY: the texts live as long as the source.
        unsafe {
            Ok(PartInfo {
                role: text(info.role)?,
                encoding: text(info.encoding)?,
                digest: text(info.digest)?,
                dtype: DType::from_number(info.dtype),
                offset: info.offset,
                stored_bytes: info.stored_bytes,
                bytes: Some(info.bytes).filter(|bytes| *bytes != u64::MAX),
            })
        }
    }
}
