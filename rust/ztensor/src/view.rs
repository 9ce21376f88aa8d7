//! Bytes that the library lends.

use std::fmt;
use std::marker::PhantomData;
use std::mem::{align_of, size_of};
use std::ops::Deref;
use std::ptr::null_mut;

use crate::dtype::Element;
use crate::error::{Error, ErrorCode, Result};
use crate::ffi;
use crate::reader::slice;

/// Bytes that the library holds until this is dropped.
pub(crate) struct Bytes(ffi::zt_bytes);

// SAFETY: the library lets any thread use the bytes of a source, and give them up. Nobody writes to them.
unsafe impl Send for Bytes {}
// SAFETY: as above.
unsafe impl Sync for Bytes {}

impl Bytes {
    pub(crate) fn empty() -> Bytes {
        Bytes(ffi::zt_bytes { data: null_mut(), length: 0, owner: null_mut() })
    }

    /// For a call that fills in bytes which are empty yet.
    pub(crate) fn as_out(&mut self) -> *mut ffi::zt_bytes {
        &mut self.0
    }

    pub(crate) fn to_text(&self) -> String {
        String::from_utf8_lossy(self.as_slice()).into_owned()
    }

    pub(crate) fn as_slice(&self) -> &[u8] {
        // SAFETY: the bytes live until zt_bytes_free().
        unsafe { slice(self.0.data.cast(), self.0.length) }
    }
}

impl Drop for Bytes {
    fn drop(&mut self) {
        // SAFETY: the struct is all zeros, or filled in by the library.
        unsafe { ffi::zt_bytes_free(&mut self.0) }
    }
}

/// The elements of a tensor in the file, which were not copied. Use it as a slice; see
/// [`ZTensorReader::view`](crate::ZTensorReader::view).
pub struct View<'a, T> {
    bytes: Bytes,
    reader: PhantomData<&'a [T]>,
}

impl<T: Element> View<'_, T> {
    pub(crate) fn new(name: &str, bytes: Bytes) -> Result<Self> {
        let found = bytes.as_slice();
        // No elements need no alignment: their address is never used.
        if !found.is_empty() && found.as_ptr() as usize % align_of::<T>() != 0 {
            return Err(Error::new(
                ErrorCode::Unsupported,
                format!("the bytes of tensor '{name}' are not aligned for {}: read it with read_tensor_as", T::DTYPE),
            ));
        }
        if found.len() % size_of::<T>() != 0 {
            return Err(Error::new(ErrorCode::Internal, format!("tensor '{name}' ends within an element")));
        }
        Ok(View { bytes, reader: PhantomData })
    }
}

impl<T: Element> Deref for View<'_, T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        let bytes = self.bytes.as_slice();
        // SAFETY: `new` has checked alignment and length, and any bits are values of an Element.
        unsafe { slice(bytes.as_ptr().cast(), bytes.len() / size_of::<T>()) }
    }
}

impl<T: Element> AsRef<[T]> for View<'_, T> {
    fn as_ref(&self) -> &[T] {
        self
    }
}

impl<T: Element + fmt::Debug> fmt::Debug for View<'_, T> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(out)
    }
}
