//! Everything in memory: for tests and simulation, with the same rules as a real store.
