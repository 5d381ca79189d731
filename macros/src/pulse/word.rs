//! The words of pulse programs. Only messages and the order of arguments come from here: what a waveform is stands in the
//! runtime's table, and a test holds the two together.

use crate::unit::Quantity;

/// What an instruction takes after its channel.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operand {
    Waveform,
    Measured(Quantity),
}

/// `(name, what follows the channel)`.
pub(crate) const INSTRUCTIONS: &[(&str, Operand)] = &[
    ("play", Operand::Waveform),
    ("delay", Operand::Measured(Quantity::Duration)),
    ("at", Operand::Measured(Quantity::Duration)),
    ("shift_phase", Operand::Measured(Quantity::Angle)),
    ("set_phase", Operand::Measured(Quantity::Angle)),
    ("shift_frequency", Operand::Measured(Quantity::Frequency)),
    ("set_frequency", Operand::Measured(Quantity::Frequency)),
    ("capture", Operand::Measured(Quantity::Duration)),
];

/// `(name, how many qubits)`.
pub(crate) const CHANNELS: &[(&str, usize)] = &[("drive", 1), ("control", 2), ("readout", 1), ("acquire", 1)];

/// What an argument of a waveform is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Argument {
    /// A length above 0.
    Positive,
    /// A length of at most the duration.
    Within,
    Number,
}

/// `(name, arguments in the order of the constructor after duration and amp)`.
pub(crate) const WAVEFORMS: &[(&str, &[(&str, Argument)])] = &[
    ("constant", &[]),
    ("gaussian", &[("sigma", Argument::Positive)]),
    ("lifted_gaussian", &[("sigma", Argument::Positive)]),
    ("drag", &[("sigma", Argument::Positive), ("beta", Argument::Number)]),
    ("gaussian_square", &[("sigma", Argument::Positive), ("width", Argument::Within)]),
    (
        "gaussian_square_drag",
        &[("sigma", Argument::Positive), ("width", Argument::Within), ("beta", Argument::Number)],
    ),
    ("cosine", &[]),
    ("sech", &[("sigma", Argument::Positive)]),
];

/// Samples from the user.
pub(crate) const SAMPLED: &str = "sampled";

/// Other methods of the runtime's builder of schedules.
const BUILDER: &[&str] =
    &["new", "parameter", "qubit", "register", "places", "call", "append", "fail", "finish", "within"];

pub(crate) fn instruction(name: &str) -> Option<Operand> {
    INSTRUCTIONS.iter().find(|(known, _)| *known == name).map(|(_, operand)| *operand)
}

pub(crate) fn channel(name: &str) -> Option<usize> {
    CHANNELS.iter().find(|(known, _)| *known == name).map(|(_, qubits)| *qubits)
}

/// The arguments of a waveform besides duration, amplitude and phase.
pub(crate) fn waveform(name: &str) -> Option<&'static [(&'static str, Argument)]> {
    WAVEFORMS.iter().find(|(known, _)| *known == name).map(|(_, arguments)| *arguments)
}

pub(crate) fn is_waveform(name: &str) -> bool {
    waveform(name).is_some() || name == SAMPLED
}

/// Whether a name means something in every pulse program.
pub(crate) fn is_known(name: &str) -> bool {
    instruction(name).is_some() || channel(name).is_some() || is_waveform(name) || BUILDER.contains(&name)
}

/// The word among `known` that was probably meant.
pub(crate) fn similar<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    known
        .map(|word| (distance(name, word), word))
        .filter(|(distance, _)| *distance <= 2)
        .min()
        .map(|(_, w)| w)
}

/// Letters to add, leave out, replace or swap with a neighbour.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    if a.len().abs_diff(b.len()) > 2 {
        return 3;
    }
    let mut table = vec![vec![0; b.len() + 1]; a.len() + 1];
    for i in 0..=a.len() {
        for j in 0..=b.len() {
            table[i][j] = if i == 0 || j == 0 {
                i + j
            } else {
                let replaced = table[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
                let mut least = replaced.min(table[i - 1][j] + 1).min(table[i][j - 1] + 1);
                if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                    least = least.min(table[i - 2][j - 2] + 1);
                }
                least
            };
        }
    }
    table[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use ketline_quantum::pulse::waveform::{Bound, table};

    #[test]
    fn waveforms_are_those_of_the_table() {
        let kind = |bound| match bound {
            Bound::Positive => Argument::Positive,
            Bound::Within => Argument::Within,
            Bound::Any => Argument::Number,
        };
        let wanted: Vec<_> = table()
            .iter()
            .map(|row| (row.name, row.arguments.iter().map(|a| (a.name, kind(a.bound))).collect::<Vec<_>>()))
            .collect();
        let found: Vec<_> = WAVEFORMS.iter().map(|(name, arguments)| (*name, arguments.to_vec())).collect();
        assert_eq!(found, wanted);
    }

    #[test]
    fn similar_words_are_found() {
        assert_eq!(similar("sigam", ["duration", "amp", "sigma"].into_iter()), Some("sigma"));
        assert_eq!(similar("amplitude", ["duration", "amp"].into_iter()), None);
    }
}
