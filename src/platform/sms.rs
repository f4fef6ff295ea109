//! How long a text message is for the network: in parts, which are what is paid for (3GPP TS 23.038 and 23.040).

/// One septet each in the GSM 7-bit default alphabet.
const BASIC: &str = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?\
    ¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà";

/// Two septets each: an escape and a character of the extension table.
const EXTENDED: &str = "\u{c}^{}\\[~]|€";

/// How the characters of a text travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SmsEncoding {
    /// The GSM 7-bit alphabet: 160 septets in one part, 153 in each of several.
    Gsm7,
    /// UCS-2, where one character is not of that alphabet: 70 units in one part, 67 in each of several.
    Ucs2,
}

/// The length of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SmsLength {
    pub encoding: SmsEncoding,
    /// Septets or 16-bit units.
    pub units: usize,
    /// Parts, at least one.
    pub segments: usize,
}

impl SmsLength {
    /// Measures a text. What takes two units is never cut in two, so that a part may stay one unit short.
    pub fn of(text: &str) -> Self {
        let in_gsm: Option<Vec<usize>> = text.chars().map(septets).collect();
        let (encoding, sizes, one, each) = match in_gsm {
            Some(sizes) => (SmsEncoding::Gsm7, sizes, 160, 153),
            None => (
                SmsEncoding::Ucs2,
                text.chars().map(char::len_utf16).collect(),
                70,
                67,
            ),
        };
        let units = sizes.iter().sum();
        Self {
            encoding,
            units,
            segments: if units <= one { 1 } else { parts(&sizes, each) },
        }
    }
}

/// The first character that the GSM alphabet lacks, by its place in characters.
pub fn beyond_gsm(text: &str) -> Option<(usize, char)> {
    text.chars().enumerate().find(|(_, c)| septets(*c).is_none())
}

fn septets(c: char) -> Option<usize> {
    if BASIC.contains(c) {
        Some(1)
    } else if EXTENDED.contains(c) {
        Some(2)
    } else {
        None
    }
}

fn parts(sizes: &[usize], room: usize) -> usize {
    let (parts, _) = sizes.iter().fold((1, 0), |(parts, used), size| {
        if used + size > room {
            (parts + 1, *size)
        } else {
            (parts, used + size)
        }
    });
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segments(text: &str) -> usize {
        SmsLength::of(text).segments
    }

    #[test]
    fn one_part_holds_160_septets_and_each_of_several_153() {
        assert_eq!(
            SmsLength::of(""),
            SmsLength {
                encoding: SmsEncoding::Gsm7,
                units: 0,
                segments: 1
            }
        );
        assert_eq!(segments(&"a".repeat(160)), 1);
        assert_eq!(segments(&"a".repeat(161)), 2);
        assert_eq!(segments(&"a".repeat(306)), 2);
        assert_eq!(segments(&"a".repeat(307)), 3);
        assert_eq!(segments(&"é".repeat(160)), 1, "of the default alphabet");
        assert_eq!(segments(&"€".repeat(80)), 1);
        assert_eq!(segments(&"€".repeat(81)), 2, "an escape and a character each");
        // 76 pairs fill 152 of 153 septets; the next pair begins another part.
        assert_eq!(segments(&"€".repeat(153)), 3);
    }

    #[test]
    fn one_other_character_makes_the_whole_text_ucs2() {
        assert_eq!(segments(&format!("{}ő", "a".repeat(69))), 1);
        assert_eq!(segments(&format!("{}ő", "a".repeat(70))), 2);
        assert_eq!(segments(&"ő".repeat(135)), 3);
        assert_eq!(segments(&format!("{}🙂", "a".repeat(69))), 2, "two units");
        // 33 pairs fill 66 of 67 units.
        assert_eq!(segments(&"🙂".repeat(67)), 3);
        assert_eq!(beyond_gsm("Qué tal, mamá"), Some((12, 'á')));
        assert_eq!(beyond_gsm("¿Qué tal?"), None);
    }
}
