//! Builds the C++ code beside the crates with CMake. The build scripts of both crates share this file.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What a static `libztensor.a` needs. A shared library brings it along.
const NEEDED_BY_LIBRARY: [&str; 8] = ["zstd", "utf8proc", "z", "isal", "crypto", "simdjson", "stdc++", "pthread"];

/// What the command needs beside it.
const NEEDED_BY_COMMAND: [&str; 1] = ["fmt"];

/// What is built.
#[derive(Clone, Copy, PartialEq)]
#[allow(dead_code)] // each build script wants one of them
pub enum Product {
    /// The library alone.
    Library,
    /// The library, and the command without its `main`.
    Command,
}

impl Product {
    fn archives(self) -> &'static [&'static str] {
        // A linker wants an archive before those whose functions it calls.
        match self {
            Product::Library => &["ztensor"],
            Product::Command => &["ztensor_commands", "ztensor"],
        }
    }
}

/// Builds a product, and tells Cargo to link it. On failure, says what is wrong and what to do.
pub fn build(product: Product) -> Result<(), String> {
    let root = Path::new(&env::var_os("CARGO_MANIFEST_DIR").unwrap()).join("../..");
    let mut sources = vec!["CMakeLists.txt", "cmake", "include", "src"];
    if product == Product::Command {
        sources.push("cli");
    }
    if let Some(missing) = sources.iter().find(|name| !root.join(name).exists()) {
        return Err(format!(
            "sources: there is no '{missing}' of zTensor in {}: build the crate where it lies in a checkout of zTensor",
            root.display()
        ));
    }
    for name in sources {
        println!("cargo:rerun-if-changed={}", root.join(name).display());
    }
    let folder = run_cmake(&root, product)?;
    println!("cargo:rustc-link-search=native={}", folder.display());
    for name in product.archives() {
        println!("cargo:rustc-link-lib=static={name}");
    }
    if product == Product::Command {
        link_each(&NEEDED_BY_COMMAND);
    }
    link_needed();
    Ok(())
}

/// Tells Cargo to link what a static library needs.
pub fn link_needed() {
    link_each(&NEEDED_BY_LIBRARY);
}

pub fn link_each<Name: std::fmt::Display>(names: &[Name]) {
    for name in names {
        println!("cargo:rustc-link-lib=dylib={name}");
    }
}

/// The folder with the archives.
fn run_cmake(root: &Path, product: Product) -> Result<PathBuf, String> {
    let folder = Path::new(&env::var_os("OUT_DIR").unwrap()).join("cmake");
    let mut configure = Command::new("cmake");
    configure.arg("-S").arg(root).arg("-B").arg(&folder);
    configure.args([
        "-DCMAKE_BUILD_TYPE=Release",
        "-DZTENSOR_SHARED=OFF",
        "-DZTENSOR_TESTS=OFF",
        "-DZTENSOR_PYTHON=OFF",
        if product == Product::Command { "-DZTENSOR_CLI=ON" } else { "-DZTENSOR_CLI=OFF" },
    ]);
    // Most of the time of a build goes into headers, so several files are compiled as one.
    configure.args(["-DCMAKE_UNITY_BUILD=ON", "-DCMAKE_UNITY_BUILD_BATCH_SIZE=12"]);
    run(&mut configure)?;
    let jobs = env::var("NUM_JOBS").unwrap_or_else(|_| "1".to_string());
    let mut build = Command::new("cmake");
    build.arg("--build").arg(&folder).args(["--parallel", &jobs, "--target"]).args(product.archives());
    run(&mut build)?;
    match product.archives().iter().find(|name| !folder.join(format!("lib{name}.a")).exists()) {
        Some(missing) => Err(format!("sources: CMake made no lib{missing}.a in {}", folder.display())),
        None => Ok(folder),
    }
}

fn run(command: &mut Command) -> Result<(), String> {
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!(
            "sources: {command:?} failed ({status}): see its output above; if it misses a package, install those that \
             the README of zTensor names under 'Install'"
        )),
        Err(cause) => Err(format!("sources: {command:?} cannot be run: {cause}: install CMake 3.25 or later")),
    }
}
