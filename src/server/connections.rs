//! The table of open connections: limits their number and closes idle ones when there is no room.
//!
//! Invariants: an address never exceeds its limit. When there is no room, an idle connection is
//! closed for the new one, first one of the address that holds the most. A few connections beyond
//! the limit are reserved for health checks and administrators.

use super::wire::Wire;
use crate::base::network::Network;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// Number of connections beyond the limit that are reserved for health checks and administrators.
/// Each serves one request.
pub const RESERVED_PLACES: usize = 16;

/// Limits of the number of connections.
#[derive(Clone, Copy, Debug)]
pub struct Room {
    /// Total, not counting the reserved ones.
    pub all: usize,
    /// From one address.
    pub per_address: usize,
}

/// Every open connection.
pub struct Connections {
    room: Room,
    table: Mutex<Table>,
    left: Notify,
}

#[derive(Default)]
struct Table {
    next: u64,
    open: BTreeMap<u64, Entry>,
}

struct Entry {
    network: Network,
    is_counted: bool,
    is_reserved: bool,
    wire: Arc<Wire>,
    leave: CancellationToken,
}

/// An entry of one connection in the table. Dropping it removes the entry.
pub struct Place {
    connections: Arc<Connections>,
    number: u64,
    /// Whether the connection is reserved for health checks and administrators.
    pub is_reserved: bool,
    /// The state of the connection's socket.
    pub wire: Arc<Wire>,
    /// Cancelled when the connection has to close for another one.
    pub leave: CancellationToken,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.connections.table().open.remove(&self.number);
        self.connections.left.notify_one();
    }
}

impl Connections {
    /// An empty table.
    pub fn new(room: Room) -> Arc<Self> {
        Arc::new(Self {
            room,
            table: Mutex::default(),
            left: Notify::new(),
        })
    }

    /// Adds a connection from `network` to the table. With `is_shared` it comes from a proxy, and
    /// does not count for the limit of one address. Waits while all connections, even the reserved
    /// ones, are serving requests.
    pub async fn place(self: &Arc<Self>, network: Network, is_shared: bool) -> Place {
        loop {
            let left = self.left.notified();
            if let Some(place) = self.try_place(network, is_shared) {
                return place;
            }
            left.await;
        }
    }

    fn try_place(self: &Arc<Self>, network: Network, is_shared: bool) -> Option<Place> {
        let mut table = self.table();
        let is_reserved = !table.make_room(self.room, network, is_shared);
        if is_reserved && !table.make_reserved_room() {
            return None;
        }
        let number = table.next;
        table.next += 1;
        let (wire, leave) = (Arc::new(Wire::default()), CancellationToken::new());
        table.open.insert(
            number,
            Entry {
                network,
                is_counted: !is_shared,
                is_reserved,
                wire: Arc::clone(&wire),
                leave: leave.clone(),
            },
        );
        Some(Place {
            connections: Arc::clone(self),
            number,
            is_reserved,
            wire,
            leave,
        })
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    /// Makes room for an ordinary connection from `network`, by closing an idle one if necessary.
    /// Returns whether there is room.
    fn make_room(&mut self, room: Room, network: Network, is_shared: bool) -> bool {
        let ordinary = || self.open.values().filter(|entry| !entry.is_reserved);
        let of_network = ordinary().filter(|entry| entry.is_counted && entry.network == network);
        if !is_shared && of_network.count() >= room.per_address {
            let idle = self.longest_idle(|entry| !entry.is_reserved && entry.is_counted && entry.network == network);
            return self.send_away(idle);
        }
        if ordinary().count() < room.all {
            return true;
        }
        let mut held = HashMap::<Network, usize>::new();
        for entry in ordinary() {
            *held.entry(entry.network).or_default() += 1;
        }
        let is_idle = |entry: &&Entry| !entry.is_reserved && entry.wire.idle_since().is_some();
        let idle = self.open.values().filter(is_idle);
        let most = idle.map(|entry| held[&entry.network]).max();
        let victim = self.longest_idle(|entry| !entry.is_reserved && Some(held[&entry.network]) == most);
        self.send_away(victim)
    }

    fn make_reserved_room(&mut self) -> bool {
        if self.open.values().filter(|entry| entry.is_reserved).count() < RESERVED_PLACES {
            return true;
        }
        let victim = self.longest_idle(|entry| entry.is_reserved);
        self.send_away(victim)
    }

    /// The longest idle connection among those that satisfy `fits`.
    fn longest_idle(&self, fits: impl Fn(&Entry) -> bool) -> Option<u64> {
        let fitting = self.open.iter().filter(|(_, entry)| fits(entry));
        let idle = fitting.filter_map(|(number, entry)| Some((entry.wire.idle_since()?, *number)));
        idle.min().map(|(_, number)| number)
    }

    fn send_away(&mut self, victim: Option<u64>) -> bool {
        let entry = victim.and_then(|number| self.open.remove(&number));
        entry.map(|entry| entry.leave.cancel()).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt as _;
    use std::net::{IpAddr, Ipv4Addr};

    const ROOM: Room = Room { all: 4, per_address: 3 };

    fn network(number: u8) -> Network {
        Network::from(IpAddr::V4(Ipv4Addr::new(192, 0, 2, number)))
    }

    fn place(connections: &Arc<Connections>, number: u8) -> Place {
        let place = connections.place(network(number), false).now_or_never();
        place.expect("there is a place at once")
    }

    #[test]
    fn where_all_places_are_taken_the_longest_idle_one_of_who_holds_most_gives_way() {
        let connections = Connections::new(ROOM);
        let other = place(&connections, 1);
        let held = [(); 3].map(|()| place(&connections, 2));
        held[0].wire.begin(Some(0), None);
        let new = place(&connections, 3);
        assert!(!new.is_reserved && held[1].leave.is_cancelled());
        assert!(
            ![&held[0], &held[2], &other]
                .iter()
                .any(|place| place.leave.is_cancelled())
        );
    }

    #[test]
    fn an_address_takes_its_share_and_then_only_from_itself() {
        let connections = Connections::new(ROOM);
        let held = [(); 3].map(|()| place(&connections, 1));
        let again = place(&connections, 1);
        assert!(held[0].leave.is_cancelled() && !again.is_reserved);
        for place in held.iter().skip(1).chain([&again]) {
            place.wire.begin(Some(0), None);
        }
        assert!(place(&connections, 1).is_reserved, "nothing of its own is idle");
        assert!(!place(&connections, 2).is_reserved);
        let proxied = connections.place(network(1), true).now_or_never();
        assert!(
            proxied.is_some_and(|place| !place.is_reserved),
            "a proxy is many callers"
        );
    }

    #[test]
    fn so_many_reserved_places_are_given_and_an_idle_one_gives_way() {
        let connections = Connections::new(ROOM);
        let held: Vec<Place> = (1..5).map(|number| place(&connections, number)).collect();
        for place in &held {
            place.wire.begin(Some(0), None);
        }
        let reserved: Vec<Place> = (0..RESERVED_PLACES).map(|_| place(&connections, 9)).collect();
        assert!(
            reserved
                .iter()
                .all(|place| place.is_reserved && !place.leave.is_cancelled())
        );
        let past = place(&connections, 9);
        assert!(past.is_reserved && reserved[0].leave.is_cancelled());
        for place in reserved.iter().skip(1).chain([&past]) {
            place.wire.begin(Some(0), None);
        }
        let mut waiting = Box::pin(connections.place(network(9), false));
        assert!(waiting.as_mut().now_or_never().is_none(), "every place is at work");
        drop(held);
        assert!(waiting.now_or_never().is_some_and(|place| !place.is_reserved));
    }
}
