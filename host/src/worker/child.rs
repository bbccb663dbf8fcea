//! The worker's side: `osee-host __worker`, with its socket as standard input.

use super::{
    Scored, Scorer,
    frames::{self, Answer, MetaSetup, Order},
    policy,
};
use crate::{
    child::socket,
    loader::{Registry, RegistryError},
    stop::Stop,
};
use osee_model::estimator::{Failure, FailureKind};
use osee_sdk::abi::{instance::Foreign, kinds::meta::ForeignMeta};
use std::io;

/// Serves one host until it hangs up.
///
/// # Errors
/// If the socket fails, or the host speaks another protocol.
pub fn serve() -> io::Result<()> {
    let mut stream = socket()?;
    let stop = Stop::left_to_host()?;
    frames::write_hello(&mut stream)?;
    let host = frames::read_hello(&mut stream)?;
    if host != frames::PROTOCOL {
        return Err(io::Error::other(format!(
            "the host speaks worker protocol {host}, this worker {}",
            frames::PROTOCOL
        )));
    }
    let mut scorer: Option<Scorer> = None;
    let mut meta: Option<ForeignMeta> = None;
    loop {
        let order = match frames::read::<Order>(&mut stream) {
            Ok(order) => order,
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(()),
            Err(error) => return Err(error),
        };
        match (order, &mut scorer) {
            (Order::Setup(setup), _) => {
                let answer = match Scorer::new(&setup) {
                    Ok(new) => {
                        scorer = Some(new.stopped_by(&stop));
                        Answer::Ready
                    }
                    Err(error) => Answer::Refused(error.to_string()),
                };
                frames::write(&mut stream, &answer)?;
            }
            (Order::Score(unit), Some(scorer)) => {
                // A stop that was set belongs to the previous unit.
                stop.clear();
                scorer.score(&unit, |answer| {
                    if let Answer::Scored(Scored { outcome: Err(failure), .. }) = &answer {
                        end_if_device_failed(&failure.message);
                    }
                    frames::write(&mut stream, &answer)
                })?;
            }
            (Order::Train { supernet, seed }, Some(scorer)) => {
                let trained = scorer.train(supernet, seed, |step| {
                    frames::write(&mut stream, &Answer::Training(step))
                });
                let answer = match trained {
                    Ok(()) => Answer::Trained,
                    Err(error) => {
                        let why = error.to_string();
                        end_if_device_failed(&why);
                        Answer::Refused(why)
                    }
                };
                frames::write(&mut stream, &answer)?;
            }
            (Order::Meta(setup), _) => {
                let answer = match begin(&setup) {
                    Ok((estimator, needs)) => {
                        meta = Some(estimator);
                        Answer::Needs(needs)
                    }
                    Err(failure) => Answer::Failed(failure),
                };
                frames::write(&mut stream, &answer)?;
            }
            (Order::Judge(population), _) => {
                let answer = match meta.as_ref().map(|meta| meta.scores(&population)) {
                    Some(Ok(scores)) => Answer::Judged(scores),
                    Some(Err(error)) => Answer::Failed(error.into()),
                    None => Answer::Refused("asked to judge before set-up".to_owned()),
                };
                frames::write(&mut stream, &answer)?;
            }
            (Order::Score(_) | Order::Train { .. }, None) => {
                let refused = Answer::Refused("asked to work before set-up".to_owned());
                frames::write(&mut stream, &refused)?;
            }
        }
    }
}

/// Ends the worker if this is the message of a device that failed. Nothing that this process
/// computes on it can be trusted any more, and the estimator that reports it need not be the
/// one whose kernel failed: the host tries it again, alone in a fresh worker.
fn end_if_device_failed(message: &str) {
    if policy::is_fault_of_device(message) {
        eprintln!("{message}");
        std::process::exit(policy::DEVICE_FAILED);
    }
}

/// Instantiates a meta estimator, and returns the names of its experts too.
fn begin(setup: &MetaSetup) -> Result<(ForeignMeta, Vec<String>), Failure> {
    let wrong = |error: RegistryError| Failure::new(FailureKind::Error, error.to_string());
    let registry = Registry::exactly(&setup.plugins).map_err(wrong)?;
    let (plugin, info) = registry.estimator(&setup.id).map_err(wrong)?;
    match plugin.functions.create(info.kind, &setup.id, &setup.settings)? {
        Foreign::Meta(meta) => {
            let needs = meta.needs()?;
            Ok((meta, needs))
        }
        _ => {
            let what = format!("`{}` is not a meta estimator", setup.id);
            Err(Failure::new(FailureKind::Error, what))
        }
    }
}
