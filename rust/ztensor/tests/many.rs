//! Several tensors or files in one call, and what is known of a file.

mod common;

use std::panic::{catch_unwind, AssertUnwindSafe};
use std::path::Path;

use common::Folder;
use ztensor::{
    edit_attributes, scan, AddOptions, AttributeEdits, Encoding, ErrorCode, OpenOptions, WriterOptions, ZTensorReader,
    ZTensorWriter,
};

fn goes_on(_: u64, _: u64) -> bool {
    true
}

fn write(path: &Path, names: &[&str]) {
    let mut writer = ZTensorWriter::create(path).unwrap();
    for (number, name) in names.iter().enumerate() {
        let encoding = if number % 2 == 0 { Encoding::Raw } else { Encoding::Zstd };
        let elements = vec![number as u32; 100_000];
        writer.add(name, [1000, 100], &elements, AddOptions::new().encoding(encoding)).unwrap();
    }
    writer.add_csr("sparse", [1, 3], &[0.5f32], [2], [0, 1], &AddOptions::new()).unwrap();
    writer.finalize().unwrap();
}

#[test]
fn several_tensors_in_one_call() {
    let folder = Folder::new("many");
    let path = folder.file("x.zt");
    write(&path, &["a", "b", "c"]);
    for threads in [1, 4] {
        let reader = OpenOptions::new().threads(threads).open(&path).unwrap();
        let mut last = (0, 0);
        let found = reader.read_tensors_as::<u32, _>(&["c", "a", "b", "a"], |done, total| {
            last = (done, total);
            true
        });
        assert_eq!(found.unwrap(), [2, 0, 1, 0].map(|number| vec![number; 100_000]));
        assert_eq!(last, (1_600_000, 1_600_000));
        let bytes = reader.read_tensors(&["b".to_string()], goes_on).unwrap();
        assert_eq!(bytes, [1u32.to_le_bytes().repeat(100_000)]);
        assert!(reader.read_tensors::<&str>(&[], goes_on).unwrap().is_empty());
        let code = |names: &[&str]| reader.read_tensors_as::<u32, _>(names, goes_on).unwrap_err().code();
        assert_eq!(code(&["a", "missing"]), ErrorCode::NotFound);
        assert_eq!(code(&["a", "sparse"]), ErrorCode::Usage);
        assert_eq!(reader.read_tensors_as::<i32, _>(&["a"], goes_on).unwrap_err().code(), ErrorCode::Usage);
        let panicking = || reader.read_tensors(&["a"], |_, _| panic!("stop here"));
        assert!(catch_unwind(AssertUnwindSafe(panicking)).is_err());
    }
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[ZTensorReader::open(&path).unwrap().get_tensor("b").unwrap().parts[0].offset as usize + 20] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    let error = ZTensorReader::open(&path).unwrap().read_tensors(&["a", "b", "c"], goes_on).unwrap_err();
    assert!(error.to_string().contains("'b'"), "{error}");
}

#[test]
fn several_files_as_one() {
    let folder = Folder::new("open-many");
    let paths = [folder.file("one.safetensors"), folder.file("two.safetensors")];
    for (path, name) in paths.iter().zip(["a", "b"]) {
        let mut writer = ZTensorWriter::create(path).unwrap();
        writer.add(name, [2], &[1u8, 2], &AddOptions::new()).unwrap();
        writer.set_attributes(&format!(r#"{{"by": "{name}"}}"#)).unwrap();
        writer.finalize().unwrap();
    }
    let reader = ZTensorReader::open_many(&paths).unwrap();
    assert_eq!(reader.read_tensors_as::<u8, _>(&["b", "a"], goes_on).unwrap(), [[1, 2], [1, 2]]);
    assert!(reader.notes().len() == 1 && reader.notes()[0].contains("'by'"), "{:?}", reader.notes());
    assert!(ZTensorReader::open_many(&[&paths[0], &paths[0]]).is_err());
    assert_eq!(ZTensorReader::open_many::<&Path>(&[]).unwrap_err().code(), ErrorCode::Usage);
    let missing = OpenOptions::new().open_many(&[&paths[0], &folder.file("missing.safetensors")]).unwrap_err();
    assert_eq!(missing.os_error(), Some(2));
}

#[test]
fn what_is_known_of_a_file() {
    let folder = Folder::new("known");
    let path = folder.file("x.zt");
    write(&path, &["aa", "ab"]);
    let reader = ZTensorReader::open(&path).unwrap();
    assert_eq!(reader.stored_size(), std::fs::metadata(&path).unwrap().len());
    let json = reader.info_json().unwrap();
    assert!(json.starts_with('{') && json.contains("\"sparse\""), "{json}");
    assert!(reader.notes().is_empty());

    let mut writer = WriterOptions::new().format("safetensors").create(folder.file("y.safetensors")).unwrap();
    assert!(writer.format().contains("safetensors"), "{}", writer.format());
    assert!(!writer.has("a") && !writer.has("a\0"));
    writer.add("a", [1], &[1u8], &AddOptions::new()).unwrap();
    assert!(writer.has("a"));
}

#[test]
fn attributes_are_edited_in_place() {
    let folder = Folder::new("edits");
    let path = folder.file("x.zt");
    write(&path, &["a"]);
    edit_attributes(&path, AttributeEdits::new().set(r#"{"step": 1, "by": "me"}"#).durable(true)).unwrap();
    edit_attributes(&path, AttributeEdits::new().set(r#"{"step": 2}"#).unset(["by", "missing"])).unwrap();
    edit_attributes(&path, AttributeEdits::new().set(r#"{"unit": "m"}"#).tensor("a")).unwrap();
    let reader = ZTensorReader::open(&path).unwrap();
    assert_eq!(reader.attributes().unwrap().unwrap(), r#"{"step": 2}"#);
    assert_eq!(reader.tensor_attributes("a").unwrap().unwrap(), r#"{"unit": "m"}"#);
    let code = |edits: &mut AttributeEdits| edit_attributes(&path, edits).unwrap_err().code();
    assert_eq!(code(AttributeEdits::new().set("{}").tensor("missing")), ErrorCode::NotFound);
    assert_eq!(code(AttributeEdits::new().set("[1]")), ErrorCode::Usage);
    assert_eq!(code(AttributeEdits::new().set(r#"{"step": 3}"#).unset(["step"])), ErrorCode::Usage);
}

#[test]
fn a_pickle_is_scanned_and_not_run() {
    let folder = Folder::new("scan");
    let path = folder.file("x.pkl");
    std::fs::write(&path, b"\x80\x02cposix\nsystem\nX\x04\x00\x00\x00true\x85R.").unwrap();
    let json = scan(&path).unwrap();
    assert!(json.contains("posix") && json.contains("system"), "{json}");
    assert_eq!(scan(folder.file("missing.pkl")).unwrap_err().os_error(), Some(2));
}
