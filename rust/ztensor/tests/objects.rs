//! Tensors that come from other files, and tensors of any layout.

mod common;

use std::path::Path;

use common::Folder;
use ztensor::{
    AddOptions, ChecksumAlgorithm, DType, Encoding, Error, ErrorCode, Part, WriterOptions, ZTensorReader, ZTensorWriter,
};

fn code<R: std::fmt::Debug>(result: Result<R, Error>) -> ErrorCode {
    result.unwrap_err().code()
}

/// A file with a compressed tensor that has a digest and attributes, and a sparse one.
fn write_source(path: &Path, format: &str) {
    let mut options = AddOptions::new();
    options.encoding(Encoding::Zstd).checksum(ChecksumAlgorithm::Sha256).attributes(r#"{"unit": "m"}"#);
    let mut writer = WriterOptions::new().format(format).canonical(false).create(path).unwrap();
    writer.add("packed", [4096], &[7u8; 4096], &options).unwrap();
    writer.add("packed too", [4096], &[8u8; 4096], &options).unwrap();
    writer.add_csr("sparse", [1, 3], &[0.5f32], [2], [0, 1], &AddOptions::new()).unwrap();
    writer.finalize().unwrap();
}

#[test]
fn a_stored_tensor_moves_as_it_is() {
    let folder = Folder::new("stored");
    let (source, path) = (folder.file("source.zt"), folder.file("x.zt"));
    write_source(&source, "1.2");
    let reader = ZTensorReader::open(&source).unwrap();
    let mut writer = ZTensorWriter::create(&path).unwrap();
    let plain = AddOptions::new();
    writer.add_stored("moved", &reader, "packed", &plain).unwrap();
    writer.add_stored("raw", &reader, "packed too", AddOptions::new().encoding(Encoding::Raw)).unwrap();
    writer.add_stored("sparse", &reader, "sparse", &plain).unwrap();
    assert_eq!(code(writer.add_stored("a", &reader, "missing", &plain)), ErrorCode::NotFound);
    assert_eq!(code(writer.add_stored("raw", &reader, "packed", &plain)), ErrorCode::Usage);
    let with_checksum = AddOptions::new().checksum(ChecksumAlgorithm::None).clone();
    assert_eq!(code(writer.add_stored("a", &reader, "packed", &with_checksum)), ErrorCode::Usage);
    let with_attributes = AddOptions::new().attributes("{}").clone();
    assert_eq!(code(writer.add_stored("a", &reader, "packed", &with_attributes)), ErrorCode::Usage);
    let from = reader.get_tensor("packed").unwrap().parts[0].digest.to_string();
    drop(reader); // before the writer
    assert!(writer.finalize().unwrap().losses.is_empty());

    let reader = ZTensorReader::open(&path).unwrap();
    let moved = reader.get_tensor("moved").unwrap().parts[0].clone();
    assert_eq!((moved.encoding, moved.digest), ("zstd", &from[..]));
    assert_eq!(reader.get_tensor("raw").unwrap().parts[0].encoding, "raw");
    assert_eq!(reader.read_tensor("moved").unwrap(), [7; 4096]);
    assert_eq!(reader.read_tensor("raw").unwrap(), [8; 4096]);
    assert_eq!(reader.tensor_attributes("moved").unwrap().unwrap(), r#"{"unit": "m"}"#);
    assert_eq!(reader.read_csr_tensor::<f32>("sparse").unwrap().indices, [2]);
}

#[test]
fn a_stored_tensor_that_the_format_cannot_hold() {
    let folder = Folder::new("lossy");
    let (source, path) = (folder.file("source.zt"), folder.file("x.safetensors"));
    write_source(&source, "1.2");
    let reader = ZTensorReader::open(&source).unwrap();
    let plain = AddOptions::new();
    let mut strict = ZTensorWriter::create(&path).unwrap();
    assert_eq!(code(strict.add_stored("x", &reader, "packed", &plain)), ErrorCode::Unsupported);
    drop(strict);
    let mut lossy = WriterOptions::new().lossy(true).create(&path).unwrap();
    lossy.add_stored("x", &reader, "packed", &plain).unwrap();
    let losses = lossy.finalize().unwrap().losses;
    assert!(losses.len() == 1 && losses[0].contains("attributes"), "{losses:?}");
    assert_eq!(ZTensorReader::open(&path).unwrap().read_tensor("x").unwrap(), [7; 4096]);
}

#[test]
fn a_stored_tensor_in_a_file_that_grows() {
    let folder = Folder::new("stored-append");
    let (source, path) = (folder.file("source.zt"), folder.file("x.zt"));
    write_source(&source, "1.2");
    let reader = ZTensorReader::open(&source).unwrap();
    let mut writer = ZTensorWriter::create(&path).unwrap();
    writer.add("x", [1], &[1u8], &AddOptions::new()).unwrap();
    writer.finalize().unwrap();
    let mut writer = ZTensorWriter::append(&path).unwrap();
    writer.add_stored("x", &reader, "packed", AddOptions::new().replace(true)).unwrap();
    writer.finalize().unwrap();
    assert_eq!(ZTensorReader::open(&path).unwrap().read_tensor("x").unwrap(), [7; 4096]);
}

#[test]
fn a_reference_leaves_the_bytes_where_they_are() {
    let folder = Folder::new("reference");
    let (source, path) = (folder.file("source.zt"), folder.file("x.zt"));
    write_source(&source, "2");
    let reader = ZTensorReader::open(&source).unwrap();
    let mut writer = WriterOptions::new().format("2").canonical(false).create(&path).unwrap();
    writer.add_reference("there", &reader, "packed").unwrap();
    assert_eq!(code(writer.add_reference("there", &reader, "packed")), ErrorCode::Usage);
    assert_eq!(code(writer.add_reference("a", &reader, "missing")), ErrorCode::NotFound);
    writer.finalize().unwrap();
    assert_eq!(ZTensorReader::open(&path).unwrap().read_tensor("there").unwrap(), [7; 4096]);
    std::fs::remove_file(&source).unwrap();
    assert!(ZTensorReader::open(&path).and_then(|reader| reader.read_tensor("there")).is_err());
    let mut other = WriterOptions::new().format("1.2").create(&path).unwrap();
    assert_eq!(code(other.add_reference("there", &reader, "packed")), ErrorCode::Usage);
}

#[test]
fn objects_of_any_layout() {
    let folder = Folder::new("objects");
    let path = folder.file("x.zt");
    let mut writer = ZTensorWriter::create(&path).unwrap();
    let (codes, scales) = ([1i8, -2, 3, -4], 0.5f32.to_le_bytes());
    let parts = [Part::new("codes", &[4], &codes), Part::from_bytes("scales", &[1], DType::Float32, &scales)];
    let mut options = AddOptions::new();
    options.attributes(r#"{"bits": 8}"#);
    writer.add_object("x", [2, 2], "rows_scaled", &parts, &options).unwrap();
    let mut add = |layout: &str, parts: &[Part<'_>]| code(writer.add_object("y", [4], layout, parts, &options));
    assert_eq!(add("dense", &[]), ErrorCode::Usage);
    assert_eq!(add("dense", &[Part::new("data", &[3], &codes[..3])]), ErrorCode::Usage);
    assert_eq!(add("other", &[Part::new("codes", &[5], &codes)]), ErrorCode::Usage); // 5 elements need 5 bytes
    assert_eq!(add("other", &[Part::new("a\0", &[4], &codes)]), ErrorCode::Usage);
    assert_eq!(add("other\0", &[Part::new("a", &[4], &codes)]), ErrorCode::Usage);
    writer.add_object("dense", [4], "dense", &[Part::new("data", &[4], &codes)], &options).unwrap();
    writer.finalize().unwrap();

    let reader = ZTensorReader::open(&path).unwrap();
    let info = reader.get_tensor("x").unwrap();
    assert_eq!((info.layout, info.shape), ("rows_scaled", &[2, 2][..]));
    let found: Vec<_> = info.parts.iter().map(|part| (part.role, part.dtype)).collect();
    assert_eq!(found, [("codes", Some(DType::Int8)), ("scales", Some(DType::Float32))]);
    assert_eq!(reader.read_part("x", "scales").unwrap(), scales);
    assert_eq!(reader.tensor_attributes("x").unwrap().unwrap(), r#"{"bits": 8}"#);
    assert_eq!(reader.read_tensor_as::<i8>("dense").unwrap(), codes);
}
