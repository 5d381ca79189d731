//! What each node of a model takes and holds, a row a node.

use std::fmt;

use crate::plan::{Chain, Clock, Derived};

/// What a forward node and the backward nodes that differentiate it come to, for one micro-batch.
#[derive(Debug, Clone, PartialEq)]
pub struct ProfileRow {
    /// Number of the forward node in [`Derived::graph`].
    pub node: usize,
    /// Scope and operator.
    pub name: String,
    /// Its layer; `all` in a model without.
    pub layer: String,
    /// Seconds of the forward node.
    pub forward: f64,
    /// Seconds of its backward nodes together.
    pub backward: f64,
    /// Bytes that it makes and the backward pass reads.
    pub saved: u64,
    /// Bytes of scratch memory, of those of its nodes that need most.
    pub workspace: u64,
    /// Bytes that go on over a cut right after it, and bytes that come back; none where no stage can end.
    pub crossing: Option<(u64, u64)>,
}

/// Times and bytes of nodes by samples in a micro-batch: a row for each forward node that is no view.
///
/// ```
/// use ketline_model::models::mlp;
/// use ketline_model::plan::{Chain, Cluster, Derived, ProfileTable, Times};
/// use ketline_model::Sizes;
///
/// let derived = Derived::new(&mlp(&[32, 64, 10])?)?;
/// let sizes = Sizes::new().with("B", 8);
/// let times = Times::of_cluster(&derived, &sizes, &Cluster::pcie_16gb())?;
/// let chain = Chain::new(&derived, &sizes, &times, 1)?;
/// let table = ProfileTable::new(&derived, &chain, 8);
/// let saved: u64 = table.rows.iter().map(|row| row.saved).sum();
/// assert_eq!(saved, chain.saved(&(0..chain.nodes())));
/// println!("{table}");
/// # Ok::<(), ketline_model::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct ProfileTable {
    /// Samples in a micro-batch.
    pub samples: usize,
    /// Where its times come from.
    pub clock: Clock,
    /// The nodes, in order.
    pub rows: Vec<ProfileRow>,
}

impl ProfileTable {
    /// The table of a model that was laid out for so many samples.
    pub fn new(derived: &Derived, chain: &Chain, samples: usize) -> Self {
        let graph = derived.graph();
        let rows =
            graph.nodes().iter().zip(&chain.forward).enumerate().filter_map(|(node, (named, step))| {
                let backward = &chain.backward[chain.backward_of(&(node..node + 1))];
                if named.operator.is_view() && backward.is_empty() {
                    return None;
                }
                Some(ProfileRow {
                    node,
                    name: named.name.clone(),
                    layer: graph.stage_name(named.stage).into(),
                    forward: step.seconds,
                    backward: backward.iter().map(|step| step.seconds).sum(),
                    saved: chain.saved(&(node..node + 1)),
                    workspace: backward.iter().map(|step| step.workspace).fold(step.workspace, u64::max),
                    crossing: chain.can_cut(node + 1).then(|| chain.crossing_each(node + 1)),
                })
            });
        Self { samples, clock: chain.clock(), rows: rows.collect() }
    }

    /// The first row that is about another node, or other bytes, than in another table: what it says, and what the other one does.
    pub(super) fn difference(&self, other: &Self) -> Option<(String, String)> {
        let says =
            |table: &Self, k: usize| table.rows.get(k).map_or("no more nodes".into(), ProfileRow::bytes);
        let rows = 0..self.rows.len().max(other.rows.len());
        rows.map(|k| (says(self, k), says(other, k))).find(|(found, expected)| found != expected)
    }
}

impl ProfileRow {
    /// All but its times.
    fn bytes(&self) -> String {
        let Self { node, name, layer, saved, workspace, .. } = self;
        let crossing = self.crossing.map_or("no cut after it".into(), |(on, back)| {
            format!("{on} bytes on and {back} back over a cut after it")
        });
        format!(
            "node {node}, `{name}` of `{layer}`: {saved} bytes saved, {workspace} of workspace, {crossing}"
        )
    }
}

/// Titles of the columns.
const COLUMNS: [&str; 8] =
    ["node", "name", "layer", "forward/ms", "backward/ms", "saved/MiB", "workspace/MiB", "on+back/MiB"];

impl fmt::Display for ProfileTable {
    /// A line for each node, then their sums. With a precision, as in `{table:.12}`, only so many nodes have a line, those that take
    /// longest first; the sums are those of all.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown: Vec<&ProfileRow> = self.rows.iter().collect();
        if let Some(most) = f.precision() {
            let seconds = |row: &ProfileRow| row.forward + row.backward;
            shown.sort_by(|a, b| seconds(b).total_cmp(&seconds(a)));
            shown.truncate(most);
        }
        let ms = |seconds: f64| format!("{:.3}", 1e3 * seconds);
        let mib = |bytes: u64| format!("{:.3}", bytes as f64 / f64::from(1 << 20));
        let lines = shown.into_iter().map(|row| {
            let crossing = row.crossing.map(|(on, back)| format!("{}+{}", mib(on), mib(back)));
            [
                row.node.to_string(),
                row.name.clone(),
                row.layer.clone(),
                ms(row.forward),
                ms(row.backward),
                mib(row.saved),
                mib(row.workspace),
                crossing.unwrap_or("no cut".into()),
            ]
        });
        let seconds = |of: fn(&ProfileRow) -> f64| ms(self.rows.iter().map(of).sum());
        let sums = [
            String::new(),
            format!("all {}", self.rows.len()),
            String::new(),
            seconds(|row| row.forward),
            seconds(|row| row.backward),
            mib(self.rows.iter().map(|row| row.saved).sum()),
            String::new(),
            String::new(),
        ];
        let lines: Vec<_> = std::iter::once(COLUMNS.map(String::from)).chain(lines).chain([sums]).collect();
        let mut widths = [0; COLUMNS.len()];
        for line in &lines {
            for (width, cell) in widths.iter_mut().zip(line) {
                *width = (*width).max(cell.chars().count());
            }
        }
        writeln!(f, "{} samples in a micro-batch, times {}:", self.samples, self.clock)?;
        for line in &lines {
            let cells = line.iter().zip(widths).enumerate().map(|(column, (cell, width))| match column {
                1 | 2 => format!("{cell:width$}"),
                _ => format!("{cell:>width$}"),
            });
            writeln!(f, "{}", cells.collect::<Vec<_>>().join("  ").trim_end())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::{Transformer, conv_net};
    use crate::plan::{Cluster, Times};
    use crate::{Graph, Sizes};

    fn laid_out(graph: &Graph) -> (Derived, Chain) {
        let derived = Derived::new(graph).unwrap();
        let sizes = Sizes::new().with("B", 4).with("P", 8);
        let times = Times::of_cluster(&derived, &sizes, &Cluster::pcie_16gb()).unwrap();
        let chain = Chain::new(&derived, &sizes, &times, 2).unwrap();
        (derived, chain)
    }

    fn transformer() -> Graph {
        Transformer { layers: 2, length: 16, width: 32, ..Transformer::default() }.bert().unwrap()
    }

    #[test]
    fn rows_sum_up_to_the_chain() {
        for graph in [transformer(), conv_net(3, 16, 8, 10).unwrap()] {
            let (derived, chain) = laid_out(&graph);
            let ProfileTable { rows, .. } = ProfileTable::new(&derived, &chain, 4);
            let all = 0..chain.nodes();
            let seconds: f64 = rows.iter().map(|row| row.forward + row.backward).sum();
            assert!((seconds / chain.seconds(&all) - 1.0).abs() < 1e-12, "{seconds}");
            assert!(rows.iter().all(|row| row.forward > 0.0) && rows.iter().any(|row| row.backward > 0.0));
            assert_eq!(rows.iter().map(|row| row.saved).sum::<u64>(), chain.saved(&all));
            let steps = chain.forward.iter().chain(&chain.backward);
            assert_eq!(rows.iter().map(|row| row.workspace).max(), steps.map(|step| step.workspace).max());
            // a cut before a view is one after the row before it
            let cuts = rows.iter().map(|row| row.node + 1).filter(|&cut| chain.can_cut(cut));
            let crossing = rows.iter().filter_map(|row| row.crossing).map(|(on, back)| on + back);
            assert_eq!(crossing.sum::<u64>(), cuts.map(|cut| chain.crossing(cut)).sum::<u64>());
            assert_eq!(rows.last().unwrap().crossing, None);
            let views = derived.graph().nodes()[all].iter().filter(|node| node.operator.is_view()).count();
            assert_eq!(rows.len() + views, chain.nodes());
        }
    }

    #[test]
    fn a_table_shows_all_rows_or_the_longest() {
        let (derived, chain) = laid_out(&transformer());
        let table = ProfileTable::new(&derived, &chain, 4);
        let (all, few) = (table.to_string(), format!("{table:.3}"));
        assert_eq!(all.lines().count(), table.rows.len() + 3, "{all}");
        assert_eq!(few.lines().count(), 3 + 3, "{few}");
        let last = |text: &str| text.lines().last().unwrap().split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(last(&all), last(&few));
        let longest = table.rows.iter().map(|row| row.forward + row.backward).fold(0.0, f64::max);
        let first = few.lines().nth(2).unwrap().split_whitespace().next().unwrap().parse().unwrap();
        assert_eq!(chain.seconds(&(first..first + 1)), longest);
        assert!(all.contains("no cut") && all.contains("forward/ms"), "{all}");
    }

    #[test]
    fn tables_differ_in_bytes_and_not_in_times() {
        let (derived, chain) = laid_out(&transformer());
        let table = ProfileTable::new(&derived, &chain, 4);
        let mut other = table.clone();
        other.rows[0].forward += 1.0;
        assert_eq!(table.difference(&other), None);
        other.rows.pop();
        assert_eq!(table.difference(&other).unwrap().1, "no more nodes");
        other.rows[1].saved += 1;
        let (found, expected) = table.difference(&other).unwrap();
        assert!(found.starts_with("node 1") && found != expected, "{found} {expected}");
    }
}
