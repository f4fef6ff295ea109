//! A letter as a page of HTML: no script, nothing fetched, readable without its style, by ear too.

use std::fmt::Write as _;

use super::{Amount, Block, CheckBox, Letter, Span};
use crate::platform::html::escaped;

const STYLE: &str = "body{font:1rem/1.45 system-ui,sans-serif;color:#111;background:#fff;margin:0}\
main{max-width:42rem;margin:0 auto;padding:1.5rem}h1{font-size:1.4rem}h2{font-size:1.1rem;margin-top:1.5rem}\
.beside{display:flex;flex-wrap:wrap;gap:1rem 3rem}.beside p{flex:1 1 14rem;margin:0}\
table{width:100%;border-collapse:collapse}th{font-weight:400;text-align:left;padding:.2rem 1rem .2rem 0}\
td{text-align:right;white-space:nowrap}.total th,.total td{font-weight:700;border-top:1px solid #111}\
.boxes{list-style:none;padding-left:0}.boxes .detail{padding-left:2rem}\
.tear-off{border-top:2px dashed #111;margin-top:2rem;padding-top:1rem}";

/// The page.
pub fn page(letter: &Letter) -> String {
    let mut html = format!(
        "<!doctype html>\n<html lang=\"{}\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>{}</title>\n\
         <style>{STYLE}</style>\n</head>\n<body>\n<main>\n",
        escaped(letter.language),
        escaped(&letter.title),
    );
    write_blocks(&mut html, &letter.blocks);
    html.push_str("</main>\n</body>\n</html>\n");
    html
}

fn write_blocks(html: &mut String, blocks: &[Block]) {
    for block in blocks {
        // Writing to a string does not fail.
        let _ = match block {
            Block::Title(text) => writeln!(html, "<h1>{}</h1>", escaped(text)),
            Block::Heading(text) => writeln!(html, "<h2>{}</h2>", escaped(text)),
            Block::Paragraph(spans) => writeln!(html, "<p>{}</p>", words(spans)),
            Block::Lines(each) => writeln!(html, "<p>{}</p>", lines(each)),
            Block::Beside(left, right) => writeln!(
                html,
                "<div class=\"beside\"><p>{}</p><p>{}</p></div>",
                lines(left),
                lines(right)
            ),
            Block::Bullets(items) => {
                let items: String = items
                    .iter()
                    .map(|spans| format!("<li>{}</li>\n", words(spans)))
                    .collect();
                writeln!(html, "<ul>\n{items}</ul>")
            }
            Block::Amounts(rows) => {
                let rows: String = rows.iter().map(amount).collect();
                writeln!(html, "<table><tbody>\n{rows}</tbody></table>")
            }
            Block::Rule => writeln!(html, "<hr>"),
            Block::Boxes(boxes) => {
                let boxes: String = boxes.iter().map(check_box).collect();
                writeln!(html, "<ul class=\"boxes\">\n{boxes}</ul>")
            }
            Block::TearOff(inner) => {
                html.push_str("<section class=\"tear-off\">\n");
                write_blocks(html, inner);
                writeln!(html, "</section>")
            }
        };
    }
}

fn words(spans: &[Span]) -> String {
    let each = spans.iter().map(|span| match span.is_strong {
        true => format!("<strong>{}</strong>", escaped(&span.text)),
        false => escaped(&span.text),
    });
    each.collect()
}

fn lines(each: &[String]) -> String {
    let escaped: Vec<String> = each.iter().map(|line| escaped(line)).collect();
    escaped.join("<br>")
}

fn amount(row: &Amount) -> String {
    format!(
        "<tr{}><th scope=\"row\">{}</th><td>{}</td></tr>\n",
        if row.is_total { " class=\"total\"" } else { "" },
        escaped(&row.label),
        escaped(&row.amount),
    )
}

fn check_box(each: &CheckBox) -> String {
    format!(
        "<li{}><span aria-hidden=\"true\">&#9744;</span> {}</li>\n",
        if each.is_detail { " class=\"detail\"" } else { "" },
        escaped(&each.text),
    )
}
