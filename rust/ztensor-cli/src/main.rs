//! The command `ztensor`. The C++ code in `cli` does all of it.
//!
//! `main` is that of C, and not that of Rust. Rust's own start would change the standard descriptors and signals before
//! the command sees them.

#![no_main]

use std::os::raw::{c_char, c_int};

extern "C" {
    /// Declared in `cli/command_line.h`.
    fn ztensor_command(argc: c_int, argv: *mut *mut c_char) -> c_int;
}

/// The C runtime calls it once, with the arguments of the process.
#[no_mangle]
extern "C" fn main(argc: c_int, argv: *mut *mut c_char) -> c_int {
    // SAFETY: the arguments are those that a `main` in C++ gets, and nothing has run before.
    unsafe { ztensor_command(argc, argv) }
}
