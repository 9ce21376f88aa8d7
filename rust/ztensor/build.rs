//! Finds the C++ library, or builds it from the sources beside this crate.

use std::env;
use std::path::{Path, PathBuf};
use std::process::{exit, Command};

mod build_sources;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed=build_sources.rs");
    for name in ["ZTENSOR_DIR", "PKG_CONFIG_PATH"] {
        println!("cargo:rerun-if-env-changed={name}");
    }
    if let Some(prefix) = env::var_os("ZTENSOR_DIR") {
        // Whoever names a folder wants the library there, and no other.
        return match library_folder(Path::new(&prefix)) {
            Some(folder) => link(&folder),
            None => fail(&[format!(
                "ZTENSOR_DIR is {}, but there is no libztensor.so or libztensor.a in its folders lib, lib64 and \
                 lib/<triplet>: set it to the prefix of an installed zTensor, or unset it",
                Path::new(&prefix).display()
            )]),
        };
    }
    let installed = match from_pkg_config() {
        Ok(()) => return,
        Err(cause) => cause,
    };
    let built = match build_sources::build(build_sources::Product::Library) {
        Ok(()) => return,
        Err(cause) => cause,
    };
    fail(&["ZTENSOR_DIR: it is not set".to_string(), installed, built]);
}

fn fail(tried: &[String]) {
    eprintln!("The C++ library ztensor was not found, and could not be built. What was tried:");
    for cause in tried {
        eprintln!("- {cause}");
    }
    exit(1);
}

fn has_library(folder: &Path) -> bool {
    folder.join("libztensor.so").exists() || folder.join("libztensor.a").exists()
}

fn library_folder(prefix: &Path) -> Option<PathBuf> {
    let direct = [prefix.join("lib"), prefix.join("lib64")];
    if let Some(found) = direct.iter().find(|folder| has_library(folder)) {
        return Some(found.clone());
    }
    let triplets = prefix.join("lib").read_dir().ok()?;
    triplets.flatten().map(|entry| entry.path()).find(|folder| has_library(folder))
}

fn link(folder: &Path) {
    println!("cargo:rustc-link-search=native={}", folder.display());
    println!("cargo:rerun-if-changed={}", folder.display());
    if folder.join("libztensor.so").exists() {
        println!("cargo:rustc-link-lib=dylib=ztensor");
        return;
    }
    println!("cargo:rustc-link-lib=static=ztensor");
    match needed_by(&folder.join("pkgconfig").join("ztensor.pc")) {
        Some(names) => build_sources::link_each(&names),
        None => build_sources::link_needed(),
    }
}

/// The libraries that an installed static library says it needs: a build without the formats of others needs fewer.
fn needed_by(description: &Path) -> Option<Vec<String>> {
    let text = std::fs::read_to_string(description).ok()?;
    let packages = text.lines().find_map(|line| line.strip_prefix("Requires.private:"))?;
    let library = |package: &str| match package {
        "zlib" => "z".to_string(),
        other => other.strip_prefix("lib").unwrap_or(other).to_string(),
    };
    let mut names: Vec<String> = packages.split(',').map(|package| library(package.trim())).collect();
    names.push("stdc++".to_string());
    Some(names)
}

fn from_pkg_config() -> Result<(), String> {
    let output = Command::new("pkg-config")
        .args(["--libs", "--cflags", "ztensor"])
        .output()
        .map_err(|cause| format!("pkg-config: the program cannot be run: {cause}"))?;
    if !output.status.success() {
        return Err("pkg-config: there is no package ztensor".to_string());
    }
    for word in String::from_utf8_lossy(&output.stdout).split_whitespace() {
        if let Some(folder) = word.strip_prefix("-L") {
            println!("cargo:rustc-link-search=native={folder}");
        } else if let Some(name) = word.strip_prefix("-l") {
            println!("cargo:rustc-link-lib={name}");
        }
    }
    Ok(())
}
