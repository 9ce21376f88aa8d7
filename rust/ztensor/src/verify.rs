//! Checking whole files.

use std::os::raw::c_void;

use crate::error::{Error, Result};
use crate::ffi::{self, Sized0};
use crate::reader::ZTensorReader;
use crate::tools::{call_tool, lossy_text};

/// One thing that is wrong in a file.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Finding {
    /// The name of the tensor; empty for a shard.
    pub tensor: String,
    /// What is wrong.
    pub error: Error,
}

/// What [`ZTensorReader::verify`] has found.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct VerifyReport {
    /// Tensors whose digests and contents are right.
    pub checked: u64,
    /// Tensors whose contents are right, but some part has no digest that is known.
    pub undigested: u64,
    /// Tensors that cannot be read.
    pub unreadable: u64,
    /// What is wrong.
    pub findings: Vec<Finding>,
}

unsafe extern "C" fn add_finding(context: *mut c_void, tensor: ffi::zt_text, error: *const ffi::zt_error) {
    // It calls no code of a user, and nothing in it panics.
    // SAFETY: the context is that of `verify_with`. The text and the error live during the call.
    let (findings, tensor, error) =
        unsafe { (&mut *context.cast::<Vec<Finding>>(), lossy_text(tensor), Error::from_ffi(&*error)) };
    findings.push(Finding { tensor, error });
}

impl ZTensorReader {
    /// Reads everything, and checks digests and contents. What is wrong is in the report, and no error.
    pub fn verify(&self) -> Result<VerifyReport> {
        self.verify_with(|_, _| true)
    }

    /// The same. `progress` is called with bytes done and bytes to do, and stops the work by returning `false`.
    pub fn verify_with(&self, progress: impl FnMut(u64, u64) -> bool) -> Result<VerifyReport> {
        let mut findings: Vec<Finding> = Vec::new();
        let context = (&mut findings as *mut Vec<Finding>).cast();
        let mut report = ffi::zt_verify_report::sized();
        let verified = call_tool(progress, |progress, _, error| {
            let finding = Some(add_finding as _);
            let options = ffi::zt_verify_options { progress, finding, context, ..ffi::zt_verify_options::sized() };
            // SAFETY: all pointers are those of values that live during the call.
            unsafe { ffi::zt_verify(self.as_ptr(), &options, &mut report, error) }
        });
        self.resume(); // a read that fails is a finding, and no error
        verified?;
        Ok(VerifyReport {
            checked: report.checked,
            undigested: report.undigested,
            unreadable: report.unreadable,
            findings,
        })
    }
}
