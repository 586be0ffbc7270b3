//! The routes of the store's upkeep, and of the people whose data is in it.

use axum::routing::{get, post};

use super::route::{Answer, Route, describe};
use crate::domain::Action;
use crate::server::api::runs::Nothing;
use crate::server::api::{store, subjects};
use crate::shape::{BackupShape, ErasedShape, Pruned, Rebuilt, RowCheck, StoreShape};

pub(super) fn store_routes() -> Vec<Route> {
    vec![
        Route::get(
            "/v1/db",
            "showStore",
            "What the store is, and the backups on the server's disk",
            Answer::Json(describe::<StoreShape>()),
            || get(store::show),
        )
        .needs(Action::Inspect),
        Route::get(
            "/v1/db/check",
            "checkStore",
            "Compare the rows that lists are read from with the log, as a rebuild would compute them",
            Answer::Json(describe::<RowCheck>()),
            || get(store::check),
        )
        .needs(Action::Inspect)
        .takes_long()
        .one_at_a_time()
        .note("Changes nothing. Holds all rows in memory while it runs."),
        Route::post(
            "/v1/db/rebuild",
            "rebuildStore",
            "Compute the rows that lists are read from out of the log again",
            describe::<Nothing>(),
            Answer::Json(describe::<Rebuilt>()),
            || post(store::rebuild),
        )
        .needs(Action::Backup)
        .takes_long()
        .one_at_a_time()
        .note("Holds all rows in memory while it runs; nothing is saved while it writes them, which is the end of it."),
        Route::post(
            "/v1/db/backup",
            "backUpStore",
            "Write a backup to the server's disk, where it stays",
            describe::<Nothing>(),
            Answer::Made(describe::<BackupShape>()),
            || post(store::back_up),
        )
        .needs(Action::Backup)
        .also(&[507])
        .takes_long()
        .one_at_a_time()
        .note(
            "The server chooses the name, in `backups/` in its data directory, and only the server's operator can \
             read it. It cannot be fetched from here: of SQLite it is the whole file, with every tenant in it. It is \
             written to its end even when the connection is lost; `GET /v1/db` lists it then. Without room for it the \
             answer is 507, and nothing of it is left.",
        ),
        Route::post(
            "/v1/db/prune",
            "pruneStore",
            "Remove runs that ended long ago, with their requests and outputs, or say what would be removed",
            describe::<store::Prune>(),
            Answer::Json(describe::<Pruned>()),
            || post(store::prune),
        )
        .needs(Action::Prune)
        .takes_long()
        .one_at_a_time()
        .note(
            "As `morningai db prune`: a log that is not what was written is left alone, outputs stay while somebody \
             works on a run, and the chain still verifies. In Postgres it takes a server that runs as the owner of the \
             schema.",
        ),
    ]
}

pub(super) fn subject_routes() -> Vec<Route> {
    vec![
        Route::get(
            "/v1/subjects/{name}/export",
            "exportSubject",
            "Everything the store holds about a person, one JSON object per line",
            Answer::Lines,
            || get(subjects::export),
        )
        .needs(Action::Export)
        .takes_long()
        .note("An export that is whole ends with a line of kind `end`."),
        Route::post(
            "/v1/subjects/{name}/erase",
            "eraseSubject",
            "Erase a person permanently: account, runs, requests, outputs, and the key to the rest",
            describe::<subjects::Erase>(),
            Answer::Json(describe::<ErasedShape>()),
            || post(subjects::erase),
        )
        .needs(Action::Erase)
        .takes_long()
        .one_at_a_time()
        .note(
            "Only in an encrypted store, once their runs have ended, and with the name repeated in `confirm`. It does \
             not reach backups made before, workspaces and exports.",
        ),
    ]
}
