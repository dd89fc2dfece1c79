//! Puts a copy back.

use std::{collections::BTreeSet, path::Path};

use sqlx::{AssertSqlSafe, Connection as _, PgConnection, raw_sql};

use super::{
    CONTENTS, Contents, Sequence, Table, columns_of, connect, marker::MARKER, quoted, steps,
};
use crate::Error;

/// What is found behind an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct State {
    /// Whether a table has a row.
    pub filled: bool,
    /// Whether the platform has connections to it.
    pub in_use: bool,
}

/// A database that is to hold what a copy holds. In this order: [`Target::clear`]; bring the schema to [`Target::version`] with
/// [`crate::migrate_to`]; [`Target::load`]; bring the schema up to date.
#[derive(Debug)]
pub struct Target {
    connection: PgConnection,
    contents: Contents,
}

impl Target {
    /// Connects, and reads what the copy in a folder holds.
    pub async fn open(address: &str, folder: &Path) -> Result<Self, Error> {
        let contents = std::fs::read(folder.join(CONTENTS)).map_err(Error::value)?;
        let contents = serde_json::from_slice(&contents).map_err(Error::value)?;
        Ok(Self { connection: connect(address).await?, contents })
    }

    /// The version of the schema that the copy was made of.
    pub fn version(&self) -> i64 {
        self.contents.migrations.iter().map(|step| step.version).max().unwrap_or(0)
    }

    /// What is there now.
    pub async fn state(&mut self) -> Result<State, Error> {
        let in_use = sqlx::query_scalar(
            "select exists (select from pg_stat_activity
             where datname = current_database() and application_name = 'ultramarket')",
        );
        let in_use = in_use.fetch_one(&mut self.connection).await?;
        let tables: Vec<String> = sqlx::query_scalar(
            "select relname::text from pg_class where relnamespace = 'public'::regnamespace
             and relkind in ('r', 'p') and relname not in ('_sqlx_migrations', $1)",
        )
        .bind(MARKER)
        .fetch_all(&mut self.connection)
        .await?;
        let mut filled = false;
        for table in tables {
            let look = format!("select exists (select from public.{})", quoted(&table));
            let row: bool =
                sqlx::query_scalar(AssertSqlSafe(look)).fetch_one(&mut self.connection).await?;
            filled |= row;
        }
        Ok(State { filled, in_use })
    }

    /// Removes every table, view, sequence, type and function of ours, with what is in them, but for what [`super::mark`] has noted.
    pub async fn clear(&mut self) -> Result<(), Error> {
        raw_sql(
            "do $$ declare one record; begin
                 for one in select format('%s if exists public.%I', case relkind when 'v' then 'view' when 'm' then 'materialized view'
                         when 'S' then 'sequence' else 'table' end, relname) as name
                     from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'p', 'v', 'm', 'S')
                         and relowner = current_user::regrole and relname <> 'restoring'
                         and not exists (select from pg_depend
                                         where classid = 'pg_class'::regclass and objid = pg_class.oid and deptype in ('e', 'i'))
                     order by relkind = 'S'
                 loop execute format('drop %s cascade', one.name); end loop;
                 for one in select format('public.%I', typname) as name from pg_type left join pg_class on pg_class.oid = typrelid
                     where typnamespace = 'public'::regnamespace and typowner = current_user::regrole
                         and (typtype in ('d', 'e', 'r') or relkind = 'c')
                         and not exists (select from pg_depend where classid = 'pg_type'::regclass and objid = pg_type.oid and deptype = 'e')
                 loop execute format('drop type if exists %s cascade', one.name); end loop;
                 for one in select oid::regprocedure as name from pg_proc
                     where pronamespace = 'public'::regnamespace and proowner = current_user::regrole
                         and not exists (select from pg_depend where classid = 'pg_proc'::regclass and objid = pg_proc.oid and deptype = 'e')
                 loop execute format('drop routine if exists %s cascade', one.name); end loop;
             end $$",
        )
        .execute(&mut self.connection)
        .await?;
        Ok(())
    }

    /// Fills the tables, all or none of them.
    pub async fn load(mut self, folder: &Path) -> Result<(), Error> {
        let there = steps(&mut self.connection).await?;
        if there != self.contents.migrations {
            return Err(Error::value(
                "the schema of the copy was made by other migrations than this program has",
            ));
        }
        let mut transaction = self.connection.begin().await?;
        // Nobody but the owner of a table may fill it past its row-level security, and not even they while it is forced. Triggers
        // did their work when the rows were written first.
        let forced = names(&mut transaction, "relforcerowsecurity").await?;
        let triggered = names(
            &mut transaction,
            "exists (select from pg_trigger where tgrelid = pg_class.oid and not tgisinternal and tgenabled = 'O')",
        )
        .await?;
        alter(&mut transaction, &forced, "no force row level security").await?;
        alter(&mut transaction, &triggered, "disable trigger user").await?;
        for name in parents_first(&mut transaction).await? {
            let table = self.contents.tables.iter().find(|table| table.name == name);
            if let Some(table) = table {
                copy_in(&mut transaction, folder, table).await?;
            }
        }
        for Sequence { name, last, called } in &self.contents.sequences {
            sqlx::query("select setval(to_regclass($1), $2, $3)")
                .bind(format!("public.{}", quoted(name)))
                .bind(last)
                .bind(called)
                .execute(&mut *transaction)
                .await?;
        }
        alter(&mut transaction, &triggered, "enable trigger user").await?;
        alter(&mut transaction, &forced, "force row level security").await?;
        transaction.commit().await?;
        // The planner knows nothing yet of what has come.
        raw_sql("analyze").execute(&mut self.connection).await?;
        self.connection.close().await?;
        Ok(())
    }
}

async fn alter(
    connection: &mut PgConnection,
    tables: &[String],
    action: &str,
) -> Result<(), Error> {
    for table in tables {
        let statement = format!("alter table public.{} {action}", quoted(table));
        raw_sql(AssertSqlSafe(statement)).execute(&mut *connection).await?;
    }
    Ok(())
}

/// Our tables of which this is true.
async fn names(connection: &mut PgConnection, filter: &str) -> Result<Vec<String>, Error> {
    let select = format!(
        "select relname::text from pg_class where relnamespace = 'public'::regnamespace
         and relkind in ('r', 'p') and not relispartition and {filter} order by relname"
    );
    Ok(sqlx::query_scalar(AssertSqlSafe(select)).fetch_all(connection).await?)
}

/// All tables, each after those that its foreign keys lead to.
async fn parents_first(connection: &mut PgConnection) -> Result<Vec<String>, Error> {
    let mut waiting = names(&mut *connection, "true").await?;
    let keys: Vec<(String, String)> = sqlx::query_as(
        "select child.relname::text, parent.relname::text from pg_constraint
         join pg_class child on child.oid = conrelid join pg_class parent on parent.oid = confrelid
         where contype = 'f' and connamespace = 'public'::regnamespace and conrelid <> confrelid",
    )
    .fetch_all(connection)
    .await?;
    let mut order = Vec::with_capacity(waiting.len());
    while !waiting.is_empty() {
        let still: BTreeSet<String> = waiting.iter().cloned().collect();
        let blocked = |name: &String| keys.iter().any(|(c, p)| c == name && still.contains(p));
        let (later, now): (Vec<_>, Vec<_>) = waiting.into_iter().partition(blocked);
        if now.is_empty() {
            return Err(Error::value("the foreign keys lead in a circle"));
        }
        order.extend(now);
        waiting = later;
    }
    Ok(order)
}

async fn copy_in(connection: &mut PgConnection, folder: &Path, table: &Table) -> Result<(), Error> {
    let file = tokio::fs::File::open(folder.join(&table.file)).await.map_err(Error::value)?;
    let statement = format!("copy {} from stdin", columns_of(&table.name, &table.columns));
    let mut copy = connection.copy_in_raw(&statement).await?;
    if let Err(error) = copy.read_from(file).await {
        drop(copy.abort("the copy cannot be read").await);
        return Err(error.into());
    }
    let rows = copy.finish().await?;
    if rows == table.rows {
        return Ok(());
    }
    Err(Error::value(format!("{} has {rows} rows instead of {}", table.name, table.rows)))
}
