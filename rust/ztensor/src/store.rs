//! Files in a user's own store of bytes.

use std::io;
use std::os::raw::{c_int, c_void};
use std::ptr::null_mut;
use std::sync::Arc;

use crate::callbacks::{call_with_context, errno_of, release, Panics};
use crate::error::Result;
use crate::ffi::{self, Sized0};
use crate::open_options::OpenOptions;
use crate::reader::ZTensorReader;
use crate::texts::c_text;

/// A file that is read at offsets: an object behind a network, an entry of an archive. Give it to
/// [`ZTensorReader::open_store`].
///
/// The bytes must not change while a reader is open. Several threads may call `read_at` at the same time.
///
/// ```
/// use std::{fs::File, io, os::unix::fs::FileExt};
/// use ztensor::{ByteStore, ZTensorReader};
/// struct Entry {
///     archive: File,
///     begin: u64,
///     length: u64,
/// }
/// impl ByteStore for Entry {
///     fn size(&self) -> u64 {
///         self.length
///     }
///     fn read_at(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
///         self.archive.read_exact_at(out, self.begin + offset)
///     }
/// }
/// # let folder = std::env::temp_dir().join(format!("ztensor-store-{}", std::process::id()));
/// # std::fs::create_dir_all(&folder).unwrap();
/// # let path = folder.join("model.zt");
/// # let mut writer = ztensor::ZTensorWriter::create(&path)?;
/// # writer.add("weights", [2], &[1.0f32, 2.0], &ztensor::AddOptions::new())?;
/// # let length = writer.finalize()?.bytes;
/// # std::fs::write(folder.join("archive"), [vec![0; 100], std::fs::read(&path).unwrap()].concat()).unwrap();
/// # let archive = File::open(folder.join("archive")).unwrap();
/// let reader = ZTensorReader::open_store(Entry { archive, begin: 100, length })?;
/// assert_eq!(reader.read_tensor_as::<f32>("weights")?, [1.0, 2.0]);
/// # std::fs::remove_dir_all(&folder).unwrap();
/// # Ok::<(), ztensor::Error>(())
/// ```
pub trait ByteStore: Send + Sync {
    /// How many bytes there are. Called once, when the file is opened.
    fn size(&self) -> u64;

    /// Fills `out` with the bytes from `offset`. All of them lie before [`size`](Self::size), and `out` is not empty.
    ///
    /// An error ends the read with [`ErrorCode::Io`](crate::ErrorCode::Io). Its [`os_error`](crate::Error::os_error)
    /// is that of this error, or EIO if this error has none. The text of this error is lost.
    fn read_at(&self, offset: u64, out: &mut [u8]) -> io::Result<()>;

    /// What one more request costs, as the number of bytes that could be read in its time. Reads with smaller gaps
    /// between them become one request. 0 stands for 64 KiB, which suits files; for a store behind a network, a
    /// megabyte is better. Called once, when the file is opened.
    fn request_cost(&self) -> u64 {
        0
    }

    /// What messages call the file. Called once, when the file is opened.
    fn name(&self) -> &str {
        ""
    }
}

struct Context<S> {
    store: S,
    panics: Arc<Panics>,
}

impl OpenOptions {
    /// Opens a file in a store, as [`ZTensorReader::open_store`] does.
    pub fn open_store<S: ByteStore + 'static>(&self, store: S) -> Result<ZTensorReader> {
        let name = c_text(store.name(), "name")?;
        let (length, request_cost) = (store.size(), store.request_cost());
        let panics = Arc::new(Panics::default());
        let mut handle = null_mut();
        let opened = call_with_context(Context { store, panics: panics.clone() }, |context, error| {
            let store = ffi::zt_store {
                context: context.cast(),
                length,
                read_at: Some(read_at::<S>),
                release: Some(release::<Context<S>>),
                request_cost,
                ..ffi::zt_store::sized()
            };
            // SAFETY: the context lives until `release`, any thread may use it, and the rest lives during the call.
            unsafe { ffi::zt_open_store(&store, name.as_ptr(), &self.as_ffi(), &mut handle, error) }
        });
        if opened.is_err() {
            panics.resume();
        }
        opened?;
        ZTensorReader::from_handle(handle, Some(panics))
    }
}

unsafe extern "C" fn read_at<S: ByteStore>(context: *mut c_void, offset: u64, out: *mut c_void, count: usize) -> c_int {
    // SAFETY: the context is that of `open_store`, and nobody has a `&mut` to it.
    let context = unsafe { &*context.cast::<Context<S>>() };
    // SAFETY: C lends this room for the call. Bytes that a slice has must have a value, so they get one.
    let out = unsafe {
        out.cast::<u8>().write_bytes(0, count);
        std::slice::from_raw_parts_mut(out.cast::<u8>(), count)
    };
    errno_of(context.panics.catch(|| context.store.read_at(offset, out)))
}
