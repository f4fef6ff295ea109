//! A subscription as the specification has it (section 6.2.3): a source stream, and each of its events executed as an
//! operation of its own.
//!
//! async-graphql 7.2 keeps the state of one execution (its copy of the document, the request's data, three streams) for
//! as long as a subscription is open, which is half of all the memory of a socket. Here the field is resolved twice:
//! when the subscription is opened it leaves its source in [`Opening`] and yields nothing; for an event it finds that
//! as [`SourceEvent`] and yields the payload.

use std::{
    any::Any,
    sync::{Arc, Mutex, PoisonError},
};

use anyhow::anyhow;
use async_graphql::Context;
use futures_util::{
    Stream, StreamExt as _,
    stream::{self, BoxStream},
};

use super::op_error;
use crate::platform::error::OpError;

/// What a subscription's field yields to the library: at most one payload.
pub type Payloads<T> = BoxStream<'static, async_graphql::Result<T>>;

/// The events of a subscription, for as long as it is open.
pub type SourceStream = BoxStream<'static, SourceEvent>;

/// One event on its way from its source to its field.
pub struct SourceEvent(Mutex<Option<Box<dyn Any + Send>>>);

impl SourceEvent {
    fn of(event: impl Any + Send) -> Self {
        Self(Mutex::new(Some(Box::new(event))))
    }

    fn take<E: Any>(&self) -> Option<E> {
        let event = self.0.lock().unwrap_or_else(PoisonError::into_inner).take()?;
        event.downcast().ok().map(|event| *event)
    }
}

/// Where the field of a subscription that is being opened leaves its source.
#[derive(Clone, Default)]
pub struct Opening(Arc<Mutex<Option<SourceStream>>>);

impl Opening {
    /// The source, once its field was resolved without an error.
    pub fn source(&self) -> Option<SourceStream> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// The event that the field of a subscription is resolved for; none while the subscription is being opened.
///
/// # Errors
/// INTERNAL for an event of another source.
pub fn source_event<E: Any>(ctx: &Context<'_>) -> async_graphql::Result<Option<E>> {
    let Some(event) = ctx.data_opt::<SourceEvent>() else {
        return Ok(None);
    };
    match event.take() {
        Some(event) => Ok(Some(event)),
        None => Err(op_error(OpError::Internal(anyhow!("an event of another source")))),
    }
}

/// What the field yields for an event: its payload, or nothing where there is nothing to say of it.
pub fn payload<T: Send + 'static>(payload: Option<T>) -> Payloads<T> {
    stream::iter(payload.map(Ok)).boxed()
}

/// What the field yields when the subscription is opened: nothing; its source is followed from now on.
///
/// # Errors
/// INTERNAL outside a subscription.
pub fn opened<T: Send + 'static>(
    ctx: &Context<'_>,
    source: impl Stream<Item: Any + Send> + Send + 'static,
) -> async_graphql::Result<Payloads<T>> {
    let opening = ctx.data::<Opening>()?;
    let source = source.map(SourceEvent::of).boxed();
    *opening.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(source);
    Ok(stream::empty().boxed())
}
