//! IBM's pulse defaults: `defs_*.json`, with the lines of the device in `conf_*.json`.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Item, PulseDefaults, Turn, What};
use crate::device::calibration::{MAX_QUBITS, Reading, Trap, Warning};
use crate::device::document::Field;
use crate::pulse::{Channel, Frequency, PulseTarget, Timing};
use crate::{C64, Error, Result};

/// Below this, a `dt` can only be in seconds, and above it a frequency only in hertz: nanoseconds and gigahertz are the rule.
const DT_IN_SECONDS: f64 = 1e-6;
const HERTZ: f64 = 1e6;
/// Longest pulse or delay, in samples.
const LONGEST: usize = 1 << 24;
/// Most gates, instructions of a gate, control lines, and samples in the library.
const MOST: usize = 1 << 16;
const MOST_SAMPLES: usize = 1 << 22;

type Library = BTreeMap<String, Arc<[C64]>>;

pub(super) fn read(defs: &Field<'_>, conf: &Field<'_>) -> Result<PulseDefaults> {
    let mut warnings = Vec::new();
    let commands_field = defs.get("cmd_def")?;
    if !(1..=MOST).contains(&commands_field.len()) {
        return Err(commands_field.wrong(&format!("a list of 1 to {MOST} gates")));
    }
    let width = conf.get("n_qubits")?.index(MAX_QUBITS + 1)?;
    let lines = lines(conf, width)?;
    let target = target(defs, conf, width, &lines, &mut warnings)?;
    let library = library(defs)?;
    let mut commands = BTreeMap::new();
    for command in commands_field.items()? {
        let name = command.get("name")?.text()?.to_owned();
        let list = command.get("qubits")?;
        let qubits: Vec<usize> = list.items()?.map(|q| q.index(width)).collect::<Result<_>>()?;
        let sequence = command.get("sequence")?;
        if sequence.len() > MOST {
            return Err(sequence.wrong(&format!("at most {MOST} instructions")));
        }
        let mut items = Vec::new();
        for item in sequence.items()? {
            self::item(&item, &qubits, width, &lines, &library, &mut items)?;
        }
        if commands.insert((name, qubits), items).is_some() {
            return Err(command.wrong("each gate once"));
        }
    }
    Ok(PulseDefaults { source: String::new(), target, commands, reading: Reading::Strict, warnings })
}

/// Control and target of each control line `u0`, `u1` and so on.
fn lines(conf: &Field<'_>, width: usize) -> Result<Vec<(usize, usize)>> {
    let Some(carriers) = conf.find("u_channel_lo") else { return Ok(Vec::new()) };
    if carriers.len() > MOST {
        return Err(carriers.wrong(&format!("at most {MOST} control lines")));
    }
    let edges: Vec<(usize, usize)> = match conf.find("coupling_map") {
        Some(map) => map.items()?.map(|edge| edge.edge(width)).collect::<Result<_>>()?,
        None => Vec::new(),
    };
    let channels = conf.find("channels");
    let mut lines = Vec::new();
    for (place, carrier) in carriers.items()?.enumerate() {
        let sources: Vec<Field<'_>> = carrier.items()?.collect();
        let [source] = &sources[..] else {
            return Err(carrier.wrong("the frequency of one qubit"));
        };
        let target = source.get("q")?.index(width)?;
        let named = channels.as_ref().and_then(|channels| channels.find(&format!("u{place}")));
        let line = match named {
            Some(line) => Some(line.get("operates")?.get("qubits")?.edge(width)?),
            None => edges.get(place).copied(),
        };
        match line {
            Some(line) if line.1 == target && !lines.contains(&line) => lines.push(line),
            _ => return Err(carrier.wrong("the target of the coupling with the same number, each once")),
        }
    }
    Ok(lines)
}

fn target(
    defs: &Field<'_>,
    conf: &Field<'_>,
    width: usize,
    lines: &[(usize, usize)],
    warnings: &mut Vec<Warning>,
) -> Result<PulseTarget> {
    let full_name = conf.get("backend_name")?.text()?;
    let name = full_name.trim_start_matches("ibmq_").trim_start_matches("ibm_");
    let dt_field = conf.get("dt")?;
    let mut dt = dt_field.number()?;
    if dt > 0.0 && dt < DT_IN_SECONDS {
        let (file, field) = (conf.file.into(), "dt".into());
        warnings.push(Warning { file, field, value: Some(dt), trap: Trap::DtInSeconds });
    } else {
        dt /= 1e9;
    }
    if dt <= 0.0 {
        return Err(dt_field.wrong("a positive number"));
    }
    let timing = match conf.find("timing_constraints") {
        Some(constraints) => {
            let of = |name: &str| match constraints.find(name) {
                Some(field) => field.index(MOST).map(|n| n.max(1)),
                None => Ok(1),
            };
            Timing {
                granularity: of("granularity")?,
                min_length: of("min_length")?,
                pulse_alignment: of("pulse_alignment")?,
                acquire_alignment: of("acquire_alignment")?,
            }
        }
        None => Timing::default(),
    };
    let mut target = PulseTarget::new(name, dt, timing, width)?.with_controls(lines.iter().copied())?;
    let drives: fn(usize) -> Channel = Channel::Drive;
    for (carriers, bands, of) in
        [("qubit_freq_est", "qubit_lo_range", drives), ("meas_freq_est", "meas_lo_range", Channel::Readout)]
    {
        let list = defs.get(carriers)?;
        if list.len() != width {
            return Err(list.wrong(&format!("{width} frequencies, as many as qubits in {}", conf.file)));
        }
        let bands = conf.find(bands).map(|bands| bands.items()).transpose()?;
        let mut bands = bands.into_iter().flatten();
        for (qubit, carrier) in list.items()?.enumerate() {
            let band = bands.next().map(|band| self::band(&band)).transpose()?;
            target = target.with_carrier(of(qubit), frequency(&carrier)?, band);
        }
    }
    Ok(target)
}

fn band(band: &Field<'_>) -> Result<(Frequency, Frequency)> {
    let ends: Vec<Frequency> = band.items()?.map(|end| frequency(&end)).collect::<Result<_>>()?;
    match ends[..] {
        [low, high] if low <= high => Ok((low, high)),
        _ => Err(band.wrong("a lowest and a highest frequency")),
    }
}

fn frequency(field: &Field<'_>) -> Result<Frequency> {
    let number = field.number()?;
    Ok(if number.abs() > HERTZ { Frequency::hertz(number) } else { Frequency::gigahertz(number) })
}

fn library(defs: &Field<'_>) -> Result<Library> {
    let (mut library, mut total) = (Library::new(), 0);
    let Some(pulses) = defs.find("pulse_library") else { return Ok(library) };
    for pulse in pulses.items()? {
        let samples = pulse.get("samples")?;
        total += samples.len();
        if total > MOST_SAMPLES {
            return Err(samples.wrong(&format!("at most {MOST_SAMPLES} samples in all pulses")));
        }
        let samples = samples.items()?.map(|sample| complex(&sample)).collect::<Result<_>>()?;
        library.insert(pulse.get("name")?.text()?.to_owned(), samples);
    }
    Ok(library)
}

pub(super) fn complex(field: &Field<'_>) -> Result<C64> {
    let parts: Vec<f64> = field.items()?.map(|part| part.number()).collect::<Result<_>>()?;
    match parts[..] {
        [re, im] => Ok(C64::new(re, im)),
        _ => Err(field.wrong("a real and an imaginary part")),
    }
}

fn item(
    item: &Field<'_>,
    qubits: &[usize],
    width: usize,
    lines: &[(usize, usize)],
    library: &Library,
    items: &mut Vec<Item>,
) -> Result<()> {
    let start = item.get("t0")?.index(LONGEST)?;
    let name_field = item.get("name")?;
    let name = name_field.text()?;
    if name == "acquire" {
        let length = item.get("duration")?.index(LONGEST)?;
        // All qubits are listened to at once; those of the gate are meant.
        for listened in item.get("qubits")?.items()? {
            let qubit = listened.index(width)?;
            if qubits.contains(&qubit) {
                items.push(Item { start, channel: Channel::Acquire(qubit), what: What::Capture(length) });
            }
        }
        return Ok(());
    }
    let channel = channel(&item.get("ch")?, width, lines)?;
    let what = match name {
        "fc" => What::Phase(Turn::read(&item.get("phase")?)?),
        "delay" => What::Delay(item.get("duration")?.index(LONGEST)?),
        "parametric_pulse" => pulse(item)?,
        other => match library.get(other) {
            // The identity is published as samples of silence.
            Some(samples) if samples.iter().all(|sample| *sample == C64::ZERO) => What::Delay(samples.len()),
            Some(samples) => What::Sampled(samples.clone()),
            None => {
                return Err(
                    name_field.wrong("fc, delay, parametric_pulse, acquire or a pulse of the library")
                );
            }
        },
    };
    items.push(Item { start, channel, what });
    Ok(())
}

fn pulse(item: &Field<'_>) -> Result<What> {
    let shape = item.get("pulse_shape")?;
    let (shape, wanted): (&str, &[&str]) = match shape.text()? {
        "drag" => ("drag", &["sigma", "beta"]),
        "gaussian" => ("lifted_gaussian", &["sigma"]),
        "gaussian_square" => ("gaussian_square", &["sigma", "width"]),
        "gaussian_square_drag" => ("gaussian_square_drag", &["sigma", "width", "beta"]),
        "constant" => ("constant", &[]),
        _ => return Err(shape.wrong("drag, gaussian, gaussian_square, gaussian_square_drag or constant")),
    };
    let parameters = item.get("parameters")?;
    if parameters.len() != wanted.len() + 2 {
        return Err(parameters.wrong(&format!("amp, duration, {}", wanted.join(", "))));
    }
    let argument = |name: &&str| Ok(((*name).to_owned(), parameters.get(name)?.number()?));
    Ok(What::Pulse {
        shape: shape.into(),
        duration: parameters.get("duration")?.index(LONGEST)?,
        amp: complex(&parameters.get("amp")?)?,
        arguments: wanted.iter().map(argument).collect::<Result<_>>()?,
    })
}

fn channel(field: &Field<'_>, width: usize, lines: &[(usize, usize)]) -> Result<Channel> {
    let text = field.text()?;
    let refused = || field.wrong("a channel d, m or a of a qubit, or u of a control line");
    let split = text.char_indices().nth(1).map_or(text.len(), |(place, _)| place);
    let (kind, digits) = text.split_at(split);
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(refused());
    }
    let number: usize = digits.parse().map_err(|_| refused())?;
    match kind {
        "d" if number < width => Ok(Channel::Drive(number)),
        "m" if number < width => Ok(Channel::Readout(number)),
        "a" if number < width => Ok(Channel::Acquire(number)),
        "u" => lines.get(number).map(|(c, t)| Channel::Control(*c, *t)).ok_or_else(refused),
        _ => Err::<_, Error>(refused()),
    }
}
