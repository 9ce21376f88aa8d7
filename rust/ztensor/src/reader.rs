//! An open file of tensors.

use std::path::Path;
use std::ptr::NonNull;
use std::sync::Arc;

use crate::callbacks::{Panics, NO_PROGRESS};
use crate::dtype::{check_dtype, read_vec, DType, Element};
use crate::error::{call, handle_of, Error, ErrorCode, Result};
use crate::ffi::{self, Sized0};
use crate::info::TensorInfo;
use crate::open_options::OpenOptions;
use crate::store::ByteStore;
use crate::texts::c_text;
use crate::view::{Bytes, View};

/// An open file of tensors, of any format. Many threads may read from one reader.
#[derive(Debug)]
pub struct ZTensorReader {
    handle: NonNull<ffi::zt_source>,
    // Those of a user's own store.
    panics: Option<Arc<Panics>>,
}

// SAFETY: the library lets any number of threads use one source at the same time, and any thread close it. What it
// borrows from us (`open_bytes`, `open_store`) is Send and Sync.
unsafe impl Send for ZTensorReader {}
// SAFETY: as above.
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

    /// Opens several files of one format as one: the files of a model that is split. Reads only their indices. A name
    /// that two files have is an error.
    pub fn open_many<P: AsRef<Path>>(paths: &[P]) -> Result<ZTensorReader> {
        OpenOptions::new().open_many(paths)
    }

    /// Opens a file in memory, without copying it.
    pub fn open_bytes<B: AsRef<[u8]> + Send + Sync + 'static>(bytes: B) -> Result<ZTensorReader> {
        OpenOptions::new().open_bytes(bytes)
    }

    /// Opens a file in a user's own store of bytes, without reading more than the index. Nothing in it can be borrowed:
    /// [`view`](Self::view) fails. Where the store panics, the panic goes on in the call that reads. If several threads
    /// read at this moment, it may go on in another of their calls, if that fails, too.
    pub fn open_store<S: ByteStore + 'static>(store: S) -> Result<ZTensorReader> {
        OpenOptions::new().open_store(store)
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
        // SAFETY: all pointers are those of values that live during the call.
        self.json(|out, error| unsafe { ffi::zt_source_attributes_json(self.as_ptr(), out, error) })
    }

    /// The attributes of a tensor as JSON. `None` where it has none.
    pub fn tensor_attributes(&self, name: &str) -> Result<Option<String>> {
        let tensor = self.find(name)?;
        // SAFETY: all pointers are those of values that live during the call.
        self.json(|out, error| unsafe { ffi::zt_tensor_attributes_json(self.as_ptr(), tensor, out, error) })
    }

    /// The bytes of a dense tensor.
    pub fn read_tensor(&self, name: &str) -> Result<Vec<u8>> {
        let tensor = self.find(name)?;
        self.check_layout(tensor, name, "dense")?;
        self.read_part_of(tensor, "data")
    }

    /// The elements of a dense tensor. `bool` is read as `u8`.
    pub fn read_tensor_as<T: Element>(&self, name: &str) -> Result<Vec<T>> {
        let (tensor, _) = self.find_typed::<T>(name, "dense")?;
        self.read_part_of(tensor, "data")
    }

    /// The bytes of one part of a tensor of any layout.
    pub fn read_part(&self, name: &str, role: &str) -> Result<Vec<u8>> {
        self.read_part_of(self.find(name)?, role)
    }

    /// Borrows the elements of a dense tensor, without copying. Fails where they are encoded, or where the file is not
    /// mapped or its elements are not aligned for `T`: read the tensor then.
    ///
    /// As with every mapped file: nobody may change the file while the view lives, and if somebody cuts it, touching
    /// the elements ends the process by `SIGBUS`. The library itself never does either.
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
        let (tensor, _) = self.find_typed::<T>(name, "dense")?;
        let mut bytes = Bytes::empty();
        // SAFETY: all pointers are those of values that live during the call.
        self.call(|error| unsafe {
            ffi::zt_tensor_map(self.as_ptr(), tensor, ffi::ZT_VERIFY_DEFAULT, bytes.as_out(), error)
        })?;
        View::new(name, bytes)
    }

    /// The values of a quantized tensor.
    pub fn dequantize(&self, name: &str) -> Result<Vec<f32>> {
        let tensor = self.find(name)?;
        let info = self.info(tensor)?;
        read_vec(info.elements, |out, _| {
            // SAFETY: all pointers are those of values that live during the call.
            self.call(|error| unsafe {
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

    pub(crate) fn json(
        &self,
        read: impl FnOnce(*mut ffi::zt_bytes, *mut ffi::zt_error) -> ffi::zt_code,
    ) -> Result<Option<String>> {
        let mut bytes = Bytes::empty();
        self.call(|error| read(bytes.as_out(), error))?;
        Ok(Some(bytes.to_text()).filter(|text| !text.is_empty() && text != "null"))
    }

    /// Calls a function that reads. If it fails, a panic of the store goes on here.
    pub(crate) fn call(&self, function: impl FnOnce(*mut ffi::zt_error) -> ffi::zt_code) -> Result<()> {
        self.resume_if_failed(call(function))
    }

    /// The result of a read. If it is an error, a panic of the store goes on here.
    pub(crate) fn resume_if_failed<R>(&self, result: Result<R>) -> Result<R> {
        if result.is_err() {
            self.resume();
        }
        result
    }

    /// Goes on with the panic of the store, if there was one.
    pub(crate) fn resume(&self) {
        if let Some(panics) = &self.panics {
            panics.resume();
        }
    }

    pub(crate) fn from_handle(handle: *mut ffi::zt_source, panics: Option<Arc<Panics>>) -> Result<ZTensorReader> {
        Ok(ZTensorReader { handle: handle_of(handle, "opened a file")?, panics })
    }

    pub(crate) fn find(&self, name: &str) -> Result<usize> {
        let name = c_text(name, "name")?;
        let mut tensor = 0;
        // SAFETY: all pointers are those of values that live during the call.
        self.call(|error| unsafe { ffi::zt_tensor_find(self.as_ptr(), name.as_ptr(), &mut tensor, error) })?;
        Ok(tensor)
    }

    pub(crate) fn info(&self, tensor: usize) -> Result<ffi::zt_tensor_info> {
        let mut info = ffi::zt_tensor_info::sized();
        // SAFETY: all pointers are those of values that live during the call.
        self.call(|error| unsafe { ffi::zt_tensor_get(self.as_ptr(), tensor, &mut info, error) })?;
        Ok(info)
    }

    /// Finds a tensor of this layout whose elements are `T`.
    pub(crate) fn find_typed<T: Element>(&self, name: &str, layout: &str) -> Result<(usize, ffi::zt_tensor_info)> {
        let tensor = self.find(name)?;
        let info = self.check_layout(tensor, name, layout)?;
        check_dtype::<T>(name, DType::from_number(info.dtype))?;
        Ok((tensor, info))
    }

    /// Fails with the cause where the tensor cannot be read, and where it has another layout.
    pub(crate) fn check_layout(&self, tensor: usize, name: &str, wanted: &str) -> Result<ffi::zt_tensor_info> {
        // SAFETY: all pointers are those of values that live during the call.
        self.call(|error| unsafe { ffi::zt_tensor_check(self.as_ptr(), tensor, error) })?;
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

    pub(crate) fn read_part_of<T: Element>(&self, tensor: usize, role: &str) -> Result<Vec<T>> {
        let (part, count) = self.find_elements::<T>(tensor, role)?;
        read_vec(count, |out, length| {
            // SAFETY: all pointers are those of values that live during the call.
            self.call(|error| unsafe {
                ffi::zt_part_read(self.as_ptr(), tensor, part, out, length, ffi::ZT_VERIFY_DEFAULT, error)
            })
        })
    }

    /// The number of a part, and how many elements it has.
    pub(crate) fn find_elements<T: Element>(&self, tensor: usize, role: &str) -> Result<(usize, u64)> {
        let role = c_text(role, "role")?;
        let (mut part, mut bytes) = (0, 0);
        // SAFETY: all pointers are those of values that live during the call.
        self.call(|error| unsafe { ffi::zt_part_find(self.as_ptr(), tensor, role.as_ptr(), &mut part, error) })?;
        // SAFETY: all pointers are those of values that live during the call.
        self.call(|error| unsafe { ffi::zt_part_measure(self.as_ptr(), tensor, part, &mut bytes, error) })?;
        // A remainder would make the room too small, which the library refuses.
        Ok((part, bytes / std::mem::size_of::<T>() as u64))
    }
}

/// # Safety
/// The text lives during `'a`.
pub(crate) unsafe fn text<'a>(text: ffi::zt_text) -> Result<&'a str> {
    // SAFETY: the text lives during `'a`.
    std::str::from_utf8(unsafe { slice(text.data.cast(), text.length) })
        .map_err(|_| Error::new(ErrorCode::Internal, "the library gave a text that is not UTF-8"))
}

/// # Safety
/// If `length` is not 0, so many items lie at `data`, and they live during `'a`.
pub(crate) unsafe fn slice<'a, T>(data: *const T, length: usize) -> &'a [T] {
    if length == 0 {
        return &[]; // C may have no address for no items
    }
    // SAFETY: so many items lie there.
    unsafe { std::slice::from_raw_parts(data, length) }
}
