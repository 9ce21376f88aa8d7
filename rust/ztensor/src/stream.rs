//! Tensors that are written chunk by chunk.

use std::ptr::{null_mut, NonNull};

use crate::array::array_of;
use crate::dtype::{bytes_of, DType, Element};
use crate::error::{handle_of, Error, Result};
use crate::ffi;
use crate::texts::c_text;
use crate::write_options::AddOptions;
use crate::writer::ZTensorWriter;

/// The first dimension of a stream whose number of rows is known only at the end.
pub const UNKNOWN_ROWS: u64 = ffi::ZT_UNKNOWN_ROWS;

/// A tensor that is written chunk by chunk, so that it need not fit into memory. Dropping it gives up this tensor
/// alone.
#[derive(Debug)]
pub struct TensorStream<'a> {
    handle: NonNull<ffi::zt_stream>,
    name: String,
    shape: Vec<u64>,
    dtype: DType,
    writer: &'a mut ZTensorWriter,
}

// SAFETY: a stream may move between threads with the only reference to its writer.
unsafe impl Send for TensorStream<'_> {}

impl Drop for TensorStream<'_> {
    fn drop(&mut self) {
        // SAFETY: nobody else frees the stream, and its writer lives, since the stream borrows it.
        unsafe { ffi::zt_stream_free(self.handle.as_ptr()) }
    }
}

impl TensorStream<'_> {
    /// Appends whole rows.
    pub fn write<T: Element>(&mut self, elements: &[T]) -> Result<()> {
        if T::DTYPE != self.dtype {
            return Err(Error::usage(format!("tensor '{}' has {}: do not write {}", self.name, self.dtype, T::DTYPE)));
        }
        self.write_bytes(bytes_of(elements))
    }

    /// Appends whole rows from their bytes.
    pub fn write_bytes(&mut self, bytes: impl AsRef<[u8]>) -> Result<()> {
        let bytes = bytes.as_ref();
        let mut shape = self.shape.clone();
        shape[0] = self.rows_in(bytes.len() as u64)?;
        let chunk = array_of(self.dtype, &shape, bytes);
        // SAFETY: all pointers are those of values that live during the call.
        self.writer.call(|error| unsafe { ffi::zt_stream_write(self.handle.as_ptr(), &chunk, error) })
    }

    /// How many rows were written.
    pub fn rows(&self) -> u64 {
        // SAFETY: the stream is open.
        unsafe { ffi::zt_stream_rows(self.handle.as_ptr()) }
    }

    /// Adds the tensor to the file. Fails, and gives the tensor up, while rows are missing.
    pub fn finish(self) -> Result<()> {
        // SAFETY: all pointers are those of values that live during the call.
        self.writer.call(|error| unsafe { ffi::zt_stream_finish(self.handle.as_ptr(), error) })
    }

    fn rows_in(&self, bytes: u64) -> Result<u64> {
        let elements = self.shape[1..].iter().try_fold(1u64, |product, size| product.checked_mul(*size));
        let bits = elements.and_then(|elements| elements.checked_mul(u64::from(self.dtype.bits()))).unwrap_or(u64::MAX);
        if bits == 0 || bits % 8 != 0 {
            return Err(Error::usage(format!(
                "a row of tensor '{}' has {bits} bits, and a stream needs whole bytes: use add_tensor",
                self.name
            )));
        }
        let row = bits / 8;
        if bytes % row != 0 {
            return Err(Error::usage(format!(
                "{bytes} bytes are no whole rows of tensor '{}': write a multiple of {row} bytes",
                self.name
            )));
        }
        Ok(bytes / row)
    }
}

impl ZTensorWriter {
    /// Begins a dense tensor whose rows come in chunks. The first dimension may be [`UNKNOWN_ROWS`].
    ///
    /// The writer cannot be used while the stream is open:
    ///
    /// ```compile_fail,E0499
    /// # use ztensor::{AddOptions, DType, UNKNOWN_ROWS, ZTensorWriter};
    /// # fn main() -> ztensor::Result<()> {
    /// let mut writer = ZTensorWriter::create("model.zt")?;
    /// let mut stream = writer.stream("rows", [UNKNOWN_ROWS, 2], DType::Float32)?;
    /// writer.add("other", [1], &[1.0f32], &AddOptions::new())?;
    /// stream.write(&[1.0f32, 2.0])?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn stream(&mut self, name: &str, shape: impl AsRef<[u64]>, dtype: DType) -> Result<TensorStream<'_>> {
        self.stream_with(name, shape, dtype, &AddOptions::new())
    }

    /// The same with options.
    pub fn stream_with(
        &mut self,
        name: &str,
        shape: impl AsRef<[u64]>,
        dtype: DType,
        options: &AddOptions,
    ) -> Result<TensorStream<'_>> {
        let shape = shape.as_ref();
        let text = c_text(name, "name")?;
        let mut handle = null_mut();
        options.with_ffi(|options| {
            // SAFETY: all pointers are those of values that live during the call.
            self.call(|error| unsafe {
                ffi::zt_writer_stream(
                    self.handle.as_ptr(),
                    text.as_ptr(),
                    shape.as_ptr(),
                    shape.len(),
                    dtype as i32,
                    options,
                    &mut handle,
                    error,
                )
            })
        })?;
        let handle = handle_of(handle, "began a stream")?;
        Ok(TensorStream { handle, name: name.to_string(), shape: shape.to_vec(), dtype, writer: self })
    }
}
