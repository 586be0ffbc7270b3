//! `morningai agents`: who can be given work, and the procedures that need nobody.

use super::args::AgentsOptions;
use super::context::{Context, Form};
use super::exit::Exit;
use super::failure::Failure;
use super::host::{Offer, OfferKind};
use super::table::table;
use crate::domain::{Untrusted, nearest};
use crate::shape::OfferDetail;

pub async fn agents(context: Context<'_>, options: AgentsOptions) -> Result<Exit, Failure> {
    let (offers, broken) = context.host.offers().await?;
    match &options.show {
        Some(show) => {
            let offer = find(&offers, show.id())?;
            match context.form {
                Form::Json => context.output.json(&OfferDetail::of(offer))?,
                Form::Text => context.output.write(&detail(offer))?,
            }
        }
        None => match context.form {
            Form::Json => offers.iter().try_for_each(|offer| context.output.json(offer))?,
            Form::Text => context.output.line(&page(&offers))?,
        },
    }
    // Somebody else's broken file is no reason to fail; keeping silent about it would be worse.
    for faults in broken {
        context.output.diagnose(&faults.rendered());
    }
    Ok(Exit::Done)
}

fn find<'a>(offers: &'a [Offer], name: &str) -> Result<&'a Offer, Failure> {
    offers.iter().find(|offer| offer.name == name).ok_or_else(|| {
        let names: Vec<_> = offers.iter().map(|offer| offer.name.as_str()).collect();
        let next = match nearest(name, names.iter().copied()) {
            Some(close) => format!("did you mean {close}?"),
            None => format!("there are {}", names.join(", ")),
        };
        Failure::usage(format!("no agent or procedure is called {name}")).next(next)
    })
}

fn page(offers: &[Offer]) -> String {
    let row = |offer: &Offer| vec![visible(&offer.name), kind(offer).to_owned(), visible(&offer.description)];
    table(&["NAME", "KIND", "DESCRIPTION"], &offers.iter().map(row).collect::<Vec<_>>())
}

fn detail(offer: &Offer) -> String {
    let tools: Vec<_> = offer.tools.iter().map(|tool| visible(tool)).collect();
    let mut lines = vec![
        format!("{}  ({})", visible(&offer.name), kind(offer)),
        format!("  {}", visible(&offer.description)),
        format!("  source  {}", visible(&offer.source)),
        format!("  tools   {}", tools.join(", ")),
    ];
    lines.extend(offer.model.as_ref().map(|model| format!("  model   {}", visible(model))));
    lines.push(String::new());
    lines.extend(Untrusted::from(offer.text.as_str()).visible_lines().map(|line| line.into_owned()));
    lines.push(String::new());
    lines.join("\n")
}

fn kind(offer: &Offer) -> &'static str {
    match offer.kind {
        OfferKind::Agent => "agent",
        OfferKind::Procedure => "procedure",
    }
}

fn visible(text: &str) -> String {
    Untrusted::from(text).visible().into_owned()
}
