//! The link to pay at, as text and as a QR code.

use super::context::BillingContext;
use crate::console::role::Role;
use crate::console::state::Payment;
use crate::console::view::text::Row;
use crate::console::view::wrap::sentence;
use crate::domain::{QrLines, Untrusted};

/// Lines of the screen that the code cannot have.
const AROUND: usize = 9;

pub(super) fn rows(context: &BillingContext<'_>) -> Vec<Row> {
    let (width, mut rows) = (context.width(), Vec::new());
    match context.payment {
        Payment::Closed => return rows,
        Payment::Asked => rows.push(Row::of(Role::Dim, " Asking Stripe for a link …")),
        Payment::Failed(reason) => {
            let mut row = Row::of(Role::Bad, " ");
            row.push_untrusted(Role::Bad, &Untrusted::from(reason.as_str()));
            rows.push(row.cut(width));
        }
        Payment::Shown(link) => {
            rows.push(Row::section("Pay at Stripe", Row::new(), width));
            let text: Vec<char> = link.0.chars().collect();
            for part in text.chunks(width.max(1)) {
                let mut row = Row::new();
                row.push_untrusted(Role::Code, &Untrusted::from(part.iter().collect::<String>()));
                rows.push(row);
            }
            let said = "Anybody who has this link can use it. It is stored nowhere; esc puts it away.";
            sentence(Role::Dim, said, width, &mut rows);
            rows.extend(code(&link.0, context));
        }
    }
    rows.push(Row::new());
    rows
}

fn code(link: &str, context: &BillingContext<'_>) -> Vec<Row> {
    let Some(code) = QrLines::of(link) else { return Vec::new() };
    if !code.fits(context.width(), usize::from(context.size.height).saturating_sub(AROUND)) {
        let (wide, high) = (code.columns, code.lines.len() + AROUND);
        return vec![Row::of(Role::Dim, format!("Its QR code needs a terminal of {wide}×{high}."))];
    }
    code.lines.into_iter().map(|line| Row::of(Role::Strong, line)).collect()
}
