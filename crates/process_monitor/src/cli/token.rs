//! `token create`, `token list`, `token revoke`: by what other hosts show who they are.

use super::context::Context;
use super::failure::Failure;
use super::list::{self, note_effect, note_source};
use super::{console, render, value};
use clap::{Args, Subcommand};
use process_monitor_client::api::{TokenCreated, TokenRequest};
use process_monitor_core::model::Scope;
use serde_json::json;
use std::time::Duration;

/// Arguments of `token`.
#[derive(Debug, Args)]
pub struct TokenArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Make a token, and show it this once: token create --scope read > token.txt
    Create {
        /// What its holder may do: read everything, also control processes, or all that you may
        #[arg(long, value_name = "read|control|admin")]
        scope: Scope,
        /// Who has it, what for
        #[arg(long, value_name = "NAME", default_value = "unnamed")]
        name: String,
        /// How long it counts, like 30d [default: until it is revoked]
        #[arg(long, value_name = "TIME", value_parser = value::duration)]
        expires: Option<Duration>,
    },
    /// Show every token, without what would be needed to use it
    List,
    /// Revoke a token; it counts no more at once
    Revoke {
        /// Its id, as the list shows it
        #[arg(value_name = "ID")]
        id: String,
    },
}

pub async fn run(context: &Context, args: TokenArgs) -> Result<(), Failure> {
    match args.action {
        Action::Create { scope, name, expires } => {
            // At least 1: what is shorter would be none to the monitor.
            let expires_in_seconds = expires.map(|time| time.as_secs().max(1));
            let request = TokenRequest { name, scope, expires_in_seconds };
            let (source, made) = context.client.create_token(&request).await?;
            created(context, &made)?;
            note_effect(context, source);
            Ok(())
        }
        Action::List => {
            let (source, tokens) = context.client.tokens().await?;
            if context.json {
                return console::print_json(&json!({ "source": list::name(source), "tokens": tokens }));
            }
            note_source(context, source);
            console::print(&render::token_table(&tokens, context.style))
        }
        Action::Revoke { id } => {
            let source = context.client.revoke_token(&id).await?;
            if context.json {
                let source = list::name(source);
                return console::print_json(&json!({ "success": true, "id": id, "source": source }));
            }
            console::print(&format!("{id}: revoked\n"))
        }
    }
}

/// The token alone goes to the standard output, so that it can be sent on to a file.
fn created(context: &Context, created: &TokenCreated) -> Result<(), Failure> {
    if context.json {
        return console::print_json(created);
    }
    console::print(&format!("{}\n", created.token))?;
    let (id, scope) = (&created.info.id, created.info.scope);
    console::note(&format!(
        "This is the token {id} with the scope {scope}; it is shown this once. Keep it in a file that only you can read, and use it with --token-file.\n\
         Revoke it with: {} token revoke {id}",
        context.invocation
    ));
    Ok(())
}
