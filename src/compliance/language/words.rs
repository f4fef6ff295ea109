//! Short forms that are written out, so that a phrase is found however it is spelt.

/// What a short form stands for, as words; `None` for a word that stands for itself.
pub(super) fn written_out(word: &str) -> Option<&'static [&'static str]> {
    Some(match word {
        "won't" | "wont" => &["will", "not"],
        "can't" | "cant" | "cannot" => &["can", "not"],
        "shan't" | "shant" => &["shall", "not"],
        "ain't" | "aint" => &["are", "not"],
        "dont" => &["do", "not"],
        "doesnt" => &["does", "not"],
        "didnt" => &["did", "not"],
        "isnt" => &["is", "not"],
        "arent" => &["are", "not"],
        "wasnt" => &["was", "not"],
        "werent" => &["were", "not"],
        "hasnt" => &["has", "not"],
        "havent" => &["have", "not"],
        "hadnt" => &["had", "not"],
        "couldnt" => &["could", "not"],
        "wouldnt" => &["would", "not"],
        "shouldnt" => &["should", "not"],
        "mustnt" => &["must", "not"],
        "im" => &["i", "am"],
        "ive" => &["i", "have"],
        "youll" | "ull" => &["you", "will"],
        "youre" => &["you", "are"],
        "youve" => &["you", "have"],
        "theyll" => &["they", "will"],
        "theyre" => &["they", "are"],
        "weve" => &["we", "have"],
        "itll" => &["it", "will"],
        "thats" => &["that", "is"],
        "whats" => &["what", "is"],
        "theres" => &["there", "is"],
        "lets" | "let's" => &["let", "us"],
        "ya" | "yall" | "y'all" => &["you"],
        "ur" => &["your"],
        "gonna" => &["going", "to"],
        "gotta" => &["got", "to"],
        "wanna" => &["want", "to"],
        "imma" | "ima" => &["i", "will"],
        "hafta" => &["have", "to"],
        "y'know" => &["you", "know"],
        "b4" => &["before"],
        "2day" => &["today"],
        "2nite" | "tonite" => &["tonight"],
        "2moro" | "2morrow" | "tmrw" | "tomoro" => &["tomorrow"],
        "pls" | "plz" => &["please"],
        "acct" => &["account"],
        "pymt" => &["payment"],
        "atty" => &["attorney"],
        "xq" => &["porque"],
        "tb" => &["tambien"],
        _ => return None,
    })
}

/// What a letter that stands alone is short for.
pub(super) fn letter(word: &str) -> Option<&'static str> {
    Some(match word {
        "u" => "you",
        "r" => "are",
        _ => return None,
    })
}

/// What a part after the apostrophe stands for.
pub(super) fn suffix(part: &str) -> Option<&'static str> {
    Some(match part {
        "ll" => "will",
        "re" => "are",
        "m" => "am",
        "ve" => "have",
        "d" => "would",
        _ => return None,
    })
}

/// Words after which `'s` is a verb, not a possessive.
pub(super) fn takes_is(word: &str) -> bool {
    matches!(
        word,
        "it" | "that" | "he" | "she" | "there" | "what" | "who" | "here" | "this"
    )
}

/// Abbreviations whose full stop ends no sentence.
pub(super) fn is_abbreviation(word: &str) -> bool {
    matches!(
        word,
        "mr" | "mrs"
            | "ms"
            | "dr"
            | "st"
            | "sr"
            | "sra"
            | "srta"
            | "jr"
            | "inc"
            | "co"
            | "ltd"
            | "llc"
            | "corp"
            | "vs"
            | "dept"
            | "apt"
            | "ave"
            | "lic"
            | "ud"
            | "uds"
            | "approx"
            | "ext"
            | "tel"
            | "jan"
            | "feb"
            | "mar"
            | "apr"
            | "jun"
            | "jul"
            | "aug"
            | "sep"
            | "sept"
            | "oct"
            | "nov"
            | "dec"
            | "dra"
            | "att"
            | "attn"
            | "sgt"
            | "lt"
            | "det"
            | "capt"
            | "gov"
    )
}

/// What a sign that stands for a word says.
pub(super) fn sign(ch: char) -> Option<&'static str> {
    Some(match ch {
        '🔫' => "gun",
        '🔪' | '🗡' => "knife",
        '💣' => "bomb",
        '💀' | '☠' | '⚰' => "dead",
        '🖕' => "fuck",
        '💩' => "shit",
        '🚔' | '🚓' | '👮' => "police",
        '⚖' => "court",
        _ => return None,
    })
}
