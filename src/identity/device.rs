//! A browser's name for itself (RFC 9110 section 10.1.5), in words that people know. What it says is the client's
//! own claim: good for telling one's sessions apart, for nothing else.

/// The most characters of it that are kept.
const KEPT: usize = 200;

/// The most telling name first: browsers also call themselves by the names of those they are built on.
const PROGRAMS: [(&str, &str); 10] = [
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Vivaldi/", "Vivaldi"),
    ("FxiOS/", "Firefox"),
    ("Firefox/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chromium/", "Chromium"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
];

const SYSTEMS: [(&str, &str); 7] = [
    ("iPhone", "an iPhone"),
    ("iPad", "an iPad"),
    ("Android", "Android"),
    ("CrOS", "ChromeOS"),
    ("Windows", "Windows"),
    ("Macintosh", "a Mac"),
    ("Linux", "Linux"),
];

/// What is kept of a `User-Agent`.
pub(super) fn kept(user_agent: &str) -> String {
    user_agent.chars().take(KEPT).collect()
}

/// "Firefox on Windows"; of others the first word of what they say.
pub(super) fn in_words(user_agent: Option<&str>) -> String {
    let text = user_agent.unwrap_or_default();
    let find = |known: &[(&str, &'static str)]| {
        known
            .iter()
            .find(|(mark, _)| text.contains(mark))
            .map(|(_, name)| *name)
    };
    match (find(&PROGRAMS), find(&SYSTEMS)) {
        (Some(program), Some(system)) => format!("{program} on {system}"),
        (Some(program), None) => program.to_owned(),
        (None, system) => {
            let word: String = text
                .chars()
                .take_while(|c| !c.is_whitespace() && *c != '/')
                .filter(|c| !c.is_control())
                .collect();
            match (word.as_str(), system) {
                ("", None) => "Unknown device".to_owned(),
                ("" | "Mozilla", Some(system)) => format!("A browser on {system}"),
                (word, Some(system)) => format!("{word} on {system}"),
                (word, None) => word.to_owned(),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn browsers_and_programs_have_names() {
        for (text, words) in [
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0",
                "Firefox on Windows",
            ),
            (
                "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Safari/605.1.15",
                "Safari on a Mac",
            ),
            (
                "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36",
                "Chrome on Linux",
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0",
                "Edge on Windows",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/140.0 Mobile/15E148 Safari/604.1",
                "Chrome on an iPhone",
            ),
            (
                "Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Mobile Safari/537.36",
                "Chrome on Android",
            ),
            ("curl/8.9.1", "curl"),
            ("FunnelchatApp/2.1 (iPad; iOS 18)", "FunnelchatApp on an iPad"),
            ("Mozilla/5.0 (Windows NT 10.0)", "A browser on Windows"),
            ("", "Unknown device"),
        ] {
            assert_eq!(in_words(Some(text)), words);
        }
        assert_eq!(in_words(None), "Unknown device");
        assert_eq!(kept(&"ä".repeat(500)).chars().count(), 200);
    }
}
