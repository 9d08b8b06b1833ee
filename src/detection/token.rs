//! SQL cut into tokens: enough to find parameters, tables and the traps that `lint` knows, and no more. Whether a query
//! is valid is for the engine to say.

/// One token and the line that it starts on, from 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Token {
    pub line: usize,
    pub kind: Kind,
}

/// What a token is. Comments and white space are none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    /// A keyword, name or number, in lowercase as SQL compares them.
    Word(String),
    /// `"a name in quotes"`, without the quotes.
    Quoted(String),
    /// `'a text'`, without the quotes.
    Text(String),
    /// `$name`, without the dollar.
    Param(String),
    /// Any other character.
    Symbol(char),
}

impl Token {
    /// Whether this is the keyword or name `word` (lowercase), not in quotes.
    pub(super) fn is(&self, word: &str) -> bool {
        matches!(&self.kind, Kind::Word(text) if text == word)
    }

    /// Whether this is the character `symbol`.
    pub(super) fn is_symbol(&self, symbol: char) -> bool {
        self.kind == Kind::Symbol(symbol)
    }

    /// The name that this token can stand for, in quotes or not.
    pub(super) fn name(&self) -> Option<&str> {
        match &self.kind {
            Kind::Word(name) | Kind::Quoted(name) => Some(name),
            _ => None,
        }
    }
}

/// Cuts `sql` into tokens. Never fails: what is left open ends with the text.
pub(super) fn tokens(sql: &str) -> Vec<Token> {
    let mut scanner = Scanner { rest: sql, line: 1 };
    std::iter::from_fn(|| scanner.token()).collect()
}

struct Scanner<'a> {
    rest: &'a str,
    line: usize,
}

impl<'a> Scanner<'a> {
    fn token(&mut self) -> Option<Token> {
        self.skip_blanks();
        let line = self.line;
        let first = self.rest.chars().next()?;
        let kind = match first {
            '\'' => Kind::Text(self.quoted('\'')),
            '"' => Kind::Quoted(self.quoted('"')),
            '$' => {
                self.take(1);
                Kind::Param(self.word().to_owned())
            }
            _ if is_word(first) => Kind::Word(self.word().to_lowercase()),
            _ => {
                self.take(first.len_utf8());
                Kind::Symbol(first)
            }
        };
        Some(Token { line, kind })
    }

    /// White space, `-- comments` and `/* comments, /* which nest */ */`.
    fn skip_blanks(&mut self) {
        loop {
            let before = self.rest.len();
            let blank = before - self.rest.trim_start().len();
            self.take(blank);
            if self.rest.starts_with("--") {
                self.take(self.rest.find('\n').unwrap_or(self.rest.len()));
            } else if self.rest.starts_with("/*") {
                self.skip_comment();
            }
            if self.rest.len() == before {
                return;
            }
        }
    }

    fn skip_comment(&mut self) {
        let mut depth = 0_usize;
        while !self.rest.is_empty() {
            let step = match self.rest.get(..2) {
                Some("/*") => {
                    depth += 1;
                    2
                }
                Some("*/") => {
                    depth -= 1;
                    2
                }
                _ => self.rest.chars().next().map_or(0, char::len_utf8),
            };
            self.take(step);
            if depth == 0 {
                return;
            }
        }
    }

    /// What stands between two `quote`s, of which a doubled one is itself.
    fn quoted(&mut self, quote: char) -> String {
        let mut text = String::new();
        self.take(1);
        loop {
            let end = self.rest.find(quote).unwrap_or(self.rest.len());
            text.push_str(self.take(end));
            self.take(self.rest.len().min(1));
            if !self.rest.starts_with(quote) {
                return text;
            }
            text.push(quote);
            self.take(1);
        }
    }

    fn word(&mut self) -> &'a str {
        self.take(self.rest.find(|c| !is_word(c)).unwrap_or(self.rest.len()))
    }

    /// Steps over `bytes` bytes, which end at a character, and counts their lines.
    fn take(&mut self, bytes: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at(bytes);
        self.line += taken.bytes().filter(|byte| *byte == b'\n').count();
        self.rest = rest;
        taken
    }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn kinds(sql: &str) -> Vec<Kind> {
        tokens(sql).into_iter().map(|token| token.kind).collect()
    }

    fn word(text: &str) -> Kind {
        Kind::Word(text.to_owned())
    }

    #[test]
    fn words_are_lowercase_and_names_in_quotes_keep_their_case() {
        assert_eq!(kinds("SELECT \"Ab\"\"c\""), [word("select"), Kind::Quoted("Ab\"c".to_owned())]);
    }

    #[test]
    fn comments_are_no_tokens_and_nest() {
        assert_eq!(kinds("a -- $b 'c\n/* d /* e */ ; */ f"), [word("a"), word("f")]);
    }

    #[test]
    fn a_text_hides_what_is_in_it() {
        assert_eq!(kinds("'it''s -- $no;'"), [Kind::Text("it's -- $no;".to_owned())]);
    }

    #[test]
    fn params_are_told_from_words() {
        assert_eq!(kinds("x>$min_1"), [word("x"), Kind::Symbol('>'), Kind::Param("min_1".to_owned())]);
    }

    #[test]
    fn lines_are_counted_through_texts_and_comments() {
        let lines: Vec<usize> = tokens("a\n/*\n*/ 'x\ny' b").into_iter().map(|token| token.line).collect();
        assert_eq!(lines, [1, 3, 4]);
    }

    #[test]
    fn what_is_left_open_ends_with_the_text() {
        for sql in ["'", "''", "'a", "\"", "/*", "/* /* */", "--", "$", "'ä", "/*ä"] {
            tokens(sql);
        }
    }

    proptest! {
        #[test]
        fn any_text_is_cut_without_panic(sql in "[-/*'\"$;a(ä\n ]{0,40}") {
            tokens(&sql);
        }
    }
}
