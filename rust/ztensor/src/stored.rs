//! Tensors that come from other files.

use crate::error::Result;
use crate::ffi;
use crate::reader::ZTensorReader;
use crate::texts::c_text;
use crate::write_options::AddOptions;
use crate::writer::ZTensorWriter;

impl ZTensorWriter {
    /// Adds a tensor of a reader under a name, with its layout and attributes. Parts that this format can hold as they
    /// are stored move unchanged, with encoding and digest; other parts are decoded and stored anew. Checks the digests
    /// of what it reads. Tensors that share bytes in the reader's file share them here, as the first of them is stored.
    /// The reader may end before the writer does.
    ///
    /// [`AddOptions::encoding`] stores every part anew, and [`AddOptions::replace`] works as for other tensors. The
    /// other options are errors. What the format cannot hold is an error, unless [`WriterOptions::lossy`] is set.
    ///
    /// [`WriterOptions::lossy`]: crate::WriterOptions::lossy
    pub fn add_stored(&mut self, name: &str, reader: &ZTensorReader, tensor: &str, options: &AddOptions) -> Result<()> {
        let tensor = reader.find(tensor)?;
        let name = c_text(name, "name")?;
        let added = options.with_ffi(|options| {
            // SAFETY: all pointers are those of values that live during the call.
            self.call(|error| unsafe {
                let writer = self.handle.as_ptr();
                ffi::zt_writer_add_stored(writer, name.as_ptr(), reader.as_ptr(), tensor, options, error)
            })
        });
        reader.resume_if_failed(added)
    }

    /// Adds a tensor of another file of format 2, whose bytes stay there: this file names that file as a shard. Both
    /// files must lie on disk. Costs an entry of the index.
    pub fn add_reference(&mut self, name: &str, reader: &ZTensorReader, tensor: &str) -> Result<()> {
        let tensor = reader.find(tensor)?;
        let name = c_text(name, "name")?;
        // SAFETY: all pointers are those of values that live during the call.
        self.call(|error| unsafe {
            ffi::zt_writer_add_reference(self.handle.as_ptr(), name.as_ptr(), reader.as_ptr(), tensor, error)
        })
    }
}
