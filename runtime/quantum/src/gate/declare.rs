//! How the table is written: from each entry a row, and a method of the builder for each of its names.

macro_rules! method {
    ($name:ident, $doc:expr, ($($angle:ident),*; $($operand:ident),*)) => {
        #[doc = $doc]
        pub fn $name(&mut self $(, $angle: impl $crate::circuit::IntoAngle)* $(, $operand: impl $crate::circuit::Operand)*) {
            self.call(stringify!($name), &[$($angle.into_angle()),*], &[$($operand.qubits()),*]);
        }
    };
}

macro_rules! names {
    (($($angle:ident),*; $($operand:ident),*)) => { (&[$(stringify!($angle)),*], &[$(stringify!($operand)),*]) };
}

macro_rules! gates {
    ($($(#[doc = $doc:literal])+ $name:ident $args:tt $(as $alias:ident)* { $($field:ident: $value:expr),* $(,)? })*) => {
        pub(super) static TABLE: &[$crate::gate::Row] = &[$({
            const NAMES: (&[&str], &[&str]) = names!($args);
            $crate::gate::Row {
                name: stringify!($name),
                aliases: &[$(stringify!($alias)),*],
                doc: concat!($($doc, "\n"),+),
                angles: NAMES.0,
                operands: NAMES.1,
                $($field: $value,)*
                ..$crate::gate::Row::BLANK
            }
        }),*];

        /// One method a gate of the table: angles first, then operands; registers broadcast.
        impl $crate::circuit::Builder {
            $(
                method!($name, concat!($($doc, "\n"),+), $args);
                $(method!($alias, concat!("Another name of [`", stringify!($name), "`](Self::", stringify!($name), ")."), $args);)*
            )*
        }
    };
}
