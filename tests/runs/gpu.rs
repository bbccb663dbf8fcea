//! What a study for a GPU comes to on a machine that has none.

use crate::support::{SMALL, fail, run};
use osee_core::run_dir::RunDir;
use osee_host::{
    loader::{Registry, Trust},
    plan::Plan,
};
use osee_model::{
    device::{DeviceKind, DeviceName},
    estimator::EstimatorKind,
};

/// The plan of a small study with every kind of row, on a device.
fn plan(device: DeviceName) -> Plan {
    let text = "[space.settings]\nchannels = 2\ncells = 1\n[architectures]\ncount = 3\n\
                [protocol]\nbatch_size = 4\n[training]\npreset = \"small\"\n\
                [[estimators]]\nid = \"params\"\n[[estimators]]\nid = \"snip\"\n\
                [[estimators]]\nid = \"one_shot\"\n[[estimators]]\nid = \"vote\"\n\
                settings = { experts = \"snip,params\" }\n";
    let mut study = osee_core::study::Study::parse("gpu.toml".as_ref(), text).unwrap();
    study.device = device;
    let registry = Registry::load(&[], &Trust::open(None, false).unwrap()).unwrap();
    Plan::new(&study, &registry, &RunDir::new("out"), 1, None).unwrap()
}

#[test]
fn scores_and_supernets_of_a_gpu_are_not_those_of_the_cpu() {
    let [cpu, gpu] = [DeviceName::Cpu, DeviceName::Cuda(1)].map(plan);
    for (cpu, gpu) in cpu.keys().into_iter().zip(gpu.keys()) {
        assert_eq!(cpu.device, DeviceKind::Cpu);
        let sees_images = cpu.estimator.sees_images();
        assert_eq!(gpu.device == DeviceKind::Cuda, sees_images, "{}", gpu.name);
        assert_eq!(cpu != gpu, sees_images, "{}", gpu.name);
        if cpu.estimator.kind == EstimatorKind::OneShot {
            assert_ne!(cpu.supernet().unwrap().key, gpu.supernet().unwrap().key);
        }
        // A stored key that names no device is one of the CPU.
        let json = serde_json::to_string(&cpu).unwrap();
        assert!(!json.contains("device"), "{json}");
    }
    // Which GPU it was does not matter.
    assert_eq!(gpu.keys(), plan(DeviceName::Cuda(0)).keys());
}

#[test]
fn a_study_for_a_gpu_is_planned_and_submitted_where_there_is_none() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out").to_str().unwrap().to_owned();
    let of = ["--out", &out, "--device", "cuda:99"];
    let args = |command: &[&'static str]| [command, &of, &SMALL].concat();
    run(&args(&["plan"]));
    let text = run(&args(&["submit", "slurm", "--dry-run", "--shards", "2", "--gres", "gpu:1"]));
    assert!(text.contains("--gres=gpu:1"), "{text}");
    let (code, said) = fail(&args(&["run"]));
    assert!(code == 1 && said.contains("device `cuda:99` is not available"), "{code} {said}");
    assert!(!folder.path().join("out").exists());
}
