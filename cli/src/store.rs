//! How the lake's store is reached, as the command line says it.

use std::path::PathBuf;

use clap::Args;
use frostline_catalog::io::StoreOptions;

/// How the lake's store is reached. Secrets are not among the arguments: those of a process are there for all to read.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "S3")]
pub(crate) struct StoreArguments {
    /// The server's address, such as http://127.0.0.1:9000; by default $AWS_ENDPOINT_URL_S3 or
    /// $AWS_ENDPOINT_URL
    #[arg(long, global = true, value_name = "URL", hide_short_help = true)]
    s3_endpoint: Option<String>,

    /// The region; by default $AWS_REGION, else the profile's, else us-east-1
    #[arg(long, global = true, value_name = "NAME", hide_short_help = true)]
    s3_region: Option<String>,

    /// Whether the bucket stands in the path, which is usual, or with =false in the host's name
    #[arg(
        long,
        global = true,
        value_name = "true|false",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "true",
        hide_short_help = true
    )]
    s3_path_style: Option<bool>,

    /// The profile in the files of the AWS command line that gives credentials, region and endpoint
    #[arg(long, global = true, value_name = "NAME", hide_short_help = true)]
    s3_profile: Option<String>,

    /// The file of credentials; by default $AWS_SHARED_CREDENTIALS_FILE, else ~/.aws/credentials
    #[arg(long, global = true, value_name = "FILE", hide_short_help = true)]
    s3_credentials_file: Option<PathBuf>,
}

impl StoreArguments {
    /// What the arguments say.
    pub(crate) fn options(&self) -> StoreOptions {
        StoreOptions {
            s3_endpoint: self.s3_endpoint.clone(),
            s3_region: self.s3_region.clone(),
            s3_path_style: self.s3_path_style,
            s3_profile: self.s3_profile.clone(),
            s3_credentials_file: self.s3_credentials_file.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::args::Arguments;

    fn options(arguments: &[&str]) -> StoreOptions {
        let words = ["frostline", "verify"].iter().chain(arguments).copied();
        Arguments::try_parse_from(words).unwrap().store.options()
    }

    #[test]
    fn what_is_not_said_is_left_to_the_environment() {
        assert!(options(&[]).is_empty());
    }

    #[test]
    fn every_argument_is_an_option_behind_a_command_too() {
        let said = options(&[
            "--s3-endpoint",
            "http://127.0.0.1:9000",
            "--s3-region",
            "here",
            "--s3-path-style=false",
            "--s3-profile",
            "audit",
            "--s3-credentials-file",
            "keys",
        ]);
        let expected = StoreOptions {
            s3_endpoint: Some("http://127.0.0.1:9000".to_owned()),
            s3_region: Some("here".to_owned()),
            s3_path_style: Some(false),
            s3_profile: Some("audit".to_owned()),
            s3_credentials_file: Some(PathBuf::from("keys")),
        };
        assert_eq!(said, expected);
        assert_eq!(options(&["--s3-path-style"]).s3_path_style, Some(true));
    }
}
