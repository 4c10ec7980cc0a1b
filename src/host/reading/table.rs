//! Tables in CSV: the names of their columns, and how many rows there are.

use super::{MAX_HEADER_BYTES, Why};
use csv::ByteRecord;

/// Signs that part columns, the most usual first.
const SEPARATORS: [u8; 3] = [b',', b';', b'\t'];

/// A table as far as conditions can name it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Table {
    /// The names of its columns, without blanks around them.
    pub(super) columns: Vec<String>,
    /// Rows below the names. Lines without anything are none.
    pub(super) rows: u64,
}

/// The table in `text`, whose first line names the columns.
pub(super) fn table(text: &str) -> Result<Table, Why> {
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(separator(text))
        .flexible(true)
        .from_reader(text.as_bytes());
    let names = reader.headers().map_err(|_| Why::Damaged)?;
    if names.as_slice().len() > MAX_HEADER_BYTES {
        return Err(Why::TooLong);
    }
    let columns: Vec<String> = names.iter().map(|name| name.trim().to_owned()).collect();
    if columns.iter().all(String::is_empty) {
        return Err(Why::NoText);
    }
    let (mut row, mut rows) = (ByteRecord::new(), 0);
    while reader.read_byte_record(&mut row).map_err(|_| Why::Damaged)? {
        rows += 1;
    }
    Ok(Table { columns, rows })
}

/// What parts columns: of the signs outside quotes in the first line the most frequent.
fn separator(text: &str) -> u8 {
    let mut counts = [0_usize; SEPARATORS.len()];
    let mut is_quoted = false;
    for byte in text.trim_start_matches(['\r', '\n']).bytes() {
        match byte {
            b'"' => is_quoted = !is_quoted,
            b'\r' | b'\n' if !is_quoted => break,
            _ if is_quoted => {}
            _ => {
                for (count, _) in counts.iter_mut().zip(SEPARATORS).filter(|(_, sign)| *sign == byte) {
                    *count += 1;
                }
            }
        }
    }
    let most = counts.iter().max().copied().unwrap_or_default();
    let found = SEPARATORS.iter().zip(counts).find(|(_, count)| *count == most);
    found.map_or(SEPARATORS[0], |(sign, _)| *sign)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (Vec<String>, u64) {
        let table = table(text).unwrap();
        (table.columns, table.rows)
    }

    #[test]
    fn the_first_line_names_the_columns() {
        for text in [
            "Name,IBAN\na,1\nb,2\n",
            "Name;IBAN\r\na;1\r\nb;2",
            "Name\tIBAN\n\na\t1\n\nb\t2\n",
            "\"Name\", IBAN \n\"a,\nx\",1\nb,2,3\n",
            "\nName,IBAN\na,1\nb,2",
        ] {
            let expected = (vec!["Name".to_owned(), "IBAN".to_owned()], 2);
            assert_eq!(read(text), expected, "{text:?}");
        }
    }

    #[test]
    fn what_stands_in_quotes_parts_nothing() {
        assert_eq!(
            read("\"a,b,c\";d\n1;2\n"),
            (vec!["a,b,c".to_owned(), "d".to_owned()], 1)
        );
        assert_eq!(
            read("\"say \"\"x\"\"\",d\n"),
            (vec!["say \"x\"".to_owned(), "d".to_owned()], 0)
        );
        assert_eq!(read("only\n1\n"), (vec!["only".to_owned()], 1));
    }

    #[test]
    fn a_first_line_that_names_nothing_or_too_much_is_none() {
        assert_eq!(table(""), Err(Why::NoText));
        assert_eq!(table("\n\n"), Err(Why::NoText));
        assert_eq!(table(" , ,\n1,2,3\n"), Err(Why::NoText));
        assert!(table(&"x".repeat(MAX_HEADER_BYTES)).is_ok());
        assert_eq!(table(&"x".repeat(MAX_HEADER_BYTES + 1)), Err(Why::TooLong));
    }
}
