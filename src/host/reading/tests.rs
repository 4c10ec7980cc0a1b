//! PDFs as people make them, and as somebody makes them who means harm.

use super::*;
use futures_util::FutureExt;
use lopdf::dictionary;
use lopdf::{Dictionary, Document, EncryptionState, EncryptionVersion, Object, ObjectId, Permissions, Stream};
use proptest::prelude::*;

/// A PDF whose pages draw these contents, with a font `F1`, and what else the pages draw on.
fn document(pages: &[&[u8]], more: impl FnOnce(&mut Document) -> Dictionary) -> Document {
    let mut document = Document::with_version("1.7");
    let root = document.new_object_id();
    let font = document.add_object(dictionary! {
        "Type" => "Font", "Subtype" => "Type1", "BaseFont" => "Helvetica", "Encoding" => "WinAnsiEncoding",
    });
    let names: Vec<Object> = vec![1.into(), "fi".into(), 2.into(), "ffl".into()];
    let drawn_as_one = dictionary! { "Type" => "Encoding", "Differences" => names };
    let ligatures = document.add_object(dictionary! {
        "Type" => "Font", "Subtype" => "Type1", "BaseFont" => "Helvetica", "Encoding" => drawn_as_one,
    });
    let mut resources = more(&mut document);
    resources.set("Font", dictionary! { "F1" => font, "F2" => ligatures });
    let kids: Vec<Object> = pages
        .iter()
        .map(|content| {
            let content = document.add_object(Stream::new(Dictionary::new(), content.to_vec()));
            let page = dictionary! { "Type" => "Page", "Parent" => root, "Contents" => content };
            Object::from(document.add_object(page))
        })
        .collect();
    let count = i64::try_from(kids.len()).unwrap();
    document.objects.insert(
        root,
        dictionary! { "Type" => "Pages", "Kids" => kids, "Count" => count, "Resources" => resources }.into(),
    );
    let catalog = document.add_object(dictionary! { "Type" => "Catalog", "Pages" => root });
    document.trailer.set("Root", catalog);
    document
        .trailer
        .set("ID", vec![Object::string_literal("a"), Object::string_literal("a")]);
    document
}

fn plain(pages: &[&[u8]]) -> Document {
    document(pages, |_| Dictionary::new())
}

fn bytes_of(mut document: Document) -> Vec<u8> {
    let mut bytes = Vec::new();
    document.save_to(&mut bytes).unwrap();
    bytes
}

fn read_pdf(document: Document) -> Result<String, Why> {
    let read = read(Readable::Pdf, bytes_of(document));
    read.text.ok_or_else(|| read.why.unwrap())
}

#[test]
fn words_are_parted_as_they_look() {
    let page: &[u8] = b"BT /F1 11 Tf 60 780 Td (Form) Tj 40 0 Td (W-9) Tj 0 -14 Td [(In) -20 (voice) -300 (No. 7)] TJ \
                        T* (Tot) Tj ET BT 1 0 0 1 60 700 Tm (al) Tj ET BT (I) Tj 5 0 Td (B) Tj 5 0 Td (AN) Tj ET \
                        BT 1 0 0 1 60 600 Tm (E) Tj 1 0 0 1 70 600 Tm (S) Tj 1 0 0 1 80 580 Tm (Z) Tj ET";
    assert_eq!(
        read_pdf(plain(&[page, b"BT /F1 9 Tf (Se\xf1or  M\xfcller \x80) ' ET"])),
        Ok("Form W-9 Invoice No. 7 Tot al IBAN ES Z Señor Müller €".to_owned())
    );
}

#[test]
fn letters_that_are_drawn_as_one_are_told_apart() {
    let page: &[u8] =
        b"BT /F1 9 Tf (Certi) Tj /F2 9 Tf (\x01) Tj /F1 9 Tf (cate wa) Tj /F2 9 Tf (\x02) Tj /F1 9 Tf (e) Tj ET";
    assert_eq!(read_pdf(plain(&[page])), Ok("Certificate waffle".to_owned()));
}

#[test]
fn what_a_page_draws_by_another_drawing_counts() {
    let drawn = document(
        &[b"BT /F1 9 Tf (before) Tj ET /Inner Do /Picture Do BT /F1 9 Tf (after) Tj ET"],
        |document| {
            let form = dictionary! { "Type" => "XObject", "Subtype" => "Form" };
            let inner = document.add_object(Stream::new(form, b"BT /F1 9 Tf (inside) Tj ET".to_vec()));
            let picture = dictionary! { "Type" => "XObject", "Subtype" => "Image" };
            let picture = document.add_object(Stream::new(picture, b"BT (no text) Tj ET".to_vec()));
            dictionary! { "XObject" => dictionary! { "Inner" => inner, "Picture" => picture } }
        },
    );
    assert_eq!(read_pdf(drawn), Ok("before inside after".to_owned()));
}

/// A page whose drawing draws another, and so on, `deep` of them.
fn nested(deep: usize) -> Document {
    document(&[b"/D0 Do"], |document| {
        let mut ids: Vec<ObjectId> = (0..deep).map(|_| document.new_object_id()).collect();
        let named = ids
            .iter()
            .enumerate()
            .map(|(at, id)| (format!("D{at}"), Object::from(*id)));
        let drawings: Dictionary = named.map(|(name, id)| (name.into_bytes(), id)).collect();
        for (at, id) in ids.drain(..).enumerate() {
            let content = format!("BT /F1 9 Tf (x) Tj ET /D{} Do", at + 1);
            let form = dictionary! { "Type" => "XObject", "Subtype" => "Form" };
            document
                .objects
                .insert(id, Stream::new(form, content.into_bytes()).into());
        }
        dictionary! { "XObject" => drawings }
    })
}

#[test]
fn drawings_nest_so_deep_and_no_deeper() {
    assert!(read_pdf(nested(pdf::MAX_DRAWINGS_DEEP)).is_ok());
    assert_eq!(read_pdf(nested(pdf::MAX_DRAWINGS_DEEP + 1)), Err(Why::Damaged));
}

#[test]
fn a_drawing_that_draws_itself_is_no_text() {
    let endless = document(&[b"/Me Do"], |document| {
        let form = dictionary! { "Type" => "XObject", "Subtype" => "Form" };
        let me = document.add_object(Stream::new(form, b"/Me Do /Me Do /Me Do".to_vec()));
        dictionary! { "XObject" => dictionary! { "Me" => me } }
    });
    assert_eq!(read_pdf(endless), Err(Why::Damaged));
}

#[test]
fn so_many_drawings_are_followed_and_no_more() {
    let with = |count: usize| {
        let page = ["BT /F1 9 Tf (x) Tj ET ", &"/D Do ".repeat(count)].concat();
        read_pdf(document(&[page.as_bytes()], |document| {
            let form = dictionary! { "Type" => "XObject", "Subtype" => "Form" };
            let empty = document.add_object(Stream::new(form, Vec::new()));
            dictionary! { "XObject" => dictionary! { "D" => empty } }
        }))
    };
    assert!(with(pdf::MAX_DRAWINGS).is_ok());
    assert_eq!(with(pdf::MAX_DRAWINGS + 1), Err(Why::Damaged));
}

#[test]
fn a_scan_has_no_text() {
    assert_eq!(read_pdf(plain(&[b"q 100 0 0 100 0 0 cm Q"])), Err(Why::NoText));
    assert_eq!(read_pdf(plain(&[])), Err(Why::Damaged));
}

#[test]
fn letters_that_nobody_can_tell_are_no_text() {
    assert_eq!(read_pdf(plain(&[b"BT (no font) Tj ET"])), Err(Why::Damaged));
}

#[test]
fn pages_and_text_are_bounded() {
    let page: &[u8] = b"BT /F1 9 Tf (x) Tj ET";
    assert!(read_pdf(plain(&vec![page; MAX_PAGES])).is_ok());
    assert_eq!(read_pdf(plain(&vec![page; MAX_PAGES + 1])), Err(Why::TooManyPages));
    let with = |letters: usize| {
        let page = format!("BT /F1 9 Tf ({}) Tj ET", "x".repeat(letters));
        read_pdf(plain(&[page.as_bytes()]))
    };
    assert_eq!(with(MAX_TEXT_BYTES).map(|text| text.len()), Ok(MAX_TEXT_BYTES));
    assert_eq!(with(MAX_TEXT_BYTES + 1), Err(Why::TooLong));
}

/// A page of `size` bytes, packed.
fn packed(size: usize) -> Document {
    let mut page = b"BT /F1 9 Tf (x) Tj ET".to_vec();
    page.resize(size, b' ');
    let mut document = plain(&[&page]);
    document.compress();
    document
}

#[test]
fn a_bomb_is_not_unpacked() {
    let fits = packed(MAX_STREAM_BYTES);
    let over = packed(MAX_STREAM_BYTES + 1);
    assert!(
        bytes_of(over.clone()).len() < 100_000,
        "it is small as long as it is packed"
    );
    assert!(read_pdf(fits).is_ok());
    assert_eq!(read_pdf(over), Err(Why::TooLong));
}

fn protected(user_password: &str) -> Document {
    let mut document = plain(&[b"BT /F1 9 Tf (secret) Tj ET"]);
    let version = EncryptionVersion::V2 {
        document: &document,
        owner_password: "owner",
        user_password,
        key_length: 128,
        permissions: Permissions::PRINTABLE,
    };
    let state = EncryptionState::try_from(version).unwrap();
    document.encrypt(&state).unwrap();
    document
}

#[test]
fn what_needs_a_password_is_not_read() {
    assert_eq!(read_pdf(protected("hunter2")), Err(Why::Protected));
    assert_eq!(
        read_pdf(protected("")),
        Ok("secret".to_owned()),
        "everybody can read this one"
    );
}

#[test]
fn a_broken_file_is_no_text() {
    let whole = bytes_of(plain(&[b"BT /F1 9 Tf (whole) Tj ET"]));
    assert_eq!(read(Readable::Pdf, whole.clone()).text.as_deref(), Some("whole"));
    for length in [0, 1, 9, whole.len() / 4] {
        let read = read(Readable::Pdf, whole[..length].to_vec());
        assert_eq!(read, Why::Damaged.into(), "{length} bytes");
    }
}

#[test]
fn a_text_is_read_in_any_encoding() {
    let text = |bytes: &[u8]| read(Readable::Plain, bytes.to_vec());
    assert_eq!(text("\u{feff}Señor".as_bytes()).text.as_deref(), Some("Señor"));
    assert_eq!(text("Señor".as_bytes()).text.as_deref(), Some("Señor"));
    assert_eq!(text(b"Se\xf1or Mart\xednez").text.as_deref(), Some("Señor Martínez"));
    assert_eq!(text(b"\xff\xfeS\0e\0").text.as_deref(), Some("Se"), "UTF-16");
    assert_eq!(text(b"\x01\x02\xff"), Why::Encoding.into());
    assert_eq!(
        text(&vec![b'x'; MAX_TEXT_BYTES]).text.map(|text| text.len()),
        Some(MAX_TEXT_BYTES)
    );
    assert_eq!(text(&vec![b'x'; MAX_TEXT_BYTES + 1]), Why::TooLong.into());
}

#[test]
fn a_table_has_columns_and_rows_even_where_its_text_is_long() {
    let table = read(
        Readable::Table,
        "\u{feff}\"Name\";IBAN\nRosa;ES91\n".as_bytes().to_vec(),
    );
    assert_eq!(table.columns, Some(vec!["Name".to_owned(), "IBAN".to_owned()]));
    assert_eq!((table.rows, table.why), (Some(1), None));
    assert_eq!(table.text.as_deref(), Some("\"Name\";IBAN\nRosa;ES91\n"));
    let rows = MAX_TEXT_BYTES / 2;
    let long = read(Readable::Table, ["a\n", &"1\n".repeat(rows)].concat().into_bytes());
    assert_eq!(
        (long.text, long.rows, long.why),
        (None, Some(rows as u64), Some(Why::TooLong))
    );
    let latin = read(Readable::Table, b"Gr\xf6\xdfe;Preis\n1;2\n".to_vec());
    assert_eq!(latin.columns, Some(vec!["Größe".to_owned(), "Preis".to_owned()]));
    assert_eq!(read(Readable::Table, b"a;b\0\n1;2\n".to_vec()), Why::Encoding.into());
}

#[tokio::test]
async fn so_many_files_are_read_at_once_and_others_wait() {
    let folder = tempfile::tempdir().unwrap();
    let blobs = Blobs::scratch(folder.path()).unwrap();
    let blob = blobs.put(b"text".as_slice(), 10).await.unwrap();
    let reader = Reader::new(Where::Here);
    let read = || reader.read(&blobs, &blob.sha256, blob.size, Readable::Plain);
    let others = reader
        .turns
        .acquire_many(u32::try_from(MAX_AT_ONCE).unwrap() - 1)
        .await
        .unwrap();
    assert_eq!(read().await.unwrap().text.as_deref(), Some("text"));
    let last = reader.turns.acquire().await.unwrap();
    assert!(read().now_or_never().is_none());
    assert_eq!(reader.turns.available_permits(), 0);
    drop((others, last));
    assert!(read().await.is_ok());
    let large = reader
        .read(&blobs, &blob.sha256, MAX_FILE_BYTES + 1, Readable::Plain)
        .await;
    assert_eq!(large.unwrap(), Why::TooLarge.into());
}

#[test]
fn a_condition_tells_what_it_asks_for() {
    let needs = |text: &str| is_needed(&Expression::parse(text).unwrap());
    assert!(needs("'W-9' in file.text") && needs("file.rows > 3") && needs("'a' in file['columns']"));
    assert!(needs("file | length > 3"), "all of it");
    assert!(!needs("file.name.endswith('text')") && !needs("file.size > 3"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn whatever_bytes_come_nothing_breaks(
        bytes in proptest::collection::vec(any::<u8>(), 0..2_000),
        kind in prop_oneof![Just(Readable::Pdf), Just(Readable::Table), Just(Readable::Plain)],
    ) {
        let read = read(kind, [b"%PDF-1.7\n".as_slice(), &bytes].concat());
        prop_assert!(read.why.is_some() || read.text.is_some());
    }

    #[test]
    fn a_pdf_with_wrong_bytes_in_it_breaks_nothing(changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..30)) {
        let mut bytes = bytes_of(plain(&[b"BT /F1 9 Tf (whole) Tj [(a) 3 (b)] TJ ET", b"BT ET"]));
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        let read = read(Readable::Pdf, bytes);
        prop_assert!(read.why.is_some() != read.text.is_some());
    }
}
