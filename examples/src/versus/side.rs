//! One side of a comparison: a process that answers lines of JSON.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

/// A process that runs workloads when it is asked to.
#[derive(Debug)]
pub struct Side {
    process: Child,
    questions: ChildStdin,
    answers: Receiver<String>,
}

/// What is wrong with a side, in words.
pub type Complaint = String;

impl Side {
    /// Starts the process.
    ///
    /// # Errors
    /// If it does not start.
    pub fn start(mut command: Command) -> Result<Self, Complaint> {
        let mut process = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| format!("did not start: {error}"))?;
        let (Some(questions), Some(out)) = (process.stdin.take(), process.stdout.take()) else {
            return Err("has no pipes".to_owned());
        };
        let (sender, answers) = channel();
        thread::spawn(move || {
            for line in BufReader::new(out).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        Ok(Self { process, questions, answers })
    }

    /// The number of the process.
    pub fn process(&self) -> u32 {
        self.process.id()
    }

    /// The mean time of so many runs in a row, in seconds.
    ///
    /// # Errors
    /// As [`ask`](Self::ask), or an answer without seconds.
    pub fn run(&mut self, times: u64, limit: Duration) -> Result<f64, Complaint> {
        let answer = self.ask(&json!({ "ask": "run", "times": times }), limit)?;
        let seconds = answer["seconds"].as_f64().filter(|seconds| *seconds > 0.0);
        seconds.ok_or_else(|| format!("answered {answer}, expected seconds"))
    }

    /// One question and its answer.
    ///
    /// # Errors
    /// What the process says is wrong, or that it says nothing in time.
    pub fn ask(&mut self, question: &Value, limit: Duration) -> Result<Value, Complaint> {
        let sent = writeln!(self.questions, "{question}").and_then(|()| self.questions.flush());
        let line = match (sent, self.answers.recv_timeout(limit)) {
            (Ok(()), Ok(line)) => line,
            (_, Err(RecvTimeoutError::Timeout)) => {
                // what still runs would disturb the others
                let _ = self.process.kill();
                return Err(format!("gave no answer in {} s", limit.as_secs()));
            }
            _ => return Err(self.ending()),
        };
        let answer: Value = serde_json::from_str(&line).map_err(|_| format!("answered `{line}`"))?;
        match answer["error"].as_str() {
            Some(error) => Err(error.to_owned()),
            None => Ok(answer),
        }
    }

    /// Whether the process still runs.
    pub(super) fn lives(&mut self) -> bool {
        matches!(self.process.try_wait(), Ok(None))
    }

    fn ending(&mut self) -> Complaint {
        match self.process.wait() {
            Ok(status) => format!("ended: {status}"),
            Err(error) => format!("ended: {error}"),
        }
    }
}

impl Drop for Side {
    fn drop(&mut self) {
        // an end that is already there is fine
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
