//! Limits of concurrent requests per caller, and of the memory for request bodies.
//!
//! Invariant: one address, person or link alone can never use up all capacity.

use super::Problem;
use super::wire::Wire;
use crate::base::network::Network;
use axum::body::{Body, Bytes};
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use std::collections::HashMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Maximum number of concurrent unauthenticated bodies from one address.
pub const UNPROVEN_PER_ADDRESS: usize = 16;
/// Maximum number of concurrent unauthenticated bodies from all addresses.
pub const UNPROVEN_MAX: usize = 64;
/// Unit of the memory budget for bodies, in bytes.
const UNIT_BYTES: usize = 1 << 10;
/// `Retry-After` for a caller with too many concurrent requests, in seconds.
const AGAIN_SECONDS: u64 = 1;

/// Limits of concurrent requests and of body memory.
#[derive(Clone, Copy, Debug)]
pub struct Most {
    /// Requests of one address.
    pub per_address: usize,
    /// Requests of one person.
    pub per_person: usize,
    /// Uploads, downloads and live streams of one person.
    pub streams_per_person: usize,
    /// Requests through one link.
    pub per_link: usize,
    /// Bytes of bodies that are read into memory.
    pub body_memory_bytes: usize,
}

/// A caller whose requests are counted together.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Holder {
    /// The network address of a caller.
    Address(Network),
    /// An address whose caller is not authenticated yet.
    Unproven(Network),
    /// All callers who are not authenticated yet.
    AllUnproven,
    /// A person of the directory.
    Person(String),
    /// A person, for uploads, downloads and live streams, which may take long.
    Streaming(String),
    /// A link, identified by its grant.
    Link(String),
}

/// Counters of concurrent requests and of body memory.
pub struct Flights {
    most: Most,
    held: Mutex<HashMap<Holder, usize>>,
    memory: Arc<Semaphore>,
}

/// Counts one request of a holder until it is dropped.
pub struct Permit {
    flights: Arc<Flights>,
    holder: Holder,
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut held = self.flights.held();
        if let Some(count) = held.get_mut(&self.holder) {
            *count -= 1;
            if *count == 0 {
                held.remove(&self.holder);
            }
        }
    }
}

impl Flights {
    /// Creates empty counters.
    pub fn new(most: Most) -> Arc<Self> {
        Arc::new(Self {
            most,
            held: Mutex::default(),
            memory: Arc::new(Semaphore::new(most.body_memory_bytes.div_ceil(UNIT_BYTES))),
        })
    }

    /// Counts a request until the permit is dropped, or refuses it.
    pub fn enter(self: &Arc<Self>, holder: Holder) -> Result<Permit, Problem> {
        let most = self.most_of(&holder);
        let mut held = self.held();
        let count = held.get(&holder).copied().unwrap_or_default();
        if count >= most {
            return Err(crowded(&holder, most));
        }
        held.insert(holder.clone(), count + 1);
        drop(held);
        Ok(Permit {
            flights: Arc::clone(self),
            holder,
        })
    }

    const fn most_of(&self, holder: &Holder) -> usize {
        match holder {
            Holder::Address(_) => self.most.per_address,
            Holder::Unproven(_) => UNPROVEN_PER_ADDRESS,
            Holder::AllUnproven => UNPROVEN_MAX,
            Holder::Person(_) => self.most.per_person,
            Holder::Streaming(_) => self.most.streams_per_person,
            Holder::Link(_) => self.most.per_link,
        }
    }

    /// An empty buffer for a body.
    pub fn body(&self) -> BodyMemory {
        BodyMemory {
            memory: Arc::clone(&self.memory),
            taken: None,
            bytes: Vec::new(),
        }
    }

    fn held(&self) -> MutexGuard<'_, HashMap<Holder, usize>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn crowded(holder: &Holder, most: usize) -> Problem {
    let whose = match holder {
        Holder::Address(_) | Holder::Unproven(_) => "from your address",
        Holder::Person(_) => "of yours",
        Holder::Streaming(_) => "of yours (uploads, downloads and live events)",
        Holder::Link(_) => "through this link",
        Holder::AllUnproven => {
            return Problem::unavailable(
                "busy",
                "the server is already reading its maximum number of signed calls: try again later",
            );
        }
    };
    let detail =
        format!("{most} requests {whose} are in progress, which is the limit: wait until one of them has finished");
    Problem::crowded(&detail, AGAIN_SECONDS)
}

/// A buffer for the bytes of a body. Its memory counts towards the budget until the bytes are
/// dropped.
pub struct BodyMemory {
    memory: Arc<Semaphore>,
    taken: Option<OwnedSemaphorePermit>,
    bytes: Vec<u8>,
}

impl BodyMemory {
    /// Number of bytes in the buffer.
    pub fn length(&self) -> usize {
        self.bytes.len()
    }

    /// Appends a piece if the memory budget allows it.
    pub fn add(&mut self, piece: &[u8]) -> Result<(), Problem> {
        let has = self.taken.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
        let needs = (self.bytes.len() + piece.len())
            .div_ceil(UNIT_BYTES)
            .saturating_sub(has);
        if needs > 0 {
            let units = u32::try_from(needs).unwrap_or(u32::MAX);
            let more = Arc::clone(&self.memory).try_acquire_many_owned(units).map_err(|_| {
                Problem::unavailable(
                    "busy",
                    "the server has no memory left for more requests: try again later",
                )
            })?;
            match &mut self.taken {
                Some(taken) => taken.merge(more),
                None => self.taken = Some(more),
            }
        }
        self.bytes.extend_from_slice(piece);
        Ok(())
    }

    /// Returns the bytes. Their memory counts until the last reference is dropped.
    pub fn finish(self) -> Bytes {
        Bytes::from_owner(self)
    }
}

impl AsRef<[u8]> for BodyMemory {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

/// A response body that holds a value until it ends.
pub struct Held<T> {
    body: Body,
    _held: T,
}

impl<T: Send + Unpin + 'static> Held<T> {
    /// Holds `held` until `body` has been sent or dropped.
    pub fn until_the_end_of(body: Body, held: T) -> Body {
        Body::new(Self { body, _held: held })
    }
}

impl<T: Unpin> HttpBody for Held<T> {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// Marks the response on its connection as ended when dropped.
pub struct Answering(pub Arc<Wire>);

impl Drop for Answering {
    fn drop(&mut self) {
        self.0.end();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{IpAddr, Ipv4Addr};

    const MOST: Most = Most {
        per_address: 3,
        per_person: 2,
        streams_per_person: 1,
        per_link: 2,
        body_memory_bytes: 4 * UNIT_BYTES,
    };

    fn network() -> Network {
        Network::from(IpAddr::V4(Ipv4Addr::LOCALHOST))
    }

    #[test]
    fn each_holder_has_so_many_requests_in_flight_and_no_more() {
        let flights = Flights::new(MOST);
        for (holder, most) in [
            (Holder::Address(network()), MOST.per_address),
            (Holder::Unproven(network()), UNPROVEN_PER_ADDRESS),
            (Holder::AllUnproven, UNPROVEN_MAX),
            (Holder::Person("anna".to_owned()), MOST.per_person),
            (Holder::Streaming("anna".to_owned()), MOST.streams_per_person),
            (Holder::Link("grt_1".to_owned()), MOST.per_link),
        ] {
            let mut held: Vec<Permit> = (0..most).map(|_| flights.enter(holder.clone()).unwrap()).collect();
            assert!(flights.enter(holder.clone()).is_err(), "{holder:?}");
            held.pop();
            assert!(flights.enter(holder.clone()).is_ok(), "{holder:?}: one is over");
        }
        assert!(flights.enter(Holder::Person("ben".to_owned())).is_ok());
        assert!(flights.held().is_empty(), "what is over is forgotten");
    }

    #[test]
    fn bodies_take_so_much_memory_and_give_it_back() {
        let flights = Flights::new(MOST);
        let mut first = flights.body();
        first.add(&vec![1; MOST.body_memory_bytes - 1]).unwrap();
        first.add(&[1]).unwrap();
        let mut second = flights.body();
        assert!(second.add(&[1]).is_err());
        let bytes = first.finish();
        assert_eq!(bytes.len(), MOST.body_memory_bytes);
        let part = bytes.slice(..1);
        drop(bytes);
        assert!(second.add(&[1]).is_err(), "a part of it is still held");
        drop(part);
        assert!(second.add(&[1]).is_ok());
    }
}
