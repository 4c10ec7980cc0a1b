//! `gatefold schema`: the committed schemas, which are the public contract.

use super::exit::Outcome;
use super::output;
use clap::{Args, ValueEnum};

/// Print a schema.
#[derive(Debug, Args)]
pub struct SchemaArgs {
    /// Of what
    #[arg(value_enum, default_value_t = What::Flow)]
    what: What,
}

/// What there is a schema of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum What {
    /// Flow files, for editors
    Flow,
    /// Test files, for editors
    Test,
    /// Every action and event that flows can use
    Catalog,
    /// gatefold.toml
    Config,
    /// The HTTP API
    Openapi,
}

/// Runs the command.
pub fn run(args: &SchemaArgs) -> Outcome {
    output::data(match args.what {
        What::Flow => return output::json(&crate::spec::schema::flow_schema()),
        What::Test => return output::json(&crate::rehearsal::test_schema()),
        What::Catalog => include_str!("../../schema/catalog.json"),
        What::Config => return output::json(&crate::config::json_schema()),
        What::Openapi => include_str!("../../schema/openapi.json"),
    })
}
