//! Sums a float32 tensor without copying it: `cargo run --example view model.zt weights`

use ztensor::ZTensorReader;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let (path, name) = arguments.next().zip(arguments.next()).ok_or("give the path of a file and a tensor's name")?;
    let reader = ZTensorReader::open(path)?;
    let view = reader.view::<f32>(&name)?;
    println!("{name}: {} elements, sum {}", view.len(), view.iter().sum::<f32>());
    Ok(())
}
