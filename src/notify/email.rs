//! Mail through an SMTP server.

use std::time::Duration;

use lettre::message::header::ContentType;
use lettre::message::{Mailbox, MessageBuilder};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Tls, TlsParameters};
use lettre::{AsyncSmtpTransport, AsyncTransport, Tokio1Executor};
use secrecy::{ExposeSecret, SecretString};

use super::message::{Message, cut};
use super::secret::Secret;
use super::undelivered::Undelivered;

/// Bytes of a subject.
const LONGEST_SUBJECT: usize = 200;

/// Addresses, and the server that carries mail to them.
#[derive(Clone, Debug)]
pub struct Email {
    from: Mailbox,
    to: Vec<Mailbox>,
    host: String,
    port: u16,
    privacy: Privacy,
    login: Option<(String, Secret)>,
}

/// How the connection is kept private.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Privacy {
    StartTls,
    Tls,
    None,
}

/// Something that is not an address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not {1}")]
pub struct EmailError(pub String, pub &'static str);

impl Email {
    pub fn new(
        from: &str,
        to: &[String],
        server: &str,
        privacy: Privacy,
        login: Option<(String, Secret)>,
    ) -> Result<Self, EmailError> {
        let mailbox =
            |text: &str| text.parse::<Mailbox>().map_err(|_| EmailError(text.to_owned(), "an e-mail address"));
        let bad_server = || EmailError(server.to_owned(), "a server and a port");
        let (host, port) = server.rsplit_once(':').ok_or_else(bad_server)?;
        Ok(Self {
            from: mailbox(from)?,
            to: to.iter().map(|to| mailbox(to)).collect::<Result<_, _>>()?,
            host: host.to_owned(),
            port: port.parse().map_err(|_| bad_server())?,
            privacy,
            login,
        })
    }

    pub(super) fn server(&self) -> (String, u16) {
        (self.host.clone(), self.port)
    }

    pub(super) fn about(&self) -> String {
        let to: Vec<_> = self.to.iter().map(|to| to.email.to_string()).collect();
        format!("e-mail to {} through {}:{}", to.join(", "), self.host, self.port)
    }

    /// The mail of a message. The same message is the same mail, by its `Message-ID`.
    fn mail(&self, message: &Message) -> Result<lettre::Message, Undelivered> {
        let facts: Vec<_> = message.facts.iter().map(|(name, value)| format!("{name}: {value}")).collect();
        let body = [facts.join("\n"), message.text.clone()].join("\n\n");
        let begin = self.to.iter().fold(MessageBuilder::new(), |mail, to| mail.to(to.clone()));
        let mail = begin
            .from(self.from.clone())
            .subject(cut(&message.headline(), LONGEST_SUBJECT))
            .message_id(Some(format!("<{}@morningai>", message.id)))
            .date(message.at.into())
            .header(ContentType::TEXT_PLAIN)
            .body(body.trim().to_owned() + "\n");
        mail.map_err(|error| Undelivered::for_good(format!("the mail cannot be written: {error}")))
    }

    pub(super) async fn password(&self) -> Result<Option<SecretString>, String> {
        match &self.login {
            Some((_, secret)) => secret.fetch().await.map(Some),
            None => Ok(None),
        }
    }

    pub(super) async fn send(
        &self,
        message: &Message,
        password: Option<SecretString>,
        patience: Duration,
    ) -> Result<(), Undelivered> {
        let mail = self.mail(message)?;
        let tls = || {
            let parameters = TlsParameters::new(self.host.clone());
            parameters.map_err(|error| Undelivered::for_now(format!("TLS cannot be set up: {error}")))
        };
        let tls = match self.privacy {
            Privacy::StartTls => Tls::Required(tls()?),
            Privacy::Tls => Tls::Wrapper(tls()?),
            Privacy::None => Tls::None,
        };
        let mut transport = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(self.host.clone())
            .port(self.port)
            .tls(tls)
            .timeout(Some(patience));
        if let (Some((user, _)), Some(password)) = (&self.login, password) {
            transport = transport.credentials(Credentials::new(user.clone(), password.expose_secret().to_owned()));
        }
        match transport.build().send(mail).await {
            Ok(_) => Ok(()),
            Err(error) if error.is_permanent() => Err(Undelivered::for_good(format!("the server refuses it: {error}"))),
            Err(error) => Err(Undelivered::for_now(format!("the mail was not taken: {error}"))),
        }
    }
}
