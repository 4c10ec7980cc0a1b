//! The log: on stderr, as the configuration says.

use crate::config::{LogFormat, Resolved};
use tracing_subscriber::EnvFilter;

/// Starts logging. A second time in a process changes nothing.
pub fn start(resolved: &Resolved) {
    start_with(&resolved.log, resolved.log_format);
}

/// Starts logging with a filter.
pub fn start_with(filter: &str, format: LogFormat) {
    let filter = EnvFilter::try_new(filter).unwrap_or_else(|_| EnvFilter::new("info"));
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    let has_colours = anstream::AutoStream::choice(&std::io::stderr()) != anstream::ColorChoice::Never;
    let _ = match format {
        LogFormat::Text => builder.with_ansi(has_colours).try_init(),
        LogFormat::Json => builder.json().try_init(),
    };
}
