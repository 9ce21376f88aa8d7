//! Changing single attributes of a file.

use std::path::Path;

use crate::error::{call, Result};
use crate::ffi::{self, Sized0};
use crate::texts::{c_path, optional_c_text, pointer_of, CTexts};
use crate::write_options::json_attributes;

/// What [`edit_attributes`] changes.
#[derive(Clone, Debug, Default)]
pub struct AttributeEdits {
    set: Option<String>,
    unset: Vec<String>,
    tensor: Option<String>,
    durable: bool,
}

setters! { AttributeEdits:
    /// The keys to set, and their values: a JSON object.
    set: &str => Some(set.to_string());

    /// The tensor whose attributes change. By default, those of the file do.
    tensor: &str => Some(tensor.to_string());

    /// Whether each step is synced, so that the file outlives a loss of power.
    durable: bool => durable;
}

impl AttributeEdits {
    /// The keys to remove, if they are there. None of them may be among the keys to set.
    pub fn unset<S: Into<String>>(&mut self, keys: impl IntoIterator<Item = S>) -> &mut AttributeEdits {
        self.unset = keys.into_iter().map(Into::into).collect();
        self
    }
}

/// Sets and removes single attributes of a `.zt` file in place. Costs one index. If anything fails, the file is as it
/// was. Errors: [`NotFound`](crate::ErrorCode::NotFound) for a tensor that is not there,
/// [`Unsupported`](crate::ErrorCode::Unsupported) for a format that does not grow, and
/// [`Io`](crate::ErrorCode::Io) while somebody else writes to the file.
pub fn edit_attributes(path: impl AsRef<Path>, edits: &AttributeEdits) -> Result<()> {
    let path = c_path(path.as_ref())?;
    let set = optional_c_text(edits.set.as_deref(), "JSON")?;
    let unset = CTexts::new(edits.unset.iter().map(String::as_str), "key")?;
    let tensor = optional_c_text(edits.tensor.as_deref(), "name")?;
    let wanted = ffi::zt_attribute_edits {
        set: json_attributes(pointer_of(&set)),
        unset: unset.as_ptr(),
        unset_count: unset.len(),
        tensor: pointer_of(&tensor),
        durable: edits.durable,
        ..ffi::zt_attribute_edits::sized()
    };
    // SAFETY: all pointers are those of values that live during the call.
    call(|error| unsafe { ffi::zt_set_attributes(path.as_ptr(), &wanted, error) })
}
