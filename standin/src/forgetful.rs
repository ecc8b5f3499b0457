//! A connection that a hop on the way forgets: no FIN, no reset, only silence for ever.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep};

/// Carries bytes both ways until nothing came in for a while.
pub(crate) struct Forgetful<T> {
    io: T,
    patience: Duration,
    /// Ends when the flow is forgotten; `None` once it is.
    silence: Option<Pin<Box<Sleep>>>,
}

impl<T> Forgetful<T> {
    pub(crate) fn new(io: T, patience: Duration) -> Self {
        Self {
            io,
            patience,
            silence: Some(Box::pin(sleep(patience))),
        }
    }

    fn is_forgotten(&mut self, cx: &mut Context<'_>) -> bool {
        let over = |silence: &mut Pin<Box<Sleep>>| silence.as_mut().poll(cx).is_ready();
        if self.silence.as_mut().is_some_and(over) {
            self.silence = None;
        }
        self.silence.is_none()
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Forgetful<T> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.is_forgotten(cx) {
            return Poll::Pending;
        }
        let read = Pin::new(&mut self.io).poll_read(cx, buf);
        if read.is_ready() {
            let then = Instant::now() + self.patience;
            if let Some(silence) = &mut self.silence {
                silence.as_mut().reset(then);
            }
        }
        read
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Forgetful<T> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        if self.is_forgotten(cx) {
            return Poll::Pending;
        }
        Pin::new(&mut self.io).poll_write(cx, data)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.is_forgotten(cx) {
            return Poll::Pending;
        }
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.is_forgotten(cx) {
            return Poll::Pending;
        }
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}
