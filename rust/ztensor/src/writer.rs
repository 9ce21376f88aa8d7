//! Writing a file.

use std::io::Write;
use std::path::Path;
use std::ptr::NonNull;
use std::sync::Arc;

use crate::array::{array_of, check_length, Values};
use crate::dtype::{bytes_of, DType, Element};
use crate::error::{call, handle_of, Error, Result};
use crate::ffi;
use crate::reader::text;
use crate::sink::Sink;
use crate::texts::c_text;
use crate::tools::Lines;
use crate::write_options::{
    json_attributes, options_of, AddOptions, ChecksumAlgorithm, Encoding, WriteMode, WriterOptions,
};

/// What [`ZTensorWriter::finalize`] has published.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct WriteReport {
    /// The size of the file.
    pub bytes: u64,
    /// Of a file that grew: the bytes that no tensor uses, and that [`compact`](crate::compact()) gives back.
    pub reclaimable: u64,
    /// What [`add_stored`](ZTensorWriter::add_stored) has left out, because the format could not hold it.
    pub losses: Vec<String>,
    /// What a user should know, but is no error.
    pub notes: Vec<String>,
}

/// Writes a new file, or grows one. Readers see the file, or its new version, after [`finalize`](Self::finalize).
/// Dropping a writer that was not finalized leaves the target as it was.
#[derive(Debug)]
pub struct ZTensorWriter {
    pub(crate) handle: NonNull<ffi::zt_writer>,
    sink: Option<Arc<Sink>>,
}

// SAFETY: a writer may move between threads, as it belongs to one at a time. So it is not Sync.
unsafe impl Send for ZTensorWriter {}

impl Drop for ZTensorWriter {
    fn drop(&mut self) {
        // SAFETY: nobody else frees the writer, and its streams have ended, since they borrow it.
        unsafe { ffi::zt_writer_free(self.handle.as_ptr()) }
    }
}

impl ZTensorWriter {
    /// Begins a new file, which replaces the present one when it is complete.
    pub fn create(path: impl AsRef<Path>) -> Result<ZTensorWriter> {
        WriterOptions::new().create(path)
    }

    /// Grows the present file. If there is none, begins a new one.
    pub fn append(path: impl AsRef<Path>) -> Result<ZTensorWriter> {
        WriterOptions::new().mode(WriteMode::Append).create(path)
    }

    /// Begins a new file in a user's own sink, which gets the bytes in order: a socket, a pipe, a compressor. The bytes
    /// leave as they are made, also if the writer is not finalized. The sink is flushed by
    /// [`finalize`](Self::finalize), and dropped with the writer. The library may write from other threads, one at a
    /// time. Where the sink panics, the panic goes on in the call that writes.
    ///
    /// ```
    /// use ztensor::{AddOptions, ZTensorWriter};
    /// # let path = std::env::temp_dir().join(format!("ztensor-sink-{}.zt", std::process::id()));
    /// let target = std::fs::File::create(&path).unwrap(); // or a TcpStream, or std::io::stdout()
    /// let mut writer = ZTensorWriter::to_sink(target)?;
    /// writer.add("weights", [2], &[1.0f32, 2.0], &AddOptions::new())?;
    /// writer.finalize()?;
    /// # assert_eq!(ztensor::ZTensorReader::open(&path)?.read_tensor_as::<f32>("weights")?, [1.0, 2.0]);
    /// # std::fs::remove_file(&path).unwrap();
    /// # Ok::<(), ztensor::Error>(())
    /// ```
    pub fn to_sink(sink: impl Write + Send + 'static) -> Result<ZTensorWriter> {
        WriterOptions::new().to_sink(sink)
    }

    /// Adds a dense tensor from its bytes.
    pub fn add_tensor(
        &mut self,
        name: &str,
        shape: impl AsRef<[u64]>,
        dtype: DType,
        encoding: Encoding,
        data: impl AsRef<[u8]>,
        checksum: ChecksumAlgorithm,
    ) -> Result<()> {
        let options = options_of(encoding, checksum);
        self.add_array(name, shape.as_ref(), dtype, data.as_ref(), &options)
    }

    /// Adds a dense tensor from its elements.
    pub fn add<T: Element>(
        &mut self,
        name: &str,
        shape: impl AsRef<[u64]>,
        elements: &[T],
        options: &AddOptions,
    ) -> Result<()> {
        self.add_array(name, shape.as_ref(), T::DTYPE, bytes_of(elements), options)
    }

    /// Adds a sparse matrix in compressed rows, the values as bytes. `indptr` has an entry more than the matrix rows.
    #[allow(clippy::too_many_arguments)] // a CSR matrix has this many
    pub fn add_csr_tensor(
        &mut self,
        name: &str,
        shape: impl AsRef<[u64]>,
        dtype: DType,
        values: impl AsRef<[u8]>,
        indices: impl AsRef<[u64]>,
        indptr: impl AsRef<[u64]>,
        encoding: Encoding,
        checksum: ChecksumAlgorithm,
    ) -> Result<()> {
        let options = options_of(encoding, checksum);
        let values = Values::of_bytes(name, dtype, values.as_ref())?;
        self.add_csr_array(name, shape.as_ref(), values, indices.as_ref(), indptr.as_ref(), &options)
    }

    /// Adds a sparse matrix in compressed rows. `indptr` has an entry more than the matrix rows.
    pub fn add_csr<T: Element>(
        &mut self,
        name: &str,
        shape: impl AsRef<[u64]>,
        values: &[T],
        indices: impl AsRef<[u64]>,
        indptr: impl AsRef<[u64]>,
        options: &AddOptions,
    ) -> Result<()> {
        self.add_csr_array(name, shape.as_ref(), Values::of(values), indices.as_ref(), indptr.as_ref(), options)
    }

    /// Adds a sparse tensor by coordinates, the values as bytes. `indices` has all coordinates of axis 0 first, then
    /// all of axis 1, and so on.
    #[allow(clippy::too_many_arguments)] // a COO tensor has this many
    pub fn add_coo_tensor(
        &mut self,
        name: &str,
        shape: impl AsRef<[u64]>,
        dtype: DType,
        values: impl AsRef<[u8]>,
        indices: impl AsRef<[u64]>,
        encoding: Encoding,
        checksum: ChecksumAlgorithm,
    ) -> Result<()> {
        let options = options_of(encoding, checksum);
        let values = Values::of_bytes(name, dtype, values.as_ref())?;
        self.add_coo_array(name, shape.as_ref(), values, indices.as_ref(), &options)
    }

    /// Adds a sparse tensor by coordinates. `indices` has all coordinates of axis 0 first, then all of axis 1, and so
    /// on.
    pub fn add_coo<T: Element>(
        &mut self,
        name: &str,
        shape: impl AsRef<[u64]>,
        values: &[T],
        indices: impl AsRef<[u64]>,
        options: &AddOptions,
    ) -> Result<()> {
        self.add_coo_array(name, shape.as_ref(), Values::of(values), indices.as_ref(), options)
    }

    /// Gives a tensor that was added a second name. Its bytes are stored once.
    pub fn add_alias(&mut self, name: &str, existing: &str) -> Result<()> {
        let (name, existing) = (c_text(name, "name")?, c_text(existing, "name")?);
        // SAFETY: all pointers are those of values that live during the call.
        self.call(|error| unsafe {
            ffi::zt_writer_add_alias(self.handle.as_ptr(), name.as_ptr(), existing.as_ptr(), error)
        })
    }

    /// In a file that grows: takes a tensor out.
    pub fn remove(&mut self, name: &str) -> Result<()> {
        let name = c_text(name, "name")?;
        // SAFETY: all pointers are those of values that live during the call.
        self.call(|error| unsafe { ffi::zt_writer_remove(self.handle.as_ptr(), name.as_ptr(), error) })
    }

    /// Replaces the attributes of the file with a JSON object.
    pub fn set_attributes(&mut self, json: &str) -> Result<()> {
        let json = c_text(json, "JSON")?;
        let attributes = json_attributes(json.as_ptr());
        // SAFETY: all pointers are those of values that live during the call.
        self.call(|error| unsafe { ffi::zt_writer_set_attributes(self.handle.as_ptr(), &attributes, error) })
    }

    /// In a file that grows: replaces the attributes of a tensor that it has with a JSON object.
    pub fn set_tensor_attributes(&mut self, name: &str, json: &str) -> Result<()> {
        let (name, json) = (c_text(name, "name")?, c_text(json, "JSON")?);
        let attributes = json_attributes(json.as_ptr());
        // SAFETY: all pointers are those of values that live during the call.
        self.call(|error| unsafe {
            ffi::zt_writer_set_tensor_attributes(self.handle.as_ptr(), name.as_ptr(), &attributes, error)
        })
    }

    /// Whether a tensor has this name.
    pub fn has(&self, name: &str) -> bool {
        // SAFETY: the text lives during the call.
        c_text(name, "name").map_or(false, |name| unsafe { ffi::zt_writer_has(self.handle.as_ptr(), name.as_ptr()) })
    }

    /// The format of the file: `"zt-1.2"`, `"safetensors"`, and so on.
    pub fn format(&self) -> &str {
        // SAFETY: the text lives as long as the writer.
        unsafe { text(ffi::zt_writer_format(self.handle.as_ptr())) }.unwrap_or("")
    }

    /// Writes the index and publishes the file. Flushes a sink.
    pub fn finalize(self) -> Result<WriteReport> {
        let writer = self.handle.as_ptr();
        // SAFETY: all pointers are those of values that live during the call.
        self.call(|error| unsafe { ffi::zt_writer_finalize(writer, error) })?;
        if let Some(sink) = &self.sink {
            sink.flush()?;
        }
        let mut lines = Lines::default();
        // SAFETY: `lines` lives during the call, and the writer until the end of this function.
        unsafe {
            ffi::zt_writer_lines(writer, lines.as_ffi());
            Ok(WriteReport {
                bytes: ffi::zt_writer_bytes_written(writer),
                reclaimable: ffi::zt_writer_reclaimable(writer),
                losses: lines.losses,
                notes: lines.notes,
            })
        }
    }

    pub(crate) fn from_handle(handle: *mut ffi::zt_writer, sink: Option<Arc<Sink>>) -> Result<ZTensorWriter> {
        Ok(ZTensorWriter { handle: handle_of(handle, "began a file")?, sink })
    }

    /// Calls a function that writes. If it fails, a panic of the sink goes on here.
    pub(crate) fn call(&self, function: impl FnOnce(*mut ffi::zt_error) -> ffi::zt_code) -> Result<()> {
        let result = call(function);
        if let (Err(_), Some(sink)) = (&result, &self.sink) {
            sink.resume();
        }
        result
    }

    fn add_array(&mut self, name: &str, shape: &[u64], dtype: DType, data: &[u8], options: &AddOptions) -> Result<()> {
        check_length(name, shape, dtype, data)?;
        let name = c_text(name, "name")?;
        let array = array_of(dtype, shape, data);
        options.with_ffi(|options| {
            // SAFETY: all pointers are those of values that live during the call.
            self.call(|error| unsafe {
                ffi::zt_writer_add(self.handle.as_ptr(), name.as_ptr(), &array, options, error)
            })
        })
    }

    fn add_csr_array(
        &mut self,
        name: &str,
        shape: &[u64],
        values: Values<'_>,
        indices: &[u64],
        indptr: &[u64],
        options: &AddOptions,
    ) -> Result<()> {
        if shape.len() != 2 {
            return Err(Error::usage(format!(
                "the shape of CSR tensor '{name}' has {} dimensions: give 2",
                shape.len()
            )));
        }
        let name = c_text(name, "name")?;
        let (indices, indptr) = (Values::of(indices), Values::of(indptr));
        options.with_ffi(|options| {
            // SAFETY: all pointers are those of values that live during the call.
            self.call(|error| unsafe {
                ffi::zt_writer_add_csr(
                    self.handle.as_ptr(),
                    name.as_ptr(),
                    shape.as_ptr(),
                    &values.as_array(),
                    &indices.as_array(),
                    &indptr.as_array(),
                    options,
                    error,
                )
            })
        })
    }

    fn add_coo_array(
        &mut self,
        name: &str,
        shape: &[u64],
        values: Values<'_>,
        indices: &[u64],
        options: &AddOptions,
    ) -> Result<()> {
        let name = c_text(name, "name")?;
        let indices = Values::of(indices);
        options.with_ffi(|options| {
            // SAFETY: all pointers are those of values that live during the call.
            self.call(|error| unsafe {
                ffi::zt_writer_add_coo(
                    self.handle.as_ptr(),
                    name.as_ptr(),
                    shape.as_ptr(),
                    shape.len(),
                    &values.as_array(),
                    &indices.as_array(),
                    options,
                    error,
                )
            })
        })
    }
}
