//! HTML in which no text can become markup.
//!
//! Names of elements, attributes and classes are literals of this program. Everything else goes through
//! [`Html::text`], [`Html::lines`] or [`Tag::attr`], which escape it; there is no other way in, but for the style and
//! the script, which are literals too.

use crate::report::text::{Glyphs, line};

/// A page, or a part of one, as it is written.
#[derive(Default)]
pub(super) struct Html(String);

/// An element whose start tag is open. It is written by what ends it: [`Tag::with`], [`Tag::text`] or [`Tag::empty`].
#[must_use]
pub(super) struct Tag<'a> {
    html: &'a mut Html,
    name: &'static str,
}

impl Html {
    /// What every HTML document begins with.
    pub(super) fn document() -> Self {
        Self("<!DOCTYPE html>\n".to_owned())
    }

    pub(super) fn into_text(self) -> String {
        self.0
    }

    /// Starts an element.
    pub(super) fn tag(&mut self, name: &'static str) -> Tag<'_> {
        self.0.push('<');
        self.0.push_str(name);
        Tag { html: self, name }
    }

    /// Text on one line.
    pub(super) fn text(&mut self, text: &str) {
        escape(&mut self.0, &line(text, Glyphs::Unicode, LONGEST));
    }

    /// Text of several lines; its tabs stay. Returns how many lines were too many.
    pub(super) fn lines(&mut self, text: &str, most: usize) -> usize {
        let mut lines = text.trim_end().lines();
        for (index, line) in lines.by_ref().take(most).enumerate() {
            if index > 0 {
                self.0.push('\n');
            }
            for (index, part) in line.trim_end().split('\t').enumerate() {
                if index > 0 {
                    self.0.push('\t');
                }
                self.text(part);
            }
        }
        lines.count()
    }

    /// `text` as a link to `url`, or as mere text where that is nothing to send a browser to.
    pub(super) fn link(&mut self, url: &str, text: &str) {
        match url.starts_with("https://") {
            true => self.tag("a").write("href", url).attr("rel", "noreferrer").text(text),
            false => self.text(text),
        }
    }

    /// A style or a script of this program, as it is.
    pub(super) fn verbatim(&mut self, literal: &'static str) {
        self.0.push_str(literal);
    }

    /// Ends a line of the source, for those who read that.
    pub(super) fn newline(&mut self) {
        self.0.push('\n');
    }

    /// Writes what fits until the page is `end` bytes long, and returns how many of `all` don't.
    pub(super) fn up_to<T>(
        &mut self,
        end: usize,
        all: impl IntoIterator<Item = T>,
        mut write: impl FnMut(&mut Self, T),
    ) -> usize {
        let mut all = all.into_iter();
        while let Some(one) = all.next() {
            let before = self.0.len();
            write(self, one);
            if self.0.len() > end {
                self.0.truncate(before);
                return 1 + all.count();
            }
        }
        0
    }

    /// How long the page may get if `more` bytes are added to it.
    pub(super) fn plus(&self, more: usize) -> usize {
        self.0.len() + more
    }
}

impl Tag<'_> {
    /// Classes that the style knows.
    pub(super) fn class(self, names: &'static str) -> Self {
        self.attr("class", names)
    }

    /// An attribute. Links go through [`Tag::within`] and [`Html::link`], so that none can be a script.
    pub(super) fn attr(self, name: &'static str, value: &str) -> Self {
        debug_assert!(!matches!(name, "href" | "src" | "style") && !name.starts_with("on"));
        self.write(name, value)
    }

    /// A link to the element with this id.
    pub(super) fn within(self, id: &str) -> Self {
        self.write("href", &format!("#{id}"))
    }

    /// An attribute without a value.
    pub(super) fn flag(self, name: &'static str) -> Self {
        self.html.0.push(' ');
        self.html.0.push_str(name);
        self
    }

    fn write(self, name: &'static str, value: &str) -> Self {
        self.html.0.push(' ');
        self.html.0.push_str(name);
        self.html.0.push_str("=\"");
        self.html.text(value);
        self.html.0.push('"');
        self
    }

    /// The element with what `inside` writes.
    pub(super) fn with(self, inside: impl FnOnce(&mut Html)) {
        self.html.0.push('>');
        inside(self.html);
        self.html.0.push_str("</");
        self.html.0.push_str(self.name);
        self.html.0.push('>');
    }

    /// The element with text on one line.
    pub(super) fn text(self, text: &str) {
        self.with(|html| html.text(text));
    }

    /// An element that never has anything inside, `<meta>` for instance.
    pub(super) fn empty(self) {
        self.html.0.push('>');
    }
}

fn escape(html: &mut String, text: &str) {
    for char in text.chars() {
        match char {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            char => html.push(char),
        }
    }
}

/// Characters that are shown of one line.
const LONGEST: usize = 2_000;

#[cfg(test)]
mod tests {
    use super::{Html, LONGEST};

    fn written(write: impl FnOnce(&mut Html)) -> String {
        let mut html = Html::default();
        write(&mut html);
        html.into_text()
    }

    #[test]
    fn text_is_never_markup() {
        let text = "</p><script>alert('1' && \"2\")</script>";
        assert_eq!(
            written(|html| html.tag("p").text(text)),
            "<p>&lt;/p&gt;&lt;script&gt;alert(&#39;1&#39; &amp;&amp; &quot;2&quot;)&lt;/script&gt;</p>"
        );
    }

    #[test]
    fn a_value_never_ends_its_attribute() {
        let value = "\" onclick='x' a=\"\n";
        assert_eq!(
            written(|html| html.tag("a").attr("title", value).text("")),
            "<a title=\"&quot; onclick=&#39;x&#39; a=&quot;\\n\"></a>"
        );
    }

    #[test]
    fn an_entity_shows_as_it_was_written() {
        assert_eq!(written(|html| html.text("&lt; &#0;")), "&amp;lt; &amp;#0;");
    }

    #[test]
    fn what_a_reader_would_not_see_is_shown_by_its_number() {
        assert_eq!(
            written(|html| html.text("a\u{202e}\u{0}\u{200b}\tb")),
            "a\\u{202e}\\u{0}\\u{200b}\\tb"
        );
    }

    #[test]
    fn configuration_keeps_its_lines_and_tabs_and_nothing_else_that_is_invisible() {
        let text = "server {\r\n\tlisten 443;\t# \u{202e}<\r\n\n}\u{85}\n\n";
        assert_eq!(
            written(|html| assert_eq!(html.lines(text, 10), 0)),
            "server {\n\tlisten 443;\t# \\u{202e}&lt;\n\n}"
        );
    }

    #[test]
    fn what_is_too_long_is_cut_and_counted() {
        assert_eq!(written(|html| assert_eq!(html.lines("a\nb\nc\nd", 2), 2)), "a\nb");
        let long = "x".repeat(LONGEST + 1);
        assert_eq!(written(|html| html.text(&long)), "x".repeat(LONGEST) + "…");
        let items = ["one", "two", "three"];
        assert_eq!(
            written(|html| assert_eq!(html.up_to(14, items, |html, item| html.tag("b").text(item)), 2)),
            "<b>one</b>"
        );
    }

    #[test]
    fn only_https_is_a_link() {
        for url in [
            "javascript:alert(1)",
            "http://x",
            " https://x",
            "data:text/html,x",
            "HTTPS:x",
        ] {
            assert_eq!(written(|html| html.link(url, "page")), "page", "{url}");
        }
        assert_eq!(
            written(|html| html.link("https://x/?a&b\"c", "page")),
            "<a href=\"https://x/?a&amp;b&quot;c\" rel=\"noreferrer\">page</a>"
        );
    }
}
