//! The options and reports of the tools for whole files.

use std::os::raw::{c_char, c_void};

use super::*;

#[repr(C)]
pub struct zt_verify_options {
    pub size: usize,
    pub names: *const *const c_char,
    pub names_count: usize,
    pub shards: bool,
    pub canonical: bool,
    pub progress: zt_progress,
    pub finding: Option<unsafe extern "C" fn(context: *mut c_void, tensor: zt_text, error: *const zt_error)>,
    pub context: *mut c_void,
}

#[repr(C)]
pub struct zt_verify_report {
    pub size: usize,
    pub checked: u64,
    pub undigested: u64,
    pub unreadable: u64,
    pub findings: u64,
}

#[repr(C)]
pub struct zt_convert_options {
    pub size: usize,
    pub writer: *const zt_writer_options,
    pub open: *const zt_open_options,
    pub encoding: zt_encoding,
    pub level: i32,
    pub from: *const c_char,
    pub include: *const *const c_char,
    pub include_count: usize,
    pub exclude: *const *const c_char,
    pub exclude_count: usize,
    pub names: *const *const c_char,
    pub names_count: usize,
    pub with_config: bool,
    pub skip_unreadable: bool,
    pub overwrite: bool,
    pub check_output: bool,
    pub delete_originals: bool,
    pub progress: zt_progress,
    pub lines: zt_lines,
}

#[repr(C)]
pub struct zt_convert_report {
    pub size: usize,
    pub tensors: u64,
    pub bytes_in: u64,
    pub bytes_out: u64,
}

#[repr(C)]
pub struct zt_append_options {
    pub size: usize,
    pub writer: *const zt_writer_options,
    pub open: *const zt_open_options,
    pub encoding: zt_encoding,
    pub level: i32,
    pub replace: bool,
    pub skip_unreadable: bool,
    pub progress: zt_progress,
    pub lines: zt_lines,
}

#[repr(C)]
pub struct zt_change_report {
    pub size: usize,
    pub tensors: u64,
    pub replaced: u64,
    pub bytes_in: u64,
    pub bytes_out: u64,
    pub reclaimable: u64,
}

#[repr(C)]
pub struct zt_remove_options {
    pub size: usize,
    pub output: *const c_char,
    pub overwrite: bool,
    pub durable: bool,
    pub limits: zt_limits,
    pub progress: zt_progress,
    pub lines: zt_lines,
}

#[repr(C)]
pub struct zt_attribute_edits {
    pub size: usize,
    pub set: zt_attributes,
    pub unset: *const *const c_char,
    pub unset_count: usize,
    pub tensor: *const c_char,
    pub durable: bool,
}

#[repr(C)]
pub struct zt_delta_options {
    pub size: usize,
    pub writer: *const zt_writer_options,
    pub open: *const zt_open_options,
    pub hint: *const c_char,
    pub patch: bool,
    pub overwrite: bool,
    pub progress: zt_progress,
    pub lines: zt_lines,
}

#[repr(C)]
pub struct zt_delta_report {
    pub size: usize,
    pub tensors: u64,
    pub deltas: u64,
    pub same: u64,
    pub bytes_in: u64,
    pub bytes_out: u64,
}

#[repr(C)]
pub struct zt_apply_options {
    pub size: usize,
    pub verify: bool,
    pub durable: bool,
    pub threads: u32,
    pub limits: zt_limits,
    pub progress: zt_progress,
    pub lines: zt_lines,
}

#[repr(C)]
pub struct zt_apply_report {
    pub size: usize,
    pub tensors: u64,
    pub deltas: u64,
    pub whole: u64,
    pub removed: u64,
    pub bytes_in: u64,
    pub bytes_out: u64,
}

#[repr(C)]
pub struct zt_compact_options {
    pub size: usize,
    pub durable: bool,
    pub limits: zt_limits,
    pub progress: zt_progress,
    pub lines: zt_lines,
}

#[repr(C)]
pub struct zt_compact_report {
    pub size: usize,
    pub tensors: u64,
    pub size_before: u64,
    pub size_after: u64,
    pub changed: bool,
}

#[repr(C)]
pub struct zt_repair_options {
    pub size: usize,
    pub output: *const c_char,
    pub dry_run: bool,
    pub overwrite: bool,
    pub durable: bool,
    pub limits: zt_limits,
    pub progress: zt_progress,
    pub lines: zt_lines,
}

pub type zt_repair_state = i32;
pub const ZT_REPAIR_HEALTHY: zt_repair_state = 0;
pub const ZT_REPAIR_UNFINISHED: zt_repair_state = 1;
pub const ZT_REPAIR_TORN: zt_repair_state = 2;

#[repr(C)]
pub struct zt_repair_report {
    pub size: usize,
    pub tensors: u64,
    pub size_before: u64,
    pub size_after: u64,
    pub state: zt_repair_state,
}
