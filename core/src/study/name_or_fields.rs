//! Reads a part of a study that is written as a name or with its fields.

use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, MapAccess, Visitor, value::MapAccessDeserializer},
};
use std::{fmt, marker::PhantomData};

/// What a name alone can stand for.
pub(super) trait Named: DeserializeOwned {
    /// What may be written, for messages.
    const EXPECTED: &'static str;

    /// What the name stands for: defaults in all other fields.
    fn named(name: &str) -> Self;
}

/// Either form, read.
pub(super) struct NameOrFields<T>(pub T);

impl<'de, T: Named> Deserialize<'de> for NameOrFields<T> {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        source.deserialize_any(Either(PhantomData)).map(Self)
    }
}

struct Either<T>(PhantomData<T>);

impl<'de, T: Named> Visitor<'de> for Either<T> {
    type Value = T;

    fn expecting(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str(T::EXPECTED)
    }

    fn visit_str<E>(self, name: &str) -> Result<T, E> {
        Ok(T::named(name))
    }

    fn visit_map<M: MapAccess<'de>>(self, fields: M) -> Result<T, M::Error> {
        T::deserialize(MapAccessDeserializer::new(fields))
    }
}
