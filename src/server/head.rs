//! Detects ambiguous request heads, which a proxy and this server could read differently.
//!
//! A proxy and this server must agree where a request ends (see request smuggling). An ambiguous
//! head is refused, and its connection is closed.

/// Length of the longest relevant header name, in bytes.
const NAME_BYTES: usize = "transfer-encoding".len();

/// Why a head is ambiguous.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeadFault {
    /// A line ends with a bare line feed.
    BareLineFeed,
    /// It has no `Host`, or several.
    Hosts,
    /// It declares the body length twice.
    Lengths,
}

impl HeadFault {
    /// A message for the client.
    pub const fn detail(self) -> &'static str {
        match self {
            Self::BareLineFeed => "a header line ends with a line feed alone: end each line with CR and LF",
            Self::Hosts => "the request needs exactly one Host header: send it once",
            Self::Lengths => {
                "the length of the body is given twice: send either one Content-Length or Transfer-Encoding, not both"
            }
        }
    }
}

/// An incremental parser that keeps only the relevant parts of a head.
#[derive(Debug, Default)]
pub struct Head {
    /// The beginning of the current line, in lower case.
    name: [u8; NAME_BYTES],
    /// Bytes of the current line, without its end.
    length: usize,
    /// Whether the last byte was a carriage return.
    has_return: bool,
    /// Lines that were not empty.
    lines: usize,
    has_bare_line_feed: bool,
    hosts: usize,
    content_lengths: usize,
    has_transfer_encoding: bool,
}

impl Head {
    /// Parses more bytes. If the head ends within them, returns how many belong to it.
    pub fn read(&mut self, bytes: &[u8]) -> Option<usize> {
        for (index, byte) in bytes.iter().enumerate() {
            match byte {
                b'\n' => {
                    let is_end = self.length == 0 && self.lines > 0;
                    self.end_line();
                    if is_end {
                        return Some(index + 1);
                    }
                }
                b'\r' => self.has_return = true,
                byte => {
                    self.has_return = false;
                    if let Some(place) = self.name.get_mut(self.length) {
                        *place = byte.to_ascii_lowercase();
                    }
                    self.length = self.length.saturating_add(1);
                }
            }
        }
        None
    }

    fn end_line(&mut self) {
        self.has_bare_line_feed |= !self.has_return;
        let line = &self.name[..self.length.min(NAME_BYTES)];
        // the request line is the first one
        if self.lines > 0 {
            self.hosts += usize::from(line.starts_with(b"host:"));
            self.content_lengths += usize::from(line.starts_with(b"content-length:"));
            self.has_transfer_encoding |= line == b"transfer-encoding";
        }
        self.lines = self.lines.saturating_add(usize::from(self.length > 0));
        (self.length, self.has_return) = (0, false);
    }

    /// The fault of a head that has been read completely.
    pub const fn fault(&self) -> Option<HeadFault> {
        if self.has_bare_line_feed {
            return Some(HeadFault::BareLineFeed);
        }
        if self.hosts > 1 {
            return Some(HeadFault::Hosts);
        }
        if self.content_lengths > 1 || (self.content_lengths > 0 && self.has_transfer_encoding) {
            return Some(HeadFault::Lengths);
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The end of the head and its fault. Asserts that they do not depend on how the bytes are
    /// split.
    fn read(text: &str) -> (Option<usize>, Option<HeadFault>) {
        let mut whole = Head::default();
        let end = whole.read(text.as_bytes());
        let mut cut = Head::default();
        let mut ends = (0..text.len()).filter_map(|at| cut.read(&text.as_bytes()[at..=at]).map(|_| at + 1));
        assert_eq!(ends.next(), end, "{text:?}");
        (end, whole.fault())
    }

    #[test]
    fn a_head_ends_with_an_empty_line() {
        let head = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
        assert_eq!(read(head), (Some(head.len()), None));
        assert_eq!(read(&format!("\r\n{head}GET")), (Some(head.len() + 2), None));
        assert_eq!(read("GET / HTTP/1.1\r\nHost: x\r\n"), (None, None));
    }

    #[test]
    fn a_head_that_can_be_read_in_two_ways_is_found() {
        use HeadFault::{BareLineFeed, Hosts, Lengths};
        for (lines, fault) in [
            ("Host: x\nA: b\r\n", Some(BareLineFeed)),
            ("Host: x\r\nA: b\n", Some(BareLineFeed)),
            ("Host: x\r\nhOST: y\r\n", Some(Hosts)),
            ("Host: x\r\nX-Host: y\r\nHosts: z\r\n", None),
            ("Content-Length: 1\r\nTransfer-Encoding: chunked\r\n", Some(Lengths)),
            ("transfer-encoding: chunked\r\nCONTENT-LENGTH: 1\r\n", Some(Lengths)),
            ("Content-Length: 1\r\nContent-Length: 1\r\n", Some(Lengths)),
            ("Content-Length: 1\r\nX-Transfer-Encoding: chunked\r\n", None),
        ] {
            assert_eq!(read(&format!("POST / HTTP/1.1\r\n{lines}\r\n")).1, fault, "{lines:?}");
        }
        assert_eq!(read("GET / HTTP/1.1\n\n").1, Some(BareLineFeed));
    }
}
