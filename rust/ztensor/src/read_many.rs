//! Reading several tensors at the same time.

use crate::callbacks::Progress;
use crate::dtype::{room, Element};
use crate::error::Result;
use crate::ffi;
use crate::reader::ZTensorReader;

impl ZTensorReader {
    /// The bytes of several dense tensors, in the order of the names. Reads and decodes on as many threads as
    /// [`OpenOptions::threads`](crate::OpenOptions::threads) allows, and needs memory for all of them.
    ///
    /// `progress` is called with bytes done and bytes to do, and stops the work by returning `false`. If several tensors
    /// cannot be read, the error is that of the first of them.
    pub fn read_tensors<S: AsRef<str>>(
        &self,
        names: &[S],
        progress: impl FnMut(u64, u64) -> bool,
    ) -> Result<Vec<Vec<u8>>> {
        let find = |name: &S| {
            let tensor = self.find(name.as_ref())?;
            self.check_layout(tensor, name.as_ref(), "dense").map(|_| tensor)
        };
        self.read_data_of(names.iter().map(find), progress)
    }

    /// The same as elements of one type, as [`read_tensor_as`](Self::read_tensor_as) reads them.
    pub fn read_tensors_as<T: Element, S: AsRef<str>>(
        &self,
        names: &[S],
        progress: impl FnMut(u64, u64) -> bool,
    ) -> Result<Vec<Vec<T>>> {
        let find = |name: &S| self.find_typed::<T>(name.as_ref(), "dense").map(|(tensor, _)| tensor);
        self.read_data_of(names.iter().map(find), progress)
    }

    fn read_data_of<T: Element>(
        &self,
        tensors: impl Iterator<Item = Result<usize>>,
        progress: impl FnMut(u64, u64) -> bool,
    ) -> Result<Vec<Vec<T>>> {
        let (mut results, mut reads) = (Vec::new(), Vec::new());
        for tensor in tensors {
            let tensor = tensor?;
            let (part, count) = self.find_elements::<T>(tensor, "data")?;
            let mut elements: Vec<T> = room(count)?;
            // `room` has checked that this number of bytes exists.
            let length = count as usize * std::mem::size_of::<T>();
            reads.push(ffi::zt_read { tensor, part, out: elements.as_mut_ptr().cast(), length });
            results.push((elements, count as usize));
        }
        let mut progress = Progress::new(progress);
        let given = progress.as_ffi();
        // SAFETY: each `out` is the room of a vector, which stays where it is until the call has returned.
        let read = self.call(|error| unsafe {
            ffi::zt_read_many(self.as_ptr(), reads.as_ptr(), reads.len(), ffi::ZT_VERIFY_DEFAULT, given, error)
        });
        progress.resume();
        read?;
        let filled = |(mut elements, count): (Vec<T>, usize)| {
            // SAFETY: the call succeeded, so it has written all of them, and any bits are values of an Element.
            unsafe { elements.set_len(count) };
            elements
        };
        Ok(results.into_iter().map(filled).collect())
    }
}
