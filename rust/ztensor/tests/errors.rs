//! What goes wrong, and how it is told.

mod common;

use std::os::unix::ffi::OsStrExt;
use std::panic::{catch_unwind, AssertUnwindSafe};

use common::Folder;
use ztensor::{
    convert, AddOptions, Backend, ChecksumAlgorithm, ConvertOptions, DType, Encoding, Error, ErrorCode, OpenOptions,
    WriteMode, WriterOptions, ZTensorReader, ZTensorWriter,
};

fn write_file(path: &std::path::Path) {
    let mut writer = ZTensorWriter::create(path).unwrap();
    writer.add("x", [4], &[1.0f32, 2.0, 3.0, 4.0], &AddOptions::new()).unwrap();
    writer.add("packed", [4096], &[1u8; 4096], AddOptions::new().encoding(Encoding::Zstd)).unwrap();
    writer.finalize().unwrap();
}

#[test]
fn an_error_says_why() {
    fn is_an_error<E: std::error::Error + Send + Sync + 'static>() {}
    is_an_error::<Error>();
    let folder = Folder::new("why");
    let error = ZTensorReader::open(folder.file("missing.zt")).unwrap_err();
    assert_eq!((error.code(), error.os_error()), (ErrorCode::Io, Some(2)));
    assert!(error.to_string().contains("missing.zt"), "{error}");
    assert_eq!(error.message(), error.to_string());
    assert_eq!(error.rule(), "");
}

#[test]
fn a_truncated_file() {
    let folder = Folder::new("truncated");
    let path = folder.file("whole.zt");
    write_file(&path);
    let bytes = std::fs::read(&path).unwrap();
    for length in 0..bytes.len() {
        let cut = folder.file("cut.zt");
        std::fs::write(&cut, &bytes[..length]).unwrap();
        let error = ZTensorReader::open(&cut).unwrap_err();
        assert!(matches!(error.code(), ErrorCode::Malformed | ErrorCode::Unsupported), "{length}: {error:?}");
        assert!(!error.rule().is_empty() || error.code() == ErrorCode::Unsupported, "{length}: {error:?}");
    }
}

#[test]
fn a_damaged_tensor() {
    let folder = Folder::new("damaged");
    let path = folder.file("damaged.zt");
    write_file(&path);
    let mut bytes = std::fs::read(&path).unwrap();
    let offset = ZTensorReader::open(&path).unwrap().get_tensor("x").unwrap().parts[0].offset;
    bytes[offset as usize] ^= 1;
    std::fs::write(&path, &bytes).unwrap();
    let reader = ZTensorReader::open(&path).unwrap();
    assert_eq!(reader.read_tensor("x").unwrap_err().code(), ErrorCode::Mismatch);
    let report = reader.verify().unwrap();
    assert_eq!((report.checked, report.findings.len()), (1, 1));
    assert_eq!(report.findings[0].tensor, "x");
    assert_eq!(report.findings[0].error.code(), ErrorCode::Mismatch);
}

#[test]
fn wrong_calls_on_a_reader() {
    let folder = Folder::new("reader");
    let path = folder.file("x.zt");
    write_file(&path);
    let reader = ZTensorReader::open(&path).unwrap();
    let code = |error: Error| error.code();
    assert_eq!(code(reader.read_tensor("y").unwrap_err()), ErrorCode::NotFound);
    assert_eq!(code(reader.read_tensor("x\0").unwrap_err()), ErrorCode::Usage);
    assert_eq!(code(reader.read_part("x", "values").unwrap_err()), ErrorCode::NotFound);
    let error = reader.read_tensor_as::<i32>("x").unwrap_err();
    assert_eq!(error.to_string(), "tensor 'x' has float32: do not ask for int32");
    assert_eq!(code(reader.view::<f64>("x").unwrap_err()), ErrorCode::Usage);
    assert_eq!(code(reader.view::<u8>("packed").unwrap_err()), ErrorCode::Unsupported);
    assert_eq!(code(reader.read_csr_tensor::<f32>("x").unwrap_err()), ErrorCode::Usage);
    assert!(reader.dequantize("packed").is_err());
    let unmapped = OpenOptions::new().backend(Backend::Read).threads(1).open(&path).unwrap();
    assert_eq!(code(unmapped.view::<f32>("x").unwrap_err()), ErrorCode::Unsupported);
    assert_eq!(unmapped.read_tensor_as::<f32>("x").unwrap(), [1.0, 2.0, 3.0, 4.0]);
}

#[test]
fn wrong_calls_on_a_writer() {
    let folder = Folder::new("writer");
    let path = folder.file("x.zt");
    let none = ChecksumAlgorithm::None;
    let mut writer = ZTensorWriter::create(&path).unwrap();
    let mut add = |shape: &[u64], bytes: &[u8]| {
        writer.add_tensor("x", shape, DType::Float32, Encoding::Raw, bytes, none).unwrap_err()
    };
    for (shape, bytes) in [(&[2][..], &[0; 4][..]), (&[1], &[0; 5]), (&[1], &[]), (&[], &[]), (&[0], &[0; 4])] {
        assert_eq!(add(shape, bytes).code(), ErrorCode::Usage, "{shape:?}");
    }
    assert_eq!(add(&[u64::MAX, u64::MAX], &[]).code(), ErrorCode::Usage);
    let plain = AddOptions::new();
    let code = |result: ztensor::Result<()>| result.unwrap_err().code();
    assert_eq!(code(writer.add("", [1], &[1u8], &plain)), ErrorCode::Usage);
    assert_eq!(code(writer.add("a\0b", [1], &[1u8], &plain)), ErrorCode::Usage);
    assert_eq!(code(writer.add("a", [1], &[1u8], AddOptions::new().attributes("{"))), ErrorCode::Usage);
    assert_eq!(
        code(writer.add("a", [1], &[1u8], AddOptions::new().encoding(Encoding::ZstdLevel(99)))),
        ErrorCode::Usage
    );
    assert_eq!(code(writer.add_csr("a", [1], &[1u8], [0], [0, 1], &plain)), ErrorCode::Usage);
    assert_eq!(code(writer.add_csr("a", [1, 1], &[1u8], [1], [0, 1], &plain)), ErrorCode::Usage);
    assert_eq!(code(writer.add_csr("a", [1, 1], &[1u8], [0], [0], &plain)), ErrorCode::Usage);
    assert_eq!(code(writer.add_coo("a", [1, 1], &[1u8], [0], &plain)), ErrorCode::Usage);
    let odd = writer.add_coo_tensor("a", [1], DType::Float32, [0; 5], [0], Encoding::Raw, none);
    assert_eq!(code(odd), ErrorCode::Usage);
    assert_eq!(code(writer.add_alias("b", "a")), ErrorCode::NotFound);
    writer.add("a", [1], &[1u8], &plain).unwrap(); // what was refused has changed nothing
    assert_eq!(code(writer.add("a", [1], &[1u8], &plain)), ErrorCode::Usage);
    writer.finalize().unwrap();
    assert_eq!(ZTensorReader::open(&path).unwrap().list_tensors().unwrap().len(), 1);

    let create = |options: &WriterOptions| options.create(&path).unwrap_err();
    let error = create(WriterOptions::new().mode(WriteMode::Create));
    assert_eq!((error.code(), error.os_error()), (ErrorCode::Io, Some(17)));
    assert_eq!(create(WriterOptions::new().format("9")).code(), ErrorCode::Usage);
    let nul = std::ffi::OsStr::from_bytes(b"a\0b");
    assert_eq!(ZTensorWriter::create(nul).unwrap_err().code(), ErrorCode::Usage);
    let missing = ZTensorWriter::create(folder.file("missing").join("x.zt")).unwrap_err();
    assert_eq!((missing.code(), missing.os_error()), (ErrorCode::Io, Some(2)));
}

#[test]
fn a_writer_that_was_not_finalized_publishes_nothing() {
    let folder = Folder::new("unfinalized");
    let path = folder.file("x.zt");
    let mut writer = ZTensorWriter::create(&path).unwrap();
    writer.add("x", [1], &[1u8], &AddOptions::new()).unwrap();
    drop(writer);
    assert!(!path.exists());
    write_file(&path);
    let before = std::fs::read(&path).unwrap();
    let mut writer = ZTensorWriter::create(&path).unwrap();
    writer.add("y", [1], &[1u8], &AddOptions::new()).unwrap();
    drop(writer);
    assert_eq!(std::fs::read(&path).unwrap(), before);
    let mut writer = ZTensorWriter::append(&path).unwrap();
    writer.add("y", [1], &[1u8], &AddOptions::new()).unwrap();
    drop(writer);
    let names = ZTensorReader::open(&path).unwrap().list_tensors().unwrap().len();
    assert_eq!(names, 2);
    let files = std::fs::read_dir(path.parent().unwrap()).unwrap().count();
    assert_eq!(files, 1, "a temporary file was left");
}

#[test]
fn a_progress_closure_that_panics() {
    let folder = Folder::new("panic");
    let (input, output) = (folder.file("x.zt"), folder.file("out.safetensors"));
    write_file(&input);
    let mut calls = 0;
    let panic = catch_unwind(AssertUnwindSafe(|| {
        convert(&[&input], &output, &ConvertOptions::new(), |_, _| {
            calls += 1;
            panic!("stop here")
        })
    }))
    .unwrap_err();
    assert_eq!(panic.downcast_ref::<&str>(), Some(&"stop here"));
    assert_eq!(calls, 1);
    let reader = ZTensorReader::open(&input).unwrap();
    assert!(catch_unwind(AssertUnwindSafe(|| reader.verify_with(|_, _| panic!("stop here")))).is_err());
    assert_eq!(reader.verify().unwrap().checked, 2); // the reader still works
}

#[test]
fn conversions() {
    let folder = Folder::new("convert");
    let (input, output) = (folder.file("x.zt"), folder.file("out.safetensors"));
    write_file(&input);
    let mut last = (0, 0);
    let mut options = ConvertOptions::new();
    options.check_output(true);
    let report = convert(&[&input], &output, &options, |done, total| {
        last = (done, total);
        true
    })
    .unwrap();
    assert_eq!(report.tensors, 2);
    assert_eq!(report.bytes_out, std::fs::metadata(&output).unwrap().len());
    assert!(last.0 > 0 && last.0 == last.1, "{last:?}");
    let reader = ZTensorReader::open(&output).unwrap();
    assert_eq!(reader.format(), "safetensors");
    assert_eq!(reader.read_tensor_as::<f32>("x").unwrap(), [1.0, 2.0, 3.0, 4.0]);

    let again = convert(&[&input], &output, &options, |_, _| true).unwrap_err();
    assert_eq!(again.os_error(), Some(17), "{again:?}");
    options.overwrite(true).names(["x"]);
    assert_eq!(convert(&[&input], &output, &options, |_, _| true).unwrap().tensors, 1);

    let packed = folder.file("packed.zt");
    let mut options = ConvertOptions::new();
    options.format("2").encoding(Encoding::Zstd).checksum(ChecksumAlgorithm::Sha256).skip_unreadable(true);
    assert!(convert(&[&input], &packed, &options, |_, _| true).unwrap().skipped.is_empty());
    assert_eq!(ZTensorReader::open(&packed).unwrap().format(), "zt-2");
}

#[test]
fn a_conversion_that_is_stopped_leaves_no_output() {
    let folder = Folder::new("stop");
    let (input, output) = (folder.file("x.zt"), folder.file("out.zt"));
    let noise: Vec<u64> = (0..1u64 << 20).map(|n| n.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 8).collect();
    let mut writer = ZTensorWriter::create(&input).unwrap();
    writer.add("x", [noise.len() as u64], &noise, &AddOptions::new()).unwrap();
    writer.finalize().unwrap();
    let mut slow = ConvertOptions::new();
    slow.encoding(Encoding::ZstdLevel(19)); // takes many times the tenth of a second until the first call
    let stopped = convert(&[&input], &output, &slow, |_, _| false).unwrap_err();
    assert_eq!(stopped.code(), ErrorCode::Cancelled);
    let mut calls = 0;
    let panicking = || {
        convert(&[&input], &output, &slow, |_, _| {
            calls += 1;
            panic!("stop here")
        })
    };
    assert!(catch_unwind(AssertUnwindSafe(panicking)).is_err());
    assert_eq!(calls, 1);
    assert!(!output.exists());
    let reader = ZTensorReader::open(&input).unwrap();
    assert_eq!(reader.verify_with(|_, _| false).unwrap_err().code(), ErrorCode::Cancelled);
}
