//! The markup of manual pages (man(7)).

/// A page that is being written.
#[derive(Debug)]
pub(super) struct Roff(String);

impl Roff {
    /// Begins a page of section 1.
    pub(super) fn new(name: &str, about: &str) -> Self {
        Self::of_section(1, name, about)
    }

    /// Begins a page of any section (man(7)).
    pub(super) fn of_section(section: u8, name: &str, about: &str) -> Self {
        let (title, version) = (name.to_uppercase(), env!("CARGO_PKG_VERSION"));
        let mut page = Self(format!(
            ".TH \"{}\" \"{section}\" \"\" \"Corten {version}\" \"{}\"\n.nh\n.ad l\n",
            escape(&title),
            escape(&crate::speech::say("Corten Manual"))
        ));
        page.heading("NAME");
        page.text(&format!("{name} - {about}"));
        page
    }

    /// A section.
    pub(super) fn heading(&mut self, title: &str) {
        self.0
            .push_str(&format!(".SH {}\n", escape(&crate::speech::say(title))));
    }

    /// A paragraph.
    pub(super) fn text(&mut self, text: &str) {
        for (index, line) in text.lines().enumerate() {
            if index > 0 {
                self.0.push_str(".br\n");
            }
            self.0.push_str(&escape(line));
            self.0.push('\n');
        }
    }

    /// A line in bold.
    pub(super) fn bold(&mut self, text: &str) {
        self.0.push_str(&format!("\\fB{}\\fR\n", escape(text)));
    }

    /// A term with its explanation.
    pub(super) fn item(&mut self, term: &str, text: &str) {
        self.0.push_str(&format!(".TP\n\\fB{}\\fR\n", escape(term)));
        self.text(if text.is_empty() { " " } else { text });
    }

    /// The page's text.
    pub(super) fn finish(self) -> String {
        self.0
    }
}

/// Characters that roff would act on.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '\\' => out.push_str("\\e"),
            '-' => out.push_str("\\-"),
            '\'' => out.push_str("\\(aq"),
            '"' => out.push_str("\\(dq"),
            '`' => out.push_str("\\(ga"),
            '^' => out.push_str("\\(ha"),
            '~' => out.push_str("\\(ti"),
            '.' if out.is_empty() => out.push_str("\\&."),
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_acted_on() {
        assert_eq!(escape(".x 'a' \\n --y"), "\\&.x \\(aqa\\(aq \\en \\-\\-y");
    }
}
