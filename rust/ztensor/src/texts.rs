//! Texts and paths as C takes them.

use std::ffi::CString;
use std::os::raw::c_char;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use crate::error::{Error, Result};

pub(crate) fn c_text(text: &str, what: &str) -> Result<CString> {
    CString::new(text).map_err(|_| Error::usage(format!("{what} {text:?} has a NUL byte: leave it out")))
}

pub(crate) fn c_path(path: &Path) -> Result<CString> {
    CString::new(path.as_os_str().as_bytes())
        .map_err(|_| Error::usage(format!("path {path:?} has a NUL byte: leave it out")))
}

pub(crate) fn optional_c_text(text: Option<&str>, what: &str) -> Result<Option<CString>> {
    text.map(|text| c_text(text, what)).transpose()
}

pub(crate) fn pointer_of(text: &Option<CString>) -> *const c_char {
    text.as_ref().map_or(std::ptr::null(), |text| text.as_ptr())
}

/// A list of texts as C takes it.
pub(crate) struct CTexts {
    pointers: Vec<*const c_char>,
    // The pointers are those of these.
    _texts: Vec<CString>,
}

impl CTexts {
    pub(crate) fn new<'a>(texts: impl IntoIterator<Item = &'a str>, what: &str) -> Result<CTexts> {
        texts.into_iter().map(|text| c_text(text, what)).collect::<Result<Vec<_>>>().map(CTexts::from)
    }

    pub(crate) fn of_paths<P: AsRef<Path>>(paths: &[P]) -> Result<CTexts> {
        paths.iter().map(|path| c_path(path.as_ref())).collect::<Result<Vec<_>>>().map(CTexts::from)
    }

    pub(crate) fn as_ptr(&self) -> *const *const c_char {
        self.pointers.as_ptr()
    }

    pub(crate) fn len(&self) -> usize {
        self.pointers.len()
    }
}

impl From<Vec<CString>> for CTexts {
    fn from(texts: Vec<CString>) -> CTexts {
        CTexts { pointers: texts.iter().map(|text| text.as_ptr()).collect(), _texts: texts }
    }
}
