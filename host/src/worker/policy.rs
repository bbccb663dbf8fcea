//! How many workers run, what each may hold, and what each finds in its environment, by
//! the device that they share.
//!
//! Invariant: pure functions; nothing here asks for a device or changes one.

use osee_model::device::{DeviceKind, DeviceName};

/// Workers that score at the same time on one GPU. Each has a context of its own, and
/// three keep the GPU busy while their CPU side prepares the next kernels.
const SCORE_ON_GPU: usize = 3;

/// Least memory limit of a worker on a GPU, in bytes: contexts and libraries of CUDA
/// take two to three GiB of host memory.
const LEAST_ON_GPU: u64 = 4 << 30;

/// Share of a GPU's memory that all workers together may allocate.
const SHARE_OF_GPU: f64 = 0.9;

/// Exit code of a worker whose device failed.
pub const DEVICE_FAILED: i32 = 75;

/// Number of workers that score if the user asks for none.
pub fn workers(device: DeviceKind, cores: usize) -> usize {
    match device {
        DeviceKind::Cpu => cores,
        DeviceKind::Cuda => SCORE_ON_GPU.min(cores),
    }
}

/// Number of trainings that run at the same time. If there are fewer than two per worker
/// on the CPU, all of them share the cores and end together, sooner than if the last ones
/// had a core each. On a GPU they would only take each other's time and memory.
pub fn trainings(device: DeviceKind, waiting: usize, workers: usize) -> usize {
    match device {
        DeviceKind::Cpu if waiting < workers.saturating_mul(2) => waiting,
        DeviceKind::Cpu => workers,
        DeviceKind::Cuda => 1,
    }
}

/// Memory limit of one worker in bytes, if the user gives none: its part of `usable`
/// memory, which a machine's cores share on the CPU, and workers on a GPU.
pub fn memory(device: DeviceKind, usable: u64, cores: usize, workers: usize) -> u64 {
    match device {
        DeviceKind::Cpu => usable / cores.max(1) as u64,
        DeviceKind::Cuda => (usable / workers.max(1) as u64).max(LEAST_ON_GPU),
    }
}

/// Variables for a worker on `device`, one of `workers`. `visible` is the value of
/// `CUDA_VISIBLE_DEVICES`. On a GPU they turn off TF32, unless a supernet wants it, make cuBLAS
/// repeatable, limit the memory of the worker to its share, and show it no GPU but its own.
pub fn environment(
    device: DeviceName,
    workers: usize,
    visible: Option<&str>,
    tf32: bool,
) -> Vec<(&'static str, String)> {
    let DeviceName::Cuda(index) = device else { return Vec::new() };
    let share = SHARE_OF_GPU / workers.max(1) as f64;
    let own = match visible {
        None => index.to_string(),
        Some(list) => list.split(',').map(str::trim).nth(index).unwrap_or_default().to_owned(),
    };
    let mut all = vec![
        ("CUBLAS_WORKSPACE_CONFIG", ":4096:8".to_owned()),
        ("CUDA_MODULE_LOADING", "LAZY".to_owned()),
        ("PYTORCH_ALLOC_CONF", format!("per_process_memory_fraction:{share:.3}")),
        ("CUDA_VISIBLE_DEVICES", own),
    ];
    if !tf32 {
        all.push(("NVIDIA_TF32_OVERRIDE", "0".to_owned()));
    }
    all
}

/// The name of the device in a worker, which sees no GPU but its own.
pub fn in_worker(device: DeviceName) -> DeviceName {
    match device {
        DeviceName::Cpu => DeviceName::Cpu,
        DeviceName::Cuda(_) => DeviceName::Cuda(0),
    }
}

/// True if the text of an error says that the device failed, not the estimator: after such
/// an error nothing that the process computes on the GPU can be trusted.
pub fn is_fault_of_device(text: &str) -> bool {
    const SIGNS: [&str; 5] =
        ["CUDA error", "CUDA out of memory", "CUBLAS_STATUS_", "CUDNN_STATUS_", "CUSOLVER_STATUS_"];
    SIGNS.iter().any(|sign| text.contains(sign))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_trainings_on_two_cores_run_together_and_ten_in_pairs() {
        let cpu = |waiting| trainings(DeviceKind::Cpu, waiting, 2);
        assert_eq!((cpu(1), cpu(3), cpu(10)), (1, 3, 2));
    }

    #[test]
    fn a_gpu_has_three_workers_and_one_training() {
        let cuda = DeviceKind::Cuda;
        assert_eq!((workers(cuda, 16), workers(cuda, 2), workers(DeviceKind::Cpu, 16)), (3, 2, 16));
        assert_eq!((trainings(cuda, 9, 3), trainings(cuda, 1, 16)), (1, 1));
    }

    #[test]
    fn workers_on_a_gpu_share_the_memory_and_have_at_least_four_gib() {
        let gib = 1 << 30;
        assert_eq!(memory(DeviceKind::Cpu, 96 * gib, 128, 3), 96 * gib / 128);
        assert_eq!(memory(DeviceKind::Cuda, 96 * gib, 128, 3), 32 * gib);
        assert_eq!(memory(DeviceKind::Cuda, 6 * gib, 128, 3), 4 * gib);
    }

    #[test]
    fn a_worker_sees_the_one_gpu_that_it_is_for() {
        let of = |device, visible| {
            let all = environment(device, 3, visible, false);
            let value = |name| all.iter().find(|it| it.0 == name).map(|it| it.1.clone());
            (value("CUDA_VISIBLE_DEVICES"), value("PYTORCH_ALLOC_CONF"))
        };
        let (own, share) = of(DeviceName::Cuda(1), None);
        assert_eq!(own.as_deref(), Some("1"));
        assert_eq!(share.as_deref(), Some("per_process_memory_fraction:0.300"));
        let (own, _) = of(DeviceName::Cuda(1), Some("4, GPU-5c1f"));
        assert_eq!(own.as_deref(), Some("GPU-5c1f"));
        // An index that is not visible stays so.
        assert_eq!(of(DeviceName::Cuda(2), Some("4,5")).0.as_deref(), Some(""));
        assert!(environment(DeviceName::Cpu, 3, Some("0"), false).is_empty());
        let overrides = |tf32| {
            let all = environment(DeviceName::Cuda(0), 3, None, tf32);
            all.contains(&("NVIDIA_TF32_OVERRIDE", "0".to_owned()))
        };
        assert_eq!([false, true].map(overrides), [true, false]);
        assert_eq!(in_worker(DeviceName::Cuda(1)), DeviceName::Cuda(0));
        assert_eq!(in_worker(DeviceName::Cpu), DeviceName::Cpu);
    }

    #[test]
    fn the_text_of_an_error_says_whose_fault_it_is() {
        for text in [
            "CUDA error: device-side assert triggered",
            "CUDA out of memory. Tried to allocate 200.00 GiB",
            "CUBLAS_STATUS_EXECUTION_FAILED when calling `cublasSgemm`",
            "cuDNN error: CUDNN_STATUS_EXECUTION_FAILED",
            "cusolver error: CUSOLVER_STATUS_INTERNAL_ERROR",
        ] {
            assert!(is_fault_of_device(text), "{text}");
        }
        for text in ["the network has 10 outputs", "out of memory", "index out of range in self"] {
            assert!(!is_fault_of_device(text), "{text}");
        }
    }
}
