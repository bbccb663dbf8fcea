//! Sets of changes to a struct, as study files have them: every field may be absent, and one set
//! can be laid on top of another.

/// Defines a struct with fields of its own and an optional field for each field of a base that it
/// changes. The struct gets `applied_to`, which returns the base with the changes, and `or`, which
/// fills its absent changes from another set.
macro_rules! overlay {
    (
        $(#[$meta:meta])*
        pub struct $name:ident { $($(#[$own_meta:meta])* pub $own:ident: $own_type:ty,)* }
        changes $base:ident { $($field:ident: $type:ty,)* }
    ) => {
        $(#[$meta])*
        pub struct $name {
            $($(#[$own_meta])* pub $own: $own_type,)*
            $(
                #[doc = concat!("See [`", stringify!($base), "::", stringify!($field), "`].")]
                #[serde(default)]
                pub $field: Option<$type>,
            )*
        }

        impl $name {
            /// `base` with these changes.
            fn applied_to(&self, base: $base) -> $base {
                $base { $($field: self.$field.unwrap_or(base.$field),)* ..base }
            }

            /// These changes; where there are none, those of `below`.
            pub fn or(self, below: &Self) -> Self {
                Self { $($field: self.$field.or(below.$field),)* ..self }
            }
        }
    };
}

pub(super) use overlay;
