//! A circuit as SVG.

use std::fmt::Write as _;

use super::Circuit;
use super::drawing::{Drawing, Mark};

/// Pixels between two wires, and of a box's height.
const ROW: f64 = 44.0;
const BOX: f64 = 30.0;
/// Pixels of a character of the label font, and around it.
const CHARACTER: f64 = 7.4;
const MARGIN: f64 = 16.0;

impl Circuit {
    /// The circuit as a stand-alone SVG picture, time to the right, one wire a qubit.
    pub fn to_svg(&self) -> String {
        let drawing = Drawing::of(self);
        let label = drawing.wires.iter().map(|wire| wire.chars().count()).max().unwrap_or(0) as f64
            * CHARACTER
            + 12.0;
        let mut widths = vec![BOX; drawing.columns];
        for element in &drawing.elements {
            for (_, mark) in &element.marks {
                if let Mark::Label(text) = mark {
                    let width = text.chars().count() as f64 * CHARACTER + 14.0;
                    widths[element.column] = widths[element.column].max(width);
                }
            }
        }
        let mut left = MARGIN + label;
        let centres: Vec<_> = widths
            .iter()
            .map(|width| {
                let centre = left + 6.0 + width / 2.0;
                left += width + 12.0;
                centre
            })
            .collect();
        let y = |wire: usize| MARGIN + BOX / 2.0 + wire as f64 * ROW;
        let (width, height) = (left + MARGIN, y(drawing.wires.len().max(1) - 1) + BOX / 2.0 + MARGIN);

        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width:.0}\" height=\"{height:.0}\" \
             viewBox=\"0 0 {width:.0} {height:.0}\" font-family=\"ui-monospace, monospace\" font-size=\"12\">\n\
             <title>{}</title>\n<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n",
            escape(self.name())
        );
        for (wire, name) in drawing.wires.iter().enumerate() {
            let (at, end, start) = (y(wire), left, MARGIN + label);
            let _ = writeln!(
                svg,
                "<text x=\"{MARGIN}\" y=\"{:.1}\" fill=\"#222222\">{}</text>\
                 <line x1=\"{start:.1}\" y1=\"{at:.1}\" x2=\"{end:.1}\" y2=\"{at:.1}\" stroke=\"#888888\"/>",
                at + 4.0,
                escape(name)
            );
        }
        for element in &drawing.elements {
            let x = centres[element.column];
            let wires = element.marks.iter().map(|(wire, _)| *wire);
            if let (true, Some(low), Some(high)) = (element.joined, wires.clone().min(), wires.max()) {
                let (top, bottom) = (y(low), y(high));
                let _ = writeln!(
                    svg,
                    "<line x1=\"{x:.1}\" y1=\"{top:.1}\" x2=\"{x:.1}\" y2=\"{bottom:.1}\" stroke=\"#1f5f8b\" stroke-width=\"1.5\"/>"
                );
            }
            for (wire, mark) in &element.marks {
                svg.push_str(&draw(mark, x, y(*wire)));
            }
        }
        svg.push_str("</svg>\n");
        svg
    }
}

fn draw(mark: &Mark, x: f64, y: f64) -> String {
    match mark {
        Mark::Control => format!("<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"4.5\" fill=\"#1f5f8b\"/>\n"),
        Mark::Not => format!(
            "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"10\" fill=\"#ffffff\" stroke=\"#1f5f8b\" stroke-width=\"1.5\"/>\
             <path d=\"M{:.1} {y:.1}h20M{x:.1} {:.1}v20\" stroke=\"#1f5f8b\" stroke-width=\"1.5\"/>\n",
            x - 10.0,
            y - 10.0
        ),
        Mark::Cross => format!(
            "<path d=\"M{:.1} {:.1}l12 12m0 -12l-12 12\" stroke=\"#1f5f8b\" stroke-width=\"2\"/>\n",
            x - 6.0,
            y - 6.0
        ),
        Mark::Bar => format!(
            "<line x1=\"{x:.1}\" y1=\"{:.1}\" x2=\"{x:.1}\" y2=\"{:.1}\" stroke=\"#888888\" stroke-dasharray=\"4 3\"/>\n",
            y - ROW / 2.0,
            y + ROW / 2.0
        ),
        Mark::Label(text) => {
            let width = (text.chars().count() as f64 * CHARACTER + 14.0).max(BOX);
            format!(
                "<rect x=\"{:.1}\" y=\"{:.1}\" width=\"{width:.1}\" height=\"{BOX}\" rx=\"4\" fill=\"#e8f1f8\" stroke=\"#1f5f8b\"/>\
                 <text x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\" fill=\"#102a43\">{}</text>\n",
                x - width / 2.0,
                y - BOX / 2.0,
                y + 4.0,
                escape(text)
            )
        }
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
