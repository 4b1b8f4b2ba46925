//! The grammar of jq: tokens become a [`Query`].

use super::lexer::{Token, tokens, unexpected};
use super::syntax::{Definition, Operator, Query};

/// How deep a program may be nested.
const MAX_DEPTH: usize = 500;

pub(super) const KEYWORDS: &[&str] = &[
    "or", "and", "module", "import", "include", "def", "as", "label", "break", "null", "true",
    "false", "if", "then", "elif", "else", "end", "try", "catch", "reduce", "foreach",
];

// How tightly queries are joined.
pub(super) const PIPE: u8 = 0;
const COMMA: u8 = 1;

/// Parses a program.
pub(super) fn parse(source: &str) -> Result<Query, String> {
    let mut parser = Parser::new(source)?;
    if let Some(unable) = parser.modules()? {
        return Ok(unable);
    }
    let definitions = parser.definitions()?;
    let body = match parser.peek() {
        None => Query::Unable("missing query (try \".\")".into()),
        Some(_) => parser.query(PIPE)?,
    };
    parser.done()?;
    Ok(enclose(definitions, body))
}

/// Parses nothing but definitions.
pub(super) fn parse_definitions(source: &str) -> Result<Vec<Definition>, String> {
    let mut parser = Parser::new(source)?;
    let found = parser.definitions()?;
    parser.done()?;
    Ok(found)
}

fn enclose(definitions: Vec<Definition>, body: Query) -> Query {
    let enclose = |body, definition| Query::Define(Box::new(definition), Box::new(body));
    definitions.into_iter().rev().fold(body, enclose)
}

pub(super) struct Parser<'s> {
    source: &'s str,
    tokens: Vec<(Token, usize)>,
    pub at: usize,
    pub depth: usize,
}

pub(super) type Parsed<T = Query> = Result<T, String>;

impl<'s> Parser<'s> {
    fn new(source: &'s str) -> Parsed<Parser<'s>> {
        Ok(Parser {
            source,
            tokens: tokens(source)?,
            at: 0,
            depth: 0,
        })
    }

    pub(super) fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at).map(|(token, _)| token)
    }

    pub(super) fn next(&mut self) -> Option<Token> {
        let token = self.peek().cloned();
        self.at += 1;
        token
    }

    /// That the token at hand is out of place.
    pub(super) fn wrong<T>(&self) -> Parsed<T> {
        let Some((token, end)) = self.tokens.get(self.at) else {
            return Err("unexpected EOF".into());
        };
        Err(match token {
            Token::Name(text)
            | Token::Variable(text)
            | Token::Format(text)
            | Token::Number(text) => unexpected(text),
            Token::Field(text) => unexpected(&format!(".{text}")),
            Token::Sign(sign) | Token::Update(sign) => unexpected(sign),
            _ => {
                let start = self.at.checked_sub(1).map_or(0, |n| self.tokens[n].1);
                unexpected(self.source.get(start..*end).unwrap_or_default().trim())
            }
        })
    }

    fn done(&self) -> Parsed<()> {
        self.peek().map_or(Ok(()), |_| self.wrong())
    }

    pub(super) fn is_sign(&self, sign: &str) -> bool {
        matches!(self.peek(), Some(Token::Sign(found)) if *found == sign)
    }

    pub(super) fn is_word(&self, word: &str) -> bool {
        matches!(self.peek(), Some(Token::Name(found)) if found == word)
    }

    pub(super) fn takes(&mut self, sign: &str) -> bool {
        let found = self.is_sign(sign);
        self.at += usize::from(found);
        found
    }

    pub(super) fn takes_word(&mut self, word: &str) -> bool {
        let found = self.is_word(word);
        self.at += usize::from(found);
        found
    }

    pub(super) fn sign(&mut self, sign: &str) -> Parsed<()> {
        if self.takes(sign) {
            Ok(())
        } else {
            self.wrong()
        }
    }

    pub(super) fn word(&mut self, word: &str) -> Parsed<()> {
        if self.takes_word(word) {
            Ok(())
        } else {
            self.wrong()
        }
    }

    /// Modules come from files, and there are none for a program in a config.
    fn modules(&mut self) -> Parsed<Option<Query>> {
        if self.takes_word("module") {
            self.sign("{")?;
            self.object()?;
            self.sign(";")?;
        }
        match self.peek() {
            Some(Token::Name(word)) if word == "import" || word == "include" => {
                self.at += 1;
                match self.next() {
                    Some(Token::Text(path)) => {
                        Ok(Some(Query::Unable(format!("cannot load module: {path:?}"))))
                    }
                    _ => {
                        self.at -= 1;
                        self.wrong()
                    }
                }
            }
            _ => Ok(None),
        }
    }

    fn definitions(&mut self) -> Parsed<Vec<Definition>> {
        let mut found = Vec::new();
        while self.is_word("def") {
            found.push(self.definition()?);
        }
        Ok(found)
    }

    fn definition(&mut self) -> Parsed<Definition> {
        self.word("def")?;
        let name = self.name()?;
        let mut parameters = Vec::new();
        if self.takes("(") {
            loop {
                match self.peek() {
                    Some(Token::Variable(_)) => parameters.push(self.variable()?),
                    _ => parameters.push(self.name()?),
                }
                if !self.takes(";") {
                    break;
                }
            }
            self.sign(")")?;
        }
        self.sign(":")?;
        let body = self.query(PIPE)?;
        self.sign(";")?;
        Ok(Definition {
            name,
            parameters,
            body,
        })
    }

    fn name(&mut self) -> Parsed<String> {
        match self.peek() {
            Some(Token::Name(name)) if !KEYWORDS.contains(&name.as_str()) => {
                let name = name.clone();
                self.at += 1;
                Ok(name)
            }
            _ => self.wrong(),
        }
    }

    pub(super) fn variable(&mut self) -> Parsed<String> {
        match self.peek() {
            Some(Token::Variable(name)) => {
                let name = name.clone();
                self.at += 1;
                Ok(name)
            }
            _ => self.wrong(),
        }
    }

    /// A query of parts that are joined at least as tightly as `least`.
    pub(super) fn query(&mut self, least: u8) -> Parsed {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(format!("the program is nested deeper than {MAX_DEPTH}"));
        }
        let query = self.joined(least);
        self.depth -= 1;
        query
    }

    fn joined(&mut self, least: u8) -> Parsed {
        let mut left = if self.is_word("def") {
            let definition = self.definition()?;
            Query::Define(Box::new(definition), Box::new(self.query(PIPE)?))
        } else if self.takes_word("label") {
            let name = self.variable()?;
            self.sign("|")?;
            Query::Label(name, Box::new(self.query(PIPE)?))
        } else {
            let term = self.term()?;
            if self.takes_word("as") {
                let mut patterns = vec![self.pattern()?];
                while self.takes("?//") {
                    patterns.push(self.pattern()?);
                }
                self.sign("|")?;
                Query::Bind(Box::new(term), patterns, Box::new(self.query(PIPE)?))
            } else {
                self.operators(term, 0)?
            }
        };
        loop {
            if least == PIPE && self.takes("|") {
                left = Query::Pipe(Box::new(left), Box::new(self.query(PIPE)?));
            } else if least <= COMMA && self.takes(",") {
                left = Query::Comma(Box::new(left), Box::new(self.query(COMMA + 1)?));
            } else {
                return Ok(left);
            }
        }
    }

    pub(super) fn expression(&mut self) -> Parsed {
        let term = self.term()?;
        self.operators(term, 0)
    }

    /// Operators that bind at least as tightly as `least`, behind their left side.
    fn operators(&mut self, mut left: Query, least: u8) -> Parsed {
        // The level whose operators can't stand in a row.
        let mut barred = None;
        while let Some((level, right_first, single)) = self.peek().and_then(level) {
            if level < least {
                break;
            }
            if barred == Some(level) {
                return self.wrong();
            }
            let Some(token) = self.next() else { break };
            let term = self.term()?;
            self.enter()?;
            let right = self.operators(term, if right_first { level } else { level + 1 })?;
            self.depth -= 1;
            left = operation(&token, Box::new(left), Box::new(right));
            barred = single.then_some(level);
        }
        Ok(left)
    }

    pub(super) fn enter(&mut self) -> Parsed<()> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(format!("the program is nested deeper than {MAX_DEPTH}"));
        }
        Ok(())
    }
}

/// How tightly an operator binds, whether the right one of two goes first, and whether it can't stand in a row.
fn level(token: &Token) -> Option<(u8, bool, bool)> {
    Some(match token {
        Token::Sign("//") => (1, true, false),
        Token::Update(_) => (2, false, true),
        Token::Name(word) if word == "or" => (3, false, false),
        Token::Name(word) if word == "and" => (4, false, false),
        Token::Compare(_) => (5, false, true),
        Token::Sign("+" | "-") => (6, false, false),
        Token::Sign("*" | "/" | "%") => (7, false, false),
        _ => return None,
    })
}

fn operation(token: &Token, left: Box<Query>, right: Box<Query>) -> Query {
    let arithmetic = |sign: &str| match sign {
        "+" => Operator::Add,
        "-" => Operator::Subtract,
        "*" => Operator::Multiply,
        "/" => Operator::Divide,
        _ => Operator::Modulo,
    };
    match token {
        Token::Sign("//") => Query::Alternative(left, right),
        Token::Name(word) if word == "or" => Query::Or(left, right),
        Token::Name(_) => Query::And(left, right),
        Token::Compare(operator) => Query::Binary(*operator, left, right),
        Token::Update("=") => Query::Assign(left, right),
        Token::Update("|=") => Query::Modify(left, right),
        Token::Update("//=") => Query::Update(None, left, right),
        Token::Update(sign) => Query::Update(Some(arithmetic(&sign[..1])), left, right),
        Token::Sign(sign) => Query::Binary(arithmetic(sign), left, right),
        _ => *left,
    }
}
