//! Finds the libtorch of this process, opens its CUDA library, and keeps its numbers exact.

use libloading::os::unix::{Library, RTLD_GLOBAL, RTLD_NOW};
use osee_model::recipe::Precision;
use std::{
    ffi::{CStr, c_char, c_int, c_void},
    fs,
    path::{Path, PathBuf},
    sync::OnceLock,
};

const CPU: &str = "libtorch_cpu.so";

/// The file that this process's libtorch is mapped from.
///
/// # Errors
/// Why it cannot be found, as a lower-case fragment.
pub fn mapped() -> Result<PathBuf, String> {
    let maps = fs::read_to_string("/proc/self/maps").map_err(|error| error.to_string())?;
    // The path is the sixth field and may contain blanks.
    let paths = maps.lines().filter_map(|line| line.find('/').map(|at| Path::new(&line[at..])));
    let mut found = paths.filter(|path| path.file_name().is_some_and(|name| name == CPU));
    found.next().map(Path::to_owned).ok_or_else(|| format!("this process has no {CPU}"))
}

/// Opens libtorch_cuda beside the libtorch_cpu of this process; the linker left it out
/// because nothing names it. This must come before the first CUDA query, whose answer
/// libtorch remembers. From then on [`compute_exactly`] holds.
///
/// # Errors
/// Why there is no CUDA, as a lower-case fragment.
pub fn open_libtorch_cuda() -> Result<(), String> {
    let cpu = mapped()?;
    let cuda = cpu.with_file_name("libtorch_cuda.so");
    if !cuda.exists() {
        return Err(format!("this libtorch is for CPU only ({} is missing)", cuda.display()));
    }
    if OPEN.get().is_none() {
        // SAFETY: libtorch's own library, of the version that is already loaded.
        unsafe { Library::open(Some(&cuda), RTLD_NOW | RTLD_GLOBAL) }
            .map(std::mem::forget)
            .map_err(|error| error.to_string())?;
        let _ = OPEN.set(Switches::find()?);
    }
    compute_exactly();
    Ok(())
}

/// The switches of a libtorch whose CUDA library is open.
static OPEN: OnceLock<Switches> = OnceLock::new();

/// If CUDA is open, makes its results repeatable and as exact as float32 is, whatever a plugin has
/// set: convolutions and products without TF32, which keeps 10 of 23 bits and is cuDNN's default;
/// kernels that add in a fixed order; and no kernel chosen by its time.
pub(crate) fn compute_exactly() {
    if let Some(switches) = OPEN.get() {
        switches.set();
    }
}

/// While it lives, a GPU computes products of float32 in TF32, if that was asked for.
#[derive(Debug)]
pub(crate) struct Tf32(());

impl Tf32 {
    /// Allows it for this precision.
    pub fn allow(precision: Precision) -> Option<Self> {
        let switches = OPEN.get().filter(|_| precision == Precision::Tf32)?;
        for (set, _) in &switches.one[2..] {
            // SAFETY: as in `Switches::set`.
            unsafe { set(switches.context, true) };
        }
        Some(Self(()))
    }
}

impl Drop for Tf32 {
    fn drop(&mut self) {
        compute_exactly();
    }
}

/// Functions of libtorch that set one switch each.
#[derive(Debug)]
struct Switches {
    context: *mut c_void,
    one: [(unsafe extern "C" fn(*mut c_void, bool), bool); 4],
    algorithms: unsafe extern "C" fn(*mut c_void, bool, bool),
}

// SAFETY: the context is libtorch's global one. Its switches are plain memory, which only the
// thread that runs plugins sets.
unsafe impl Send for Switches {}
// SAFETY: as above.
unsafe impl Sync for Switches {}

impl Switches {
    /// Members of `at::Context` with their value, those of TF32 last; tch has no bindings of them, and
    /// the version of libtorch is fixed.
    const NAMES: [(&str, bool); 4] = [
        ("_ZN2at7Context21setDeterministicCuDNNEb", true),
        ("_ZN2at7Context17setBenchmarkCuDNNEb", false),
        ("_ZN2at7Context17setAllowTF32CuDNNEb", false),
        ("_ZN2at7Context18setAllowTF32CuBLASEb", false),
    ];

    fn find() -> Result<Self, String> {
        let context: unsafe extern "C" fn() -> *mut c_void = symbol("_ZN2at13globalContextEv")?;
        let [a, b, c, d] =
            Self::NAMES.map(|(name, value)| -> Result<_, String> { Ok((symbol(name)?, value)) });
        // SAFETY: it takes nothing, and what it returns lives as long as the process.
        let context = unsafe { context() };
        let algorithms = symbol("_ZN2at7Context26setDeterministicAlgorithmsEbb")?;
        Ok(Self { context, one: [a?, b?, c?, d?], algorithms })
    }

    fn set(&self) {
        for (set, value) in self.one {
            // SAFETY: a member function of the context, which takes a `bool`.
            unsafe { set(self.context, value) };
        }
        // With it, operations that have no such kernel would be errors.
        // SAFETY: as above, with two.
        unsafe { (self.algorithms)(self.context, false, false) };
    }
}

/// The address of an exported function of this process, which the caller gives its type.
fn symbol<T: Copy>(name: &str) -> Result<T, String> {
    // SAFETY: every caller names the type with which libtorch or CUDA declares the function.
    let found = unsafe { Library::this().get::<T>(name.as_bytes()) };
    found.map(|it| *it).map_err(|_| format!("this libtorch has no `{name}`"))
}

/// Functions of CUDA for events in the queue of work that torch uses, the default one.
#[derive(Debug)]
pub(crate) struct Events {
    create: unsafe extern "C" fn(*mut *mut c_void) -> c_int,
    record: unsafe extern "C" fn(*mut c_void, *mut c_void) -> c_int,
    wait: unsafe extern "C" fn(*mut c_void) -> c_int,
    elapsed: unsafe extern "C" fn(*mut f32, *mut c_void, *mut c_void) -> c_int,
    destroy: unsafe extern "C" fn(*mut c_void) -> c_int,
}

impl Events {
    /// The functions, if CUDA is open and has them.
    pub fn get() -> Option<&'static Self> {
        static FOUND: OnceLock<Option<Events>> = OnceLock::new();
        OPEN.get()?;
        let find = || -> Result<Self, String> {
            Ok(Self {
                create: symbol("cudaEventCreate")?,
                record: symbol("cudaEventRecord")?,
                wait: symbol("cudaEventSynchronize")?,
                elapsed: symbol("cudaEventElapsedTime")?,
                destroy: symbol("cudaEventDestroy")?,
            })
        };
        FOUND.get_or_init(|| find().ok()).as_ref()
    }

    /// A new event at the end of the queue; `None` if CUDA refuses.
    pub fn record(&self) -> Option<*mut c_void> {
        let mut event = std::ptr::null_mut();
        // SAFETY: creates an event, and records it in the default stream, which is null.
        unsafe {
            ((self.create)(&raw mut event) == 0).then_some(())?;
            if (self.record)(event, std::ptr::null_mut()) != 0 {
                (self.destroy)(event);
                return None;
            }
        }
        Some(event)
    }

    /// Milliseconds between two recorded events; waits for the later one.
    pub fn between(&self, from: *mut c_void, to: *mut c_void) -> Option<f32> {
        let mut milliseconds = 0.0;
        // SAFETY: both come from `record` and have not been destroyed.
        let codes = unsafe { [(self.wait)(to), (self.elapsed)(&raw mut milliseconds, from, to)] };
        (codes == [0; 2]).then_some(milliseconds)
    }

    /// Frees an event of [`record`](Self::record), which is used no more.
    pub fn destroy(&self, event: *mut c_void) {
        // SAFETY: as above.
        unsafe { (self.destroy)(event) };
    }
}

/// What CUDA says of this machine.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Facts {
    /// Newest CUDA that the driver can run, such as 13000; 0 without a driver.
    pub driver: i32,
    /// CUDA that this libtorch is built with.
    pub runtime: i32,
    /// Number of GPUs that this process may use.
    pub visible: i32,
    /// What CUDA says instead of a number.
    pub error: Option<String>,
    /// Value of `CUDA_VISIBLE_DEVICES`.
    pub chosen: Option<String>,
}

impl Facts {
    /// Asks CUDA, whose library is open.
    ///
    /// # Errors
    /// When the library lacks a function.
    pub fn ask() -> Result<Self, String> {
        type Number = unsafe extern "C" fn(*mut c_int) -> c_int;
        let number = |name| -> Result<(i32, c_int), String> {
            let get: Number = symbol(name)?;
            let mut value = 0;
            // SAFETY: it writes one int.
            let code = unsafe { get(&raw mut value) };
            Ok((value, code))
        };
        let text: unsafe extern "C" fn(c_int) -> *const c_char = symbol("cudaGetErrorString")?;
        let (visible, code) = number("cudaGetDeviceCount")?;
        let error = (code != 0).then(|| {
            // SAFETY: it returns a string that is never freed.
            unsafe { CStr::from_ptr(text(code)) }.to_string_lossy().into_owned()
        });
        Ok(Self {
            driver: number("cudaDriverGetVersion")?.0,
            runtime: number("cudaRuntimeGetVersion")?.0,
            visible: if error.is_some() { 0 } else { visible },
            error,
            chosen: std::env::var("CUDA_VISIBLE_DEVICES").ok(),
        })
    }

    /// Why there is no GPU of this index and what to do, as a lower-case fragment.
    pub fn why_not(&self, index: usize) -> String {
        let version = |it: i32| format!("{}.{}", it / 1000, it % 1000 / 10);
        let chosen = match &self.chosen {
            Some(chosen) => format!("; CUDA_VISIBLE_DEVICES is `{chosen}`"),
            None => String::new(),
        };
        match self {
            Self { driver: 0, .. } => format!(
                "this machine has no NVIDIA driver that works; CUDA {} needs one{chosen}",
                version(self.runtime)
            ),
            Self { driver, runtime, .. } if driver / 1000 < runtime / 1000 => format!(
                "the NVIDIA driver runs CUDA up to {}, and this libtorch is built with {}; install \
                 a newer driver, or a libtorch for that CUDA{chosen}",
                version(*driver),
                version(*runtime)
            ),
            Self { error: Some(error), .. } => format!("CUDA says: {error}{chosen}"),
            Self { visible: 0, .. } => format!("no GPU is visible{chosen}"),
            Self { visible: 1, .. } => {
                format!("one GPU is visible, cuda:0, and {index} is not its number{chosen}")
            }
            Self { visible, .. } => {
                format!("{visible} GPUs are visible, cuda:0 to cuda:{}{chosen}", visible - 1)
            }
        }
    }
}

/// True if a GPU lets one process have a context on it at a time (compute mode
/// `EXCLUSIVE_PROCESS`).
pub fn is_exclusive(index: usize) -> bool {
    type Attribute = unsafe extern "C" fn(*mut c_int, c_int, c_int) -> c_int;
    const COMPUTE_MODE: c_int = 20;
    const EXCLUSIVE_PROCESS: c_int = 3;
    let (Ok(get), Ok(index)) =
        (symbol::<Attribute>("cudaDeviceGetAttribute"), c_int::try_from(index))
    else {
        return false;
    };
    let mut mode = 0;
    // SAFETY: it writes one int.
    (unsafe { get(&raw mut mode, COMPUTE_MODE, index) }) == 0 && mode == EXCLUSIVE_PROCESS
}

/// The model of a GPU, such as `NVIDIA H100 80GB HBM3`; `None` if the driver does not say.
/// No context is made for it.
pub fn model(index: usize) -> Option<String> {
    // SAFETY: the driver's own library, which CUDA has opened before.
    let driver = unsafe { Library::open(Some("libcuda.so.1"), RTLD_NOW) }.ok()?;
    let mut name = [0 as c_char; 256];
    let mut device: c_int = 0;
    // SAFETY: three functions of the driver, called as its header declares them, with a buffer of
    // the length that is given.
    let codes = unsafe {
        let init = driver.get::<unsafe extern "C" fn(u32) -> c_int>(b"cuInit\0").ok()?;
        let get = driver
            .get::<unsafe extern "C" fn(*mut c_int, c_int) -> c_int>(b"cuDeviceGet\0")
            .ok()?;
        let name_of = driver
            .get::<unsafe extern "C" fn(*mut c_char, c_int, c_int) -> c_int>(b"cuDeviceGetName\0")
            .ok()?;
        [
            init(0),
            get(&raw mut device, i32::try_from(index).ok()?),
            name_of(name.as_mut_ptr(), name.len() as c_int - 1, device),
        ]
    };
    std::mem::forget(driver);
    if codes != [0; 3] {
        return None;
    }
    // SAFETY: the buffer ends with a zero that the driver could not reach.
    let name = unsafe { CStr::from_ptr(name.as_ptr()) };
    Some(name.to_string_lossy().trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn get(name: &str) -> bool {
        let context: unsafe extern "C" fn() -> *mut c_void =
            symbol("_ZN2at13globalContextEv").unwrap();
        let get: unsafe extern "C" fn(*const c_void) -> bool = symbol(name).unwrap();
        // SAFETY: a member function that only reads.
        unsafe { get(context()) }
    }

    #[test]
    fn switches_of_libtorch_are_set_whatever_they_were() {
        let switches = Switches::find().unwrap();
        for (set, value) in switches.one {
            // SAFETY: as in `set`.
            unsafe { set(switches.context, !value) };
        }
        // SAFETY: as in `set`.
        unsafe { (switches.algorithms)(switches.context, true, true) };
        let state = || {
            [
                "_ZNK2at7Context18deterministicCuDNNEv",
                "_ZNK2at7Context14benchmarkCuDNNEv",
                "_ZNK2at7Context15allowTF32CuBLASEv",
                "_ZNK2at7Context23deterministicAlgorithmsEv",
            ]
            .map(get)
        };
        assert_eq!(state(), [false, true, true, true]);
        switches.set();
        assert_eq!(state(), [true, false, false, false]);
    }

    #[test]
    fn what_is_missing_is_named_with_what_to_do() {
        let good = Facts { driver: 13000, runtime: 13000, visible: 2, ..Facts::default() };
        let old = Facts { driver: 12040, visible: 0, ..good.clone() };
        let hidden = Facts { visible: 0, chosen: Some(String::new()), ..good.clone() };
        let broken = Facts { error: Some("unknown error".to_owned()), ..hidden.clone() };
        let none = Facts { driver: 0, ..hidden.clone() };
        for (facts, words) in [
            (good, "2 GPUs are visible, cuda:0 to cuda:1"),
            (old, "the NVIDIA driver runs CUDA up to 12.4, and this libtorch is built with 13.0"),
            (hidden, "no GPU is visible; CUDA_VISIBLE_DEVICES is ``"),
            (broken, "CUDA says: unknown error; CUDA_VISIBLE_DEVICES is ``"),
            (none, "no NVIDIA driver that works; CUDA 13.0 needs one"),
        ] {
            let said = facts.why_not(7);
            assert!(said.contains(words), "{said}");
        }
    }
}
