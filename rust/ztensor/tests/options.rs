//! Options, each of which changes what happens.

mod common;

use std::path::Path;

use common::Folder;
use ztensor::{
    append, compact, convert, remove, repair, AddOptions, AppendOptions, ChecksumAlgorithm, CompactOptions,
    ConvertOptions, Encoding, ErrorCode, Limits, OpenOptions, RemoveOptions, RepairOptions, Result, VerifyOptions,
    WriterOptions, ZTensorReader,
};

fn goes_on(_: u64, _: u64) -> bool {
    true
}

fn code<R: std::fmt::Debug>(result: Result<R>) -> ErrorCode {
    result.unwrap_err().code()
}

fn write(path: &Path, options: &WriterOptions) -> Result<()> {
    let mut writer = options.create(path)?;
    for name in ["layer.weight", "layer.bias", "head.weight"] {
        writer.add(name, [1, 1 << 14], &vec![1.0f32; 1 << 14], &AddOptions::new())?;
    }
    writer.finalize().map(drop)
}

fn names_of(path: &Path) -> Vec<String> {
    let reader = ZTensorReader::open(path).unwrap();
    let tensors = reader.list_tensors().unwrap();
    tensors.iter().map(|tensor| tensor.name.to_string()).collect()
}

#[test]
fn a_file_that_asks_for_more_than_the_limits() {
    let folder = Folder::new("limits");
    let (path, other) = (folder.file("x.zt"), folder.file("other.zt"));
    write(&path, &WriterOptions::new()).unwrap();
    let open = |limits: &Limits| OpenOptions::new().limits(limits).open(&path);
    assert_eq!(code(open(Limits::new().index_bytes(10))), ErrorCode::Limit);
    assert_eq!(code(open(Limits::new().depth(2))), ErrorCode::Limit);
    for limits in [Limits::new().rank(1), Limits::new().decoded_bytes(1000)] {
        assert_eq!(code(open(limits).unwrap().read_tensor("head.weight")), ErrorCode::Limit, "{limits:?}");
    }
    let reader = open(Limits::new().rank(2).parts(1).decoded_bytes(1 << 16).depth(100).index_bytes(10_000)).unwrap();
    assert_eq!(reader.read_tensor("head.weight").unwrap().len(), 1 << 16);

    let mut small = Limits::new();
    small.index_bytes(10);
    let mut writer = WriterOptions::new().limits(Limits::new().rank(1)).create(&other).unwrap();
    assert_eq!(code(writer.add("x", [1, 1], &[1u8], &AddOptions::new())), ErrorCode::Usage);
    drop(writer);
    assert_eq!(code(compact(&path, CompactOptions::new().limits(&small), goes_on)), ErrorCode::Limit);
    assert_eq!(code(remove(&path, &["layer.bias"], RemoveOptions::new().limits(&small), goes_on)), ErrorCode::Limit);
    assert!(repair(&path, RepairOptions::new().limits(&small), goes_on).is_err());
    let mut open = OpenOptions::new();
    open.limits(&small);
    assert_eq!(code(convert(&[&path], &other, ConvertOptions::new().open(&open), goes_on)), ErrorCode::Limit);
    assert_eq!(code(append(&other, &[&path], AppendOptions::new().open(&open), goes_on)), ErrorCode::Limit);
}

#[test]
fn what_a_writer_does_where_no_call_says_otherwise() {
    let folder = Folder::new("writer-options");
    let path = folder.file("x.zt");
    let mut options = WriterOptions::new();
    options.encoding(Encoding::ZstdLevel(5)).checksum(ChecksumAlgorithm::Sha256).alignment(4096);
    write(&path, &options).unwrap();
    let reader = ZTensorReader::open(&path).unwrap();
    for tensor in reader.list_tensors().unwrap() {
        let part = &tensor.parts[0];
        assert!(part.encoding == "zstd" && part.digest.starts_with("sha256:"), "{part:?}");
        assert_eq!(part.offset % 4096, 0);
    }
    assert_eq!(code(WriterOptions::new().alignment(3).create(&path)), ErrorCode::Usage);

    let path = folder.file("model.safetensors");
    write(&path, WriterOptions::new().max_shard_size(100_000)).unwrap();
    let files = std::fs::read_dir(path.parent().unwrap()).unwrap();
    let shards = files.filter(|file| file.as_ref().unwrap().file_name().to_string_lossy().contains("-of-")).count();
    assert_eq!(shards, 3);
}

#[test]
fn what_a_conversion_takes_and_how_it_writes() {
    let folder = Folder::new("convert-options");
    let (path, output) = (folder.file("x.zt"), folder.file("out.zt"));
    write(&path, &WriterOptions::new()).unwrap();
    let mut options = ConvertOptions::new();
    options.overwrite(true).include(["*.weight"]).exclude(["head.*"]);
    convert(&[&path], &output, &options, goes_on).unwrap();
    assert_eq!(names_of(&output), ["layer.weight"]);
    assert!(convert(&[&path], &output, options.clone().from("safetensors"), goes_on).is_err());
    convert(&[&path], &output, options.clone().from("zt-1.2"), goes_on).unwrap();

    std::fs::write(folder.file("config.json"), r#"{"layers": 1}"#).unwrap();
    let mut writer = WriterOptions::new();
    writer.attributes(r#"{"by": "me"}"#).alignment(4096);
    let mut options = ConvertOptions::new();
    options.writer(&writer).format("2").checksum(ChecksumAlgorithm::Sha256).with_config(true).delete_originals(true);
    let output = folder.file("second.zt");
    convert(&[&path], &output, &options, goes_on).unwrap();
    assert!(!path.exists());
    let reader = ZTensorReader::open(&output).unwrap();
    assert_eq!(reader.format(), "zt-2");
    let attributes = reader.attributes().unwrap().unwrap();
    assert!(attributes.contains("\"by\"") && attributes.contains("config.json"), "{attributes}");
    let mut encoded = WriterOptions::new();
    encoded.encoding(Encoding::Zstd);
    let error = convert(&[&output], &path, ConvertOptions::new().writer(&encoded), goes_on);
    assert_eq!(code(error), ErrorCode::Usage);
}

#[test]
fn append_writes_as_its_writer_says() {
    let folder = Folder::new("append-options");
    let (path, target) = (folder.file("x.zt"), folder.file("target.zt"));
    write(&path, &WriterOptions::new()).unwrap();
    let mut writer = WriterOptions::new();
    writer.attributes(r#"{"by": "me"}"#);
    append(&target, &[&path], AppendOptions::new().writer(&writer), goes_on).unwrap();
    assert_eq!(ZTensorReader::open(&target).unwrap().attributes().unwrap().unwrap(), r#"{"by": "me"}"#);
}

#[test]
fn what_is_verified() {
    let folder = Folder::new("verify-options");
    let path = folder.file("x.zt");
    write(&path, WriterOptions::new().format("2").canonical(false)).unwrap();
    let reader = ZTensorReader::open(&path).unwrap();
    let verify = |options: &VerifyOptions| reader.verify_selected(options, goes_on);
    assert_eq!(verify(VerifyOptions::new().names(["layer.bias"])).unwrap().checked, 1);
    assert_eq!(code(verify(VerifyOptions::new().names(["missing"]))), ErrorCode::NotFound);
    assert_eq!(code(verify(VerifyOptions::new().names::<&str>([]))), ErrorCode::Usage);
    assert!(verify(&VerifyOptions::new()).unwrap().findings.is_empty());
    let canonical = verify(VerifyOptions::new().canonical(true)).unwrap();
    assert!(!canonical.findings.is_empty(), "{canonical:?}");

    let folder = Folder::new("verify-shards");
    let path = folder.file("x.zt");
    write(&path, WriterOptions::new().format("2").max_shard_size(100_000)).unwrap();
    let files = std::fs::read_dir(path.parent().unwrap()).unwrap().map(|file| file.unwrap().path());
    let shard = files.filter(|file| *file != path).min().unwrap();
    let mut bytes = std::fs::read(&shard).unwrap();
    bytes[2000] ^= 1; // no tensor has this byte
    std::fs::write(&shard, bytes).unwrap();
    let reader = ZTensorReader::open(&path).unwrap();
    assert!(reader.verify().unwrap().findings.is_empty());
    let shards = reader.verify_selected(VerifyOptions::new().shards(true), goes_on).unwrap();
    assert_eq!(shards.findings.len(), 1, "{shards:?}");
}
