//! A plain text as HTML. Whoever writes a template writes words, never markup: everything is escaped, so that neither a
//! template nor a value brings in markup, pictures or remote content.

use crate::platform::html::escaped;

/// A whole document of a text: a paragraph for each part between empty lines, line breaks as they are, and the links that
/// are given as links.
pub fn to_html(language: &str, title: &str, text: &str, links: &[&str]) -> String {
    let paragraphs: Vec<String> = text
        .replace("\r\n", "\n")
        .split("\n\n")
        .map(str::trim)
        .filter(|part| !part.is_empty())
        .map(|part| format!("<p>{}</p>", paragraph(part, links)))
        .collect();
    format!(
        "<!DOCTYPE html>\n<html lang=\"{}\">\n<head>\n<meta charset=\"utf-8\">\n<title>{}</title>\n</head>\n<body>\n{}\n</body>\n</html>\n",
        escaped(language),
        escaped(title),
        paragraphs.join("\n"),
    )
}

fn paragraph(part: &str, links: &[&str]) -> String {
    let linked = links.iter().fold(escaped(part), |html, link| {
        let link = escaped(link);
        html.replace(&link, &format!("<a href=\"{link}\">{link}</a>"))
    });
    linked.replace('\n', "<br>\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_in_words_and_values_is_shown_and_never_obeyed() {
        let text =
            "Dear <script>alert('x')</script> & co,\nsee https://pay.example/d/a?b=1&c=2\n\nBye \"friend\"";
        let html = to_html(
            "en",
            "A \"message\" <for> you",
            text,
            &["https://pay.example/d/a?b=1&c=2"],
        );
        assert!(!html.contains("<script"), "{html}");
        assert!(html.contains("<p>Dear &lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt; &amp; co,<br>"));
        assert!(html.contains(
            "<a href=\"https://pay.example/d/a?b=1&amp;c=2\">https://pay.example/d/a?b=1&amp;c=2</a>"
        ));
        assert!(html.contains("<title>A &quot;message&quot; &lt;for&gt; you</title>"));
        assert!(html.contains("<p>Bye &quot;friend&quot;</p>"));
    }
}
