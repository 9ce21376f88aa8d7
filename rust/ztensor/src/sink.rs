//! Files that are written into a user's own sink.

use std::fmt;
use std::io::Write;
use std::os::raw::{c_int, c_void};
use std::ptr::null_mut;
use std::sync::{Arc, Mutex, PoisonError};

use crate::callbacks::{call_with_context, errno_of, release, Panics};
use crate::error::{Error, Result};
use crate::ffi::{self, Sized0};
use crate::reader::slice;
use crate::write_options::{WriteMode, WriterOptions};
use crate::writer::ZTensorWriter;

/// What a writer and the library share.
pub(crate) struct Sink {
    target: Mutex<Box<dyn Write + Send>>,
    panics: Panics,
}

impl Sink {
    /// Goes on with the panic of the sink, if there was one.
    pub(crate) fn resume(&self) {
        self.panics.resume();
    }

    pub(crate) fn flush(&self) -> Result<()> {
        let flushed = self.with_target(|target| target.flush());
        flushed.map_err(|cause| Error::io("the sink cannot be flushed", &cause))
    }

    fn with_target<R>(&self, work: impl FnOnce(&mut dyn Write) -> R) -> R {
        work(&mut **self.target.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl fmt::Debug for Sink {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Sink")
    }
}

impl WriterOptions {
    /// Begins a file that goes into a sink, as [`ZTensorWriter::to_sink`] does. There is no path whose suffix could
    /// tell the format, so the default is `"1.2"`. A sink cannot grow: [`WriteMode::Append`] is an error.
    pub fn to_sink(&self, sink: impl Write + Send + 'static) -> Result<ZTensorWriter> {
        if self.mode == WriteMode::Append {
            return Err(Error::usage("a sink has no file that could grow: choose another mode"));
        }
        let sink = Arc::new(Sink { target: Mutex::new(Box::new(sink)), panics: Panics::default() });
        let mut handle = null_mut();
        let begun = self.with_ffi(|options| {
            call_with_context(sink.clone(), |context, error| {
                let given = ffi::zt_sink {
                    context: context.cast(),
                    write: Some(write),
                    release: Some(release::<Arc<Sink>>),
                    ..ffi::zt_sink::sized()
                };
                // SAFETY: the context lives until `release`, any thread may use it, and the rest lives during the call.
                unsafe { ffi::zt_writer_create_sink(&given, options, &mut handle, error) }
            })
        });
        if begun.is_err() {
            sink.resume();
        }
        begun?;
        ZTensorWriter::from_handle(handle, Some(sink))
    }
}

unsafe extern "C" fn write(context: *mut c_void, data: *const c_void, length: usize) -> c_int {
    // SAFETY: the context is that of `to_sink`, and nobody has a `&mut` to it. The bytes live during the call.
    let (sink, bytes) = unsafe { (&*context.cast::<Arc<Sink>>(), slice(data.cast::<u8>(), length)) };
    errno_of(sink.panics.catch(|| sink.with_target(|target| target.write_all(bytes))))
}
