//! Why a call failed.

use std::ffi::CStr;
use std::fmt;
use std::ptr::NonNull;

use crate::ffi::{self, Sized0};

/// What a call of this crate gives.
pub type Result<T> = std::result::Result<T, Error>;

/// The kind of an [`Error`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorCode {
    /// The file contradicts its format.
    Malformed,
    /// A digest does not match its bytes.
    Mismatch,
    /// The content is legal, but this build of the library does not know it.
    Unsupported,
    /// A size is over a bound of the library.
    Limit,
    /// No tensor, part or file has this name.
    NotFound,
    /// The call itself is wrong.
    Usage,
    /// The operating system refused: see [`Error::os_error`].
    Io,
    /// The library has a bug.
    Internal,
    /// Only the user can decide to trust the file.
    Refused,
    /// A progress callback stopped the work.
    Cancelled,
    /// There is not enough memory.
    NoMemory,
}

impl ErrorCode {
    const ALL: [ErrorCode; 11] = [
        ErrorCode::Malformed,
        ErrorCode::Mismatch,
        ErrorCode::Unsupported,
        ErrorCode::Limit,
        ErrorCode::NotFound,
        ErrorCode::Usage,
        ErrorCode::Io,
        ErrorCode::Internal,
        ErrorCode::Refused,
        ErrorCode::Cancelled,
        ErrorCode::NoMemory,
    ];

    fn from_number(number: ffi::zt_code) -> ErrorCode {
        // A newer library may have codes that this crate does not know.
        let known = usize::try_from(number).ok().and_then(|number| number.checked_sub(1));
        known.and_then(|index| ErrorCode::ALL.get(index)).copied().unwrap_or(ErrorCode::Internal)
    }
}

/// Why a call failed.
#[derive(Clone, Debug)]
pub struct Error {
    code: ErrorCode,
    rule: &'static str,
    os_error: i32,
    message: String,
}

impl Error {
    /// The kind of the error.
    pub fn code(&self) -> ErrorCode {
        self.code
    }

    /// The id of the rule that the file breaks, as in `spec/rules.md`; empty where the file breaks none.
    pub fn rule(&self) -> &'static str {
        self.rule
    }

    /// The `errno` of the operating system, if it refused.
    pub fn os_error(&self) -> Option<i32> {
        Some(self.os_error).filter(|number| *number != 0)
    }

    /// What is wrong and, where it is known, what to do.
    pub fn message(&self) -> &str {
        &self.message
    }

    pub(crate) fn new(code: ErrorCode, message: impl Into<String>) -> Error {
        Error { code, rule: "", os_error: 0, message: message.into() }
    }

    pub(crate) fn usage(message: impl Into<String>) -> Error {
        Error::new(ErrorCode::Usage, message)
    }

    /// What a user's own code gave.
    pub(crate) fn io(what: &str, cause: &std::io::Error) -> Error {
        let os_error = cause.raw_os_error().unwrap_or(0);
        Error { code: ErrorCode::Io, rule: "", os_error, message: format!("{what}: {cause}") }
    }

    /// # Safety
    /// The library filled `error` in.
    pub(crate) unsafe fn from_ffi(error: &ffi::zt_error) -> Error {
        // A rule is a literal of the library, so it lives as long as the program.
        // SAFETY: the library ended both texts with a NUL.
        let text = |text| unsafe { CStr::from_ptr(text) };
        let rule = if error.rule.is_null() { "" } else { text(error.rule).to_str().unwrap_or("") };
        Error {
            code: ErrorCode::from_number(error.code),
            rule,
            os_error: error.os_error,
            message: text(error.message.as_ptr()).to_string_lossy().into_owned(),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.message)
    }
}

impl std::error::Error for Error {}

/// Calls a function of the library, and turns its code into a result.
pub(crate) fn call(function: impl FnOnce(*mut ffi::zt_error) -> ffi::zt_code) -> Result<()> {
    let mut error = ffi::zt_error::sized();
    if function(&mut error) == ffi::ZT_OK {
        return Ok(());
    }
    // SAFETY: a function that fails fills the struct in.
    Err(unsafe { Error::from_ffi(&error) })
}

/// The handle that a function gave which succeeded; `done` says what the function did.
pub(crate) fn handle_of<T>(handle: *mut T, done: &str) -> Result<NonNull<T>> {
    let handle = NonNull::new(handle);
    handle.ok_or_else(|| Error::new(ErrorCode::Internal, format!("the library {done}, but gave no handle")))
}
