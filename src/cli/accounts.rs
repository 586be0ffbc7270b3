//! `morningai accounts`: who may do what here. A person who can write the store needs no password for this; what they
//! do is in the log under their name, and a name that has an account can do no more than that account may.

use secrecy::ExposeSecret;
use uuid::Uuid;

use super::access_args::{AccountsAction, AccountsOptions};
use super::context::{Context, Form};
use super::exit::Exit;
use super::failure::Failure;
use super::host::{Access, StoreKeeper};
use super::table::table;
use super::{password, time};
use crate::access::people::PeopleError;
use crate::access::{
    Credential, Entropy, Principal, Reach, SystemEntropy, password as rules, people, permission_table, recovery, totp,
};
use crate::domain::{AccountId, AccountName, Actor, Means, Role, nearest};
use crate::ports::{AccessChange, Account, Clock, Standing, SystemClock, TotpSecret};
use crate::shape::{AccountDetail, AccountShape, RoleShape, TotpShape};

pub async fn accounts(mut context: Context<'_>, options: AccountsOptions) -> Result<Exit, Failure> {
    let access = match &options.action {
        Some(AccountsAction::Roles) => return roles(&mut context).map(|()| Exit::Done),
        None | Some(AccountsAction::Show { .. }) => Access::Read,
        Some(_) => Access::Write,
    };
    let store = context.host.store(access).await?;
    let done = match options.action {
        None => list(&mut context, store.as_ref()).await,
        Some(AccountsAction::Show { name }) => show(&mut context, store.as_ref(), &name).await,
        Some(action) => change(&mut context, store.as_ref(), action).await,
    };
    let closed = store.close().await;
    done?;
    closed.map(|()| Exit::Done)
}

fn roles(context: &mut Context<'_>) -> Result<(), Failure> {
    match context.form {
        Form::Text => context.output.write(&permission_table()),
        Form::Json => Role::ALL.into_iter().try_for_each(|role| {
            let actions = crate::access::actions_of(role).collect();
            context.output.json(&RoleShape { role, actions })
        }),
    }
}

async fn list(context: &mut Context<'_>, store: &dyn StoreKeeper) -> Result<(), Failure> {
    let accounts = store.accounts().accounts().await?;
    match context.form {
        Form::Json => accounts.iter().try_for_each(|account| context.output.json(&AccountShape::of(account))),
        Form::Text if accounts.is_empty() => {
            context.output.line("no accounts; `morningai accounts add NAME --role owner` makes the first")
        }
        Form::Text => {
            let row = |account: &Account| {
                let factor = match (&account.secrets.password, &account.secrets.totp) {
                    (None, _) => "tokens only",
                    (Some(_), None) => "password",
                    (Some(_), Some(_)) => "password and code",
                };
                vec![
                    account.name.to_string(),
                    account.role.to_string(),
                    AccountShape::of(account).state.to_owned(),
                    factor.to_owned(),
                    time::shown(account.created_at),
                ]
            };
            let rows: Vec<_> = accounts.iter().map(row).collect();
            context.output.line(&table(&["NAME", "ROLE", "STATE", "SIGNS IN BY", "CREATED"], &rows))
        }
    }
}

async fn show(context: &mut Context<'_>, store: &dyn StoreKeeper, name: &str) -> Result<(), Failure> {
    let account = find(&store.accounts().accounts().await?, name)?;
    let tokens = store.accounts().tokens().await?;
    let detail = AccountDetail::of(&account, &tokens, SystemClock.now());
    match context.form {
        Form::Json => context.output.json(&detail),
        Form::Text => {
            let shape = &detail.account;
            let yes = |is: bool| if is { "set" } else { "none" };
            let mut lines = vec![
                format!("{}  {}, {}", shape.name, shape.role, shape.state),
                format!("  id        {}", shape.id),
                format!("  created   {}", time::shown(shape.created_at)),
                format!("  password  {}", yes(shape.password)),
                format!("  totp      {}, {} recovery codes left", yes(shape.totp), shape.recovery_codes),
            ];
            lines.extend(detail.tokens.iter().map(|token| format!("  token     {}", token.line())));
            context.output.line(&lines.join("\n"))
        }
    }
}

async fn change(context: &mut Context<'_>, store: &dyn StoreKeeper, action: AccountsAction) -> Result<(), Failure> {
    let others = store.accounts().accounts().await?;
    let by = administrator(&context.host.person(), &others)?;
    let now = SystemClock.now();
    if let (Some(billing), AccountsAction::Add { .. } | AccountsAction::Enable { .. }) =
        (context.host.billing(), &action)
    {
        billing.check_users(people::active(&others), now)?;
    }
    let target = |name: &str| find(&others, name);
    let (name, change) = match action {
        AccountsAction::Add { name, role, no_password } => {
            let name = AccountName::parse(&name).map_err(Failure::usage)?;
            // Refused before a password is asked for.
            let new = (AccountId(Uuid::now_v7()), name.clone(), role);
            people::create(&by, new.clone(), None, &others, now)?;
            let kept = if no_password { None } else { Some(new_password(&name)?) };
            (name, people::create(&by, new, kept, &others, now)?)
        }
        AccountsAction::SetRole { name, role } => {
            let target = target(&name)?;
            (target.name.clone(), people::set_role(&by, &target, role, &others, now)?)
        }
        AccountsAction::Disable { name } => {
            let target = target(&name)?;
            (target.name.clone(), people::set_standing(&by, &target, Standing::Disabled, &others, now)?)
        }
        AccountsAction::Enable { name } => {
            let target = target(&name)?;
            (target.name.clone(), people::set_standing(&by, &target, Standing::Active, &others, now)?)
        }
        AccountsAction::Passwd { name } => {
            let target = target(&name)?;
            people::set_password(&by, &target, String::new(), now)?;
            (target.name.clone(), people::set_password(&by, &target, new_password(&target.name)?, now)?)
        }
        AccountsAction::Totp { name, remove: true } => {
            let target = target(&name)?;
            (target.name.clone(), people::remove_totp(&by, &target, now)?)
        }
        AccountsAction::Totp { name, remove: false } => return set_totp(context, store, &by, &target(&name)?).await,
        AccountsAction::Show { .. } | AccountsAction::Roles => return Ok(()),
    };
    commit(store, change).await?;
    let changed = find(&store.accounts().accounts().await?, name.as_str())?;
    match context.form {
        Form::Json => context.output.json(&AccountShape::of(&changed)),
        Form::Text => {
            let state = AccountShape::of(&changed).state;
            context.output.line(&format!("{}: {}, {state}", changed.name, changed.role))
        }
    }
}

async fn set_totp(
    context: &mut Context<'_>,
    store: &dyn StoreKeeper,
    by: &Principal,
    target: &Account,
) -> Result<(), Failure> {
    let entropy = SystemEntropy::new();
    let mut secret = [0; totp::BYTES];
    let mut random = [[0; recovery::BYTES]; recovery::COUNT];
    let drawn = entropy.fill(&mut secret).and_then(|()| random.iter_mut().try_for_each(|code| entropy.fill(code)));
    drawn.map_err(|error| Failure::failed(error.to_string()))?;
    let (codes, kept) = recovery::codes(random);
    let mut totp = TotpSecret { secret: secret.to_vec(), last_step: 0 };
    // Refused before anything is shown.
    people::set_totp(by, target, totp.clone(), kept.clone(), SystemClock.now())?;
    let shape = TotpShape { name: target.name.clone(), uri: totp::uri(&target.name, &secret), recovery_codes: codes };
    match context.form {
        Form::Json => context.output.json(&shape)?,
        Form::Text => context.output.line(&format!(
            "Give this to your authenticator:\n\n  {}\n\nKeep these for the day you lose it; each is good once:\n\n  {}\n",
            shape.uri,
            shape.recovery_codes.join("\n  ")
        ))?,
    }
    if let Some(code) = password::shown("The six digits it shows now: ")? {
        match totp::check(&totp, &code, SystemClock.now()) {
            totp::Code::Right { step } => totp.last_step = step,
            totp::Code::UsedBefore | totp::Code::Wrong => {
                return Err(Failure::failed("the code is not right; nothing was changed")
                    .next("check the clock of the authenticator, and set it up with what is shown next time"));
            }
        }
    }
    commit(store, people::set_totp(by, target, totp, kept, SystemClock.now())?).await?;
    context.output.diagnose(&format!("{} signs in with a code from now on", target.name));
    Ok(())
}

fn new_password(name: &AccountName) -> Result<String, Failure> {
    let given = password::new(name.as_str())?;
    rules::judge(given.expose_secret(), name).map_err(PeopleError::from)?;
    let mut salt = [0; rules::SALT];
    SystemEntropy::new().fill(&mut salt).map_err(|error| Failure::failed(error.to_string()))?;
    Ok(rules::keep(given.expose_secret(), salt).map_err(PeopleError::from)?)
}

pub(super) async fn commit(store: &dyn StoreKeeper, change: AccessChange) -> Result<(), Failure> {
    store.accounts().commit(change).await?;
    Ok(())
}

/// Who does it: the account of that name, or the owner of the store.
pub(super) fn administrator(person: &Actor, accounts: &[Account]) -> Result<Principal, Failure> {
    let name = AccountName::parse(person.name()).map_err(|why| {
        Failure::usage(format!("{:?} cannot change accounts: {why}", person.name())).next("say who you are with `--as`")
    })?;
    let own = accounts.iter().find(|account| account.name == name);
    if own.is_some_and(|account| account.standing == Standing::Disabled) {
        return Err(PeopleError::Disabled(name).into());
    }
    Ok(Principal {
        account: own.map_or(AccountId::NOBODY, |account| account.id),
        role: people::role_at_the_store(own),
        name,
        reach: Reach::Role,
        means: Means::Store,
        credential: Credential::Store,
    })
}

pub(super) fn find(accounts: &[Account], name: &str) -> Result<Account, Failure> {
    let wanted = AccountName::parse(name).map_err(Failure::usage)?;
    accounts.iter().find(|account| account.name == wanted).cloned().ok_or_else(|| {
        let names: Vec<_> = accounts.iter().map(|account| account.name.as_str()).collect();
        let next = match nearest(name, names.iter().copied()) {
            Some(close) => format!("did you mean {close}?"),
            None => "`morningai accounts` lists them".to_owned(),
        };
        Failure::usage(format!("there is no account {wanted}")).next(next)
    })
}

impl From<PeopleError> for Failure {
    fn from(error: PeopleError) -> Self {
        let exit = match &error {
            PeopleError::NotAllowed(_)
            | PeopleError::Oneself
            | PeopleError::TooHigh { .. }
            | PeopleError::BeyondRole { .. }
            | PeopleError::LastOwner(_) => Exit::Refused,
            PeopleError::Weak(_)
            | PeopleError::FirstIsOwner
            | PeopleError::NameTaken(_)
            | PeopleError::Nothing(_)
            | PeopleError::NoPassword(_)
            | PeopleError::Lifetime
            | PeopleError::Unlabelled
            | PeopleError::Disabled(_) => Exit::Usage,
        };
        let hint = error.hint();
        Self::new(exit, error.to_string()).next(hint)
    }
}
