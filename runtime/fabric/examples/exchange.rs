//! What every fabric must carry, and how its workers end, between the processes that `mpirun` started:
//!
//! `mpirun -n 2 target/debug/examples/exchange all`, or `leave`, `abort`: ends with 0 if all is as it should be. With `hang` MPI
//! kills the group: 1.

#[path = "../tests/group/exchange.rs"]
mod exchange;

use std::env;
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use ketline_fabric::{Endpoint, Error, Options, Result, mpi};

fn main() -> ExitCode {
    let what = env::args().nth(1).unwrap_or_default();
    let patience = Duration::from_secs(if what == "hang" { 1 } else { 60 });
    let options = Options { messages: exchange::ROOM, patience };
    match mpi(&options).and_then(|end| work(&*end, &what)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn work(end: &dyn Endpoint, what: &str) -> Result<()> {
    match what {
        "all" => exchange::all(end),
        "leave" => leave(end),
        "abort" => abort(end),
        "hang" => hang(end),
        _ => panic!("found `{what}`, expected all, leave, abort or hang"),
    }
}

/// The first worker leaves; what it sent arrives, and then it is missed by all.
fn leave(end: &dyn Endpoint) -> Result<()> {
    let mut bytes = vec![0; 1_000_000];
    if end.rank() == 0 {
        return (1..end.size()).try_for_each(|peer| end.send(peer, 0, &bytes));
    }
    assert_eq!(end.receive(0, 1, &mut []), Err(Error::Gone { peer: 0 }));
    end.receive(0, 0, &mut bytes)?;
    assert_eq!(end.receive(0, 0, &mut bytes), Err(Error::Gone { peer: 0 }));
    assert_eq!(end.send(0, 0, &bytes), Err(Error::Gone { peer: 0 }));
    Ok(())
}

/// The last worker ends the work, while others wait for what it does not send or take, or leave what it sent.
fn abort(end: &dyn Endpoint) -> Result<()> {
    let last = end.size() - 1;
    let bytes = vec![0; 1_000_000];
    if end.rank() == last {
        (0..last).try_for_each(|peer| end.send(peer, 0, &bytes))?;
        end.abort("no more");
    }
    let aborted = Err(Error::Aborted { rank: last, reason: "no more".into() });
    assert_eq!(end.receive(last, 1, &mut []), aborted);
    let sent = (0..100).try_for_each(|_| end.send(last, 0, &bytes));
    assert_eq!(sent, aborted);
    Ok(())
}

/// The first worker neither talks nor leaves: the others run out of patience, and have the group killed.
fn hang(end: &dyn Endpoint) -> Result<()> {
    if end.rank() == 0 {
        thread::sleep(Duration::from_mins(10));
    }
    let error = end.receive(0, 0, &mut []).unwrap_err();
    assert!(matches!(error, Error::Patience { peer: 0, .. }), "{error}");
    end.abort(&error.to_string());
    Err(error)
}
