//! The producer's side: an author's type behind its table.

use super::{
    document,
    guard::{self, FfiResult},
    network::{FfiNetwork_TO, NetworkHandle},
    tables::{
        FfiBaseline, FfiBaseline_TO, FfiMeta, FfiMeta_TO, FfiSpace, FfiSpace_TO, FfiZeroShot,
        FfiZeroShot_TO, Instance,
    },
};
use crate::{Baseline, Meta, Network, Result, SearchSpace, ZeroShot};
use abi_stable::{
    sabi_trait::TD_Opaque,
    std_types::{RBox, RSlice, RStr, RString, RVec},
};

struct Glue<T>(T);

impl<T: ZeroShot> FfiZeroShot for Glue<T> {
    fn score(&self, network: FfiNetwork_TO<'static, RBox<()>>) -> FfiResult<f64> {
        guard::run(|| {
            let network = Network::from_handle(NetworkHandle::from_ffi(network))?;
            self.0.score(&network)
        })
    }
}

impl<T: Baseline> FfiBaseline for Glue<T> {
    fn score(&self, graph: RSlice<'_, u8>) -> FfiResult<f64> {
        guard::run(|| self.0.score(&document::decode(graph.as_slice())?))
    }
}

impl<T: Meta> FfiMeta for Glue<T> {
    fn needs(&self) -> FfiResult<RVec<RString>> {
        guard::run(|| Ok(self.0.needs().into_iter().map(RString::from).collect()))
    }

    fn scores(&self, population: RSlice<'_, u8>) -> FfiResult<RVec<f64>> {
        guard::run(|| Ok(self.0.scores(&document::decode(population.as_slice())?)?.into()))
    }
}

impl<T: SearchSpace> Glue<T> {
    fn read(&self, arch: RStr<'_>) -> Result<T::Arch> {
        arch.as_str().parse()
    }
}

impl<T: SearchSpace> FfiSpace for Glue<T> {
    fn architecture(&self, index: u64) -> FfiResult<RString> {
        guard::run(|| Ok(self.0.architecture(index)?.to_string().into()))
    }

    fn parse(&self, arch: RStr<'_>) -> FfiResult<RString> {
        guard::run(|| Ok(self.read(arch)?.to_string().into()))
    }

    fn canonical(&self, arch: RStr<'_>) -> FfiResult<RString> {
        guard::run(|| Ok(self.0.canonical(&self.read(arch)?).into()))
    }

    fn mutations(&self, arch: RStr<'_>) -> FfiResult<RVec<u8>> {
        guard::run(|| Ok(document::encode(&self.0.mutations(&self.read(arch)?)).into()))
    }

    fn trainable(&self, arch: RStr<'_>) -> FfiResult<bool> {
        guard::run(|| Ok(self.0.trainable(&self.read(arch)?)))
    }

    fn benchmark_counts(&self, arch: RStr<'_>) -> FfiResult<RVec<u8>> {
        guard::run(|| Ok(document::encode(&self.0.benchmark_counts(&self.read(arch)?)?).into()))
    }

    fn graph(&self, arch: RStr<'_>, settings: RSlice<'_, u8>) -> FfiResult<RVec<u8>> {
        guard::run(|| {
            let settings = document::decode(settings.as_slice())?;
            Ok(document::encode(&self.0.graph(&self.read(arch)?, &settings)?).into())
        })
    }
}

pub(crate) fn zero_shot<T: ZeroShot>(it: T) -> Instance {
    Instance::ZeroShot(FfiZeroShot_TO::from_value(Glue(it), TD_Opaque))
}

pub(crate) fn baseline<T: Baseline>(it: T) -> Instance {
    Instance::Baseline(FfiBaseline_TO::from_value(Glue(it), TD_Opaque))
}

pub(crate) fn meta<T: Meta>(it: T) -> Instance {
    Instance::Meta(FfiMeta_TO::from_value(Glue(it), TD_Opaque))
}

pub(crate) fn space<T: SearchSpace>(it: T) -> Instance {
    Instance::Space(FfiSpace_TO::from_value(Glue(it), TD_Opaque))
}
