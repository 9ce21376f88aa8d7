//! Reading sparse tensors.

use std::os::raw::c_void;
use std::ptr::null_mut;

use crate::dtype::{read_vec, room, Element};
use crate::error::Result;
use crate::ffi;
use crate::reader::{slice, ZTensorReader};

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

impl ZTensorReader {
    /// The values and indices of a CSR matrix. The indices are checked.
    pub fn read_csr_tensor<T: Element>(&self, name: &str) -> Result<CsrTensor<T>> {
        let (tensor, shape, values) = self.read_values::<T>(name, "sparse_csr")?;
        // The library has checked that the matrix has two dimensions, so 0 never stands in.
        let pointers = shape.first().map_or(0, |rows| rows.saturating_add(1));
        let (indices, indptr) = self.read_indices(tensor, values.len() as u64, Some(pointers))?;
        Ok(CsrTensor { shape, values, indices, indptr })
    }

    /// The values and coordinates of a COO tensor. The coordinates are checked.
    pub fn read_coo_tensor<T: Element>(&self, name: &str) -> Result<CooTensor<T>> {
        let (tensor, shape, values) = self.read_values::<T>(name, "sparse_coo")?;
        let count = (values.len() as u64).saturating_mul(shape.len() as u64);
        let (indices, _) = self.read_indices(tensor, count, None)?;
        Ok(CooTensor { shape, values, indices })
    }

    /// The number, the shape and the values of a sparse tensor.
    fn read_values<T: Element>(&self, name: &str, layout: &str) -> Result<(usize, Vec<u64>, Vec<T>)> {
        let (tensor, info) = self.find_typed::<T>(name, layout)?;
        // SAFETY: the shape lives as long as the source.
        let shape = unsafe { slice(info.shape, info.rank) }.to_vec();
        Ok((tensor, shape, self.read_part_of(tensor, "values")?))
    }

    /// The indices, and the pointers if a number of them is given.
    fn read_indices(&self, tensor: usize, count: u64, pointers: Option<u64>) -> Result<(Vec<u64>, Vec<u64>)> {
        let mut indptr = room::<u64>(pointers.unwrap_or(0))?;
        let start = if pointers.is_some() { indptr.as_mut_ptr() } else { null_mut() };
        let indptr_count = pointers.unwrap_or(0) as usize;
        let indices = read_vec(count, |out: *mut c_void, _| {
            // SAFETY: all pointers are those of values that live during the call.
            self.call(|error| unsafe {
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
