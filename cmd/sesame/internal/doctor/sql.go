package doctor

import (
	"context"
	"strings"
)

// ask returns the one value that a query selects.
func (p *Patient) ask(ctx context.Context, query string, args ...any) (value string, err error) {
	err = p.Engine.DB.QueryRowContext(ctx, query, args...).Scan(&value)
	return value, err
}

// setting reports on a setting, which is well if ok says so.
func (p *Patient) setting(ctx context.Context, name, query string, ok func(string) bool, bad Level, harm, cure string) {
	value, err := p.ask(ctx, query)
	switch {
	case err != nil:
		p.unseen(name, "", err)
	case ok(value):
		p.add(OK, name, "", "%s", value)
	default:
		p.add(bad, name, cure, "%s: %s", value, harm)
	}
}

func is(want string) func(string) bool { return func(have string) bool { return have == want } }

func isNot(bad string) func(string) bool { return func(have string) bool { return have != bad } }

func (p *Patient) postgres(ctx context.Context) {
	kind, err := p.ask(ctx, "SELECT relpersistence::text FROM pg_class WHERE oid = to_regclass($1)", p.Engine.Name)
	switch {
	case err != nil:
		p.unseen("table", "", err)
	case kind == "u":
		p.add(Problem, "table", "ALTER TABLE "+p.Engine.Name+" SET LOGGED, and PostgreSQL instead of UnloggedPostgreSQL in the program; unless that is meant",
			"unlogged: a crash of the server or a power loss empties it, and logs all users out")
	default:
		p.add(OK, "table", "", "%s is logged", p.Engine.Name)
	}
	p.setting(ctx, "fsync", "SELECT current_setting('fsync')", is("on"), Problem,
		"a power loss may undo log-outs and damage the database", "fsync = on in postgresql.conf")
	p.setting(ctx, "full_page_writes", "SELECT current_setting('full_page_writes')", is("on"), Problem,
		"a power loss may damage the database", "full_page_writes = on in postgresql.conf, unless the file system writes pages whole")
	p.setting(ctx, "synchronous_commit", "SELECT current_setting('synchronous_commit')", isNot("off"), Problem,
		"a crash undoes the last moments, log-outs too", "ALTER ROLE … SET synchronous_commit = on for the program's role, or in postgresql.conf")
	p.setting(ctx, "primary", "SELECT (NOT pg_is_in_recovery())::text", is("true"), Problem,
		"this is a replica, which lags behind and shows sessions that have logged out", "give the address of the primary")
}

func (p *Patient) mysql(ctx context.Context) {
	schema, table, found := strings.Cut(p.Engine.Name, ".")
	if !found {
		schema, table = "", p.Engine.Name
	}
	kind, err := p.ask(ctx, "SELECT engine FROM information_schema.tables WHERE table_schema = coalesce(nullif(?, ''), database()) AND table_name = ?", schema, table)
	switch {
	case err != nil:
		p.unseen("table", "", err)
	case !strings.EqualFold(kind, "InnoDB"):
		p.add(Problem, "table", "ALTER TABLE "+p.Engine.Name+" ENGINE = InnoDB", "%s: a crash may lose or damage sessions", kind)
	default:
		p.add(OK, "table", "", "%s", kind)
	}
	p.setting(ctx, "innodb_flush_log_at_trx_commit", "SELECT @@innodb_flush_log_at_trx_commit", is("1"), Problem,
		"a power loss undoes a second or more, log-outs too", "innodb_flush_log_at_trx_commit = 1 in my.cnf, and SET GLOBAL")
	p.setting(ctx, "innodb_doublewrite", "SELECT @@innodb_doublewrite", func(v string) bool { return v != "0" && !strings.EqualFold(v, "off") }, Problem,
		"a power loss may damage the database", "innodb_doublewrite = ON in my.cnf, unless the file system writes pages whole")
	if logs, err := p.ask(ctx, "SELECT @@log_bin"); err == nil && logs == "1" {
		p.setting(ctx, "sync_binlog", "SELECT @@sync_binlog", is("1"), Problem,
			"with the binary log on, a power loss may undo the last moments, log-outs too", "sync_binlog = 1 in my.cnf, and SET GLOBAL")
	}
	p.setting(ctx, "read_only", "SELECT @@read_only", is("0"), Problem,
		"nothing can be saved: this is a replica, which lags behind, or the server was set so", "give the address of the primary, or SET GLOBAL read_only = 0")
}

func (p *Patient) sqlite(ctx context.Context) {
	p.fileModes("the file and those beside it that end in -wal and -shm", p.Engine.Path, p.Engine.Path+"-wal", p.Engine.Path+"-shm")
	p.setting(ctx, "integrity_check", "PRAGMA integrity_check(1)", is("ok"), Problem,
		"the file, or an index in it, is damaged", "stop the program; REINDEX if an index is; else .recover into a new file, or restore a backup")
	value, err := p.ask(ctx, "PRAGMA synchronous")
	const cure = "open it with sqlstore.OpenSQLite, or add _pragma=synchronous(FULL) to the data source name"
	switch {
	case err != nil:
		p.unseen("synchronous", "", err)
	case !p.Engine.Named:
		p.add(Note, "synchronous", "give the name as the program does, as in sqlite:file:"+p.Engine.Path+"?_pragma=synchronous(FULL)",
			"is a setting of the program's connections, not of the file; OpenSQLite sets FULL, and a program with a data source name of its own may not")
	case value == "2" || value == "3":
		p.add(OK, "synchronous", "", "FULL")
	default:
		p.add(Problem, "synchronous", cure, "%s: a power loss may undo log-outs and renewals", map[string]string{"0": "OFF", "1": "NORMAL"}[value])
	}
	if p.Engine.Named {
		p.setting(ctx, "journal_mode", "PRAGMA journal_mode", is("wal"), Note,
			"loads wait while another process writes", "_pragma=journal_mode(WAL) in the data source name")
	}
}
