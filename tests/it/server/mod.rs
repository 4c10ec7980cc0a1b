//! The HTTP side: the table of routes, and the real router over a real host.

mod table;
