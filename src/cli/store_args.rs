//! What can be asked of the store's upkeep, as data. Decides nothing.

use std::path::PathBuf;

use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub enum DbAction {
    /// Create the store, or bring an older one up to date
    Migrate {
        /// In Postgres, run as the owner: let this role use the store, which the program then runs as
        #[arg(long, value_name = "ROLE")]
        grant: Option<String>,
    },
    /// Recompute every table but the log from the log
    Rebuild,
    /// Write a consistent copy to a file, also while the store is in use: of SQLite all of it, of Postgres one tenant's
    Backup {
        /// A file that does not exist yet
        file: PathBuf,
    },
    /// Put one tenant's part of a backup into the store, which must have nothing of that tenant
    Restore {
        /// What `db backup` wrote
        file: PathBuf,
        /// Only unpack it in a scratch place, check the chain, the lists and the outputs of all tenants, and remove it
        #[arg(long)]
        verify: bool,
    },
    /// Remove runs that ended long ago, with their requests and outputs; `log verify` still verifies all of the chain
    Prune {
        /// Those that ended before then: an age such as 365d, or a date [default: `ended_runs` of the configuration]
        #[arg(long, value_name = "AGE|DATE")]
        before: Option<String>,
        /// Only say what would be removed
        #[arg(long)]
        dry_run: bool,
    },
    /// Copy one tenant's part of the store that --db names into another, which must have nothing of that tenant
    Copy {
        /// The other store: sqlite:PATH, a path, or postgres://USER@HOST/DATABASE
        #[arg(value_name = "URL")]
        to: String,
    },
}
