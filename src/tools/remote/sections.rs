//! The parts of what a script on another host printed, told apart by lines that nothing else can print. Pure.

use std::borrow::Cow;

/// How each part begins: a line with this mark and the name of the part. Random, so that no content is taken for one.
#[derive(Clone, Debug)]
pub struct Sections {
    mark: String,
}

impl Sections {
    pub fn random() -> Self {
        Self { mark: format!("part-{}", uuid::Uuid::new_v4().simple()) }
    }

    /// What a script is to print before each part: an empty line, this, a space, and the name.
    pub fn mark(&self) -> &str {
        &self.mark
    }

    /// The parts in their order, by their names.
    pub fn split<'a>(&self, printed: &'a [u8]) -> Vec<(String, &'a [u8])> {
        let mark = format!("\n{} ", self.mark);
        let begins: Vec<usize> = memchr::memmem::find_iter(printed, mark.as_bytes()).collect();
        let ends = begins.iter().skip(1).copied().chain([printed.len()]);
        let part = |(begin, end): (&usize, usize)| {
            let part = &printed[begin + mark.len()..end];
            let line = memchr::memchr(b'\n', part).unwrap_or(part.len());
            (String::from_utf8_lossy(&part[..line]).into_owned(), part.get(line + 1..).unwrap_or_default())
        };
        begins.iter().zip(ends).map(part).collect()
    }

    /// One of these parts, as text.
    pub fn text<'a>(parts: &[(String, &'a [u8])], name: &str) -> Option<Cow<'a, str>> {
        parts.iter().find(|(part, _)| part == name).map(|(_, content)| String::from_utf8_lossy(content))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_told_apart_and_content_forges_none() {
        let sections = Sections::random();
        let mark = sections.mark();
        let printed = format!("banner\n{mark} /a\none\ntwo\n\n{mark} /empty\n\n{mark} /b c\npart-0 /d\n");
        let parts = sections.split(printed.as_bytes());
        let names: Vec<_> = parts.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["/a", "/empty", "/b c"]);
        assert_eq!(Sections::text(&parts, "/a").as_deref(), Some("one\ntwo\n"));
        assert_eq!(Sections::text(&parts, "/empty").as_deref(), Some(""));
        assert_eq!(Sections::text(&parts, "/b c").as_deref(), Some("part-0 /d\n"));
        assert_eq!(Sections::text(&parts, "/d"), None);
        assert!(sections.split(b"").is_empty() && sections.split(b"no part").is_empty());
    }
}
