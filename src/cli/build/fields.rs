//! Values that consist of fields, `KEY=VALUE,KEY=VALUE`, with quotes as CSV has them.

/// The fields of a value.
#[derive(Debug, Default)]
pub(super) struct Fields(Vec<(String, String)>);

/// Splits a value into its fields.
pub(super) fn fields(text: &str) -> Result<Fields, String> {
    let mut fields = Vec::new();
    for field in split(text)? {
        let (key, value) = field.split_once('=').ok_or_else(|| format!("{field:?} is no KEY=VALUE"))?;
        fields.push((key.trim().to_lowercase(), value.to_owned()));
    }
    Ok(Fields(fields))
}

fn split(text: &str) -> Result<Vec<String>, String> {
    let mut all = vec![String::new()];
    let mut letters = text.chars().peekable();
    let mut is_quoted = false;
    while let Some(letter) = letters.next() {
        let field = all.last_mut().expect("there is always one");
        match letter {
            '"' if is_quoted && letters.peek() == Some(&'"') => {
                letters.next();
                field.push('"');
            }
            '"' if is_quoted || field.is_empty() => is_quoted = !is_quoted,
            ',' if !is_quoted => all.push(String::new()),
            letter => field.push(letter),
        }
    }
    if is_quoted { Err("a quotation mark is not closed".to_owned()) } else { Ok(all) }
}

impl Fields {
    /// Takes the value of a key; the last counts.
    pub(super) fn take(&mut self, key: &str) -> Option<String> {
        let value = self.0.iter().rev().find(|(known, _)| known == key).map(|(_, value)| value.clone());
        self.0.retain(|(known, _)| known != key);
        value
    }

    /// Takes a key that is true or false.
    pub(super) fn flag(&mut self, key: &str) -> Result<Option<bool>, String> {
        match self.take(key).map(|value| value.to_lowercase()).as_deref() {
            None => Ok(None),
            Some("1" | "t" | "true") => Ok(Some(true)),
            Some("0" | "f" | "false") => Ok(Some(false)),
            Some(other) => Err(format!("{key}={other:?} is neither true nor false")),
        }
    }

    /// The keys that nobody took.
    pub(super) fn rest(self) -> Vec<String> {
        self.0.into_iter().map(|(key, _)| key).collect()
    }
}
