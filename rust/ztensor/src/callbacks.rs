//! Closures, stores and sinks as callbacks of C. A panic must not unwind into C, so it is kept until the call that it
//! stopped has returned.

use std::any::Any;
use std::io;
use std::os::raw::{c_int, c_void};
use std::panic::{catch_unwind, resume_unwind, AssertUnwindSafe};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::error::{call, Result};
use crate::ffi;

type Panic = Box<dyn Any + Send>;

/// The first panic of callbacks, which may run on several threads.
#[derive(Debug, Default)]
pub(crate) struct Panics(Mutex<Option<Panic>>);

impl Panics {
    /// Runs code of a user. `None` if it panics.
    pub(crate) fn catch<R>(&self, work: impl FnOnce() -> R) -> Option<R> {
        catch_unwind(AssertUnwindSafe(work)).map_err(|panic| self.keep(panic)).ok()
    }

    /// Goes on with the panic, if there was one.
    pub(crate) fn resume(&self) {
        let kept = self.lock().take();
        if let Some(panic) = kept {
            resume_unwind(panic);
        }
    }

    fn keep(&self, panic: Panic) {
        let mut kept = self.lock();
        if kept.is_none() {
            *kept = Some(panic);
        } else {
            std::mem::forget(panic); // its drop could panic, too
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Panic>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A progress closure for the time of one call.
pub(crate) struct Progress<F> {
    closure: F,
    panics: Panics,
}

impl<F: FnMut(u64, u64) -> bool> Progress<F> {
    pub(crate) fn new(closure: F) -> Self {
        Progress { closure, panics: Panics::default() }
    }

    /// For a call during which `self` neither moves nor is used otherwise.
    pub(crate) fn as_ffi(&mut self) -> ffi::zt_progress {
        ffi::zt_progress { call: Some(Self::call), context: (self as *mut Self).cast() }
    }

    /// Goes on with the panic of the closure, if there was one.
    pub(crate) fn resume(&self) {
        self.panics.resume();
    }

    unsafe extern "C" fn call(context: *mut c_void, done: u64, total: u64) -> bool {
        // SAFETY: the context is that of `as_ffi`, and the library calls from one thread at a time.
        let Progress { closure, panics } = unsafe { &mut *context.cast::<Self>() };
        let has_panicked = panics.lock().is_some();
        !has_panicked && panics.catch(|| closure(done, total)).unwrap_or(false)
    }
}

pub(crate) const NO_PROGRESS: ffi::zt_progress = ffi::zt_progress { call: None, context: std::ptr::null_mut() };

/// What a callback of C returns: 0 or an `errno`. An error without a number of the system is EIO, and so is a panic.
pub(crate) fn errno_of(result: Option<io::Result<()>>) -> c_int {
    const EIO: c_int = 5;
    match result {
        Some(Ok(())) => 0,
        Some(Err(error)) => error.raw_os_error().filter(|number| *number != 0).unwrap_or(EIO),
        None => EIO,
    }
}

/// Calls a function of C that keeps a context until it gives the context to [`release`]. If the function fails, the
/// context is dropped here.
pub(crate) fn call_with_context<C>(
    context: C,
    function: impl FnOnce(*mut C, *mut ffi::zt_error) -> ffi::zt_code,
) -> Result<()> {
    // In a box, the context has an address that stays.
    let context = Box::into_raw(Box::new(context));
    let result = call(|error| function(context, error));
    if result.is_err() {
        // SAFETY: a function that fails keeps no context, so it is ours again.
        drop(unsafe { Box::from_raw(context) });
    }
    result
}

/// Drops a value that C held for us. A panic in its `drop` has nowhere to go, so it ends here.
pub(crate) unsafe extern "C" fn release<C>(context: *mut c_void) {
    // SAFETY: the context is that of `call_with_context`, and the library calls this once.
    let context = unsafe { Box::from_raw(context.cast::<C>()) };
    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| drop(context))) {
        std::mem::forget(panic); // its own drop could panic, too
    }
}
