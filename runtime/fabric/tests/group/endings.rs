//! How waiting ends where no message comes.

use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use ketline_fabric::{Error, Options, mpi, threads};

use crate::{results, run};

fn options(messages: usize, milliseconds: u64) -> Options {
    Options { messages, patience: Duration::from_millis(milliseconds) }
}

#[test]
fn an_abort_wakes_all_that_wait_and_all_that_come_later() {
    let barrier = Barrier::new(4);
    let aborted = Err(Error::Aborted { rank: 3, reason: "no more".into() });
    let ends = results(4, &options(1, 60_000), |end| {
        if end.rank() == 0 {
            end.send(1, 0, b"fills the box").unwrap();
        }
        barrier.wait();
        let waited = match end.rank() {
            0 => end.send(1, 0, b"waits for room"),
            3 => {
                // most likely the others wait by now; whether they do makes no difference to what they get
                thread::sleep(Duration::from_millis(20));
                end.abort("no more");
                end.abort("a second reason");
                Ok(())
            }
            rank => end.receive((rank + 1) % 4, 9, &mut []),
        };
        barrier.wait();
        (waited, end.send(2, 0, &[]), end.receive(0, 0, &mut [0; 13]))
    });
    for (rank, (waited, send, receive)) in ends.into_iter().enumerate() {
        assert_eq!(waited, if rank == 3 { Ok(()) } else { aborted.clone() });
        assert_eq!(send, aborted);
        assert_eq!(receive, aborted);
    }
}

#[test]
fn reasons_of_several_aborts_are_one() {
    let barrier = Barrier::new(4);
    let ends = results(4, &Options::default(), |end| {
        barrier.wait();
        end.abort("me");
        (0..4).map(|peer| end.receive(peer, 0, &mut [])).collect::<Vec<_>>()
    });
    assert!(matches!(ends[0][0], Err(Error::Aborted { .. })));
    assert!(ends.iter().flatten().all(|error| *error == ends[0][0]), "{ends:?}");
}

#[test]
fn what_a_worker_sent_outlives_it() {
    let mut ends = threads(2, &options(2, 60_000)).unwrap();
    let (second, first) = (ends.pop().unwrap(), ends.pop().unwrap());
    first.send(1, 1, b"last").unwrap();
    drop(first);
    assert_eq!(second.receive(0, 2, &mut []), Err(Error::Gone { peer: 0 }));
    let mut bytes = [0; 4];
    second.receive(0, 1, &mut bytes).unwrap();
    assert_eq!(&bytes, b"last");
    assert_eq!(second.receive(0, 1, &mut bytes), Err(Error::Gone { peer: 0 }));
    assert_eq!(second.send(0, 1, b"nobody there"), Err(Error::Gone { peer: 0 }));
}

#[test]
fn a_panic_of_one_worker_ends_those_that_wait_for_it() {
    let ends = run(3, &options(1, 60_000), |end| match end.rank() {
        0 => panic!("a worker dies"),
        1 => end.receive(0, 0, &mut []),
        _ => end.send(0, 0, &[]).and_then(|()| end.send(0, 0, &[])),
    });
    assert!(ends[0].is_err());
    for end in &ends[1..] {
        assert_eq!(end.as_ref().unwrap(), &Err(Error::Gone { peer: 0 }));
    }
}

#[test]
fn patience_ends() {
    let ends = threads(2, &options(1, 30)).unwrap();
    let start = Instant::now();
    let after = Duration::from_millis(30);
    assert_eq!(
        ends[1].receive(0, 5, &mut []),
        Err(Error::Patience { rank: 1, peer: 0, tag: 5, what: "receive", after })
    );
    assert!(start.elapsed() >= after);
    ends[0].send(1, 6, &[]).unwrap();
    assert_eq!(
        ends[0].send(1, 7, &[]),
        Err(Error::Patience { rank: 0, peer: 1, tag: 7, what: "send", after })
    );
    // what did not get in time is not there, what was there still is
    ends[1].receive(0, 6, &mut []).unwrap();
    ends[0].send(1, 8, &[]).unwrap();
    assert_eq!(ends[1].receive(0, 7, &mut []), Err(Error::Order { from: 0, tag: 7, held: 1 }));
}

#[test]
fn a_box_full_of_other_tags_is_an_error_at_once() {
    let ends = threads(2, &options(3, 60_000)).unwrap();
    for tag in 0..3 {
        ends[0].send(1, tag, &[]).unwrap();
    }
    assert_eq!(ends[1].receive(0, 3, &mut []), Err(Error::Order { from: 0, tag: 3, held: 3 }));
    ends[1].receive(0, 1, &mut []).unwrap();
    ends[0].send(1, 3, &[]).unwrap();
    ends[1].receive(0, 3, &mut []).unwrap();
}

#[test]
fn patience_may_have_no_end() {
    let options = Options { patience: Duration::MAX, ..options(1, 0) };
    let ends = results(2, &options, |end| {
        if end.rank() == 0 {
            thread::sleep(Duration::from_millis(10));
            return end.send(1, 0, b"late");
        }
        end.receive(0, 0, &mut [0; 4])
    });
    assert_eq!(ends, [Ok(()), Ok(())]);
}

#[test]
fn groups_of_no_size_are_refused() {
    for size in [0, 257, usize::MAX] {
        let error = threads(size, &Options::default()).unwrap_err();
        let expected = "1 to 256";
        assert_eq!(error, Error::Setting { name: "size", found: size.to_string(), expected });
    }
    let nothing = options(0, 1);
    let error = Error::Setting { name: "messages", found: "0".into(), expected: "1 or more" };
    assert_eq!(threads(2, &nothing).unwrap_err(), error);
    assert_eq!(mpi(&nothing).unwrap_err(), error);
}
