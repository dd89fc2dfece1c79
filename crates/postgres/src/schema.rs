//! Whether the tables are those that this program needs, and how they become so.

use std::sync::atomic::{AtomicBool, Ordering};

use sqlx::{
    Connection as _, PgConnection, Row as _, SqlSafeStr as _,
    migrate::{Migration, MigrationType, Migrator},
};

use crate::{Error, Migrations, backup::restoring};

/// Remembers that the schema was found good: tables are never taken away under a program that runs.
#[derive(Debug, Default)]
pub(crate) struct Checked(AtomicBool);

impl Checked {
    pub(crate) async fn check(
        &self,
        connection: &mut PgConnection,
        migrations: Migrations,
    ) -> Result<(), Error> {
        if self.0.load(Ordering::Acquire) {
            return Ok(());
        }
        let wanted = migrations.len();
        let there: bool = sqlx::query_scalar("select to_regclass('_sqlx_migrations') is not null")
            .fetch_one(&mut *connection)
            .await?;
        // Before anything else is said: a copy that is half there may lack any table.
        if let Some(backup) = restoring(connection).await? {
            return Err(Error::Restoring(backup));
        }
        if !there {
            return Err(Error::Outdated);
        }
        let found: Option<i64> =
            sqlx::query_scalar("select max(version) from _sqlx_migrations where success")
                .fetch_one(connection)
                .await?;
        if usize::try_from(found.unwrap_or(0)).unwrap_or(0) < wanted {
            return Err(Error::Outdated);
        }
        self.0.store(true, Ordering::Release);
        Ok(())
    }
}

/// Brings the tables of an address up to date. Safe to run again, and by several at once: they wait for each other.
pub async fn migrate(address: &str, migrations: Migrations) -> Result<(), Error> {
    let (options, _) = crate::options(address)?;
    // A migration may take as long as it takes.
    let options = options.options([("statement_timeout", "0"), ("lock_timeout", "0")]);
    let mut connection = PgConnection::connect_with(&options).await?;
    // A newer program may have gone further; what it added stays.
    let tolerant = Migrator {
        migrations: (1..).zip(migrations).map(|(version, sql)| step(version, sql)).collect(),
        ignore_missing: true,
        ..Migrator::DEFAULT
    };
    tolerant.run_direct(None, &mut connection, false).await?;
    connection.close().await?;
    Ok(())
}

/// The same, but no further than to this version: what an older program has left is put back before the rest is done.
pub async fn migrate_to(address: &str, migrations: Migrations, version: i64) -> Result<(), Error> {
    let steps = usize::try_from(version).unwrap_or(usize::MAX);
    migrate(address, migrations.get(..steps).unwrap_or(migrations)).await
}

/// A step that begins with this comment runs outside a transaction, as the building of an index beside the traffic needs it.
const ALONE: &str = "-- no-transaction";

fn step(version: i64, sql: &'static str) -> Migration {
    let alone = sql.starts_with(ALONE);
    Migration::new(version, "".into(), MigrationType::Simple, sql.into_sql_str(), alone)
}

/// The tables, constraints, domains, indexes and policies of a database as text, one fact a line: to compare two schemas.
pub async fn describe(connection: &mut PgConnection) -> Result<String, Error> {
    let rows = sqlx::query(
        "select line from (
             select format('table %s column %s %s%s%s', c.relname, a.attname, format_type(a.atttypid, a.atttypmod),
                           case when a.attnotnull then ' not null' else '' end,
                           coalesce(' default ' || pg_get_expr(d.adbin, d.adrelid), '')) as line
             from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
             left join pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum
             where c.relkind = 'r' and c.relnamespace = 'public'::regnamespace
             union all
             select format('table %s constraint %s %s', conrelid::regclass, conname, pg_get_constraintdef(oid))
             from pg_constraint where connamespace = 'public'::regnamespace and conrelid <> 0
             union all
             select format('domain %s as %s %s', typname, format_type(typbasetype, typtypmod), pg_get_constraintdef(c.oid))
             from pg_type t join pg_constraint c on c.contypid = t.oid where t.typnamespace = 'public'::regnamespace
             union all
             select 'trigger ' || pg_get_triggerdef(t.oid)
             from pg_trigger t join pg_class c on c.oid = t.tgrelid
             where not t.tgisinternal and c.relnamespace = 'public'::regnamespace
             union all
             select 'index ' || indexdef from pg_indexes where schemaname = 'public'
             union all
             select format('policy %s on %s for %s using %s check %s', policyname, tablename, cmd, qual, with_check)
             from pg_policies where schemaname = 'public'
             union all
             select format('table %s row security%s', relname, case when relforcerowsecurity then ' forced' else '' end)
             from pg_class where relrowsecurity and relnamespace = 'public'::regnamespace
         ) lines
         where line not like '%\\_sqlx\\_migrations%' order by line",
    )
    .fetch_all(connection)
    .await?;
    let mut text = String::new();
    for row in rows {
        text.push_str(row.try_get("line")?);
        text.push('\n');
    }
    Ok(text)
}
