//! NVRTC, opened at run time: compiles CUDA to PTX without a GPU and without a CUDA toolkit.
#![allow(unsafe_code)]

use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::fs;
use std::path::{Path, PathBuf};
use std::ptr::{null, null_mut};

use libloading::Library;

type Program = *mut c_void;

/// NVRTC.
pub struct Nvrtc {
    library: Library,
    _builtins: Library,
}

impl Nvrtc {
    /// Opens it in the folder.
    pub fn open(folder: &Path) -> Result<Self, String> {
        let open = |name: &str| {
            let path = folder.join(name);
            // SAFETY: NVIDIA's library is made to be opened so.
            unsafe { Library::new(&path) }.map_err(|why| format!("{}: {why}", path.display()))
        };
        // NVRTC looks for this one by its bare name, and finds it when it is loaded already.
        let builtins = open("libnvrtc-builtins.so.12.8")?;
        Ok(Self { library: open("libnvrtc.so.12")?, _builtins: builtins })
    }

    /// PTX of a file for a compute capability such as 120; headers are found beside the file. Options stand in the file's
    /// first lines, after `// nvrtc:`. The error is the compiler's log.
    pub fn ptx(&self, file: &Path, capability: u32) -> Result<Vec<u8>, String> {
        let text = |bytes: Vec<u8>| CString::new(bytes).map_err(|_| format!("{}: holds a zero", file.display()));
        let source = text(fs::read(file).map_err(|why| format!("{}: {why}", file.display()))?)?;
        let name = text(file.display().to_string().into_bytes())?;
        let beside = file.parent().unwrap_or(Path::new("."));
        let mut options = vec![
            format!("--gpu-architecture=compute_{capability}"),
            format!("--include-path={}", beside.display()),
            "--std=c++17".to_owned(),
        ];
        let lines = source.to_string_lossy();
        let own = lines.lines().take(10).find_map(|it| it.strip_prefix("// nvrtc:"));
        options.extend(own.unwrap_or_default().split_whitespace().map(str::to_owned));
        let options: Vec<CString> = options.into_iter().map(|it| text(it.into_bytes())).collect::<Result<_, _>>()?;
        let raw: Vec<*const c_char> = options.iter().map(|it| it.as_ptr()).collect();
        let mut program: Program = null_mut();
        // SAFETY: the signatures are those of nvrtc.h; every string ends with a zero and outlives its call; the program is
        // destroyed once, after its last use.
        unsafe {
            type Create = unsafe extern "C" fn(
                *mut Program,
                *const c_char,
                *const c_char,
                c_int,
                *const *const c_char,
                *const *const c_char,
            ) -> c_int;
            let create = self.symbol::<Create>(b"nvrtcCreateProgram")?;
            if create(&mut program, source.as_ptr(), name.as_ptr(), 0, null(), null()) != 0 {
                return Err("nvrtcCreateProgram failed".to_owned());
            }
            type Compile = unsafe extern "C" fn(Program, c_int, *const *const c_char) -> c_int;
            let answer = self.symbol::<Compile>(b"nvrtcCompileProgram")?(program, raw.len() as c_int, raw.as_ptr());
            let log = self.bytes(program, b"nvrtcGetProgramLogSize", b"nvrtcGetProgramLog")?;
            let ptx = if answer == 0 { self.bytes(program, b"nvrtcGetPTXSize", b"nvrtcGetPTX")? } else { Vec::new() };
            self.symbol::<unsafe extern "C" fn(*mut Program) -> c_int>(b"nvrtcDestroyProgram")?(&mut program);
            if answer == 0 {
                Ok(ptx)
            } else {
                Err(CStr::from_bytes_until_nul(&log).unwrap_or(c"").to_string_lossy().into())
            }
        }
    }

    /// # Safety
    /// `size` and `get` are a pair of NVRTC's functions that fill a buffer of a program's.
    unsafe fn bytes(&self, program: Program, size: &[u8], get: &[u8]) -> Result<Vec<u8>, String> {
        let mut count = 0_usize;
        // SAFETY: the signatures are those of nvrtc.h; the buffer has the size that NVRTC asked for.
        unsafe {
            self.symbol::<unsafe extern "C" fn(Program, *mut usize) -> c_int>(size)?(program, &mut count);
            let mut held = vec![0; count];
            self.symbol::<unsafe extern "C" fn(Program, *mut u8) -> c_int>(get)?(program, held.as_mut_ptr());
            Ok(held)
        }
    }

    /// # Safety
    /// `F` is the function's type.
    unsafe fn symbol<F: Copy>(&self, name: &[u8]) -> Result<F, String> {
        // SAFETY: the caller's promise.
        unsafe { self.library.get::<F>(name) }.map(|it| *it).map_err(|why| why.to_string())
    }
}

/// The kernels' files.
pub fn kernels(folder: &Path) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = fs::read_dir(folder).into_iter().flatten().flatten().map(|it| it.path()).collect();
    found.retain(|it| it.extension().is_some_and(|end| end == "cu"));
    found.sort();
    found
}
