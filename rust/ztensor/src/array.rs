//! Elements as the library takes them.

use std::os::raw::c_void;

use crate::dtype::{bytes_of, DType, Element};
use crate::error::{Error, Result};
use crate::ffi::{self, Sized0};

/// A list of elements, and its shape.
pub(crate) struct Values<'a> {
    dtype: DType,
    count: u64,
    bytes: &'a [u8],
}

impl<'a> Values<'a> {
    pub(crate) fn of<T: Element>(elements: &'a [T]) -> Values<'a> {
        Values { dtype: T::DTYPE, count: elements.len() as u64, bytes: bytes_of(elements) }
    }

    pub(crate) fn of_bytes(name: &str, dtype: DType, bytes: &'a [u8]) -> Result<Values<'a>> {
        let bits = bytes.len() as u64 * 8;
        if bits % u64::from(dtype.bits()) != 0 {
            return Err(Error::usage(format!(
                "{} bytes of values of tensor '{name}' are no whole elements of {dtype}: give whole elements",
                bytes.len()
            )));
        }
        Ok(Values { dtype, count: bits / u64::from(dtype.bits()), bytes })
    }

    pub(crate) fn as_array(&self) -> ffi::zt_array {
        array_of(self.dtype, std::slice::from_ref(&self.count), self.bytes)
    }
}

/// The result has addresses of the arguments.
pub(crate) fn array_of(dtype: DType, shape: &[u64], data: &[u8]) -> ffi::zt_array {
    ffi::zt_array {
        dtype: dtype as i32,
        shape: shape.as_ptr(),
        rank: shape.len(),
        data: data.as_ptr().cast::<c_void>(),
        ..ffi::zt_array::sized()
    }
}

/// The library reads as many bytes as the shape says, so a slice must have exactly these.
pub(crate) fn check_length(name: &str, shape: &[u64], dtype: DType, data: &[u8]) -> Result<()> {
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
