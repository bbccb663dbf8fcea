//! Compares operations with the CPU's, and counts them.

use super::*;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tch::{Kind, Tensor};

/// Counters are the process's, so tests take turns.
fn alone() -> (Device, MutexGuard<'static, ()>) {
    static TURN: Mutex<()> = Mutex::new(());
    let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let device = install();
    reset();
    (device, turn)
}

fn ramp(size: &[i64]) -> Tensor {
    let count: i64 = size.iter().product();
    (Tensor::arange(count, (Kind::Float, Device::Cpu)) * 0.37).sin().view(size)
}

fn equal(ours: &Tensor, cpu: &Tensor) -> bool {
    assert_eq!((ours.device(), cpu.device()), (Device::Mps, Device::Cpu));
    let ours = ours.to_device(Device::Cpu);
    (ours.kind(), ours.size(), ours.stride()) == (cpu.kind(), cpu.size(), cpu.stride())
        && ours.equal(cpu)
}

#[test]
fn a_tensor_of_the_cpu_is_refused_unless_it_is_a_number() {
    let (device, _turn) = alone();
    let x = ramp(&[2, 3]);
    let on = x.to_device(device);
    assert!(equal(&(&on * Tensor::from(2.0f32)), &(&x * 2.0)));
    let at = Tensor::from_slice(&[1i64]);
    for refused in [
        on.f_mul(&x),
        x.f_mul(&on),
        on.f_index_select(0, &at),
        x.f_index_select(0, &at.to_device(device)),
        on.f_matmul(&x.transpose(0, 1)),
        Tensor::f_cat(&[&on, &x], 0),
        x.shallow_clone().f_add_(&on),
        on.shallow_clone().f_add_(&x),
        on.f_view([1, 1, 2, 3]).unwrap().f_conv2d(
            &x.view([1, 1, 2, 3]),
            None::<&Tensor>,
            [1, 1],
            [0, 0],
            [1, 1],
            1,
        ),
    ] {
        let error = refused.unwrap_err().to_string();
        let named = error.contains("another device") || error.contains("at least two devices");
        assert!(named, "{error}");
    }
    assert!(equal(&on, &x));
}

#[test]
fn what_is_written_in_place_or_to_a_view_is_written_to_the_tensor() {
    let (device, _turn) = alone();
    let run = |device| {
        let x = ramp(&[4, 6]).to_device(device);
        let _ = x.narrow(0, 1, 2).transpose(0, 1).fill_(7.0);
        let _ = x.view([2, 12]).select(1, 3).f_mul_scalar_(-1.0).unwrap();
        let _ = { x.shallow_clone() }.index_add_(
            0,
            &Tensor::from_slice(&[3i64, 0, 3]).to_device(device),
            &ramp(&[3, 6]).to_device(device),
        );
        let out = Tensor::zeros([0], (Kind::Float, device));
        let returned = x.f_add_out(&out, &x.ones_like()).unwrap();
        assert_eq!(returned.data_ptr(), out.data_ptr());
        (x, out)
    };
    let ((x, out), (cpu, cpu_out)) = (run(device), run(Device::Cpu));
    assert!(equal(&x, &cpu));
    assert!(equal(&out, &cpu_out));
}

#[test]
fn a_tensor_can_grow_and_its_views_with_it() {
    let (device, _turn) = alone();
    let mut x = ramp(&[3]).to_device(device);
    let view = x.view([3, 1]);
    let _ = x.resize_([5]);
    assert_eq!(x.data_ptr(), view.data_ptr());
    let _ = x.fill_(2.0);
    assert!(equal(&view, &Tensor::full([3, 1], 2.0, (Kind::Float, Device::Cpu))));
    let mut y = Tensor::zeros([0], (Kind::Float, device));
    let _ = y.f_set_source_tensor_(&x).unwrap();
    let _ = x.fill_(3.0);
    assert!(equal(&y, &Tensor::full([5], 3.0, (Kind::Float, Device::Cpu))));
}

#[test]
fn derivatives_are_those_of_the_cpu() {
    let (device, _turn) = alone();
    let run = |device: Device| -> Vec<Tensor> {
        let leaf = |size: &[i64]| ramp(size).to_device(device).set_requires_grad(true);
        let [x, w, s, b] = [&[4, 3, 8, 8][..], &[6, 3, 3, 3], &[6], &[6]].map(leaf);
        let none: Option<&Tensor> = None;
        let y = x.permute([0, 2, 3, 1]).contiguous().permute([0, 3, 1, 2]);
        let y = y.conv2d(&w, Some(&b), [1, 1], [1, 1], [1, 1], 1);
        let y = y.native_batch_norm(Some(&s), Some(&b), none, none, true, 0.1, 1e-5).0;
        let y = y.relu().max_pool2d([3, 3], [2, 2], [1, 1], [1, 1], false);
        let y = y.mean_dim([2i64, 3].as_slice(), false, Kind::Float);
        let labels = Tensor::from_slice(&[0i64, 5, 2, 3]).to_device(device);
        let loss = y.cross_entropy_for_logits(&labels);
        let first = Tensor::run_backward(&[&loss], &[&x, &w, &s], true, true);
        let again = (&first[1] * first[1].detach()).sum(Kind::Float);
        let second = Tensor::run_backward(&[&again], &[&w, &s], false, false);
        [y, loss].iter().chain(&first).chain(&second).map(Tensor::detach).collect()
    };
    for (i, (ours, cpu)) in run(device).iter().zip(run(Device::Cpu)).enumerate() {
        assert!(equal(ours, &cpu), "{i}");
    }
}

#[test]
fn operations_and_waits_are_counted_and_views_are_not() {
    let (device, _turn) = alone();
    let on = ramp(&[2, 3]).to_device(device);
    let view = on.transpose(0, 1).narrow(0, 0, 2).unsqueeze(0).detach();
    assert_eq!(counts(), Counts { copies_to_device: 1, ..Counts::default() });
    let sum = view.relu().f_add(&view).unwrap().sum(Kind::Double);
    assert_eq!(counts().operations, 3);
    assert_eq!(counts().synchronisations(), 0);
    let _ = (sum.double_value(&[]), sum.to_device(Device::Cpu), on.equal(&on), on.copy());
    let expected =
        Counts { operations: 6, copies_to_device: 1, copies_to_host: 1, scalar_reads: 2 };
    assert_eq!(counts(), expected);
    let _ = Tensor::from(1.0f64) + 1.0;
    assert_eq!(counts(), expected);
    reset();
    assert_eq!(counts(), Counts::default());
}
