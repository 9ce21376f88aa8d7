//! Lists the tensors of a file: `cargo run --example list model.zt`

use ztensor::ZTensorReader;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args().nth(1).ok_or("give the path of a file")?;
    let reader = ZTensorReader::open(&path)?;
    println!("{path}: {}", reader.format());
    for tensor in reader.list_tensors()? {
        let dtype = tensor.dtype.map_or(tensor.layout, |dtype| dtype.name());
        println!("{:24} {:10} {:?}", tensor.name, dtype, tensor.shape);
    }
    Ok(())
}
