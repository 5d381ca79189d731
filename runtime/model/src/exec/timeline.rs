//! When the nodes of a pipeline run, measured or simulated, and pictures of it.

use std::fmt::Write as _;

use super::mark::{Duty, Mark};
use crate::operator::Peer;
use crate::plan::{Clock, Phase, Turn};

/// One node on its stage.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Span {
    /// Number of the stage.
    pub stage: usize,
    /// Its micro-batch and what it is there for.
    pub mark: Mark,
    /// When it begins, in seconds.
    pub from: f64,
    /// When it ends.
    pub to: f64,
}

/// The spans of a step.
#[derive(Debug, Clone, PartialEq)]
pub struct Timeline {
    spans: Vec<Span>,
    clock: Clock,
}

impl Timeline {
    pub(crate) fn new(spans: Vec<Span>, clock: Clock) -> Self {
        Self { spans, clock }
    }

    /// The timelines of several stages as one.
    pub(crate) fn joined(all: impl IntoIterator<Item = Self>) -> Self {
        let mut all = all.into_iter();
        let mut joined = all.next().unwrap_or_else(|| Self::new(Vec::new(), Clock::Measured));
        joined.spans.extend(all.flat_map(|timeline| timeline.spans));
        joined
    }

    /// The spans, by stage and in the order of its program.
    pub fn spans(&self) -> &[Span] {
        &self.spans
    }

    /// Where the times come from.
    pub fn clock(&self) -> Clock {
        self.clock
    }

    /// Number of stages.
    pub fn stages(&self) -> usize {
        self.spans.iter().map(|span| span.stage + 1).max().unwrap_or(0)
    }

    fn begin(&self) -> f64 {
        self.spans.iter().map(|span| span.from).fold(f64::INFINITY, f64::min)
    }

    /// Seconds from the first begin to the last end.
    pub fn seconds(&self) -> f64 {
        let end = self.spans.iter().map(|span| span.to).fold(f64::NEG_INFINITY, f64::max);
        if self.spans.is_empty() { 0.0 } else { end - self.begin() }
    }

    /// Seconds in which a stage computes, neither waiting nor carrying.
    pub fn busy(&self, stage: usize) -> f64 {
        let computes = |mark: &Mark| !matches!(mark.duty, Duty::Send(..) | Duty::Receive(..));
        let own = self.spans.iter().filter(|span| span.stage == stage && computes(&span.mark));
        own.map(|span| span.to - span.from).sum()
    }

    /// Passes of micro-batches: spans of one stage and turn that follow each other, as one.
    pub fn turns(&self) -> Vec<(usize, Turn, f64, f64)> {
        let mut turns: Vec<(usize, Turn, f64, f64)> = Vec::new();
        for span in &self.spans {
            // what waits for others is no part of a pass
            if matches!(span.mark.duty, Duty::Receive(Peer::Stage(_), _)) {
                continue;
            }
            match turns.last_mut() {
                Some((stage, turn, _, to)) if (*stage, *turn) == (span.stage, span.mark.turn) => {
                    *to = span.to;
                }
                _ => turns.push((span.stage, span.mark.turn, span.from, span.to)),
            }
        }
        turns
    }

    /// The timeline as Chrome's trace format in JSON, which Perfetto (`ui.perfetto.dev`) opens: a track a stage.
    pub fn chrome_trace(&self) -> String {
        let clock = self.clock;
        let begin = self.begin();
        let mut events = Vec::new();
        for stage in 0..self.stages() {
            events.push(format!(
                r#"{{"name":"thread_name","ph":"M","pid":0,"tid":{stage},"args":{{"name":"stage {stage} ({clock})"}}}}"#
            ));
        }
        for span in &self.spans {
            let Turn { phase, micro_batch } = span.mark.turn;
            // both ends are rounded, not the duration: a span that reaches into the next one by a nanosecond would be dropped
            let [from, to] = [span.from, span.to].map(|at| ((at - begin) * 1e9).round() as u64);
            let microseconds = |ns: u64| format!("{}.{:03}", ns / 1000, ns % 1000);
            let name = match span.mark.duty {
                Duty::Run(node) => format!("node {node}"),
                Duty::Again(node) => format!("again node {node}"),
                Duty::Send(to, _) => format!("to {to}"),
                Duty::Receive(from, _) => format!("from {from}"),
                Duty::Sum => "sum of gradients".into(),
                Duty::Change => "change of a parameter".into(),
            };
            events.push(format!(
                r#"{{"name":"{name}","cat":"{phase:?}","ph":"X","pid":0,"tid":{},"ts":{},"dur":{},"args":{{"micro_batch":{micro_batch}}}}}"#,
                span.stage,
                microseconds(from),
                microseconds(to - from),
            ));
        }
        format!("{{\"displayTimeUnit\":\"ms\",\"traceEvents\":[\n{}\n]}}\n", events.join(",\n"))
    }

    /// A picture: a row a stage, a box a pass with the number of its micro-batch.
    pub fn svg(&self) -> String {
        const WIDTH: f64 = 960.0;
        const LEFT: f64 = 70.0;
        const ROW: f64 = 34.0;
        let (seconds, begin, stages) = (self.seconds().max(1e-12), self.begin(), self.stages());
        let height = ROW * stages as f64 + 66.0;
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" font-family=\"sans-serif\" font-size=\"12\">\n\
             <rect width=\"{WIDTH}\" height=\"{height}\" fill=\"white\"/>\n"
        );
        let x = |at: f64| LEFT + (at - begin) / seconds * (WIDTH - LEFT - 12.0);
        for stage in 0..stages {
            let y = 8.0 + ROW * stage as f64;
            let _ = writeln!(svg, "<text x=\"8\" y=\"{:.1}\">stage {stage}</text>", y + 20.0);
        }
        for (stage, turn, from, to) in self.turns() {
            let (y, left, width) = (8.0 + ROW * stage as f64, x(from), (x(to) - x(from)).max(0.5));
            let colour = colour(turn.phase);
            let _ = writeln!(
                svg,
                "<rect x=\"{left:.2}\" y=\"{y:.1}\" width=\"{width:.2}\" height=\"28\" fill=\"{colour}\" stroke=\"white\" stroke-width=\"0.5\"/>"
            );
            if width > 12.0 {
                let (middle, base) = (left + width / 2.0, y + 19.0);
                let _ = writeln!(
                    svg,
                    "<text x=\"{middle:.2}\" y=\"{base:.1}\" text-anchor=\"middle\" fill=\"white\">{}</text>",
                    turn.micro_batch
                );
            }
        }
        let base = ROW * stages as f64 + 26.0;
        let clock = self.clock;
        let _ = writeln!(
            svg,
            "<text x=\"{LEFT}\" y=\"{base}\">0</text><text x=\"{}\" y=\"{base}\" text-anchor=\"end\">{:.3} ms ({clock})</text>",
            WIDTH - 12.0,
            seconds * 1e3
        );
        let mut at = LEFT;
        let present = |phase: Phase| self.spans.iter().any(|span| span.mark.turn.phase == phase);
        for (phase, name) in NAMES.into_iter().filter(|&(phase, _)| present(phase)) {
            let _ = writeln!(
                svg,
                "<rect x=\"{at}\" y=\"{:.1}\" width=\"12\" height=\"12\" fill=\"{}\"/><text x=\"{}\" y=\"{:.1}\">{name}</text>",
                base + 12.0,
                colour(phase),
                at + 18.0,
                base + 22.0
            );
            at += 150.0;
        }
        svg.push_str("</svg>\n");
        svg
    }
}

/// Names of passes in a picture.
const NAMES: [(Phase, &str); 4] = [
    (Phase::Forward, "forward"),
    (Phase::Backward, "backward"),
    (Phase::Weights, "weights' gradients"),
    (Phase::Update, "parameters change"),
];

/// Colours that differ in lightness as well, so that they are told apart without colour vision.
const fn colour(phase: Phase) -> &'static str {
    match phase {
        Phase::Forward => "#2b6cb0",
        Phase::Backward => "#dd8452",
        Phase::Weights => "#6b9e3a",
        Phase::Update => "#555555",
    }
}
