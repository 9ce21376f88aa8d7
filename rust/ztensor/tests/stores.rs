//! Files in a user's own store, and in a user's own sink.

use std::io::{self, Write};
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use ztensor::{
    AddOptions, ByteStore, Encoding, ErrorCode, OpenOptions, Result, Verify, WriteMode, WriterOptions, ZTensorReader,
    ZTensorWriter, UNKNOWN_ROWS,
};

/// What a store or a sink does from now on.
#[derive(Default)]
struct Switches {
    fails: AtomicBool,
    panics: AtomicBool,
    calls: AtomicUsize,
}

impl Switches {
    fn obey(&self, error: i32) -> io::Result<()> {
        self.calls.fetch_add(1, Ordering::SeqCst);
        if self.panics.load(Ordering::SeqCst) {
            panic!("stop here");
        }
        match self.fails.load(Ordering::SeqCst) {
            true if error == 0 => Err(io::Error::new(io::ErrorKind::Other, "no number")),
            true => Err(io::Error::from_raw_os_error(error)),
            false => Ok(()),
        }
    }
}

struct Store {
    bytes: Vec<u8>,
    error: i32,
    switches: Arc<Switches>,
}

impl ByteStore for Store {
    fn size(&self) -> u64 {
        self.bytes.len() as u64
    }

    fn read_at(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.switches.obey(self.error)?;
        assert!(!out.is_empty());
        out.copy_from_slice(&self.bytes[offset as usize..][..out.len()]);
        Ok(())
    }

    fn name(&self) -> &str {
        "shelf 7"
    }
}

fn file_bytes() -> Vec<u8> {
    let sink = Sink::default();
    let mut writer = ZTensorWriter::to_sink(sink.clone()).unwrap();
    writer.add("x", [4], &[1.0f32, 2.0, 3.0, 4.0], &AddOptions::new()).unwrap();
    writer.add("packed", [1 << 16], &[7u8; 1 << 16], AddOptions::new().encoding(Encoding::Zstd)).unwrap();
    writer.finalize().unwrap();
    let bytes = sink.bytes.lock().unwrap();
    bytes.clone()
}

fn store_of(bytes: Vec<u8>, error: i32) -> (Store, Arc<Switches>) {
    let switches = Arc::new(Switches::default());
    (Store { bytes, error, switches: switches.clone() }, switches)
}

#[test]
fn a_file_in_a_store() {
    let bytes = file_bytes();
    let (store, switches) = store_of(bytes.clone(), 0);
    let reader = ZTensorReader::open_store(store).unwrap();
    assert!(switches.calls.load(Ordering::SeqCst) > 0);
    assert_eq!(reader.read_tensor_as::<f32>("x").unwrap(), [1.0, 2.0, 3.0, 4.0]);
    assert_eq!(reader.read_rows::<f32>("x", 1..3).unwrap(), [2.0, 3.0]);
    assert_eq!(reader.read_tensor("packed").unwrap(), [7; 1 << 16]);
    assert_eq!(reader.view::<f32>("x").unwrap_err().code(), ErrorCode::Unsupported);
    assert_eq!(reader.verify().unwrap().checked, 2);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| assert_eq!(reader.read_tensor_as::<f32>("x").unwrap()[3], 4.0));
        }
    });
    assert_eq!(Arc::strong_count(&switches), 2);
    drop(reader);
    assert_eq!(Arc::strong_count(&switches), 1);

    let (store, switches) = store_of(bytes[..bytes.len() - 1].to_vec(), 0);
    let error = ZTensorReader::open_store(store).unwrap_err();
    assert!(error.to_string().contains("shelf 7"), "{error}");
    assert_eq!(Arc::strong_count(&switches), 1);
}

#[test]
fn a_store_that_fails() {
    for (given, found) in [(0, 5), (5, 5), (110, 110)] {
        let (store, switches) = store_of(file_bytes(), given);
        let reader = OpenOptions::new().verify(Verify::Never).open_store(store).unwrap();
        switches.fails.store(true, Ordering::SeqCst);
        let error = reader.read_tensor("x").unwrap_err();
        assert_eq!((error.code(), error.os_error()), (ErrorCode::Io, Some(found)), "{error}");
        switches.fails.store(false, Ordering::SeqCst);
        assert_eq!(reader.read_tensor("x").unwrap().len(), 16);
    }
    let (store, switches) = store_of(file_bytes(), 110);
    switches.fails.store(true, Ordering::SeqCst);
    assert_eq!(ZTensorReader::open_store(store).unwrap_err().os_error(), Some(110));
}

fn assert_panics<R>(work: impl FnOnce() -> R) {
    let panic = catch_unwind(AssertUnwindSafe(work)).err().expect("nothing panicked");
    assert_eq!(panic.downcast_ref::<&str>(), Some(&"stop here"));
}

#[test]
fn a_store_that_panics() {
    let (store, switches) = store_of(file_bytes(), 0);
    let reader = ZTensorReader::open_store(store).unwrap();
    switches.panics.store(true, Ordering::SeqCst);
    assert_panics(|| reader.read_tensor("x"));
    assert_panics(|| reader.read_rows::<f32>("x", 0..1));
    assert_panics(|| reader.verify());
    assert_panics(|| reader.content_id());
    let quiet = ZTensorReader::open_store(store_of(file_bytes(), 0).0).unwrap();
    assert_panics(|| reader.diff(&quiet));
    assert_panics(|| quiet.same_as(&reader));
    let mut writer = ZTensorWriter::to_sink(Sink::default()).unwrap();
    assert_panics(|| writer.add_stored("x", &reader, "x", &AddOptions::new()));
    switches.panics.store(false, Ordering::SeqCst);
    assert_eq!(reader.verify().unwrap().checked, 2); // the reader still works
    let (store, switches) = store_of(file_bytes(), 0);
    switches.panics.store(true, Ordering::SeqCst);
    assert_panics(|| ZTensorReader::open_store(store));
    assert_eq!(Arc::strong_count(&switches), 1);
}

#[derive(Clone, Default)]
struct Sink {
    bytes: Arc<Mutex<Vec<u8>>>,
    flushes: Arc<AtomicUsize>,
    switches: Arc<Switches>,
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.switches.obey(28)?;
        let taken = bytes.len().min(1000); // a sink need not take all at once
        self.bytes.lock().unwrap().extend_from_slice(&bytes[..taken]);
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.flushes.fetch_add(1, Ordering::SeqCst);
        self.switches.obey(28)
    }
}

fn fill(writer: &mut ZTensorWriter) -> Result<()> {
    let elements: Vec<u32> = (0..1 << 20).collect();
    writer.add("x", [1 << 20], &elements, &AddOptions::new())?;
    let mut stream = writer.stream("rows", [UNKNOWN_ROWS, 1 << 10], ztensor::DType::UInt32)?;
    stream.write(&elements)?;
    stream.finish()
}

#[test]
fn a_file_in_a_sink() {
    for format in ["1.2", "2", "safetensors"] {
        let sink = Sink::default();
        let mut writer = WriterOptions::new().format(format).to_sink(sink.clone()).unwrap();
        fill(&mut writer).unwrap();
        let report = writer.finalize().unwrap();
        assert_eq!(sink.flushes.load(Ordering::SeqCst), 1);
        assert_eq!(Arc::strong_count(&sink.bytes), 1, "the sink is dropped");
        let bytes = sink.bytes.lock().unwrap().clone();
        assert_eq!(report.bytes, bytes.len() as u64);
        let reader = ZTensorReader::open_bytes(bytes).unwrap();
        assert!(reader.format().ends_with(format), "{}", reader.format());
        assert_eq!(reader.read_rows::<u32>("x", 70_000..70_002).unwrap(), [70_000, 70_001]);
        assert_eq!(reader.get_tensor("rows").unwrap().shape, [1 << 10, 1 << 10]);
    }
    let sink = Sink::default();
    ZTensorWriter::to_sink(sink.clone()).unwrap().finalize().unwrap();
    assert_eq!(ZTensorReader::open_bytes(sink.bytes.lock().unwrap().clone()).unwrap().format(), "zt-1.2");
    drop(ZTensorWriter::to_sink(sink.clone()).unwrap());
    assert_eq!(Arc::strong_count(&sink.bytes), 1);
    let wrong = |options: &mut WriterOptions| options.to_sink(sink.clone()).unwrap_err().code();
    assert_eq!(wrong(WriterOptions::new().mode(WriteMode::Append)), ErrorCode::Usage);
    assert_eq!(wrong(WriterOptions::new().format("9")), ErrorCode::Usage);
    assert_eq!(Arc::strong_count(&sink.bytes), 1);
}

/// Runs the whole of a writer whose sink changes its mind before `step`.
fn write_with(sink: &Sink, switch: &AtomicBool, step: usize) -> Result<()> {
    let on = |now: usize| switch.store(now >= step, Ordering::SeqCst);
    let mut writer = ZTensorWriter::to_sink(sink.clone())?;
    on(0);
    fill(&mut writer)?;
    on(1);
    writer.finalize().map(drop)
}

#[test]
fn a_sink_that_fails() {
    for step in 0..2 {
        let sink = Sink::default();
        let error = write_with(&sink, &sink.switches.fails, step).unwrap_err();
        assert_eq!((error.code(), error.os_error()), (ErrorCode::Io, Some(28)), "{error}");
        assert_eq!(Arc::strong_count(&sink.bytes), 1);
    }
}

#[test]
fn a_sink_that_panics() {
    for step in 0..2 {
        let sink = Sink::default();
        assert_panics(|| write_with(&sink, &sink.switches.panics, step));
        assert_eq!(Arc::strong_count(&sink.bytes), 1);
    }
}

/// Only its flush fails or panics.
struct LateSink(Arc<Switches>);

impl Write for LateSink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.obey(28)
    }
}

#[test]
fn a_flush_that_fails() {
    let switches = Arc::new(Switches::default());
    switches.fails.store(true, Ordering::SeqCst);
    let error = ZTensorWriter::to_sink(LateSink(switches.clone())).unwrap().finalize().unwrap_err();
    assert_eq!((error.code(), error.os_error()), (ErrorCode::Io, Some(28)), "{error}");
    switches.panics.store(true, Ordering::SeqCst);
    assert_panics(|| ZTensorWriter::to_sink(LateSink(switches.clone())).unwrap().finalize());
    assert_eq!(Arc::strong_count(&switches), 1);
}
