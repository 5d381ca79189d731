//! Ketline's own file of pulses: JSON, hertz and samples, one line a gate.
//!
//! ```text
//! {"format": "ketline-pulses", "version": 1, "name": "jakarta", "source": "...", "dt": 2.2e-10,
//!  "timing": {"granularity": 16, "min_length": 64, "pulse_alignment": 16, "acquire_alignment": 16},
//!  "qubits": [{"drive": [5.2e9, 4.7e9, 5.7e9], "readout": [7.2e9, 6.7e9, 7.7e9]}, ..],
//!  "controls": [[0, 1], ..],
//!  "gates": [{"name": "rz", "qubits": [0], "steps": [[0, "drive(0)", "phase", "-P0"], ..]},
//!            {"name": "x", "qubits": [0], "steps": [[0, "drive(0)", "drag", 160, [0.19, 0.0], 40.0, -1.1], ..]}]}
//! ```
//!
//! A step is when it begins, the channel, what it is and the figures of that: of a pulse its duration, its amplitude and the
//! arguments of its row in the waveform table. A carrier is followed by its band where that is known.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::ibm::complex;
use super::{Item, PulseDefaults, Turn, What};
use crate::device::calibration::{MAX_QUBITS, Reading};
use crate::device::document::Field;
use crate::device::form::{self, Form};
use crate::pulse::{Channel, Frequency, PulseTarget, Timing, waveform};
use crate::{C64, Result};

const LONGEST: usize = 1 << 24;

pub(super) const FORM: Form = Form { format: "ketline-pulses", version: 1 };

pub(super) fn read(root: &Field<'_>) -> Result<PulseDefaults> {
    FORM.check(root)?;
    let timing = root.get("timing")?;
    let of = |name: &str| timing.get(name)?.index(LONGEST);
    let timing = Timing {
        granularity: of("granularity")?,
        min_length: of("min_length")?,
        pulse_alignment: of("pulse_alignment")?,
        acquire_alignment: of("acquire_alignment")?,
    };
    let qubits = root.get("qubits")?;
    let width = qubits.len();
    if !(1..=MAX_QUBITS).contains(&width) {
        return Err(qubits.wrong(&format!("a list of 1 to {MAX_QUBITS} qubits")));
    }
    let controls: Vec<_> =
        root.get("controls")?.items()?.map(|pair| pair.edge(width)).collect::<Result<_>>()?;
    let mut target = PulseTarget::new(root.get("name")?.text()?, root.get("dt")?.number()?, timing, width)?
        .with_controls(controls)?;
    for (qubit, field) in qubits.items()?.enumerate() {
        for (name, channel) in [("drive", Channel::Drive(qubit)), ("readout", Channel::Readout(qubit))] {
            let Some(field) = field.find(name) else { continue };
            let figures: Vec<f64> = field.items()?.map(|x| x.number()).collect::<Result<_>>()?;
            let (carrier, band) = match figures[..] {
                [carrier] => (carrier, None),
                [carrier, low, high] => (carrier, Some((Frequency::hertz(low), Frequency::hertz(high)))),
                _ => return Err(field.wrong("a carrier, or a carrier and its band")),
            };
            target = target.with_carrier(channel, Frequency::hertz(carrier), band);
        }
    }
    let mut commands = BTreeMap::new();
    for gate in root.get("gates")?.items()? {
        let name = gate.get("name")?.text()?.to_owned();
        let qubits: Vec<usize> =
            gate.get("qubits")?.items()?.map(|q| q.index(width)).collect::<Result<_>>()?;
        let items =
            gate.get("steps")?.items()?.map(|step| self::step(&step, width)).collect::<Result<_>>()?;
        if commands.insert((name, qubits), items).is_some() {
            return Err(gate.wrong("each gate once"));
        }
    }
    Ok(PulseDefaults {
        source: form::source(root)?,
        target,
        commands,
        reading: Reading::Strict,
        warnings: Vec::new(),
    })
}

fn step(step: &Field<'_>, width: usize) -> Result<Item> {
    let parts: Vec<Field<'_>> = step.items()?.collect();
    let [start, channel, kind, rest @ ..] = &parts[..] else {
        return Err(step.wrong("a time, a channel, what is done and its figures"));
    };
    let what = match (kind.text()?, rest) {
        ("phase", [phase]) => What::Phase(Turn::read(phase)?),
        ("delay", [length]) => What::Delay(length.index(LONGEST)?),
        ("capture", [length]) => What::Capture(length.index(LONGEST)?),
        ("samples", samples) => What::Sampled(samples.iter().map(complex).collect::<Result<_>>()?),
        (shape, [duration, amp, arguments @ ..]) => {
            let row = waveform::table().iter().find(|row| row.name == shape);
            let row = row.filter(|row| row.arguments.len() == arguments.len());
            let Some(row) = row else {
                return Err(step.wrong("a waveform of the table with all of its arguments"));
            };
            let argument = |(known, value): (&waveform::Argument, &Field<'_>)| {
                Ok((known.name.to_owned(), value.number()?))
            };
            What::Pulse {
                shape: shape.into(),
                duration: duration.index(LONGEST)?,
                amp: complex(amp)?,
                arguments: row.arguments.iter().zip(arguments).map(argument).collect::<Result<_>>()?,
            }
        }
        _ => return Err(step.wrong("phase, delay, capture, samples or a waveform, with its figures")),
    };
    Ok(Item { start: start.index(LONGEST)?, channel: self::channel(channel, width)?, what })
}

fn channel(field: &Field<'_>, width: usize) -> Result<Channel> {
    let text = field.text()?;
    let refused = || field.wrong("drive(q), control(c, t), readout(q) or acquire(q) of the device");
    let (kind, rest) = text.split_once('(').ok_or_else(refused)?;
    let inner = rest.strip_suffix(')').ok_or_else(refused)?;
    let qubits: Vec<usize> = inner
        .split(", ")
        .map(|q| q.parse().ok().filter(|q| *q < width).ok_or_else(refused))
        .collect::<Result<_>>()?;
    match (kind, &qubits[..]) {
        ("drive", [q]) => Ok(Channel::Drive(*q)),
        ("control", [c, t]) => Ok(Channel::Control(*c, *t)),
        ("readout", [q]) => Ok(Channel::Readout(*q)),
        ("acquire", [q]) => Ok(Channel::Acquire(*q)),
        _ => Err(refused()),
    }
}

pub(super) fn write(defaults: &PulseDefaults) -> String {
    let target = &defaults.target;
    let Timing { granularity, min_length, pulse_alignment, acquire_alignment } = target.timing();
    let timing = json!({
        "granularity": granularity, "min_length": min_length,
        "pulse_alignment": pulse_alignment, "acquire_alignment": acquire_alignment,
    });
    let qubits = (0..target.width()).map(|q| {
        let line = |channel: Channel| {
            let carrier = target.carrier(channel).map(|carrier| vec![carrier.in_hertz()]);
            carrier.map(|mut figures| {
                if let Some((low, high)) = target.band(channel) {
                    figures.extend([low.in_hertz(), high.in_hertz()]);
                }
                figures
            })
        };
        json!({ "drive": line(Channel::Drive(q)), "readout": line(Channel::Readout(q)) })
    });
    let gates = defaults.commands.iter().map(|((name, qubits), items)| {
        let steps: Vec<Value> = items.iter().map(values).collect();
        json!({ "name": name, "qubits": qubits, "steps": steps })
    });
    let head = [
        ("name", json!(target.name())),
        ("source", json!(defaults.source)),
        ("dt", json!(target.dt())),
        ("timing", timing),
        ("controls", json!(target.controls().collect::<Vec<_>>())),
    ];
    FORM.write(head, [("qubits", qubits.collect()), ("gates", gates.collect())])
}

fn values(item: &Item) -> Value {
    let pair = |z: &C64| json!([z.re, z.im]);
    let mut values = vec![json!(item.start), json!(item.channel.to_string())];
    match &item.what {
        What::Phase(Turn::Radians(phase)) => values.extend([json!("phase"), json!(phase)]),
        What::Phase(Turn::Parameter { index, sign }) => {
            let name = format!("{}P{index}", if *sign < 0.0 { "-" } else { "" });
            values.extend([json!("phase"), json!(name)]);
        }
        What::Delay(length) => values.extend([json!("delay"), json!(length)]),
        What::Capture(length) => values.extend([json!("capture"), json!(length)]),
        What::Sampled(samples) => {
            values.push(json!("samples"));
            values.extend(samples.iter().map(pair));
        }
        What::Pulse { shape, duration, amp, arguments } => {
            values.extend([json!(shape), json!(duration), pair(amp)]);
            values.extend(arguments.iter().map(|(_, value)| json!(value)));
        }
    }
    Value::Array(values)
}
