//! Schedules and timelines as text.

use std::fmt;

use super::timeline::{Action, Timeline};
use super::unit::short;
use super::{Schedule, Step};

/// The steps in the words of the language.
impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}:", self.name)?;
        self.steps.iter().try_for_each(|step| self.step(f, step, 1))
    }
}

impl Schedule {
    fn step(&self, f: &mut fmt::Formatter<'_>, step: &Step, depth: usize) -> fmt::Result {
        let name = |p: usize, f: &mut fmt::Formatter<'_>| f.write_str(&self.parameters.name(p));
        write!(f, "{:1$}", "", 4 * depth)?;
        match step {
            Step::Play { channel, waveform } => {
                write!(f, "play({channel}, ")?;
                waveform.write(f, name)?;
                writeln!(f, ")")
            }
            Step::Delay { channel, duration } => writeln!(f, "delay({channel}, {duration})"),
            Step::At { channel, time } => writeln!(f, "at({channel}, {time})"),
            Step::Barrier { qubits } => {
                let qubits: Vec<_> = qubits.iter().map(ToString::to_string).collect();
                writeln!(f, "barrier({})", qubits.join(", "))
            }
            Step::ShiftPhase { channel, phase } => {
                write!(f, "shift_phase({channel}, ")?;
                phase.write(f, name)?;
                writeln!(f, ")")
            }
            Step::SetPhase { channel, phase } => {
                write!(f, "set_phase({channel}, ")?;
                phase.write(f, name)?;
                writeln!(f, ")")
            }
            Step::ShiftFrequency { channel, frequency } => {
                writeln!(f, "shift_frequency({channel}, {frequency})")
            }
            Step::SetFrequency { channel, frequency } => writeln!(f, "set_frequency({channel}, {frequency})"),
            Step::Capture { qubit, duration, bit } => {
                writeln!(f, "bit {bit} = capture(acquire({qubit}), {duration})")
            }
            Step::Block { name, steps, reversed } => {
                writeln!(f, "{}{name}:", if *reversed { "reversed " } else { "" })?;
                steps.iter().try_for_each(|step| self.step(f, step, depth + 1))
            }
        }
    }
}

/// A line for each instruction: when it begins and ends, in samples, on which channel, and what it is.
impl fmt::Display for Timeline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nanoseconds = short(self.duration as f64 * self.dt * 1e9);
        writeln!(f, "{}: {} dt ({nanoseconds} ns)", self.name, self.duration)?;
        let channels: Vec<String> = self.events.iter().map(|event| event.channel.to_string()).collect();
        let wide = channels.iter().map(String::len).max().unwrap_or(0);
        let digits = self.duration.to_string().len();
        let name = |p: usize, f: &mut fmt::Formatter<'_>| f.write_str(&self.parameters.name(p));
        for (event, channel) in self.events.iter().zip(channels) {
            let end = event.start + event.duration;
            write!(f, "{:>digits$} .. {end:>digits$}  {channel:<wide$}  ", event.start)?;
            match &event.action {
                Action::Play { waveform, .. } => waveform.write(f, name)?,
                Action::Delay => write!(f, "idle")?,
                Action::ShiftPhase(phase) => {
                    write!(f, "phase ")?;
                    for (parameter, coefficient) in phase.terms() {
                        write!(f, "{}*{} + ", short(*coefficient), self.parameters.name(*parameter))?;
                    }
                    write!(f, "{}", short(phase.offset()))?;
                }
                Action::ShiftFrequency(frequency) => write!(f, "frequency {frequency}")?,
                Action::Capture { bit } => write!(f, "capture bit {bit}")?,
            }
            writeln!(f)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::Angle;
    use crate::pulse::{Duration, Frequency, ScheduleBuilder, Waveform, acquire, control, drive};

    #[test]
    fn schedules_print_in_the_words_of_the_language() {
        let dt = Duration::samples;
        let mut b = ScheduleBuilder::new("all");
        let amp: Angle = b.parameter("amp");
        b.play(control(0, 1), Waveform::gaussian_square(dt(848), -amp, dt(64), dt(592)));
        b.barrier(&[0, 1]);
        b.shift_phase(drive(1), Angle::degrees(-90.0) + amp);
        b.shift_frequency(drive(1), Frequency::megahertz(5.0));
        b.at(drive(1), Duration::nanoseconds(1000.0));
        b.capture(acquire(1), dt(160));
        let all = b.finish().unwrap();
        assert_eq!(
            all.to_string(),
            "all:\n    \
             play(control(0, 1), gaussian_square(duration = 848dt, amp = -amp, sigma = 64dt, width = 592dt))\n    \
             barrier(0, 1)\n    \
             shift_phase(drive(1), amp - pi/2)\n    \
             shift_frequency(drive(1), 5MHz)\n    \
             at(drive(1), 1us)\n    \
             bit 0 = capture(acquire(1), 160dt)\n"
        );
        assert_eq!(
            all.timeline(1e-9).unwrap().to_string(),
            "all: 1008 dt (1008 ns)\n   \
             0 ..  848  control(0, 1)  gaussian_square(duration = 848dt, amp = -amp, sigma = 64dt, width = 592dt)\n \
             848 ..  848  drive(1)       phase 1*amp + -1.5708\n \
             848 ..  848  drive(1)       frequency 5MHz\n \
             848 .. 1008  acquire(1)     capture bit 0\n"
        );
    }
}
