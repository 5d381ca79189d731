//! Groups of threads as their workers see them.

mod endings;
mod exchange;
mod faults;
mod interleavings;

use std::thread;

use ketline_fabric::{Endpoint, Options, threads};

/// Runs `work` on every worker of a group, which each drops its endpoint when it is done; what they return, by rank.
fn run<T: Send>(
    size: usize,
    options: &Options,
    work: impl Fn(&dyn Endpoint) -> T + Sync,
) -> Vec<thread::Result<T>> {
    let ends = threads(size, options).unwrap();
    let work = &work;
    thread::scope(|scope| {
        let workers: Vec<_> = ends.into_iter().map(|end| scope.spawn(move || work(&*end))).collect();
        workers.into_iter().map(thread::ScopedJoinHandle::join).collect()
    })
}

/// As [`run`], of workers that do not panic.
fn results<T: Send>(size: usize, options: &Options, work: impl Fn(&dyn Endpoint) -> T + Sync) -> Vec<T> {
    run(size, options, work).into_iter().map(|result| result.expect("no worker panics")).collect()
}

#[test]
fn threads_exchange() {
    for size in [1, 2, 3, 5] {
        for messages in [exchange::ROOM, 64] {
            let options = Options { messages, ..Options::default() };
            assert_eq!(results(size, &options, exchange::all), vec![Ok(()); size]);
        }
    }
}
