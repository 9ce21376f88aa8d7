//! Closures as callbacks of C. A panic must not unwind into C, so each is kept until the call has returned.

use std::any::Any;
use std::os::raw::c_void;
use std::panic::{catch_unwind, resume_unwind, AssertUnwindSafe};

use crate::ffi;

/// A progress closure for the time of one call.
pub(crate) struct Progress<F> {
    closure: F,
    panic: Option<Box<dyn Any + Send>>,
}

impl<F: FnMut(u64, u64) -> bool> Progress<F> {
    pub(crate) fn new(closure: F) -> Self {
        Progress { closure, panic: None }
    }

    /// For a call during which `self` neither moves nor is used otherwise.
    pub(crate) fn as_ffi(&mut self) -> ffi::zt_progress {
        ffi::zt_progress { call: Some(Self::call), context: (self as *mut Self).cast() }
    }

    /// Goes on with the panic of the closure, if there was one.
    pub(crate) fn resume(&mut self) {
        if let Some(panic) = self.panic.take() {
            resume_unwind(panic);
        }
    }

    unsafe extern "C" fn call(context: *mut c_void, done: u64, total: u64) -> bool {
        let progress = &mut *context.cast::<Self>();
        if progress.panic.is_some() {
            return false;
        }
        match catch_unwind(AssertUnwindSafe(|| (progress.closure)(done, total))) {
            Ok(goes_on) => goes_on,
            Err(panic) => {
                progress.panic = Some(panic);
                false
            }
        }
    }
}

pub(crate) const NO_PROGRESS: ffi::zt_progress = ffi::zt_progress { call: None, context: std::ptr::null_mut() };

/// Drops a value that C held for us. A panic in its `drop` has nowhere to go, so it ends here.
pub(crate) unsafe extern "C" fn release<T>(context: *mut c_void) {
    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| drop(Box::from_raw(context.cast::<T>())))) {
        std::mem::forget(panic); // its own drop could panic, too
    }
}
