//! Writes a file with a dense, a compressed, a sparse and a streamed tensor: `cargo run --example write model.zt`

use ztensor::{AddOptions, ChecksumAlgorithm, DType, Encoding, ZTensorWriter, UNKNOWN_ROWS};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args().nth(1).ok_or("give the path of the new file")?;
    let weights: Vec<f32> = (0..1024 * 768).map(|element| element as f32 / 1000.0).collect();
    let mut packed = AddOptions::new();
    packed.encoding(Encoding::Zstd).checksum(ChecksumAlgorithm::Crc32c).attributes(r#"{"unit": "m"}"#);

    let mut writer = ZTensorWriter::create(&path)?;
    writer.add("weights", [1024, 768], &weights, &AddOptions::new())?;
    writer.add("packed", [1024, 768], &weights, &packed)?;
    writer.add_coo("points", [10, 10], &[0.5f32, 1.5], [0, 9, 3, 4], &AddOptions::new())?; // at (0, 3) and (9, 4)
    let mut rows = writer.stream("rows", [UNKNOWN_ROWS, 768], DType::Float32)?;
    for row in weights.chunks(768).take(5) {
        rows.write(row)?;
    }
    rows.finish()?;
    writer.set_attributes(r#"{"step": 1000}"#)?;
    println!("{path}: {} bytes", writer.finalize()?.bytes);
    Ok(())
}
