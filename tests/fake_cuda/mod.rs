//! A CUDA driver without a card, for tests: compiled from the C++ beside this file, it runs the very kernels that the card
//! runs, on the host. It is opened under the driver's own name, so everything from cudarc down to the kernels is what ships.
#![allow(dead_code, reason = "every test uses a part of it")]
#![allow(unsafe_code)]

use std::ffi::{CString, c_char, c_int, c_long, c_ulonglong, c_void};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

/// Sources, and the name under which the library is asked for.
const TENSORRT: [&str; 1] = ["tensorrt.cpp"];
const CUBLASLT: [&str; 1] = ["cublaslt.cpp"];
const SOURCES: [&str; 4] = ["driver.cpp", "emulator.cpp", "kernels_on_host.cpp", "graph_on_host.cpp"];

/// Set for a process that finds the libraries built.
pub const BUILT_ALREADY: &str = "FAKE_CUDA_BUILT";

/// The fake driver. One test at a time holds it, since there is one card.
pub struct FakeCuda {
    _turn: MutexGuard<'static, ()>,
}

impl FakeCuda {
    /// Takes the card, as new: one card, 8 GiB, compute capability 12.0.
    pub fn take() -> Self {
        static TURN: Mutex<()> = Mutex::new(());
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let it = Self { _turn: turn };
        it.lose(0);
        it.card(1, 8 << 30, 12);
        it.log();
        it.leaked();
        it
    }

    /// The call of that name fails with `code`, after `skip` more that do not.
    pub fn fail(&self, call: &str, skip: i32, code: i32) {
        let call = CString::new(call).expect("a name");
        // SAFETY: the symbol has this signature.
        unsafe {
            self.symbol::<unsafe extern "C" fn(*const c_char, c_int, c_int)>("fake_fail")(call.as_ptr(), skip, code)
        }
    }

    /// Number of cards, bytes and compute capability.
    pub fn card(&self, devices: i32, memory: u64, compute: i32) {
        // SAFETY: the symbol has this signature.
        unsafe { self.symbol::<unsafe extern "C" fn(c_int, c_ulonglong, c_int)>("fake_card")(devices, memory, compute) }
    }

    /// Every call fails with `code` from now on, until the context is reset; 0 heals.
    pub fn lose(&self, code: i32) {
        // SAFETY: the symbol has this signature.
        unsafe { self.symbol::<unsafe extern "C" fn(c_int)>("fake_lose")(code) }
    }

    /// The calls since the last time, in order.
    pub fn log(&self) -> Vec<String> {
        let mut bytes = vec![0_u8; 1 << 20];
        // SAFETY: the symbol has this signature and writes at most as many bytes as it is told.
        let written = unsafe {
            self.symbol::<unsafe extern "C" fn(*mut c_char, usize) -> usize>("fake_log")(
                bytes.as_mut_ptr().cast(),
                bytes.len(),
            )
        };
        bytes.truncate(written);
        String::from_utf8(bytes).expect("names of calls").lines().map(str::to_owned).collect()
    }

    /// Blocks of memory on the card, or pinned for it, that nobody gave back before a healthy context ended.
    pub fn leaked(&self) -> u64 {
        // SAFETY: the symbol has this signature.
        unsafe { self.symbol::<unsafe extern "C" fn() -> c_ulonglong>("fake_leaked")() }
    }

    /// Size or offset of what the kernels' header declares under that name.
    pub fn layout(&self, name: &str) -> Option<usize> {
        let name = CString::new(name).expect("a name");
        // SAFETY: the symbol has this signature.
        let found =
            unsafe { self.symbol::<unsafe extern "C" fn(*const c_char) -> c_long>("fake_layout")(name.as_ptr()) };
        usize::try_from(found).ok()
    }

    fn symbol<F: Copy>(&self, name: &str) -> F {
        let name = CString::new(name).expect("a name");
        // SAFETY: the handle was opened and is never closed.
        let found = unsafe { libc::dlsym(handle().0, name.as_ptr()) };
        assert!(!found.is_null(), "the fake driver has no {name:?}");
        assert_eq!(size_of::<F>(), size_of::<*mut c_void>(), "a function pointer");
        // SAFETY: the caller names the signature beside the name.
        unsafe { std::mem::transmute_copy(&found) }
    }
}

struct Handle(*mut c_void);

// SAFETY: a handle of the loader, which any thread may use.
unsafe impl Send for Handle {}
// SAFETY: as above.
unsafe impl Sync for Handle {}

/// Builds a cuBLASLt that runs on the fake driver, for a process that looks for it by itself.
pub fn cublaslt() -> PathBuf {
    build("libcublasLt.so", &CUBLASLT)
}

/// Opens a cuBLASLt that runs on the fake driver, under the name that only version 13 has.
pub fn open_cublaslt_13() {
    handle();
    open(&build("libcublasLt.so.13", &CUBLASLT));
}

/// Opens a cuBLASLt that runs on the fake driver; whoever asks for the library next is given this one.
pub fn open_cublaslt() {
    static OPENED: OnceLock<()> = OnceLock::new();
    handle();
    OPENED.get_or_init(|| {
        open(&cublaslt());
    });
}

/// Whether this process would find no cuBLASLt, neither ours nor the machine's.
pub fn has_no_cublaslt() -> bool {
    let versions = (11..20).map(|it| format!("libcublasLt.so.{it}"));
    let found = versions.chain(["libcublasLt.so".to_owned()]).find(|name| {
        let name = CString::new(name.as_str()).expect("a name");
        // SAFETY: asks the loader; a library that is found stays open.
        !unsafe { libc::dlopen(name.as_ptr(), libc::RTLD_LAZY) }.is_null()
    });
    found.is_none()
}

/// A folder with a TensorRT that runs on the fake driver, and the driver's own path.
pub fn tensorrt() -> (PathBuf, PathBuf) {
    let library = build("libdemon_tensorrt_rtx.so", &TENSORRT);
    let driver = build_driver();
    (library.parent().expect("a folder").to_owned(), driver)
}

/// Says what sizes the plans have that the fake builds: `FRAMES TOKENS WIDTH DECODE_CONTEXT ENCODE_CONTEXT`.
pub fn plans(_card: &FakeCuda, sizes: &str) {
    // SAFETY: the fake alone reads it without the standard library's lock, and whoever uses the fake holds its card.
    unsafe { std::env::set_var("FAKE_PLANS", sizes) }
}

fn build_driver() -> PathBuf {
    build("libcuda.so", &SOURCES)
}

fn handle() -> &'static Handle {
    static HANDLE: OnceLock<Handle> = OnceLock::new();
    HANDLE.get_or_init(|| open(&build_driver()))
}

fn open(library: &Path) -> Handle {
    let path = CString::new(library.display().to_string()).expect("a path");
    // SAFETY: our own library. Its SONAME is that of the one it stands for, so whoever asks for that next is given this.
    let handle = unsafe { libc::dlopen(path.as_ptr(), libc::RTLD_NOW | libc::RTLD_GLOBAL) };
    assert!(!handle.is_null(), "{path:?} does not open");
    Handle(handle)
}

/// Compiles a library of the fake, once a process.
fn build(name: &str, sources: &[&str]) -> PathBuf {
    static BUILT: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());
    // From the root package's tests, or from a crate's beside it.
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let places = [root.join("tests/fake_cuda"), root.join("../tests/fake_cuda")];
    let here = places.into_iter().find(|it| it.is_dir()).expect("the sources are there");
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("fake_cuda");
    let library = folder.join(name);
    let mut built = BUILT.lock().unwrap_or_else(PoisonError::into_inner);
    // A process that a test starts takes what the test has built.
    let is_fresh = std::env::var_os(BUILT_ALREADY).is_some() && library.is_file();
    if is_fresh || built.contains(&library) {
        return library;
    }
    std::fs::create_dir_all(&folder).expect("the target folder is writable");
    // Two test binaries may build at a time: each under a name of its own, and whole libraries take the place.
    let unique = folder.join(format!("{name}.{}", std::process::id()));
    // Products are not fused, as on the card.
    let flags = ["-std=c++17", "-O2", "-g", "-fPIC", "-shared", "-ffp-contract=off", "-Wall", "-Wextra"];
    let done = Command::new("c++")
        .args(flags)
        .arg("-Wno-unknown-pragmas")
        .arg(format!("-Wl,-soname,{name}"))
        .arg("-o")
        .arg(&unique)
        .args(sources.iter().map(|it| here.join(it)))
        .output()
        .expect("a C++ compiler is installed (tools/packages)");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    std::fs::rename(&unique, &library).expect("the target folder is writable");
    built.push(library.clone());
    library
}
