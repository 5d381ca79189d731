//! A fixed team of threads that takes numbered tasks without allocating.
//!
//! The steps of a plan take microseconds to milliseconds and follow one another at once, so a worker that has nothing to do
//! looks for work for a moment before it sleeps. A pool that queues boxed jobs would allocate in the steady state.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How long an idle worker looks for work before it sleeps.
const LOOK: Duration = Duration::from_micros(60);

#[derive(Clone, Copy)]
struct Job {
    /// Called with the worker's number and the task's.
    task: *const (dyn Fn(usize, usize) + Sync),
    tasks: usize,
}

// SAFETY: `Team::each` waits until no worker uses the pointer any more.
#[allow(unsafe_code)]
unsafe impl Send for Job {}

struct State {
    job: Option<Job>,
}

struct Board {
    state: Mutex<State>,
    wake: Condvar,
    done: Condvar,
    /// Counts jobs, so that a worker can look without the lock.
    epoch: AtomicUsize,
    next: AtomicUsize,
    /// Workers that are inside the job; changed under the lock.
    inside: AtomicUsize,
    quit: AtomicBool,
    failed: AtomicBool,
}

impl Board {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[allow(unsafe_code)]
    fn work(&self, worker: usize, job: Job) {
        loop {
            let k = self.next.fetch_add(1, Ordering::Relaxed);
            if k >= job.tasks {
                return;
            }
            // SAFETY: the job is alive until every worker inside has left.
            let task = unsafe { &*job.task };
            if catch_unwind(AssertUnwindSafe(|| task(worker, k))).is_err() {
                self.failed.store(true, Ordering::Relaxed);
            }
        }
    }

    fn serve(&self, worker: usize) {
        let mut seen = 0;
        loop {
            let since = Instant::now();
            while self.epoch.load(Ordering::Acquire) == seen && since.elapsed() < LOOK {
                std::hint::spin_loop();
            }
            let mut state = self.state();
            while self.epoch.load(Ordering::Acquire) == seen && !self.quit.load(Ordering::Acquire) {
                state = self.wake.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
            if self.quit.load(Ordering::Acquire) {
                return;
            }
            seen = self.epoch.load(Ordering::Acquire);
            let Some(job) = state.job else { continue };
            self.inside.fetch_add(1, Ordering::AcqRel);
            drop(state);
            self.work(worker, job);
            let _state = self.state();
            if self.inside.fetch_sub(1, Ordering::AcqRel) == 1 {
                self.done.notify_one();
            }
        }
    }
}

/// A team of threads, of which the caller is one.
pub struct Team {
    board: Arc<Board>,
    workers: Vec<JoinHandle<()>>,
    /// One job at a time.
    turn: Mutex<()>,
}

impl fmt::Debug for Team {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Team").field("threads", &self.threads()).finish()
    }
}

impl Team {
    /// A team of `threads`, at least one. Fewer are made where the system gives no more.
    pub fn new(threads: usize) -> Self {
        let board = Arc::new(Board {
            state: Mutex::new(State { job: None }),
            wake: Condvar::new(),
            done: Condvar::new(),
            epoch: AtomicUsize::new(0),
            next: AtomicUsize::new(0),
            inside: AtomicUsize::new(0),
            quit: AtomicBool::new(false),
            failed: AtomicBool::new(false),
        });
        let workers = (1..threads)
            .map_while(|k| {
                let board = Arc::clone(&board);
                std::thread::Builder::new().name(format!("ketline-{k}")).spawn(move || board.serve(k)).ok()
            })
            .collect();
        Self { board, workers, turn: Mutex::new(()) }
    }

    /// How many threads work, the caller included.
    pub fn threads(&self) -> usize {
        self.workers.len() + 1
    }

    /// Calls `task(0)` to `task(tasks - 1)`, in any order and on any thread, and returns when all are done.
    ///
    /// # Panics
    /// If a task does.
    pub fn each(&self, tasks: usize, task: impl Fn(usize) + Sync) {
        self.each_worker(tasks, |_, k| task(k));
    }

    /// Calls `task(worker, 0)` to `task(worker, tasks - 1)`, as [`each`](Self::each) does; a worker, of which there are as many
    /// as threads, does one task after another, so that it can have memory of its own.
    ///
    /// # Panics
    /// If a task does.
    #[allow(unsafe_code, clippy::transmute_ptr_to_ptr)] // a cast cannot change a lifetime
    pub fn each_worker(&self, tasks: usize, task: impl Fn(usize, usize) + Sync) {
        if tasks <= 1 || self.workers.is_empty() {
            (0..tasks).for_each(|k| task(0, k));
            return;
        }
        let turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let task: &(dyn Fn(usize, usize) + Sync) = &task;
        // SAFETY: only the lifetime is longer; no worker has the pointer when this function returns.
        let task: *const (dyn Fn(usize, usize) + Sync) =
            unsafe { std::mem::transmute(std::ptr::from_ref(task)) };
        let job = Job { task, tasks };
        {
            let mut state = self.board.state();
            state.job = Some(job);
            self.board.next.store(0, Ordering::Relaxed);
            self.board.epoch.fetch_add(1, Ordering::Release);
        }
        self.board.wake.notify_all();
        self.board.work(0, job);
        self.board.state().job = None;
        let since = Instant::now();
        while self.board.inside.load(Ordering::Acquire) > 0 && since.elapsed() < LOOK {
            std::hint::spin_loop();
        }
        let mut state = self.board.state();
        while self.board.inside.load(Ordering::Acquire) > 0 {
            state = self.board.done.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        drop(state);
        let failed = self.board.failed.swap(false, Ordering::Relaxed);
        drop(turn);
        if failed {
            resume_unwind(Box::new("a task of the team panicked"));
        }
    }

    /// Calls `task(start, end)` for consecutive parts of `0..length` of `grain` each, the last one shorter.
    pub(crate) fn parts(&self, length: usize, grain: usize, task: impl Fn(usize, usize) + Sync) {
        let grain = grain.max(1);
        self.each(length.div_ceil(grain), |k| task(k * grain, length.min((k + 1) * grain)));
    }
}

impl Drop for Team {
    fn drop(&mut self) {
        {
            let _state = self.board.state();
            self.board.quit.store(true, Ordering::Release);
            self.board.epoch.fetch_add(1, Ordering::Release);
        }
        self.board.wake.notify_all();
        for worker in self.workers.drain(..) {
            // a worker catches what its tasks throw
            let _ = worker.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU64;

    use super::*;

    #[test]
    fn every_task_runs_once() {
        for threads in [1, 2, 3] {
            let team = Team::new(threads);
            assert_eq!(team.threads(), threads);
            for tasks in [0, 1, 2, 7, 1000] {
                let (sum, count) = (AtomicU64::new(0), AtomicU64::new(0));
                for _ in 0..50 {
                    team.each(tasks, |k| {
                        sum.fetch_add(k as u64, Ordering::Relaxed);
                        count.fetch_add(1, Ordering::Relaxed);
                    });
                }
                let tasks = tasks as u64;
                assert_eq!(count.into_inner(), 50 * tasks);
                assert_eq!(sum.into_inner(), 50 * (tasks * tasks.saturating_sub(1) / 2));
            }
        }
    }

    #[test]
    fn a_worker_does_one_task_after_another() {
        let team = Team::new(3);
        let busy = [const { AtomicBool::new(false) }; 3];
        let count = AtomicU64::new(0);
        team.each_worker(5000, |worker, _| {
            assert!(!busy[worker].swap(true, Ordering::AcqRel), "worker {worker}");
            count.fetch_add(1, Ordering::Relaxed);
            busy[worker].store(false, Ordering::Release);
        });
        assert_eq!(count.into_inner(), 5000);
    }

    #[test]
    fn a_panic_reaches_the_caller_and_the_team_lives_on() {
        let team = Team::new(2);
        let caught = catch_unwind(AssertUnwindSafe(|| team.each(10, |k| assert_ne!(k, 7))));
        assert!(caught.is_err());
        let count = AtomicU64::new(0);
        team.each(10, |_| {
            count.fetch_add(1, Ordering::Relaxed);
        });
        assert_eq!(count.into_inner(), 10);
    }
}
