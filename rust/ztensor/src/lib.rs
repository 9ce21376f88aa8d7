//! Reads and writes `.zt` files of tensors, and reads safetensors, GGUF, PyTorch, NumPy and ONNX files.
//!
//! ```
//! # fn main() -> ztensor::Result<()> {
//! # let folder = std::env::temp_dir().join(format!("ztensor-doc-{}", std::process::id()));
//! # std::fs::create_dir_all(&folder).unwrap();
//! # std::env::set_current_dir(&folder).unwrap();
//! # let data_bytes = vec![0u8; 1024 * 768 * 4];
//! # let values_bytes: Vec<u8> = [1.0f32, 2.0, 3.0].iter().flat_map(|value| value.to_le_bytes()).collect();
//! # let indices = vec![5, 7, 9];
//! # let indptr: Vec<u64> = (0..101).map(|row| if row < 50 { row.min(2) } else { 3 }).collect();
//! use ztensor::{ZTensorWriter, ZTensorReader, DType, Encoding, ChecksumAlgorithm};
//! let mut writer = ZTensorWriter::create("model.zt")?;
//! writer.add_tensor("weights", vec![1024, 768], DType::Float32, Encoding::Raw, data_bytes, ChecksumAlgorithm::None)?;
//! writer.add_csr_tensor("sparse_data", vec![100, 100], DType::Float32, values_bytes, indices, indptr,
//!                       Encoding::Raw, ChecksumAlgorithm::None)?;
//! writer.finalize()?;
//! let mut reader = ZTensorReader::open("model.zt")?;
//! let weights: Vec<f32> = reader.read_tensor_as("weights")?;
//! let csr = reader.read_csr_tensor::<f32>("sparse_data")?;      // .values .indices .indptr .shape
//! # assert_eq!(weights.len(), 1024 * 768);
//! # assert_eq!((csr.values, csr.indices, csr.shape), (vec![1.0, 2.0, 3.0], vec![5, 7, 9], vec![100, 100]));
//! # assert_eq!((csr.indptr.len(), csr.indptr[1], csr.indptr[100]), (101, 1, 3));
//! # std::fs::remove_dir_all(&folder).unwrap();
//! # Ok(())
//! # }
//! ```
//!
//! Elements are little-endian and row-major. A shape lists the dimensions, outermost first.

#![deny(missing_docs, unsafe_op_in_unsafe_fn)]
#![warn(clippy::undocumented_unsafe_blocks)]

#[cfg(target_endian = "big")]
compile_error!("ztensor needs a little-endian machine: elements are taken from files as they are");

#[macro_use]
mod options;

mod append;
mod array;
mod attributes;
mod callbacks;
mod compact;
mod compare;
mod convert;
mod delta;
mod dtype;
mod error;
mod ffi;
mod info;
mod limits;
mod object;
mod open_options;
mod read_many;
mod reader;
mod repair;
mod scan;
mod sink;
mod slicing;
mod sparse;
mod store;
mod stored;
mod stream;
mod texts;
mod tools;
mod verify;
mod view;
mod write_options;
mod writer;

pub use append::{append, remove, AppendOptions, ChangeReport, RemoveOptions};
pub use attributes::{edit_attributes, AttributeEdits};
pub use compact::{compact, CompactOptions, CompactReport};
pub use compare::Diff;
pub use convert::{convert, ConvertOptions, ConvertReport};
pub use delta::{apply_delta, fold_deltas, write_delta, ApplyOptions, ApplyReport, DeltaOptions, DeltaReport};
pub use dtype::{DType, Element, BF16, F16};
pub use error::{Error, ErrorCode, Result};
pub use info::{PartInfo, TensorInfo};
pub use limits::Limits;
pub use object::Part;
pub use open_options::{Backend, OpenOptions, Verify};
pub use reader::ZTensorReader;
pub use repair::{repair, RepairOptions, RepairReport, RepairState};
pub use scan::scan;
pub use slicing::Axis;
pub use sparse::{CooTensor, CsrTensor};
pub use store::ByteStore;
pub use stream::{TensorStream, UNKNOWN_ROWS};
pub use verify::{Finding, VerifyOptions, VerifyReport};
pub use view::View;
pub use write_options::{AddOptions, ChecksumAlgorithm, Encoding, WriteMode, WriterOptions};
pub use writer::{WriteReport, ZTensorWriter};

/// The version of the C++ library: `"0.1.0"`.
pub fn library_version() -> &'static str {
    // SAFETY: the text is a literal of the library.
    unsafe { std::ffi::CStr::from_ptr(ffi::zt_version()) }.to_str().unwrap_or("")
}
