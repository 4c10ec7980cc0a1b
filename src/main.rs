//! The program: everything is in `gatefold::cli`.

fn main() {}
