//! What is done to whole files.

mod common;

use std::panic::{catch_unwind, AssertUnwindSafe};
use std::path::Path;

use common::Folder;
use ztensor::{
    append, apply_delta, compact, fold_deltas, remove, repair, write_delta, AddOptions, AppendOptions, ApplyOptions,
    ChecksumAlgorithm, CompactOptions, DType, DeltaOptions, Encoding, ErrorCode, RemoveOptions, RepairOptions, RepairState, WriteMode, WriterOptions, ZTensorReader, ZTensorWriter,
};

fn write(path: &Path, tensors: &[(&str, &[f32])]) {
    let mut writer = ZTensorWriter::create(path).unwrap();
    for (name, elements) in tensors {
        let options = AddOptions::new().checksum(ChecksumAlgorithm::Crc32c).clone();
        writer.add(name, [elements.len() as u64], elements, &options).unwrap();
    }
    writer.finalize().unwrap();
}

fn names_of(path: &Path) -> Vec<String> {
    let reader = ZTensorReader::open(path).unwrap();
    let tensors = reader.list_tensors().unwrap();
    tensors.iter().map(|tensor| tensor.name.to_string()).collect()
}

fn size_of(path: &Path) -> u64 {
    std::fs::metadata(path).unwrap().len()
}

fn goes_on(_: u64, _: u64) -> bool {
    true
}

fn assert_panics<R>(work: impl FnOnce() -> R) {
    let panic = catch_unwind(AssertUnwindSafe(work)).err().expect("nothing panicked");
    assert_eq!(panic.downcast_ref::<&str>(), Some(&"stop here"));
}

#[test]
fn append_puts_files_into_a_file() {
    let folder = Folder::new("append-tool");
    let (target, first, second) = (folder.file("target.zt"), folder.file("a.zt"), folder.file("b.zt"));
    write(&first, &[("a", &[1.0; 100]), ("b", &[2.0; 3])]);
    write(&second, &[("a", &[3.0; 100]), ("c", &[4.0; 3])]);
    let plain = AppendOptions::new();

    let clash = append(&target, &[&first, &second], &plain, goes_on).unwrap_err();
    assert_eq!(clash.code(), ErrorCode::Usage, "{clash}");
    assert!(!target.exists());
    let report = append(&target, &[&first], AppendOptions::new().format("2").durable(true), goes_on).unwrap();
    assert_eq!((report.tensors, report.replaced), (2, 0));
    assert_eq!((report.bytes_in, report.bytes_out), (size_of(&first), size_of(&target)));
    assert_eq!(ZTensorReader::open(&target).unwrap().format(), "zt-2");
    assert!(append(&target, &[&second], AppendOptions::new().format("1.2"), goes_on).is_err());
    assert!(append(&target, &[&second], &plain, goes_on).is_err(), "the target has an 'a'");

    let mut options = AppendOptions::new();
    options.replace(true).encoding(Encoding::Zstd).checksum(ChecksumAlgorithm::Sha256);
    let mut last = (0, 0);
    let report = append(&target, &[&second], &options, |done, total| {
        last = (done, total);
        true
    })
    .unwrap();
    assert_eq!((report.tensors, report.replaced), (2, 1));
    assert!(report.reclaimable > 0 && report.skipped.is_empty());
    assert!(last.0 > 0 && last.0 == last.1, "{last:?}");
    let reader = ZTensorReader::open(&target).unwrap();
    assert_eq!(reader.read_tensor_as::<f32>("a").unwrap(), [3.0; 100]);
    let part = reader.get_tensor("a").unwrap().parts[0].clone();
    assert!(part.encoding == "zstd" && part.digest.starts_with("sha256:"), "{part:?}");
    assert_panics(|| append(&target, &[&second], &options, |_, _| panic!("stop here")));
}

#[test]
fn append_skips_what_cannot_be_read_if_it_may() {
    let folder = Folder::new("append-skip");
    let (target, source) = (folder.file("target.zt"), folder.file("a.zt"));
    write(&source, &[("a", &[1.0; 100]), ("b", &[2.0; 100])]);
    let mut bytes = std::fs::read(&source).unwrap();
    let dtype = bytes.windows(8).position(|word| word == b"dtypecf3").unwrap();
    bytes[dtype + 6] = b'g'; // so the tensor "a" has a dtype that does not exist
    std::fs::write(&source, bytes).unwrap();
    let error = append(&target, &[&source], &AppendOptions::new(), goes_on).unwrap_err();
    assert_eq!(error.code(), ErrorCode::Unsupported);
    let report = append(&target, &[&source], AppendOptions::new().skip_unreadable(true), goes_on).unwrap();
    assert_eq!((report.tensors, report.skipped.len()), (1, 1));
    assert!(report.skipped[0].starts_with("a: "), "{:?}", report.skipped);
    assert_eq!(names_of(&target), ["b"]);
}

#[test]
fn remove_and_compact() {
    let folder = Folder::new("compact");
    let (path, copy) = (folder.file("x.zt"), folder.file("copy.zt"));
    write(&path, &[("a", &[1.0; 100_000]), ("b", &[2.0; 3]), ("c", &[3.0; 3])]);
    let missing = remove(&path, &["a", "d"], &RemoveOptions::new(), goes_on).unwrap_err();
    assert_eq!(missing.code(), ErrorCode::NotFound);
    assert_eq!(names_of(&path), ["a", "b", "c"]);

    let to_copy = RemoveOptions::new().output(&copy).clone();
    assert_eq!(remove(&path, &["c"], &to_copy, goes_on).unwrap().tensors, 1);
    assert_eq!((names_of(&path).len(), names_of(&copy).len()), (3, 2));
    assert_eq!(remove(&path, &["c"], &to_copy, goes_on).unwrap_err().os_error(), Some(17));
    remove(&path, &["b", "c"], to_copy.clone().overwrite(true), goes_on).unwrap();
    assert_eq!(names_of(&copy), ["a"]);

    let report = remove(&path, &["a"], RemoveOptions::new().durable(true), goes_on).unwrap();
    assert_eq!((report.tensors, report.bytes_out), (1, size_of(&path)));
    assert!(report.reclaimable >= 400_000, "{report:?}");
    let before = size_of(&path);
    assert_panics(|| compact(&path, &CompactOptions::new(), |_, _| panic!("stop here")));
    let report = compact(&path, CompactOptions::new().durable(true), goes_on).unwrap();
    assert_eq!((report.changed, report.tensors), (true, 2));
    assert_eq!((report.size_before, report.size_after), (before, size_of(&path)));
    assert!(report.size_after < 10_000, "{report:?}");
    assert_eq!(names_of(&path), ["b", "c"]);
    assert!(!compact(&path, &CompactOptions::new(), goes_on).unwrap().changed);
    let missing = compact(folder.file("missing.zt"), &CompactOptions::new(), goes_on).unwrap_err();
    assert_eq!(missing.os_error(), Some(2));
}

#[test]
fn repair_goes_back_to_the_last_whole_version() {
    let folder = Folder::new("repair");
    let (path, output) = (folder.file("x.zt"), folder.file("out.zt"));
    write(&path, &[("a", &[1.0; 100])]);
    let healthy = repair(&path, &RepairOptions::new(), goes_on).unwrap();
    assert_eq!((healthy.state, healthy.tensors, healthy.size_after), (RepairState::Healthy, 1, size_of(&path)));

    let whole = std::fs::read(&path).unwrap();
    let torn = [&whole[..], &[1; 5000]].concat();
    std::fs::write(&path, &torn).unwrap();
    let found = repair(&path, RepairOptions::new().dry_run(true), goes_on).unwrap();
    assert_eq!((found.state, found.size_before), (RepairState::Torn, torn.len() as u64));
    assert_eq!(std::fs::read(&path).unwrap(), torn);
    let to_output = RepairOptions::new().output(&output).durable(true).clone();
    repair(&path, &to_output, goes_on).unwrap();
    assert_eq!(std::fs::read(&output).unwrap(), whole);
    assert_eq!(repair(&path, &to_output, goes_on).unwrap_err().os_error(), Some(17));
    repair(&path, to_output.clone().overwrite(true), goes_on).unwrap();
    assert_panics(|| repair(&path, &RepairOptions::new(), |_, _| panic!("stop here")));
    std::fs::write(&path, &torn).unwrap();
    let report = repair(&path, &RepairOptions::new(), goes_on).unwrap();
    assert_eq!((report.state, report.size_after), (RepairState::Torn, whole.len() as u64));
    assert_eq!(std::fs::read(&path).unwrap(), whole);

    std::fs::write(&path, &whole[..100]).unwrap();
    let nothing = repair(&path, &RepairOptions::new(), goes_on).unwrap_err();
    assert_eq!((nothing.code(), nothing.rule()), (ErrorCode::Malformed, "repair.nothing"));
}

#[test]
fn diff_and_content_id_compare_contents() {
    let folder = Folder::new("diff");
    let (path, other) = (folder.file("x.zt"), folder.file("other.zt"));
    write(&path, &[("a", &[1.0; 100]), ("b", &[2.0; 3])]);
    let mut writer = WriterOptions::new().format("2").canonical(false).mode(WriteMode::Create).create(&other).unwrap();
    writer.add("b", [3], &[2.0f32; 3], AddOptions::new().encoding(Encoding::Zstd)).unwrap();
    writer.add("a", [100], &[1.0f32; 100], &AddOptions::new()).unwrap();
    writer.finalize().unwrap();
    let (a, b) = (ZTensorReader::open(&path).unwrap(), ZTensorReader::open(&other).unwrap());
    let same = a.diff(&b).unwrap();
    assert!(same.same && same.json.starts_with('{'), "{same:?}");
    assert!(a.same_as(&b).unwrap());
    assert_eq!(a.content_id().unwrap(), b.content_id().unwrap());
    assert!(a.content_id().unwrap().starts_with("sha256:"));
    assert_eq!(a.content_id_with(true, goes_on).unwrap(), b.content_id().unwrap());

    write(&other, &[("a", &[1.0; 100]), ("b", &[2.0, 2.0, 5.0])]);
    let b = ZTensorReader::open(&other).unwrap();
    let different = a.diff(&b).unwrap();
    assert!(!different.same && different.json.contains("\"b\""), "{different:?}");
    assert!(!a.same_as(&b).unwrap());
    assert_ne!(a.content_id().unwrap(), b.content_id().unwrap());
    assert_panics(|| a.diff_with(&b, |_, _| panic!("stop here")));
    assert_panics(|| a.content_id_with(false, |_, _| panic!("stop here")));
    assert_eq!(a.get_tensor("a").unwrap().dtype, Some(DType::Float32)); // the reader still works
}

#[test]
fn a_content_id_may_trust_digests() {
    let folder = Folder::new("trust");
    let path = folder.file("x.zt");
    let mut writer = WriterOptions::new().format("2").canonical(false).create(&path).unwrap();
    writer.add("x", [3], &[1u8, 2, 3], AddOptions::new().checksum(ChecksumAlgorithm::Sha256)).unwrap();
    writer.finalize().unwrap();
    let reader = ZTensorReader::open(&path).unwrap();
    let id = reader.content_id().unwrap();
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[reader.get_tensor("x").unwrap().parts[0].offset as usize] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    let reader = ZTensorReader::open(&path).unwrap();
    assert_eq!(reader.content_id_with(true, goes_on).unwrap(), id);
    assert_eq!(reader.content_id().unwrap_err().code(), ErrorCode::Mismatch);
}

#[test]
fn what_changed_is_written_folded_and_applied() {
    let folder = Folder::new("delta");
    let versions: Vec<_> = (0..3).map(|i| folder.file(&format!("v{i}.zt"))).collect();
    for (i, path) in versions.iter().enumerate() {
        let mut elements = vec![1.0f32; 3000];
        elements[..10 * i].fill(1.5);
        write(path, &[("w", &elements), ("same", &[2.0; 900])]);
    }
    let open = |path: &Path| ZTensorReader::open(path).unwrap();
    let ids: Vec<_> = versions.iter().map(|path| open(path).content_id().unwrap()).collect();
    let deltas = [folder.file("d1.zt"), folder.file("d2.zt")];
    for i in 0..2 {
        let (base, next) = (open(&versions[i]), open(&versions[i + 1]));
        let report = write_delta(&base, &next, &deltas[i], &DeltaOptions::new(), goes_on).unwrap();
        assert_eq!((report.tensors, report.deltas, report.same), (2, 2, 1));
        assert!(report.notes.is_empty() && report.bytes_out < 3000);
        assert_eq!(open(&deltas[i]).content_id().unwrap(), ids[i + 1]);
    }
    let both = folder.file("both.zt");
    fold_deltas(&deltas, &both, &DeltaOptions::new(), goes_on).unwrap();
    assert_eq!(open(&both).content_id().unwrap(), ids[2]);
    let again = fold_deltas(&deltas, &both, &DeltaOptions::new(), goes_on);
    assert_eq!(again.unwrap_err().code(), ErrorCode::Io);
    fold_deltas(&deltas, &both, DeltaOptions::new().overwrite(true).patch(true), goes_on).unwrap();
    let file = folder.file("file.zt");
    std::fs::copy(&versions[0], &file).unwrap();
    let report = apply_delta(&file, &deltas[0], ApplyOptions::new().verify(true), goes_on).unwrap();
    assert_eq!((report.tensors, report.deltas, report.whole, report.removed), (2, 1, 0, 0));
    assert_eq!(open(&file).content_id().unwrap(), ids[1]);
    let wrong = apply_delta(&file, &deltas[0], &ApplyOptions::new(), goes_on);
    assert_eq!(wrong.unwrap_err().code(), ErrorCode::Mismatch);
}
