//! [`Lanes`] on x86-64: one AVX-512 register, or two AVX2 registers. Nothing here decides anything.
#![allow(unsafe_code, unsafe_op_in_unsafe_fn)]

use std::arch::x86_64::*;

use super::lanes::{Kernel, LANES, Lanes};
use super::panel::{self, Panel};

#[derive(Clone, Copy)]
pub(super) struct Avx512(__m512);

#[derive(Clone, Copy)]
pub(super) struct Avx2(__m256, __m256);

/// # Safety
/// As [`Kernel::task`]; the processor has AVX-512F.
#[target_feature(enable = "avx512f,avx2,fma,f16c")]
pub(super) unsafe fn on_avx512<K: Kernel>(kernel: &K, task: usize, scratch: *mut f32) {
    kernel.task::<Avx512>(task, scratch);
}

/// # Safety
/// As [`Kernel::task`]; the processor has AVX2 and FMA.
#[target_feature(enable = "avx2,fma,f16c")]
pub(super) unsafe fn on_avx2<K: Kernel>(kernel: &K, task: usize, scratch: *mut f32) {
    kernel.task::<Avx2>(task, scratch);
}

#[inline(always)]
fn first(count: usize) -> u16 {
    ((1_u32 << count) - 1) as u16
}

// SAFETY (all methods): only register operations of AVX-512F, and memory as the trait demands.
impl Lanes for Avx512 {
    const ROWS_OF_ONE: usize = 12;
    const ROWS_OF_TWO: usize = 12;
    const WIDE: bool = true;

    unsafe fn panel(work: &Panel) {
        #[target_feature(enable = "avx512f,avx2,fma,f16c")]
        unsafe fn here(work: &Panel) {
            panel::multiply::<Avx512>(work);
        }
        here(work);
    }
    #[inline(always)]
    unsafe fn load_half(from: *const u16) -> Self {
        Self(_mm512_cvtph_ps(_mm256_loadu_si256(from.cast())))
    }
    #[inline(always)]
    unsafe fn load_brain(from: *const u16) -> Self {
        let wide = _mm512_cvtepu16_epi32(_mm256_loadu_si256(from.cast()));
        Self(_mm512_castsi512_ps(_mm512_slli_epi32::<16>(wide)))
    }
    #[inline(always)]
    unsafe fn splat(x: f32) -> Self {
        Self(_mm512_set1_ps(x))
    }
    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        Self(_mm512_loadu_ps(from))
    }
    #[inline(always)]
    unsafe fn load_part(from: *const f32, count: usize) -> Self {
        Self(_mm512_maskz_loadu_ps(first(count), from))
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        _mm512_storeu_ps(to, self.0)
    }
    #[inline(always)]
    unsafe fn store_part(self, to: *mut f32, count: usize) {
        _mm512_mask_storeu_ps(to, first(count), self.0)
    }
    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        Self(_mm512_add_ps(self.0, other.0))
    }
    #[inline(always)]
    unsafe fn sub(self, other: Self) -> Self {
        Self(_mm512_sub_ps(self.0, other.0))
    }
    #[inline(always)]
    unsafe fn mul(self, other: Self) -> Self {
        Self(_mm512_mul_ps(self.0, other.0))
    }
    #[inline(always)]
    unsafe fn div(self, other: Self) -> Self {
        Self(_mm512_div_ps(self.0, other.0))
    }
    #[inline(always)]
    unsafe fn fma(self, factor: Self, addend: Self) -> Self {
        Self(_mm512_fmadd_ps(self.0, factor.0, addend.0))
    }
    #[inline(always)]
    unsafe fn max(self, other: Self) -> Self {
        Self(_mm512_max_ps(self.0, other.0))
    }
    #[inline(always)]
    unsafe fn min(self, other: Self) -> Self {
        Self(_mm512_min_ps(self.0, other.0))
    }
    #[inline(always)]
    unsafe fn raise(self, value: Self) -> Self {
        let power = _mm512_slli_epi32::<23>(_mm512_castps_si512(self.0));
        Self(_mm512_castsi512_ps(_mm512_add_epi32(power, _mm512_castps_si512(value.0))))
    }
    #[inline(always)]
    unsafe fn where_above(self, limit: Self, value: Self) -> Self {
        Self(_mm512_maskz_mov_ps(_mm512_cmp_ps_mask::<_CMP_GT_OQ>(self.0, limit.0), value.0))
    }
}

// SAFETY (all methods): only register operations of AVX2 and FMA, and memory as the trait demands.
impl Lanes for Avx2 {
    const ROWS_OF_ONE: usize = 6;
    const ROWS_OF_TWO: usize = 3;
    const WIDE: bool = false;

    unsafe fn panel(work: &Panel) {
        #[target_feature(enable = "avx2,fma,f16c")]
        unsafe fn here(work: &Panel) {
            panel::multiply::<Avx2>(work);
        }
        here(work);
    }
    #[inline(always)]
    unsafe fn load_half(from: *const u16) -> Self {
        let (low, high) = (_mm_loadu_si128(from.cast()), _mm_loadu_si128(from.add(8).cast()));
        Self(_mm256_cvtph_ps(low), _mm256_cvtph_ps(high))
    }
    #[inline(always)]
    unsafe fn load_brain(from: *const u16) -> Self {
        let low = _mm256_cvtepu16_epi32(_mm_loadu_si128(from.cast()));
        let high = _mm256_cvtepu16_epi32(_mm_loadu_si128(from.add(8).cast()));
        let (low, high) = (_mm256_slli_epi32::<16>(low), _mm256_slli_epi32::<16>(high));
        Self(_mm256_castsi256_ps(low), _mm256_castsi256_ps(high))
    }
    #[inline(always)]
    unsafe fn splat(x: f32) -> Self {
        Self(_mm256_set1_ps(x), _mm256_set1_ps(x))
    }
    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        Self(_mm256_loadu_ps(from), _mm256_loadu_ps(from.add(8)))
    }
    #[inline(always)]
    unsafe fn load_part(from: *const f32, count: usize) -> Self {
        let mut whole = [0.0; LANES];
        std::ptr::copy_nonoverlapping(from, whole.as_mut_ptr(), count);
        Self::load(whole.as_ptr())
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        _mm256_storeu_ps(to, self.0);
        _mm256_storeu_ps(to.add(8), self.1)
    }
    #[inline(always)]
    unsafe fn store_part(self, to: *mut f32, count: usize) {
        let mut whole = [0.0; LANES];
        self.store(whole.as_mut_ptr());
        std::ptr::copy_nonoverlapping(whole.as_ptr(), to, count);
    }
    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        Self(_mm256_add_ps(self.0, other.0), _mm256_add_ps(self.1, other.1))
    }
    #[inline(always)]
    unsafe fn sub(self, other: Self) -> Self {
        Self(_mm256_sub_ps(self.0, other.0), _mm256_sub_ps(self.1, other.1))
    }
    #[inline(always)]
    unsafe fn mul(self, other: Self) -> Self {
        Self(_mm256_mul_ps(self.0, other.0), _mm256_mul_ps(self.1, other.1))
    }
    #[inline(always)]
    unsafe fn div(self, other: Self) -> Self {
        Self(_mm256_div_ps(self.0, other.0), _mm256_div_ps(self.1, other.1))
    }
    #[inline(always)]
    unsafe fn fma(self, factor: Self, addend: Self) -> Self {
        Self(_mm256_fmadd_ps(self.0, factor.0, addend.0), _mm256_fmadd_ps(self.1, factor.1, addend.1))
    }
    #[inline(always)]
    unsafe fn max(self, other: Self) -> Self {
        Self(_mm256_max_ps(self.0, other.0), _mm256_max_ps(self.1, other.1))
    }
    #[inline(always)]
    unsafe fn min(self, other: Self) -> Self {
        Self(_mm256_min_ps(self.0, other.0), _mm256_min_ps(self.1, other.1))
    }
    #[inline(always)]
    unsafe fn raise(self, value: Self) -> Self {
        Self(raise(self.0, value.0), raise(self.1, value.1))
    }
    #[inline(always)]
    unsafe fn where_above(self, limit: Self, value: Self) -> Self {
        let low = _mm256_and_ps(_mm256_cmp_ps::<_CMP_GT_OQ>(self.0, limit.0), value.0);
        let high = _mm256_and_ps(_mm256_cmp_ps::<_CMP_GT_OQ>(self.1, limit.1), value.1);
        Self(low, high)
    }
}

#[inline(always)]
unsafe fn raise(n: __m256, value: __m256) -> __m256 {
    let power = _mm256_slli_epi32::<23>(_mm256_castps_si256(n));
    _mm256_castsi256_ps(_mm256_add_epi32(power, _mm256_castps_si256(value)))
}
