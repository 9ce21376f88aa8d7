//! Reading slices.

use std::ops::Range;
use std::ptr::null;

use crate::callbacks::NO_PROGRESS;
use crate::dtype::{read_vec, Element};
use crate::error::{Error, Result};
use crate::ffi;
use crate::reader::{slice, ZTensorReader};

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

impl ZTensorReader {
    /// The rows of a dense tensor whose numbers along axis 0 are in `rows`. Reads only these.
    pub fn read_rows<T: Element>(&self, name: &str, rows: Range<u64>) -> Result<Vec<T>> {
        self.read_slice(name, &[Axis::Range(rows)])
    }

    /// A slice of a dense tensor, row-major. Axes after the last of `axes` are taken whole. Reads only what it needs.
    pub fn read_slice<T: Element>(&self, name: &str, axes: &[Axis]) -> Result<Vec<T>> {
        let (tensor, info) = self.find_typed::<T>(name, "dense")?;
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
            // SAFETY: all pointers are those of values that live during the call.
            self.call(|error| unsafe {
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
}
