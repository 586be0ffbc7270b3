//! The ladder of this machine: the ways to confine a program, and the order for the helper on each.

use std::path::PathBuf;

use super::confinement::Confinement;
use super::machine::Machine;
use super::order::Order;
use super::target::Target;
use super::{bubblewrap, namespaces, order};
use crate::domain::RungChoice;

/// Best first.
pub(super) const LADDER: [Rung; 3] = [Rung::Bubblewrap, Rung::Namespaces, Rung::LandlockSeccomp];

/// The rung of the ladder that programs run on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rung {
    Bubblewrap,
    /// Our own namespaces, with Landlock and seccomp inside.
    Namespaces,
    LandlockSeccomp,
    /// Nothing can be confined, so nothing runs.
    None {
        reason: String,
    },
}

impl Rung {
    /// The name on cards and in `doctor`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Bubblewrap => "bubblewrap",
            Self::Namespaces => "namespaces",
            Self::LandlockSeccomp => "landlock+seccomp",
            Self::None { .. } => "none",
        }
    }

    /// The word that allows only this one, in the configuration.
    pub fn setting(&self) -> &'static str {
        match self {
            Self::Bubblewrap => "bubblewrap",
            Self::Namespaces => "namespaces",
            Self::LandlockSeccomp => "landlock",
            Self::None { .. } => "refuse",
        }
    }

    /// Whether the rung of this name confines better.
    pub fn is_weaker_than(&self, name: &str) -> bool {
        let place = |name: &str| LADDER.iter().position(|rung| rung.name() == name).unwrap_or(LADDER.len());
        place(name) < place(self.name())
    }
}

/// What orders are made with.
#[derive(Debug)]
pub(super) struct Ladder {
    pub(super) machine: Machine,
    /// The program that confines itself and then becomes the target.
    pub(super) helper: PathBuf,
    pub(super) choice: RungChoice,
}

impl Ladder {
    /// Bubblewrap, where it is installed.
    pub(super) fn bubblewrap(&self) -> Option<PathBuf> {
        let programs = self.machine.program_directories().map(|directory| directory.join("bwrap"));
        programs.into_iter().find(|program| program.is_file())
    }

    /// The order for the helper, on a rung.
    pub(super) fn order_on(&self, rung: &Rung, confinement: &Confinement, target: Target<'_>) -> Result<Order, String> {
        let confinement = confinement.resolved()?;
        match rung {
            Rung::Bubblewrap => {
                let program = self.bubblewrap().ok_or("bubblewrap is not installed")?;
                bubblewrap::order(&program, &self.helper, &confinement, target)
            }
            Rung::Namespaces => namespaces::order(&self.helper, &confinement, target),
            Rung::LandlockSeccomp => order::landlock(&confinement, target),
            Rung::None { reason } => Err(reason.clone()),
        }
    }
}
