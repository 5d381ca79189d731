//! A circuit as text.

use std::fmt;

use super::Circuit;
use super::drawing::{Drawing, Mark};

/// How many characters wide a drawing may become before it goes on below.
const LINE: usize = 110;

/// Draws the circuit, time to the right, one wire a qubit.
///
/// ```
/// use ketline_quantum::{Builder, Qubits};
///
/// let mut b = Builder::new("bell");
/// let q: Qubits<2> = b.register("q");
/// b.h(q.at(0));
/// b.cx(q.at(0), q.at(1));
/// assert_eq!(
///     b.finish()?.to_string(),
///     "q[0]: ─[h]──●─\n            │ \nq[1]: ──────⊕─\n"
/// );
/// # Ok::<(), ketline_quantum::Error>(())
/// ```
impl fmt::Display for Circuit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let drawing = Drawing::of(self);
        let columns = cells(&drawing);
        let margin = drawing.wires.iter().map(|wire| wire.chars().count()).max().unwrap_or(0) + 2;
        let mut rest = &columns[..];
        loop {
            let mut used = margin;
            let fitting = rest.iter().take_while(|column| {
                used += column.width;
                used <= LINE
            });
            let (now, later) = rest.split_at(fitting.count().max(1).min(rest.len()));
            for (row, line) in (0..2 * drawing.wires.len().max(1) - 1).map(|row| (row, row / 2)) {
                match (row % 2, drawing.wires.get(line)) {
                    (0, Some(wire)) => write!(f, "{:margin$}", format!("{wire}: "))?,
                    _ => write!(f, "{:margin$}", "")?,
                }
                for column in now {
                    f.write_str(&column.rows[row])?;
                }
                writeln!(f)?;
            }
            if later.is_empty() {
                return Ok(());
            }
            writeln!(f)?;
            rest = later;
        }
    }
}

/// One column as text: a row a wire, and a row between each two.
struct Column {
    width: usize,
    rows: Vec<String>,
}

fn cells(drawing: &Drawing) -> Vec<Column> {
    let rows = 2 * drawing.wires.len().max(1) - 1;
    let mut columns: Vec<Vec<Option<String>>> = vec![vec![None; rows]; drawing.columns];
    for element in &drawing.elements {
        let column = &mut columns[element.column];
        let wires = element.marks.iter().map(|(wire, _)| *wire);
        if let (true, Some(low), Some(high)) = (element.joined, wires.clone().min(), wires.max()) {
            for (row, cell) in column.iter_mut().enumerate().take(2 * high + 1).skip(2 * low) {
                *cell = Some(if row % 2 == 0 { "┼" } else { "│" }.to_owned());
            }
        }
        for (wire, mark) in &element.marks {
            column[2 * wire] = Some(match mark {
                Mark::Control => "●".to_owned(),
                Mark::Not => "⊕".to_owned(),
                Mark::Cross => "╳".to_owned(),
                Mark::Bar => "░".to_owned(),
                Mark::Label(label) => format!("[{label}]"),
            });
        }
    }
    let finish = |cells: Vec<Option<String>>| {
        let inner = cells.iter().flatten().map(|cell| cell.chars().count()).max().unwrap_or(1);
        let pad = |row: usize, cell: Option<String>| {
            let line = ["─", " "][row % 2];
            let cell = cell.unwrap_or(line.to_owned());
            let space = inner - cell.chars().count();
            let (left, right) = (1 + space / 2, 1 + space - space / 2);
            format!("{}{cell}{}", line.repeat(left), line.repeat(right))
        };
        Column {
            width: inner + 2,
            rows: cells.into_iter().enumerate().map(|(row, cell)| pad(row, cell)).collect(),
        }
    };
    columns.into_iter().map(finish).collect()
}
