//! Sixteen f32 numbers that are worked on together, the same on every processor.
//!
//! Kernels are written once over [`Lanes`]. Every method is exactly rounded (or an integer operation), so a kernel
//! gives the same bits whichever implementation runs it; how many numbers the hardware holds in a register does not
//! show. Methods are `unsafe` because two implementations may only run where the processor has their instructions:
//! [`Isa`] is the proof, handed out only after asking the processor.
#![allow(unsafe_code, unsafe_op_in_unsafe_fn)]

use super::panel::{self, Panel};

/// Instruction set that kernels run on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Isa {
    /// 32 registers of 16 numbers.
    Avx512,
    /// 16 registers of 8 numbers.
    Avx2,
    /// Plain Rust; any processor.
    Scalar,
}

impl Isa {
    /// The best that this processor has.
    #[must_use]
    pub fn detect() -> Self {
        [Self::Avx512, Self::Avx2].into_iter().find(|it| it.is_here()).unwrap_or(Self::Scalar)
    }

    /// Whether this processor has it.
    #[must_use]
    pub fn is_here(self) -> bool {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => std::arch::is_x86_feature_detected!("avx512f"),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => {
                use std::arch::is_x86_feature_detected as has;
                has!("avx2") && has!("fma") && has!("f16c")
            }
            #[cfg(not(target_arch = "x86_64"))]
            Self::Avx512 | Self::Avx2 => false,
            Self::Scalar => true,
        }
    }
}

/// How many numbers one value holds.
pub(super) const LANES: usize = 16;

/// Sixteen numbers.
///
/// # Safety
/// Every method may only be called where the processor has the implementation's instructions; pointers are valid for
/// the numbers that are read or written (16, or the count that is given).
pub(super) trait Lanes: Copy {
    /// Rows of a matrix tile of one value, chosen so that the sums stay in registers.
    const ROWS_OF_ONE: usize;
    /// Rows of a matrix tile two values wide.
    const ROWS_OF_TWO: usize;
    /// Whether two values wide is the better tile.
    const WIDE: bool;

    /// Multiplies one panel ([`panel::multiply`]), compiled once for these instructions.
    unsafe fn panel(work: &Panel);

    unsafe fn splat(x: f32) -> Self;
    unsafe fn load(from: *const f32) -> Self;
    /// Sixteen IEEE halves, widened.
    unsafe fn load_half(from: *const u16) -> Self;
    /// Sixteen bfloat16 numbers, widened.
    unsafe fn load_brain(from: *const u16) -> Self;
    /// The first `count` numbers; zeros behind them.
    unsafe fn load_part(from: *const f32, count: usize) -> Self;
    unsafe fn store(self, to: *mut f32);
    /// Only the first `count` numbers.
    unsafe fn store_part(self, to: *mut f32, count: usize);
    unsafe fn add(self, other: Self) -> Self;
    unsafe fn sub(self, other: Self) -> Self;
    unsafe fn mul(self, other: Self) -> Self;
    unsafe fn div(self, other: Self) -> Self;
    /// `self * factor + addend`, rounded once.
    unsafe fn fma(self, factor: Self, addend: Self) -> Self;
    /// The larger; `other` when either is not a number.
    unsafe fn max(self, other: Self) -> Self;
    /// The smaller; `other` when either is not a number.
    unsafe fn min(self, other: Self) -> Self;
    /// `value` times two to the integer that `self`, a sum with `1.5 * 2^23`, holds in its low bits.
    unsafe fn raise(self, value: Self) -> Self;
    /// `value` where `self > limit`, zero elsewhere.
    unsafe fn where_above(self, limit: Self, value: Self) -> Self;

    /// All sixteen as an array.
    #[inline(always)]
    unsafe fn array(self) -> [f32; LANES] {
        let mut out = [0.0; LANES];
        self.store(out.as_mut_ptr());
        out
    }

    /// Sum of the sixteen, in one fixed order: halves onto halves.
    #[inline(always)]
    unsafe fn sum(self) -> f32 {
        fold(self.array(), |a, b| a + b)
    }

    /// Largest of the sixteen.
    #[inline(always)]
    unsafe fn highest(self) -> f32 {
        fold(self.array(), |a, b| if a > b { a } else { b })
    }

    /// As [`Lanes::load`] for a whole value, as [`Lanes::load_part`] for less.
    #[inline(always)]
    unsafe fn load_up_to(from: *const f32, count: usize) -> Self {
        if count < LANES { Self::load_part(from, count) } else { Self::load(from) }
    }

    /// As [`Lanes::store`] for a whole value, as [`Lanes::store_part`] for less.
    #[inline(always)]
    unsafe fn store_up_to(self, to: *mut f32, count: usize) {
        if count < LANES { self.store_part(to, count) } else { self.store(to) }
    }
}

#[inline(always)]
fn fold(mut numbers: [f32; LANES], join: impl Fn(f32, f32) -> f32) -> f32 {
    for half in [8, 4, 2, 1] {
        for at in 0..half {
            numbers[at] = join(numbers[at], numbers[at + half]);
        }
    }
    numbers[0]
}

/// The implementation without special instructions.
#[derive(Clone, Copy)]
pub(super) struct Plain([f32; LANES]);

impl Plain {
    #[inline(always)]
    fn zip(self, other: Self, f: impl Fn(f32, f32) -> f32) -> Self {
        Self(std::array::from_fn(|it| f(self.0[it], other.0[it])))
    }
}

// SAFETY (all methods): no special instructions; pointers as the trait demands.
impl Lanes for Plain {
    const ROWS_OF_ONE: usize = 6;
    const ROWS_OF_TWO: usize = 3;
    const WIDE: bool = false;

    unsafe fn panel(work: &Panel) {
        panel::multiply::<Self>(work);
    }
    #[inline(always)]
    unsafe fn load_half(from: *const u16) -> Self {
        Self(std::array::from_fn(|it| half::f16::from_bits(*from.add(it)).to_f32_const()))
    }
    #[inline(always)]
    unsafe fn load_brain(from: *const u16) -> Self {
        Self(std::array::from_fn(|it| f32::from_bits(u32::from(*from.add(it)) << 16)))
    }
    #[inline(always)]
    unsafe fn splat(x: f32) -> Self {
        Self([x; LANES])
    }
    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        Self(from.cast::<[f32; LANES]>().read_unaligned())
    }
    #[inline(always)]
    unsafe fn load_part(from: *const f32, count: usize) -> Self {
        Self(std::array::from_fn(|it| if it < count { *from.add(it) } else { 0.0 }))
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        to.cast::<[f32; LANES]>().write_unaligned(self.0);
    }
    #[inline(always)]
    unsafe fn store_part(self, to: *mut f32, count: usize) {
        (0..count).for_each(|it| *to.add(it) = self.0[it]);
    }
    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        self.zip(other, |a, b| a + b)
    }
    #[inline(always)]
    unsafe fn sub(self, other: Self) -> Self {
        self.zip(other, |a, b| a - b)
    }
    #[inline(always)]
    unsafe fn mul(self, other: Self) -> Self {
        self.zip(other, |a, b| a * b)
    }
    #[inline(always)]
    unsafe fn div(self, other: Self) -> Self {
        self.zip(other, |a, b| a / b)
    }
    #[inline(always)]
    unsafe fn fma(self, factor: Self, addend: Self) -> Self {
        Self(std::array::from_fn(|it| self.0[it].mul_add(factor.0[it], addend.0[it])))
    }
    #[inline(always)]
    unsafe fn max(self, other: Self) -> Self {
        self.zip(other, |a, b| if a > b { a } else { b })
    }
    #[inline(always)]
    unsafe fn min(self, other: Self) -> Self {
        self.zip(other, |a, b| if a < b { a } else { b })
    }
    #[inline(always)]
    unsafe fn raise(self, value: Self) -> Self {
        self.zip(value, |n, x| f32::from_bits((n.to_bits() << 23).wrapping_add(x.to_bits())))
    }
    #[inline(always)]
    unsafe fn where_above(self, limit: Self, value: Self) -> Self {
        Self(std::array::from_fn(|it| if self.0[it] > limit.0[it] { value.0[it] } else { 0.0 }))
    }
}

/// Work that is done in independent tasks, written over [`Lanes`].
pub(super) trait Kernel: Sync {
    /// Does task `task` with a thread's own scratch memory.
    ///
    /// # Safety
    /// The processor has the instructions of `V`; each task runs once, and the memory it touches is as the kernel's
    /// maker promised.
    unsafe fn task<V: Lanes>(&self, task: usize, scratch: *mut f32);
}

/// Runs one task on the given instruction set.
///
/// # Safety
/// As [`Kernel::task`]; `isa` is here ([`Isa::is_here`]).
pub(super) unsafe fn on<K: Kernel>(isa: Isa, kernel: &K, task: usize, scratch: *mut f32) {
    // SAFETY: the caller's promise; each branch has the features that its lanes need.
    unsafe {
        match isa {
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512 => super::x86::on_avx512(kernel, task, scratch),
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2 => super::x86::on_avx2(kernel, task, scratch),
            _ => kernel.task::<Plain>(task, scratch),
        }
    }
}
