//! The flags of a server. Their values are read together with those from the environment and the file.

use clap::Args;

/// The flags of a server, as they are typed.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct ServeFlags {
    /// Where to serve Flight SQL; port 0 takes any that is free [default: 127.0.0.1:31337]
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<String>,

    /// Where to serve HTTP: /health, /ready, /metrics and /sql [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDRESS")]
    http_listen: Option<String>,

    /// The certificate, and those it rests on, in PEM
    #[arg(long, value_name = "FILE")]
    tls_cert: Option<String>,

    /// Its private key, in PEM
    #[arg(long, value_name = "FILE")]
    tls_key: Option<String>,

    /// Serve other machines without TLS, as behind a proxy that has it
    #[arg(long)]
    allow_plaintext: bool,

    /// Ask nobody for a token; only where no other machine can reach the server
    #[arg(long)]
    no_auth: bool,

    /// How long statements may go on when the server is told to end [default: 30s]
    #[arg(long, value_name = "TIME")]
    drain: Option<String>,

    /// Memory of all statements, such as 8GiB [default: 60 % of what there is]
    #[arg(long, value_name = "SIZE", help_heading = "Limits")]
    memory: Option<String>,

    /// Memory of one statement [default: half of --memory]
    #[arg(long, value_name = "SIZE", help_heading = "Limits")]
    statement_memory: Option<String>,

    /// Disk for what memory does not hold [default: 64GiB]
    #[arg(long, value_name = "SIZE", help_heading = "Limits")]
    spill: Option<String>,

    /// Where that is [default: the system's folder for temporary files]
    #[arg(long, value_name = "DIR", help_heading = "Limits")]
    spill_folder: Option<String>,

    /// How long a statement may take [default: 10m]
    #[arg(long, value_name = "TIME", help_heading = "Limits")]
    statement_timeout: Option<String>,

    /// How long the text of a statement may be [default: 16MiB]
    #[arg(long, value_name = "SIZE", help_heading = "Limits")]
    statement_size: Option<String>,

    /// How many bytes the rows of a statement may have [default: 1TiB]
    #[arg(long, value_name = "SIZE", help_heading = "Limits")]
    result_size: Option<String>,

    /// How many statements run at once [default: twice the cores, at least 8]
    #[arg(long, value_name = "COUNT", help_heading = "Limits")]
    concurrent_statements: Option<String>,

    /// How many statements may wait for their turn [default: 256]
    #[arg(long, value_name = "COUNT", help_heading = "Limits")]
    queued_statements: Option<String>,

    /// How long a statement waits for its turn [default: 30s]
    #[arg(long, value_name = "TIME", help_heading = "Limits")]
    queue_timeout: Option<String>,

    /// After how long without use handles and sessions are forgotten [default: 30m]
    #[arg(long, value_name = "TIME", help_heading = "Limits")]
    idle_timeout: Option<String>,

    /// How many connections each listener keeps [default: 4096]
    #[arg(long, value_name = "COUNT", help_heading = "Limits")]
    connections: Option<String>,

    /// How large a write may be to stay in the slot that commits it; larger ones become Parquet [default: 1MiB]
    #[arg(long, value_name = "SIZE", help_heading = "Writing")]
    hot_size: Option<String>,

    /// How the log on standard error is written: text or json [default: text]
    #[arg(long, value_name = "FORMAT")]
    log_format: Option<String>,
}

impl ServeFlags {
    /// The settings that the flags give, by name.
    pub(crate) fn settings(&self) -> Vec<(&'static str, String)> {
        let switch = |given: bool| given.then(|| "true".to_owned());
        let given = [
            ("serve.listen", self.listen.clone()),
            ("serve.http_listen", self.http_listen.clone()),
            ("serve.tls_cert", self.tls_cert.clone()),
            ("serve.tls_key", self.tls_key.clone()),
            ("serve.allow_plaintext", switch(self.allow_plaintext)),
            ("serve.no_auth", switch(self.no_auth)),
            ("serve.drain", self.drain.clone()),
            ("limits.memory", self.memory.clone()),
            ("limits.statement_memory", self.statement_memory.clone()),
            ("limits.spill", self.spill.clone()),
            ("limits.spill_folder", self.spill_folder.clone()),
            ("limits.statement_timeout", self.statement_timeout.clone()),
            ("limits.statement_size", self.statement_size.clone()),
            ("limits.result_size", self.result_size.clone()),
            ("limits.concurrent_statements", self.concurrent_statements.clone()),
            ("limits.queued_statements", self.queued_statements.clone()),
            ("limits.queue_timeout", self.queue_timeout.clone()),
            ("limits.idle_timeout", self.idle_timeout.clone()),
            ("limits.connections", self.connections.clone()),
            ("write.hot_size", self.hot_size.clone()),
            ("log.format", self.log_format.clone()),
        ];
        given.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
    }
}
