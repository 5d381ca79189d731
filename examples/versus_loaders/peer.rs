//! Processes that read an epoch when they are told to.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use serde::Deserialize;

/// What a run did.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
pub(crate) struct Run {
    pub(crate) seconds: f64,
    pub(crate) samples: u64,
    pub(crate) distinct: u64,
    /// Whether it was stopped before its end.
    pub(crate) partial: bool,
    /// Distinct 256ths of the set in a batch, on average.
    pub(crate) bins: f64,
    /// Distinct chunks in a batch, where there are chunks.
    #[serde(default)]
    pub(crate) chunks: f64,
    /// What the plan says is resident at most.
    #[serde(default)]
    pub(crate) planned: f64,
}

impl Run {
    /// Samples a second.
    pub(crate) fn rate(&self) -> f64 {
        self.samples as f64 / self.seconds
    }
}

/// A process that has opened its set and waits.
#[derive(Debug)]
pub(crate) struct Waiting {
    child: Child,
    input: ChildStdin,
    /// Taken while it runs.
    output: Option<BufReader<ChildStdout>>,
}

impl Waiting {
    /// Starts a command and waits until it says that it is ready.
    pub(crate) fn start(mut command: Command) -> Result<Self, String> {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(|error| error.to_string())?;
        let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err("its input and output are closed".into());
        };
        let mut output = BufReader::new(output);
        let mut waiting = Self { child, input, output: None };
        loop {
            let mut line = String::new();
            let read = output.read_line(&mut line).map_err(|error| error.to_string())?;
            match line.trim() {
                "ready" => {
                    waiting.output = Some(output);
                    return Ok(waiting);
                }
                // libraries greet their users
                _ if read > 0 => {}
                _ => return Err(waiting.complaint()),
            }
        }
    }

    pub(crate) fn process(&self) -> u32 {
        self.child.id()
    }

    /// Lets it read, for at most so long.
    pub(crate) fn run(mut self, limit: Duration) -> Result<Run, String> {
        if self.input.write_all(b"go\n").is_err() {
            return Err(self.complaint());
        }
        let (sender, receiver) = mpsc::channel();
        let Some(mut output) = self.output.take() else { return Err("its output is closed".into()) };
        thread::spawn(move || {
            let mut line = String::new();
            while output.read_line(&mut line).is_ok_and(|read| read > 0) {
                if let Ok(run) = serde_json::from_str::<Run>(line.trim()) {
                    let _ = sender.send(run);
                }
                line.clear();
            }
        });
        match receiver.recv_timeout(limit) {
            Ok(run) => Ok(run),
            Err(mpsc::RecvTimeoutError::Timeout) => Err(format!("took more than {} s", limit.as_secs())),
            Err(mpsc::RecvTimeoutError::Disconnected) => Err(self.complaint()),
        }
    }

    /// Why it ended.
    fn complaint(&mut self) -> String {
        let status = self.child.wait().map(|status| status.to_string()).unwrap_or_default();
        let mut text = String::new();
        if let Some(stderr) = &mut self.child.stderr {
            let _ = stderr.take(1 << 20).read_to_string(&mut text);
        }
        let last = text.lines().rfind(|line| !line.trim().is_empty()).unwrap_or_default();
        if status.contains("signal: 9") {
            "was killed by its limit on memory".into()
        } else {
            format!("{status}: {last}")
        }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        // It has ended or is not wanted; its own children end with their pipes.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
