//! Pages of a list, and the tokens that lead from one to the next.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use super::Answer;
use super::selector::text;
use crate::error::Refusal;
use crate::wire::{Message, Style};

/// Which part of a list a request asks for.
#[derive(Debug)]
pub(super) struct Page {
    size: usize,
    offset: usize,
}

impl Page {
    /// Reads `page_size`, which a `limit` binds, and `page_token`.
    pub(super) fn of(fields: &Value, limit: u32) -> Result<Page, Refusal> {
        let size = match fields.get("page_size").map(|size| size.as_u64().and_then(|size| u32::try_from(size).ok())) {
            None | Some(Some(0)) => 10,
            Some(Some(size)) if size <= limit => size as usize,
            Some(_) => {
                return Err(Refusal::InvalidArgument(format!("page_size: value must be at most {limit}")));
            }
        };
        Ok(Page { size, offset: offset(text(fields, "page_token")?)? })
    }

    /// The same page with no more items than `cap`, for a route that gives less than it is asked for.
    pub(super) fn capped(self, cap: usize) -> Page {
        Page { size: self.size.min(cap), ..self }
    }

    /// The reply that shows this page of `all`.
    pub(super) fn answer<T>(
        &self,
        name: &str,
        all: &[T],
        style: Style,
        write: impl FnMut(&T) -> Result<Value, Refusal>,
    ) -> Result<Answer, Refusal> {
        let total = all.len();
        if self.offset > 0 && self.offset >= total {
            return Err(unknown_token());
        }
        let shown = all.iter().skip(self.offset).take(self.size).map(write).collect::<Result<_, _>>()?;
        let next = Some(self.offset + self.size).filter(|next| *next < total);
        let previous = (self.offset > 0).then(|| self.offset.saturating_sub(self.size));
        let body = Message::new(style)
            .list(name, shown)
            .count("total_size", total)
            .text("next_page_token", &next.map(page_token).unwrap_or_default())
            .text("prev_page_token", &previous.map(page_token).unwrap_or_default());
        Ok(Answer::Json { status: 200, body: body.done() })
    }
}

/// Page tokens as in the OpenAPI description's examples.
fn page_token(offset: usize) -> String {
    BASE64_STANDARD.encode(json!({"offset": offset}).to_string())
}

fn offset(page_token: &str) -> Result<usize, Refusal> {
    if page_token.is_empty() {
        return Ok(0);
    }
    let decoded = BASE64_STANDARD.decode(page_token).ok();
    let offset = decoded.and_then(|text| serde_json::from_slice::<Value>(&text).ok()?["offset"].as_u64());
    offset.and_then(|offset| usize::try_from(offset).ok()).ok_or_else(unknown_token)
}

fn unknown_token() -> Refusal {
    Refusal::InvalidArgument("page_token: not one of ours".to_owned())
}
