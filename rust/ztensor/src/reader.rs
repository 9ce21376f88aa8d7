//! An open file of tensors.

use std::ops::Range;
use std::os::raw::c_void;
use std::path::Path;
use std::ptr::{null, null_mut, NonNull};

use crate::callbacks::{release, NO_PROGRESS};
use crate::dtype::{check_dtype, read_vec, room, DType, Element};
use crate::error::{c_path, c_text, call, Error, ErrorCode, Result};
use crate::ffi::{self, Sized0};
use crate::view::{Bytes, View};

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
}

impl OpenOptions {
    /// The defaults.
    pub fn new() -> OpenOptions {
        OpenOptions::default()
    }

    /// How the file is read.
    pub fn backend(&mut self, backend: Backend) -> &mut OpenOptions {
        self.backend = backend;
        self
    }

    /// Which digests the reads check.
    pub fn verify(&mut self, verify: Verify) -> &mut OpenOptions {
        self.verify = verify;
        self
    }

    /// How many threads one call may use. 0: `ZTENSOR_THREADS` if it is set, else the cores of this process.
    pub fn threads(&mut self, threads: u32) -> &mut OpenOptions {
        self.threads = threads;
        self
    }

    /// Opens a file, as [`ZTensorReader::open`] does.
    pub fn open(&self, path: impl AsRef<Path>) -> Result<ZTensorReader> {
        let path = c_path(path.as_ref())?;
        let mut handle = null_mut();
        // SAFETY: the pointers are those of values that live during the call.
        call(|error| unsafe { ffi::zt_open(path.as_ptr(), &self.as_ffi(), &mut handle, error) })?;
        ZTensorReader::from_handle(handle)
    }

    /// Opens a file in memory, as [`ZTensorReader::open_bytes`] does.
    pub fn open_bytes<B: AsRef<[u8]> + Send + Sync + 'static>(&self, bytes: B) -> Result<ZTensorReader> {
        // In a box, the bytes of an array also have an address that stays.
        let owner = Box::into_raw(Box::new(bytes));
        let mut handle = null_mut();
        // SAFETY: `owner` stays unchanged until the library calls `release`, which it does once; never if it fails.
        let result = call(|error| unsafe {
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
        });
        if let Err(error) = result {
            // SAFETY: the library does not have it, so it is ours again.
            drop(unsafe { Box::from_raw(owner) });
            return Err(error);
        }
        ZTensorReader::from_handle(handle)
    }

    fn as_ffi(&self) -> ffi::zt_open_options {
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
        ffi::zt_open_options { backend, verify, threads: self.threads, ..ffi::zt_open_options::sized() }
    }
}

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

/// A sparse matrix in compressed rows.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct CsrTensor<T> {
    /// Rows and columns.
    pub shape: Vec<u64>,
    /// The stored values, row by row.
    pub values: Vec<T>,
    /// The column of each value.
    pub indices: Vec<u64>,
    /// Where each row begins in `values`, and at last the number of values.
    pub indptr: Vec<u64>,
}

/// A sparse tensor by coordinates.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct CooTensor<T> {
    /// The dimensions, outermost first.
    pub shape: Vec<u64>,
    /// The stored values.
    pub values: Vec<T>,
    /// The coordinates of the values: all of axis 0 first, then all of axis 1, and so on.
    pub indices: Vec<u64>,
}

/// What a slice takes along one axis. The axis stays in the result.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Axis {
    /// Every position.
    All,
    /// The positions of a range.
    Range(Range<u64>),
    /// `count` positions: `start`, `start + step`, and so on. The step may be negative or 0.
    Steps {
        /// The first position.
        start: u64,
        /// How many positions.
        count: u64,
        /// From one position to the next.
        step: i64,
    },
    /// These positions.
    List(Vec<u64>),
}

impl Axis {
    fn as_ffi(&self) -> Result<ffi::zt_axis> {
        let range = |start, count, step| ffi::zt_axis { kind: ffi::ZT_AXIS_RANGE, start, count, step, list: null() };
        Ok(match self {
            Axis::All => ffi::zt_axis { kind: ffi::ZT_AXIS_ALL, ..range(0, 0, 0) },
            Axis::Range(Range { start, end }) => range(*start, length_of(&(*start..*end))?, 1),
            Axis::Steps { start, count, step } => range(*start, *count, *step),
            Axis::List(list) => {
                ffi::zt_axis { kind: ffi::ZT_AXIS_LIST, list: list.as_ptr(), ..range(0, list.len() as u64, 0) }
            }
        })
    }
}

fn length_of(range: &Range<u64>) -> Result<u64> {
    let length = range.end.checked_sub(range.start);
    length.ok_or_else(|| Error::usage(format!("the range {range:?} ends before it begins: swap its ends")))
}

/// An open file of tensors, of any format. Many threads may read from one reader.
#[derive(Debug)]
pub struct ZTensorReader {
    handle: NonNull<ffi::zt_source>,
}

// SAFETY: the library lets any number of threads use one source at the same time, and any thread close it. What it
// borrows from us (`open_bytes`) is Send and Sync.
unsafe impl Send for ZTensorReader {}
unsafe impl Sync for ZTensorReader {}

impl Drop for ZTensorReader {
    fn drop(&mut self) {
        // SAFETY: nobody else closes the source, and what borrows from it has ended.
        unsafe { ffi::zt_source_close(self.handle.as_ptr()) }
    }
}

impl ZTensorReader {
    /// Opens a file, a folder of a model, or an index of shards. Reads only the index.
    pub fn open(path: impl AsRef<Path>) -> Result<ZTensorReader> {
        OpenOptions::new().open(path)
    }

    /// Opens a file in memory, without copying it.
    pub fn open_bytes<B: AsRef<[u8]> + Send + Sync + 'static>(bytes: B) -> Result<ZTensorReader> {
        OpenOptions::new().open_bytes(bytes)
    }

    /// The format of the file: `"zt-1.2"`, `"safetensors"`, and so on.
    pub fn format(&self) -> &str {
        // SAFETY: the text lives as long as the source.
        unsafe { text(ffi::zt_source_format(self.as_ptr())) }.unwrap_or("")
    }

    /// All tensors, in the order of the file, also those that cannot be read.
    pub fn list_tensors(&self) -> Result<Vec<TensorInfo<'_>>> {
        // SAFETY: the source is open.
        let count = unsafe { ffi::zt_source_tensors(self.as_ptr()) };
        (0..count).map(|tensor| self.describe(tensor)).collect()
    }

    /// What the index says about one tensor.
    pub fn get_tensor(&self, name: &str) -> Result<TensorInfo<'_>> {
        self.describe(self.find(name)?)
    }

    /// The attributes of the file as JSON. `None` where it has none.
    pub fn attributes(&self) -> Result<Option<String>> {
        json(|out, error| unsafe { ffi::zt_source_attributes_json(self.as_ptr(), out, error) })
    }

    /// The attributes of a tensor as JSON. `None` where it has none.
    pub fn tensor_attributes(&self, name: &str) -> Result<Option<String>> {
        let tensor = self.find(name)?;
        json(|out, error| unsafe { ffi::zt_tensor_attributes_json(self.as_ptr(), tensor, out, error) })
    }

    /// The bytes of a dense tensor.
    pub fn read_tensor(&self, name: &str) -> Result<Vec<u8>> {
        let tensor = self.find(name)?;
        self.check_layout(tensor, name, "dense")?;
        self.read_part_of(tensor, "data")
    }

    /// The elements of a dense tensor. `bool` is read as `u8`.
    pub fn read_tensor_as<T: Element>(&self, name: &str) -> Result<Vec<T>> {
        let tensor = self.find(name)?;
        let info = self.check_layout(tensor, name, "dense")?;
        check_dtype::<T>(name, DType::from_number(info.dtype))?;
        self.read_part_of(tensor, "data")
    }

    /// The bytes of one part of a tensor of any layout.
    pub fn read_part(&self, name: &str, role: &str) -> Result<Vec<u8>> {
        self.read_part_of(self.find(name)?, role)
    }

    /// The rows of a dense tensor whose numbers along axis 0 are in `rows`. Reads only these.
    pub fn read_rows<T: Element>(&self, name: &str, rows: Range<u64>) -> Result<Vec<T>> {
        self.read_slice(name, &[Axis::Range(rows)])
    }

    /// A slice of a dense tensor, row-major. Axes after the last of `axes` are taken whole. Reads only what it needs.
    pub fn read_slice<T: Element>(&self, name: &str, axes: &[Axis]) -> Result<Vec<T>> {
        let tensor = self.find(name)?;
        let info = self.check_layout(tensor, name, "dense")?;
        check_dtype::<T>(name, DType::from_number(info.dtype))?;
        // SAFETY: the shape lives as long as the source.
        let shape = unsafe { slice(info.shape, info.rank) };
        if axes.len() > shape.len() {
            return Err(Error::usage(format!(
                "the slice of tensor '{name}' has {} axes: give at most {}",
                axes.len(),
                shape.len()
            )));
        }
        let selection = axes.iter().map(Axis::as_ffi).collect::<Result<Vec<_>>>()?;
        let mut count = Some(1u64);
        for (axis, size) in shape.iter().enumerate() {
            let taken = selection.get(axis).filter(|taken| taken.kind != ffi::ZT_AXIS_ALL);
            count = count.and_then(|count| count.checked_mul(taken.map_or(*size, |taken| taken.count)));
        }
        let count =
            count.ok_or_else(|| Error::usage(format!("the slice of tensor '{name}' is too large: take less")))?;
        read_vec(count, |out, length| {
            call(|error| unsafe {
                ffi::zt_tensor_read_slice(
                    self.as_ptr(),
                    tensor,
                    selection.as_ptr(),
                    selection.len(),
                    out,
                    length,
                    ffi::ZT_VERIFY_DEFAULT,
                    NO_PROGRESS,
                    error,
                )
            })
        })
    }

    /// Borrows the elements of a dense tensor, without copying. Fails where they are encoded, or where the file is not
    /// mapped or its elements are not aligned for `T`: read the tensor then.
    ///
    /// As with every mapped file: nobody may change the file while the view lives, and if somebody cuts it, touching the
    /// elements ends the process by `SIGBUS`. The library itself never does either.
    ///
    /// A view cannot outlive its reader:
    ///
    /// ```compile_fail,E0505
    /// # fn main() -> ztensor::Result<()> {
    /// let reader = ztensor::ZTensorReader::open("model.zt")?;
    /// let weights = reader.view::<f32>("weights")?;
    /// drop(reader);
    /// println!("{}", weights[0]);
    /// # Ok(())
    /// # }
    /// ```
    pub fn view<T: Element>(&self, name: &str) -> Result<View<'_, T>> {
        let tensor = self.find(name)?;
        let info = self.check_layout(tensor, name, "dense")?;
        check_dtype::<T>(name, DType::from_number(info.dtype))?;
        let mut bytes = Bytes::empty();
        call(|error| unsafe {
            ffi::zt_tensor_map(self.as_ptr(), tensor, ffi::ZT_VERIFY_DEFAULT, bytes.as_out(), error)
        })?;
        View::new(name, bytes)
    }

    /// The values and indices of a CSR matrix. The indices are checked.
    pub fn read_csr_tensor<T: Element>(&self, name: &str) -> Result<CsrTensor<T>> {
        let tensor = self.find(name)?;
        let shape = self.check_sparse::<T>(tensor, name, "sparse_csr")?;
        let values: Vec<T> = self.read_part_of(tensor, "values")?;
        // The library has checked that the matrix has two dimensions, so 0 never stands in.
        let pointers = shape.first().map_or(0, |rows| rows.saturating_add(1));
        let (indices, indptr) = self.read_indices(tensor, values.len() as u64, Some(pointers))?;
        Ok(CsrTensor { shape, values, indices, indptr })
    }

    /// The values and coordinates of a COO tensor. The coordinates are checked.
    pub fn read_coo_tensor<T: Element>(&self, name: &str) -> Result<CooTensor<T>> {
        let tensor = self.find(name)?;
        let shape = self.check_sparse::<T>(tensor, name, "sparse_coo")?;
        let values: Vec<T> = self.read_part_of(tensor, "values")?;
        let count = (values.len() as u64).saturating_mul(shape.len() as u64);
        let (indices, _) = self.read_indices(tensor, count, None)?;
        Ok(CooTensor { shape, values, indices })
    }

    /// The values of a quantized tensor.
    pub fn dequantize(&self, name: &str) -> Result<Vec<f32>> {
        let tensor = self.find(name)?;
        let info = self.info(tensor)?;
        read_vec(info.elements, |out, _| {
            call(|error| unsafe {
                ffi::zt_tensor_dequantize(
                    self.as_ptr(),
                    tensor,
                    out.cast(),
                    info.elements as usize,
                    ffi::ZT_VERIFY_DEFAULT,
                    NO_PROGRESS,
                    error,
                )
            })
        })
    }

    pub(crate) fn as_ptr(&self) -> *const ffi::zt_source {
        self.handle.as_ptr()
    }

    fn from_handle(handle: *mut ffi::zt_source) -> Result<ZTensorReader> {
        let handle = NonNull::new(handle);
        handle
            .map(|handle| ZTensorReader { handle })
            .ok_or_else(|| Error::new(ErrorCode::Internal, "the library opened a file, but gave no handle"))
    }

    fn find(&self, name: &str) -> Result<usize> {
        let name = c_text(name, "name")?;
        let mut tensor = 0;
        call(|error| unsafe { ffi::zt_tensor_find(self.as_ptr(), name.as_ptr(), &mut tensor, error) })?;
        Ok(tensor)
    }

    fn info(&self, tensor: usize) -> Result<ffi::zt_tensor_info> {
        let mut info = ffi::zt_tensor_info::sized();
        call(|error| unsafe { ffi::zt_tensor_get(self.as_ptr(), tensor, &mut info, error) })?;
        Ok(info)
    }

    fn describe(&self, tensor: usize) -> Result<TensorInfo<'_>> {
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
        call(|error| unsafe { ffi::zt_part_get(self.as_ptr(), tensor, part, &mut info, error) })?;
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

    /// Fails with the cause where the tensor cannot be read, and where it has another layout.
    fn check_layout(&self, tensor: usize, name: &str, wanted: &str) -> Result<ffi::zt_tensor_info> {
        call(|error| unsafe { ffi::zt_tensor_check(self.as_ptr(), tensor, error) })?;
        let info = self.info(tensor)?;
        // SAFETY: the text lives as long as the source.
        let layout = unsafe { text(info.layout) }?;
        if layout == wanted {
            return Ok(info);
        }
        let instead = match layout {
            "dense" => "read_tensor",
            "sparse_csr" => "read_csr_tensor",
            "sparse_coo" => "read_coo_tensor",
            _ => "read_part",
        };
        Err(Error::usage(format!("tensor '{name}' has layout '{layout}', not '{wanted}': use {instead}")))
    }

    fn check_sparse<T: Element>(&self, tensor: usize, name: &str, layout: &str) -> Result<Vec<u64>> {
        let info = self.check_layout(tensor, name, layout)?;
        check_dtype::<T>(name, DType::from_number(info.dtype))?;
        // SAFETY: the shape lives as long as the source.
        Ok(unsafe { slice(info.shape, info.rank) }.to_vec())
    }

    fn read_part_of<T: Element>(&self, tensor: usize, role: &str) -> Result<Vec<T>> {
        let role = c_text(role, "role")?;
        let mut part = 0;
        let mut bytes = 0;
        call(|error| unsafe { ffi::zt_part_find(self.as_ptr(), tensor, role.as_ptr(), &mut part, error) })?;
        call(|error| unsafe { ffi::zt_part_measure(self.as_ptr(), tensor, part, &mut bytes, error) })?;
        // A remainder would make the room too small, which the library refuses.
        let count = bytes / std::mem::size_of::<T>() as u64;
        read_vec(count, |out, length| {
            call(|error| unsafe {
                ffi::zt_part_read(self.as_ptr(), tensor, part, out, length, ffi::ZT_VERIFY_DEFAULT, error)
            })
        })
    }

    /// The indices, and the pointers if a number of them is given.
    fn read_indices(&self, tensor: usize, count: u64, pointers: Option<u64>) -> Result<(Vec<u64>, Vec<u64>)> {
        let mut indptr = room::<u64>(pointers.unwrap_or(0))?;
        let start = if pointers.is_some() { indptr.as_mut_ptr() } else { null_mut() };
        let indptr_count = pointers.unwrap_or(0) as usize;
        let indices = read_vec(count, |out: *mut c_void, _| {
            call(|error| unsafe {
                ffi::zt_tensor_read_indices(
                    self.as_ptr(),
                    tensor,
                    out.cast(),
                    count as usize,
                    start,
                    indptr_count,
                    ffi::ZT_VERIFY_DEFAULT,
                    error,
                )
            })
        })?;
        // SAFETY: the call succeeded, so it has written all of them.
        unsafe { indptr.set_len(indptr_count) };
        Ok((indices, indptr))
    }
}

/// # Safety
/// The text lives during `'a`.
pub(crate) unsafe fn text<'a>(text: ffi::zt_text) -> Result<&'a str> {
    std::str::from_utf8(slice(text.data.cast(), text.length))
        .map_err(|_| Error::new(ErrorCode::Internal, "the library gave a text that is not UTF-8"))
}

/// # Safety
/// If `length` is not 0, so many items lie at `data`, and they live during `'a`.
pub(crate) unsafe fn slice<'a, T>(data: *const T, length: usize) -> &'a [T] {
    if length == 0 {
        return &[]; // C may have no address for no items
    }
    std::slice::from_raw_parts(data, length)
}

fn json(read: impl FnOnce(*mut ffi::zt_bytes, *mut ffi::zt_error) -> ffi::zt_code) -> Result<Option<String>> {
    let mut bytes = Bytes::empty();
    call(|error| read(bytes.as_out(), error))?;
    let text = String::from_utf8_lossy(bytes.as_slice()).into_owned();
    Ok(Some(text).filter(|text| !text.is_empty() && text != "null"))
}
