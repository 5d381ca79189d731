//! A circuit as SVG.

use std::fmt::{self, Write as _};

use super::Circuit;
use super::drawing::{Drawing, Element, Kind, Label, Mark};

/// Pixels between two wires, and of a box's height.
const ROW: f64 = 42.0;
const BOX: f64 = 30.0;
/// Pixels of a character of the label font, and around all of it.
const CHARACTER: f64 = 7.4;
const MARGIN: f64 = 16.0;
/// Pixels between two columns, and of the gauge that marks a measurement.
const GAP: f64 = 12.0;
const GAUGE: f64 = 24.0;
/// How many pixels wide a drawing may become before it goes on below, and those between two such bands.
const LINE: f64 = 1000.0;
const BAND_GAP: f64 = 26.0;

const INK: &str = "#1f5f8b";
const WIRE: &str = "#8a8f98";
const PULSE: &str = "#2e7d4f";

impl Circuit {
    /// The circuit as a stand-alone SVG picture, time to the right, one wire a qubit. A long circuit goes on below.
    ///
    /// Boxes are blue for gates, grey for measurements and resets, orange for noise, green for
    /// pulses. Where the order of a gate's
    /// operands matters, small digits number them.
    pub fn to_svg(&self) -> String {
        let drawing = Drawing::of(self);
        let layout = Layout::of(&drawing);
        let (width, height) = layout.size();
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width:.0}\" height=\"{height:.0}\" \
             viewBox=\"0 0 {width:.0} {height:.0}\" role=\"img\" font-family=\"ui-monospace, 'DejaVu Sans Mono', monospace\" \
             font-size=\"12\">\n<title>{}</title>\n<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n",
            escape(self.name())
        );
        // Writing to a string cannot fail.
        let _ = layout.wires(&mut svg);
        for element in &drawing.elements {
            let _ = layout.element(&mut svg, element);
        }
        svg.push_str("</svg>\n");
        svg
    }
}

/// Where everything stands, in pixels.
struct Layout<'a> {
    drawing: &'a Drawing,
    /// Where wires begin.
    left: f64,
    /// The centre of each column and the band that it is in.
    columns: Vec<(f64, usize)>,
    /// Where the wires of each band end.
    ends: Vec<f64>,
}

impl<'a> Layout<'a> {
    fn of(drawing: &'a Drawing) -> Self {
        let mut widths = vec![BOX; drawing.columns];
        for element in &drawing.elements {
            for (_, mark) in &element.marks {
                if let Mark::Label(label) = mark {
                    widths[element.column] = widths[element.column].max(width(label));
                }
            }
        }
        let names = drawing.wires.iter().map(|wire| wire.chars().count()).max().unwrap_or(0);
        let left = MARGIN + names as f64 * CHARACTER + 8.0;
        let (mut columns, mut ends, mut at) = (Vec::with_capacity(widths.len()), Vec::new(), left);
        for width in widths {
            if at + width + GAP > LINE && at > left {
                ends.push(at);
                at = left;
            }
            columns.push((f64::midpoint(at, at + width + GAP), ends.len()));
            at += width + GAP;
        }
        ends.push(at.max(left + GAP));
        Self { drawing, left, columns, ends }
    }

    fn size(&self) -> (f64, f64) {
        let widest = self.ends.iter().copied().fold(0.0, f64::max);
        (
            widest + MARGIN,
            self.y(self.ends.len() - 1, self.drawing.wires.len().max(1) - 1) + BOX / 2.0 + MARGIN,
        )
    }

    fn y(&self, band: usize, wire: usize) -> f64 {
        let height = self.drawing.wires.len() as f64 * ROW + BAND_GAP;
        MARGIN + BOX / 2.0 + band as f64 * height + wire as f64 * ROW
    }

    fn wires(&self, svg: &mut String) -> fmt::Result {
        for (band, end) in self.ends.iter().enumerate() {
            for (wire, name) in self.drawing.wires.iter().enumerate() {
                let (y, left) = (self.y(band, wire), self.left);
                text(svg, (left - 8.0, y), "text-anchor=\"end\" fill=\"#222222\"", name)?;
                line(svg, (left, y), (*end, y), &format!("stroke=\"{WIRE}\""))?;
            }
        }
        Ok(())
    }

    fn element(&self, svg: &mut String, element: &Element) -> fmt::Result {
        let (x, band) = self.columns[element.column];
        let wires = element.marks.iter().map(|(wire, _)| *wire);
        if let (true, Some(low), Some(high)) = (element.joined, wires.clone().min(), wires.max()) {
            let (top, bottom) = ((x, self.y(band, low)), (x, self.y(band, high)));
            line(svg, top, bottom, &format!("stroke=\"{INK}\" stroke-width=\"1.5\""))?;
        }
        let mut boxes = Vec::new();
        for (wire, mark) in &element.marks {
            let y = self.y(band, *wire);
            match mark {
                Mark::Control => {
                    writeln!(svg, "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"4.5\" fill=\"{INK}\"/>")?;
                }
                Mark::Not => {
                    let (left, top) = (x - 10.0, y - 10.0);
                    writeln!(
                        svg,
                        "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"10\" fill=\"#ffffff\" stroke=\"{INK}\" stroke-width=\"1.5\"/>\
                         <path d=\"M{left:.1} {y:.1}h20M{x:.1} {top:.1}v20\" stroke=\"{INK}\" stroke-width=\"1.5\"/>"
                    )?;
                }
                Mark::Cross => {
                    let (left, top) = (x - 6.0, y - 6.0);
                    writeln!(
                        svg,
                        "<path d=\"M{left:.1} {top:.1}l12 12m0 -12l-12 12\" stroke=\"{INK}\" stroke-width=\"2\"/>"
                    )?;
                }
                Mark::Bar => {
                    let style = format!("stroke=\"{WIRE}\" stroke-width=\"1.5\" stroke-dasharray=\"4 3\"");
                    line(svg, (x, y - ROW / 2.0), (x, y + ROW / 2.0), &style)?;
                }
                Mark::Label(label) => boxes.push((*wire, label)),
            }
        }
        merged(boxes).iter().try_for_each(|tall| self.boxed(svg, (x, band), tall))
    }

    fn boxed(
        &self,
        svg: &mut String,
        (x, band): (f64, usize),
        Tall { wires, label }: &Tall<'_>,
    ) -> fmt::Result {
        let (first, last) = (wires[0].0, wires[wires.len() - 1].0);
        let (top, bottom) = (self.y(band, first) - BOX / 2.0, self.y(band, last) + BOX / 2.0);
        let (width, height) = (width(label), bottom - top);
        let left = x - width / 2.0;
        let (fill, stroke) = match label.kind {
            Kind::Gate => ("#e8f1f8", INK),
            Kind::Measurement | Kind::Reset => ("#f3f3f3", "#666666"),
            Kind::Noise => ("#fdf0e1", "#b8691f"),
            Kind::Pulse => ("#e8f5ec", PULSE),
        };
        writeln!(
            svg,
            "<rect x=\"{left:.1}\" y=\"{top:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" rx=\"4\" fill=\"{fill}\" stroke=\"{stroke}\"/>"
        )?;
        for (wire, operand) in wires {
            if let Some(operand) = operand {
                let y = self.y(band, *wire);
                text(svg, (left + 4.0, y - 6.0), "font-size=\"8\" fill=\"#55606e\"", &operand.to_string())?;
            }
        }
        let (mut centre, y) = (x, f64::midpoint(top, bottom));
        if label.kind == Kind::Measurement {
            let gauge = left + 7.0;
            centre += GAUGE / 2.0;
            writeln!(
                svg,
                "<path d=\"M{gauge:.1} {:.1}a8 8 0 0 1 16 0M{:.1} {:.1}l6 -10\" fill=\"none\" stroke=\"{stroke}\" stroke-width=\"1.3\"/>",
                y + 5.0,
                gauge + 8.0,
                y + 5.0
            )?;
        }
        if label.kind == Kind::Pulse {
            // an envelope, as tall as the gauge of a measurement
            let (foot, base) = (left + 7.0, y + 5.0);
            centre += GAUGE / 2.0;
            writeln!(
                svg,
                "<path d=\"M{foot:.1} {base:.1}c5 0 4 -11 8 -11s3 11 8 11\" fill=\"none\" stroke=\"{stroke}\" stroke-width=\"1.3\"/>"
            )?;
        }
        text(svg, (centre, y), "text-anchor=\"middle\" fill=\"#102a43\"", &caption(label))
    }
}

/// A box over neighbouring wires: each wire with its operand, where that matters, and what stands in the box.
struct Tall<'a> {
    wires: Vec<(usize, Option<usize>)>,
    label: &'a Label,
}

/// Boxes on neighbouring wires as one.
fn merged(mut boxes: Vec<(usize, &Label)>) -> Vec<Tall<'_>> {
    let mut merged: Vec<Tall<'_>> = Vec::new();
    boxes.sort_by_key(|(wire, _)| *wire);
    for (wire, label) in boxes {
        match merged.last_mut() {
            Some(tall) if tall.wires.last().is_some_and(|(last, _)| last + 1 == wire) => {
                tall.wires.push((wire, label.operand));
            }
            _ => merged.push(Tall { wires: vec![(wire, label.operand)], label }),
        }
    }
    merged
}

fn width(label: &Label) -> f64 {
    let gauge = if matches!(label.kind, Kind::Measurement | Kind::Pulse) { GAUGE } else { 0.0 };
    (caption(label).chars().count() as f64 * CHARACTER + gauge + 14.0).max(BOX)
}

fn caption(label: &Label) -> String {
    let name = if label.kind == Kind::Reset { "|0⟩" } else { &label.name };
    format!("{}{name}{}", label.condition, typeset(&label.arguments))
}

/// Angles as they are printed: Greek letters, no signs of multiplication.
fn typeset(angles: &str) -> String {
    let is_letter = |c: char| c.is_alphabetic() || c == '_';
    let mut set = String::with_capacity(angles.len());
    let mut rest = angles;
    while let Some(first) = rest.chars().next() {
        if is_letter(first) {
            let end = rest.find(|c: char| !is_letter(c) && !c.is_numeric()).unwrap_or(rest.len());
            set.push_str(greek(&rest[..end]));
            rest = &rest[end..];
        } else {
            match first {
                '*' => {}
                '-' => set.push('\u{2212}'),
                other => set.push(other),
            }
            rest = &rest[first.len_utf8()..];
        }
    }
    set
}

fn greek(word: &str) -> &str {
    match word {
        "alpha" => "α",
        "beta" => "β",
        "gamma" => "γ",
        "delta" => "δ",
        "epsilon" => "ε",
        "zeta" => "ζ",
        "eta" => "η",
        "theta" => "θ",
        "kappa" => "κ",
        "lambda" => "λ",
        "mu" => "μ",
        "nu" => "ν",
        "xi" => "ξ",
        "pi" => "π",
        "rho" => "ρ",
        "sigma" => "σ",
        "tau" => "τ",
        "phi" => "φ",
        "chi" => "χ",
        "psi" => "ψ",
        "omega" => "ω",
        other => other,
    }
}

fn line(svg: &mut String, from: (f64, f64), to: (f64, f64), style: &str) -> fmt::Result {
    let ((x1, y1), (x2, y2)) = (from, to);
    writeln!(svg, "<line x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\" {style}/>")
}

fn text(svg: &mut String, (x, y): (f64, f64), style: &str, words: &str) -> fmt::Result {
    writeln!(svg, "<text x=\"{x:.1}\" y=\"{:.1}\" {style}>{}</text>", y + 4.0, escape(words))
}

pub(crate) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Angle, Builder, Qubits};

    #[test]
    fn angles_are_typeset() {
        assert_eq!(typeset("(2*gamma[0] - pi/4, -3pi/4)"), "(2γ[0] − π/4, −3π/4)");
        assert_eq!(typeset("(theta_1 + gammas)"), "(theta_1 + gammas)");
    }

    #[test]
    fn neighbours_share_a_box_and_ordered_operands_are_numbered() {
        let mut b = Builder::new("<boxes>");
        let q: Qubits<4> = b.register("q");
        let theta: Angle = b.parameter("theta");
        b.rzz(theta, q.at(0), q.at(1));
        b.ecr(q.at(2), q.at(3));
        b.rzz(theta, q.at(0), q.at(2));
        let svg = b.finish().unwrap().to_svg();
        assert_eq!(svg.matches("<rect").count(), 1 + 4, "{svg}");
        assert_eq!(
            (svg.matches(">rzz(θ)<").count(), svg.matches("font-size=\"8\"").count()),
            (3, 2),
            "{svg}"
        );
        assert!(svg.contains("<title>&lt;boxes&gt;</title>"), "{svg}");
    }

    #[test]
    fn long_circuits_go_on_below() {
        let mut b = Builder::new("long");
        let q: Qubits<2> = b.register("q");
        for _ in 0..50 {
            b.h(q);
        }
        let svg = b.finish().unwrap().to_svg();
        assert_eq!(svg.matches(">q[0]<").count(), 3, "{svg}");
    }
}
