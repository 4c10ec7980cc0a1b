//! How the program ends, by what the caller can do about it.

/// All is well, or nobody reads the output any more.
pub const FINE: u8 = 0;
/// Findings, a failed run, a refusal: the answer is no.
pub const NEGATIVE: u8 = 1;
/// Wrong usage or configuration.
pub const USAGE: u8 = 2;
/// Disk, network, another process: something around the program.
pub const ENVIRONMENT: u8 = 3;
/// The program is wrong.
pub const BUG: u8 = 70;

/// Why a command did not do what it was asked.
#[derive(Debug)]
pub enum Failure {
    /// The answer is no, and everything that is to be said about it was said.
    Said,
    /// The answer is no, in a sentence.
    Negative(String),
    /// What was asked for makes no sense.
    Usage(String),
    /// Something around the program failed.
    Environment(String),
    /// Whoever read the output has gone.
    NobodyReads,
}

impl Failure {
    /// The exit code.
    pub fn code(&self) -> u8 {
        match self {
            Self::NobodyReads => FINE,
            Self::Said | Self::Negative(_) => NEGATIVE,
            Self::Usage(_) => USAGE,
            Self::Environment(_) => ENVIRONMENT,
        }
    }

    /// The sentence to say, if one is left.
    pub fn message(&self) -> Option<&str> {
        match self {
            Self::Said | Self::NobodyReads => None,
            Self::Negative(message) | Self::Usage(message) | Self::Environment(message) => Some(message),
        }
    }
}

/// What a command comes to.
pub type Outcome = Result<(), Failure>;
