//! A timeline as SVG: envelopes of each channel.

use std::fmt::{self, Write as _};

use super::timeline::{Action, Event, Timeline};
use super::unit::short;
use super::{Channel, Samples};
use crate::Result;
use crate::circuit::escape;

/// Pixels between two channels, of half an envelope, of the time axis.
const ROW: f64 = 64.0;
const HALF: f64 = 26.0;
const AXIS: f64 = 40.0;
/// Pixels of the widest drawing, around all of it, and of a character.
const WIDTH: f64 = 960.0;
const MARGIN: f64 = 16.0;
const CHARACTER: f64 = 7.4;
/// Most points of an envelope: more cannot be seen.
const POINTS: usize = 1600;

const REAL: &str = "#1f5f8b";
const IMAGINARY: &str = "#b8691f";
const WIRE: &str = "#8a8f98";

impl Timeline {
    /// A stand-alone SVG picture: time to the right, a row for each channel, its real part blue, its imaginary part orange.
    ///
    /// Each row is scaled to its own peak, which is written beside it. Triangles are changes of the frame, grey boxes captures.
    ///
    /// # Errors
    /// As [`Timeline::samples`].
    pub fn to_svg(&self, values: &[f64]) -> Result<String> {
        let picture = Picture { timeline: self, samples: self.samples(values)?, channels: self.channels() };
        let (width, height) = picture.size();
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width:.0}\" height=\"{height:.0}\" \
             viewBox=\"0 0 {width:.0} {height:.0}\" role=\"img\" font-family=\"ui-monospace, 'DejaVu Sans Mono', monospace\" \
             font-size=\"12\">\n<title>{}</title>\n<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n",
            escape(&self.name)
        );
        // Writing to a string cannot fail.
        let _ = picture.axis(&mut svg);
        for row in 0..picture.channels.len() {
            let _ = picture.row(&mut svg, row);
        }
        for event in &self.events {
            let _ = picture.event(&mut svg, event, values);
        }
        svg.push_str("</svg>\n");
        Ok(svg)
    }
}

struct Picture<'a> {
    timeline: &'a Timeline,
    samples: Samples,
    channels: Vec<Channel>,
}

impl Picture<'_> {
    fn size(&self) -> (f64, f64) {
        (self.left() + WIDTH + MARGIN, MARGIN + self.channels.len() as f64 * ROW + AXIS)
    }

    fn left(&self) -> f64 {
        let longest = self.channels.iter().map(|channel| channel.to_string().len()).max().unwrap_or(0);
        MARGIN + longest as f64 * CHARACTER + 10.0
    }

    fn x(&self, sample: f64) -> f64 {
        self.left() + WIDTH * sample / self.timeline.duration().max(1) as f64
    }

    fn middle(row: usize) -> f64 {
        MARGIN + (row as f64 + 0.5) * ROW
    }

    /// Ticks at round numbers of samples, with nanoseconds below.
    fn axis(&self, svg: &mut String) -> fmt::Result {
        let duration = self.timeline.duration();
        let top = MARGIN + self.channels.len() as f64 * ROW;
        let mut step = 1;
        while duration / step > 10 {
            step *= if step.to_string().starts_with('2') { 5 } else { 2 };
            if step.to_string().starts_with('4') {
                step = step / 4 * 5;
            }
        }
        for tick in (0..=duration).step_by(step) {
            let x = self.x(tick as f64);
            writeln!(
                svg,
                "<line x1=\"{x:.1}\" y1=\"{MARGIN:.1}\" x2=\"{x:.1}\" y2=\"{:.1}\" stroke=\"#e6e8eb\"/>",
                top + 4.0
            )?;
            let nanoseconds = tick as f64 * self.timeline.dt() * 1e9;
            let (anchor, grey) = ("text-anchor=\"middle\"", "fill=\"#55606e\"");
            writeln!(
                svg,
                "<text x=\"{x:.1}\" y=\"{:.1}\" {anchor} {grey}>{tick}</text>\
                 <text x=\"{x:.1}\" y=\"{:.1}\" {anchor} {grey} font-size=\"9\">{nanoseconds:.0} ns</text>",
                top + 17.0,
                top + 29.0
            )?;
        }
        let x = self.left() - 10.0;
        writeln!(
            svg,
            "<text x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"end\" fill=\"#55606e\">dt</text>",
            top + 17.0
        )
    }

    fn row(&self, svg: &mut String, row: usize) -> fmt::Result {
        let (channel, y, left) = (self.channels[row], Self::middle(row), self.left());
        writeln!(
            svg,
            "<line x1=\"{left:.1}\" y1=\"{y:.1}\" x2=\"{:.1}\" y2=\"{y:.1}\" stroke=\"{WIRE}\"/>\
             <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\" fill=\"#222222\">{channel}</text>",
            left + WIDTH,
            left - 10.0,
            y + 4.0
        )?;
        let Some(line) = self.samples.line(channel) else { return Ok(()) };
        let peak = line.iter().map(|d| d.norm()).fold(0.0, f64::max);
        writeln!(
            svg,
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\" font-size=\"9\" fill=\"#55606e\">peak {}</text>",
            left - 10.0,
            y + 17.0,
            short(peak)
        )?;
        for (colour, part) in [(REAL, 0), (IMAGINARY, 1)] {
            // What rounding leaves of a turned envelope is silence.
            let of = |k: usize| {
                Some(if part == 0 { line[k].re } else { line[k].im }).filter(|d| d.abs() > 1e-9 * peak)
            };
            let of = |k: usize| of(k).unwrap_or(0.0);
            let height = |k: usize| if peak > 0.0 { y - HALF * of(k) / peak } else { y };
            let stride = line.len().div_ceil(POINTS).max(1);
            // One path for each stretch that is not silent.
            let mut k = 0;
            while k < line.len() {
                if of(k) == 0.0 {
                    k += 1;
                    continue;
                }
                let end = (k..line.len()).find(|k| of(*k) == 0.0).unwrap_or(line.len());
                write!(svg, "<path d=\"M{:.1} {y:.1}", self.x(k as f64))?;
                for point in (k..end).step_by(stride) {
                    write!(svg, "L{:.1} {:.1}", self.x(point as f64 + 0.5), height(point))?;
                }
                writeln!(
                    svg,
                    "L{:.1} {y:.1}Z\" fill=\"{colour}\" fill-opacity=\"0.22\" stroke=\"{colour}\" stroke-width=\"1.2\"/>",
                    self.x(end as f64)
                )?;
                k = end;
            }
        }
        Ok(())
    }

    fn event(&self, svg: &mut String, event: &Event, values: &[f64]) -> fmt::Result {
        // Every event's channel is among the channels of events.
        let row = self.channels.binary_search(&event.channel).unwrap_or(0);
        let (x, y) = (self.x(event.start as f64), Self::middle(row));
        let caption = match &event.action {
            Action::Play { .. } | Action::Delay => return Ok(()),
            Action::Capture { bit } => {
                let width = self.x((event.start + event.duration) as f64) - x;
                let top = y - 11.0;
                return writeln!(
                    svg,
                    "<rect x=\"{x:.1}\" y=\"{top:.1}\" width=\"{width:.1}\" height=\"22\" rx=\"4\" fill=\"#f3f3f3\" stroke=\"#666666\"/>\
                     <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\" fill=\"#102a43\">bit {bit}</text>",
                    x + width / 2.0,
                    y + 4.0
                );
            }
            Action::ShiftPhase(phase) => {
                format!("{}°", short(phase.value(values).to_degrees()).replace('-', "\u{2212}"))
            }
            Action::ShiftFrequency(frequency) => frequency.to_string().replace('-', "\u{2212}"),
        };
        let top = y - HALF - 3.0;
        writeln!(
            svg,
            "<path d=\"M{x:.1} {y:.1}V{:.1}\" stroke=\"#7a4fa3\" stroke-dasharray=\"2 2\"/>\
             <path d=\"M{:.1} {top:.1}h8l-4 6z\" fill=\"#7a4fa3\"/>\
             <text x=\"{:.1}\" y=\"{:.1}\" font-size=\"9\" fill=\"#7a4fa3\">{caption}</text>",
            top + 6.0,
            x - 4.0,
            x + 6.0,
            top + 7.0
        )
    }
}

#[cfg(test)]
mod tests {
    use crate::pulse::{Duration, ScheduleBuilder, Waveform, acquire, drive};

    #[test]
    fn each_stretch_is_a_path_and_each_mark_is_there() {
        let mut b = ScheduleBuilder::new("<x>");
        let x = Waveform::lifted_gaussian(Duration::samples(160), 0.2, Duration::samples(40));
        b.play(drive(0), x.clone());
        b.delay(drive(0), Duration::samples(100));
        b.shift_phase(drive(0), std::f64::consts::FRAC_PI_2);
        b.play(drive(0), x);
        b.capture(acquire(0), Duration::samples(300));
        let svg = b.finish().unwrap().timeline(1e-9).unwrap().to_svg(&[]).unwrap();
        assert!(svg.contains("<title>&lt;x&gt;</title>") && svg.contains(">bit 0<"), "{svg}");
        assert!(svg.contains(">90°<") && svg.contains(">peak 0.2<"), "{svg}");
        assert_eq!(svg.matches("fill-opacity").count(), 2, "{svg}");
    }
}
