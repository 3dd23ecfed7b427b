//! What a statement sees when it starts: a state of the lake, and all that it is planned with.

use std::sync::{Arc, Mutex};

use chrono::DateTime;
use datafusion::common::config::ConfigOptions;
use datafusion::execution::SessionState;
use frostline_catalog::{AsOfError, Micros, State, Version};

use super::pinned::{View, newest};
use super::{OpenTransaction, Session};
use crate::context::Context;
use crate::error::Error;
use crate::instant::Zone;
use crate::parameters::Parameters;
use crate::planning::in_zone;
use crate::table::ScanLog;

/// What a statement is looked at for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// It is run, and may read or write.
    Run,
    /// It sets something in the session.
    Set,
    /// What it gives and takes is asked for.
    Describe,
}

impl Session {
    /// What a statement would see that starts now, if only what it gives and takes is asked for.
    pub(crate) async fn describing_context(&self) -> Result<Arc<Context>, Error> {
        self.make_context(&Parameters::none(), Purpose::Describe, self.open_transaction().as_ref()).await
    }

    /// The state that a statement sees whose turn it is now, and when it starts.
    async fn start(&self) -> Result<(Arc<State>, Micros), Error> {
        let starts_as_opened = std::mem::take(&mut self.inner().starts_as_opened);
        if starts_as_opened && let Some(opened) = self.lake.as_opened() {
            return Ok(opened);
        }
        let state = self.lake.refresh().await?;
        Ok((state, self.lake.now()))
    }

    /// What a statement sees that starts now: the newest state, or that of its transaction, which is pinned by the
    /// first of its statements that reads or writes.
    async fn view(&self, transaction: Option<&Arc<OpenTransaction>>, purpose: Purpose) -> Result<View, Error> {
        if let Some(transaction) = transaction
            && let Some(view) = transaction.view(purpose)?
        {
            return Ok(view);
        }
        let (state, started) = self.start().await?;
        match transaction {
            Some(transaction) if purpose == Purpose::Run => transaction.pin(&self.lake, state, started),
            _ => Ok(View::committed(state, started)),
        }
    }

    /// What a statement sees that starts now in a transaction, or in none.
    pub(crate) async fn make_context(
        &self,
        parameters: &Parameters,
        purpose: Purpose,
        transaction: Option<&Arc<OpenTransaction>>,
    ) -> Result<Arc<Context>, Error> {
        let View { state, visible, committed, started, held } = self.view(transaction, purpose).await?;
        let newest = newest(&committed);
        let (own, schema, local_files, options) = {
            let inner = self.inner();
            (inner.own.clone(), inner.schema.clone(), inner.local_files, inner.options.clone())
        };
        if let Some(pin) = own.pin
            && pin > newest
        {
            // It was committed after the transaction's snapshot was taken.
            let asked = i64::try_from(pin.number()).unwrap_or(i64::MAX);
            return Err(AsOfError::NoVersion { asked, newest }.into());
        }
        let visible = own.pin.unwrap_or(visible);
        let zone_text = options.execution.time_zone.clone().unwrap_or_else(|| "UTC".to_owned());
        let zone = Zone::parse(&zone_text).ok_or_else(|| Error::statement(format!("`{zone_text}` is no time zone")))?;
        let base = self.planning_state(options, &schema, visible.min(newest), started, zone)?;
        Ok(Arc::new(Context {
            lake: Arc::clone(&self.lake.engine),
            state,
            visible,
            committed,
            in_transaction: transaction.is_some(),
            transaction: transaction.cloned(),
            held,
            started,
            schema,
            zone,
            parameters: parameters.clone(),
            bound: None,
            own,
            local_files,
            describing: purpose == Purpose::Describe,
            base,
            scans: ScanLog::default(),
            reads: Mutex::default(),
            all_reads: Arc::default(),
            versions: Arc::default(),
            relations: Mutex::default(),
        }))
    }

    fn planning_state(
        &self,
        mut options: ConfigOptions,
        schema: &str,
        visible: Version,
        started: Micros,
        zone: Zone,
    ) -> Result<SessionState, Error> {
        schema.clone_into(&mut options.catalog.default_schema);
        let mut state = SessionState::clone(&self.lake.base);
        *state.config_mut().options_mut() = options;
        if let Some(zone) = zone.label() {
            state.config_mut().options_mut().execution.time_zone = Some(zone.to_string());
            state = in_zone(state, &zone);
        }
        state.mark_start_execution();
        // now() is the instant that AS OF is judged by, and comes from the same clock.
        state.execution_props_mut().query_execution_start_time = DateTime::from_timestamp_micros(started.get());
        let function = Arc::new(Context::current_version_function(visible));
        datafusion::execution::FunctionRegistry::register_udf(&mut state, function)?;
        Ok(state)
    }
}
