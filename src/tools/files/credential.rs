//! Which files hold credentials, by the names under which programs keep them. A fact for the policy, not a verdict.

use std::path::Path;

/// File names that are credentials wherever they stand.
const NAMES: &[&str] = &[
    ".env",
    ".envrc",
    ".netrc",
    "_netrc",
    ".npmrc",
    ".pypirc",
    ".pgpass",
    ".my.cnf",
    ".git-credentials",
    ".htpasswd",
    ".dockercfg",
    ".boto",
    ".s3cfg",
    ".vault-token",
    "id_rsa",
    "id_dsa",
    "id_ecdsa",
    "id_ed25519",
    "id_ed25519_sk",
    "id_ecdsa_sk",
    "credentials.json",
    "client_secret.json",
    "service-account.json",
    "secrets.yml",
    "secrets.yaml",
    "master.key",
    "kubeconfig",
    "htpasswd",
    "shadow",
    "terraform.tfstate",
];

/// Endings of key and certificate stores.
const ENDINGS: &[&str] = &[".pem", ".key", ".p12", ".pfx", ".jks", ".keystore", ".kdbx", ".ppk", ".asc.key", ".tfvars"];

/// Directory and file that belong together.
const PAIRS: &[(&str, &str)] = &[
    (".aws", "credentials"),
    (".aws", "config"),
    (".docker", "config.json"),
    (".kube", "config"),
    (".cargo", "credentials.toml"),
    (".cargo", "credentials"),
    ("gh", "hosts.yml"),
    ("gcloud", "application_default_credentials.json"),
];

/// Directories in which everything is one.
const DIRECTORIES: &[&str] = &[".ssh", ".gnupg"];

/// Names that look like credentials and are samples by convention.
const SAMPLES: &[&str] = &[".example", ".sample", ".template", ".dist", ".pub"];

/// Whether the path looks like a credential file. Case does not matter.
pub fn is_credential(path: &Path) -> bool {
    let parts: Vec<String> = path.iter().map(|part| part.to_string_lossy().to_lowercase()).collect();
    let Some((name, above)) = parts.split_last() else { return false };
    if SAMPLES.iter().any(|sample| name.ends_with(sample)) {
        return false;
    }
    let parent = above.last().map(String::as_str).unwrap_or_default();
    NAMES.contains(&name.as_str())
        || name.starts_with(".env.")
        || ENDINGS.iter().any(|ending| name.ends_with(ending))
        || PAIRS.iter().any(|(dir, file)| parent == *dir && name == file)
        || parts.iter().any(|part| DIRECTORIES.contains(&part.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_suspects_are_known() {
        for path in [
            ".env",
            "app/.env.production",
            "deploy/ID_RSA",
            ".ssh/config",
            "home/.aws/credentials",
            "tls/server.pem",
            ".netrc",
            "x/.docker/config.json",
            ".gnupg/pubring.kbx",
            "prod.tfvars",
        ] {
            assert!(is_credential(Path::new(path)), "{path}");
        }
    }

    #[test]
    fn samples_and_ordinary_files_are_not() {
        for path in [".env.example", "id_rsa.pub", "src/environment.rs", "keys.rs", "config.json", "docs/pem.md", ""] {
            assert!(!is_credential(Path::new(path)), "{path}");
        }
    }
}
