//! A secret that is fetched when it is needed.

use std::fmt;
use std::sync::Arc;

use secrecy::SecretString;

type Fetch = dyn Fn() -> Result<SecretString, String> + Send + Sync;

/// Fetches a secret, or says why it cannot be had. May block: a program may have to be asked.
#[derive(Clone)]
pub struct Secret(Arc<Fetch>);

impl Secret {
    pub fn new(fetch: impl Fn() -> Result<SecretString, String> + Send + Sync + 'static) -> Self {
        Self(Arc::new(fetch))
    }

    pub(super) async fn fetch(&self) -> Result<SecretString, String> {
        let fetch = self.0.clone();
        let fetched = tokio::task::spawn_blocking(move || fetch()).await;
        fetched.unwrap_or_else(|_| Err("the secret could not be fetched".to_owned()))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}
