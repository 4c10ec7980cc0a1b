//! The real binary, killed: at each of its named fault points during a whole review and an onboarding, and
//! with a thousand runs waiting. Nothing is lost, nothing is done twice.

mod disk;
mod file_size;
mod onboarding;
mod patience;
mod points;
mod process;
mod review;
mod sink;
mod story;
mod waiting;
