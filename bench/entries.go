package bench

import "time"

// Entry is a library on a store.
type Entry struct {
	Lib   string // as in lib=…
	Store string // as in store=…
	Title string // for people
	Open  func(Session, Place) (Site, error)

	Module string // whose version is told
	Keeps  string // how it keeps the struct, and what else must be known
	Floor  bool   // it has no sessions: what the others stand on

	Settles time.Duration // after a session was saved, until reads of it cost what they then do
	// KeepsToken says that the library cannot change the token: after a log-in
	// the old cookie works on.
	KeepsToken bool
}

// Base is the library that the others are compared with: the first of a store.
const Base = "sesame"

// Stores are where sessions are kept, in the order of the report.
var Stores = []string{"memory", "file", "sqlite", "redis", "postgres"}

const (
	scsModule   = "github.com/alexedwards/scs/v2"
	fiberModule = "github.com/gofiber/fiber/v3"
	ginModule   = "github.com/gin-contrib/sessions"
	echoModule  = "github.com/labstack/echo/v5"
	gorilla     = "github.com/gorilla/sessions"

	goredisModule = "github.com/redis/go-redis/v9"

	asGob    = "small: a key for each field; others whole, as a pointer registered with gob; encoding/gob"
	asItself = "the struct itself, msgpack"
	tuned    = "; one connection with a MaxFlushDelay of 100 µs, see docs/STORES.md"
	asPacked = "the struct whole, by a codec of its own over msgpack/v5"
)

// Entries are all that is compared.
var Entries = []Entry{
	{Lib: "bare", Store: "memory", Title: "net/http, no sessions", Open: openBare, Keeps: "nothing", Floor: true},
	{Lib: "gin-bare", Store: "memory", Title: "gin, no sessions", Open: openGinBare, Module: "github.com/gin-gonic/gin", Keeps: "nothing", Floor: true},
	{Lib: "echo-bare", Store: "memory", Title: "echo, no sessions", Open: openEchoBare, Module: echoModule, Keeps: "nothing", Floor: true},
	{Lib: "fiber-bare", Store: "memory", Title: "fiber, no sessions", Open: openFiberBare, Module: fiberModule, Keeps: "nothing", Floor: true},

	{Lib: "sesame", Store: "memory", Title: "sesame", Open: openSesameMemory, Keeps: asItself},
	{Lib: "sesame-gin", Store: "memory", Title: "sesame in gin", Open: openSesameGin, Keeps: asItself},
	{Lib: "sesame-echo", Store: "memory", Title: "sesame in echo", Open: openSesameEcho, Keeps: asItself},
	{Lib: "sesame-fiber", Store: "memory", Title: "sesame in fiber", Open: openSesameFiber, Keeps: asItself},
	{Lib: "scs", Store: "memory", Title: "scs", Open: openSCSMemory, Module: scsModule, Keeps: asGob},
	{Lib: "scs-noidle", Store: "memory", Title: "scs, no idle timeout", Open: openSCSMemoryNoIdle, Module: scsModule, Keeps: asGob + "; sessions end a day after log-in however little they are used"},
	{Lib: "scs-msgpack", Store: "memory", Title: "scs, msgpack codec", Open: openSCSPacked, Module: scsModule, Keeps: asPacked},
	{Lib: "fiber", Store: "memory", Title: "fiber session", Open: openFiberMemory, Module: fiberModule, Keeps: asGob},
	{Lib: "gin", Store: "memory", Title: "gin-contrib/sessions", Open: openGinMemory, Module: ginModule, Keeps: asGob + "; no idle timeout; memstore signs and encodes what it keeps", KeepsToken: true},
	{Lib: "gorilla-cookie", Store: "memory", Title: "gorilla/sessions, in the cookie", Open: openGorillaCookie, Module: gorilla, Keeps: asGob + "; signed, in the cookie itself; no idle timeout; nothing can be revoked", KeepsToken: true},

	{Lib: "sesame", Store: "file", Title: "sesame, logstore", Open: openSesameLog, Keeps: asItself + "; one file, fdatasync before each answer"},
	{Lib: "sesame-dir", Store: "file", Title: "sesame, dirstore", Open: openSesameDir, Keeps: asItself + "; a file per session, fsync of file and directory before each answer"},
	{Lib: "gorilla", Store: "file", Title: "gorilla/sessions, FilesystemStore", Open: openGorillaFiles, Module: gorilla, Keeps: asGob + "; a file per session, never synced to the disk; no idle timeout"},

	{Lib: "sesame", Store: "sqlite", Title: "sesame, sqlstore", Open: openSesameSQLite, Keeps: asItself},
	{Lib: "scs", Store: "sqlite", Title: "scs, sqlite3store", Open: openSCSSQLite, Module: "github.com/alexedwards/scs/sqlite3store", Keeps: asGob},

	{Lib: "sesame", Store: "redis", Title: "sesame, goredis", Open: openSesameGoRedis, Module: goredisModule, Keeps: asItself},
	{Lib: "sesame-rueidis", Store: "redis", Title: "sesame, rueidis", Open: openSesameRueidis, Module: "github.com/redis/rueidis", Keeps: asItself + tuned},
	{Lib: "sesame-cached", Store: "redis", Title: "sesame, rueidis with client-side cache", Open: openSesameCached, Module: "github.com/redis/rueidis", Keeps: asItself + tuned + "; in the program's memory for a second, unless Redis says that it has changed", Settles: cacheFor},
	{Lib: "scs", Store: "redis", Title: "scs, goredisstore", Open: openSCSRedis, Module: "github.com/alexedwards/scs/goredisstore", Keeps: asGob},
	{Lib: "scs-msgpack", Store: "redis", Title: "scs, goredisstore, msgpack codec", Open: openSCSPackedRedis, Module: "github.com/alexedwards/scs/goredisstore", Keeps: asPacked},
	{Lib: "fiber", Store: "redis", Title: "fiber session, storage/redis", Open: openFiberRedis, Module: "github.com/gofiber/storage/redis/v3", Keeps: asGob},
	{Lib: "gin", Store: "redis", Title: "gin-contrib/sessions/redis", Open: openGinRedis, Module: ginModule, Keeps: asGob + "; no idle timeout", KeepsToken: true},
	{Lib: "gorilla", Store: "redis", Title: "gorilla/sessions, boj/redistore", Open: openGorillaRedis, Module: "github.com/boj/redistore", Keeps: asGob + "; no idle timeout"},

	{Lib: "sesame", Store: "postgres", Title: "sesame, sqlstore over pgx", Open: openSesamePostgres, Module: "github.com/jackc/pgx/v5", Keeps: asItself},
	{Lib: "scs", Store: "postgres", Title: "scs, pgxstore", Open: openSCSPostgres, Module: "github.com/alexedwards/scs/pgxstore", Keeps: asGob},
}

// Does says whether the entry is measured with op and s.
func (e Entry) Does(op Op, s Session) bool {
	switch {
	case e.Floor:
		return op == NoCookie || op == Untouched
	case op == Together:
		return s.Parallel()
	case s.IsLarge() && e.inFramework():
		return false
	case s.IsLarge():
		kept := e.Lib != "gorilla-cookie" // a cookie has room for 4 KB
		return kept && e.Store == "memory" && (op == Read || op == Change || op == Create)
	default:
		return true
	}
}

// inFramework says whether the entry differs from sesame's own only by the
// framework around it.
func (e Entry) inFramework() bool {
	switch e.Lib {
	case "sesame-gin", "sesame-echo", "sesame-fiber":
		return true
	}
	return false
}
