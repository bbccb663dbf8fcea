//! The worker's side: `osee-host __worker`, its socket as standard input.

use super::{
    Scorer,
    frames::{self, Answer, Order},
};
use std::{
    io,
    os::{fd::AsFd, unix::net::UnixStream},
};

/// Serves one host until it hangs up.
///
/// # Errors
/// When the socket fails, or the host speaks another protocol.
pub fn serve() -> io::Result<()> {
    // Standard input is the socket; plugins that read it get the end of file.
    let mut stream = UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
    frames::write_hello(&mut stream)?;
    let host = frames::read_hello(&mut stream)?;
    if host != frames::PROTOCOL {
        return Err(io::Error::other(format!(
            "the host speaks worker protocol {host}, this worker {}",
            frames::PROTOCOL
        )));
    }
    // More workers, not more threads: two processes of one thread do half as
    // much again as one of two, and sums do not depend on how many there are.
    tch::set_num_threads(1);
    let mut scorer: Option<Scorer> = None;
    loop {
        let order = match frames::read::<Order>(&mut stream) {
            Ok(order) => order,
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(()),
            Err(error) => return Err(error),
        };
        let answer = match (order, &mut scorer) {
            (Order::Setup(setup), _) => match Scorer::new(&setup) {
                Ok(new) => {
                    scorer = Some(new);
                    Answer::Ready
                }
                Err(error) => Answer::Refused(error.to_string()),
            },
            (Order::Score(unit), Some(scorer)) => Answer::Done(scorer.score(&unit)),
            (Order::Score(_), None) => Answer::Refused("asked to score before set-up".to_owned()),
        };
        frames::write(&mut stream, &answer)?;
    }
}
