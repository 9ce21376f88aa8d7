//! Dtypes, and the Rust types of their elements.

use std::ffi::CStr;
use std::fmt;
use std::mem::size_of_val;
use std::os::raw::c_void;
use std::str::FromStr;

use crate::error::{Error, Result};
use crate::ffi;
use crate::texts::c_text;

/// How one element is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[repr(i32)]
#[allow(missing_docs)] // the names say it
pub enum DType {
    Float64 = 1,
    Float32 = 2,
    Float16 = 3,
    BFloat16 = 4,
    Int64 = 5,
    Int32 = 6,
    Int16 = 7,
    Int8 = 8,
    UInt64 = 9,
    UInt32 = 10,
    UInt16 = 11,
    UInt8 = 12,
    /// Bytes that are 0 or 1.
    Bool = 13,
    Float8E4M3Fn = 14,
    Float8E5M2 = 15,
    Float8E4M3FnUz = 16,
    Float8E5M2FnUz = 17,
    Float8E8M0FnU = 18,
    /// Two in a byte, the first in the low half.
    Float4E2M1Fn = 19,
    Complex64 = 20,
    Complex128 = 21,
}

impl DType {
    /// All dtypes.
    pub const ALL: [DType; 21] = [
        DType::Float64,
        DType::Float32,
        DType::Float16,
        DType::BFloat16,
        DType::Int64,
        DType::Int32,
        DType::Int16,
        DType::Int8,
        DType::UInt64,
        DType::UInt32,
        DType::UInt16,
        DType::UInt8,
        DType::Bool,
        DType::Float8E4M3Fn,
        DType::Float8E5M2,
        DType::Float8E4M3FnUz,
        DType::Float8E5M2FnUz,
        DType::Float8E8M0FnU,
        DType::Float4E2M1Fn,
        DType::Complex64,
        DType::Complex128,
    ];

    /// The name in files and messages: `"float32"`.
    pub fn name(self) -> &'static str {
        // SAFETY: a name is a literal of the library.
        unsafe { CStr::from_ptr(ffi::zt_dtype_name(self as i32)) }.to_str().unwrap_or("")
    }

    /// Bits of one element.
    pub fn bits(self) -> u32 {
        // SAFETY: the function takes any number.
        unsafe { ffi::zt_dtype_bits(self as i32) }
    }

    /// Bytes of so many elements. `None` where they are more than a `u64` can count.
    pub fn bytes(self, elements: u64) -> Option<u64> {
        // SAFETY: the function takes any numbers.
        Some(unsafe { ffi::zt_dtype_bytes(self as i32, elements) }).filter(|bytes| *bytes != u64::MAX)
    }

    pub(crate) fn from_number(number: ffi::zt_dtype) -> Option<DType> {
        DType::ALL.iter().copied().find(|dtype| *dtype as i32 == number)
    }
}

impl fmt::Display for DType {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(self.name())
    }
}

impl FromStr for DType {
    type Err = Error;

    fn from_str(name: &str) -> Result<DType> {
        let text = c_text(name, "dtype")?;
        // SAFETY: the text ends with a NUL.
        let number = unsafe { ffi::zt_dtype_find(text.as_ptr()) };
        DType::from_number(number)
            .ok_or_else(|| Error::usage(format!("no dtype has the name '{name}': use one such as 'float32'")))
    }
}

/// The bits of a `float16`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(transparent)]
pub struct F16(pub u16);

/// The bits of a `bfloat16`: the upper half of those of an `f32`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(transparent)]
pub struct BF16(pub u16);

mod sealed {
    /// Keeps [`Element`](super::Element) to types without padding, of which all bit patterns are values.
    pub trait Sealed {}
}

/// A Rust type that elements are read as, and written from. `u8` also stands for `bool` tensors when reading.
pub trait Element: Copy + Send + Sync + 'static + sealed::Sealed {
    /// The dtype of its elements.
    const DTYPE: DType;
}

macro_rules! elements {
    ($($kind:ty => $dtype:ident,)*) => {
        $(
            impl sealed::Sealed for $kind {}
            impl Element for $kind {
                const DTYPE: DType = DType::$dtype;
            }
        )*
    };
}

elements! {
    f64 => Float64,
    f32 => Float32,
    F16 => Float16,
    BF16 => BFloat16,
    i64 => Int64,
    i32 => Int32,
    i16 => Int16,
    i8 => Int8,
    u64 => UInt64,
    u32 => UInt32,
    u16 => UInt16,
    u8 => UInt8,
    [f32; 2] => Complex64,
    [f64; 2] => Complex128,
}

/// Fails unless `T` can hold elements of this dtype.
pub(crate) fn check_dtype<T: Element>(name: &str, dtype: Option<DType>) -> Result<()> {
    if dtype == Some(T::DTYPE) || (T::DTYPE == DType::UInt8 && dtype == Some(DType::Bool)) {
        return Ok(());
    }
    let found = dtype.map_or("no dtype that is known", DType::name);
    Err(Error::usage(format!("tensor '{name}' has {found}: do not ask for {}", T::DTYPE)))
}

pub(crate) fn bytes_of<T: Element>(elements: &[T]) -> &[u8] {
    // SAFETY: an Element has no padding, and any byte may be read as u8.
    unsafe { std::slice::from_raw_parts(elements.as_ptr().cast(), size_of_val(elements)) }
}

/// A new vector of `count` elements, all of which `read` writes; it gets their address and their bytes.
pub(crate) fn read_vec<T: Element>(count: u64, read: impl FnOnce(*mut c_void, usize) -> Result<()>) -> Result<Vec<T>> {
    let mut elements: Vec<T> = room(count)?;
    // `room` has checked that this number of bytes exists.
    let length = count as usize * std::mem::size_of::<T>();
    read(elements.as_mut_ptr().cast(), length)?;
    // SAFETY: `read` succeeded, so it has written all of them, and any bits are values of an Element.
    unsafe { elements.set_len(count as usize) };
    Ok(elements)
}

/// An empty vector with room for `count` elements. The count comes from a file, so running out of memory is an error.
pub(crate) fn room<T: Element>(count: u64) -> Result<Vec<T>> {
    let mut elements = Vec::new();
    let fits = usize::try_from(count).map_or(false, |count| elements.try_reserve_exact(count).is_ok());
    if fits {
        return Ok(elements);
    }
    Err(Error::new(
        crate::ErrorCode::NoMemory,
        format!("there is no memory for {count} elements of {}: read a slice", T::DTYPE),
    ))
}
