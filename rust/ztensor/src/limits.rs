//! What a file may ask for.

use crate::ffi;

/// How much of each a file may have. A file or a tensor that has more is an error with
/// [`ErrorCode::Limit`](crate::ErrorCode::Limit), and costs no memory. 0 stands for the default.
///
/// ```no_run
/// use ztensor::{Limits, OpenOptions};
/// let reader = OpenOptions::new().limits(Limits::new().decoded_bytes(8 << 30)).open("upload.zt")?;
/// # Ok::<(), ztensor::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Limits {
    index_bytes: u64,
    decoded_bytes: u64,
    rank: u32,
    parts: u32,
    depth: u32,
}

setters! { Limits:
    /// Bytes of the index. By default, 2^30.
    index_bytes: u64 => index_bytes;

    /// Decoded bytes of one part. By default, any number.
    decoded_bytes: u64 => decoded_bytes;

    /// Dimensions of one tensor. By default, 64.
    rank: u32 => rank;

    /// Parts of one tensor. By default, 256.
    parts: u32 => parts;

    /// Items of the index within one another, at most 1000. By default, 257.
    depth: u32 => depth;
}

impl Limits {
    pub(crate) fn as_ffi(&self) -> ffi::zt_limits {
        let Limits { index_bytes, decoded_bytes, rank, parts, depth } = *self;
        ffi::zt_limits { index_bytes, decoded_bytes, rank, parts, depth }
    }
}
