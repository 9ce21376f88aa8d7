//! What is written is read back.

mod common;

use std::ops::Range;
use std::sync::Arc;

use common::Folder;
use ztensor::{
    AddOptions, Axis, ChecksumAlgorithm, DType, Element, Encoding, ErrorCode, OpenOptions, Result, Verify, WriteMode,
    WriterOptions, ZTensorReader, ZTensorWriter, BF16, F16, UNKNOWN_ROWS,
};

const ENCODINGS: [Encoding; 5] = [Encoding::Raw, Encoding::Zstd, Encoding::ZstdLevel(9), Encoding::Planes, Encoding::Auto];
fn write_one<T: Element>(folder: &Folder, shape: &[u64], elements: &[T]) -> Result<ZTensorReader> {
    let path = folder.file("one.zt");
    let mut writer = ZTensorWriter::create(&path)?;
    writer.add("x", shape, elements, &AddOptions::new())?;
    writer.finalize()?;
    ZTensorReader::open(&path)
}

fn check_elements<T: Element + PartialEq + std::fmt::Debug>(name: &str, elements: &[T]) {
    let folder = Folder::new(name);
    let reader = write_one(&folder, &[elements.len() as u64], elements).unwrap();
    assert_eq!(reader.read_tensor_as::<T>("x").unwrap(), elements);
    assert_eq!(&*reader.view::<T>("x").unwrap(), elements);
    assert_eq!(reader.read_rows::<T>("x", 1..2).unwrap(), elements[1..2]);
    assert_eq!(reader.get_tensor("x").unwrap().dtype, Some(T::DTYPE));
}

#[test]
fn elements_of_every_rust_type() {
    check_elements("f64", &[0.5f64, f64::MIN, f64::INFINITY]);
    check_elements("f32", &[0.5f32, f32::MIN, f32::INFINITY]);
    check_elements("f16", &[F16(0x3C00), F16(0xFFFF)]);
    check_elements("bf16", &[BF16(0x3F80), BF16(0xFFFF)]);
    check_elements("i64", &[i64::MIN, -1, i64::MAX]);
    check_elements("i32", &[i32::MIN, -1, i32::MAX]);
    check_elements("i16", &[i16::MIN, -1, i16::MAX]);
    check_elements("i8", &[i8::MIN, -1, i8::MAX]);
    check_elements("u64", &[0, u64::MAX]);
    check_elements("u32", &[0, u32::MAX]);
    check_elements("u16", &[0, u16::MAX]);
    check_elements("u8", &[0, u8::MAX]);
    check_elements("complex64", &[[1.0f32, -2.0], [0.0, f32::MAX]]);
    check_elements("complex128", &[[1.0f64, -2.0], [0.0, f64::MAX]]);
}

#[test]
fn bytes_of_every_dtype() {
    let folder = Folder::new("bytes_of_every_dtype");
    let path = folder.file("all.zt");
    let bytes_of = |dtype: DType| -> Vec<u8> {
        let range = 0..dtype.bytes(6).unwrap();
        if dtype == DType::Bool {
            range.map(|byte| (byte % 2) as u8).collect()
        } else {
            range.map(|byte| (byte * 37) as u8).collect()
        }
    };
    let mut writer = ZTensorWriter::create(&path).unwrap();
    for dtype in DType::ALL {
        for encoding in ENCODINGS {
            let name = format!("{dtype} {encoding:?}");
            writer
                .add_tensor(&name, [2, 3], dtype, encoding, bytes_of(dtype), ChecksumAlgorithm::Crc32c)
                .unwrap_or_else(|error| panic!("{name}: {error}"));
        }
    }
    writer.finalize().unwrap();
    let reader = ZTensorReader::open(&path).unwrap();
    assert_eq!(reader.format(), "zt-1.2");
    for dtype in DType::ALL {
        for encoding in ENCODINGS {
            let name = format!("{dtype} {encoding:?}");
            assert_eq!(reader.read_tensor(&name).unwrap(), bytes_of(dtype), "{name}");
            let info = reader.get_tensor(&name).unwrap();
            assert_eq!((info.dtype, info.shape, info.elements), (Some(dtype), &[2, 3][..], 6), "{name}");
            assert_eq!(info.bytes, dtype.bytes(6));
        }
    }
    assert_eq!(reader.read_tensor_as::<u8>("bool Raw").unwrap(), [0, 1, 0, 1, 0, 1]);
}

#[test]
fn dtype_names() {
    for dtype in DType::ALL {
        assert_eq!(dtype.name().parse::<DType>().unwrap(), dtype);
    }
    assert_eq!(DType::Float4E2M1Fn.name(), "float4_e2m1fn");
    assert_eq!((DType::Float4E2M1Fn.bits(), DType::Float4E2M1Fn.bytes(3)), (4, Some(2)));
    assert_eq!(DType::Float64.bytes(u64::MAX), None);
    assert_eq!("float33".parse::<DType>().unwrap_err().code(), ErrorCode::Usage);
}

#[test]
fn every_checksum() {
    let folder = Folder::new("every_checksum");
    for (checksum, format, prefix) in [
        (ChecksumAlgorithm::None, "1.2", ""),
        (ChecksumAlgorithm::Crc32c, "1.2", "crc32c:"),
        (ChecksumAlgorithm::Sha256, "1.2", "sha256:"),
        (ChecksumAlgorithm::Xxh3, "2", "xxh3"),
    ] {
        let path = folder.file("sum.zt");
        let mut writer = WriterOptions::new().format(format).create(&path).unwrap();
        writer.add_tensor("x", [4], DType::UInt8, Encoding::Raw, [1, 2, 3, 4], checksum).unwrap();
        writer.finalize().unwrap();
        let reader = OpenOptions::new().verify(Verify::Always).open(&path).unwrap();
        assert_eq!(reader.read_tensor("x").unwrap(), [1, 2, 3, 4]);
        let digest = reader.get_tensor("x").unwrap().parts[0].digest;
        assert!(digest.starts_with(prefix) && digest.is_empty() == prefix.is_empty(), "{checksum:?}: {digest}");
        let report = reader.verify().unwrap();
        let has_digest = u64::from(!prefix.is_empty());
        assert_eq!((report.checked, report.undigested, report.findings.len()), (has_digest, 1 - has_digest, 0));
    }
}

#[test]
fn shapes_without_dimensions_or_elements() {
    let folder = Folder::new("shapes");
    let reader = write_one(&folder, &[], &[7i32]).unwrap();
    assert_eq!(reader.read_tensor_as::<i32>("x").unwrap(), [7]);
    assert_eq!(&*reader.view::<i32>("x").unwrap(), &[7]);
    assert_eq!(reader.get_tensor("x").unwrap().shape, &[0u64; 0]);
    for shape in [&[0][..], &[0, 3], &[3, 0, 2], &[u64::MAX, 0, 2]] {
        let reader = match write_one::<f32>(&folder, shape, &[]) {
            Ok(reader) => reader,
            Err(error) if shape[0] == u64::MAX => {
                assert_ne!(error.code(), ErrorCode::Internal, "{error}");
                continue;
            }
            Err(error) => panic!("{shape:?}: {error}"),
        };
        assert_eq!(reader.read_tensor_as::<f32>("x").unwrap(), [0.0; 0], "{shape:?}");
        assert_eq!(reader.get_tensor("x").unwrap().shape, shape);
    }
    let reader = write_one::<f32>(&folder, &[0, 3], &[]).unwrap();
    assert!(reader.view::<f32>("x").unwrap().is_empty());
}

#[test]
fn sparse_tensors() {
    let folder = Folder::new("sparse");
    for encoding in ENCODINGS {
        let path = folder.file("sparse.zt");
        let mut options = AddOptions::new();
        options.encoding(encoding).checksum(ChecksumAlgorithm::Crc32c).attributes(r#"{"kind": "graph"}"#);
        let mut writer = ZTensorWriter::create(&path).unwrap();
        writer.add_csr("csr", [3, 4], &[1.0f32, 2.0, 3.0], [0, 3, 1], [0, 2, 2, 3], &options).unwrap();
        writer.add_coo("coo", [2, 3, 4], &[5i64, 6], [0, 1, 1, 2, 3, 0], &options).unwrap();
        let (values, indices) = ([0u8, 0, 0x80, 0x3F], vec![1, 1]);
        let none = ChecksumAlgorithm::None;
        writer.add_coo_tensor("bytes", vec![2, 2], DType::Float32, values, indices, encoding, none).unwrap();
        writer.add_csr("empty", [2, 2], &[0u8; 0], [], [0, 0, 0], &options).unwrap();
        writer.finalize().unwrap();

        let reader = ZTensorReader::open(&path).unwrap();
        let csr = reader.read_csr_tensor::<f32>("csr").unwrap();
        assert_eq!((csr.values, csr.indices), (vec![1.0, 2.0, 3.0], vec![0, 3, 1]));
        assert_eq!((csr.indptr, csr.shape), (vec![0, 2, 2, 3], vec![3, 4]));
        let coo = reader.read_coo_tensor::<i64>("coo").unwrap();
        assert_eq!((coo.values, coo.shape), (vec![5, 6], vec![2, 3, 4]));
        assert_eq!(coo.indices, [0, 1, 1, 2, 3, 0]);
        assert_eq!(reader.read_coo_tensor::<f32>("bytes").unwrap().values, [1.0]);
        assert_eq!(reader.read_csr_tensor::<u8>("empty").unwrap().indptr, [0, 0, 0]);
        assert_eq!(reader.tensor_attributes("csr").unwrap().unwrap(), r#"{"kind": "graph"}"#);

        let info = reader.get_tensor("csr").unwrap();
        assert_eq!((info.layout, info.dtype), ("sparse_csr", Some(DType::Float32)));
        let roles: Vec<&str> = info.parts.iter().map(|part| part.role).collect();
        assert_eq!(roles, ["values", "indices", "indptr"]);
        assert_eq!(reader.read_part("csr", "values").unwrap().len(), 12);
        assert_eq!(reader.read_tensor("csr").unwrap_err().code(), ErrorCode::Usage);
        assert_eq!(reader.read_csr_tensor::<f64>("csr").unwrap_err().code(), ErrorCode::Usage);
        assert_eq!(reader.read_coo_tensor::<f32>("csr").unwrap_err().code(), ErrorCode::Usage);
    }
}

#[test]
fn the_order_of_the_file() {
    let folder = Folder::new("order");
    let path = folder.file("order.zt");
    let mut writer = ZTensorWriter::create(&path).unwrap();
    for name in ["a", "b", "c"] {
        writer.add(name, [1], &[1u8], &AddOptions::new()).unwrap();
    }
    writer.add_alias("d", "b").unwrap();
    writer.finalize().unwrap();
    let reader = ZTensorReader::open(&path).unwrap();
    let names: Vec<&str> = reader.list_tensors().unwrap().iter().map(|tensor| tensor.name).collect();
    assert_eq!(names, ["a", "b", "c", "d"]);
    assert_eq!(reader.read_tensor("d").unwrap(), [1]);
}

#[test]
fn streams() {
    let folder = Folder::new("streams");
    let path = folder.file("streams.zt");
    let mut writer = ZTensorWriter::create(&path).unwrap();
    let mut stream = writer.stream("unknown", [UNKNOWN_ROWS, 2], DType::Float32).unwrap();
    stream.write(&[1.0f32, 2.0]).unwrap();
    stream.write(&[3.0f32, 4.0, 5.0, 6.0]).unwrap();
    assert_eq!(stream.write(&[7.0f32]).unwrap_err().code(), ErrorCode::Usage);
    assert_eq!(stream.write(&[1u32, 2]).unwrap_err().code(), ErrorCode::Usage);
    assert_eq!(stream.rows(), 3);
    stream.finish().unwrap();

    let mut zstd = AddOptions::new();
    zstd.encoding(Encoding::Zstd).attributes(r#"{"n": 1}"#);
    let mut stream = writer.stream_with("known", [2, 2], DType::UInt8, &zstd).unwrap();
    stream.write_bytes([1, 2, 3, 4]).unwrap();
    assert_eq!(stream.write_bytes([5, 6]).unwrap_err().code(), ErrorCode::Usage);
    stream.finish().unwrap();

    let short = writer.stream("short", [2, 2], DType::UInt8).unwrap();
    assert_eq!(short.finish().unwrap_err().code(), ErrorCode::Usage);
    drop(writer.stream("dropped", [2, 2], DType::UInt8).unwrap());
    assert_eq!(writer.stream("flat", [], DType::UInt8).unwrap_err().code(), ErrorCode::Usage);
    let mut no_bytes = writer.stream("no bytes", [UNKNOWN_ROWS, 0], DType::UInt8).unwrap();
    assert_eq!(no_bytes.write(&[0u8; 0]).unwrap_err().code(), ErrorCode::Usage);
    drop(no_bytes);
    writer.finalize().unwrap();

    let reader = ZTensorReader::open(&path).unwrap();
    assert_eq!(reader.list_tensors().unwrap().len(), 2);
    assert_eq!(reader.get_tensor("unknown").unwrap().shape, [3, 2]);
    assert_eq!(reader.read_tensor_as::<f32>("unknown").unwrap(), [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    assert_eq!(reader.read_tensor("known").unwrap(), [1, 2, 3, 4]);
    assert_eq!(reader.tensor_attributes("known").unwrap().unwrap(), r#"{"n": 1}"#);
}

#[test]
fn a_file_that_grows() {
    let folder = Folder::new("append");
    let path = folder.file("grows.zt");
    let plain = AddOptions::new();
    let mut writer = ZTensorWriter::append(&path).unwrap();
    writer.add("a", [1], &[1u8], &plain).unwrap();
    writer.add("b", [1], &[2u8], &plain).unwrap();
    writer.add("d", [1], &[5u8], &plain).unwrap();
    writer.finalize().unwrap();

    let before = ZTensorReader::open(&path).unwrap();
    let mut writer = ZTensorWriter::append(&path).unwrap();
    assert_eq!(writer.add("a", [1], &[3u8], &plain).unwrap_err().code(), ErrorCode::Usage);
    writer.add("a", [1], &[3u8], AddOptions::new().replace(true)).unwrap();
    writer.add("c", [1], &[4u8], &plain).unwrap();
    writer.remove("b").unwrap();
    assert_eq!(writer.remove("b").unwrap_err().code(), ErrorCode::NotFound);
    writer.set_attributes(r#"{"step": 10}"#).unwrap();
    writer.set_tensor_attributes("d", r#"{"unit": "m"}"#).unwrap();
    let report = writer.finalize().unwrap();
    assert_eq!(report.bytes, std::fs::metadata(&path).unwrap().len());
    assert!(report.reclaimable > 0);

    let after = ZTensorReader::open(&path).unwrap();
    assert_eq!(before.read_tensor("a").unwrap(), [1]);
    assert_eq!(after.read_tensor("a").unwrap(), [3]);
    assert_eq!(after.read_tensor("c").unwrap(), [4]);
    assert_eq!(after.get_tensor("b").unwrap_err().code(), ErrorCode::NotFound);
    assert_eq!(after.attributes().unwrap().unwrap(), r#"{"step": 10}"#);
    assert_eq!(after.tensor_attributes("d").unwrap().unwrap(), r#"{"unit": "m"}"#);
    assert_eq!(after.tensor_attributes("a").unwrap(), None);
    assert_eq!(before.attributes().unwrap(), None);
}

#[test]
fn canonical_files() {
    let folder = Folder::new("canonical");
    let path = folder.file("x.zt");
    let write = |options: &mut WriterOptions, encoding: Encoding| {
        let mut writer = options.format("2").create(&path)?;
        writer.add("x", [4096], &[1u8; 4096], AddOptions::new().encoding(encoding))?;
        writer.finalize()
    };
    for options in [&mut WriterOptions::new(), WriterOptions::new().canonical(true)] {
        write(options, Encoding::Raw).unwrap();
        assert_eq!(write(options, Encoding::Zstd).unwrap_err().code(), ErrorCode::Usage);
    }
    write(WriterOptions::new().canonical(false), Encoding::Zstd).unwrap();
    assert_eq!(ZTensorReader::open(&path).unwrap().get_tensor("x").unwrap().parts[0].encoding, "zstd");
}

#[test]
fn slices() {
    let folder = Folder::new("slices");
    let elements: Vec<u16> = (0..60).collect();
    for encoding in ENCODINGS {
        let path = folder.file("slices.zt");
        let mut writer = WriterOptions::new().mode(WriteMode::Replace).create(&path).unwrap();
        writer.add("x", [3, 4, 5], &elements, AddOptions::new().encoding(encoding)).unwrap();
        writer.finalize().unwrap();
        let reader = ZTensorReader::open(&path).unwrap();
        let slice = |axes: &[Axis]| reader.read_slice::<u16>("x", axes);
        assert_eq!(slice(&[]).unwrap(), elements);
        assert_eq!(reader.read_rows::<u16>("x", 1..3).unwrap(), elements[20..]);
        assert_eq!(reader.read_rows::<u16>("x", 2..2).unwrap(), [0; 0]);
        let back = Axis::Steps { start: 3, count: 2, step: -3 };
        assert_eq!(slice(&[Axis::Range(1..2), back, Axis::List(vec![4, 0])]).unwrap(), [39, 35, 24, 20]);
        assert_eq!(slice(&[Axis::All, Axis::Range(0..1), Axis::Range(2..3)]).unwrap(), [2, 22, 42]);
        let backwards = Range { start: 2, end: 1 };
        assert_eq!(slice(&[Axis::Range(backwards)]).unwrap_err().code(), ErrorCode::Usage);
        assert_eq!(slice(&[Axis::Range(2..4)]).unwrap_err().code(), ErrorCode::Usage);
        assert_eq!(slice(&[Axis::All, Axis::All, Axis::All, Axis::All]).unwrap_err().code(), ErrorCode::Usage);
        let huge = Axis::Steps { start: 0, count: u64::MAX, step: 0 };
        assert_eq!(slice(&[huge.clone(), huge]).unwrap_err().code(), ErrorCode::Usage);
        let large = Axis::Steps { start: 0, count: 1 << 58, step: 0 };
        assert_eq!(slice(&[large]).unwrap_err().code(), ErrorCode::NoMemory);
        assert_eq!(reader.read_rows::<i16>("x", 0..1).unwrap_err().code(), ErrorCode::Usage);
    }
}

#[test]
fn a_file_in_memory() {
    let folder = Folder::new("memory");
    drop(write_one(&folder, &[2], &[1.5f64, 2.5]).unwrap());
    let bytes = std::fs::read(folder.file("one.zt")).unwrap();
    let dropped = Arc::new(());
    struct Owner {
        bytes: Vec<u8>,
        _alive: Arc<()>,
    }
    impl AsRef<[u8]> for Owner {
        fn as_ref(&self) -> &[u8] {
            &self.bytes
        }
    }
    let owner_of = |bytes: &[u8]| Owner { bytes: bytes.to_vec(), _alive: dropped.clone() };
    let reader = ZTensorReader::open_bytes(owner_of(&bytes)).unwrap();
    assert_eq!(reader.read_tensor_as::<f64>("x").unwrap(), [1.5, 2.5]);
    match reader.view::<f64>("x") {
        Ok(view) => assert_eq!(view.as_ref(), [1.5, 2.5]),
        Err(error) => assert_eq!(error.code(), ErrorCode::Unsupported), // where the vector begins decides
    }
    assert_eq!(Arc::strong_count(&dropped), 2);
    drop(reader);
    assert_eq!(Arc::strong_count(&dropped), 1);
    assert!(ZTensorReader::open_bytes(owner_of(&bytes[1..])).is_err());
    assert_eq!(Arc::strong_count(&dropped), 1);
    assert!(ZTensorReader::open_bytes([]).is_err());
}

#[test]
fn library_version() {
    assert_eq!(ztensor::library_version(), env!("CARGO_PKG_VERSION"));
}
