//! Connections from accept to close, the same for both ports.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::Seen;

/// Accepts for ever and holds every connection's conversation, so that all end with this future.
pub(crate) async fn on_each<C>(listener: TcpListener, seen: Arc<Seen>, converse: impl Fn(TcpStream) -> C)
where
    C: Future<Output = io::Result<()>> + Send + 'static,
{
    let mut conversations = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((tcp, _)) => {
                    seen.connection();
                    // An error of a conversation says that its client went away, which is the client's affair.
                    conversations.spawn(converse(tcp));
                }
                // Out of descriptors, or a client that is gone already: the next one may fare better.
                Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
            },
            Some(_) = conversations.join_next() => {}
        }
    }
}

/// Reads and forgets until the client closes.
pub(crate) async fn ignore(io: &mut (impl AsyncRead + Unpin)) -> io::Result<()> {
    let mut scratch = [0; 4096];
    while io.read(&mut scratch).await? > 0 {}
    Ok(())
}

/// Ends the outgoing half first, since closing with bytes unread would turn the last answer into a reset.
pub(crate) async fn hang_up(mut io: impl AsyncRead + AsyncWrite + Unpin) -> io::Result<()> {
    io.shutdown().await?;
    ignore(&mut io).await
}
