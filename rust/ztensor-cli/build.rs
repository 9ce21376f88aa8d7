//! Builds the command from the C++ sources beside this crate.

use std::process::exit;

#[path = "../ztensor/build_sources.rs"]
mod build_sources;

fn main() {
    if let Err(cause) = build_sources::build(build_sources::Product::Command) {
        eprintln!("The command ztensor could not be built: {cause}");
        exit(1);
    }
}
