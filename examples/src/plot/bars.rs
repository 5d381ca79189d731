//! Horizontal bars from 1, on a logarithmic axis: ratios beside their goals.

use std::path::Path;

use super::axis::Axis;
use super::{COLOURS, Canvas, LARGEST, PlotError, RIGHT, TITLE_HEIGHT, WIDTH, document, save, text_width};

/// The height of a bar and of the gap to the next, in pixels.
const BAR: f64 = 15.0;
const GAP: f64 = 8.0;
const BOTTOM: f64 = 56.0;

/// A plot of named positive ratios. A bar begins at 1 and goes to the right for more, to the left for less.
#[derive(Debug, Clone, PartialEq)]
pub struct Bars {
    title: String,
    label: String,
    is_less_better: bool,
    list: Vec<Bar>,
}

#[derive(Debug, Clone, PartialEq)]
struct Bar {
    name: String,
    value: f64,
    goal: Option<f64>,
}

impl Bars {
    /// A plot without bars; `label` names the ratio.
    pub fn new(title: impl Into<String>, label: impl Into<String>) -> Self {
        Self { title: title.into(), label: label.into(), is_less_better: false, list: Vec::new() }
    }

    /// The same plot of what should be small: a goal is reached from above.
    #[must_use]
    pub fn less_is_better(self) -> Self {
        Self { is_less_better: true, ..self }
    }

    /// Adds a bar, with a mark at its goal.
    #[must_use]
    pub fn bar(mut self, name: impl Into<String>, value: f64, goal: Option<f64>) -> Self {
        self.list.push(Bar { name: name.into(), value, goal });
        self
    }

    /// The plot as an SVG document.
    ///
    /// # Errors
    /// [`PlotError::NotFinite`] for a ratio that is not positive and finite, [`PlotError::Empty`].
    pub fn svg(&self) -> Result<String, PlotError> {
        for (index, bar) in self.list.iter().enumerate() {
            let wrong =
                std::iter::once(bar.value).chain(bar.goal).find(|value| !(*value > 0.0 && *value < LARGEST));
            if let Some(value) = wrong {
                return Err(PlotError::NotFinite { series: bar.name.clone(), index, x: value, y: 0.0 });
            }
        }
        if self.list.is_empty() {
            return Err(PlotError::Empty { title: self.title.clone() });
        }
        let ends = self.list.iter().flat_map(|bar| std::iter::once(bar.value).chain(bar.goal)).chain([1.0]);
        let axis = Axis::logarithmic(ends).ok_or_else(|| PlotError::Empty { title: self.title.clone() })?;
        let left = 24.0 + self.list.iter().map(|bar| text_width(&bar.name, 13.0)).fold(0.0, f64::max);
        // the values stand to the right of their bars
        let (top, right) = (TITLE_HEIGHT + 6.0, WIDTH - RIGHT - 40.0);
        let bottom = top + GAP + self.list.len() as f64 * (BAR + GAP);
        let place = |value: f64| left + (right - left) * axis.share(value);
        let mut canvas = Canvas::default();
        canvas.text(24.0, 28.0, "class=\"title\"", &self.title);
        for (value, tick) in axis.ticks() {
            canvas.line((place(value), top), (place(value), bottom), "class=\"grid\"");
            canvas.text(place(value), bottom + 18.0, "text-anchor=\"middle\"", &tick);
        }
        for (k, bar) in self.list.iter().enumerate() {
            let y = top + GAP + k as f64 * (BAR + GAP);
            let (from, to) = (place(bar.value.min(1.0)), place(bar.value.max(1.0)));
            let least = if self.is_less_better { -1.0 } else { 1.0 };
            let reached = bar.goal.is_none_or(|goal| least * bar.value >= least * goal);
            let colour = if reached { COLOURS[0] } else { COLOURS[1] };
            canvas.text(left - 9.0, y + BAR - 3.0, "text-anchor=\"end\"", &bar.name);
            canvas.rectangle((from, y), (to - from, BAR), &format!("fill=\"{colour}\""));
            if let Some(goal) = bar.goal {
                let mark = (place(goal), y - 2.0);
                canvas.line(mark, (mark.0, y + BAR + 2.0), "stroke=\"#000000\" stroke-width=\"2\"");
            }
            let end = place(bar.goal.unwrap_or(1.0).max(bar.value).max(1.0));
            canvas.text(end + 6.0, y + BAR - 3.0, "class=\"value\"", &number(bar.value));
        }
        canvas.line((place(1.0), top), (place(1.0), bottom), "class=\"axis\"");
        let middle = 0.5 * (left + right);
        canvas.text(middle, bottom + 40.0, "class=\"label\" text-anchor=\"middle\"", &self.label);
        Ok(document(&self.title, bottom + BOTTOM, &canvas.elements))
    }

    /// Writes the plot into an SVG file, as [`write`](super::write) does.
    ///
    /// # Errors
    /// As [`Self::svg`]; [`PlotError::File`].
    pub fn write(&self, path: &Path) -> Result<(), PlotError> {
        save(path, &self.svg()?)
    }
}

/// A value with digits that say something.
fn number(value: f64) -> String {
    if value < 0.01 { format!("{value:.1e}") } else { format!("{value:.2}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_begin_at_one_and_goals_are_marked() {
        let bars =
            Bars::new("R", "ratio").bar("a", 4.0, Some(2.0)).bar("b", 0.5, Some(2.0)).bar("c", 1.0, None);
        let svg = bars.svg().unwrap();
        assert_eq!(svg.matches("<rect x=").count(), 3);
        assert_eq!(svg.matches("stroke=\"#000000\"").count(), 2);
        assert_eq!(svg.matches(COLOURS[1]).count(), 1);
        assert!(svg.contains(">4.00</text>") && !svg.contains("NaN"));
    }

    #[test]
    fn small_values_keep_their_digits_and_may_be_what_is_wanted() {
        let bars = Bars::new("R", "infidelity").bar("a", 2.5e-4, Some(0.1)).bar("b", 0.2, Some(0.1));
        let wrong = |bars: &Bars| bars.svg().unwrap().matches(COLOURS[1]).count();
        assert!(bars.svg().unwrap().contains(">2.5e-4</text>"));
        assert_eq!((wrong(&bars), wrong(&bars.clone().less_is_better())), (1, 1));
        let good = Bars::new("R", "infidelity").less_is_better().bar("a", 2.5e-4, Some(0.1));
        assert_eq!(wrong(&good), 0);
    }

    #[test]
    fn ratios_that_cannot_be_drawn_are_refused() {
        assert_eq!(Bars::new("R", "x").svg(), Err(PlotError::Empty { title: "R".into() }));
        for wrong in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            let bars = Bars::new("R", "x").bar("a", 1.0, None).bar("b", wrong, None);
            assert!(matches!(bars.svg(), Err(PlotError::NotFinite { index: 1, .. })));
        }
    }
}
