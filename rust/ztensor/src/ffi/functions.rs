//! The functions of `include/ztensor/c.h` that this crate calls.

use std::os::raw::{c_char, c_void};

use super::*;

extern "C" {
    pub fn zt_bytes_free(bytes: *mut zt_bytes);
    pub fn zt_version() -> *const c_char;
    pub fn zt_code_name(code: zt_code) -> *const c_char;

    pub fn zt_dtype_name(dtype: zt_dtype) -> *const c_char;
    pub fn zt_dtype_find(name: *const c_char) -> zt_dtype;
    pub fn zt_dtype_bits(dtype: zt_dtype) -> u32;
    pub fn zt_dtype_bytes(dtype: zt_dtype, elements: u64) -> u64;

    pub fn zt_open(
        path: *const c_char,
        options: *const zt_open_options,
        out: *mut *mut zt_source,
        error: *mut zt_error,
    ) -> zt_code;
    pub fn zt_open_many(
        paths: *const *const c_char,
        count: usize,
        options: *const zt_open_options,
        out: *mut *mut zt_source,
        error: *mut zt_error,
    ) -> zt_code;
    pub fn zt_open_memory(
        data: *const c_void,
        length: usize,
        name: *const c_char,
        release: Option<unsafe extern "C" fn(context: *mut c_void)>,
        context: *mut c_void,
        options: *const zt_open_options,
        out: *mut *mut zt_source,
        error: *mut zt_error,
    ) -> zt_code;
    pub fn zt_open_store(
        store: *const zt_store,
        name: *const c_char,
        options: *const zt_open_options,
        out: *mut *mut zt_source,
        error: *mut zt_error,
    ) -> zt_code;
    pub fn zt_source_close(source: *mut zt_source);
    pub fn zt_source_tensors(source: *const zt_source) -> usize;
    pub fn zt_source_format(source: *const zt_source) -> zt_text;
    pub fn zt_source_stored_size(source: *const zt_source) -> u64;
    pub fn zt_source_notes(source: *const zt_source) -> usize;
    pub fn zt_source_note(source: *const zt_source, number: usize) -> zt_text;
    pub fn zt_source_info_json(source: *const zt_source, out: *mut zt_bytes, error: *mut zt_error) -> zt_code;
    pub fn zt_source_attributes_json(source: *const zt_source, out: *mut zt_bytes, error: *mut zt_error) -> zt_code;

    pub fn zt_tensor_find(
        source: *const zt_source,
        name: *const c_char,
        tensor: *mut usize,
        error: *mut zt_error,
    ) -> zt_code;
    pub fn zt_tensor_get(
        source: *const zt_source,
        tensor: usize,
        out: *mut zt_tensor_info,
        error: *mut zt_error,
    ) -> zt_code;
    pub fn zt_tensor_check(source: *const zt_source, tensor: usize, error: *mut zt_error) -> zt_code;
    pub fn zt_tensor_attributes_json(
        source: *const zt_source,
        tensor: usize,
        out: *mut zt_bytes,
        error: *mut zt_error,
    ) -> zt_code;
    pub fn zt_part_find(
        source: *const zt_source,
        tensor: usize,
        role: *const c_char,
        part: *mut usize,
        error: *mut zt_error,
    ) -> zt_code;
    pub fn zt_part_get(
        source: *const zt_source,
        tensor: usize,
        part: usize,
        out: *mut zt_part_info,
        error: *mut zt_error,
    ) -> zt_code;
    pub fn zt_part_read(
        source: *const zt_source,
        tensor: usize,
        part: usize,
        out: *mut c_void,
        length: usize,
        verify: zt_verify_mode,
        error: *mut zt_error,
    ) -> zt_code;
    pub fn zt_part_measure(
        source: *const zt_source,
        tensor: usize,
        part: usize,
        out: *mut u64,
        error: *mut zt_error,
    ) -> zt_code;
    pub fn zt_tensor_map(
        source: *const zt_source,
        tensor: usize,
        verify: zt_verify_mode,
        out: *mut zt_bytes,
        error: *mut zt_error,
    ) -> zt_code;
    pub fn zt_read_many(
        source: *const zt_source,
        reads: *const zt_read,
        count: usize,
        verify: zt_verify_mode,
        progress: zt_progress,
        error: *mut zt_error,
    ) -> zt_code;
    pub fn zt_tensor_read_slice(
        source: *const zt_source,
        tensor: usize,
        axes: *const zt_axis,
        count: usize,
        out: *mut c_void,
        length: usize,
        verify: zt_verify_mode,
        progress: zt_progress,
        error: *mut zt_error,
    ) -> zt_code;
    pub fn zt_tensor_read_indices(
        source: *const zt_source,
        tensor: usize,
        indices: *mut u64,
        indices_count: usize,
        indptr: *mut u64,
        indptr_count: usize,
        verify: zt_verify_mode,
        error: *mut zt_error,
    ) -> zt_code;
    pub fn zt_tensor_dequantize(
        source: *const zt_source,
        tensor: usize,
        out: *mut f32,
        count: usize,
        verify: zt_verify_mode,
        progress: zt_progress,
        error: *mut zt_error,
    ) -> zt_code;

    pub fn zt_writer_create(
        path: *const c_char,
        mode: zt_write_mode,
        options: *const zt_writer_options,
        out: *mut *mut zt_writer,
        error: *mut zt_error,
    ) -> zt_code;
    pub fn zt_writer_create_sink(
        sink: *const zt_sink,
        options: *const zt_writer_options,
        out: *mut *mut zt_writer,
        error: *mut zt_error,
    ) -> zt_code;
    pub fn zt_writer_add(
        writer: *mut zt_writer,
        name: *const c_char,
        array: *const zt_array,
        options: *const zt_add_options,
        error: *mut zt_error,
    ) -> zt_code;
    pub fn zt_writer_add_csr(
        writer: *mut zt_writer,
        name: *const c_char,
        shape: *const u64,
        values: *const zt_array,
        indices: *const zt_array,
        indptr: *const zt_array,
        options: *const zt_add_options,
        error: *mut zt_error,
    ) -> zt_code;
    pub fn zt_writer_add_coo(
        writer: *mut zt_writer,
        name: *const c_char,
        shape: *const u64,
        rank: usize,
        values: *const zt_array,
        indices: *const zt_array,
        options: *const zt_add_options,
        error: *mut zt_error,
    ) -> zt_code;
    pub fn zt_writer_add_object(
        writer: *mut zt_writer,
        name: *const c_char,
        shape: *const u64,
        rank: usize,
        layout: *const c_char,
        roles: *const *const c_char,
        parts: *const zt_array,
        count: usize,
        options: *const zt_add_options,
        error: *mut zt_error,
    ) -> zt_code;
    pub fn zt_writer_add_stored(
        writer: *mut zt_writer,
        name: *const c_char,
        source: *const zt_source,
        tensor: usize,
        options: *const zt_add_options,
        error: *mut zt_error,
    ) -> zt_code;
    pub fn zt_writer_add_reference(
        writer: *mut zt_writer,
        name: *const c_char,
        source: *const zt_source,
        tensor: usize,
        error: *mut zt_error,
    ) -> zt_code;
    pub fn zt_writer_add_alias(
        writer: *mut zt_writer,
        name: *const c_char,
        existing: *const c_char,
        error: *mut zt_error,
    ) -> zt_code;
    pub fn zt_writer_stream(
        writer: *mut zt_writer,
        name: *const c_char,
        shape: *const u64,
        rank: usize,
        dtype: zt_dtype,
        options: *const zt_add_options,
        out: *mut *mut zt_stream,
        error: *mut zt_error,
    ) -> zt_code;
    pub fn zt_stream_write(stream: *mut zt_stream, chunk: *const zt_array, error: *mut zt_error) -> zt_code;
    pub fn zt_stream_rows(stream: *const zt_stream) -> u64;
    pub fn zt_stream_finish(stream: *mut zt_stream, error: *mut zt_error) -> zt_code;
    pub fn zt_stream_free(stream: *mut zt_stream);
    pub fn zt_writer_remove(writer: *mut zt_writer, name: *const c_char, error: *mut zt_error) -> zt_code;
    pub fn zt_writer_set_tensor_attributes(
        writer: *mut zt_writer,
        name: *const c_char,
        attributes: *const zt_attributes,
        error: *mut zt_error,
    ) -> zt_code;
    pub fn zt_writer_set_attributes(
        writer: *mut zt_writer,
        attributes: *const zt_attributes,
        error: *mut zt_error,
    ) -> zt_code;
    pub fn zt_writer_has(writer: *const zt_writer, name: *const c_char) -> bool;
    pub fn zt_writer_format(writer: *const zt_writer) -> zt_text;
    pub fn zt_writer_finalize(writer: *mut zt_writer, error: *mut zt_error) -> zt_code;
    pub fn zt_writer_bytes_written(writer: *const zt_writer) -> u64;
    pub fn zt_writer_reclaimable(writer: *const zt_writer) -> u64;
    pub fn zt_writer_lines(writer: *const zt_writer, lines: zt_lines);
    pub fn zt_writer_free(writer: *mut zt_writer);

    pub fn zt_verify(
        source: *const zt_source,
        options: *const zt_verify_options,
        report: *mut zt_verify_report,
        error: *mut zt_error,
    ) -> zt_code;
    pub fn zt_convert(
        inputs: *const *const c_char,
        count: usize,
        output: *const c_char,
        options: *const zt_convert_options,
        report: *mut zt_convert_report,
        error: *mut zt_error,
    ) -> zt_code;
    pub fn zt_append(
        target: *const c_char,
        sources: *const *const c_char,
        count: usize,
        options: *const zt_append_options,
        report: *mut zt_change_report,
        error: *mut zt_error,
    ) -> zt_code;
    pub fn zt_remove(
        path: *const c_char,
        names: *const *const c_char,
        count: usize,
        options: *const zt_remove_options,
        report: *mut zt_change_report,
        error: *mut zt_error,
    ) -> zt_code;
    pub fn zt_set_attributes(path: *const c_char, edits: *const zt_attribute_edits, error: *mut zt_error) -> zt_code;
    pub fn zt_scan_json(path: *const c_char, out: *mut zt_bytes, error: *mut zt_error) -> zt_code;
    pub fn zt_write_delta(
        base: *const zt_source,
        next: *const zt_source,
        path: *const c_char,
        options: *const zt_delta_options,
        report: *mut zt_delta_report,
        error: *mut zt_error,
    ) -> zt_code;
    pub fn zt_fold_deltas(
        deltas: *const *const c_char,
        count: usize,
        path: *const c_char,
        options: *const zt_delta_options,
        report: *mut zt_delta_report,
        error: *mut zt_error,
    ) -> zt_code;
    pub fn zt_apply_delta(
        path: *const c_char,
        delta: *const c_char,
        options: *const zt_apply_options,
        report: *mut zt_apply_report,
        error: *mut zt_error,
    ) -> zt_code;
    pub fn zt_compact(
        path: *const c_char,
        options: *const zt_compact_options,
        report: *mut zt_compact_report,
        error: *mut zt_error,
    ) -> zt_code;
    pub fn zt_repair(
        path: *const c_char,
        options: *const zt_repair_options,
        report: *mut zt_repair_report,
        error: *mut zt_error,
    ) -> zt_code;
    pub fn zt_diff(
        a: *const zt_source,
        b: *const zt_source,
        progress: zt_progress,
        same: *mut bool,
        out: *mut zt_bytes,
        error: *mut zt_error,
    ) -> zt_code;
    pub fn zt_content_id(
        source: *const zt_source,
        trust_digests: bool,
        progress: zt_progress,
        out: *mut zt_bytes,
        error: *mut zt_error,
    ) -> zt_code;
}
