/* The layout of every struct of c.h on machines with 64 bits: programs are compiled with it, so a number here never
   changes. New fields go to the end. */

#include "ztensor/c.h"

#if UINTPTR_MAX == UINT64_MAX

#define LAYOUT(type, field, at) _Static_assert(offsetof(type, field) == (at), #type "." #field)

LAYOUT(zt_error, size, 0);
LAYOUT(zt_error, code, 8);
LAYOUT(zt_error, os_error, 12);
LAYOUT(zt_error, rule, 16);
LAYOUT(zt_error, message, 24);
_Static_assert(sizeof(zt_error) == 536, "zt_error");

LAYOUT(zt_text, data, 0);
LAYOUT(zt_text, length, 8);
_Static_assert(sizeof(zt_text) == 16, "zt_text");

LAYOUT(zt_bytes, data, 0);
LAYOUT(zt_bytes, length, 8);
LAYOUT(zt_bytes, owner, 16);
_Static_assert(sizeof(zt_bytes) == 24, "zt_bytes");

LAYOUT(zt_progress, call, 0);
LAYOUT(zt_progress, context, 8);
_Static_assert(sizeof(zt_progress) == 16, "zt_progress");

LAYOUT(zt_lines, call, 0);
LAYOUT(zt_lines, context, 8);
_Static_assert(sizeof(zt_lines) == 16, "zt_lines");

LAYOUT(zt_limits, index_bytes, 0);
LAYOUT(zt_limits, decoded_bytes, 8);
LAYOUT(zt_limits, rank, 16);
LAYOUT(zt_limits, parts, 20);
LAYOUT(zt_limits, depth, 24);
_Static_assert(sizeof(zt_limits) == 32, "zt_limits");

LAYOUT(zt_attributes, json, 0);
LAYOUT(zt_attributes, cbor, 8);
LAYOUT(zt_attributes, cbor_length, 16);
_Static_assert(sizeof(zt_attributes) == 24, "zt_attributes");

LAYOUT(zt_open_options, size, 0);
LAYOUT(zt_open_options, backend, 8);
LAYOUT(zt_open_options, verify, 12);
LAYOUT(zt_open_options, threads, 16);
LAYOUT(zt_open_options, limits, 24);
LAYOUT(zt_open_options, bases, 56);
LAYOUT(zt_open_options, bases_count, 64);
_Static_assert(sizeof(zt_open_options) == 72, "zt_open_options");

LAYOUT(zt_store, size, 0);
LAYOUT(zt_store, context, 8);
LAYOUT(zt_store, length, 16);
LAYOUT(zt_store, read_at, 24);
LAYOUT(zt_store, release, 32);
LAYOUT(zt_store, request_cost, 40);
_Static_assert(sizeof(zt_store) == 48, "zt_store");

LAYOUT(zt_tensor_info, size, 0);
LAYOUT(zt_tensor_info, name, 8);
LAYOUT(zt_tensor_info, layout, 24);
LAYOUT(zt_tensor_info, shape, 40);
LAYOUT(zt_tensor_info, rank, 48);
LAYOUT(zt_tensor_info, elements, 56);
LAYOUT(zt_tensor_info, parts, 64);
LAYOUT(zt_tensor_info, bytes, 72);
LAYOUT(zt_tensor_info, dtype, 80);
LAYOUT(zt_tensor_info, readable, 84);
_Static_assert(sizeof(zt_tensor_info) == 88, "zt_tensor_info");

LAYOUT(zt_part_info, size, 0);
LAYOUT(zt_part_info, role, 8);
LAYOUT(zt_part_info, storage, 24);
LAYOUT(zt_part_info, encoding, 40);
LAYOUT(zt_part_info, digest, 56);
LAYOUT(zt_part_info, offset, 72);
LAYOUT(zt_part_info, stored_bytes, 80);
LAYOUT(zt_part_info, bytes, 88);
LAYOUT(zt_part_info, file, 96);
LAYOUT(zt_part_info, dtype, 100);
LAYOUT(zt_part_info, mappable, 104);
_Static_assert(sizeof(zt_part_info) == 112, "zt_part_info");

LAYOUT(zt_read, tensor, 0);
LAYOUT(zt_read, part, 8);
LAYOUT(zt_read, out, 16);
LAYOUT(zt_read, length, 24);
_Static_assert(sizeof(zt_read) == 32, "zt_read");

LAYOUT(zt_device_read, tensor, 0);
LAYOUT(zt_device_read, axes, 8);
LAYOUT(zt_device_read, axes_count, 16);
LAYOUT(zt_device_read, address, 24);
LAYOUT(zt_device_read, length, 32);
LAYOUT(zt_device_read, stream, 40);
_Static_assert(sizeof(zt_device_read) == 48, "zt_device_read");

LAYOUT(zt_device_options, size, 0);
LAYOUT(zt_device_options, device, 8);
LAYOUT(zt_device_options, threads, 12);
LAYOUT(zt_device_options, verify, 16);
LAYOUT(zt_device_options, progress, 24);
_Static_assert(sizeof(zt_device_options) == 40, "zt_device_options");

LAYOUT(zt_axis, kind, 0);
LAYOUT(zt_axis, start, 8);
LAYOUT(zt_axis, count, 16);
LAYOUT(zt_axis, step, 24);
LAYOUT(zt_axis, list, 32);
_Static_assert(sizeof(zt_axis) == 40, "zt_axis");

LAYOUT(zt_writer_options, size, 0);
LAYOUT(zt_writer_options, format, 8);
LAYOUT(zt_writer_options, encoding, 16);
LAYOUT(zt_writer_options, level, 20);
LAYOUT(zt_writer_options, checksum, 24);
LAYOUT(zt_writer_options, threads, 28);
LAYOUT(zt_writer_options, alignment, 32);
LAYOUT(zt_writer_options, attributes, 40);
LAYOUT(zt_writer_options, max_shard_size, 64);
LAYOUT(zt_writer_options, limits, 72);
LAYOUT(zt_writer_options, durable, 104);
LAYOUT(zt_writer_options, canonical, 105);
LAYOUT(zt_writer_options, not_canonical, 106);
LAYOUT(zt_writer_options, lossy, 107);
LAYOUT(zt_writer_options, base, 112);
_Static_assert(sizeof(zt_writer_options) == 120, "zt_writer_options");

LAYOUT(zt_sink, size, 0);
LAYOUT(zt_sink, context, 8);
LAYOUT(zt_sink, write, 16);
LAYOUT(zt_sink, release, 24);
_Static_assert(sizeof(zt_sink) == 32, "zt_sink");

LAYOUT(zt_array, size, 0);
LAYOUT(zt_array, dtype, 8);
LAYOUT(zt_array, byte_swapped, 12);
LAYOUT(zt_array, shape, 16);
LAYOUT(zt_array, rank, 24);
LAYOUT(zt_array, data, 32);
LAYOUT(zt_array, strides, 40);
_Static_assert(sizeof(zt_array) == 48, "zt_array");

LAYOUT(zt_add_options, size, 0);
LAYOUT(zt_add_options, encoding, 8);
LAYOUT(zt_add_options, level, 12);
LAYOUT(zt_add_options, checksum, 16);
LAYOUT(zt_add_options, replace, 20);
LAYOUT(zt_add_options, delta, 21);
LAYOUT(zt_add_options, attributes, 24);
_Static_assert(sizeof(zt_add_options) == 48, "zt_add_options");

LAYOUT(zt_verify_options, size, 0);
LAYOUT(zt_verify_options, names, 8);
LAYOUT(zt_verify_options, names_count, 16);
LAYOUT(zt_verify_options, shards, 24);
LAYOUT(zt_verify_options, canonical, 25);
LAYOUT(zt_verify_options, progress, 32);
LAYOUT(zt_verify_options, finding, 48);
LAYOUT(zt_verify_options, context, 56);
_Static_assert(sizeof(zt_verify_options) == 64, "zt_verify_options");

LAYOUT(zt_verify_report, size, 0);
LAYOUT(zt_verify_report, checked, 8);
LAYOUT(zt_verify_report, undigested, 16);
LAYOUT(zt_verify_report, unreadable, 24);
LAYOUT(zt_verify_report, findings, 32);
_Static_assert(sizeof(zt_verify_report) == 40, "zt_verify_report");

LAYOUT(zt_convert_options, size, 0);
LAYOUT(zt_convert_options, writer, 8);
LAYOUT(zt_convert_options, open, 16);
LAYOUT(zt_convert_options, encoding, 24);
LAYOUT(zt_convert_options, level, 28);
LAYOUT(zt_convert_options, from, 32);
LAYOUT(zt_convert_options, include, 40);
LAYOUT(zt_convert_options, include_count, 48);
LAYOUT(zt_convert_options, exclude, 56);
LAYOUT(zt_convert_options, exclude_count, 64);
LAYOUT(zt_convert_options, names, 72);
LAYOUT(zt_convert_options, names_count, 80);
LAYOUT(zt_convert_options, with_config, 88);
LAYOUT(zt_convert_options, skip_unreadable, 89);
LAYOUT(zt_convert_options, overwrite, 90);
LAYOUT(zt_convert_options, check_output, 91);
LAYOUT(zt_convert_options, delete_originals, 92);
LAYOUT(zt_convert_options, progress, 96);
LAYOUT(zt_convert_options, lines, 112);
_Static_assert(sizeof(zt_convert_options) == 128, "zt_convert_options");

LAYOUT(zt_convert_report, size, 0);
LAYOUT(zt_convert_report, tensors, 8);
LAYOUT(zt_convert_report, bytes_in, 16);
LAYOUT(zt_convert_report, bytes_out, 24);
_Static_assert(sizeof(zt_convert_report) == 32, "zt_convert_report");

LAYOUT(zt_append_options, size, 0);
LAYOUT(zt_append_options, writer, 8);
LAYOUT(zt_append_options, open, 16);
LAYOUT(zt_append_options, encoding, 24);
LAYOUT(zt_append_options, level, 28);
LAYOUT(zt_append_options, replace, 32);
LAYOUT(zt_append_options, skip_unreadable, 33);
LAYOUT(zt_append_options, progress, 40);
LAYOUT(zt_append_options, lines, 56);
_Static_assert(sizeof(zt_append_options) == 72, "zt_append_options");

LAYOUT(zt_change_report, size, 0);
LAYOUT(zt_change_report, tensors, 8);
LAYOUT(zt_change_report, replaced, 16);
LAYOUT(zt_change_report, bytes_in, 24);
LAYOUT(zt_change_report, bytes_out, 32);
LAYOUT(zt_change_report, reclaimable, 40);
_Static_assert(sizeof(zt_change_report) == 48, "zt_change_report");

LAYOUT(zt_remove_options, size, 0);
LAYOUT(zt_remove_options, output, 8);
LAYOUT(zt_remove_options, overwrite, 16);
LAYOUT(zt_remove_options, durable, 17);
LAYOUT(zt_remove_options, limits, 24);
LAYOUT(zt_remove_options, progress, 56);
LAYOUT(zt_remove_options, lines, 72);
_Static_assert(sizeof(zt_remove_options) == 88, "zt_remove_options");

LAYOUT(zt_attribute_edits, size, 0);
LAYOUT(zt_attribute_edits, set, 8);
LAYOUT(zt_attribute_edits, unset, 32);
LAYOUT(zt_attribute_edits, unset_count, 40);
LAYOUT(zt_attribute_edits, tensor, 48);
LAYOUT(zt_attribute_edits, durable, 56);
_Static_assert(sizeof(zt_attribute_edits) == 64, "zt_attribute_edits");

LAYOUT(zt_compact_options, size, 0);
LAYOUT(zt_compact_options, durable, 8);
LAYOUT(zt_compact_options, limits, 16);
LAYOUT(zt_compact_options, progress, 48);
LAYOUT(zt_compact_options, lines, 64);
_Static_assert(sizeof(zt_compact_options) == 80, "zt_compact_options");

LAYOUT(zt_compact_report, size, 0);
LAYOUT(zt_compact_report, tensors, 8);
LAYOUT(zt_compact_report, size_before, 16);
LAYOUT(zt_compact_report, size_after, 24);
LAYOUT(zt_compact_report, changed, 32);
_Static_assert(sizeof(zt_compact_report) == 40, "zt_compact_report");

LAYOUT(zt_delta_options, size, 0);
LAYOUT(zt_delta_options, writer, 8);
LAYOUT(zt_delta_options, open, 16);
LAYOUT(zt_delta_options, hint, 24);
LAYOUT(zt_delta_options, patch, 32);
LAYOUT(zt_delta_options, overwrite, 33);
LAYOUT(zt_delta_options, progress, 40);
LAYOUT(zt_delta_options, lines, 56);
_Static_assert(sizeof(zt_delta_options) == 72, "zt_delta_options");

LAYOUT(zt_delta_report, size, 0);
LAYOUT(zt_delta_report, tensors, 8);
LAYOUT(zt_delta_report, deltas, 16);
LAYOUT(zt_delta_report, same, 24);
LAYOUT(zt_delta_report, bytes_in, 32);
LAYOUT(zt_delta_report, bytes_out, 40);
_Static_assert(sizeof(zt_delta_report) == 48, "zt_delta_report");

LAYOUT(zt_apply_options, size, 0);
LAYOUT(zt_apply_options, verify, 8);
LAYOUT(zt_apply_options, durable, 9);
LAYOUT(zt_apply_options, threads, 12);
LAYOUT(zt_apply_options, limits, 16);
LAYOUT(zt_apply_options, progress, 48);
LAYOUT(zt_apply_options, lines, 64);
_Static_assert(sizeof(zt_apply_options) == 80, "zt_apply_options");

LAYOUT(zt_apply_report, size, 0);
LAYOUT(zt_apply_report, tensors, 8);
LAYOUT(zt_apply_report, deltas, 16);
LAYOUT(zt_apply_report, whole, 24);
LAYOUT(zt_apply_report, removed, 32);
LAYOUT(zt_apply_report, bytes_in, 40);
LAYOUT(zt_apply_report, bytes_out, 48);
_Static_assert(sizeof(zt_apply_report) == 56, "zt_apply_report");

LAYOUT(zt_changes, size, 0);
LAYOUT(zt_changes, first, 8);
LAYOUT(zt_changes, count, 16);
LAYOUT(zt_changes, is_whole, 24);
LAYOUT(zt_changes, indices, 32);
LAYOUT(zt_changes, elements, 56);
_Static_assert(sizeof(zt_changes) == 80, "zt_changes");

LAYOUT(zt_repair_options, size, 0);
LAYOUT(zt_repair_options, output, 8);
LAYOUT(zt_repair_options, dry_run, 16);
LAYOUT(zt_repair_options, overwrite, 17);
LAYOUT(zt_repair_options, durable, 18);
LAYOUT(zt_repair_options, limits, 24);
LAYOUT(zt_repair_options, progress, 56);
LAYOUT(zt_repair_options, lines, 72);
_Static_assert(sizeof(zt_repair_options) == 88, "zt_repair_options");

LAYOUT(zt_repair_report, size, 0);
LAYOUT(zt_repair_report, tensors, 8);
LAYOUT(zt_repair_report, size_before, 16);
LAYOUT(zt_repair_report, size_after, 24);
LAYOUT(zt_repair_report, state, 32);
_Static_assert(sizeof(zt_repair_report) == 40, "zt_repair_report");

#endif
