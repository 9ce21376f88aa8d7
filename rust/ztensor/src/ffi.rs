//! What this crate uses of `include/ztensor/c.h`, under the names of that header.

// A struct must have every field of its C counterpart, also fields that this crate does not use.
#![allow(non_camel_case_types, dead_code)]

use std::os::raw::{c_char, c_int, c_void};

mod functions;
#[cfg(all(test, target_pointer_width = "64"))]
mod layouts;
mod tools;

pub use functions::*;
pub use tools::*;

pub type zt_code = i32;
pub const ZT_OK: zt_code = 0;
pub const ZT_MESSAGE_BYTES: usize = 512;

#[repr(C)]
pub struct zt_error {
    pub size: usize,
    pub code: zt_code,
    pub os_error: i32,
    pub rule: *const c_char,
    pub message: [c_char; ZT_MESSAGE_BYTES],
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct zt_text {
    pub data: *const c_char,
    pub length: usize,
}

#[repr(C)]
pub struct zt_bytes {
    pub data: *const c_void,
    pub length: usize,
    pub owner: *mut c_void,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct zt_progress {
    pub call: Option<unsafe extern "C" fn(context: *mut c_void, done: u64, total: u64) -> bool>,
    pub context: *mut c_void,
}

pub type zt_line_kind = i32;
pub const ZT_LINE_NOTE: zt_line_kind = 1;
pub const ZT_LINE_SKIPPED: zt_line_kind = 2;
pub const ZT_LINE_LOSS: zt_line_kind = 3;

#[repr(C)]
#[derive(Clone, Copy)]
pub struct zt_lines {
    pub call: Option<unsafe extern "C" fn(context: *mut c_void, kind: zt_line_kind, line: zt_text)>,
    pub context: *mut c_void,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct zt_limits {
    pub index_bytes: u64,
    pub decoded_bytes: u64,
    pub rank: u32,
    pub parts: u32,
    pub depth: u32,
}

pub type zt_verify_mode = i32;
pub const ZT_VERIFY_DEFAULT: zt_verify_mode = 0;
pub const ZT_VERIFY_STANDARD: zt_verify_mode = 1;
pub const ZT_VERIFY_ALWAYS: zt_verify_mode = 2;
pub const ZT_VERIFY_NEVER: zt_verify_mode = 3;

#[repr(C)]
#[derive(Clone, Copy)]
pub struct zt_attributes {
    pub json: *const c_char,
    pub cbor: *const c_void,
    pub cbor_length: usize,
}

pub type zt_dtype = i32;

pub enum zt_source {}

pub type zt_backend = i32;
pub const ZT_BACKEND_AUTO: zt_backend = 0;
pub const ZT_BACKEND_MMAP: zt_backend = 1;
pub const ZT_BACKEND_READ: zt_backend = 2;

#[repr(C)]
pub struct zt_open_options {
    pub size: usize,
    pub backend: zt_backend,
    pub verify: zt_verify_mode,
    pub threads: u32,
    pub limits: zt_limits,
    pub bases: *const *const zt_source,
    pub bases_count: usize,
}

#[repr(C)]
pub struct zt_store {
    pub size: usize,
    pub context: *mut c_void,
    pub length: u64,
    pub read_at:
        Option<unsafe extern "C" fn(context: *mut c_void, offset: u64, out: *mut c_void, count: usize) -> c_int>,
    pub release: Option<unsafe extern "C" fn(context: *mut c_void)>,
    pub request_cost: u64,
}

#[repr(C)]
pub struct zt_tensor_info {
    pub size: usize,
    pub name: zt_text,
    pub layout: zt_text,
    pub shape: *const u64,
    pub rank: usize,
    pub elements: u64,
    pub parts: usize,
    pub bytes: u64,
    pub dtype: zt_dtype,
    pub readable: bool,
}

#[repr(C)]
pub struct zt_part_info {
    pub size: usize,
    pub role: zt_text,
    pub storage: zt_text,
    pub encoding: zt_text,
    pub digest: zt_text,
    pub offset: u64,
    pub stored_bytes: u64,
    pub bytes: u64,
    pub file: u32,
    pub dtype: zt_dtype,
    pub mappable: bool,
}

#[repr(C)]
pub struct zt_read {
    pub tensor: usize,
    pub part: usize,
    pub out: *mut c_void,
    pub length: usize,
}

pub type zt_axis_kind = i32;
pub const ZT_AXIS_ALL: zt_axis_kind = 0;
pub const ZT_AXIS_RANGE: zt_axis_kind = 1;
pub const ZT_AXIS_LIST: zt_axis_kind = 2;

#[repr(C)]
pub struct zt_axis {
    pub kind: zt_axis_kind,
    pub start: u64,
    pub count: u64,
    pub step: i64,
    pub list: *const u64,
}

pub enum zt_writer {}

pub type zt_write_mode = i32;
pub const ZT_MODE_REPLACE: zt_write_mode = 0;
pub const ZT_MODE_CREATE: zt_write_mode = 1;
pub const ZT_MODE_APPEND: zt_write_mode = 2;

pub type zt_encoding = i32;
pub const ZT_ENCODING_DEFAULT: zt_encoding = 0;
pub const ZT_ENCODING_RAW: zt_encoding = 1;
pub const ZT_ENCODING_ZSTD: zt_encoding = 2;
pub const ZT_ENCODING_PLANES: zt_encoding = 3;
pub const ZT_ENCODING_AUTO: zt_encoding = 4;

pub type zt_checksum = i32;
pub const ZT_CHECKSUM_DEFAULT: zt_checksum = 0;
pub const ZT_CHECKSUM_NONE: zt_checksum = 1;
pub const ZT_CHECKSUM_CRC32C: zt_checksum = 2;
pub const ZT_CHECKSUM_SHA256: zt_checksum = 3;
pub const ZT_CHECKSUM_XXH3: zt_checksum = 4;

#[repr(C)]
pub struct zt_writer_options {
    pub size: usize,
    pub format: *const c_char,
    pub encoding: zt_encoding,
    pub level: i32,
    pub checksum: zt_checksum,
    pub threads: u32,
    pub alignment: u64,
    pub attributes: zt_attributes,
    pub max_shard_size: u64,
    pub limits: zt_limits,
    pub durable: bool,
    pub canonical: bool,
    pub not_canonical: bool,
    pub lossy: bool,
    pub base: *const zt_source,
}

#[repr(C)]
pub struct zt_sink {
    pub size: usize,
    pub context: *mut c_void,
    pub write: Option<unsafe extern "C" fn(context: *mut c_void, data: *const c_void, length: usize) -> c_int>,
    pub release: Option<unsafe extern "C" fn(context: *mut c_void)>,
}

#[repr(C)]
pub struct zt_array {
    pub size: usize,
    pub dtype: zt_dtype,
    pub byte_swapped: bool,
    pub shape: *const u64,
    pub rank: usize,
    pub data: *const c_void,
    pub strides: *const i64,
}

#[repr(C)]
pub struct zt_add_options {
    pub size: usize,
    pub encoding: zt_encoding,
    pub level: i32,
    pub checksum: zt_checksum,
    pub replace: bool,
    pub delta: bool,
    pub attributes: zt_attributes,
}

pub enum zt_stream {}
pub const ZT_UNKNOWN_ROWS: u64 = u64::MAX;

/// A struct of C that begins with its size, and whose other fields have their default where they are 0.
///
/// # Safety
/// The type is `#[repr(C)]`, its first field is `size`, and all its bytes may be 0.
pub unsafe trait Sized0: Sized {
    fn sized() -> Self {
        // SAFETY: all bytes may be 0, and the struct begins with a usize.
        unsafe {
            let mut value: Self = std::mem::zeroed();
            *(&mut value as *mut Self).cast::<usize>() = std::mem::size_of::<Self>();
            value
        }
    }
}

macro_rules! sized {
    ($($kind:ty,)*) => {
        // SAFETY: each is `#[repr(C)]` and begins with `size`. The rest is numbers, and pointers that may be null.
        $(unsafe impl Sized0 for $kind {})*
    };
}

sized! {
    zt_error,
    zt_open_options,
    zt_store,
    zt_tensor_info,
    zt_part_info,
    zt_writer_options,
    zt_sink,
    zt_array,
    zt_add_options,
    zt_verify_options,
    zt_verify_report,
    zt_convert_options,
    zt_convert_report,
    zt_append_options,
    zt_change_report,
    zt_remove_options,
    zt_attribute_edits,
    zt_compact_options,
    zt_compact_report,
    zt_delta_options,
    zt_delta_report,
    zt_apply_options,
    zt_apply_report,
    zt_repair_options,
    zt_repair_report,
}
