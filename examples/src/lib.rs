//! What every example shares: arguments, the `--json` line, plots.
