//! Executes what the engine has admitted: a query or mutation once, a subscription's events one by one.

use std::sync::Arc;

use async_graphql::{
    ErrorExtensionValues, Name, Request, Response, ServerError, Value, Variables,
    parser::types::ExecutableDocument,
};
use axum::http::header;
use futures_util::{
    StreamExt as _,
    future::BoxFuture,
    stream::{self, BoxStream},
};

use super::{Schema, field_types::FieldTypes, nulls, transport::Refusal};
use crate::{
    accounts::AccountLoaders,
    audit::{AccessEntry, AccessLog, graphql::AuditLoaders},
    compliance::graphql::ComplianceLoaders,
    conversations::ConversationLoaders,
    identity::{
        Caller,
        graphql::{IdentityLoaders, RequestFacts},
    },
    payments::PaymentLoaders,
    platform::{
        context::TenantCtx,
        db::Db,
        error_code::ErrorCode,
        gql::{OpScope, Opening, SourceEvent, SourceStream},
        keys::Keyring,
    },
    templates::TemplateLoaders,
};

/// What operations are executed with, whoever sends them.
pub struct Execution {
    pub(crate) schema: Schema,
    pub(crate) field_types: Arc<FieldTypes>,
    pub(crate) access_log: AccessLog,
    pub(crate) db: Db,
    pub(crate) keyring: Keyring,
    /// Introspection for callers who are not signed in: in development only.
    pub(crate) open_introspection: bool,
}

/// An operation that may be executed, and for whom.
pub(super) struct Admitted {
    pub caller: Caller,
    /// Absent where the caller is in no business.
    pub ctx: Option<TenantCtx>,
    pub facts: RequestFacts,
    pub operation_name: Option<String>,
    /// The root fields, as the access log names them.
    pub fields: String,
}

impl Execution {
    /// Executes a query or mutation.
    pub(super) async fn once(
        &self,
        admitted: &Admitted,
        request: Request,
        document: &ExecutableDocument,
    ) -> Response {
        let scope = self.scope(admitted);
        let request = self.with_data(admitted, request, scope.as_ref());
        let response = self.schema.execute(request).await;
        self.conclude(admitted, scope.as_deref(), document, response)
            .await
    }

    /// The responses of a subscription, until its source ends; it begins when `charged` allows it.
    pub(super) fn follow(
        self: Arc<Self>,
        admitted: Admitted,
        document: Arc<ExecutableDocument>,
        mut variables: Variables,
        charged: BoxFuture<'static, Result<(), Refusal>>,
    ) -> BoxStream<'static, Response> {
        let subscription = Subscription {
            execution: self,
            admitted,
            document,
            variables: std::mem::take(&mut *variables).into_iter().collect(),
        };
        let following = Following {
            subscription,
            charged: Some(charged),
            source: None,
        };
        // On the heap, because the stream has room for what it passes on by value, and there are thousands.
        stream::unfold(Some(Box::new(following)), |following| async move {
            following?.next().await
        })
        .boxed()
    }

    /// What resolvers and loaders of one execution share.
    fn scope(&self, admitted: &Admitted) -> Option<Arc<OpScope>> {
        let ctx = admitted.ctx.clone()?;
        Some(Arc::new(OpScope::new(self.db.clone(), self.keyring.clone(), ctx)))
    }

    fn with_data(&self, admitted: &Admitted, request: Request, scope: Option<&Arc<OpScope>>) -> Request {
        let request = request
            .data(admitted.caller.clone())
            .data(admitted.facts.clone())
            .data(AccountLoaders::default())
            .data(ConversationLoaders::default())
            .data(PaymentLoaders::default())
            .data(ComplianceLoaders::default())
            .data(IdentityLoaders::default())
            .data(AuditLoaders::default())
            .data(TemplateLoaders::default());
        match scope {
            Some(scope) => request.data(scope.clone()),
            None => request,
        }
    }

    /// Completes the answer, writes down whose data it holds, and closes the snapshot; without the entry the answer
    /// does not leave.
    async fn conclude(
        &self,
        admitted: &Admitted,
        scope: Option<&OpScope>,
        document: &ExecutableDocument,
        mut response: Response,
    ) -> Response {
        nulls::complete(
            &self.field_types,
            document,
            admitted.operation_name.as_deref(),
            &mut response,
        );
        let Some(scope) = scope else {
            return response;
        };
        let debtors = scope.take_debtors_read();
        let entry = match scope.take_strangers_read() {
            true => AccessEntry::of_anyone(scope.ctx(), &admitted.fields, debtors),
            false => AccessEntry::of(scope.ctx(), &admitted.fields, debtors),
        };
        scope.close().await;
        let recorded = match entry {
            Some(entry) => self.access_log.record(entry).await,
            None => true,
        };
        if recorded {
            return response;
        }
        refused(&Refusal::new(
            ErrorCode::Unavailable,
            "The service is busy or restarting. Try again in a moment.",
        ))
    }
}

/// An open subscription.
struct Following {
    subscription: Subscription,
    /// Whether it may begin; absent once that is answered.
    charged: Option<BoxFuture<'static, Result<(), Refusal>>>,
    /// Absent before the first look.
    source: Option<SourceStream>,
}

impl Following {
    /// The next response, and what comes after it.
    async fn next(mut self: Box<Self>) -> Option<(Response, Option<Box<Self>>)> {
        if let Some(charged) = self.charged.take()
            && let Err(refusal) = charged.await
        {
            return Some((refused(&refusal), None));
        }
        if self.source.is_none() {
            match Box::pin(self.subscription.open()).await {
                Ok(source) => self.source = Some(source),
                Err(response) => return Some((response, None)),
            }
        }
        loop {
            let event = self.source.as_mut()?.next().await?;
            if let Some(response) = Box::pin(self.subscription.answer(event)).await {
                return Some((response, Some(self)));
            }
        }
    }
}

/// What each event of a subscription is executed with.
struct Subscription {
    execution: Arc<Execution>,
    admitted: Admitted,
    document: Arc<ExecutableDocument>,
    /// Not as [`Variables`]: a map has room for eleven from the first on.
    variables: Box<[(Name, Value)]>,
}

impl Subscription {
    /// Resolves the field for its source.
    ///
    /// # Errors
    /// The response with which the subscription fails.
    async fn open(&self) -> Result<SourceStream, Response> {
        let opening = Opening::default();
        let refusal = self.execute(|request| request.data(opening.clone())).await;
        match (refusal, opening.source()) {
            (Some(response), _) => Err(response),
            (None, Some(source)) => Ok(source),
            (None, None) => {
                tracing::error!(fields = self.admitted.fields, "a subscription left no source");
                let message = "Something went wrong on our side. Quote the request id when you report it.";
                Err(refused(&Refusal::new(ErrorCode::Internal, message)))
            }
        }
    }

    /// Resolves the field for an event; nothing where it has nothing to say of it.
    async fn answer(&self, event: SourceEvent) -> Option<Response> {
        self.execute(|request| request.data(event)).await
    }

    async fn execute(&self, with: impl FnOnce(Request) -> Request) -> Option<Response> {
        let execution = &self.execution;
        let scope = execution.scope(&self.admitted);
        // The text is not read: the document is parsed.
        let mut request = Request::new("");
        request.operation_name.clone_from(&self.admitted.operation_name);
        request.variables.extend(self.variables.iter().cloned());
        request.set_parsed_query(self.document.as_ref().clone());
        let request = with(execution.with_data(&self.admitted, request, scope.as_ref()));
        let Some(response) = execution.schema.execute_stream(request).next().await else {
            if let Some(scope) = &scope {
                scope.close().await;
            }
            return None;
        };
        let response = execution
            .conclude(&self.admitted, scope.as_deref(), &self.document, response)
            .await;
        Some(response)
    }
}

/// A refusal as the answer to an operation.
pub(super) fn refused(refusal: &Refusal) -> Response {
    let mut error = ServerError::new(refusal.message.clone(), None);
    let mut extensions = ErrorExtensionValues::default();
    extensions.set("code", refusal.code.as_str());
    error.extensions = Some(extensions);
    let mut response = Response::from_errors(vec![error]);
    if let Some(pause) = refusal.retry_after {
        response
            .http_headers
            .insert(header::RETRY_AFTER, pause.as_secs().into());
    }
    response
}
