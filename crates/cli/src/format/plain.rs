//! Templates of nothing but fields and the text between them, as most tables are: filled without the
//! machinery for templates, which takes several times as long. Whatever is more than that is left to it.

/// A piece of such a template.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece<'a> {
    /// What stands there.
    Text(&'a str),
    /// `{{.Name}}`.
    Field(&'a str),
}

/// The pieces; `None` where there is more than fields and text.
pub(super) fn pieces(template: &str) -> Option<Vec<Piece<'_>>> {
    let mut pieces = Vec::new();
    let mut rest = template;
    while let Some((text, behind)) = rest.split_once("{{") {
        let (name, behind) = behind.strip_prefix('.')?.split_once("}}")?;
        if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphabetic()) {
            return None;
        }
        if !text.is_empty() {
            pieces.push(Piece::Text(text));
        }
        pieces.push(Piece::Field(name));
        rest = behind;
    }
    if !rest.is_empty() {
        pieces.push(Piece::Text(rest));
    }
    Some(pieces)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_and_text_and_nothing_else() {
        use Piece::{Field, Text};
        assert_eq!(
            pieces("{{.ID}}\t{{.Names}} }}x"),
            Some(vec![Field("ID"), Text("\t"), Field("Names"), Text(" }}x")])
        );
        assert_eq!(pieces("plain"), Some(vec![Text("plain")]));
        assert_eq!(pieces(""), Some(Vec::new()));
        for more in [
            "{{.}}",
            "{{ .ID }}",
            "{{- .ID}}",
            "{{.ID -}}",
            "{{.A.B}}",
            "{{json .}}",
            "{{.ID",
            "{{.Label \"a\"}}",
            "{{/* x */}}",
            "{{.ID}}{{if .ID}}x{{end}}",
            "{{{.ID}}}",
            "{{.ID}",
        ] {
            assert_eq!(pieces(more), None, "{more}");
        }
    }
}
