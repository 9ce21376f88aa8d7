//! One reader, many threads.

mod common;

use common::Folder;
use ztensor::{AddOptions, DType, Encoding, ZTensorReader, ZTensorWriter};

#[test]
fn eight_threads_read_from_one_reader() {
    let folder = Folder::new("threads");
    let path = folder.file("many.zt");
    let elements = |number: u32| -> Vec<u32> { (0..100_000).map(|element| element ^ number).collect() };
    let mut writer = ZTensorWriter::create(&path).unwrap();
    for number in 0..16 {
        let encoding = if number % 2 == 0 { Encoding::Raw } else { Encoding::Zstd };
        let options = AddOptions::new().encoding(encoding).clone();
        writer.add(&number.to_string(), [1000, 100], &elements(number), &options).unwrap();
    }
    writer.finalize().unwrap();
    let reader = ZTensorReader::open(&path).unwrap();
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let reader = &reader;
            scope.spawn(move || {
                for turn in 0..16 {
                    let number = (thread * 5 + turn) % 16;
                    let (name, wanted) = (number.to_string(), elements(number));
                    assert_eq!(reader.read_tensor_as::<u32>(&name).unwrap(), wanted);
                    assert_eq!(reader.read_rows::<u32>(&name, 10..20).unwrap(), wanted[1000..2000]);
                    if number % 2 == 0 {
                        assert_eq!(&*reader.view::<u32>(&name).unwrap(), &wanted[..]);
                    }
                    assert_eq!(reader.get_tensor(&name).unwrap().dtype, Some(DType::UInt32));
                }
            });
        }
    });
}

#[test]
fn a_view_and_a_writer_move_between_threads() {
    let folder = Folder::new("move");
    let path = folder.file("x.zt");
    let mut writer = ZTensorWriter::create(&path).unwrap();
    let writer = std::thread::spawn(move || {
        writer.add("x", [3], &[1.0f64, 2.0, 3.0], &AddOptions::new()).unwrap();
        writer
    });
    writer.join().unwrap().finalize().unwrap();
    let reader = ZTensorReader::open(&path).unwrap();
    let view = reader.view::<f64>("x").unwrap();
    let sum: f64 = std::thread::scope(|scope| scope.spawn(|| view.iter().sum()).join().unwrap());
    assert_eq!(sum, 6.0);
}
