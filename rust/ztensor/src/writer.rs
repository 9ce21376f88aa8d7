//! Writing a file.

use std::marker::PhantomData;
use std::os::raw::c_void;
use std::path::Path;
use std::ptr::{null, null_mut, NonNull};

use crate::dtype::{bytes_of, DType, Element};
use crate::error::{c_path, c_text, call, optional_c_text, pointer_of, Error, ErrorCode, Result};
use crate::ffi::{self, Sized0};
use crate::tools::Lines;

/// The first dimension of a stream whose number of rows is known only at the end.
pub const UNKNOWN_ROWS: u64 = ffi::ZT_UNKNOWN_ROWS;

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
}

impl Encoding {
    /// The encoding and its level.
    pub(crate) fn as_ffi(this: Option<Encoding>) -> (ffi::zt_encoding, i32) {
        match this {
            None => (ffi::ZT_ENCODING_DEFAULT, 0),
            Some(Encoding::Raw) => (ffi::ZT_ENCODING_RAW, 0),
            Some(Encoding::Zstd) => (ffi::ZT_ENCODING_ZSTD, 0),
            Some(Encoding::ZstdLevel(level)) => (ffi::ZT_ENCODING_ZSTD, level),
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
    mode: WriteMode,
    format: Option<String>,
    attributes: Option<String>,
    threads: u32,
    durable: bool,
    canonical: bool,
}

impl WriterOptions {
    /// The defaults.
    pub fn new() -> WriterOptions {
        WriterOptions::default()
    }

    /// What happens to a file that is there already.
    pub fn mode(&mut self, mode: WriteMode) -> &mut WriterOptions {
        self.mode = mode;
        self
    }

    /// `"1.0"`, `"1.2"`, `"2"`, `"safetensors"`, `"gguf"` or `"npz"`. By default, the suffix of the path tells it.
    pub fn format(&mut self, format: &str) -> &mut WriterOptions {
        self.format = Some(format.to_string());
        self
    }

    /// The attributes of the file: a JSON object.
    pub fn attributes(&mut self, json: &str) -> &mut WriterOptions {
        self.attributes = Some(json.to_string());
        self
    }

    /// How many threads one call may use. 0: `ZTENSOR_THREADS` if it is set, else the cores of this process.
    pub fn threads(&mut self, threads: u32) -> &mut WriterOptions {
        self.threads = threads;
        self
    }

    /// Whether new files and their folder are synced, too.
    pub fn durable(&mut self, durable: bool) -> &mut WriterOptions {
        self.durable = durable;
        self
    }

    /// Format 2: the same tensors give the same bytes.
    pub fn canonical(&mut self, canonical: bool) -> &mut WriterOptions {
        self.canonical = canonical;
        self
    }

    /// Begins the file. It appears at `path` in [`ZTensorWriter::finalize`].
    pub fn create(&self, path: impl AsRef<Path>) -> Result<ZTensorWriter> {
        let path = c_path(path.as_ref())?;
        let format = optional_c_text(self.format.as_deref(), "format")?;
        let attributes = optional_c_text(self.attributes.as_deref(), "JSON")?;
        let mode = match self.mode {
            WriteMode::Replace => ffi::ZT_MODE_REPLACE,
            WriteMode::Create => ffi::ZT_MODE_CREATE,
            WriteMode::Append => ffi::ZT_MODE_APPEND,
        };
        let options = ffi::zt_writer_options {
            format: pointer_of(&format),
            threads: self.threads,
            attributes: json_attributes(pointer_of(&attributes)),
            durable: self.durable,
            canonical: self.canonical,
            ..ffi::zt_writer_options::sized()
        };
        let mut handle = null_mut();
        // SAFETY: the pointers are those of values that live during the call.
        call(|error| unsafe { ffi::zt_writer_create(path.as_ptr(), mode, &options, &mut handle, error) })?;
        let handle = NonNull::new(handle);
        handle
            .map(|handle| ZTensorWriter { handle })
            .ok_or_else(|| Error::new(ErrorCode::Internal, "the library began a file, but gave no handle"))
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

impl AddOptions {
    /// The defaults: raw, with the checksum of the format.
    pub fn new() -> AddOptions {
        AddOptions::default()
    }

    /// How its elements become stored bytes.
    pub fn encoding(&mut self, encoding: Encoding) -> &mut AddOptions {
        self.encoding = Some(encoding);
        self
    }

    /// Which digest is stored with each of its parts.
    pub fn checksum(&mut self, checksum: ChecksumAlgorithm) -> &mut AddOptions {
        self.checksum = Some(checksum);
        self
    }

    /// The attributes of the tensor: a JSON object.
    pub fn attributes(&mut self, json: &str) -> &mut AddOptions {
        self.attributes = Some(json.to_string());
        self
    }

    /// In a file that grows: whether it takes the place of a tensor of this name, if there is one.
    pub fn replace(&mut self, replace: bool) -> &mut AddOptions {
        self.replace = replace;
        self
    }

    fn with_ffi<R>(&self, work: impl FnOnce(&ffi::zt_add_options) -> Result<R>) -> Result<R> {
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

/// What [`ZTensorWriter::finalize`] has published.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct WriteReport {
    /// The size of the file.
    pub bytes: u64,
    /// Of a file that grew: the bytes that no tensor uses, and that the command `ztensor compact` gives back.
    pub reclaimable: u64,
    /// What a user should know, but is no error.
    pub notes: Vec<String>,
}

/// Writes a new file, or grows one. Readers see the file, or its new version, after [`finalize`](Self::finalize).
/// Dropping a writer that was not finalized leaves the target as it was.
#[derive(Debug)]
pub struct ZTensorWriter {
    handle: NonNull<ffi::zt_writer>,
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

    /// Adds a sparse tensor by coordinates, the values as bytes. `indices` has all coordinates of axis 0 first, then all
    /// of axis 1, and so on.
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

    /// Adds a sparse tensor by coordinates. `indices` has all coordinates of axis 0 first, then all of axis 1, and so on.
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
            call(|error| unsafe {
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
        let handle = NonNull::new(handle)
            .ok_or_else(|| Error::new(ErrorCode::Internal, "the library began a stream, but gave no handle"))?;
        Ok(TensorStream { handle, name: name.to_string(), shape: shape.to_vec(), dtype, writer: PhantomData })
    }

    /// Gives a tensor that was added a second name. Its bytes are stored once.
    pub fn add_alias(&mut self, name: &str, existing: &str) -> Result<()> {
        let (name, existing) = (c_text(name, "name")?, c_text(existing, "name")?);
        call(|error| unsafe { ffi::zt_writer_add_alias(self.handle.as_ptr(), name.as_ptr(), existing.as_ptr(), error) })
    }

    /// In a file that grows: takes a tensor out.
    pub fn remove(&mut self, name: &str) -> Result<()> {
        let name = c_text(name, "name")?;
        call(|error| unsafe { ffi::zt_writer_remove(self.handle.as_ptr(), name.as_ptr(), error) })
    }

    /// Replaces the attributes of the file with a JSON object.
    pub fn set_attributes(&mut self, json: &str) -> Result<()> {
        let json = c_text(json, "JSON")?;
        let attributes = json_attributes(json.as_ptr());
        call(|error| unsafe { ffi::zt_writer_set_attributes(self.handle.as_ptr(), &attributes, error) })
    }

    /// In a file that grows: replaces the attributes of a tensor that it has with a JSON object.
    pub fn set_tensor_attributes(&mut self, name: &str, json: &str) -> Result<()> {
        let (name, json) = (c_text(name, "name")?, c_text(json, "JSON")?);
        let attributes = json_attributes(json.as_ptr());
        call(|error| unsafe {
            ffi::zt_writer_set_tensor_attributes(self.handle.as_ptr(), name.as_ptr(), &attributes, error)
        })
    }

    /// Writes the index and publishes the file.
    pub fn finalize(self) -> Result<WriteReport> {
        let writer = self.handle.as_ptr();
        call(|error| unsafe { ffi::zt_writer_finalize(writer, error) })?;
        let mut lines = Lines::default();
        // SAFETY: `lines` lives during the call, and the writer until the end of this function.
        unsafe {
            ffi::zt_writer_lines(writer, lines.as_ffi());
            Ok(WriteReport {
                bytes: ffi::zt_writer_bytes_written(writer),
                reclaimable: ffi::zt_writer_reclaimable(writer),
                notes: lines.notes,
            })
        }
    }

    fn add_array(&mut self, name: &str, shape: &[u64], dtype: DType, data: &[u8], options: &AddOptions) -> Result<()> {
        check_length(name, shape, dtype, data)?;
        let name = c_text(name, "name")?;
        let array = array_of(dtype, shape, data);
        options.with_ffi(|options| {
            call(|error| unsafe { ffi::zt_writer_add(self.handle.as_ptr(), name.as_ptr(), &array, options, error) })
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
            call(|error| unsafe {
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
            call(|error| unsafe {
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

/// A tensor that is written chunk by chunk, so that it need not fit into memory. Dropping it gives up this tensor alone.
#[derive(Debug)]
pub struct TensorStream<'a> {
    handle: NonNull<ffi::zt_stream>,
    name: String,
    shape: Vec<u64>,
    dtype: DType,
    writer: PhantomData<&'a mut ZTensorWriter>,
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
        call(|error| unsafe { ffi::zt_stream_write(self.handle.as_ptr(), &chunk, error) })
    }

    /// How many rows were written.
    pub fn rows(&self) -> u64 {
        // SAFETY: the stream is open.
        unsafe { ffi::zt_stream_rows(self.handle.as_ptr()) }
    }

    /// Adds the tensor to the file. Fails, and gives the tensor up, while rows are missing.
    pub fn finish(self) -> Result<()> {
        call(|error| unsafe { ffi::zt_stream_finish(self.handle.as_ptr(), error) })
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

/// A list of elements, and its shape.
struct Values<'a> {
    dtype: DType,
    count: u64,
    bytes: &'a [u8],
}

impl<'a> Values<'a> {
    fn of<T: Element>(elements: &'a [T]) -> Values<'a> {
        Values { dtype: T::DTYPE, count: elements.len() as u64, bytes: bytes_of(elements) }
    }

    fn of_bytes(name: &str, dtype: DType, bytes: &'a [u8]) -> Result<Values<'a>> {
        let bits = bytes.len() as u64 * 8;
        if bits % u64::from(dtype.bits()) != 0 {
            return Err(Error::usage(format!(
                "{} bytes of values of tensor '{name}' are no whole elements of {dtype}: give whole elements",
                bytes.len()
            )));
        }
        Ok(Values { dtype, count: bits / u64::from(dtype.bits()), bytes })
    }

    fn as_array(&self) -> ffi::zt_array {
        array_of(self.dtype, std::slice::from_ref(&self.count), self.bytes)
    }
}

/// The result has addresses of the arguments.
fn array_of(dtype: DType, shape: &[u64], data: &[u8]) -> ffi::zt_array {
    ffi::zt_array {
        dtype: dtype as i32,
        shape: shape.as_ptr(),
        rank: shape.len(),
        data: data.as_ptr().cast::<c_void>(),
        ..ffi::zt_array::sized()
    }
}

/// The library reads as many bytes as the shape says, so a slice must have exactly these.
fn check_length(name: &str, shape: &[u64], dtype: DType, data: &[u8]) -> Result<()> {
    // A 0 anywhere makes the product 0, also if the rest of it would overflow.
    let elements = if shape.contains(&0) {
        Some(0)
    } else {
        shape.iter().try_fold(1u64, |product, size| product.checked_mul(*size))
    };
    let bytes = elements.and_then(|elements| dtype.bytes(elements));
    if bytes == Some(data.len() as u64) {
        return Ok(());
    }
    let needed = bytes.map_or("more bytes than can be counted".to_string(), |bytes| format!("{bytes} bytes"));
    Err(Error::usage(format!(
        "tensor '{name}' of shape {shape:?} and {dtype} needs {needed}, and there are {}: correct the shape or the data",
        data.len()
    )))
}

fn options_of(encoding: Encoding, checksum: ChecksumAlgorithm) -> AddOptions {
    AddOptions { encoding: Some(encoding), checksum: Some(checksum), ..AddOptions::default() }
}

fn json_attributes(json: *const std::os::raw::c_char) -> ffi::zt_attributes {
    ffi::zt_attributes { json, cbor: null(), cbor_length: 0 }
}
