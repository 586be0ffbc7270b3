//! The door's settings: those of the configuration, over the usual ones.

use chrono::TimeDelta;

use super::Wire;
use super::places::read;
use crate::access::jwt::{Expected, Keyring};
use crate::access::{DoorSettings, JwtSettings, OwnRequests, Quota};
use crate::cli::Failure;
use crate::config::{JwtSection, OwnRequests as Wanted};

/// Requests of one principal, when nothing is said.
const PER_MINUTE: u32 = 100;
const PER_HOUR: u32 = 1_000;

impl Wire {
    pub(super) fn door_settings(&self) -> Result<DoorSettings, Failure> {
        let section = &self.config.access;
        let usual = DoorSettings::default();
        let seconds = |seconds: u64| i64::try_from(seconds).ok().and_then(TimeDelta::try_seconds);
        Ok(DoorSettings {
            per_principal: vec![
                Quota::per_minute(section.requests_per_minute.map_or(PER_MINUTE, Into::into)),
                Quota::per_hour(section.requests_per_hour.map_or(PER_HOUR, Into::into)),
            ],
            idle: section.session_idle.and_then(seconds).unwrap_or(usual.idle),
            jwt: section.jwt.as_ref().map(|section| self.jwt_settings(section)).transpose()?,
            own_requests: match section.own_requests {
                Wanted::Refuse => OwnRequests::Refuse,
                Wanted::Allow => OwnRequests::Allow,
            },
            ..usual
        })
    }

    fn jwt_settings(&self, section: &JwtSection) -> Result<JwtSettings, Failure> {
        let source = read(&self.places.resolve(&section.jwks), "keys")?;
        let keys = Keyring::from_jwks(&source.text).map_err(|error| {
            Failure::usage(error.to_string())
                .at(source.name.as_ref())
                .next("put the issuer's JSON Web Key Set there: public keys, each with a kid")
        })?;
        let JwtSection { issuer, audience, role_claim, roles, .. } = section.clone();
        Ok(JwtSettings { keys, expected: Expected { issuer, audience, role_claim, roles } })
    }
}
