//! Route for administrators to list API tokens. Tokens are made and revoked on the machine itself.

use crate::server::Problem;
use crate::server::dto::{Owner, Page, Token};
use crate::server::extract::{Answer, State};

/// Lists all tokens.
pub async fn list(State(server): State) -> Result<Answer<Page<Token>>, Problem> {
    let (now, used) = (server.host.now(), server.token_uses().await?);
    let tokens = server.accounts.tokens();
    let directory = server.host.directory();
    let items = tokens.into_iter().map(|line| {
        let owner = Owner {
            person: server.accounts.bound_to(&line.id()),
            is_here: directory.users.contains_key(&line.user) && server.accounts.is_of_person_now(&line),
        };
        Token::of(line, owner, &used, now)
    });
    Ok(Answer(Page {
        items: items.collect(),
        next: None,
    }))
}
