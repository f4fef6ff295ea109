//! How many SMS segments a text takes (3GPP TS 23.038 and 23.040).

/// One septet each in the GSM 7-bit default alphabet.
const GSM_BASIC: &str = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?\
    ¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà";

/// Two septets each: an escape and a character of the extension table.
const GSM_EXTENDED: &str = "\u{c}^{}\\[~]|€";

/// The number of segments, at least one: 160 septets fit one GSM-7 message and 153 each part of a longer one;
/// one character outside that alphabet makes the whole text UCS-2 with 70 and 67 units.
pub fn count(body: &str) -> usize {
    match gsm_septets(body) {
        Some(septets) => parts(septets, 160, 153),
        None => parts(body.encode_utf16().count(), 70, 67),
    }
}

fn gsm_septets(body: &str) -> Option<usize> {
    body.chars().try_fold(0, |septets, c| {
        if GSM_BASIC.contains(c) {
            Some(septets + 1)
        } else if GSM_EXTENDED.contains(c) {
            Some(septets + 2)
        } else {
            None
        }
    })
}

fn parts(units: usize, single: usize, multiple: usize) -> usize {
    if units <= single {
        1
    } else {
        units.div_ceil(multiple)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gsm_texts_take_160_septets_or_parts_of_153() {
        assert_eq!(count(""), 1);
        assert_eq!(count(&"a".repeat(160)), 1);
        assert_eq!(count(&"a".repeat(161)), 2);
        assert_eq!(count(&"a".repeat(306)), 2);
        assert_eq!(count(&"a".repeat(307)), 3);
        assert_eq!(
            count(&"é".repeat(160)),
            1,
            "accents of the default alphabet cost one septet"
        );
        assert_eq!(count(&"€".repeat(80)), 1);
        assert_eq!(count(&"€".repeat(81)), 2, "extended characters cost two septets");
    }

    #[test]
    fn one_other_character_makes_the_whole_text_ucs2() {
        assert_eq!(count(&format!("{}ő", "a".repeat(69))), 1);
        assert_eq!(count(&format!("{}ő", "a".repeat(70))), 2);
        assert_eq!(
            count(&format!("{}🙂", "a".repeat(68))),
            1,
            "an emoji is two units"
        );
        assert_eq!(count(&format!("{}🙂", "a".repeat(69))), 2);
        assert_eq!(count(&"ő".repeat(135)), 3);
    }
}
