//! Random orders of sending and receiving.

use std::collections::HashMap;
use std::thread;
use std::time::Duration;

use ketline_fabric::{Endpoint, Options};
use proptest::prelude::*;

use crate::results;

const WORKERS: usize = 4;

/// A message: who sends it, to whom, under which tag, how long it is.
type Letter = (usize, usize, u64, usize);

/// What a letter says: its number among all, repeated as far as its length reaches.
fn text(number: usize, length: usize) -> Vec<u8> {
    number.to_le_bytes().into_iter().cycle().take(length).collect()
}

/// Sends this worker's letters in their order.
fn write(end: &dyn Endpoint, letters: &[Letter]) {
    for (number, &(from, to, tag, length)) in letters.iter().enumerate() {
        if from == end.rank() {
            end.send(to, tag, &text(number, length)).unwrap();
        }
    }
}

/// Receives the letters to this worker in the order of `turns`: each takes the next one of some sender and tag.
fn read(end: &dyn Endpoint, letters: &[Letter], turns: &[usize]) {
    let mut streams: HashMap<(usize, u64), Vec<(usize, usize)>> = HashMap::new();
    for (number, &(from, to, tag, length)) in letters.iter().enumerate().rev() {
        if to == end.rank() {
            streams.entry((from, tag)).or_default().push((number, length));
        }
    }
    let mut streams: Vec<_> = streams.into_iter().collect();
    streams.sort_unstable(); // a map has no order that a seed repeats
    let mut turns = turns.iter().cycle();
    while !streams.is_empty() {
        let chosen = turns.next().unwrap() % streams.len();
        let ((from, tag), letters) = &mut streams[chosen];
        let (number, length) = letters.pop().unwrap();
        let mut bytes = vec![0xff; length];
        end.receive(*from, *tag, &mut bytes).unwrap();
        assert_eq!(bytes, text(number, length), "letter {number} from {from} under {tag}");
        if letters.is_empty() {
            streams.swap_remove(chosen);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    /// Each worker writes in one thread and reads in another, in any order of senders and tags: each letter arrives once, in
    /// order under its tag, and nothing is left.
    #[test]
    fn every_letter_arrives_once(
        letters in prop::collection::vec((0..WORKERS, 0..WORKERS, 0..3u64, 0..40usize), 1..120),
        turns in prop::collection::vec(any::<usize>(), 1..50),
    ) {
        // room for all, so that no order of receiving is refused
        let options = Options { messages: letters.len(), patience: Duration::from_secs(20) };
        results(WORKERS, &options, |end| {
            thread::scope(|scope| {
                scope.spawn(|| write(end, &letters));
                scope.spawn(|| read(end, &letters, &turns));
            });
        });
    }

    /// Boxes of any size do where letters are received in the order in which they were sent, though each worker sends more than
    /// they hold; tags then make no difference.
    #[test]
    fn small_boxes_are_enough_for_one_order(
        lengths in prop::collection::vec(0..2000usize, 1..60),
        messages in 1..4usize,
    ) {
        let options = Options { messages, patience: Duration::from_secs(20) };
        results(2, &options, |end| {
            let (me, peer) = (end.rank(), 1 - end.rank());
            // each turns round when a box may be full
            for (number, chunk) in lengths.chunks(messages).enumerate() {
                for (i, &length) in chunk.iter().enumerate() {
                    end.send(peer, i as u64, &text(me + number, length)).unwrap();
                }
                for (i, &length) in chunk.iter().enumerate() {
                    let mut bytes = vec![0xff; length];
                    end.receive(peer, i as u64, &mut bytes).unwrap();
                    assert_eq!(bytes, text(peer + number, length));
                }
            }
        });
    }
}
