//! The program: everything is in `gatefold::cli`.

/// Runs are decided on one thread and stored by another, which gives back what the first one took: see ADR 28.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    gatefold::cli::main()
}
