//! The real binary, killed: at each of its named fault points during a whole review, and with a
//! thousand runs waiting. Nothing is lost, nothing is done twice.

mod patience;
mod points;
mod process;
mod review;
mod waiting;
