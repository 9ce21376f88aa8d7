//! Structs are laid out as in C.

use super::*;
use std::mem::{size_of, MaybeUninit};

macro_rules! offset {
    ($kind:ty, $field:ident) => {{
        let value = MaybeUninit::<$kind>::uninit();
        // SAFETY: takes an address, and reads nothing.
        let field = unsafe { std::ptr::addr_of!((*value.as_ptr()).$field) };
        field as usize - value.as_ptr() as usize
    }};
}

// What a C program printed with sizeof and offsetof, for the last field of each struct.
#[test]
fn structs_are_laid_out_as_in_c() {
    let layouts = [
        (size_of::<zt_error>(), 536, offset!(zt_error, message), 24),
        (size_of::<zt_text>(), 16, offset!(zt_text, length), 8),
        (size_of::<zt_bytes>(), 24, offset!(zt_bytes, owner), 16),
        (size_of::<zt_progress>(), 16, offset!(zt_progress, context), 8),
        (size_of::<zt_lines>(), 16, offset!(zt_lines, context), 8),
        (size_of::<zt_limits>(), 32, offset!(zt_limits, depth), 24),
        (size_of::<zt_attributes>(), 24, offset!(zt_attributes, cbor_length), 16),
        (size_of::<zt_open_options>(), 72, offset!(zt_open_options, bases_count), 64),
        (size_of::<zt_store>(), 48, offset!(zt_store, request_cost), 40),
        (size_of::<zt_tensor_info>(), 88, offset!(zt_tensor_info, readable), 84),
        (size_of::<zt_part_info>(), 112, offset!(zt_part_info, mappable), 104),
        (size_of::<zt_read>(), 32, offset!(zt_read, length), 24),
        (size_of::<zt_axis>(), 40, offset!(zt_axis, list), 32),
        (size_of::<zt_writer_options>(), 120, offset!(zt_writer_options, base), 112),
        (size_of::<zt_sink>(), 32, offset!(zt_sink, release), 24),
        (size_of::<zt_array>(), 48, offset!(zt_array, strides), 40),
        (size_of::<zt_add_options>(), 48, offset!(zt_add_options, attributes), 24),
        (size_of::<zt_verify_options>(), 64, offset!(zt_verify_options, context), 56),
        (size_of::<zt_verify_report>(), 40, offset!(zt_verify_report, findings), 32),
        (size_of::<zt_convert_options>(), 128, offset!(zt_convert_options, lines), 112),
        (size_of::<zt_convert_report>(), 32, offset!(zt_convert_report, bytes_out), 24),
        (size_of::<zt_append_options>(), 72, offset!(zt_append_options, lines), 56),
        (size_of::<zt_change_report>(), 48, offset!(zt_change_report, reclaimable), 40),
        (size_of::<zt_remove_options>(), 88, offset!(zt_remove_options, lines), 72),
        (size_of::<zt_attribute_edits>(), 64, offset!(zt_attribute_edits, durable), 56),
        (size_of::<zt_compact_options>(), 80, offset!(zt_compact_options, lines), 64),
        (size_of::<zt_delta_options>(), 72, offset!(zt_delta_options, lines), 56),
        (size_of::<zt_delta_report>(), 48, offset!(zt_delta_report, bytes_out), 40),
        (size_of::<zt_apply_options>(), 80, offset!(zt_apply_options, lines), 64),
        (size_of::<zt_apply_report>(), 56, offset!(zt_apply_report, bytes_out), 48),
        (size_of::<zt_compact_report>(), 40, offset!(zt_compact_report, changed), 32),
        (size_of::<zt_repair_options>(), 88, offset!(zt_repair_options, lines), 72),
        (size_of::<zt_repair_report>(), 40, offset!(zt_repair_report, state), 32),
    ];
    for (row, (size, size_in_c, offset, offset_in_c)) in layouts.iter().enumerate() {
        assert_eq!((size, offset), (size_in_c, offset_in_c), "struct in row {row}");
    }
}
