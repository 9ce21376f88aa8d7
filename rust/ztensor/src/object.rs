//! Tensors of any layout.

use crate::array::{array_of, check_length};
use crate::dtype::{bytes_of, DType, Element};
use crate::error::Result;
use crate::ffi;
use crate::texts::{c_text, CTexts};
use crate::write_options::AddOptions;
use crate::writer::ZTensorWriter;

/// A stored array of a tensor, which borrows its elements. See [`ZTensorWriter::add_object`].
#[derive(Clone, Debug)]
pub struct Part<'a> {
    role: &'a str,
    dtype: DType,
    shape: &'a [u64],
    bytes: &'a [u8],
}

impl<'a> Part<'a> {
    /// A part from its elements.
    pub fn new<T: Element>(role: &'a str, shape: &'a [u64], elements: &'a [T]) -> Part<'a> {
        Part::from_bytes(role, shape, T::DTYPE, bytes_of(elements))
    }

    /// A part from its bytes.
    pub fn from_bytes(role: &'a str, shape: &'a [u64], dtype: DType, bytes: &'a [u8]) -> Part<'a> {
        Part { role, dtype, shape, bytes }
    }
}

impl ZTensorWriter {
    /// Adds a tensor of any layout, its parts in this order. The parts of a layout that the format knows (`"dense"`,
    /// `"sparse_csr"`, `"sparse_coo"`) must agree with the shape. Only `.zt` files hold other layouts.
    ///
    /// ```
    /// use ztensor::{AddOptions, Part, ZTensorWriter};
    /// # let path = std::env::temp_dir().join(format!("ztensor-object-{}.zt", std::process::id()));
    /// let (codes, scales) = ([1i8, -2, 3, -4], [0.5f32, 0.25]);
    /// let parts = [Part::new("codes", &[2, 2], &codes), Part::new("scales", &[2], &scales)];
    /// let mut writer = ZTensorWriter::create(&path)?;
    /// writer.add_object("weights", [2, 2], "rows_scaled", &parts, &AddOptions::new())?;
    /// writer.finalize()?;
    /// # let reader = ztensor::ZTensorReader::open(&path)?;
    /// # assert_eq!(reader.get_tensor("weights")?.layout, "rows_scaled");
    /// # assert_eq!(reader.read_part("weights", "codes")?, [1, 254, 3, 252]);
    /// # std::fs::remove_file(&path).unwrap();
    /// # Ok::<(), ztensor::Error>(())
    /// ```
    pub fn add_object(
        &mut self,
        name: &str,
        shape: impl AsRef<[u64]>,
        layout: &str,
        parts: &[Part<'_>],
        options: &AddOptions,
    ) -> Result<()> {
        parts.iter().try_for_each(|part| check_length(name, part.shape, part.dtype, part.bytes))?;
        let shape = shape.as_ref();
        let (name, layout) = (c_text(name, "name")?, c_text(layout, "layout")?);
        let roles = CTexts::new(parts.iter().map(|part| part.role), "role")?;
        let arrays: Vec<_> = parts.iter().map(|part| array_of(part.dtype, part.shape, part.bytes)).collect();
        options.with_ffi(|options| {
            // SAFETY: all pointers are those of values that live during the call, and a part has all its bytes.
            self.call(|error| unsafe {
                ffi::zt_writer_add_object(
                    self.handle.as_ptr(),
                    name.as_ptr(),
                    shape.as_ptr(),
                    shape.len(),
                    layout.as_ptr(),
                    roles.as_ptr(),
                    arrays.as_ptr(),
                    arrays.len(),
                    options,
                    error,
                )
            })
        })
    }
}
