//! A small PDF that every viewer opens: one page of text, with exact cross-references.

/// Top of the text, in points from the bottom of an A4 page.
const TOP: i32 = 780;
/// Distance of lines, in points.
const LEADING: i32 = 18;

/// A PDF 1.4 document with a title and lines of text, in characters of Latin-1.
pub fn make(title: &str, lines: &[&str]) -> Vec<u8> {
    let content = content(title, lines);
    let head = format!("<< /Length {} >>\nstream\n", content.len());
    let objects: [Vec<u8>; 6] = [
        b"<< /Type /Catalog /Pages 2 0 R >>".to_vec(),
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_vec(),
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R \
          /Resources << /Font << /F1 5 0 R >> >> >>"
            .to_vec(),
        [head.as_bytes(), &content, b"\nendstream"].concat(),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>".to_vec(),
        [b"<< /Title ".as_slice(), &text(title), b" >>"].concat(),
    ];
    // The second line tells programs that move files that this is no text.
    let mut pdf = b"%PDF-1.4\n%\xE2\xE3\xCF\xD3\n".to_vec();
    let mut table = format!("xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1);
    for (index, object) in objects.iter().enumerate() {
        table.push_str(&format!("{:010} 00000 n \n", pdf.len()));
        pdf.extend(format!("{} 0 obj\n", index + 1).bytes());
        pdf.extend(object);
        pdf.extend(b"\nendobj\n");
    }
    let (size, start) = (objects.len() + 1, pdf.len());
    pdf.extend(table.bytes());
    let trailer = format!("trailer\n<< /Size {size} /Root 1 0 R /Info 6 0 R >>\nstartxref\n{start}\n%%EOF\n");
    pdf.extend(trailer.bytes());
    pdf
}

/// What is drawn on the page.
fn content(title: &str, lines: &[&str]) -> Vec<u8> {
    let mut content = format!("BT /F1 18 Tf 60 {TOP} Td ").into_bytes();
    content.extend(text(title));
    content.extend(format!(" Tj /F1 11 Tf {LEADING} TL T* ").bytes());
    for line in lines {
        content.extend(b"T* ");
        content.extend(text(line));
        content.extend(b" Tj ");
    }
    content.extend(b"ET");
    content
}

/// A text in parentheses. A character outside Latin-1 becomes a question mark.
fn text(text: &str) -> Vec<u8> {
    let mut bytes = vec![b'('];
    for c in text.chars() {
        if matches!(c, '(' | ')' | '\\') {
            bytes.push(b'\\');
        }
        bytes.push(u8::try_from(u32::from(c)).unwrap_or(b'?'));
    }
    bytes.push(b')');
    bytes
}

#[cfg(test)]
mod tests {
    use super::make;

    fn find(haystack: &[u8], needle: &[u8]) -> usize {
        haystack
            .windows(needle.len())
            .rposition(|window| window == needle)
            .expect("it is there")
    }

    #[test]
    fn every_cross_reference_points_at_its_object() {
        let pdf = make("Contract (v1)", &["Line \\ one", "Añb → c"]);
        let start_at = find(&pdf, b"startxref\n") + b"startxref\n".len();
        let digits: Vec<u8> = pdf[start_at..].iter().copied().take_while(u8::is_ascii_digit).collect();
        let start: usize = String::from_utf8(digits).unwrap().parse().unwrap();
        assert!(pdf[start..].starts_with(b"xref\n0 7\n"));
        for number in 1..=6 {
            let entry_at = start + b"xref\n0 7\n".len() + number * 20;
            let entry = std::str::from_utf8(&pdf[entry_at..entry_at + 20]).unwrap();
            let offset: usize = entry[..10].parse().unwrap();
            assert!(
                pdf[offset..].starts_with(format!("{number} 0 obj\n").as_bytes()),
                "object {number}"
            );
        }
    }

    #[test]
    fn a_stream_is_as_long_as_it_says() {
        let pdf = make("T", &["a", "b"]);
        let begin = find(&pdf, b"stream\nBT") + b"stream\n".len();
        let end = find(&pdf, b"\nendstream");
        assert!(find(&pdf, format!("/Length {} ", end - begin).as_bytes()) < begin);
    }

    #[test]
    fn text_cannot_break_out_of_its_parentheses() {
        let pdf = make("a) Tj ET (", &[]);
        assert!(find(&pdf, b"(a\\) Tj ET \\()") > 0);
    }
}
