//! Route for administrators to list API tokens. Tokens are made and revoked on the machine itself.

use crate::server::Problem;
use crate::server::dto::{Page, Token};
use crate::server::extract::{Answer, State};

/// Lists all tokens.
pub async fn list(State(server): State) -> Result<Answer<Page<Token>>, Problem> {
    let (now, used) = (server.host.now(), server.token_uses().await?);
    let tokens = server.accounts.tokens();
    let items = tokens.into_iter().map(|line| Token::of(line, &used, now));
    Ok(Answer(Page {
        items: items.collect(),
        next: None,
    }))
}
