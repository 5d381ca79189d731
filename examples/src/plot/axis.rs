//! Where values stand on an axis, and which of them are labelled.

/// An axis that holds a range of values.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Axis {
    /// Ends of the axis, as logarithms on a logarithmic one.
    low: f64,
    high: f64,
    logarithmic: bool,
}

impl Axis {
    /// An even axis around finite `values`, wider by `margin` of their range on both sides; none without
    /// values.
    pub(super) fn linear(values: impl Iterator<Item = f64>, margin: f64) -> Option<Self> {
        let (low, high) = extent(values)?;
        let range = high - low;
        // A single value gets an axis around it, and a range lost in rounding counts as one.
        let pad = if range > 1e-12 * low.abs().max(high.abs()) && range.is_normal() {
            margin * range
        } else {
            (0.5 * high.abs()).max(1e-3)
        };
        Some(Self { low: low - pad, high: high + pad, logarithmic: false })
    }

    /// An axis of powers of ten around positive `values`; none without values.
    pub(super) fn logarithmic(values: impl Iterator<Item = f64>) -> Option<Self> {
        let (low, high) = extent(values.map(f64::log10))?;
        let pad = (0.06 * (high - low)).max(0.05);
        Some(Self { low: low - pad, high: high + pad, logarithmic: true })
    }

    /// How far along the axis a value stands, from 0 to 1.
    pub(super) fn share(&self, value: f64) -> f64 {
        let place = if self.logarithmic { value.log10() } else { value };
        (place - self.low) / (self.high - self.low)
    }

    /// The labelled values, about six, with their labels.
    pub(super) fn ticks(&self) -> Vec<(f64, String)> {
        if !self.logarithmic {
            return even_ticks(self.low, self.high);
        }
        let decades = (self.high.floor() - self.low.ceil()) as i32;
        if decades >= 2 {
            let stride = decades / 7 + 1;
            let (first, last) = (self.low.ceil() as i32, self.high.floor() as i32);
            let powers = (first..=last).filter(|power| power % stride == 0);
            return powers.map(|power| (10_f64.powi(power), format!("10{}", superscript(power)))).collect();
        }
        let (first, last) = (self.low.floor() as i32, self.high.floor() as i32);
        let mut ticks: Vec<(f64, i32)> = (first..=last)
            .flat_map(|power| [1.0, 2.0, 5.0].map(|digit| (digit * 10_f64.powi(power), power)))
            .filter(|(value, _)| (0.0..=1.0).contains(&self.share(*value)))
            .collect();
        if ticks.len() < 2 {
            // Too narrow for its own steps: those of an even axis.
            return even_ticks(10_f64.powf(self.low), 10_f64.powf(self.high));
        }
        ticks.dedup();
        ticks.into_iter().map(|(value, power)| (value, decimal(value, power))).collect()
    }
}

fn extent(values: impl Iterator<Item = f64>) -> Option<(f64, f64)> {
    values.fold(None, |extent, value| match extent {
        None => Some((value, value)),
        Some((low, high)) => Some((f64::min(low, value), f64::max(high, value))),
    })
}

/// Multiples of 1, 2 or 5 times a power of ten.
fn even_ticks(low: f64, high: f64) -> Vec<(f64, String)> {
    let raw = (high - low) / 6.0;
    let mut power = raw.log10().floor() as i32;
    let digit = match raw / 10_f64.powi(power) {
        d if d <= 1.0 => 1.0,
        d if d <= 2.0 => 2.0,
        d if d <= 5.0 => 5.0,
        _ => {
            power += 1;
            1.0
        }
    };
    let step = digit * 10_f64.powi(power);
    // The slack keeps an end that rounding moved across its tick.
    let (first, last) = ((low / step - 1e-9).ceil(), (high / step + 1e-9).floor());
    let count = (last - first) as usize;
    (0..=count).map(|i| (first + i as f64) * step).map(|value| (value, decimal(value, power))).collect()
}

/// A number with the digits that a step of 10^`power` needs.
fn decimal(value: f64, power: i32) -> String {
    // Zero as a difference of steps may come out as -0.
    let value = if value.abs() < 1e-6 * 10_f64.powi(power) { 0.0 } else { value };
    match power {
        ..=-6 | 6.. if value != 0.0 => format!("{value:.2e}"),
        ..0 => format!("{value:.*}", power.unsigned_abs() as usize),
        _ => format!("{value:.0}"),
    }
}

fn superscript(power: i32) -> String {
    const DIGITS: [char; 10] = ['⁰', '¹', '²', '³', '⁴', '⁵', '⁶', '⁷', '⁸', '⁹'];
    power
        .to_string()
        .chars()
        .map(|letter| letter.to_digit(10).map_or('⁻', |digit| DIGITS[digit as usize]))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(axis: &Axis) -> Vec<String> {
        axis.ticks().into_iter().map(|(_, label)| label).collect()
    }

    #[test]
    fn even_axes_are_labelled_with_round_numbers() {
        let steps = Axis::linear([0.0, 60.0].into_iter(), 0.0).unwrap();
        assert_eq!(labels(&steps), ["0", "10", "20", "30", "40", "50", "60"]);
        let fidelity = Axis::linear([0.76, 0.80].into_iter(), 0.06).unwrap();
        assert_eq!(labels(&fidelity), ["0.76", "0.77", "0.78", "0.79", "0.80"]);
        let around_zero = Axis::linear([-1.0, 1.0].into_iter(), 0.0).unwrap();
        assert_eq!(labels(&around_zero), ["-1.0", "-0.5", "0.0", "0.5", "1.0"]);
    }

    #[test]
    fn logarithmic_axes_show_decades_or_parts_of_them() {
        let wide = Axis::logarithmic([2e-4, 0.5].into_iter()).unwrap();
        assert_eq!(labels(&wide), ["10⁻³", "10⁻²", "10⁻¹"]);
        let narrow = Axis::logarithmic([0.015, 0.3].into_iter()).unwrap();
        assert_eq!(labels(&narrow), ["0.02", "0.05", "0.1", "0.2"]);
        let huge = Axis::logarithmic([1e-300, 1e300].into_iter()).unwrap();
        assert!((4..=9).contains(&labels(&huge).len()));
        let point = Axis::logarithmic([3e-3].into_iter()).unwrap();
        assert!(labels(&point).len() >= 2 && (point.share(3e-3) - 0.5).abs() < 1e-9);
    }

    #[test]
    fn degenerate_ranges_still_make_an_axis() {
        for values in
            [vec![0.0], vec![5.0, 5.0], vec![1.0, 1.0 + 1e-16], vec![-1e300, 1e300], vec![5e-324, 0.0]]
        {
            let axis = Axis::linear(values.iter().copied(), 0.06).unwrap();
            assert!(axis.low.is_finite() && axis.low < axis.high, "{values:?}");
            assert!((2..=12).contains(&axis.ticks().len()), "{values:?}: {:?}", axis.ticks());
        }
        assert_eq!(Axis::linear(std::iter::empty(), 0.0), None);
    }
}
