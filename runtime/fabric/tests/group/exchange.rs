//! Exchanges that every fabric must carry, whatever it is made of.

use ketline_fabric::{Endpoint, Error, Result};

/// So many messages a box must hold for them.
pub(crate) const ROOM: usize = 8;

/// All exchanges, one after the other.
pub(crate) fn all(end: &dyn Endpoint) -> Result<()> {
    ring(end)?;
    pairs(end)?;
    tags(end)?;
    large(end)?;
    stream(end)?;
    lengths(end)
}

/// A number goes round and grows by one at each worker.
fn ring(end: &dyn Endpoint) -> Result<()> {
    let (rank, size) = (end.rank(), end.size());
    let (before, after) = ((rank + size - 1) % size, (rank + 1) % size);
    let mut bytes = [0; 8];
    if rank == 0 {
        end.send(after, u64::MAX, &1u64.to_le_bytes())?;
        end.receive(before, u64::MAX, &mut bytes)?;
        assert_eq!(u64::from_le_bytes(bytes), size as u64);
        return Ok(());
    }
    end.receive(before, u64::MAX, &mut bytes)?;
    end.send(after, u64::MAX, &(u64::from_le_bytes(bytes) + 1).to_le_bytes())
}

/// Everybody sends to everybody, itself too, a message of another length each.
fn pairs(end: &dyn Endpoint) -> Result<()> {
    let message = |from: usize, to: usize| vec![(7 * from + to) as u8; 100 * from + to];
    for to in 0..end.size() {
        end.send(to, 1, &message(end.rank(), to))?;
    }
    for from in 0..end.size() {
        let expected = message(from, end.rank());
        let mut bytes = vec![0xff; expected.len()];
        end.receive(from, 1, &mut bytes)?;
        assert_eq!(bytes, expected);
    }
    Ok(())
}

/// Messages are received in another order of tags than they were sent in, and in order under each tag.
fn tags(end: &dyn Endpoint) -> Result<()> {
    let to = (end.rank() + 1) % end.size();
    let from = (end.rank() + end.size() - 1) % end.size();
    for round in 0..ROOM as u8 / 2 {
        end.send(to, 10, &[round])?;
        end.send(to, 20, &[round, round])?;
    }
    for round in 0..ROOM as u8 / 2 {
        let mut bytes = [0xff; 2];
        end.receive(from, 20, &mut bytes)?;
        assert_eq!(bytes, [round; 2]);
    }
    for round in 0..ROOM as u8 / 2 {
        let mut bytes = [0xff; 1];
        end.receive(from, 10, &mut bytes)?;
        assert_eq!(bytes, [round]);
    }
    Ok(())
}

/// Two workers send each other more at once than any transport takes along without a receiver.
fn large(end: &dyn Endpoint) -> Result<()> {
    let peer = if end.rank() ^ 1 < end.size() { end.rank() ^ 1 } else { end.rank() };
    let message = |from: usize| (0..5_000_011).map(|i| (i * 31 + from) as u8).collect::<Vec<_>>();
    for tag in 0..2 {
        end.send(peer, tag, &message(end.rank()))?;
    }
    let mut bytes = vec![0; 5_000_011];
    for tag in [1, 0] {
        end.receive(peer, tag, &mut bytes)?;
        assert!(bytes == message(peer));
    }
    Ok(())
}

/// Many more messages than a box holds, some of them empty.
fn stream(end: &dyn Endpoint) -> Result<()> {
    const MESSAGES: usize = 2_000;
    let to = (end.rank() + 1) % end.size();
    let from = (end.rank() + end.size() - 1) % end.size();
    for i in 0..MESSAGES {
        end.send(to, 3, &vec![i as u8; i % 50])?;
        let mut bytes = vec![0xff; i % 50];
        end.receive(from, 3, &mut bytes)?;
        assert_eq!(bytes, vec![i as u8; i % 50]);
    }
    Ok(())
}

/// A message of another length than expected is an error, and is still there.
fn lengths(end: &dyn Endpoint) -> Result<()> {
    let me = end.rank();
    for peer in 0..end.size() {
        end.send(peer, 4, b"four")?;
    }
    for from in 0..end.size() {
        let error = end.receive(from, 4, &mut [0; 5]).unwrap_err();
        assert_eq!(error, Error::Length { from, tag: 4, found: 4, expected: 5 });
        let mut bytes = [0; 4];
        end.receive(from, 4, &mut bytes)?;
        assert_eq!(&bytes, b"four");
    }
    let size = end.size();
    assert_eq!(end.send(size, 0, &[]), Err(Error::Rank { found: size, size }));
    assert_eq!(end.receive(me + size, 0, &mut []), Err(Error::Rank { found: me + size, size }));
    Ok(())
}
