use super::{
    widths::{code, width},
    *,
};

fn letter(blocks: Vec<Block>) -> Letter {
    Letter {
        title: "Aviso <b>".to_owned(),
        author: "Acme".to_owned(),
        language: "es",
        written_at: "2026-09-04T17:00:00Z".parse().unwrap(),
        blocks,
    }
}

/// What the pages show, in the order in which it is drawn: the operands of `Tj`, decoded.
fn shown(bytes: &[u8]) -> Vec<String> {
    let latin: String = bytes.iter().map(|byte| char::from(*byte)).collect();
    let strings = latin.lines().filter_map(|line| line.strip_suffix(" Tj"));
    strings.map(decoded).collect()
}

fn decoded(operand: &str) -> String {
    if let Some(hex) = operand.strip_prefix('<') {
        let digits = hex.trim_end_matches('>').as_bytes();
        return digits
            .chunks(2)
            .map(|pair| {
                let text = std::str::from_utf8(pair).unwrap();
                char::from(u8::from_str_radix(text, 16).unwrap())
            })
            .collect();
    }
    let inner = operand
        .strip_prefix('(')
        .and_then(|inner| inner.strip_suffix(')'))
        .unwrap();
    inner.replace('\\', "")
}

#[test]
fn widths_are_those_of_the_afm_files_and_every_spanish_letter_has_one() {
    assert_eq!(width(b"Hello", false), 722.0 + 556.0 + 222.0 + 222.0 + 556.0);
    assert_eq!(width(b"Hello", true), 722.0 + 556.0 + 278.0 + 278.0 + 611.0);
    for letter in "¿¡áéíóúüñÁÉÍÓÚÜÑ«»ªº€–—’“”".chars() {
        let byte = code(letter).unwrap_or_else(|| panic!("{letter}"));
        assert!(
            width(&[byte], false) > 0.0 && width(&[byte], true) > 0.0,
            "{letter}"
        );
    }
    assert_eq!(code('ñ'), Some(0xF1));
    assert_eq!(code('’'), Some(0x92));
    for letter in ['Ł', '漢', '\u{0}', '\n', '\u{81}', '\u{202e}'] {
        assert_eq!(code(letter), None, "{letter:?}");
    }
    assert!(is_printable("Muñoz, José") && !is_printable("Łódź"));
}

#[test]
fn the_same_letter_is_the_same_bytes_and_says_what_its_blocks_say() {
    let blocks = vec![
        Block::Title("Aviso".to_owned()),
        Block::Paragraph(vec![
            Span::plain("Escríbanos a más tardar el "),
            Span::strong("14 de octubre"),
            Span::plain("."),
        ]),
        Block::Amounts(vec![Amount {
            label: "Monto total (ahora)".to_owned(),
            amount: "$1,234.50".to_owned(),
            is_total: true,
        }]),
        Block::TearOff(vec![Block::Boxes(vec![CheckBox {
            text: "Esta no es mi deuda.".to_owned(),
            is_detail: true,
        }])]),
    ];
    let letter = letter(blocks);
    let bytes = pdf(&letter).unwrap();
    assert!(bytes.starts_with(b"%PDF-1.4"));
    assert_eq!(bytes, pdf(&letter).unwrap());
    let words = |text: &str| text.split_whitespace().collect::<String>();
    assert_eq!(
        words(&shown(&bytes).join(" ")),
        words(&letter.text()),
        "and in the same order"
    );
    let mut other = letter.clone();
    other.written_at += chrono::TimeDelta::seconds(1);
    assert_ne!(bytes, pdf(&other).unwrap());

    let page = page(&letter);
    assert!(page.contains("lang=\"es\"") && page.contains("<title>Aviso &lt;b&gt;</title>"));
    assert!(page.contains("<strong>14 de octubre</strong>."), "{page}");
    assert!(!page.contains("<script") && !page.contains("<b>"));
    assert!(page.contains("<th scope=\"row\">Monto total (ahora)</th><td>$1,234.50</td>"));
}

/// Where each text begins and ends, in points from the left edge: `Td` says where, the widths how far.
fn extents(bytes: &[u8]) -> Vec<(f32, f32)> {
    let latin: String = bytes.iter().map(|byte| char::from(*byte)).collect();
    let (mut found, mut x, mut size, mut strong) = (Vec::new(), 0.0, 0.0, false);
    for line in latin.lines() {
        let parts: Vec<&str> = line.split(' ').collect();
        match parts.as_slice() {
            [font, points, "Tf"] => (strong, size) = (*font == "/F2", points.parse().unwrap()),
            [from, _, "Td"] => x = from.parse().unwrap(),
            [.., "Tj"] => {
                let text = decoded(line.strip_suffix(" Tj").unwrap());
                let bytes: Vec<u8> = text
                    .chars()
                    .map(|each| u8::try_from(u32::from(each)).unwrap())
                    .collect();
                found.push((x, x + width(&bytes, strong) * size / 1000.0));
            }
            _ => {}
        }
    }
    found
}

#[test]
fn long_texts_wrap_inside_the_margins_and_turn_the_page() {
    let long = "palabra ".repeat(3_000);
    let endless = "W".repeat(300);
    let letter = letter(vec![
        Block::Paragraph(vec![Span::plain(long.as_str())]),
        Block::Paragraph(vec![Span::strong(endless.as_str())]),
        Block::Beside(vec![endless.clone()], vec!["Ana".to_owned()]),
        Block::TearOff(vec![Block::Lines(vec!["Foot".to_owned()])]),
    ]);
    let bytes = pdf(&letter).unwrap();
    let text = shown(&bytes).join("");
    assert_eq!(text.matches("palabra").count(), 3_000, "nothing is lost");
    assert_eq!(text.matches('W').count(), 600);
    for (from, to) in extents(&bytes) {
        assert!(from >= 43.1 && to <= 568.9, "{from} to {to}");
    }
    let pages = String::from_utf8_lossy(&bytes).matches("/Type /Page\n").count();
    assert!(pages > 2, "{pages}");
}

#[test]
fn what_cannot_be_printed_is_refused() {
    let found = pdf(&letter(vec![Block::Lines(vec!["漢".to_owned()])]));
    assert_eq!(found, Err(Unprintable('漢')));
}
