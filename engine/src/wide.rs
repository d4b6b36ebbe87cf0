//! Runs a loop compiled for the widest vectors this machine has.
//!
//! Rust compiles for the oldest processor of the architecture; a loop that is entered through [`widest`] is compiled a second
//! time for newer ones and chosen at run time. The numbers are the same either way: no product is ever fused with a sum.
#![allow(unsafe_code)]

/// A piece of work whose body is inlined (`#[inline(always)]`) into each compilation.
pub(crate) trait Wide {
    /// What the work gives back.
    type Out;

    /// The work.
    fn run(self) -> Self::Out;
}

/// Runs `work` with the widest vectors there are.
#[cfg(target_arch = "x86_64")]
pub(crate) fn widest<W: Wide>(work: W) -> W::Out {
    if is_x86_feature_detected!("avx2") {
        // SAFETY: the processor has AVX2, as was asked just above; nothing else is demanded of the caller.
        return unsafe { on_avx2(work) };
    }
    work.run()
}

/// Runs `work`: other architectures have their vectors in the baseline.
#[cfg(not(target_arch = "x86_64"))]
pub(crate) fn widest<W: Wide>(work: W) -> W::Out {
    work.run()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn on_avx2<W: Wide>(work: W) -> W::Out {
    work.run()
}
