//! What can be typed about kinds that are told by their surfaces.

use crate::kinds::{Form, Surface, VerbDoc};

/// What can be typed about these kinds, a line each.
pub(super) fn help() -> Vec<String> {
    let of_kind = |surface: Surface| {
        let lead = [
            (surface.plural.to_owned(), format!("list {}", surface.plural)),
            (format!("{} show ID", surface.plural), "print one in full".to_owned()),
        ];
        let verbs = surface.verbs().map(move |verb| (usage(&surface, verb), verb.about.to_owned()));
        lead.into_iter().chain(verbs).map(|(typed, does)| format!("{typed:<30} {does}")).collect::<Vec<_>>()
    };
    Surface::all().into_iter().flat_map(of_kind).collect()
}

/// `toys play ID HOW`.
pub(super) fn usage(surface: &Surface, verb: &VerbDoc) -> String {
    let mut words = vec![surface.plural.to_owned(), verb.name.to_owned()];
    words.extend((!verb.begins).then(|| "ID".to_owned()));
    let fields = surface.fields(verb);
    let (required, others): (Vec<_>, Vec<_>) = fields.iter().partition(|field| field.is_required);
    words.extend(others.iter().map(|field| format!("[--{} …]", field.name)));
    words.extend(required.iter().map(|field| match &field.form {
        Form::OneOf(known) => known.join("|"),
        Form::Text | Form::Number | Form::Flag | Form::Id(_) | Form::Json => field.name.to_uppercase(),
    }));
    words.join(" ")
}
