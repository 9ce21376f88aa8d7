//! Checking whole files.

use std::os::raw::c_void;

use crate::error::{Error, Result};
use crate::ffi::{self, Sized0};
use crate::reader::ZTensorReader;
use crate::texts::CTexts;
use crate::tools::{call_tool, lossy_text};

/// What [`ZTensorReader::verify_selected`] checks.
#[derive(Clone, Debug, Default)]
pub struct VerifyOptions {
    names: Option<Vec<String>>,
    shards: bool,
    canonical: bool,
}

setters! { VerifyOptions:
    /// Whether each shard is also checked as a whole.
    shards: bool => shards;

    /// Whether the file is also checked for the canonical form of format 2.
    canonical: bool => canonical;
}

impl VerifyOptions {
    /// The tensors to check. By default, all; an empty list is an error.
    pub fn names<S: Into<String>>(&mut self, names: impl IntoIterator<Item = S>) -> &mut VerifyOptions {
        self.names = Some(names.into_iter().map(Into::into).collect());
        self
    }
}

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
    // SAFETY: the context is that of `verify_selected`. The text and the error live during the call.
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
        self.verify_selected(&VerifyOptions::new(), progress)
    }

    /// The same with options.
    pub fn verify_selected(
        &self,
        options: &VerifyOptions,
        progress: impl FnMut(u64, u64) -> bool,
    ) -> Result<VerifyReport> {
        let names = CTexts::new(options.names.iter().flatten().map(String::as_str), "name")?;
        let mut findings: Vec<Finding> = Vec::new();
        let context = (&mut findings as *mut Vec<Finding>).cast();
        let mut report = ffi::zt_verify_report::sized();
        let verified = call_tool(progress, |progress, _, error| {
            let wanted = ffi::zt_verify_options {
                names: if options.names.is_some() { names.as_ptr() } else { std::ptr::null() },
                names_count: names.len(),
                shards: options.shards,
                canonical: options.canonical,
                progress,
                finding: Some(add_finding),
                context,
                ..ffi::zt_verify_options::sized()
            };
            // SAFETY: all pointers are those of values that live during the call.
            unsafe { ffi::zt_verify(self.as_ptr(), &wanted, &mut report, error) }
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
