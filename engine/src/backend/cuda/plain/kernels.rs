//! The kernels of a plain plan by name, with what each is told: `kernels/graph.h` declares the same structures.

use std::ffi::CStr;
use std::sync::Arc;

use bytemuck::{Pod, Zeroable};

use crate::backend::cuda::kernels::{Ptx, load};
use crate::backend::cuda::stream::{Argument, Kernel, Module};
use crate::backend::cuda::{Device, DeviceError, Stream};
use crate::graph::Precision;

/// Threads of a block that works on single numbers.
const THREADS: u32 = 256;
/// Threads of a block that works on a row; `kernels/graph.cu` has room for no other number.
const ROW_THREADS: u32 = 128;
/// Axes that a kernel can walk.
pub(super) const AXES: usize = 6;

const PTX: [Ptx; 3] = [
    Ptx { from: (12, 0), text: include_str!("../ptx/graph.sm_120.ptx") },
    Ptx { from: (9, 0), text: include_str!("../ptx/graph.sm_90.ptx") },
    Ptx { from: (7, 5), text: include_str!("../ptx/graph.sm_75.ptx") },
];

/// What is done to every number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Function {
    Copy,
    Zero,
    Add,
    Mul,
    AddValue(f32),
    Silu,
    /// Factors `exp(alpha)` and `1 / (exp(beta) + 1e-9)` are the second and third operand.
    Snake,
}

/// What a kernel is told. The structure says which kernel it is for.
pub(super) trait Told: Pod {
    const NAME: &'static CStr;
    /// Whether a block works on a row.
    const ROWS: bool = false;
    /// Numbers, or rows.
    fn count(&self) -> usize;
}

/// A kernel ready to be enqueued.
#[derive(Debug)]
pub(super) struct Launch {
    kernel: Kernel,
    blocks: u32,
    threads: u32,
    words: Box<[u64]>,
}

/// The kernels on a card.
#[derive(Debug)]
pub(super) struct Kernels {
    by_name: Vec<(&'static CStr, Kernel)>,
    _module: Module,
}

impl Kernels {
    pub(super) fn load(device: &Arc<Device>) -> Result<Self, DeviceError> {
        let module = load(device, "the kernels of plain plans", &PTX)?;
        let names = [
            Each::NAME,
            Columns::NAME,
            Overlap::NAME,
            Norm::NAME,
            Rope::NAME,
            Softmax::NAME,
            Sinusoid::NAME,
            Embed::NAME,
        ];
        let by_name = names.into_iter().map(|name| Ok((name, module.kernel(name)?)));
        Ok(Self { by_name: by_name.collect::<Result<_, DeviceError>>()?, _module: module })
    }

    pub(super) fn launch<T: Told>(&self, told: &T) -> Launch {
        let (_, kernel) = self.by_name.iter().find(|it| it.0 == T::NAME).expect("every kernel was loaded");
        let (blocks, threads) = if T::ROWS {
            (told.count() as u32, ROW_THREADS)
        } else {
            (told.count().div_ceil(THREADS as usize) as u32, THREADS)
        };
        let words = bytemuck::cast_slice(std::slice::from_ref(told)).into();
        Launch { kernel: *kernel, blocks, threads, words }
    }
}

impl Launch {
    pub(super) fn enqueue(&self, stream: &Stream) -> Result<(), DeviceError> {
        stream.launch(&self.kernel, (self.blocks, 1), self.threads, [Argument::Structure(&self.words)])
    }
}

/// `kernels/graph.h`'s number of a way of storing.
pub(super) fn type_of(precision: Precision) -> u32 {
    match precision {
        Precision::F32 => 0,
        Precision::F16 => 1,
        Precision::Bf16 => 2,
    }
}

impl Function {
    /// `kernels/graph.h`'s number, and the value that comes with it.
    pub(super) fn told(self) -> (u32, f32) {
        match self {
            Self::Copy => (0, 0.0),
            Self::Zero => (1, 0.0),
            Self::Add => (2, 0.0),
            Self::Mul => (3, 0.0),
            Self::AddValue(value) => (4, value),
            Self::Silu => (5, 0.0),
            Self::Snake => (6, 0.0),
        }
    }
}

macro_rules! told {
    ($name:ident, $kernel:literal, $rows:literal, $self:ident => $count:expr,
     { $($addresses:ident)* } { $($field:ident: $type:ty,)* }) => {
        #[derive(Clone, Copy, Debug, Pod, Zeroable)]
        #[repr(C)]
        pub(super) struct $name {
            $(pub(super) $addresses: u64,)*
            $(pub(super) $field: $type,)*
        }

        impl Told for $name {
            const NAME: &'static CStr = $kernel;
            const ROWS: bool = $rows;

            fn count(&$self) -> usize {
                $count
            }
        }
    };
}

type Axes = [u32; AXES];

impl Each {
    /// A copy of `count` numbers that lie one after the other.
    pub(super) fn copy(y: u64, a: u64, count: u32) -> Self {
        let (what, _) = Function::Copy.told();
        let mut it = Self { y, a, count, what, shape: [1; AXES], ..Self::zeroed() };
        (it.shape[0], it.y_stride[0], it.a_stride[0]) = (count, 1, 1);
        it
    }
}

told!(Each, c"graph_each", false, self => self.count as usize, { y a b c } {
    shape: Axes, y_stride: Axes, a_stride: Axes, b_stride: Axes, c_stride: Axes,
    count: u32, what: u32, kind: u32, value: f32,
});
told!(Columns, c"graph_columns", false, self => self.count as usize, { y x } {
    frames: u32, frames_out: u32, channels: u32, taps: u32, stride: u32, padding: u32, dilation: u32, first: u32,
    count: u32, kind: u32,
});
told!(Overlap, c"graph_overlap", false, self => self.count as usize, { y x bias } {
    frames: u32, frames_out: u32, channels: u32, taps: u32, stride: u32, padding: u32, count: u32, pad: u32,
});
told!(Norm, c"graph_norm", true, self => self.rows as usize, { y x gain } { width: u32, eps: f32, rows: u32, pad: u32, });
told!(Rope, c"graph_rope", false, self => self.count as usize, { y x cosine sine } {
    frames: u32, heads: u32, half: u32, count: u32,
});
told!(Softmax, c"graph_softmax", true, self => self.rows as usize, { y scores mask } {
    mask_row: u32, mask_key: u32, heads: u32, queries: u32, keys: u32, pitch: u32, window: i32, causal: u32, kind: u32,
    scale: f32, rows: u32, pad: u32,
});
told!(Sinusoid, c"graph_sinusoid", false, self => self.count as usize, { y t frequencies } {
    half: u32, count: u32, t_stride: u32, scale: f32,
});
told!(Embed, c"graph_embed", false, self => self.count as usize, { y table ids } {
    width: u32, entries: u32, count: u32, pad: u32,
});
