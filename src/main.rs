//! The program: everything is in `gatefold::cli`.

fn main() -> std::process::ExitCode {
    gatefold::cli::main()
}
