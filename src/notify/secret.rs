//! A secret that is fetched when it is needed.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;

/// How long a program may take to print one: with the sending, less than a claim of an attempt holds.
const PATIENCE: Duration = Duration::from_secs(8);

type Fetch = dyn Fn() -> Result<SecretString, String> + Send + Sync;

/// Fetches a secret, or says why it cannot be had. May block: a program may have to be asked.
#[derive(Clone)]
pub struct Secret(Arc<Fetch>);

impl Secret {
    pub fn new(fetch: impl Fn() -> Result<SecretString, String> + Send + Sync + 'static) -> Self {
        Self(Arc::new(fetch))
    }

    /// Why it cannot be had is said without what a program printed.
    pub async fn fetch(&self) -> Result<SecretString, String> {
        let fetch = self.0.clone();
        let fetched = tokio::time::timeout(PATIENCE, tokio::task::spawn_blocking(move || fetch())).await;
        match fetched {
            Ok(Ok(fetched)) => fetched,
            Ok(Err(_)) => Err("the secret could not be fetched".to_owned()),
            Err(_) => Err(format!("its command did not end within {} s", PATIENCE.as_secs())),
        }
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}
